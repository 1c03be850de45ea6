#include "crypto/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct bytes bytes_str(const char *s)
{
    return bytes_from(s, strlen(s));
}

bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool bytes_is_zero(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.p[i])
            return false;
    return true;
}

struct bytes bytes_sub(struct bytes b, size_t from, size_t len)
{
    if (from > b.len || len > b.len - from)
        return (struct bytes){0};
    return bytes_from(b.p ? b.p + from : NULL, len);
}

size_t bytes_find(struct bytes b, struct bytes needle, size_t from)
{
    if (from > b.len || needle.len > b.len - from)
        return SIZE_MAX;
    if (needle.len == 0)
        return from;
    const uint8_t *hit = memmem(b.p + from, b.len - from, needle.p, needle.len);
    return hit ? (size_t)(hit - b.p) : SIZE_MAX;
}

/* --- reader --- */

struct reader rd_from(struct bytes in)
{
    return (struct reader){.in = in};
}

size_t rd_left(const struct reader *r)
{
    return r->failed ? 0 : r->in.len - r->pos;
}

static void rd_fail(struct reader *r, size_t want, const char *field)
{
    if (r->failed)
        return;
    r->failed = true;
    r->field = field;
    r->want = want;
    r->at = r->pos;
    r->left = r->in.len - r->pos;
}

static const uint8_t *rd_take(struct reader *r, size_t len, const char *field)
{
    static const uint8_t none;
    if (r->failed || len > r->in.len - r->pos) {
        rd_fail(r, len, field);
        return NULL;
    }
    const uint8_t *p = r->in.p ? r->in.p + r->pos : &none;
    r->pos += len;
    return p;
}

#define RD_INT(name, type, size, get)                                                                                  \
    type name(struct reader *r, const char *field)                                                                     \
    {                                                                                                                  \
        const uint8_t *p = rd_take(r, size, field);                                                                    \
        return p ? get : 0;                                                                                            \
    }
RD_INT(rd_u8, uint8_t, 1, p[0])
RD_INT(rd_u16le, uint16_t, 2, le16(p))
RD_INT(rd_u32le, uint32_t, 4, le32(p))
RD_INT(rd_u64le, uint64_t, 8, le64(p))
RD_INT(rd_u16be, uint16_t, 2, be16(p))
RD_INT(rd_u32be, uint32_t, 4, be32(p))
RD_INT(rd_u64be, uint64_t, 8, be64(p))
#undef RD_INT

void rd_copy(struct reader *r, void *out, size_t len, const char *field)
{
    const uint8_t *p = rd_take(r, len, field);
    if (p)
        memcpy(out, p, len);
    else
        memset(out, 0, len);
}

void rd_skip(struct reader *r, size_t len, const char *field)
{
    rd_take(r, len, field);
}

struct hash32 rd_hash32(struct reader *r, const char *field)
{
    struct hash32 h;
    rd_copy(r, h.b, sizeof h.b, field);
    return h;
}

struct bytes rd_bytes(struct reader *r, size_t len, const char *field)
{
    const uint8_t *p = rd_take(r, len, field);
    return p ? bytes_from(p, len) : (struct bytes){0};
}

struct reader rd_sub(struct reader *r, size_t len, const char *field)
{
    struct reader sub = rd_from(rd_bytes(r, len, field));
    if (r->failed) {
        sub.failed = true;
        sub.field = r->field;
        sub.want = r->want;
        sub.at = r->at;
        sub.left = r->left;
    }
    return sub;
}

size_t rd_count(struct reader *r, uint64_t count, size_t max, const char *field)
{
    if (r->failed)
        return 0;
    if (count > max) {
        rd_fail(r, max, field);
        r->left = SIZE_MAX; /* marks a count, see rd_ok */
        return 0;
    }
    return (size_t)count;
}

struct bytes rd_rest(struct reader *r)
{
    return rd_bytes(r, rd_left(r), "rest");
}

