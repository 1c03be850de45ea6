#include "crypto/base/text.h"

#include "crypto/base/auto.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <time.h>

static void hex_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct bytes want;
        bool ok;
    } cases[] = {
        {"", BYTES_LIT(""), true},
        {"0x", BYTES_LIT(""), true},
        {"00fF", BYTES_LIT("\x00\xff"), true},
        {"0xaB", BYTES_LIT("\xab"), true},
        {"0X12", BYTES_LIT("\x12"), true},
        {"a", {0}, false},
        {"0xa", {0}, false},
        {"gg", {0}, false},
        {"12 4", {0}, false},
        {" 12", {0}, false},
        {"0x0x12", {0}, false},
        {"12\n3", {0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf_done) struct buf b = buf_new(100);
        buf_text(&b, "kept");
        assert_int_equal(hex_decode(&b, bytes_str(cases[i].text), NULL), cases[i].ok);
        assert_true(bytes_eq(bytes_sub(buf_view(&b), 0, 4), BYTES_LIT("kept")));
        assert_true(bytes_eq(bytes_sub(buf_view(&b), 4, b.len - 4), cases[i].want));
    }
    AUTO(auto_free) char *prefixed = hex_0x(BYTES_LIT("\x01\xfe"));
    AUTO(auto_free) char *plain = hex_plain(BYTES_LIT("\x01\xfe"));
    assert_string_equal(prefixed, "0x01fe");
    assert_string_equal(plain, "01fe");
}

static void fixed_hex_leaves_its_output_alone_on_failure(void **state)
{
    (void)state;
    uint8_t out[2] = {7, 7};
    struct err err = {0};
    assert_false(hex_decode_fixed(out, 2, BYTES_LIT("12345"), &err));
    assert_string_equal(err.text, "hex: want 4 digits, have 5");
    assert_false(hex_decode_fixed(out, 2, BYTES_LIT("123x"), &err));
    assert_int_equal(out[0] | out[1], 7);
    assert_true(hex_decode_fixed(out, 2, BYTES_LIT("0x1234"), &err));
    assert_int_equal(out[1], 0x34);
}

static void base64_both_ways(void **state)
{
    (void)state;
    /* RFC 4648 section 10 */
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xfb\xff\xfe", "+//+"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf_done) struct buf text = buf_new(100), plain = buf_new(100);
        base64_encode(&text, bytes_str(cases[i].plain));
        assert_true(bytes_eq(buf_view(&text), bytes_str(cases[i].text)));
        assert_true(base64_decode(&plain, bytes_str(cases[i].text), NULL));
        assert_true(bytes_eq(buf_view(&plain), bytes_str(cases[i].plain)));
    }
}

static void base64_of_every_length_comes_back(void **state)
{
    (void)state;
    uint8_t in[300];
    for (size_t n = 0; n <= sizeof in; n++) {
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i * 37 + n * 11);
        AUTO(buf_done) struct buf text = buf_new(1000), back = buf_new(1000);
        base64_encode(&text, bytes_from(in, n));
        assert_true(base64_decode(&back, buf_view(&text), NULL));
        assert_true(bytes_eq(buf_view(&back), bytes_from(in, n)));
    }
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",      "Zg",    "Zg=",  "Zh==", "Zm9=", "====",  "Z===",     "Zg==Zg==",
        "Zm9v\n", "Zm 9v", "Zm-_", "Z=g=", "=m9v", "Zm9v=", "Zm9v====", "\x80\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO(buf_done) struct buf b = buf_new(100);
        buf_text(&b, "kept");
        if (base64_decode(&b, bytes_str(bad[i]), NULL))
            fail_msg("%s was taken", bad[i]);
        assert_true(bytes_eq(buf_view(&b), BYTES_LIT("kept")));
    }
}

static void base64url_goes_without_padding(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf b = buf_new(100);
    assert_true(base64url_decode(&b, BYTES_LIT("-__-Zg"), NULL));
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("\xfb\xff\xfe"
                                                 "f")));
    assert_false(base64url_decode(&b, BYTES_LIT("Zg=="), NULL));
    assert_false(base64url_decode(&b, BYTES_LIT("+A"), NULL));
    assert_false(base64url_decode(&b, BYTES_LIT("Z"), NULL));
    assert_int_equal(b.len, 4);
}

static void numbers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, want;
        bool ok;
    } cases[] = {
        {"0", 9, 0, true},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
        {"99999999999999999999", UINT64_MAX, 0, false},
        {"10", 10, 10, true},
        {"11", 10, 0, false},
        {"9", 5, 0, false},
        {"", 9, 0, false},
        {"01", 9, 0, false},
        {"-1", 9, 0, false},
        {"+1", 9, 0, false},
        {"1 ", 9, 0, false},
        {"0x1", 9, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 77;
        assert_int_equal(u64_parse(&v, bytes_str(cases[i].text), cases[i].max, NULL), cases[i].ok);
        assert_true(v == (cases[i].ok ? cases[i].want : 77));
    }
}

static void times_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1769860800", 1769860800},
        {"253402300799", 253402300799},
        {"253402300800", -1},
        {"2026-01-31T12:00:00Z", 1769860800},
        {"2026-01-31t12:00:00z", 1769860800},
        {"2026-01-31T13:30:00+01:30", 1769860800},
        {"2026-01-31T04:00:00-08:00", 1769860800},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00+01:00", -1},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"2024-02-29T00:00:00Z", 1709164800},
        {"2023-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-00T00:00:00Z", -1},
        {"2026-01-31T24:00:00Z", -1},
        {"2026-01-31T12:60:00Z", -1},
        {"2026-01-31T12:00:61Z", -1},
        {"2026-01-31T12:00:00", -1},
        {"2026-01-31", -1},
        {"2026-1-31T12:00:00Z", -1},
        {"2026-01-31T12:00:00Zx", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t t = -1;
        struct err err;
        bool ok = time_parse(&t, bytes_str(cases[i].text), &err);
        if (ok != (cases[i].want >= 0) || t != cases[i].want)
            fail_msg("%s: %lld", cases[i].text, (long long)t);
    }
}

static void civil_time_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t t = -62135596800; t < 253402300800; t += 86400 * 11 + 12345) {
        time_t at = (time_t)t;
        struct tm tm;
        gmtime_r(&at, &tm);
        assert_true(time_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec) ==
                    t);
    }
}

static void time_text_comes_back(void **state)
{
    (void)state;
    char text[21];
    assert_string_equal(time_format(text, 1769860800), "2026-01-31T12:00:00Z");
    assert_string_equal(time_format(text, 0), "1970-01-01T00:00:00Z");
    for (int64_t t = 0; t < 253402300800; t += 86400 * 97 + 54321) {
        int64_t back;
        assert_true(time_parse(&back, bytes_str(time_format(text, t)), NULL));
        assert_true(back == t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(fixed_hex_leaves_its_output_alone_on_failure),
        cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(base64_of_every_length_comes_back),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(base64url_goes_without_padding),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(times_parse),
        cmocka_unit_test(civil_time_agrees_with_the_c_library),
        cmocka_unit_test(time_text_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
