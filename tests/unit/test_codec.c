#include "abi/codec.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const char *types_accepted[] = {
    "()", "(uint8)", "(uint256,int8,address,bool,bytes1,bytes32,bytes,string)", "(uint8[],(bytes,bool)[2][])",
    "(bytes,bytes,(uint256,bytes32,bytes32[],uint256[],bool)[],bytes,bytes,bytes[])", "(((((((uint8)))))))",
};

static void types_are_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types_accepted / sizeof *types_accepted; i++) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 16);
        const struct abi_type *type;
        struct err err = {0};
        if (!abi_type_parse(&type, &mem, bytes_str(types_accepted[i]), &err))
            fail_msg("%s: %s", types_accepted[i], err.text);
    }
}

static const char *types_refused[] = {
    "",           "(",        "(uint8",      "(uint8,)",  "(,uint8)",   "uint",     "uint0",       "uint08",     "uint7",
    "uint264",    "bytes0",   "bytes33",     "(uint8))",  "uint8 a",    "uint8[0]", "uint8[01]",   "uint8[",     "uint8[-1]",
    "(uint8)[]x", "(())",     "()[]",        "function",  "uint8[4097]", "UINT8",   "uint8[64][65]", "string32", "addresspayable",
    "((((((((((uint8))))))))))", "uint8[][][][][][][][][][]",
};

static void types_that_are_not_canonical_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types_refused / sizeof *types_refused; i++) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 16);
        const struct abi_type *type = NULL;
        if (abi_type_parse(&type, &mem, bytes_str(types_refused[i]), NULL))
            fail_msg("accepted: %s", types_refused[i]);
        assert_null(type);
    }
}

#define W(n) "00000000000000000000000000000000000000000000000000000000000000" n
#define FF   "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const struct {
    const char *name, *type, *data;
    bool accepted;
} cases[] = {
    {"nothing", "()", "", true},
    {"nothing, but a byte", "()", "00", false},
    {"one word", "(uint8)", W("ff"), true},
    {"one word short", "(uint8)", "00", false},
    {"no data", "(uint8)", "", false},
    {"uint8 of 256", "(uint8)", "0000000000000000000000000000000000000000000000000000000000000100", false},
    {"int8 of -1", "(int8)", FF "ff", true},
    {"int8 of 255", "(int8)", W("ff"), false},
    {"int8 of -129", "(int8)", FF "7f", false},
    {"bool of 2", "(bool)", W("02"), false},
    {"bytes31 with a last byte", "(bytes31)", W("01"), false},
    {"empty bytes", "(bytes)", W("20") W("00"), true},
    {"bytes of one", "(bytes)", W("20") W("01") "6100000000000000000000000000000000000000000000000000000000000000", true},
    {"bytes with dirty padding", "(bytes)", W("20") W("01") "6100000000000000000000000000000000000000000000000000000000000001", false},
    {"bytes whose padding is cut", "(bytes)", W("20") W("01") "61", false},
    {"bytes with a word behind", "(bytes)", W("20") W("00") W("00"), false},
    {"gap before the tail", "(bytes)", W("40") W("00") W("00"), false},
    {"offset into the head", "(bytes)", W("00"), false},
    {"shared tail", "(bytes,bytes)", W("40") W("40") W("00"), false},
    {"tails in order", "(bytes,bytes)", W("40") W("60") W("00") W("00"), true},
    {"tails swapped", "(bytes,bytes)", W("60") W("40") W("00") W("00"), false},
    {"offset of 2^256-1", "(bytes)", FF "ff", false},
    {"length of 2^255", "(bytes)", W("20") "8000000000000000000000000000000000000000000000000000000000000000", false},
    {"count of 2^63", "(uint8[])", W("20") "0000000000000000000000000000000000000000000000008000000000000000", false},
    {"words", "(uint8[])", W("20") W("02") W("01") W("02"), true},
    {"words, one out of range", "(bool[])", W("20") W("02") W("01") W("02"), false},
    {"words, one missing", "(uint8[])", W("20") W("02") W("01"), false},
    {"static tuple in the head", "((uint8,bool),bytes)", W("01") W("01") W("60") W("00"), true},
    {"fixed array in the head", "(uint8[2],bytes)", W("01") W("02") W("60") W("00"), true},
    {"array of static tuples", "((uint8,bool)[])", W("20") W("01") W("05") W("01"), true},
    {"array of arrays", "(bytes[][])", W("20") W("01") W("20") W("01") W("20") W("00"), true},
};

static void decode_takes_canonical_data_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(buf_done) struct buf data = buf_new(1 << 16);
        AUTO(buf_done) struct buf again = buf_new(1 << 16);
        const struct abi_type *type;
        struct abi_value v;
        struct err err = {0};
        assert_true(abi_type_parse(&type, &mem, bytes_str(cases[i].type), &err));
        assert_true(hex_decode(&data, bytes_str(cases[i].data), &err));
        bool accepted = abi_decode_strict(&v, &mem, type, buf_view(&data), &err);
        if (accepted != cases[i].accepted)
            fail_msg("%s: %s", cases[i].name, accepted ? "accepted" : err.text);
        if (!accepted)
            continue;
        assert_true(abi_encode(&again, type, &v, &err));
        assert_true(bytes_eq(buf_view(&data), buf_view(&again)));
    }
}

static void a_value_of_another_shape_is_not_encoded(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    AUTO(buf_done) struct buf out = buf_new(1 << 16);
    const struct abi_type *type;
    assert_true(abi_type_parse(&type, &mem, BYTES_LIT("(uint8,bytes[])"), NULL));
    struct abi_value v = abi_new_list(&mem, 2);
    assert_false(abi_encode(&out, type, &v, NULL));
    v.item[0] = abi_from_u64(&mem, 256);
    assert_false(abi_encode(&out, type, &v, NULL));
    v.item[0] = abi_from_u64(&mem, 255);
    out.len = 0;
    assert_true(abi_encode(&out, type, &v, NULL));
    assert_int_equal(out.len, 96);
    v.count = 1;
    assert_false(abi_encode(&out, type, &v, NULL));
}

static void decoding_stays_below_the_arena_ceiling(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena types = arena_new(1 << 16), mem = arena_new(1024);
    AUTO(buf_done) struct buf data = buf_new(1 << 16);
    const struct abi_type *type;
    struct abi_value v;
    struct err err = {0};
    assert_true(abi_type_parse(&type, &types, BYTES_LIT("((uint8,uint8)[])"), NULL));
    assert_true(hex_decode(&data, BYTES_LIT(W("20") W("80")), &err));
    buf_zero(&data, 128 * 64);
    assert_false(abi_decode_strict(&v, &mem, type, buf_view(&data), &err));
    assert_int_equal(err.code, ERR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_parsed),
        cmocka_unit_test(types_that_are_not_canonical_are_refused),
        cmocka_unit_test(decode_takes_canonical_data_alone),
        cmocka_unit_test(a_value_of_another_shape_is_not_encoded),
        cmocka_unit_test(decoding_stays_below_the_arena_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
