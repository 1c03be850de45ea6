/* The first byte picks a type, the rest is data. What the strict decoder takes encodes again to the same bytes, and the lax
 * decoder reads it as the same values; the lax decoder takes anything without harm. */
#include "abi/calls.h"
#include "abi/errors.h"
#include "abi/lax.h"
#include "crypto/base/auto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void same(const struct abi_value *a, const struct abi_value *b)
{
    must(b->fault == ABI_READABLE && a->count == b->count && bytes_eq(a->data, b->data) && !a->item == !b->item);
    for (size_t i = 0; a->item && i < a->count; i++)
        same(&a->item[i], &b->item[i]);
}

static void check_strict(const struct abi_type *type, const struct abi_value *v, struct bytes calldata)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    AUTO(buf_done) struct buf again = buf_new(1 << 22);
    struct abi_value lax;
    struct bytes args = bytes_sub(calldata, 4, calldata.len - 4);
    must(abi_encode(&again, type, v, NULL) && bytes_eq(buf_view(&again), args));
    for (uint32_t memory_args = 0; memory_args < 2; memory_args++)
        if (abi_decode_lax_as_solidity(&lax, &mem, type, calldata, memory_args ? UINT32_MAX : 0, NULL))
            same(v, &lax);
    if (abi_decode_lax_memory(&lax, &mem, type, args, NULL))
        same(v, &lax);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const extra[] = {"(int64,bool,bytes3[2],address)", "(bytes[][],string[2])", "((uint8[],(bytes,int16)[3])[])"};
    const size_t num_extra = sizeof extra / sizeof *extra;
    AUTO(arena_done) struct arena types = arena_new(1 << 16), mem = arena_new(1 << 20);
    const struct abi_type *type;
    struct abi_value v;
    if (size < 5)
        return 0;
    struct bytes in = bytes_from(data + 1, size - 1);
    free(abi_error_words(in));
    if (data[0] == 0xff) { /* the type is from outside, too */
        abi_type_parse(&type, &types, in, NULL);
        return 0;
    }
    size_t pick = data[0] % (num_abi_calls + num_extra);
    const char *text = pick < num_extra ? extra[pick] : abi_calls[pick - num_extra].args;
    must(abi_type_parse(&type, &types, bytes_str(text), NULL));
    if (abi_decode_strict(&v, &mem, type, bytes_sub(in, 4, in.len - 4), NULL))
        check_strict(type, &v, in);
    else if (abi_decode_lax_as_solidity(&v, &mem, type, in, 1, NULL))
        abi_first_fault(&v);
    abi_decode_lax_memory(&v, &mem, type, in, NULL);
    return 0;
}
