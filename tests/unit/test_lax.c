#include "abi/lax.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define W(n) "00000000000000000000000000000000000000000000000000000000000000" n
#define FF   "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define A    "6100000000000000000000000000000000000000000000000000000000000000"
#define SEL  "01020304"

enum { ENTRY_OK = 1, ENTRY_STOPS = 0 };

static const struct {
    const char *name, *type, *data;
    int entry;
    enum abi_fault fault; /* within the values, once entered */
} cases[] = {
    {"canonical", "(uint8,bytes)", W("01") W("40") W("01") A, ENTRY_OK, 0},
    {"bytes behind the end", "(bytes)", W("20") W("01") A "ff", ENTRY_OK, 0},
    {"gap", "(bytes)", W("40") W("ee") W("01") A, ENTRY_OK, 0},
    {"shared tail", "(bytes,bytes)", W("40") W("40") W("01") A, ENTRY_OK, 0},
    {"padding cut", "(bytes)", W("20") W("01") "61", ENTRY_OK, 0},
    {"offset into the head", "(uint8,bytes)", W("01") W("00") A A, ENTRY_OK, 0},
    {"length beyond the data", "(bytes)", W("20") W("02") "61", ENTRY_STOPS, 0},
    {"offset of 2^64", "(bytes)", "0000000000000000000000000000000000000000000000010000000000000000" W("00"), ENTRY_STOPS, 0},
    {"negative offset of a parameter", "(bytes)", FF "e0" W("00"), ENTRY_STOPS, 0},
    {"dirty uint8", "(uint8)", "0000000000000000000000000000000000000000000000000000000000000100", ENTRY_STOPS, 0},
    {"short head", "(uint8,uint8)", W("01"), ENTRY_STOPS, 0},
    {"member offset beyond the data is found on use", "((uint8,bytes))", W("20") W("01") W("60"), ENTRY_OK, ABI_UNREADABLE},
    {"member offset that is negative leads to zeros", "((uint8,bytes))", W("20") W("01") FF "00", ENTRY_OK, 0},
    {"member that is dirty is found on use", "((bool,bytes))", W("20") W("02") W("40") W("00"), ENTRY_OK, ABI_UNREADABLE},
    {"tuple whose head is cut", "((uint8,bytes))", W("20") W("01"), ENTRY_STOPS, 0},
    {"array of arrays, inner one too long", "((bytes32[][],bool))", W("20") W("40") W("00") W("01") W("20") W("02") A, ENTRY_OK, ABI_UNREADABLE},
};

static void calldata_is_read_as_the_contracts_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(buf_done) struct buf data = buf_new(1 << 16);
        const struct abi_type *type;
        struct abi_value v;
        assert_true(abi_type_parse(&type, &mem, bytes_str(cases[i].type), NULL));
        assert_true(hex_decode(&data, BYTES_LIT(SEL), NULL) && hex_decode(&data, bytes_str(cases[i].data), NULL));
        assert_true(abi_decode_lax_as_solidity(&v, &mem, type, buf_view(&data), 0, NULL));
        if ((v.fault == ABI_READABLE) != (cases[i].entry == ENTRY_OK))
            fail_msg("%s: entry fault %d", cases[i].name, v.fault);
        if (cases[i].entry == ENTRY_OK && abi_first_fault(&v) != cases[i].fault)
            fail_msg("%s: fault %d", cases[i].name, abi_first_fault(&v));
    }
}

static const struct {
    const char *name, *data;
    enum abi_fault fault;
} memory_cases[] = {
    {"canonical", W("20") W("40") W("80") W("01") A W("00"), 0},
    {"bytes behind the end", W("20") W("40") W("80") W("01") A W("00") "ffff", 0},
    {"no data", "", ABI_UNREADABLE},
    {"offset beyond the data", W("80") W("40") W("80"), ABI_UNREADABLE},
    {"negative member offset", W("20") FF "e0" W("80") W("01") A W("00"), ABI_UNREADABLE},
    {"length beyond the data", W("20") W("40") W("80") W("01") A W("21"), ABI_UNREADABLE},
    {"length of 2^64", W("20") W("40") W("40") "0000000000000000000000000000000000000000000000010000000000000000", ABI_ALLOCATION},
    {"length of 2^64 - 1", W("20") W("40") W("40") "000000000000000000000000000000000000000000000000ffffffffffffffff", ABI_ALLOCATION},
};

static void memory_is_filled_as_abi_decode_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof memory_cases / sizeof *memory_cases; i++) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(buf_done) struct buf data = buf_new(1 << 16);
        const struct abi_type *type;
        struct abi_value v;
        assert_true(abi_type_parse(&type, &mem, BYTES_LIT("((bytes,bytes))"), NULL));
        assert_true(hex_decode(&data, bytes_str(memory_cases[i].data), NULL));
        assert_true(abi_decode_lax_memory(&v, &mem, type, buf_view(&data), NULL));
        if (abi_first_fault(&v) != memory_cases[i].fault)
            fail_msg("%s: fault %d", memory_cases[i].name, abi_first_fault(&v));
    }
}

static void a_parameter_copied_to_memory_may_exhaust_it(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    AUTO(buf_done) struct buf data = buf_new(1 << 16);
    const struct abi_type *type;
    struct abi_value v;
    assert_true(abi_type_parse(&type, &mem, BYTES_LIT("((bytes))"), NULL));
    assert_true(hex_decode(&data, BYTES_LIT(SEL W("20") W("20") FF "ff"), NULL));
    assert_true(abi_decode_lax_as_solidity(&v, &mem, type, buf_view(&data), 0, NULL));
    assert_int_equal(abi_first_fault(&v), ABI_UNREADABLE);
    assert_true(abi_decode_lax_as_solidity(&v, &mem, type, buf_view(&data), 1, NULL));
    assert_int_equal(v.fault, ABI_READABLE);
    assert_int_equal(abi_first_fault(&v), ABI_ALLOCATION);
}

static void work_is_bounded_by_the_arena(void **state)
{
    (void)state;
    /* 1000 outer entries that share one inner array of 1000 */
    AUTO(arena_done) struct arena types = arena_new(1 << 16), mem = arena_new(1 << 20);
    AUTO(buf_done) struct buf data = buf_new(1 << 20);
    const struct abi_type *type;
    struct abi_value v;
    struct err err = {0};
    assert_true(abi_type_parse(&type, &types, BYTES_LIT("(bytes[][])"), NULL));
    assert_true(hex_decode(&data, BYTES_LIT(SEL W("20") "00000000000000000000000000000000000000000000000000000000000003e8"), NULL));
    for (int i = 0; i < 1000; i++) {
        buf_zero(&data, 30);
        buf_u16be(&data, 1000 * 32);
    }
    assert_true(hex_decode(&data, BYTES_LIT("00000000000000000000000000000000000000000000000000000000000003e8"), NULL));
    for (int i = 0; i < 1000; i++)
        buf_zero(&data, 32);
    assert_false(abi_decode_lax_as_solidity(&v, &mem, type, buf_view(&data), 0, &err));
    assert_int_equal(err.code, ERR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calldata_is_read_as_the_contracts_read_it),
        cmocka_unit_test(memory_is_filled_as_abi_decode_does),
        cmocka_unit_test(a_parameter_copied_to_memory_may_exhaust_it),
        cmocka_unit_test(work_is_bounded_by_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
