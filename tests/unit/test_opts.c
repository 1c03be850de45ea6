/* The command line against rows. */
#include "crypto/base/text.h"
#include "relayer/cli/opts.h"
#include "tests/support/vectors.h"

static const struct opt_row rows[] = {
    {"policy", 'p', "NAME", false, "a value"},
    {"root", 0, "FILE", true, "several"},
    {"verbose", 'v', NULL, false, "a flag"},
    {"at", 0, "TIME", false, "a time"},
    {0},
};

static bool parse(struct opts *opts, struct err *err, int argc, char **argv)
{
    *opts = (struct opts){.sets = {rows}, .num_sets = 1};
    return opts_parse(opts, argc, argv, err);
}

static void options_and_arguments_mix(void **state)
{
    (void)state;
    char *argv[] = {"a", "--policy", "strict", "-v", "b", "--root=x", "--root", "y", "--", "--c", "-"};
    struct opts opts;
    struct err err = {0};
    assert_true(parse(&opts, &err, 11, argv));
    assert_string_equal(opt_text(&opts, "policy"), "strict");
    assert_true(opt_given(&opts, "verbose"));
    assert_string_equal(opt_nth(&opts, "root", 0), "x");
    assert_string_equal(opt_nth(&opts, "root", 1), "y");
    assert_null(opt_nth(&opts, "root", 2));
    assert_int_equal(opts.num_args, 4);
    assert_string_equal(opts.args[2], "--c");
    assert_string_equal(opts.args[3], "-");
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        char *argv[3];
        int argc;
        const char *says;
    } bad[] = {
        {{"--polcy", "x"}, 2, "unknown option --polcy; did you mean --policy?"},
        {{"--policy"}, 1, "--policy wants a value: NAME"},
        {{"--verbose=1"}, 1, "--verbose takes no value"},
        {{"-x"}, 1, "unknown option -x"},
        {{"--policy=a", "--policy=b"}, 2, "--policy is given twice"},
        {{"-vp"}, 1, "takes no value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct opts opts;
        struct err err = {0};
        char *argv[3] = {bad[i].argv[0], bad[i].argv[1], bad[i].argv[2]};
        assert_false(parse(&opts, &err, bad[i].argc, argv));
        assert_int_equal(err.code, ERR_USAGE);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
    }
}

static void typed_values_are_strict(void **state)
{
    (void)state;
    struct opts opts;
    struct err err = {0};
    char *good[] = {"--at", "2026-01-31T12:00:00Z"}, *bad[] = {"--at", "yesterday"};
    int64_t at = 5;
    assert_true(parse(&opts, &err, 2, good));
    assert_true(opt_time(&at, &opts, "at", &err));
    assert_int_equal(at, 1769860800);
    assert_true(parse(&opts, &err, 2, bad));
    assert_false(opt_time(&at, &opts, "at", &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(at, 1769860800);
    struct hash32 h;
    assert_false(hash32_parse(&h, "0x12", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_mix),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(typed_values_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
