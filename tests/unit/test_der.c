#include "crypto/base/der.h"

#include "tests/support/vectors.h"

static void headers_are_strict(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        const char *why; /* NULL: taken */
    } cases[] = {
        {BYTES_LIT("\x04\x00"), NULL},
        {BYTES_LIT("\x04\x02"
                   "ab"),
         NULL},
        {BYTES_LIT(""), "missing"},
        {BYTES_LIT("\x04"), "cut short"},
        {BYTES_LIT("\x04\x03"
                   "ab"),
         "longer than what holds it"},
        {BYTES_LIT("\x04\x80"
                   "ab\0\0"),
         "indefinite length"},
        {BYTES_LIT("\x04\x81\x02"
                   "ab"),
         "length not minimal"},
        {BYTES_LIT("\x04\x82\x00\x80"), "length not minimal"},
        {BYTES_LIT("\x04\x81"), "cut short"},
        {BYTES_LIT("\x04\x84\xff\xff\xff\xff"), "longer than what holds it"},
        {BYTES_LIT("\x04\x85\x01\x00\x00\x00\x00"), "length of more than 4 bytes"},
        {BYTES_LIT("\x04\xff"), "length of more than 4 bytes"},
        {BYTES_LIT("\x1f\x04\x00"), "tag of several bytes"},
        {BYTES_LIT("\x05\x00"), "another tag"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct der d = der_from(cases[i].in);
        der_take(&d, DER_OCTET_STRING, "x");
        if (cases[i].why)
            assert_string_equal(d.why, cases[i].why);
        assert_int_equal(der_finish(&d, NULL), cases[i].why == NULL);
    }
}

static void long_lengths_are_read(void **state)
{
    (void)state;
    static uint8_t in[70000] = {0x04, 0x82, 0x01, 0x00};
    struct der d = der_from(bytes_from(in, 4 + 256));
    assert_int_equal(der_take(&d, 4, "x").len, 256);
    memcpy(in, "\x04\x83\x01\x00\x00", 5);
    d = der_from(bytes_from(in, 5 + 65536));
    assert_int_equal(der_take(&d, 4, "x").len, 65536);
    assert_true(der_finish(&d, NULL));
    assert_int_equal(der_element_len(bytes_from(in, sizeof in)), 5 + 65536);
    assert_int_equal(der_element_len(bytes_from(in, 65536)), 0);
}

