#include "crypto/pem.h"

#include "crypto/base/auto.h"
#include "crypto/base/der.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

void der_list_done(struct der_list *list)
{
    free(list->item);
    free(list->mem);
    *list = (struct der_list){0};
}

/* An empty list with room for the blobs that in can hold: each takes 2 bytes or more. */
static bool list_new(struct der_list *out, struct bytes in, size_t max, struct err *err)
{
    size_t room = in.len / 2 + 1;
    *out = (struct der_list){.item = calloc(room < max ? room : max, sizeof(struct bytes)), .mem = malloc(in.len + 1)};
    return (out->item && out->mem) || err_set(err, ERR_NOMEM, "no memory for %zu bytes of DER", in.len);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Base64 of one block, white space taken out, appended to out. */
static bool decode_body(struct buf *out, struct bytes body, struct err *err)
{
    struct buf text = buf_new(body.len);
    uint8_t *p = buf_extend(&text, body.len);
    if (p) {
        text.len = 0;
        for (size_t i = 0; i < body.len; i++)
            if (!is_space(body.p[i]))
                p[text.len++] = body.p[i];
    }
    bool ok = buf_finish(&text, err) && base64_decode(out, buf_view(&text), err);
    buf_done(&text);
    return ok;
}

bool pem_parse(struct der_list *out, struct bytes text, const char *label, size_t max, struct err *err)
{
    char begin[64], end[64];
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    snprintf(end, sizeof end, "-----END %s-----", label);
    AUTO(der_list_done) struct der_list list = {0};
    if (!list_new(&list, text, max, err))
        return false;
    size_t used = 0, pos = 0;
    while ((pos = bytes_find(text, bytes_str(begin), pos)) != SIZE_MAX) {
        size_t from = pos + strlen(begin), to = bytes_find(text, bytes_str(end), from);
        if (to == SIZE_MAX)
            return err_set(err, ERR_FORMAT, "PEM: block %zu of %s has no end", list.count + 1, label);
        if (list.count == max)
            return err_set(err, ERR_FORMAT, "PEM: more than %zu of %s", max, label);
        AUTO(buf_done) struct buf der = buf_new(text.len);
        if (!decode_body(&der, bytes_sub(text, from, to - from), err))
            return err_wrap(err, "PEM: block %zu of %s", list.count + 1, label);
        if (der.len == 0)
            return err_set(err, ERR_FORMAT, "PEM: block %zu of %s is empty", list.count + 1, label);
        memcpy(list.mem + used, der.p, der.len); /* base64 decodes to less than it takes, so it all fits */
        list.item[list.count++] = bytes_from(list.mem + used, der.len);
        used += der.len;
        pos = to + strlen(end);
    }
    *out = list;
    list = (struct der_list){0};
    return true;
}

/* Elements one after the other, zeros behind the last. */
static bool der_run(struct der_list *out, struct bytes in, size_t max, struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    if (!list_new(&list, in, max, err))
        return false;
    memcpy(list.mem, in.p, in.len);
    struct bytes rest = bytes_from(list.mem, in.len);
    while (rest.len > 0 && !(list.count > 0 && bytes_is_zero(rest))) {
        size_t len = rest.p[0] == DER_SEQUENCE ? der_element_len(rest) : 0;
        if (len == 0)
            return err_set(err, ERR_FORMAT, "DER: no whole SEQUENCE at offset %zu", in.len - rest.len);
        if (list.count == max)
            return err_set(err, ERR_FORMAT, "DER: more than %zu elements", max);
        list.item[list.count++] = bytes_sub(rest, 0, len);
        rest = bytes_sub(rest, len, rest.len - len);
    }
    *out = list;
    list = (struct der_list){0};
    return true;
}

static struct bytes trimmed(struct bytes in)
{
    while (in.len > 0 && is_space(in.p[0]))
        in = bytes_sub(in, 1, in.len - 1);
    while (in.len > 0 && (is_space(in.p[in.len - 1]) || in.p[in.len - 1] == 0))
        in.len--;
    return in;
}

/* "0x3.." is hex, though its first byte is that of a SEQUENCE: no certificate or CRL has '3' as its third byte. */
static bool has_hex_prefix(struct bytes in)
{
    return in.len > 2 && in.p[0] == '0' && (in.p[1] | 0x20) == 'x' && in.p[2] == '3';
}

bool der_list_parse(struct der_list *out, struct bytes in, const char *label, size_t max, struct err *err)
{
    if (in.len > 0 && in.p[0] == DER_SEQUENCE && !has_hex_prefix(in))
        return der_run(out, in, max, err);
    if (bytes_find(in, BYTES_LIT("-----BEGIN "), 0) != SIZE_MAX) {
        AUTO(der_list_done) struct der_list list = {0};
        if (!pem_parse(&list, in, label, max, err))
            return false;
        if (list.count == 0)
            return err_set(err, ERR_FORMAT, "PEM: no block of %s", label);
        *out = list;
        list = (struct der_list){0};
        return true;
    }
    AUTO(buf_done) struct buf der = buf_new(in.len);
    if (!hex_decode(&der, trimmed(in), NULL) || der.len == 0)
        return err_set(err, ERR_FORMAT, "neither PEM nor DER nor hex of DER");
    return der_run(out, buf_view(&der), max, err);
}

void pem_encode(struct buf *out, const char *label, struct bytes der)
{
    struct buf text = buf_new(der.len / 3 * 4 + 8);
    base64_encode(&text, der);
    out->failed |= text.failed;
    buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.len; at += 64) {
        size_t n = text.len - at < 64 ? text.len - at : 64;
        buf_put(out, bytes_sub(buf_view(&text), at, n));
        buf_u8(out, '\n');
    }
    buf_printf(out, "-----END %s-----\n", label);
    buf_done(&text);
}
