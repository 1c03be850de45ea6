#include "crypto/base/der.h"

#include "crypto/base/text.h"

struct der der_from(struct bytes in)
{
    return (struct der){.in = in};
}

bool der_more(const struct der *d)
{
    return !d->failed && d->pos < d->in.len;
}

int der_peek(const struct der *d)
{
    return der_more(d) ? d->in.p[d->pos] : -1;
}

void der_fail(struct der *d, const char *field, const char *why)
{
    if (d->failed)
        return;
    d->failed = true;
    d->field = field;
    d->why = why;
    d->at = d->pos;
}

/* Header of the element at p: its length and that of its contents. NULL when fine, else what is wrong. */
static const char *header(struct bytes in, size_t *head_len, size_t *content_len)
{
    if (in.len < 2)
        return "cut short";
    if ((in.p[0] & 0x1f) == 0x1f)
        return "tag of several bytes";
    size_t len = in.p[1], head = 2;
    if (len == 0x80)
        return "indefinite length";
    if (len > 0x80) {
        size_t n = len & 0x7f;
        if (n > 4)
            return "length of more than 4 bytes";
        if (in.len < 2 + n)
            return "cut short";
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | in.p[2 + i];
        if (len < 0x80 || in.p[2] == 0)
            return "length not minimal";
        head += n;
    }
    if (len > in.len - head)
        return "longer than what holds it";
    *head_len = head;
    *content_len = len;
    return NULL;
}

static struct bytes take(struct der *d, int tag, const char *field, bool whole)
{
    if (d->failed)
        return (struct bytes){0};
    if (d->pos == d->in.len) {
        der_fail(d, field, "missing");
        return (struct bytes){0};
    }
    struct bytes rest = bytes_sub(d->in, d->pos, d->in.len - d->pos);
    size_t head, len;
    const char *why = header(rest, &head, &len);
    if (!why && tag >= 0 && rest.p[0] != tag)
        why = "another tag";
    if (why) {
        der_fail(d, field, why);
        return (struct bytes){0};
    }
    d->pos += head + len;
    return whole ? bytes_sub(rest, 0, head + len) : bytes_sub(rest, head, len);
}

struct bytes der_take(struct der *d, int tag, const char *field)
{
    return take(d, tag, field, false);
}

struct bytes der_raw(struct der *d, int tag, const char *field)
{
    return take(d, tag, field, true);
}

struct der der_enter(struct der *d, int tag, const char *field)
{
    struct der sub = der_from(der_take(d, tag, field));
    if (d->failed)
        der_fail(&sub, d->field, d->why);
    return sub;
}

bool der_optional(struct der *d, int tag, struct bytes *contents)
{
    if (der_peek(d) != tag)
        return false;
    struct bytes c = der_take(d, tag, "optional element");
    if (d->failed)
        return false;
    *contents = c;
    return true;
}

struct bytes der_uint(struct der *d, size_t max_len, const char *field)
{
    struct bytes v = der_take(d, DER_INTEGER, field);
    if (d->failed)
        return v;
    const char *why = NULL;
    if (v.len == 0)
        why = "empty number";
    else if (v.p[0] & 0x80)
        why = "negative number";
    else if (v.len > 1 && v.p[0] == 0 && !(v.p[1] & 0x80))
        why = "number not minimal";
    else if (v.len > 1 && v.p[0] == 0)
        v = bytes_sub(v, 1, v.len - 1);
    if (!why && v.len > max_len)
        why = "number too large";
    if (why) {
        der_fail(d, field, why);
        return (struct bytes){0};
    }
    return v;
}

uint64_t der_u64(struct der *d, const char *field)
{
    struct bytes b = der_uint(d, 8, field);
    uint64_t v = 0;
    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.p[i];
    return v;
}

bool der_bool(struct der *d, const char *field)
{
    struct bytes v = der_take(d, DER_BOOLEAN, field);
    if (d->failed)
        return false;
    if (v.len != 1 || (v.p[0] != 0 && v.p[0] != 0xff)) {
        der_fail(d, field, "neither true (ff) nor false (00)");
        return false;
    }
    return v.p[0] == 0xff;
}

struct bytes der_bits(struct der *d, const char *field)
{
    struct bytes v = der_take(d, DER_BIT_STRING, field);
    if (d->failed)
        return v;
    if (v.len == 0 || v.p[0] != 0) {
        der_fail(d, field, "bit string with unused bits");
        return (struct bytes){0};
    }
    return bytes_sub(v, 1, v.len - 1);
}

static bool digits(struct bytes t, size_t at, size_t n, int *out)
{
    int v = 0;
    for (size_t i = at; i < at + n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (t.p[i] - '0');
    }
    *out = v;
    return true;
}

int64_t der_time(struct der *d, const char *field)
{
    int tag = der_peek(d);
    size_t year_digits = tag == DER_UTC_TIME ? 2 : 4;
    if (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) {
        der_fail(d, field, "no time");
        return 0;
    }
    struct bytes t = der_take(d, tag, field);
    if (d->failed)
        return 0;
    int y = 0, mo = 0, da = 0, h = 0, mi = 0, s = 0;
    size_t n = year_digits;
    bool good = t.len == n + 11 && t.p[n + 10] == 'Z' && digits(t, 0, n, &y) && digits(t, n, 2, &mo) &&
                digits(t, n + 2, 2, &da) && digits(t, n + 4, 2, &h) && digits(t, n + 6, 2, &mi) &&
                digits(t, n + 8, 2, &s) && mo >= 1 && mo <= 12 && h < 24 && mi < 60 && s < 60;
    if (tag == DER_UTC_TIME)
        y += y < 50 ? 2000 : 1900;
    if (!good || da < 1 || da > time_days_in_month(y, mo)) {
        der_fail(d, field, "time not as RFC 5280 wants it");
        return 0;
    }
    return time_from_civil(y, mo, da, h, mi, s);
}

bool der_ok(const struct der *d, struct err *err)
{
    if (d->failed)
        return err_set(err, ERR_FORMAT, "%s: %s (offset %zu)", d->field, d->why, d->at);
    return true;
}

bool der_finish(const struct der *d, struct err *err)
{
    if (!der_ok(d, err))
        return false;
    if (d->pos != d->in.len)
        return err_set(err, ERR_FORMAT, "%zu bytes left over at offset %zu", d->in.len - d->pos, d->pos);
    return true;
}

size_t der_element_len(struct bytes in)
{
    size_t head, len;
    return header(in, &head, &len) ? 0 : head + len;
}
