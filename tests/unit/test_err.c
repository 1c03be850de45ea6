#include "crypto/base/auto.h"
#include "crypto/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void set_returns_false_and_wraps_in_front(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(err_set(&err, ERR_FORMAT, "field: want %d", 3));
    assert_false(err_wrap(&err, "header"));
    assert_string_equal(err.text, "header: field: want 3");
    assert_int_equal(err.code, ERR_FORMAT);
}

static void control_characters_do_not_survive(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_NET, "%s", "a\x1b[31m\nb");
    assert_string_equal(err.text, "a?[31m?b");
}

static void long_text_is_cut_not_overrun(void **state)
{
    (void)state;
    struct err err = {0};
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set(&err, ERR_NET, "%s", big);
    for (int i = 0; i < 10; i++)
        err_wrap(&err, "%s", big);
    assert_true(strlen(err.text) < sizeof err.text);
}

static void codes_have_the_designed_exit_status(void **state)
{
    (void)state;
    assert_int_equal(err_exit_status(ERR_USAGE), 2);
    assert_int_equal(err_exit_status(ERR_FORMAT), 1);
    assert_int_equal(err_exit_status(ERR_NET), 3);
    assert_int_equal(err_exit_status(ERR_STORE), 3);
    assert_true(err_retry(ERR_NET));
    assert_false(err_retry(ERR_USAGE));
}

static void steal_empties_the_local(void **state)
{
    (void)state;
    char *kept;
    {
        AUTO(auto_free) char *p = malloc(4);
        kept = STEAL(p);
        assert_null(p);
    }
    strcpy(kept, "abc");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_returns_false_and_wraps_in_front),
        cmocka_unit_test(control_characters_do_not_survive),
        cmocka_unit_test(long_text_is_cut_not_overrun),
        cmocka_unit_test(codes_have_the_designed_exit_status),
        cmocka_unit_test(steal_empties_the_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
