#include "abi/rlp.h"

#define STRING_HEAD 0x80
#define LIST_HEAD   0xc0
#define SHORT_MAX   55 /* longest contents whose length stands in the head byte */

/* --- writer --- */

static void put_head(struct buf *out, uint8_t kind, size_t len)
{
    if (len <= SHORT_MAX) {
        buf_u8(out, (uint8_t)(kind + len));
        return;
    }
    uint8_t be[32];
    size_t n = u256_to_min_be(be, u256_from(len));
    buf_u8(out, (uint8_t)(kind + SHORT_MAX + n));
    buf_put(out, bytes_from(be, n));
}

void rlp_put_bytes(struct buf *out, struct bytes in)
{
    if (in.len != 1 || in.p[0] >= STRING_HEAD)
        put_head(out, STRING_HEAD, in.len);
    buf_put(out, in);
}

void rlp_put_uint(struct buf *out, struct u256 v)
{
    uint8_t be[32];
    size_t n = u256_to_min_be(be, v);
    rlp_put_bytes(out, bytes_from(be, n));
}

void rlp_put_u64(struct buf *out, uint64_t v)
{
    rlp_put_uint(out, u256_from(v));
}

void rlp_put_list(struct buf *out, const struct buf *items)
{
    put_head(out, LIST_HEAD, items->len);
    buf_put(out, buf_view(items));
    out->failed |= items->failed;
}

/* --- reader --- */

struct item {
    bool is_list;
    size_t head_len; /* 0 for a single byte that is its own contents */
    struct bytes contents;
};

/* The item at the front of in. NULL when fine, else what is wrong. */
static const char *read_item(struct item *out, struct bytes in)
{
    if (in.len == 0)
        return "no item";
    uint8_t first = in.p[0];
    if (first < STRING_HEAD) {
        *out = (struct item){.contents = bytes_sub(in, 0, 1)};
        return NULL;
    }
    bool is_list = first >= LIST_HEAD;
    size_t code = (size_t)(first - (is_list ? LIST_HEAD : STRING_HEAD)), head_len = 1, len = code;
    if (code > SHORT_MAX) {
        size_t n = code - SHORT_MAX;
        struct bytes be = bytes_sub(in, 1, n);
        if (be.len != n)
            return "length cut short";
        if (be.p[0] == 0)
            return "length with a leading zero";
        struct u256 v;
        uint64_t wide = 0;
        if (!u256_from_bytes(&v, be, NULL) || !u256_to_u64(&wide, v) || wide <= SHORT_MAX)
            return "length in long form that needs none";
        head_len += n;
        if (wide > in.len - head_len)
            return "longer than what is left";
        len = (size_t)wide;
    }
    if (len > in.len - head_len)
        return "longer than what is left";
    *out = (struct item){is_list, head_len, bytes_sub(in, head_len, len)};
    if (!is_list && len == 1 && out->contents.p[0] < STRING_HEAD)
        return "single byte in long form";
    return NULL;
}

struct rlp rlp_from(struct bytes in)
{
    return (struct rlp){.in = in};
}

bool rlp_more(const struct rlp *r)
{
    return !r->failed && r->pos < r->in.len;
}

bool rlp_at_list(const struct rlp *r)
{
    return rlp_more(r) && r->in.p[r->pos] >= LIST_HEAD;
}

static void fail(struct rlp *r, const char *field, const char *why)
{
    if (r->failed)
        return;
    r->failed = true;
    r->field = field;
    r->why = why;
    r->at = r->pos;
}

static struct bytes rest(const struct rlp *r)
{
    return bytes_sub(r->in, r->pos, r->in.len - r->pos);
}

static bool take(struct rlp *r, struct item *out, const char *field)
{
    if (r->failed)
        return false;
    const char *why = read_item(out, rest(r));
    if (why)
        fail(r, field, why);
    else
        r->pos += out->head_len + out->contents.len;
    return !why;
}

struct bytes rlp_bytes(struct rlp *r, const char *field)
{
    struct rlp before = *r;
    struct item item;
    if (!take(r, &item, field))
        return (struct bytes){0};
    if (item.is_list) {
        *r = before;
        fail(r, field, "a list where a string was due");
        return (struct bytes){0};
    }
    return item.contents;
}

void rlp_copy(struct rlp *r, void *out, size_t len, const char *field)
{
    struct rlp before = *r;
    struct bytes b = rlp_bytes(r, field);
    if (!r->failed && b.len != len) {
        *r = before;
        fail(r, field, "wrong size");
    }
    if (r->failed)
        memset(out, 0, len);
    else
        memcpy(out, b.p, len);
}

struct u256 rlp_uint(struct rlp *r, const char *field)
{
    struct rlp before = *r;
    struct bytes b = rlp_bytes(r, field);
    struct u256 v = {0};
    const char *why = NULL;
    if (b.len && b.p[0] == 0)
        why = "integer with a leading zero";
    else if (!u256_from_bytes(&v, b, NULL))
        why = "integer of more than 256 bits";
    if (why) {
        *r = before;
        fail(r, field, why);
        return (struct u256){0};
    }
    return v;
}

uint64_t rlp_u64(struct rlp *r, const char *field)
{
    struct rlp before = *r;
    uint64_t v = 0;
    if (!u256_to_u64(&v, rlp_uint(r, field))) {
        *r = before;
        fail(r, field, "integer of more than 64 bits");
    }
    return v;
}

struct rlp rlp_list(struct rlp *r, const char *field)
{
    struct rlp before = *r;
    struct item item = {0};
    if (take(r, &item, field) && !item.is_list) {
        *r = before;
        fail(r, field, "a string where a list was due");
    }
    struct rlp sub = rlp_from(item.contents);
    if (r->failed) {
        sub = *r;
        sub.in = (struct bytes){0};
        sub.pos = 0;
    }
    return sub;
}

struct bytes rlp_raw(struct rlp *r, const char *field)
{
    size_t start = r->pos;
    struct item item;
    if (!take(r, &item, field))
        return (struct bytes){0};
    return bytes_sub(r->in, start, r->pos - start);
}

bool rlp_finish(const struct rlp *r, struct err *err)
{
    if (r->failed)
        return err_set(err, ERR_FORMAT, "%s: %s at offset %zu", r->field, r->why, r->at);
    if (r->pos != r->in.len)
        return err_set(err, ERR_FORMAT, "%zu bytes left over at offset %zu", r->in.len - r->pos, r->pos);
    return true;
}

static bool check_members(struct rlp *r, int depth)
{
    while (rlp_more(r)) {
        if (!rlp_at_list(r)) {
            rlp_bytes(r, "item");
            continue;
        }
        struct rlp members = rlp_list(r, "list");
        if (depth == 0)
            fail(&members, "list", "nested too deeply");
        else if (!r->failed)
            check_members(&members, depth - 1);
        if (members.failed && !r->failed)
            fail(r, members.field, members.why);
    }
    return !r->failed;
}

bool rlp_check(struct bytes in, struct err *err)
{
    struct rlp outer = rlp_from(in);
    struct rlp one = rlp_from(rlp_raw(&outer, "item"));
    if (!rlp_finish(&outer, err))
        return false;
    check_members(&one, RLP_MAX_DEPTH);
    return rlp_finish(&one, err);
}
