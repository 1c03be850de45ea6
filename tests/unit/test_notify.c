#include "relayer/notify.h"
#include "tests/support/folder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char dir[TEST_FOLDER_SIZE], path[TEST_FOLDER_SIZE + 8];

static int make_hook(void **state)
{
    (void)state;
    if (!test_folder_make(dir))
        return -1;
    chmod(dir, 0755);
    snprintf(path, sizeof path, "%s/hook", dir);
    FILE *f = fopen(path, "w");
    /* succeeds only when the event in the environment, the id, and the JSON are as promised, and nothing leaks in */
    fputs("#!/bin/sh\nin=$(cat)\n[ \"$CVM_HOOK\" = slow ] && sleep 60\n"
          "case $in in *'\"event\": \"renewed\"'*'\"id\": \"0xab\"'*) ;; *) echo \"told: $in\" >&2; exit 4;; esac\n"
          "[ \"$CVM_HOOK\" = renewed ] && [ \"$CVM_ID\" = 0xab ] && [ -z \"$HOME$CVM_SECRET\" ]\n", f);
    fclose(f);
    return chmod(path, 0755);
}

static int drop_hook(void **state)
{
    (void)state;
    return test_folder_drop(dir);
}

static void a_hook_is_told_what_happened_and_nothing_else(void **state)
{
    (void)state;
    struct err err = {0};
    setenv("CVM_SECRET", "x", 1);
    json_auto_t *facts = json_pack("{s:s}", "id", "0xab");
    struct hooks hooks = {.timeout_s = 10};
    hooks.path[HOOK_RENEWED] = path;
    assert_true(hooks_check(&hooks, &err));
    if (!hook_run(&hooks, HOOK_RENEWED, facts, &err))
        fail_msg("%s", err.text);
}

static void a_failing_hook_says_why(void **state)
{
    (void)state;
    struct err err = {0};
    json_auto_t *facts = json_pack("{s:s}", "id", "0xab");
    struct hooks hooks = {.timeout_s = 10};
    hooks.path[HOOK_PRE] = path;
    assert_false(hook_run(&hooks, HOOK_PRE, facts, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_non_null(strstr(err.text, "hook pre: exit 4: told:"));
}

static void no_hook_is_no_failure(void **state)
{
    (void)state;
    struct hooks hooks = {0};
    json_auto_t *facts = json_object();
    assert_true(hook_run(&hooks, HOOK_FAILED, facts, NULL));
}

static void a_path_that_cannot_be_run_is_found_early(void **state)
{
    (void)state;
    struct err err = {0};
    struct hooks hooks = {0};
    hooks.path[HOOK_EXPIRING] = "not/absolute";
    assert_false(hooks_check(&hooks, &err));
    assert_non_null(strstr(err.text, "hook expiring"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_is_told_what_happened_and_nothing_else),
        cmocka_unit_test(a_failing_hook_says_why),
        cmocka_unit_test(no_hook_is_no_failure),
        cmocka_unit_test(a_path_that_cannot_be_run_is_found_early),
    };
    return cmocka_run_group_tests(tests, make_hook, drop_hook);
}
