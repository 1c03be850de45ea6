/* Rows of calls, events and errors against the hash they must have, and revert data into words. */
#include "abi/calls.h"
#include "abi/errors.h"
#include "abi/events.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/keccak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void parses(const char *type)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    const struct abi_type *t;
    struct err err = {0};
    if (!abi_type_parse(&t, &mem, bytes_str(type), &err))
        fail_msg("%s: %s", type, err.text);
}

static void selectors_are_the_hash_of_their_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < num_abi_calls; i++) {
        const struct abi_call *c = &abi_calls[i];
        if (abi_selector_of(c->name, c->args) != c->selector)
            fail_msg("%s: %08x", c->name, abi_selector_of(c->name, c->args));
        parses(c->args);
        if (c->returns)
            parses(c->returns);
    }
}

static void topics_are_the_hash_of_their_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < num_abi_events; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s%s", abi_events[i].name, abi_events[i].args);
        assert_true(hash32_eq(keccak256(bytes_str(text)), abi_events[i].topic0));
        assert_ptr_equal(abi_event_by_topic(abi_events[i].topic0), &abi_events[i]);
        assert_ptr_equal(abi_event_find(abi_events[i].name), &abi_events[i]);
    }
}

static void error_selectors_are_the_hash_of_their_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < num_abi_errors; i++) {
        const struct abi_error *e = &abi_errors[i];
        assert_int_equal(be32(keccak256(bytes_str(e->signature)).b), e->selector);
        parses(strchr(e->signature, '('));
        assert_ptr_equal(abi_error_find(e->signature), e);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(abi_errors[j].selector, e->selector);
    }
}

static void a_call_is_found_by_what_names_it(void **state)
{
    (void)state;
    assert_int_equal(abi_call_find("attestCvm", ABI_G1A)->selector, 0xdf42b054);
    assert_int_equal(abi_call_find("attestCvm", ABI_G1B)->selector, 0x4a231d6f);
    assert_int_equal(abi_call_find("reattestCvmWithTpm", ABI_G1C)->selector, 0x339f45f6);
    assert_null(abi_call_find("attestCvm", ABI_G2));
    assert_null(abi_call_by_selector(BYTES_LIT("\x4a\x23\x1d")));
    assert_null(abi_call_by_selector(BYTES_LIT("\0\0\0\0")));
    assert_string_equal(abi_call_by_selector(BYTES_LIT("\x95\xe2\x68\xa8..."))->name, "registerCvm");
}

static void a_call_decodes_what_it_encoded(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    AUTO(buf_done) struct buf out = buf_new(1 << 16);
    const struct abi_call *call = abi_call_find("setCollateralTTL", ABI_G1B);
    struct abi_value args = abi_new_list(&mem, 4), back;
    args.item[0] = abi_from_fixed(&mem, BYTES_LIT("\x11\x22"));
    args.item[1] = abi_from_u64(&mem, 30);
    args.item[2] = abi_from_u64(&mem, UINT64_MAX);
    args.item[3] = abi_from_bytes(BYTES_LIT("signature"));
    assert_true(abi_encode_call(&out, call, &args, NULL));
    assert_int_equal(out.len, 4 + 6 * 32);
    assert_true(abi_decode_call(&back, &mem, call, buf_view(&out), NULL));
    assert_int_equal(abi_low_u64(&back.item[2]), UINT64_MAX);
    assert_true(bytes_eq(back.item[3].data, BYTES_LIT("signature")));
    assert_false(abi_decode_call(&back, &mem, abi_call_find("attestCvm", ABI_G1B), buf_view(&out), NULL));
    buf_u8(&out, 0);
    assert_false(abi_decode_call(&back, &mem, call, buf_view(&out), NULL));
}

static const struct {
    const char *data, *name, *words;
} reverts[] = {
    {"", "(empty)", "(empty): reverted without data: the arguments cannot be decoded, or there is no such function or contract"},
    {"00", "(1 bytes)", "(1 bytes)"},
    {"deadbeef", "0xdeadbeef", "0xdeadbeef"},
    {"5c73c927", "TEE_COLLATERAL_EXPIRED()", "TEE_COLLATERAL_EXPIRED(): the TEE side of this identity has expired: attest in full"},
    {"08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000"
     "000000096e6f740a666f756e640000000000000000000000000000000000000000000000",
     "Error(string)", "Error(not?found)"},
    {"4e487b710000000000000000000000000000000000000000000000000000000000000011", "Panic(uint256)",
     "Panic(17): arithmetic overflow or underflow"},
    {"4e487b71", "Panic(uint256)", "Panic(uint256)"},
};

static void revert_data_become_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reverts / sizeof *reverts; i++) {
        AUTO(buf_done) struct buf data = buf_new(1 << 12);
        assert_true(hex_decode(&data, bytes_str(reverts[i].data), NULL));
        char name[200];
        assert_string_equal(abi_error_name(name, sizeof name, buf_view(&data)), reverts[i].name);
        AUTO(auto_free) char *words = abi_error_words(buf_view(&data));
        assert_string_equal(words, reverts[i].words);
    }
}

static void revert_strings_are_made_as_the_compiler_makes_them(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf out = buf_new(1 << 12);
    AUTO(abi_error_args_done) struct abi_error_args args = {0};
    abi_revert_string(&out, "");
    assert_int_equal(out.len, 4 + 64);
    out.len = 0;
    abi_revert_string(&out, "thirty-two characters, to a word");
    assert_int_equal(out.len, 4 + 96);
    assert_true(abi_error_args(&args, buf_view(&out), NULL));
    assert_string_equal(args.text[0], "thirty-two characters, to a word");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_are_the_hash_of_their_signature),
        cmocka_unit_test(topics_are_the_hash_of_their_signature),
        cmocka_unit_test(error_selectors_are_the_hash_of_their_signature),
        cmocka_unit_test(a_call_is_found_by_what_names_it),
        cmocka_unit_test(a_call_decodes_what_it_encoded),
        cmocka_unit_test(revert_data_become_words),
        cmocka_unit_test(revert_strings_are_made_as_the_compiler_makes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
