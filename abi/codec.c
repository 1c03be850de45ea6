#include "abi/codec.h"

static size_t padded(size_t len)
{
    return (len + ABI_WORD - 1) / ABI_WORD * ABI_WORD;
}

static bool sign_extended(const uint8_t *word, size_t used)
{
    uint8_t sign = word[ABI_WORD - used] & 0x80 ? 0xff : 0x00;
    for (size_t i = 0; i < ABI_WORD - used; i++)
        if (word[i] != sign)
            return false;
    return true;
}

bool abi_word_in_range(const struct abi_type *type, const uint8_t *word)
{
    struct bytes w = bytes_from(word, ABI_WORD);
    switch (type->kind) {
    case ABI_UINT:
    case ABI_ADDRESS:
        return bytes_is_zero(bytes_sub(w, 0, ABI_WORD - type->size / 8));
    case ABI_INT:
        return sign_extended(word, type->size / 8);
    case ABI_BOOL:
        return bytes_is_zero(bytes_sub(w, 0, ABI_WORD - 1)) && word[ABI_WORD - 1] <= 1;
    case ABI_FIXED_BYTES:
        return bytes_is_zero(bytes_sub(w, type->size, ABI_WORD - type->size));
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_ARRAY:
    case ABI_FIXED_ARRAY:
    case ABI_TUPLE:
        return false;
    }
    return false;
}

static bool words_in_range(const struct abi_type *type, struct bytes words, struct err *err)
{
    for (size_t i = 0; i < words.len; i += ABI_WORD)
        if (!abi_word_in_range(type, words.p + i))
            return err_set(err, ERR_FORMAT, "word %zu: out of its type's range", i / ABI_WORD);
    return true;
}

/* A run of values side by side, which share one head: a tuple's members (step 1) or an array's elements (step 0). */
struct run {
    const struct abi_type *type;
    size_t step, count;
};

static struct run run_of(const struct abi_type *type, size_t array_count)
{
    if (type->kind == ABI_TUPLE)
        return (struct run){type->item, 1, type->count};
    return (struct run){type->item, 0, type->kind == ABI_FIXED_ARRAY ? type->count : array_count};
}

static const struct abi_type *run_type(struct run run, size_t i)
{
    return run.type + run.step * i;
}

static bool array_of_words(const struct abi_type *type)
{
    return (type->kind == ABI_ARRAY || type->kind == ABI_FIXED_ARRAY) && abi_is_word(type->item);
}

/* Bytes of the run's head. Only tuples have members of different widths. */
static size_t run_head(struct run run)
{
    size_t words = 0;
    if (run.step == 0)
        words = run.count ? run.count * run.type->head_words : 0;
    else
        for (size_t i = 0; i < run.count; i++)
            words += run_type(run, i)->head_words;
    return words * ABI_WORD;
}

/* --- encoding --- */

static bool encode_run(struct buf *out, struct run run, const struct abi_value *v, struct err *err);

static void put_size(struct buf *out, uint64_t v)
{
    buf_zero(out, ABI_WORD - 8);
    buf_u64be(out, v);
}

static bool wrong_shape(const char *what, struct err *err)
{
    return err_set(err, ERR_FORMAT, "value does not have the type's shape: %s", what);
}

static bool encode_word(struct buf *out, const struct abi_type *type, const struct abi_value *v, struct err *err)
{
    if (v->data.len != ABI_WORD)
        return wrong_shape("want one word", err);
    buf_put(out, v->data);
    return words_in_range(type, v->data, err);
}

/* What stands in the tail of a dynamic value, or in place of a static one. */
static bool encode_body(struct buf *out, const struct abi_type *type, const struct abi_value *v, struct err *err)
{
    if (abi_is_word(type))
        return encode_word(out, type, v, err);
    if (type->kind == ABI_BYTES || type->kind == ABI_STRING) {
        put_size(out, v->data.len);
        buf_put(out, v->data);
        buf_zero(out, padded(v->data.len) - v->data.len);
        return true;
    }
    if (type->kind == ABI_ARRAY)
        put_size(out, v->count);
    else if (v->count != type->count)
        return wrong_shape("number of items", err);
    if (array_of_words(type)) {
        if (v->data.len / ABI_WORD != v->count || v->data.len % ABI_WORD)
            return wrong_shape("number of words", err);
        buf_put(out, v->data);
        return words_in_range(type->item, v->data, err);
    }
    return encode_run(out, run_of(type, v->count), v, err);
}

