#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/golden.h"

#include "crypto/base/auto.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t a[32] = {1}, b[32] = {2}, td[48] = {3};

static void members_are_found_by_name(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(4 << 20);
    AUTO(buf_done) struct buf text = buf_new(4096);
    struct golden_values v = {0};
    struct golden_file f;
    struct err err = {0};
    buf_text(&text, "; what may run\n");
    v.value[GOLDEN_PCR0 + 4] = BYTES(a);
    assert_true(golden_file_write(&text, "db 2", &v, &err));
    v.value[GOLDEN_MR_TD] = BYTES(td);
    assert_true(golden_file_write(&text, "web 1.4", &v, &err));
    buf_text(&text, "pcr4 = "); /* a second value for web 1.4 */
    for (int i = 0; i < 32; i++)
        buf_printf(&text, "%02x", b[i]);
    buf_text(&text, "\n");
    assert_true(golden_file_parse(&f, &mem, buf_view(&text), &err));
    assert_int_equal(f.num_entries, 2);
    assert_string_equal(golden_file_match(&f, &v, &err), "db 2"); /* it names less */
    v.value[GOLDEN_PCR0 + 4] = BYTES(b);
    assert_string_equal(golden_file_match(&f, &v, &err), "web 1.4");
    v.value[GOLDEN_MR_TD] = (struct bytes){0};
    assert_null(golden_file_match(&f, &v, &err));
    assert_non_null(strstr(err.text, "nearest"));
}

static void bad_golden_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "no entry"},
        {"pcr4 = 00\n", "first [name]"},
        {"[x]\npcr99 = 00\n", "unknown key 'pcr99'"},
        {"[x]\nmr_tb = 00\n", "did you mean mr_td"},
        {"[x]\npcr4 = 00\n", "want 64 digits"},
        {"[x]\nwords\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(arena_done) struct arena mem = arena_new(4 << 20);
        struct golden_file f;
        struct err err = {0};
        assert_false(golden_file_parse(&f, &mem, bytes_str(cases[i].text), &err));
        if (!strstr(err.text, cases[i].words))
            fail_msg("'%s' does not speak of '%s'", err.text, cases[i].words);
    }
}

static void the_example_is_one(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(4 << 20);
    char text[8192];
    struct golden_file f;
    struct err err = {0};
    FILE *file = fopen("configs/golden-example.conf", "rb"); /* tests run at the repository's root */
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    if (!golden_file_parse(&f, &mem, bytes_from(text, n), &err))
        fail_msg("%s", err.text);
    assert_int_equal(f.num_entries, 2);
    assert_int_equal(f.num_lines, 4);
}

/* --- what changed between two logs --- */

static struct log_event event(uint32_t pcr, uint32_t type, const uint8_t *digest, const char *text)
{
    struct log_event e = {.pcr = pcr, .type = type, .data = bytes_str(text)};
    e.digest[HASH_SHA256] = digest;
    return e;
}

static void changes_are_named(void **state)
{
    (void)state;
    struct log_event old[] = {event(4, EV_IPL, a, "kernel one"), event(4, EV_IPL, b, "same"), event(9, EV_IPL, td, "gone")};
    struct log_event new[] = {event(4, EV_IPL, td, "kernel two"), event(4, EV_IPL, b, "same"), event(5, EV_IPL, a, "added")};
    struct event_log want = {.events = old, .count = 3}, have = {.events = new, .count = 3};
    json_auto_t *diff = eventlog_diff(&have, &want, HASH_SHA256), *none = eventlog_diff(&want, &want, HASH_SHA256);
    assert_int_equal(json_array_size(none), 0);
    assert_int_equal(json_array_size(diff), 3);
    const json_t *first = json_array_get(diff, 0), *added = json_array_get(diff, 1), *gone = json_array_get(diff, 2);
    assert_string_equal(vector_str(first, "what"), "EV_IPL kernel two");
    assert_string_equal(vector_str(first, "was"), "EV_IPL kernel one");
    assert_int_equal(json_integer_value(json_object_get(added, "pcr")), 5);
    assert_null(json_object_get(added, "want"));
    assert_int_equal(json_integer_value(json_object_get(gone, "pcr")), 9);
    assert_null(json_object_get(gone, "have"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_name),
        cmocka_unit_test(bad_golden_files_are_refused),
        cmocka_unit_test(the_example_is_one),
        cmocka_unit_test(changes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
