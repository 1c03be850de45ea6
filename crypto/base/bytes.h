/* A view of bytes, the reader that takes outside bytes apart, the buffer that builds them.
 * The reader: endianness is in the name, each read names its field, the first failure sticks (later reads give zero), and
 * rd_finish says once whether all went well and nothing was left over. The buffer is its mirror: born with a ceiling, the
 * first failure sticks. Knows nothing of any format. */
#ifndef CVM_BASE_BYTES_H
#define CVM_BASE_BYTES_H

#include "crypto/base/err.h"
#include "crypto/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed, travels by value. p may be NULL when len is 0. */
struct bytes {
    const uint8_t *p;
    size_t len;
};

#define BYTES(array)  ((struct bytes){(const uint8_t *)(array), sizeof(array)})
#define BYTES_LIT(s)  ((struct bytes){(const uint8_t *)("" s), sizeof(s) - 1})
/* of a sized struct such as struct hash32 (or any object's representation) */
#define BYTES_OF(obj) ((struct bytes){(const uint8_t *)&(obj), sizeof(obj)})

static inline struct bytes bytes_from(const void *p, size_t len)
{
    return (struct bytes){p, len};
}

struct bytes bytes_str(const char *s);
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_is_zero(struct bytes b);
/* The view [from, from + len) of b; empty where it does not fit. */
struct bytes bytes_sub(struct bytes b, size_t from, size_t len);
/* First occurrence of needle at or after from; SIZE_MAX where there is none. */
size_t bytes_find(struct bytes b, struct bytes needle, size_t from);

static inline uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}
static inline uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[1] << 8 | p[0]);
}
static inline uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static inline uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le32(p + 4) << 32 | le32(p);
}

/* --- reader --- */
struct reader {
    struct bytes in;
    size_t pos;
    bool failed;
    /* what went wrong first */
    const char *field;
    size_t want, at, left;
};

struct reader rd_from(struct bytes in);
size_t rd_left(const struct reader *r);
uint8_t rd_u8(struct reader *r, const char *field);
uint16_t rd_u16le(struct reader *r, const char *field);
uint32_t rd_u32le(struct reader *r, const char *field);
uint64_t rd_u64le(struct reader *r, const char *field);
uint16_t rd_u16be(struct reader *r, const char *field);
uint32_t rd_u32be(struct reader *r, const char *field);
uint64_t rd_u64be(struct reader *r, const char *field);
void rd_copy(struct reader *r, void *out, size_t len, const char *field);
void rd_skip(struct reader *r, size_t len, const char *field);
struct hash32 rd_hash32(struct reader *r, const char *field);
/* A view of the next len bytes; empty once failed. */
struct bytes rd_bytes(struct reader *r, size_t len, const char *field);
/* A smaller reader over the next len bytes; failed when this one is. */
struct reader rd_sub(struct reader *r, size_t len, const char *field);
/* A count that was read from the input: refused above max; zero once failed, so that loops fall through. */
size_t rd_count(struct reader *r, uint64_t count, size_t max, const char *field);
struct bytes rd_rest(struct reader *r);
/* True when every read succeeded and nothing is left. ERR_FORMAT otherwise. */
bool rd_finish(const struct reader *r, struct err *err);
/* True when every read so far succeeded; what is left is the caller's business. */
bool rd_ok(const struct reader *r, struct err *err);

/* --- buffer --- */
struct buf {
    uint8_t *p;
    size_t len, cap;
    size_t max; /* ceiling in bytes */
    bool failed;
};

/* An empty buffer that will not grow beyond max bytes. Never fails; memory comes with the first write. */
struct buf buf_new(size_t max);
void buf_done(struct buf *b); /* frees */
void buf_wipe(struct buf *b); /* overwrites, then frees: for secrets */
struct bytes buf_view(const struct buf *b);
/* n writable bytes at the end, already counted in len; NULL once failed. */
uint8_t *buf_extend(struct buf *b, size_t n);
void buf_put(struct buf *b, struct bytes in);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16be(struct buf *b, uint16_t v);
void buf_u32be(struct buf *b, uint32_t v);
void buf_u64be(struct buf *b, uint64_t v);
void buf_u16le(struct buf *b, uint16_t v);
void buf_u32le(struct buf *b, uint32_t v);
void buf_u64le(struct buf *b, uint64_t v);
void buf_zero(struct buf *b, size_t n);
void buf_text(struct buf *b, const char *s); /* without its NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* True when every write succeeded; ERR_NOMEM with the ceiling otherwise. */
bool buf_finish(const struct buf *b, struct err *err);
/* NUL-terminate and hand over as a C string (malloc'd); NULL when the buffer failed. The buffer is empty afterwards. */
char *buf_steal_str(struct buf *b);

#endif
