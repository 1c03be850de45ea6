#include "relayer/registry/contract.h"

#include "abi/errors.h"

static bool stop(struct exec *x)
{
    x->stopped = true;
    if (x->revert.failed)
        x->no_memory = true;
    return false;
}

bool stop_empty(struct exec *x)
{
    return stop(x);
}

static void put_selector(struct exec *x, const char *signature)
{
    const struct abi_error *e = abi_error_find(signature);
    buf_u32be(&x->revert, e ? e->selector : 0);
}

static void put_number(struct exec *x, uint64_t v)
{
    buf_zero(&x->revert, ABI_WORD - 8);
    buf_u64be(&x->revert, v);
}

static void put_bytes(struct exec *x, struct bytes b)
{
    put_number(x, b.len);
    buf_put(&x->revert, b);
    buf_zero(&x->revert, (ABI_WORD - b.len % ABI_WORD) % ABI_WORD);
}

bool stop_error(struct exec *x, const char *signature)
{
    put_selector(x, signature);
    return stop(x);
}

bool stop_error_words(struct exec *x, const char *signature, const struct hash32 *words, size_t num_words)
{
    put_selector(x, signature);
    buf_put(&x->revert, bytes_from(words, num_words * sizeof *words));
    return stop(x);
}

bool stop_error_bytes(struct exec *x, const char *signature, struct bytes arg)
{
    put_selector(x, signature);
    put_number(x, ABI_WORD);
    put_bytes(x, arg);
    return stop(x);
}

bool stop_error_string(struct exec *x, const char *signature, const char *text)
{
    return stop_error_bytes(x, signature, bytes_str(text));
}

bool stop_string(struct exec *x, const char *text)
{
    abi_revert_string(&x->revert, text);
    x->text = text;
    return stop(x);
}

bool stop_panic(struct exec *x, unsigned code)
{
    abi_revert_panic(&x->revert, code);
    return stop(x);
}

bool stop_unknown(struct exec *x, const char *why)
{
    x->unknown = why;
    return stop(x);
}

struct hash32 word_of(uint64_t v)
{
    struct hash32 w = {{0}};
    for (size_t i = 0; i < 8; i++)
        w.b[31 - i] = (uint8_t)(v >> (8 * i));
    return w;
}
