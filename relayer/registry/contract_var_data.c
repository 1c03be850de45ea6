/* Azure's var data as the contract reads it: a text search, no JSON parser, and a base64 decoder without an opinion.
 * registry-v1 8. */
#include "relayer/registry/contract.h"

#include "crypto/base/auto.h"

/* What stands between this marker and the next quote, at or after *off; *off moves behind the quote. */
static bool quoted(struct bytes *out, size_t *off, struct bytes text, struct bytes marker)
{
    size_t at = bytes_find(text, marker, *off);
    if (at == SIZE_MAX)
        return false;
    size_t end = bytes_find(text, BYTES_LIT("\""), at + marker.len);
    if (end == SIZE_MAX)
        return false;
    *out = bytes_sub(text, at + marker.len, end - at - marker.len);
    *off = end + 1;
    return true;
}

/* Both alphabets, and some neighbours of theirs, for the decoder looks characters up in a table of memory. */
static uint32_t sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' || c == ',' || c == '[' ? 63 : 0;
}

static size_t decoded_length(struct bytes text)
{
    size_t len = text.len / 4 * 3, rest = text.len % 4;
    if (text.len == 0)
        return 0;
    if (rest)
        return len + rest - 1;
    return len - (text.p[text.len - 1] == '=') - (text.p[text.len - 2] == '=');
}

static bool decode(struct bytes *out, struct arena *mem, struct bytes text)
{
    size_t len = decoded_length(text);
    uint8_t *p = arena_alloc(mem, len + 1, 1);
    if (!p)
        return false;
    for (size_t i = 0; i < len; i++) {
        size_t at = i / 3 * 4 + i % 3; /* the byte lies across this character and the next */
        uint32_t two = sextet(text.p[at]) << 6 | (at + 1 < text.len ? sextet(text.p[at + 1]) : 0);
        p[i] = (uint8_t)(two >> (4 - 2 * (i % 3)));
    }
    *out = bytes_from(p, len);
    return true;
}

static void put_integer(struct buf *out, struct bytes n, bool long_form)
{
    bool pad = n.p[0] >= 0x80;
    buf_u8(out, 0x02);
    if (long_form) {
        buf_u8(out, 0x82);
        buf_u16be(out, (uint16_t)(n.len + pad));
    } else {
        buf_u8(out, (uint8_t)(n.len + pad));
    }
    buf_zero(out, pad);
    buf_put(out, n);
}

/* SEQUENCE { n, e } with two length octets for the sequence and for n. */
static bool rsa_der(struct bytes *out, struct arena *mem, struct bytes n, struct bytes e)
{
    AUTO(buf_done) struct buf der = buf_new(1 << 17);
    bool ok = true;
    buf_u8(&der, 0x30);
    buf_u8(&der, 0x82);
    buf_u16be(&der, (uint16_t)(4 + n.len + (n.p[0] >= 0x80) + 2 + e.len + (e.p[0] >= 0x80)));
    put_integer(&der, n, true);
    put_integer(&der, e, false);
    *out = arena_copy(mem, buf_view(&der), &ok);
    return ok && !der.failed;
}

static bool rules_legacy(struct exec *x, struct bytes n, struct bytes e)
{
    if (n.len == 0 || e.len == 0)
        return stop_panic(x, PANIC_INDEX);
    size_t n_len = n.len + (n.p[0] >= 0x80), e_len = e.len + (e.p[0] >= 0x80);
    return (n_len > 0x80 && n_len < 65565 && e_len < 0x80) || stop_string(x, "invalid e or n");
}

bool var_data_key(struct exec *x, struct contract_key *out, struct arena *mem, struct bytes text)
{
    struct bytes kty, e64, n64, e, n, data;
    size_t off = bytes_find(text, BYTES_LIT("\"kid\":\"HCLAkPub\""), 0);
    if (off == SIZE_MAX)
        return stop_string(x, "not found");
    off += sizeof "\"kid\":\"HCLAkPub\"" - 1;
    if (!quoted(&kty, &off, text, BYTES_LIT("\"kty\":\"")) || !bytes_eq(kty, BYTES_LIT("RSA")))
        return stop_string(x, "invalid kty");
    if (!quoted(&e64, &off, text, BYTES_LIT("\"e\":\"")))
        return stop_string(x, "invalid e");
    if (!quoted(&n64, &off, text, BYTES_LIT("\"n\":\"")))
        return stop_string(x, "invalid n");
    if (bytes_find(text, BYTES_LIT("\"kid\":\"HCLEkPub\""), off) == SIZE_MAX)
        return stop_string(x, "data mixed up");
    if (!decode(&n, mem, n64) || !decode(&e, mem, e64))
        return stop_unknown(x, "no memory");
    if (!(x->legacy ? rules_legacy(x, n, e) : rsa_rules(x, n, e)))
        return false;
    if (!rsa_der(&data, mem, n, e))
        return stop_unknown(x, "no memory");
    *out = (struct contract_key){.algo = ALG_RSA, .scheme = ALG_RSASSA, .hash_algo = ALG_SHA256, .data = data};
    return true;
}
