#include "relayer/source/source.h"

#include "crypto/base/auto.h"
#include "tests/support/folder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <utime.h>

static char dir[TEST_FOLDER_SIZE];

static int make_dir(void **state)
{
    (void)state;
    return test_folder_make(dir) ? chmod(dir, 0755) : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    return test_folder_drop(dir);
}

static void put_file(const char *name, const char *text, mode_t mode, time_t when)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    chmod(path, mode);
    utime(path, &(struct utimbuf){when, when});
}

static bool fetch(struct buf *out, const char *scheme, const char *name, struct err *err)
{
    char spec[300];
    snprintf(spec, sizeof spec, "%s%s%s", scheme, dir, name);
    const struct source_settings s = {.spec = spec, .timeout_s = 5, .max_bytes = 1000};
    const struct challenge c = {.call = CALL_REATTEST, .profile = PROFILE_G1B, .chain_id = 31337, .nonce = 7};
    return source_fetch(out, NULL, &s, &c, err);
}

static void file_is_read_anew_each_time(void **state)
{
    (void)state;
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        put_file("one.json", i ? "second" : "first", 0644, 1000);
        AUTO(buf_done) struct buf out = buf_new(1000);
        assert_true(fetch(&out, "file:", "/one.json", &err));
        assert_true(bytes_eq(buf_view(&out), bytes_str(i ? "second" : "first")));
    }
}

static void folder_gives_its_newest_file(void **state)
{
    (void)state;
    struct err err = {0};
    mkdir(strcat(strcpy((char[100]){0}, dir), "/d"), 0755);
    put_file("d/old", "old", 0644, 1000);
    put_file("d/new", "new", 0644, 2000);
    put_file("d/.hidden", "hidden", 0644, 3000);
    AUTO(buf_done) struct buf out = buf_new(1000);
    assert_true(fetch(&out, "dir:", "/d", &err));
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("new")));
}

static void program_is_told_the_challenge(void **state)
{
    (void)state;
    struct err err = {0};
    put_file("prog", "#!/bin/sh\nprintf '%s %s %s %s %s' \"$1\" \"$CVM_CALL\" \"$CVM_CHAIN_ID\" \"$CVM_NONCE\" \"${#CVM_EXTRA_DATA}\"\n", 0755, 1000);
    AUTO(buf_done) struct buf out = buf_new(1000);
    if (!fetch(&out, "exec:", "/prog word", &err))
        fail_msg("%s", err.text);
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("word reattestCvmWithTpm 31337 7 100")));
}

static void program_that_fails_or_talks_too_much_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    put_file("bad", "#!/bin/sh\necho no TPM here >&2\nexit 9\n", 0755, 1000);
    put_file("loud", "#!/bin/sh\nexec yes\n", 0755, 1000);
    put_file("mute", "#!/bin/sh\n", 0755, 1000);
    AUTO(buf_done) struct buf out = buf_new(1 << 16);
    assert_false(fetch(&out, "exec:", "/bad", &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.text, "no TPM here"));
    assert_false(fetch(&out, "exec:", "/loud", &err));
    assert_int_equal(err.code, ERR_NET);
    assert_false(fetch(&out, "exec:", "/mute", &err));
    assert_int_equal(out.len, 0);
}

static void challenge_survives_json(void **state)
{
    (void)state;
    static const uint8_t key[64] = {1, 2, 3};
    struct challenge c = {.call = CALL_ATTEST, .profile = PROFILE_G1C, .chain_id = UINT64_MAX, .nonce = 5, .public_key = BYTES(key)};
    memset(c.extra_data, 0xee, sizeof c.extra_data);
    memset(c.registry.b, 0xab, sizeof c.registry.b);
    AUTO(arena_done) struct arena mem = arena_new(1000);
    struct challenge back;
    struct err err = {0};
    json_auto_t *doc = challenge_to_json(&c);
    assert_true(challenge_from_json(&back, &mem, doc, &err));
    assert_true(bytes_eq(back.public_key, BYTES(key)));
    assert_true(back.chain_id == UINT64_MAX && back.nonce == 5 && back.call == CALL_ATTEST && back.profile == PROFILE_G1C);
    assert_memory_equal(back.extra_data, c.extra_data, sizeof c.extra_data);
    json_object_set_new(doc, "chain_id", json_integer(1));
    assert_false(challenge_from_json(&back, &mem, doc, &err));
    assert_non_null(strstr(err.text, "chain_id"));
}

static void unknown_schemes_and_relative_paths_are_usage_errors(void **state)
{
    (void)state;
    const char *const bad[] = {"ftp://x", "file:relative", "exec:relative", "exec:", "/a/path", "https://"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_false(source_check(&(struct source_settings){.spec = bad[i], .timeout_s = 1, .max_bytes = 10}, &err));
        assert_int_equal(err.code, ERR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_read_anew_each_time),
        cmocka_unit_test(folder_gives_its_newest_file),
        cmocka_unit_test(program_is_told_the_challenge),
        cmocka_unit_test(program_that_fails_or_talks_too_much_is_refused),
        cmocka_unit_test(challenge_survives_json),
        cmocka_unit_test(unknown_schemes_and_relative_paths_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
