/* Canonical type text into a description. One pass, recursive by depth. */
#include "abi/codec.h"

struct parser {
    struct bytes text;
    size_t pos;
    struct arena *mem;
    struct err *err;
};

static bool refuse(const struct parser *p, const char *what)
{
    return err_set(p->err, ERR_FORMAT, "type: %s at position %zu of %zu", what, p->pos, p->text.len);
}

static int peek(const struct parser *p)
{
    return p->pos < p->text.len ? p->text.p[p->pos] : -1;
}

static bool take(struct parser *p, char c)
{
    if (peek(p) != c)
        return false;
    p->pos++;
    return true;
}

/* Digits without a leading zero, at most max; 0 when there are none. */
static unsigned take_number(struct parser *p, unsigned max)
{
    unsigned n = 0;
    while (peek(p) >= '0' && peek(p) <= '9') {
        if (n == 0 && peek(p) == '0')
            return 0;
        n = n * 10 + (unsigned)(p->text.p[p->pos++] - '0');
        if (n > max)
            return 0;
    }
    return n;
}

static bool take_word(struct parser *p, const char *word)
{
    struct bytes w = bytes_str(word);
    if (!bytes_eq(bytes_sub(p->text, p->pos, w.len), w))
        return false;
    p->pos += w.len;
    return true;
}

static struct abi_type one_word(enum abi_kind kind, unsigned size)
{
    return (struct abi_type){.kind = kind, .size = size, .head_words = 1};
}

static bool parse_integer(struct abi_type *out, struct parser *p, enum abi_kind kind)
{
    unsigned bits = take_number(p, 256);
    if (bits == 0 || bits % 8)
        return refuse(p, "integer width is not 8, 16, .. 256");
    *out = one_word(kind, bits);
    return true;
}

static bool parse_bytes(struct abi_type *out, struct parser *p)
{
    if (peek(p) < '0' || peek(p) > '9') {
        *out = (struct abi_type){.kind = ABI_BYTES, .dynamic = true, .head_words = 1};
        return true;
    }
    unsigned n = take_number(p, 32);
    if (n == 0)
        return refuse(p, "bytesN with N not in 1 to 32");
    *out = one_word(ABI_FIXED_BYTES, n);
    return true;
}

static bool parse_type(struct abi_type *out, struct parser *p, int depth);

static bool parse_tuple(struct abi_type *out, struct parser *p, int depth)
{
    struct abi_type members[ABI_MAX_MEMBERS];
    struct abi_type t = {.kind = ABI_TUPLE};
    if (!take(p, ')')) {
        do {
            if (t.count == ABI_MAX_MEMBERS)
                return refuse(p, "too many members");
            if (!parse_type(&members[t.count], p, depth + 1))
                return false;
            t.dynamic |= members[t.count].dynamic;
            t.head_words += members[t.count].head_words;
            t.count++;
        } while (take(p, ','));
        if (!take(p, ')'))
            return refuse(p, "want , or )");
    } else if (depth > 0) {
        return refuse(p, "empty tuple");
    }
    if (t.head_words > ABI_MAX_HEAD)
        return refuse(p, "too large");
    struct abi_type *kept = arena_alloc(p->mem, t.count ? t.count : 1, sizeof *kept);
    if (!kept)
        return err_set(p->err, ERR_NOMEM, "type: no memory");
    memcpy(kept, members, t.count * sizeof *kept);
    t.item = kept;
    if (t.dynamic)
        t.head_words = 1;
    *out = t;
    return true;
}

static bool parse_base(struct abi_type *out, struct parser *p, int depth)
{
    if (take(p, '('))
        return parse_tuple(out, p, depth);
    if (take_word(p, "uint"))
        return parse_integer(out, p, ABI_UINT);
    if (take_word(p, "int"))
        return parse_integer(out, p, ABI_INT);
    if (take_word(p, "bytes"))
        return parse_bytes(out, p);
    if (take_word(p, "address")) {
        *out = one_word(ABI_ADDRESS, 160);
        return true;
    }
    if (take_word(p, "bool")) {
        *out = one_word(ABI_BOOL, 8);
        return true;
    }
    if (take_word(p, "string")) {
        *out = (struct abi_type){.kind = ABI_STRING, .dynamic = true, .head_words = 1};
        return true;
    }
    return refuse(p, "unknown type");
}

/* "[]" or "[N]" behind a type, which becomes the element. */
static bool wrap_array(struct abi_type *t, struct parser *p)
{
    struct abi_type *item = arena_alloc(p->mem, 1, sizeof *item);
    if (!item)
        return err_set(p->err, ERR_NOMEM, "type: no memory");
    *item = *t;
    if (item->kind == ABI_TUPLE && item->count == 0)
        return refuse(p, "empty tuple");
    if (take(p, ']')) {
        *t = (struct abi_type){.kind = ABI_ARRAY, .item = item, .dynamic = true, .head_words = 1};
        return true;
    }
    unsigned n = take_number(p, ABI_MAX_HEAD);
    if (n == 0 || !take(p, ']'))
        return refuse(p, "array length is not 1 to 4096");
    *t = (struct abi_type){.kind = ABI_FIXED_ARRAY, .count = n, .item = item, .dynamic = item->dynamic};
    t->head_words = t->dynamic ? 1 : n * item->head_words;
    return t->head_words <= ABI_MAX_HEAD || refuse(p, "too large");
}

static bool parse_type(struct abi_type *out, struct parser *p, int depth)
{
    if (depth > ABI_MAX_DEPTH)
        return refuse(p, "too deep");
    if (!parse_base(out, p, depth))
        return false;
    int arrays = 0;
    while (take(p, '[')) {
        if (depth + ++arrays > ABI_MAX_DEPTH)
            return refuse(p, "too deep");
        if (!wrap_array(out, p))
            return false;
    }
    return true;
}

bool abi_type_parse(const struct abi_type **out, struct arena *mem, struct bytes text, struct err *err)
{
    struct parser p = {.text = text, .mem = mem, .err = err};
    struct abi_type *t = arena_alloc(mem, 1, sizeof *t);
    if (!t)
        return err_set(err, ERR_NOMEM, "type: no memory");
    if (!parse_type(t, &p, 0))
        return false;
    if (p.pos != text.len)
        return refuse(&p, "text left over");
    *out = t;
    return true;
}

bool abi_is_word(const struct abi_type *type)
{
    switch (type->kind) {
    case ABI_UINT:
    case ABI_INT:
    case ABI_ADDRESS:
    case ABI_BOOL:
    case ABI_FIXED_BYTES:
        return true;
    case ABI_BYTES:
    case ABI_STRING:
    case ABI_ARRAY:
    case ABI_FIXED_ARRAY:
    case ABI_TUPLE:
        return false;
    }
    return false;
}
