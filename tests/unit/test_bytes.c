#include "crypto/base/bytes.h"

#include "crypto/base/auto.h"
#include "tests/support/vectors.h"

static void views_stay_inside(void **state)
{
    (void)state;
    struct bytes b = BYTES_LIT("abcdef");
    assert_true(bytes_eq(bytes_sub(b, 2, 3), BYTES_LIT("cde")));
    assert_true(bytes_eq(bytes_sub(b, 6, 0), BYTES_LIT("")));
    assert_int_equal(bytes_sub(b, 2, 5).len, 0);
    assert_int_equal(bytes_sub(b, 7, 0).len, 0);
    assert_int_equal(bytes_sub(b, SIZE_MAX, 2).len, 0);
    assert_int_equal(bytes_sub(b, 1, SIZE_MAX).len, 0);
    assert_int_equal(bytes_sub((struct bytes){0}, 0, 0).len, 0);
}

static void find_gives_the_first_hit(void **state)
{
    (void)state;
    struct bytes b = BYTES_LIT("abcabc");
    assert_int_equal(bytes_find(b, BYTES_LIT("bc"), 0), 1);
    assert_int_equal(bytes_find(b, BYTES_LIT("bc"), 2), 4);
    assert_true(bytes_find(b, BYTES_LIT("bc"), 5) == SIZE_MAX);
    assert_true(bytes_find(b, BYTES_LIT("bc"), 9) == SIZE_MAX);
    assert_true(bytes_find(b, BYTES_LIT("abcabcd"), 0) == SIZE_MAX);
    assert_int_equal(bytes_find(b, BYTES_LIT(""), 3), 3);
    assert_true(bytes_find((struct bytes){0}, BYTES_LIT("a"), 0) == SIZE_MAX);
}

static void zero_and_equal(void **state)
{
    (void)state;
    assert_true(bytes_is_zero((struct bytes){0}));
    assert_true(bytes_is_zero(BYTES_LIT("\0\0")));
    assert_false(bytes_is_zero(BYTES_LIT("\0\1")));
    assert_true(bytes_eq((struct bytes){0}, BYTES_LIT("")));
    assert_false(bytes_eq(BYTES_LIT("a"), BYTES_LIT("ab")));
}

