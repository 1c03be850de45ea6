#include "abi/lax.h"

/* Offsets in calldata are signed 256-bit numbers there, and a negative one passes: it leads to where every word is zero. */
#define NOWHERE (INT64_MIN / 2)

struct lax {
    struct bytes in;
    struct arena *mem;
    bool full; /* the arena is */
};

static const uint8_t zero_word[ABI_WORD];

static int64_t end_of(const struct lax *l)
{
    return (int64_t)l->in.len;
}

/* The word at a position; zero outside of the data. */
static const uint8_t *load(const struct lax *l, int64_t at)
{
    struct bytes w = at < 0 ? (struct bytes){0} : bytes_sub(l->in, (size_t)at, ABI_WORD);
    return w.len ? w.p : zero_word;
}

static struct bytes view(const struct lax *l, int64_t at, uint64_t len)
{
    return len ? bytes_sub(l->in, (size_t)at, (size_t)len) : (struct bytes){0};
}

static int64_t stride(const struct abi_type *item)
{
    return (int64_t)item->head_words * ABI_WORD;
}

/* Bytes that must be there for a tail to be looked at: a length word, or the head of what has none. */
static int64_t tail_min(const struct abi_type *type)
{
    int64_t words = 0;
    switch (type->kind) {
    case ABI_TUPLE:
        for (size_t i = 0; i < type->count; i++)
            words += (int64_t)type->item[i].head_words;
        return words * ABI_WORD;
    case ABI_FIXED_ARRAY:
        return (int64_t)type->count * stride(type->item);
    case ABI_UINT:
    case ABI_INT:
    case ABI_ADDRESS:
    case ABI_BOOL:
    case ABI_FIXED_BYTES:
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_ARRAY:
        return ABI_WORD;
    }
    return ABI_WORD;
}

static struct abi_value fault(enum abi_fault f)
{
    return (struct abi_value){.fault = f};
}

static struct abi_value list_of(struct lax *l, size_t count)
{
    struct abi_value v = abi_new_list(l->mem, count);
    l->full |= count && !v.item;
    return v;
}

static struct abi_value words(const struct lax *l, const struct abi_type *type, int64_t at, uint64_t count)
{
    struct abi_value v = {.data = view(l, at, count * ABI_WORD), .count = (size_t)count};
    for (size_t i = 0; i < v.count; i++)
        if (!abi_word_in_range(type, abi_word(&v, i)))
            return fault(ABI_UNREADABLE);
    return v;
}

/* How a place is entered from its slot in a head: by the rules of calldata or of memory. */
typedef struct abi_value enter_fn(struct lax *l, const struct abi_type *type, int64_t base, int64_t slot);

static struct abi_value read_static(struct lax *l, const struct abi_type *type, int64_t at)
{
    if (abi_is_word(type)) {
        const uint8_t *w = load(l, at);
        return abi_word_in_range(type, w) ? abi_from_bytes(bytes_from(w, ABI_WORD)) : fault(ABI_UNREADABLE);
    }
    if (type->kind == ABI_FIXED_ARRAY && abi_is_word(type->item))
        return words(l, type->item, at, type->count);
    struct abi_value v = list_of(l, type->count);
    for (size_t i = 0; i < v.count; i++) {
        const struct abi_type *t = type->kind == ABI_TUPLE ? &type->item[i] : type->item;
        v.item[i] = read_static(l, t, at);
        at += stride(t);
    }
    return v;
}

static struct abi_value read_members(struct lax *l, const struct abi_type *type, size_t count, int64_t base, enter_fn *enter)
{
    struct abi_value v = list_of(l, count);
    int64_t slot = base;
    for (size_t i = 0; i < v.count && !l->full; i++) {
        const struct abi_type *t = type->kind == ABI_TUPLE ? &type->item[i] : type->item;
        v.item[i] = t->dynamic ? enter(l, t, base, slot) : read_static(l, t, slot);
        slot += stride(t);
    }
    return v;
}

/* --- parameters in calldata: read on use --- */

static int64_t signed_offset(const uint8_t *w)
{
    uint64_t low = be64(w + 24);
    uint8_t fill = w[0] & 0x80 ? 0xff : 0;
    for (int i = 0; i < 24; i++)
        if (w[i] != fill)
            return fill ? NOWHERE : INT64_MAX;
    if (fill)
        return low > (uint64_t)NOWHERE ? (int64_t)low : NOWHERE;
    return low < INT64_MAX ? (int64_t)low : INT64_MAX;
}

static enter_fn enter_calldata;

static struct abi_value calldata_tail(struct lax *l, const struct abi_type *type, int64_t at)
{
    if (type->kind == ABI_TUPLE || type->kind == ABI_FIXED_ARRAY)
        return read_members(l, type, type->count, at, enter_calldata);
    uint64_t len;
    if (!abi_u64(&len, load(l, at)) || len > l->in.len)
        return fault(ABI_UNREADABLE);
    at += ABI_WORD;
    int64_t unit = type->kind == ABI_ARRAY ? stride(type->item) : 1;
    if (at > end_of(l) - (int64_t)len * unit)
        return fault(ABI_UNREADABLE);
    if (type->kind != ABI_ARRAY)
        return abi_from_bytes(view(l, at, len));
    if (abi_is_word(type->item))
        return words(l, type->item, at, len);
    return read_members(l, type, (size_t)len, at, enter_calldata);
}