/* One member. A static one is written behind what is there and moved to its place in the head; of a dynamic one the place in
 * the head gets the distance of its tail. */
static bool encode_member(struct buf *out, size_t base, size_t head, const struct abi_type *type, const struct abi_value *v,
                          struct err *err)
{
    size_t at = out->len;
    if (type->dynamic)
        put_size(out, at - base);
    else if (!encode_body(out, type, v, err))
        return false;
    if (out->failed)
        return buf_finish(out, err);
    memcpy(out->p + head, out->p + at, out->len - at);
    out->len = at;
    return !type->dynamic || encode_body(out, type, v, err);
}

static bool encode_run(struct buf *out, struct run run, const struct abi_value *v, struct err *err)
{
    if (run.count && !v->item)
        return wrong_shape("items missing", err);
    size_t base = out->len, head = base;
    buf_zero(out, run_head(run));
    for (size_t i = 0; i < run.count; i++) {
        const struct abi_type *type = run_type(run, i);
        if (!encode_member(out, base, head, type, &v->item[i], err))
            return err_wrap(err, "[%zu]", i);
        head += type->head_words * ABI_WORD;
    }
    return true;
}

bool abi_encode(struct buf *out, const struct abi_type *args, const struct abi_value *value, struct err *err)
{
    if (args->kind != ABI_TUPLE || value->count != args->count)
        return wrong_shape("number of arguments", err);
    return encode_run(out, run_of(args, 0), value, err) && buf_finish(out, err);
}

/* --- strict decoding --- */

struct strict {
    struct bytes in;
    struct arena *mem;
    struct err *err;
    size_t next; /* where the next tail must stand */
};

static bool no_room(const struct strict *s, size_t at, size_t want)
{
    return err_set(s->err, ERR_FORMAT, "want %zu bytes at offset %zu, have %zu", want, at,
                   at < s->in.len ? s->in.len - at : 0);
}

/* Length, count or offset at a position, at most max. */
static bool read_size(size_t *out, const struct strict *s, size_t at, size_t max, const char *what)
{
    struct bytes w = bytes_sub(s->in, at, ABI_WORD);
    uint64_t v;
    if (w.len == 0)
        return no_room(s, at, ABI_WORD);
    if (!abi_u64(&v, w.p))
        return err_set(s->err, ERR_FORMAT, "%s at offset %zu is beyond 2^64", what, at);
    if (v > max)
        return err_set(s->err, ERR_FORMAT, "%s at offset %zu is %llu, the data allow %zu", what, at, (unsigned long long)v, max);
    *out = (size_t)v;
    return true;
}

static bool decode_run(struct abi_value *out, struct strict *s, struct run run, size_t base);

static bool decode_words(struct abi_value *out, const struct strict *s, const struct abi_type *type, size_t at, size_t count)
{
    struct bytes words = bytes_sub(s->in, at, count * ABI_WORD);
    if (words.len != count * ABI_WORD)
        return no_room(s, at, count * ABI_WORD);
    *out = (struct abi_value){.data = words, .count = count};
    return words_in_range(type, words, s->err);
}

static bool decode_static(struct abi_value *out, struct strict *s, const struct abi_type *type, size_t at)
{
    if (abi_is_word(type)) {
        if (!decode_words(out, s, type, at, 1))
            return false;
        out->count = 0;
        return true;
    }
    if (array_of_words(type))
        return decode_words(out, s, type->item, at, type->count);
    return decode_run(out, s, run_of(type, 0), at);
}

static bool decode_bytes(struct abi_value *out, struct strict *s)
{
    size_t len;
    if (!read_size(&len, s, s->next, s->in.len, "length"))
        return false;
    struct bytes body = bytes_sub(s->in, s->next + ABI_WORD, padded(len));
    if (body.len != padded(len))
        return no_room(s, s->next + ABI_WORD, padded(len));
    if (!bytes_is_zero(bytes_sub(body, len, body.len - len)))
        return err_set(s->err, ERR_FORMAT, "padding at offset %zu is not zero", s->next + ABI_WORD + len);
    out->data = bytes_sub(body, 0, len);
    s->next += ABI_WORD + body.len;
    return true;
}

