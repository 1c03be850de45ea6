#include "relayer/evidence/policy.h"

#include "tests/support/vectors.h"

static struct policy parsed(const char *text)
{
    struct policy p;
    struct err err = {0};
    if (!policy_parse(&p, "fleet.ini", bytes_str(text), &err))
        fail_msg("%s", err.text);
    return p;
}

static void a_file_starts_from_what_it_names(void **state)
{
    (void)state;
    struct policy p = parsed("[tdx]\nallow_debug = yes\n[policy]\nbase = authentic\nname = fleet\n");
    assert_true(p.authentic && p.tdx.allow_debug && p.tdx.any_status);
    assert_string_equal(p.name, "fleet");
    assert_true(policy_waives(&p, "tail.age") && policy_waives(&p, "snp.crl"));
    p = parsed("# nothing changed\n");
    assert_false(p.authentic || p.tdx.allow_debug);
    assert_string_equal(p.name, "fleet.ini");
    assert_false(policy_waives(&p, "tail.age"));
}

static void values_of_each_kind_are_read(void **state)
{
    (void)state;
    struct policy p = parsed("[policy]\nmax_evidence_age = 1h30m\nallow_foreign_evidence = true\nwaive = ak.chain, log.*\n"
                             "[tpm]\nzones = a, b\nzones = c\nfirmware = 2026051100162800 0000000000000001\n[snp]\nmin_build = 0x10\n");
    assert_int_equal(p.max_evidence_age_s, 5400);
    assert_true(p.allow_foreign_evidence);
    assert_true(policy_waives(&p, "ak.chain") && policy_waives(&p, "log.tcg") && !policy_waives(&p, "ak.key"));
    assert_int_equal(p.tpm.zones.count, 3);
    assert_true(policy_words_allow(&p.tpm.zones, BYTES_LIT("c")) && !policy_words_allow(&p.tpm.zones, BYTES_LIT("d")));
    assert_int_equal(p.tpm.firmware.count, 2);
    assert_true(policy_hex_allows(&p.tpm.firmware, BYTES_LIT("\0\0\0\0\0\0\0\1")));
    assert_int_equal(p.snp.min_build, 16);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"[tpm]\nzone = a\n", "line 2: unknown key 'tpm.zone'; did you mean tpm.zones"},
        {"[tdx]\nallow_debug = maybe\n", "line 2: tdx.allow_debug: want yes or no"},
        {"[tdx]\nallow_debug = no\nallow_debug = yes\n", "line 3: tdx.allow_debug given twice"},
        {"[tpm]\nfirmware = 00\n", "want 8 bytes"},
        {"[policy]\nbase = lax\n", "want strict or authentic"},
        {"[policy]\nmax_evidence_age = 10\n", "max_evidence_age"},
        {"nonsense\n", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy p;
        struct err err = {0};
        assert_false(policy_parse(&p, "p.ini", bytes_str(cases[i].text), &err));
        assert_int_equal(err.code, ERR_USAGE);
        if (!strstr(err.text, cases[i].words))
            fail_msg("'%s' does not speak of '%s'", err.text, cases[i].words);
    }
}

static const struct policy_key *const tables[] = {tdx_policy_keys, snp_policy_keys, tpm_policy_keys};

static void every_key_says_what_it_is(void **state)
{
    (void)state;
    const size_t counts[] = {num_tdx_policy_keys, num_snp_policy_keys, num_tpm_policy_keys};
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < counts[t]; i++) {
            assert_true(tables[t][i].offset < sizeof(struct policy));
            assert_true(tables[t][i].help && tables[t][i].help[0]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_starts_from_what_it_names),
        cmocka_unit_test(values_of_each_kind_are_read),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(every_key_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