bool rd_ok(const struct reader *r, struct err *err)
{
    if (!r->failed)
        return true;
    if (r->left == SIZE_MAX)
        return err_set(err, ERR_FORMAT, "%s: more than %zu at offset %zu", r->field, r->want, r->at);
    return err_set(err, ERR_FORMAT, "%s: want %zu bytes at offset %zu, %zu left", r->field, r->want, r->at, r->left);
}

bool rd_finish(const struct reader *r, struct err *err)
{
    if (!rd_ok(r, err))
        return false;
    if (r->pos != r->in.len)
        return err_set(err, ERR_FORMAT, "%zu bytes left over at offset %zu", r->in.len - r->pos, r->pos);
    return true;
}

/* --- buffer --- */

struct buf buf_new(size_t max)
{
    return (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_wipe(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    buf_done(b);
}

struct bytes buf_view(const struct buf *b)
{
    return bytes_from(b->p, b->len);
}

static bool buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || n > b->max || b->len > b->max - n)
        return false;
    if (n <= b->cap - b->len)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len < n)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    /* malloc, copy, wipe: realloc could leave a secret behind in freed memory */
    uint8_t *p = malloc(cap);
    if (!p)
        return false;
    if (b->p) {
        memcpy(p, b->p, b->len);
        explicit_bzero(b->p, b->len);
        free(b->p);
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
    if (!buf_reserve(b, n)) {
        b->failed = true;
        return NULL;
    }
    uint8_t *p = n ? b->p + b->len : b->p; /* an empty buffer has no memory to point into */
    b->len += n;
    return p;
}

void buf_put(struct buf *b, struct bytes in)
{
    if (in.len == 0)
        return;
    uint8_t *p = buf_extend(b, in.len);
    if (p)
        memcpy(p, in.p, in.len);
}

void buf_u8(struct buf *b, uint8_t v)
{
    buf_put(b, bytes_from(&v, 1));
}

static void put_be(struct buf *b, uint64_t v, size_t size)
{
    uint8_t t[8];
    for (size_t i = 0; i < size; i++)
        t[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
    buf_put(b, bytes_from(t, size));
}

static void put_le(struct buf *b, uint64_t v, size_t size)
{
    uint8_t t[8];
    for (size_t i = 0; i < size; i++)
        t[i] = (uint8_t)(v >> (8 * i));
    buf_put(b, bytes_from(t, size));
}

void buf_u16be(struct buf *b, uint16_t v)
{
    put_be(b, v, 2);
}

void buf_u32be(struct buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void buf_u64be(struct buf *b, uint64_t v)
{
    put_be(b, v, 8);
}

void buf_u16le(struct buf *b, uint16_t v)
{
    put_le(b, v, 2);
}

void buf_u32le(struct buf *b, uint32_t v)
{
    put_le(b, v, 4);
}

void buf_u64le(struct buf *b, uint64_t v)
{
    put_le(b, v, 8);
}

void buf_zero(struct buf *b, size_t n)
{
    uint8_t *p = buf_extend(b, n);
    if (p)
        memset(p, 0, n);
}

void buf_text(struct buf *b, const char *s)
{
    buf_put(b, bytes_str(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    /* one byte more than the text, for vsnprintf's NUL, given back at once */
    uint8_t *p = n < 0 ? NULL : buf_extend(b, (size_t)n + 1);
    if (p) {
        vsnprintf((char *)p, (size_t)n + 1, fmt, again);
        b->len--;
    } else {
        b->failed = true;
    }
    va_end(again);
}

bool buf_finish(const struct buf *b, struct err *err)
{
    if (b->failed)
        return err_set(err, ERR_NOMEM, "output: no memory, or more than %zu bytes", b->max);
    return true;
}

char *buf_steal_str(struct buf *b)
{
    b->max = b->max == SIZE_MAX ? SIZE_MAX : b->max + 1; /* the NUL is not counted in the ceiling */
    buf_u8(b, 0);
    char *s = b->failed ? NULL : (char *)b->p;
    if (s)
        *b = (struct buf){0};
    else
        buf_done(b);
    return s;
}