/* A dynamic value whose tail begins at s->next. */
static bool decode_tail(struct abi_value *out, struct strict *s, const struct abi_type *type)
{
    if (type->kind == ABI_BYTES || type->kind == ABI_STRING)
        return decode_bytes(out, s);
    size_t count = 0;
    if (type->kind == ABI_ARRAY) {
        size_t item_bytes = type->item->head_words * ABI_WORD;
        if (!read_size(&count, s, s->next, (s->in.len - s->next) / item_bytes, "count"))
            return false;
        s->next += ABI_WORD;
        if (array_of_words(type)) {
            size_t at = s->next;
            s->next += count * ABI_WORD;
            return decode_words(out, s, type->item, at, count);
        }
    }
    struct run run = run_of(type, count);
    size_t base = s->next;
    s->next += run_head(run);
    return decode_run(out, s, run, base);
}

static bool decode_member(struct abi_value *out, struct strict *s, const struct abi_type *type, size_t base, size_t at)
{
    if (!type->dynamic)
        return decode_static(out, s, type, at);
    size_t offset;
    if (!read_size(&offset, s, at, s->in.len, "offset"))
        return false;
    if (offset != s->next - base)
        return err_set(s->err, ERR_FORMAT, "offset at %zu is %zu, canonical is %zu", at, offset, s->next - base);
    return decode_tail(out, s, type);
}

/* s->next already stands behind the head where the run is dynamic. */
static bool decode_run(struct abi_value *out, struct strict *s, struct run run, size_t base)
{
    size_t head = run_head(run);
    if (head > s->in.len || base > s->in.len - head)
        return no_room(s, base, head);
    struct abi_value v = abi_new_list(s->mem, run.count);
    if (run.count && !v.item)
        return err_set(s->err, ERR_NOMEM, "more values than fit into %zu bytes", s->mem->max);
    for (size_t i = 0, at = base; i < run.count; i++) {
        const struct abi_type *type = run_type(run, i);
        if (!decode_member(&v.item[i], s, type, base, at))
            return err_wrap(s->err, "[%zu]", i);
        at += type->head_words * ABI_WORD;
    }
    *out = v;
    return true;
}

bool abi_decode_strict(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes data,
                       struct err *err)
{
    if (args->kind != ABI_TUPLE)
        return err_set(err, ERR_BUG, "abi: the type of arguments is a tuple");
    struct run run = run_of(args, 0);
    struct strict s = {.in = data, .mem = mem, .err = err, .next = run_head(run)};
    struct abi_value v = {0};
    if (!decode_run(&v, &s, run, 0))
        return false;
    if (s.next != data.len)
        return err_set(err, ERR_FORMAT, "%zu bytes behind the end, at offset %zu", data.len - s.next, s.next);
    *out = v;
    return true;
}

/* --- leaves --- */

const uint8_t *abi_word(const struct abi_value *v, size_t i)
{
    return v->data.p + i * ABI_WORD;
}

bool abi_u64(uint64_t *out, const uint8_t *word)
{
    if (!bytes_is_zero(bytes_from(word, ABI_WORD - 8)))
        return false;
    *out = be64(word + ABI_WORD - 8);
    return true;
}

uint64_t abi_low_u64(const struct abi_value *v)
{
    return be64(v->data.p + ABI_WORD - 8);
}

bool abi_bool(const struct abi_value *v)
{
    return v->data.p[ABI_WORD - 1] != 0;
}

struct hash32 abi_hash32(const struct abi_value *v)
{
    struct hash32 h;
    memcpy(h.b, v->data.p, sizeof h.b);
    return h;
}

struct abi_value abi_from_word(struct arena *mem, const uint8_t word[static ABI_WORD])
{
    return (struct abi_value){.data = arena_copy(mem, bytes_from(word, ABI_WORD), NULL)};
}

struct abi_value abi_from_u64(struct arena *mem, uint64_t v)
{
    uint8_t word[ABI_WORD] = {0};
    for (size_t i = 0; i < 8; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(v >> (8 * i));
    return abi_from_word(mem, word);
}

struct abi_value abi_from_fixed(struct arena *mem, struct bytes in)
{
    uint8_t word[ABI_WORD] = {0};
    if (in.len && in.len <= ABI_WORD)
        memcpy(word, in.p, in.len);
    return abi_from_word(mem, word);
}

struct abi_value abi_new_list(struct arena *mem, size_t count)
{
    struct abi_value *item = arena_alloc(mem, count ? count : 1, sizeof *item);
    return (struct abi_value){.item = item, .count = item ? count : 0};
}