static void reader_reads_both_ends(void **state)
{
    (void)state;
    static const uint8_t in[] = {1, 1, 2, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2,
                                 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct reader r = rd_from(BYTES(in));
    assert_int_equal(rd_u8(&r, "a"), 1);
    assert_int_equal(rd_u16be(&r, "b"), 0x0102);
    assert_int_equal(rd_u16le(&r, "c"), 0x0201);
    assert_int_equal(rd_u32be(&r, "d"), 0x01020304);
    assert_int_equal(rd_u32le(&r, "e"), 0x04030201);
    assert_true(rd_u64be(&r, "f") == 0x0102030405060708);
    assert_true(rd_u64le(&r, "g") == 0x0807060504030201);
    assert_int_equal(rd_left(&r), 1);
    assert_false(rd_finish(&r, NULL));
    assert_true(bytes_eq(rd_rest(&r), BYTES_LIT("\x09")));
    assert_true(rd_finish(&r, NULL));
}

static void first_failure_sticks_and_is_told(void **state)
{
    (void)state;
    struct err err = {0};
    struct reader r = rd_from(BYTES_LIT("\1\2\3"));
    assert_int_equal(rd_u16be(&r, "version"), 0x0102);
    assert_int_equal(rd_u32be(&r, "length"), 0);
    assert_int_equal(rd_u8(&r, "later"), 0); /* though a byte is left */
    uint8_t copy[2] = {7, 7};
    rd_copy(&r, copy, sizeof copy, "later still");
    assert_int_equal(copy[0] | copy[1], 0);
    assert_int_equal(rd_bytes(&r, 1, "view").len, 0);
    assert_int_equal(rd_left(&r), 0);
    assert_false(rd_finish(&r, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_string_equal(err.text, "length: want 4 bytes at offset 2, 1 left");
}

static void left_over_bytes_are_told(void **state)
{
    (void)state;
    struct err err = {0};
    struct reader r = rd_from(BYTES_LIT("abc"));
    rd_skip(&r, 1, "x");
    assert_true(rd_ok(&r, &err));
    assert_false(rd_finish(&r, &err));
    assert_string_equal(err.text, "2 bytes left over at offset 1");
}

static void sub_reader_is_bounded_and_inherits_failure(void **state)
{
    (void)state;
    struct err err = {0};
    struct reader r = rd_from(BYTES_LIT("abcdef"));
    struct reader sub = rd_sub(&r, 2, "sub");
    rd_u32be(&sub, "too long");
    assert_true(sub.failed);
    assert_false(r.failed);
    struct reader dead = rd_sub(&r, 5, "gone");
    assert_true(r.failed && dead.failed);
    assert_int_equal(rd_u8(&dead, "x"), 0);
    assert_false(rd_finish(&dead, &err));
    assert_string_equal(err.text, "gone: want 5 bytes at offset 2, 4 left");
}

static void count_above_the_ceiling_falls_through(void **state)
{
    (void)state;
    struct err err = {0};
    struct reader r = rd_from(BYTES_LIT("\x05"));
    assert_int_equal(rd_count(&r, rd_u8(&r, "n"), 5, "certs"), 5);
    assert_int_equal(rd_count(&r, UINT64_MAX, 5, "certs"), 0);
    assert_int_equal(rd_count(&r, 1, 5, "later"), 0);
    assert_false(rd_finish(&r, &err));
    assert_string_equal(err.text, "certs: more than 5 at offset 1");
}

static void huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    struct reader r = rd_from(BYTES_LIT("abc"));
    rd_u8(&r, "x");
    assert_int_equal(rd_bytes(&r, SIZE_MAX, "y").len, 0);
    assert_true(r.failed);
}

static void buffer_writes_what_the_reader_reads(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf b = buf_new(1000);
    buf_u8(&b, 1);
    buf_u16be(&b, 0x0102);
    buf_u16le(&b, 0x0102);
    buf_u32be(&b, 0x01020304);
    buf_u32le(&b, 0x01020304);
    buf_u64be(&b, 0x0102030405060708);
    buf_u64le(&b, 0x0102030405060708);
    buf_zero(&b, 2);
    buf_text(&b, "ab");
    buf_printf(&b, "%d-%s", 7, "x");
    assert_true(buf_finish(&b, NULL));
    assert_true(
        bytes_eq(buf_view(&b), BYTES_LIT("\1\1\2\2\1\1\2\3\4\4\3\2\1\1\2\3\4\5\6\7\x08\x08\7\6\5\4\3\2\1\0\0ab7-x")));
}

static void ceiling_holds_and_failure_sticks(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf_done) struct buf b = buf_new(4);
    buf_u32be(&b, 1);
    assert_true(buf_finish(&b, NULL));
    buf_u8(&b, 1);
    assert_true(b.failed);
    assert_null(buf_extend(&b, 0));
    assert_false(buf_finish(&b, &err));
    assert_int_equal(err.code, ERR_NOMEM);
}

static void buffer_grows_to_its_ceiling(void **state)
{
    (void)state;
    for (size_t max = 1; max < 3000; max += 7) {
        struct buf b = buf_new(max);
        for (size_t i = 0; i < max; i++)
            buf_u8(&b, (uint8_t)i);
        assert_true(buf_finish(&b, NULL));
        assert_int_equal(b.len, max);
        assert_int_equal(b.p[max - 1], (uint8_t)(max - 1));
        buf_u8(&b, 0);
        assert_false(buf_finish(&b, NULL));
        buf_wipe(&b);
        assert_null(b.p);
    }
}

static void stolen_text_is_terminated_even_at_the_ceiling(void **state)
{
    (void)state;
    struct buf b = buf_new(3);
    buf_text(&b, "abc");
    AUTO(auto_free) char *s = buf_steal_str(&b);
    assert_string_equal(s, "abc");
    assert_null(b.p);
    struct buf failed = buf_new(2);
    buf_text(&failed, "abc");
    assert_null(buf_steal_str(&failed));
    struct buf empty = buf_new(0);
    AUTO(auto_free) char *none = buf_steal_str(&empty);
    assert_string_equal(none, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_stay_inside),
        cmocka_unit_test(find_gives_the_first_hit),
        cmocka_unit_test(zero_and_equal),
        cmocka_unit_test(reader_reads_both_ends),
        cmocka_unit_test(first_failure_sticks_and_is_told),
        cmocka_unit_test(left_over_bytes_are_told),
        cmocka_unit_test(sub_reader_is_bounded_and_inherits_failure),
        cmocka_unit_test(count_above_the_ceiling_falls_through),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(buffer_writes_what_the_reader_reads),
        cmocka_unit_test(ceiling_holds_and_failure_sticks),
        cmocka_unit_test(buffer_grows_to_its_ceiling),
        cmocka_unit_test(stolen_text_is_terminated_even_at_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
