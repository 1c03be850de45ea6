#include "abi/u256.h"
#include "tests/support/vectors.h"

static struct u256 num(const char *text)
{
    struct u256 v;
    struct err err = {0};
    if (!u256_parse(&v, bytes_str(text), &err))
        fail_msg("%s: %s", text, err.text);
    return v;
}

#define MAX_DEC "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define MAX_HEX "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void text_goes_both_ways(void **state)
{
    static const char *const pairs[][2] = {
        {"0", "0x0"},
        {"1", "0x1"},
        {"255", "0xff"},
        {"18446744073709551615", "0xffffffffffffffff"},
        {"18446744073709551616", "0x10000000000000000"},
        {"1000000000000000000000000000000000000000000", "0xb7abc627050305adf14a3d9e40000000000"},
        {MAX_DEC, MAX_HEX},
    };
    char dec[U256_DEC_SIZE], hex[U256_HEX_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_string_equal(u256_hex(hex, num(pairs[i][0])), pairs[i][1]);
        assert_string_equal(u256_dec(dec, num(pairs[i][1])), pairs[i][0]);
    }
    assert_true(u256_eq(num("0x00ff"), num("255")));
}

static void wrong_text_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "0x", "-1", "+1", "1e3", " 1", "1 ", "01", "00", "0xg", "1f", "f", MAX_HEX "0",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
    };
    struct u256 v = u256_from(7);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(u256_parse(&v, bytes_str(bad[i]), NULL));
        assert_int_equal(v.w[0], 7);
    }
}

static void sums_and_products_that_do_not_fit_are_refused(void **state)
{
    struct u256 max = num(MAX_HEX), half = num("0x100000000000000000000000000000000"), v = u256_from(7);
    (void)state;
    assert_false(u256_add(&v, max, u256_from(1)));
    assert_false(u256_mul(&v, half, half));
    assert_false(u256_sub(&v, u256_from(1), u256_from(2)));
    assert_false(u256_scale_up(&v, max, 9, 8));
    assert_int_equal(v.w[0], 7);

    assert_true(u256_mul(&v, num("0xffffffffffffffffffffffffffffffff"), num("0x100000000000000000000000000000001")));
    assert_true(u256_eq(v, max));
    assert_true(u256_sub(&v, max, max) && u256_is_zero(v));
    assert_true(u256_sub(&v, half, u256_from(1)));
    assert_true(u256_eq(v, num("0xffffffffffffffffffffffffffffffff")));
    assert_true(u256_add(&v, v, u256_from(1)) && u256_eq(v, half));
}

static void scaling_rounds_up(void **state)
{
    struct u256 v;
    (void)state;
    assert_true(u256_scale_up(&v, u256_from(1), 11, 10) && u256_eq(v, u256_from(2)));
    assert_true(u256_scale_up(&v, u256_from(10), 11, 10) && u256_eq(v, u256_from(11)));
    assert_true(u256_scale_up(&v, num("1000000000000000000000000000001"), 9, 8));
    assert_true(u256_eq(v, num("1125000000000000000000000000002")));
}

static void bytes_go_both_ways(void **state)
{
    uint8_t word[32], min[32];
    struct u256 v = num("0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
    (void)state;
    u256_to_be32(word, v);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(word[i], i + 1);
    assert_true(u256_eq(u256_from_be32(word), v));

    assert_int_equal(u256_to_min_be(min, u256_from(0)), 0);
    assert_int_equal(u256_to_min_be(min, u256_from(0x1234)), 2);
    assert_memory_equal(min, "\x12\x34", 2);
    assert_true(u256_from_bytes(&v, bytes_from(min, 2), NULL) && u256_eq(v, u256_from(0x1234)));
    uint8_t long_one[33] = {0};
    assert_false(u256_from_bytes(&v, BYTES(long_one), NULL));
}

static void bits_and_order(void **state)
{
    uint64_t small = 5;
    (void)state;
    assert_int_equal(u256_bits(u256_from(0)), 0);
    assert_int_equal(u256_bits(u256_from(1)), 1);
    assert_int_equal(u256_bits(num(MAX_HEX)), 256);
    assert_true(u256_cmp(num("0x10000000000000000"), num("0xffffffffffffffff")) > 0);
    assert_true(u256_eq(u256_min(u256_from(1), u256_from(2)), u256_from(1)));
    assert_true(u256_eq(u256_max(u256_from(1), u256_from(2)), u256_from(2)));
    assert_false(u256_to_u64(&small, num("0x10000000000000000")));
    assert_int_equal(small, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_both_ways),
        cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(sums_and_products_that_do_not_fit_are_refused),
        cmocka_unit_test(scaling_rounds_up),
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(bits_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
