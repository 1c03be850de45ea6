#include "crypto/base/json_scan.h"
#include "tests/support/vectors.h"

static bool scans(const char *text)
{
    struct json_range v;
    struct err err = {0};
    bool ok = json_scan(&v, bytes_str(text), &err);
    assert_true(ok || err.code == ERR_FORMAT);
    return ok;
}

static void strict_grammar(void **state)
{
    (void)state;
    static const char *const good[] = {"{}", " [ ] ", "0", "-0.5e+3", "\"\\u00e9\\n\"", "{\"a\":{\"b\":[1,true,null]}}", "\"\xc3\xa9\""};
    static const char *const bad[] = {"",      "{",         "{\"a\":1,}",   "[1,]",          "01",       "+1",
                                      "1.",    ".5",        "{'a':1}",      "{\"a\" 1}",     "nul",      "[1] x",
                                      "\"\t\"", "\"\\x\"",  "\"\\u12g4\"",  "{\"a\":1,\"a\":2}", "{\"\\u0061\":1}", "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"open", "{\"a\":}", "[,1]", "1e"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(scans(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(scans(bad[i]));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * (JSON_MAX_DEPTH + 1) + 1] = {0};
    for (size_t depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = 0;
        assert_int_equal(scans(text), depth == JSON_MAX_DEPTH);
    }
}

static void members_keep_their_exact_bytes(void **state)
{
    (void)state;
    struct json_range doc, inner;
    assert_true(json_scan(&doc, BYTES_LIT(" {\"signature\":\"ab\", \"tcbInfo\" : { \"x\" : [1, \"]}\\\"\"] } } "), NULL));
    inner = json_member(doc, "tcbInfo");
    assert_true(bytes_eq(inner.raw, BYTES_LIT("{ \"x\" : [1, \"]}\\\"\"] }")));
    struct json_walk w = json_walk(json_member(inner, "x"));
    uint64_t one = 0;
    assert_true(json_next(&w) && json_u64(&one, w.value, 9) && one == 1);
    struct buf text = buf_new(64);
    struct bytes plain;
    assert_true(json_next(&w) && !json_plain(&plain, w.value) && json_text(&text, w.value, NULL));
    assert_true(bytes_eq(buf_view(&text), BYTES_LIT("]}\"")));
    assert_false(json_next(&w));
    assert_int_equal(json_member(doc, "absent").kind, JSON_NONE);
    buf_done(&text);
}

static void escapes_become_utf8(void **state)
{
    (void)state;
    struct json_range v;
    struct buf text = buf_new(64);
    assert_true(json_scan(&v, BYTES_LIT("\"a\\u00e9\\u20ac\\ud83d\\ude00\\/\\t\""), NULL));
    assert_true(json_text(&text, v, NULL));
    assert_true(bytes_eq(buf_view(&text), BYTES_LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/\t")));
    buf_done(&text);
    static const char *const lone[] = {"\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\ud83dx\""};
    for (size_t i = 0; i < sizeof lone / sizeof *lone; i++) {
        struct buf out = buf_new(64);
        assert_true(json_scan(&v, bytes_str(lone[i]), NULL));
        assert_false(json_text(&out, v, NULL));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_grammar),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(members_keep_their_exact_bytes),
        cmocka_unit_test(escapes_become_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
