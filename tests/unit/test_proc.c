#include "relayer/proc.h"

#include "crypto/base/auto.h"
#include "tests/support/folder.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* A script of this text with this mode; its path is static. */
static const char *script(const char *text, mode_t mode)
{
    static char path[128];
    static int n;
    snprintf(path, sizeof path, "%s/s%d", dir, n++);
    FILE *f = fopen(path, "w");
    fprintf(f, "#!/bin/sh\n%s\n", text);
    fclose(f);
    chmod(path, mode);
    return path;
}

static struct proc_result run(const char *text, struct bytes input, size_t max, int64_t timeout_ms)
{
    const char *argv[] = {script(text, 0755), "an argument; with $odd characters", NULL};
    const char *env[] = {"CVM_SAID=this", NULL};
    const struct proc p = {.argv = argv, .env = env, .input = input, .max_output = max, .timeout_ms = timeout_ms};
    struct proc_result r;
    struct err err = {0};
    if (!proc_run(&r, &p, &err))
        fail_msg("%s", err.text);
    return r;
}

static void gives_input_arguments_and_environment_and_takes_output(void **state)
{
    (void)state;
    struct proc_result r = run("cat; printf '|%s|%s|%s' \"$1\" \"$CVM_SAID\" \"$HOME\"; echo oops >&2; exit 3", BYTES_LIT("in"), 1000, 10000);
    struct bytes want = BYTES_LIT("in|an argument; with $odd characters|this|");
    assert_true(bytes_eq(buf_view(&r.output), want));
    assert_int_equal(r.exit_status, 3);
    assert_non_null(strstr(r.last_words, "oops"));
    proc_result_done(&r);
}

static void large_input_and_output_do_not_deadlock(void **state)
{
    (void)state;
    struct buf big = buf_new(1 << 20);
    buf_zero(&big, 1 << 20);
    struct proc_result r = run("cat", buf_view(&big), 2 << 20, 20000);
    assert_int_equal(r.output.len, 1 << 20);
    proc_result_done(&r);
    r = run("exec true", buf_view(&big), 1000, 10000);
    assert_int_equal(r.exit_status, 0);
    proc_result_done(&r);
    buf_done(&big);
}

static void deadline_ends_the_whole_group(void **state)
{
    (void)state;
    struct proc_result r = run("sleep 60 & sleep 60", (struct bytes){0}, 1000, 300);
    assert_true(r.timed_out);
    assert_int_equal(r.exit_status, 128 + 9);
    proc_result_done(&r);
}

static void it_ends_with_whoever_is_killed(void **state)
{
    (void)state;
    char pid_file[128], text[200], number[32] = "";
    snprintf(pid_file, sizeof pid_file, "%s/pid", dir);
    snprintf(text, sizeof text, "cd %.64s; echo $$ >new; mv new pid; exec sleep 60", dir);
    pid_t runner = fork();
    if (runner == 0) {
        run(text, (struct bytes){0}, 1000, 60000);
        _exit(0);
    }
    for (int i = 0; i < 2000 && access(pid_file, R_OK) != 0; i++)
        usleep(5000);
    FILE *f = fopen(pid_file, "r");
    assert_true(f && fgets(number, sizeof number, f));
    fclose(f);
    pid_t pid = (pid_t)atol(number);
    kill(runner, SIGKILL);
    assert_int_equal(waitpid(runner, NULL, 0), runner);
    /* nobody here waits for it: where nobody does at all, a zombie stays */
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    bool gone = false;
    for (int i = 0; i < 2000 && !gone; i++) {
        f = fopen(path, "r");
        gone = !f || !fgets(stat, sizeof stat, f) || strstr(stat, ") Z ");
        if (f)
            fclose(f);
        usleep(5000);
    }
    assert_true(gone);
}

static void endless_output_is_cut(void **state)
{
    (void)state;
    struct proc_result r = run("exec yes", (struct bytes){0}, 100000, 10000);
    assert_true(r.too_much);
    assert_true(r.output.len <= 100000);
    proc_result_done(&r);
}

static void what_others_may_change_is_not_run(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(proc_check(script("true", 0777), &err));
    assert_non_null(strstr(err.text, "others may write"));
    assert_false(proc_check(script("true", 0644), &err));
    assert_non_null(strstr(err.text, "not executable"));
    assert_false(proc_check("relative", &err));
    assert_false(proc_check("/nowhere/at/all", &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_true(proc_check("/bin/true", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_input_arguments_and_environment_and_takes_output),
        cmocka_unit_test(large_input_and_output_do_not_deadlock),
        cmocka_unit_test(deadline_ends_the_whole_group),
        cmocka_unit_test(it_ends_with_whoever_is_killed),
        cmocka_unit_test(endless_output_is_cut),
        cmocka_unit_test(what_others_may_change_is_not_run),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
