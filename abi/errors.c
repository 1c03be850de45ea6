#include "abi/errors.h"

#include "abi/u256.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define SELECTOR_ERROR 0x08c379a0
#define SELECTOR_PANIC 0x4e487b71

const struct abi_error *abi_error_by_selector(struct bytes revert_data)
{
    if (revert_data.len < 4)
        return NULL;
    for (size_t i = 0; i < num_abi_errors; i++)
        if (abi_errors[i].selector == be32(revert_data.p))
            return &abi_errors[i];
    return NULL;
}

const struct abi_error *abi_error_find(const char *signature)
{
    for (size_t i = 0; i < num_abi_errors; i++)
        if (strcmp(abi_errors[i].signature, signature) == 0)
            return &abi_errors[i];
    return NULL;
}

char *abi_error_name(char *out, size_t size, struct bytes revert_data)
{
    const struct abi_error *e = abi_error_by_selector(revert_data);
    if (e)
        snprintf(out, size, "%s", e->signature);
    else if (revert_data.len == 0)
        snprintf(out, size, "(empty)");
    else if (revert_data.len < 4)
        snprintf(out, size, "(%zu bytes)", revert_data.len);
    else
        snprintf(out, size, "0x%08x", be32(revert_data.p));
    return out;
}

void abi_error_args_done(struct abi_error_args *args)
{
    for (size_t i = 0; i < args->count; i++)
        free(args->text[i]);
    *args = (struct abi_error_args){0};
}

static void put_text(struct buf *out, struct bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_u8(out, s.p[i] < 0x20 || s.p[i] >= 0x7f ? '?' : s.p[i]);
}

/* The kinds that errors use; malloc'd. */
static char *value_text(const struct abi_type *type, const struct abi_value *v)
{
    AUTO(buf_done) struct buf out = buf_new(1 << 20);
    if (type->kind == ABI_STRING) {
        put_text(&out, v->data);
    } else if (type->kind == ABI_UINT) {
        char dec[U256_DEC_SIZE];
        buf_text(&out, u256_dec(dec, u256_from_be32(v->data.p)));
    } else {
        size_t skip = type->kind == ABI_ADDRESS ? ABI_WORD - 20 : 0;
        buf_text(&out, "0x");
        buf_hex(&out, bytes_sub(v->data, skip, v->data.len - skip));
    }
    return buf_steal_str(&out);
}

static bool decode_args(struct abi_value *v, const struct abi_type **type, struct arena *mem, struct bytes data,
                        struct err *err)
{
    const struct abi_error *e = abi_error_by_selector(data);
    if (!e)
        return err_set(err, ERR_FORMAT, "revert data: unknown error");
    if (!abi_type_parse(type, mem, bytes_str(strchr(e->signature, '(')), err))
        return false;
    return abi_decode_strict(v, mem, *type, bytes_sub(data, 4, data.len - 4), err) || err_wrap(err, "revert data");
}

bool abi_error_args(struct abi_error_args *out, struct bytes revert_data, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    AUTO(abi_error_args_done) struct abi_error_args args = {0};
    const struct abi_type *type;
    struct abi_value v;
    if (!decode_args(&v, &type, &mem, revert_data, err))
        return false;
    for (size_t i = 0; i < type->count && i < ABI_ERROR_ARGS; i++) {
        args.text[i] = value_text(&type->item[i], &v.item[i]);
        if (!args.text[i])
            return err_set(err, ERR_NOMEM, "revert data: no memory");
        args.count++;
    }
    *out = args;
    args = (struct abi_error_args){0};
    return true;
}

static const char *panic_words(const char *code)
{
    static const struct {
        const char *code, *words;
    } rows[] = {{"1", "an assertion failed"}, {"17", "arithmetic overflow or underflow"}, {"18", "division by zero"},
                {"33", "no such enum value"}, {"50", "index out of bounds"}, {"65", "too much memory"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].words;
    return NULL;
}

char *abi_error_words(struct bytes revert_data)
{
    AUTO(buf_done) struct buf out = buf_new(1 << 20);
    AUTO(abi_error_args_done) struct abi_error_args args = {0};
    const struct abi_error *e = abi_error_by_selector(revert_data);
    char name[160];
    abi_error_name(name, sizeof name, revert_data);
    if (!e || !abi_error_args(&args, revert_data, NULL)) {
        buf_text(&out, name);
        if (revert_data.len == 0)
            buf_text(&out, ": reverted without data: the arguments cannot be decoded, or there is no such function or contract");
        return buf_steal_str(&out);
    }
    buf_put(&out, bytes_from(name, strcspn(name, "(")));
    buf_u8(&out, '(');
    for (size_t i = 0; i < args.count; i++)
        buf_printf(&out, "%s%s", i ? ", " : "", args.text[i]);
    buf_u8(&out, ')');
    const char *hint = e->selector == SELECTOR_PANIC && args.count ? panic_words(args.text[0]) : e->hint;
    if (hint)
        buf_printf(&out, ": %s", hint);
    return buf_steal_str(&out);
}

void abi_revert_string(struct buf *out, const char *text)
{
    struct bytes t = bytes_str(text);
    buf_u32be(out, SELECTOR_ERROR);
    buf_zero(out, ABI_WORD - 1);
    buf_u8(out, ABI_WORD);
    buf_zero(out, ABI_WORD - 8);
    buf_u64be(out, t.len);
    buf_put(out, t);
    buf_zero(out, (ABI_WORD - t.len % ABI_WORD) % ABI_WORD);
}

void abi_revert_panic(struct buf *out, uint64_t code)
{
    buf_u32be(out, SELECTOR_PANIC);
    buf_zero(out, ABI_WORD - 8);
    buf_u64be(out, code);
}