static struct abi_value enter_calldata(struct lax *l, const struct abi_type *type, int64_t base, int64_t slot)
{
    int64_t offset = signed_offset(load(l, slot));
    if (offset >= end_of(l) - base - (tail_min(type) - 1))
        return fault(ABI_UNREADABLE);
    int64_t at = base + offset;
    return calldata_tail(l, type, at < NOWHERE ? NOWHERE : at);
}

/* --- parameters copied to memory --- */

/* A length for which the contract cannot reserve memory: 64-bit addresses, less what it holds already. */
static bool beyond_memory(bool fits, uint64_t len, uint64_t unit)
{
    return !fits || len > (UINT64_MAX - 4096) / unit;
}

static enter_fn enter_memory;

static struct abi_value memory_tail(struct lax *l, const struct abi_type *type, int64_t at)
{
    if (at > end_of(l) - tail_min(type))
        return fault(ABI_UNREADABLE);
    if (type->kind == ABI_TUPLE || type->kind == ABI_FIXED_ARRAY)
        return read_members(l, type, type->count, at, enter_memory);
    uint64_t len = 0;
    bool fits = abi_u64(&len, load(l, at));
    bool array = type->kind == ABI_ARRAY;
    if (beyond_memory(fits, len, array ? ABI_WORD : 1))
        return fault(ABI_ALLOCATION);
    at += ABI_WORD;
    if (len > (uint64_t)(end_of(l) - at) / (uint64_t)(array ? stride(type->item) : 1))
        return fault(ABI_UNREADABLE);
    if (!array)
        return abi_from_bytes(view(l, at, len));
    if (abi_is_word(type->item))
        return words(l, type->item, at, len);
    return read_members(l, type, (size_t)len, at, enter_memory);
}

static struct abi_value enter_memory(struct lax *l, const struct abi_type *type, int64_t base, int64_t slot)
{
    uint64_t offset;
    if (!abi_u64(&offset, load(l, slot)) || offset > l->in.len)
        return fault(ABI_UNREADABLE);
    return memory_tail(l, type, base + (int64_t)offset);
}

/* --- entry --- */

#define SELECTOR_LEN 4

/* One parameter; *stands becomes false where the contract would stop before its first statement. */
static struct abi_value parameter(struct lax *l, const struct abi_type *type, int64_t slot, bool to_memory, bool *stands)
{
    if (!type->dynamic) {
        struct abi_value v = read_static(l, type, slot);
        *stands &= abi_first_fault(&v) == ABI_READABLE;
        return v;
    }
    uint64_t offset;
    if (!abi_u64(&offset, load(l, slot)) || offset > l->in.len ||
        SELECTOR_LEN + (int64_t)offset > end_of(l) - tail_min(type)) {
        *stands = false;
        return fault(ABI_UNREADABLE);
    }
    int64_t at = SELECTOR_LEN + (int64_t)offset;
    struct abi_value v = to_memory ? memory_tail(l, type, at) : calldata_tail(l, type, at);
    if (type->kind != ABI_TUPLE && type->kind != ABI_FIXED_ARRAY)
        *stands &= v.fault == ABI_READABLE;
    return v;
}

static bool finish(struct abi_value *out, const struct abi_value *v, const struct lax *l, struct err *err)
{
    if (l->full)
        return err_set(err, ERR_NOMEM, "more values than fit into %zu bytes", l->mem->max);
    *out = *v;
    return true;
}

bool abi_decode_lax_as_solidity(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes calldata,
                                uint32_t memory_args, struct err *err)
{
    struct lax l = {.in = calldata, .mem = mem};
    struct abi_value v = fault(ABI_UNREADABLE);
    if (end_of(&l) - SELECTOR_LEN < tail_min(args))
        return finish(out, &v, &l, err);
    v = list_of(&l, args->count);
    bool stands = true;
    int64_t slot = SELECTOR_LEN;
    for (size_t i = 0; i < v.count && !l.full; i++) {
        v.item[i] = parameter(&l, &args->item[i], slot, memory_args >> i & 1, &stands);
        slot += stride(&args->item[i]);
    }
    v.fault = stands ? ABI_READABLE : ABI_UNREADABLE;
    return finish(out, &v, &l, err);
}

bool abi_decode_lax_memory(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes data,
                           struct err *err)
{
    struct lax l = {.in = data, .mem = mem};
    struct abi_value v = memory_tail(&l, args, 0);
    return finish(out, &v, &l, err);
}

enum abi_fault abi_first_fault(const struct abi_value *v)
{
    if (v->fault)
        return v->fault;
    for (size_t i = 0; v->item && i < v->count; i++) {
        enum abi_fault f = abi_first_fault(&v->item[i]);
        if (f)
            return f;
    }
    return ABI_READABLE;
}
