#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

static const char hex_digits[] = "0123456789abcdef";

char *hex_encode(char *out, struct bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        out[2 * i] = hex_digits[in.p[i] >> 4];
        out[2 * i + 1] = hex_digits[in.p[i] & 15];
    }
    out[2 * in.len] = '\0';
    return out;
}

static char *hex_prefixed(const char *prefix, struct bytes in)
{
    size_t skip = strlen(prefix);
    char *s = malloc(skip + 2 * in.len + 1);
    if (!s)
        return NULL;
    memcpy(s, prefix, skip);
    hex_encode(s + skip, in);
    return s;
}

char *hex_0x(struct bytes in)
{
    return hex_prefixed("0x", in);
}

char *hex_plain(struct bytes in)
{
    return hex_prefixed("", in);
}

void buf_hex(struct buf *b, struct bytes in)
{
    uint8_t *p = buf_extend(b, 2 * in.len);
    for (size_t i = 0; p && i < in.len; i++) {
        *p++ = (uint8_t)hex_digits[in.p[i] >> 4];
        *p++ = (uint8_t)hex_digits[in.p[i] & 15];
    }
}

/* -1: no hex digit. From a table that holds one more than the value: quotes arrive as hex. */
static int hex_value(uint8_t c)
{
    static const uint8_t plus_one[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return plus_one[c] - 1;
}

static struct bytes hex_body(struct bytes text)
{
    if (text.len >= 2 && text.p[0] == '0' && (text.p[1] == 'x' || text.p[1] == 'X'))
        return bytes_sub(text, 2, text.len - 2);
    return text;
}

/* out must hold half of hex.len */
static bool hex_into(uint8_t *out, struct bytes hex, struct err *err)
{
    for (size_t i = 0; i < hex.len; i += 2) {
        int hi = hex_value(hex.p[i]), lo = hex_value(hex.p[i + 1]);
        if (hi < 0 || lo < 0)
            return err_set(err, ERR_FORMAT, "hex: stray character at position %zu", hi < 0 ? i : i + 1);
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

bool hex_decode(struct buf *out, struct bytes text, struct err *err)
{
    struct bytes hex = hex_body(text);
    if (hex.len % 2)
        return err_set(err, ERR_FORMAT, "hex: odd number of digits (%zu)", hex.len);
    size_t before = out->len;
    uint8_t *p = buf_extend(out, hex.len / 2);
    if (!p)
        return buf_finish(out, err);
    if (hex_into(p, hex, err))
        return true;
    out->len = before;
    return false;
}

bool hex_decode_fixed(void *out, size_t len, struct bytes text, struct err *err)
{
    struct bytes hex = hex_body(text);
    if (hex.len != 2 * len)
        return err_set(err, ERR_FORMAT, "hex: want %zu digits, have %zu", 2 * len, hex.len);
    struct err local;
    for (size_t i = 0; i < hex.len; i++)
        if (hex_value(hex.p[i]) < 0)
            return err_set(err, ERR_FORMAT, "hex: stray character at position %zu", i);
    return hex_into(out, hex, &local);
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct bytes in)
{
    uint8_t *p = buf_extend(out, (in.len + 2) / 3 * 4);
    for (size_t i = 0; p && i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t v = (uint32_t)in.p[i] << 16 | (n > 1 ? (uint32_t)in.p[i + 1] << 8 : 0) | (n > 2 ? in.p[i + 2] : 0);
        *p++ = (uint8_t)base64_alphabet[v >> 18];
        *p++ = (uint8_t)base64_alphabet[v >> 12 & 63];
        *p++ = (uint8_t)(n > 1 ? base64_alphabet[v >> 6 & 63] : '=');
        *p++ = (uint8_t)(n > 2 ? base64_alphabet[v & 63] : '=');
    }
}

/* Value of each character in both alphabets (+ and - are 62, / and _ are 63); 0xff where it is in neither. Certificates and
 * evidence arrive as base64, so this is read from a table. */
static const uint8_t base64_values[256] = {
#define NO8 255, 255, 255, 255, 255, 255, 255, 255
    NO8, NO8, NO8, NO8, NO8,
    255, 255, 255, 62, 255, 62, 255, 63, /* + - / */
    52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, 255, 255, 255, 255, 255, 255,
    255, 0, 1, 2, 3, 4, 5, 6,
    7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 255, 255, 255, 255, 63, /* _ */
    255, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 255, 255, 255, 255, 255,
    NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8,
#undef NO8
};

static bool base64_stray(uint8_t c, bool url)
{
    return base64_values[c] == 255 || (url ? c == '+' || c == '/' : c == '-' || c == '_');
}

/* text holds no padding any more */
static bool base64_body(struct buf *out, struct bytes text, bool url, struct err *err)
{
    if (text.len % 4 == 1)
        return err_set(err, ERR_FORMAT, "base64: a lone last character");
    for (size_t i = 0; i < text.len; i++)
        if (base64_stray(text.p[i], url))
            return err_set(err, ERR_FORMAT, "base64: stray character at position %zu", i);
    size_t before = out->len;
    uint8_t *p = buf_extend(out, text.len / 4 * 3 + text.len % 4 * 3 / 4);
    uint32_t acc = 0;
    for (size_t i = 0; p && i < text.len; i++) {
        acc = acc << 6 | base64_values[text.p[i]];
        if (i % 4)
            *p++ = (uint8_t)(acc >> (6 - 2 * (i % 4)));
    }
    unsigned unused = text.len % 4 == 2 ? 4 : text.len % 4 == 3 ? 2 : 0;
    if (acc & ((1u << unused) - 1)) {
        out->len = before;
        return err_set(err, ERR_FORMAT, "base64: unused bits of the last character are not zero");
    }
    return buf_finish(out, err);
}

bool base64_decode(struct buf *out, struct bytes text, struct err *err)
{
    if (text.len % 4)
        return err_set(err, ERR_FORMAT, "base64: length %zu is no multiple of 4", text.len);
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.p[text.len - 1 - pad] == '=')
        pad++;
    return base64_body(out, bytes_sub(text, 0, text.len - pad), false, err);
}

bool base64url_decode(struct buf *out, struct bytes text, struct err *err)
{
    return base64_body(out, text, true, err);
}

bool u64_parse(uint64_t *out, struct bytes text, uint64_t max, struct err *err)
{
    if (text.len == 0 || (text.len > 1 && text.p[0] == '0'))
        return err_set(err, ERR_FORMAT, "want a decimal number without leading zeros");
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return err_set(err, ERR_FORMAT, "want a decimal number, have a stray character at position %zu", i);
        unsigned d = (unsigned)(text.p[i] - '0');
        if (v > (max - d) / 10 || d > max)
            return err_set(err, ERR_FORMAT, "number above %llu", (unsigned long long)max);
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

int time_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
    /* days since 0000-03-01, so that the leap day ends a year */
    int64_t y = year - (month <= 2);
    int64_t m = month > 2 ? month - 3 : month + 9;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1;
    return (era * 146097 + doe - 719468) * 86400 + hour * 3600 + minute * 60 + second;
}

static bool two_digits(int *out, const uint8_t *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* the offset part: "Z", or "+hh:mm" */
static bool zone_parse(int64_t *offset_s, struct bytes z)
{
    *offset_s = 0;
    if (z.len == 1 && (z.p[0] == 'Z' || z.p[0] == 'z'))
        return true;
    int h, m;
    if (z.len != 6 || (z.p[0] != '+' && z.p[0] != '-') || z.p[3] != ':' || !two_digits(&h, z.p + 1) ||
        !two_digits(&m, z.p + 4) || h > 23 || m > 59)
        return false;
    *offset_s = (z.p[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
    return true;
}

static bool rfc3339_parse(int64_t *out_s, struct bytes t)
{
    int c, y, mo, d, h, mi, s;
    if (t.len < 20 || !two_digits(&c, t.p) || !two_digits(&y, t.p + 2) || t.p[4] != '-' || !two_digits(&mo, t.p + 5) ||
        t.p[7] != '-' || !two_digits(&d, t.p + 8) || (t.p[10] != 'T' && t.p[10] != 't' && t.p[10] != ' ') ||
        !two_digits(&h, t.p + 11) || t.p[13] != ':' || !two_digits(&mi, t.p + 14) || t.p[16] != ':' ||
        !two_digits(&s, t.p + 17))
        return false;
    y += c * 100;
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > time_days_in_month(y, mo) || h > 23 || mi > 59 || s > 59)
        return false;
    size_t at = 19;
    if (t.p[at] == '.') {
        at++;
        size_t from = at;
        while (at < t.len && t.p[at] >= '0' && t.p[at] <= '9')
            at++;
        if (at == from)
            return false;
    }
    int64_t offset_s;
    if (!zone_parse(&offset_s, bytes_sub(t, at, t.len - at)))
        return false;
    int64_t at_s = time_from_civil(y, mo, d, h, mi, s) - offset_s;
    if (at_s < 0)
        return false;
    *out_s = at_s;
    return true;
}

bool time_parse(int64_t *out_s, struct bytes text, struct err *err)
{
    uint64_t v;
    const uint64_t max = 253402300799; /* 9999-12-31T23:59:59Z */
    if (u64_parse(&v, text, max, NULL)) {
        *out_s = (int64_t)v;
        return true;
    }
    if (rfc3339_parse(out_s, text))
        return true;
    return err_set(err, ERR_FORMAT, "time '%.*s': want unix seconds or 2026-01-31T12:00:00Z",
                   (int)(text.len < 40 ? text.len : 40), (const char *)text.p);
}

char *time_format(char out[static 21], int64_t t_s)
{
    int64_t days = t_s >= 0 ? t_s / 86400 : -((86399 - t_s) / 86400);
    int64_t rest = t_s - days * 86400;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    snprintf(out, 21, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(year % 10000), (unsigned)(month % 100),
             (unsigned)(day % 100), (unsigned)(rest / 3600 % 100), (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
    return out;
}
