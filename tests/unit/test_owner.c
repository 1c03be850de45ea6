#include "relayer/owner.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The owner text of a child that waits; its number in *pid. */
static void child_owner(char out[OWNER_TEXT], pid_t *pid)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    *pid = fork();
    if (*pid == 0) {
        owner_self(out);
        if (write(fd[1], out, OWNER_TEXT) != OWNER_TEXT)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(fd[0], out, OWNER_TEXT), OWNER_TEXT);
    close(fd[0]);
    close(fd[1]);
}

static void a_process_knows_itself(void **state)
{
    char self[OWNER_TEXT], words[96];
    (void)state;
    owner_self(self);
    assert_int_equal(owner_state(self), OWNER_ALIVE);
    owner_words(words, sizeof words, self);
    assert_non_null(strstr(words, "of this machine"));
}

static void a_killed_process_is_gone_reaped_or_not(void **state)
{
    char owner[OWNER_TEXT];
    pid_t pid;
    siginfo_t info;
    (void)state;
    child_owner(owner, &pid);
    assert_int_equal(owner_state(owner), OWNER_ALIVE);
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(owner_state(owner), OWNER_GONE);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(owner_state(owner), OWNER_GONE);
}

static void a_stopped_process_is_alive(void **state)
{
    char owner[OWNER_TEXT];
    pid_t pid;
    (void)state;
    child_owner(owner, &pid);
    kill(pid, SIGSTOP);
    waitpid(pid, NULL, WUNTRACED);
    assert_int_equal(owner_state(owner), OWNER_ALIVE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void another_bearer_of_the_number_is_not_the_owner(void **state)
{
    char self[OWNER_TEXT], other[OWNER_TEXT];
    (void)state;
    owner_self(self);
    const char *at = strchr(self, '@');
    snprintf(other, sizeof other, "%.*s@%llu", (int)(at - self), self, strtoull(at + 1, NULL, 10) + 1);
    assert_int_equal(owner_state(other), OWNER_GONE);
}

static void of_others_nothing_is_known(void **state)
{
    char self[OWNER_TEXT], other[OWNER_TEXT], words[96];
    (void)state;
    owner_self(self);
    snprintf(other, sizeof other, "other%.180s", self); /* another host */
    assert_int_equal(owner_state(other), OWNER_ELSEWHERE);
    owner_words(words, sizeof words, other);
    assert_non_null(strstr(words, "of other"));
    snprintf(other, sizeof other, "%s", self); /* another start of the machine */
    char *boot = strchr(other, ' ') + 1;
    *boot = *boot == '0' ? '1' : '0';
    assert_int_equal(owner_state(other), OWNER_ELSEWHERE);
    snprintf(other, sizeof other, "%s", self); /* another namespace */
    char *space = strchr(other, '[') + 1;
    *space = *space == '9' ? '8' : '9';
    assert_int_equal(owner_state(other), OWNER_ELSEWHERE);
    const char *odd[] = {"", "host:123:1700000000000", "a b c", "h b/n 5", "h -/- 1@1", "h b/n -5@1", "h b/n 5@1x", "h b/n 0@1"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(owner_state(odd[i]), OWNER_ELSEWHERE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_knows_itself),
        cmocka_unit_test(a_killed_process_is_gone_reaped_or_not),
        cmocka_unit_test(a_stopped_process_is_alive),
        cmocka_unit_test(another_bearer_of_the_number_is_not_the_owner),
        cmocka_unit_test(of_others_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