static void numbers_are_minimal_and_not_negative(void **state)
{
    (void)state;
    static const struct {
        struct bytes in, want; /* want empty: refused */
    } cases[] = {
        {BYTES_LIT("\x02\x01\x00"), BYTES_LIT("\0")},
        {BYTES_LIT("\x02\x01\x7f"), BYTES_LIT("\x7f")},
        {BYTES_LIT("\x02\x02\x00\x80"), BYTES_LIT("\x80")},
        {BYTES_LIT("\x02\x04\x01\x02\x03\x04"), BYTES_LIT("\1\2\3\4")},
        {BYTES_LIT("\x02\x05\x00\xff\x02\x03\x04"), BYTES_LIT("\xff\2\3\4")},
        {BYTES_LIT("\x02\x05\x01\x02\x03\x04\x05"), {0}}, /* above the limit of 4 bytes */
        {BYTES_LIT("\x02\x00"), {0}},
        {BYTES_LIT("\x02\x01\x80"), {0}},
        {BYTES_LIT("\x02\x02\x00\x7f"), {0}},
        {BYTES_LIT("\x02\x02\x00\x00"), {0}},
        {BYTES_LIT("\x02\x02\xff\x80"), {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct der d = der_from(cases[i].in);
        assert_true(bytes_eq(der_uint(&d, 4, "x"), cases[i].want));
        assert_int_equal(der_finish(&d, NULL), cases[i].want.len > 0);
    }
    struct der d = der_from(BYTES_LIT("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_true(der_u64(&d, "x") == UINT64_MAX);
}

static void booleans_and_bits(void **state)
{
    (void)state;
    struct der d = der_from(BYTES_LIT("\x01\x01\xff\x01\x01\x00\x03\x03\x00\xaa\xbb"));
    assert_true(der_bool(&d, "t"));
    assert_false(der_bool(&d, "f"));
    assert_true(bytes_eq(der_bits(&d, "bits"), BYTES_LIT("\xaa\xbb")));
    assert_true(der_finish(&d, NULL));
    static const struct bytes bad[] = {BYTES_LIT("\x01\x01\x01"), BYTES_LIT("\x01\x00"), BYTES_LIT("\x01\x02\xff\xff")};
    for (size_t i = 0; i < 3; i++) {
        d = der_from(bad[i]);
        der_bool(&d, "x");
        assert_true(d.failed);
    }
    d = der_from(BYTES_LIT("\x03\x02\x01\xaa"));
    der_bits(&d, "unused");
    assert_true(d.failed);
    d = der_from(BYTES_LIT("\x03\x00"));
    der_bits(&d, "empty");
    assert_true(d.failed);
}

#define UTC(s) BYTES_LIT("\x17\x0d" s)
#define GEN(s) BYTES_LIT("\x18\x0f" s)

static void times_of_rfc_5280(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        bool ok;
        int64_t want;
    } cases[] = {
        {UTC("260131120000Z"), true, 1769860800},
        {UTC("500101000000Z"), true, -631152000},
        {UTC("491231235959Z"), true, 2524607999},
        {GEN("20500101000000Z"), true, 2524608000},
        {GEN("99991231235959Z"), true, 253402300799},
        {UTC("240229000000Z"), true, 1709164800},
        {UTC("230229000000Z"), false, 0},
        {UTC("260431000000Z"), false, 0},
        {UTC("261301000000Z"), false, 0},
        {UTC("260100000000Z"), false, 0},
        {UTC("260131240000Z"), false, 0},
        {UTC("260131126000Z"), false, 0},
        {UTC("260131120060Z"), false, 0},
        {UTC("260131120000X"), false, 0},
        {UTC("26013112000aZ"), false, 0},
        {BYTES_LIT("\x17\x0b"
                   "2601311200Z"),
         false, 0},
        {BYTES_LIT("\x17\x11"
                   "260131120000+0100"),
         false, 0},
        {BYTES_LIT("\x18\x11"
                   "20500101000000.5Z"),
         false, 0},
        {BYTES_LIT("\x17\x00"), false, 0},
        {BYTES_LIT("\x02\x01\x01"), false, 0},
        {BYTES_LIT(""), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct der d = der_from(cases[i].in);
        int64_t t = der_time(&d, "t");
        if (der_finish(&d, NULL) != cases[i].ok || (cases[i].ok && t != cases[i].want))
            fail_msg("case %zu: %lld", i, (long long)t);
    }
}

static void inner_cursor_and_optional(void **state)
{
    (void)state;
    struct bytes contents = {0};
    struct der d = der_from(BYTES_LIT("\x30\x06\x02\x01\x05\xa0\x01\x07"));
    struct der in = der_enter(&d, DER_SEQUENCE, "seq");
    assert_int_equal(der_peek(&in), DER_INTEGER);
    assert_false(der_optional(&in, DER_CONTEXT(0), &contents));
    assert_int_equal(der_u64(&in, "n"), 5);
    assert_true(der_optional(&in, DER_CONTEXT(0), &contents));
    assert_true(bytes_eq(contents, BYTES_LIT("\7")));
    assert_false(der_more(&in));
    assert_int_equal(der_peek(&in), -1);
    assert_true(der_finish(&in, NULL) && der_finish(&d, NULL));
}

static void failure_passes_to_the_inner_cursor(void **state)
{
    (void)state;
    struct err err = {0};
    struct der d = der_from(BYTES_LIT("\x31\x00"));
    struct der in = der_enter(&d, DER_SEQUENCE, "tbs");
    assert_int_equal(der_take(&in, DER_INTEGER, "later").len, 0);
    assert_false(der_finish(&in, &err));
    assert_string_equal(err.text, "tbs: another tag (offset 0)");
}

static void raw_keeps_the_header(void **state)
{
    (void)state;
    struct der d = der_from(BYTES_LIT("\x30\x01\x05\x31\x00"));
    assert_true(bytes_eq(der_raw(&d, DER_SEQUENCE, "a"), BYTES_LIT("\x30\x01\x05")));
    assert_true(bytes_eq(der_raw(&d, -1, "b"), BYTES_LIT("\x31\x00")));
    assert_true(der_finish(&d, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_strict),
        cmocka_unit_test(long_lengths_are_read),
        cmocka_unit_test(numbers_are_minimal_and_not_negative),
        cmocka_unit_test(booleans_and_bits),
        cmocka_unit_test(times_of_rfc_5280),
        cmocka_unit_test(inner_cursor_and_optional),
        cmocka_unit_test(failure_passes_to_the_inner_cursor),
        cmocka_unit_test(raw_keeps_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
