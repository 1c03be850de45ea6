/* Settings, durations and amounts: what people write and what becomes of it. */
#include "crypto/base/duration.h"
#include "crypto/base/near.h"
#include "relayer/config.h"
#include "relayer/wei.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void durations_are_read_and_written_the_same_way(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t s;
        const char *again;
    } good[] = {{"30d", 2592000, "30d"}, {"12h", 43200, "12h"}, {"90s", 90, "1m30s"}, {"0", 0, "0s"},
                {"1w", 604800, "7d"}, {"1d12h", 129600, "1d12h"}, {"10m", 600, "10m"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t s = -1;
        char text[DURATION_TEXT_SIZE];
        struct err err = {0};
        assert_true(duration_parse(&s, bytes_str(good[i].text), &err));
        assert_int_equal(s, good[i].s);
        assert_string_equal(duration_format(text, s), good[i].again);
    }
    static const char *const bad[] = {"", "30", "d", "30x", "12h1d", "1d1d", "-5s", "1.5h", " 5s", "5s ", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t s = 7;
        struct err err = {0};
        assert_false(duration_parse(&s, bytes_str(bad[i]), &err));
        assert_int_equal(s, 7);
    }
    char text[DURATION_TEXT_SIZE];
    assert_string_equal(duration_short(text, 29 * 86400 + 23 * 3600 + 59), "29d23h");
    assert_string_equal(duration_format(text, -61), "-1m1s");
    assert_string_equal(duration_format(text, INT64_MIN) + 0, text);
}

static void amounts_carry_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text, *dec, *again;
    } good[] = {{"2gwei", "2000000000", "2gwei"}, {"0.01ether", "10000000000000000", "0.01ether"}, {"0wei", "0", "0wei"},
                {"1.5gwei", "1500000000", "1.5gwei"}, {"1eth", "1000000000000000000", "1ether"}, {"21000wei", "21000", "21000wei"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct u256 v;
        char dec[U256_DEC_SIZE], again[WEI_TEXT_SIZE];
        struct err err = {0};
        assert_true(wei_parse(&v, bytes_str(good[i].text), &err));
        assert_string_equal(u256_dec(dec, v), good[i].dec);
        assert_string_equal(wei_format(again, v), good[i].again);
    }
    static const char *const bad[] = {"", "2", "gwei", "2 gwei", "-1wei", "1.wei", "0.5wei", "1.0000000001gwei", "1..5gwei", "1e9wei",
                                      "999999999999999999999999999999999999999999999999999999999999999999ether"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct u256 v;
        assert_false(wei_parse(&v, bytes_str(bad[i]), NULL));
    }
}

static void the_nearest_word_is_named_if_it_is_near(void **state)
{
    (void)state;
    struct near_word best = {0};
    char hint[60];
    near_try(&best, "polcy", "profile");
    near_try(&best, "polcy", "policy");
    assert_string_equal(near_hint(hint, sizeof hint, &best, "--"), "; did you mean --policy?");
    best = (struct near_word){0};
    near_try(&best, "zzz", "policy");
    assert_string_equal(near_hint(hint, sizeof hint, &best, ""), "");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void every_default_parses_and_origins_rank(void **state)
{
    (void)state;
    char dir[] = "/tmp/cvm-config-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/c.ini", dir);
    write_file(path, "; comment\n[chain]\nchain_id = 5\nrpc_url = http://a\nrpc_url = http://b\n[trust]\nroot = r.pem\n[fees]\nmax_fee = 2gwei\n", 0600);
    char *env[] = {"CVM_RELAYER_CHAIN_ID=6", "OTHER=1", "CVM_RELAYER_COLLATERAL=/a /b", NULL};
    struct config cfg = {0};
    struct err err = {0};
    assert_true(config_load(&cfg, path, env, &err));
    assert_int_equal(cfg.chain_id, 6);
    assert_int_equal(cfg.rpc_url.count, 2);
    assert_int_equal(cfg.collateral.count, 2);
    assert_string_equal(cfg.policy, "strict");
    assert_int_equal(config_origin(&cfg, "chain_id"), ORIGIN_ENV);
    assert_int_equal(config_origin(&cfg, "policy"), ORIGIN_DEFAULT);
    assert_string_equal(cfg.root.item[0] + strlen(dir), "/r.pem");
    assert_true(config_set(&cfg, config_key_find("rpc_url"), "http://c", ORIGIN_FLAG, &err));
    assert_int_equal(cfg.rpc_url.count, 1);
    config_done(&cfg);
    unlink(path);
    rmdir(dir);
}

static void wrong_files_are_refused_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        const char *says;
    } bad[] = {
        {"[chain]\nchainid = 5\n", 0600, "line 2: unknown key chainid in section [chain]; did you mean chain_id?"},
        {"[fees]\nchain_id = 5\n", 0600, "it belongs into [chain]"},
        {"[chain]\nchain_id = five\n", 0600, "chain_id"},
        {"[chain]\nprofile = g2\n", 0600, "none of auto|g1a|g1b|g1c"},
        {"[fees]\nmax_fee = 2\n", 0600, "no known unit"},
        {"[chain]\nchain_id = 1\nchain_id = 2\n", 0600, "given twice"},
        {"[chain]\nnonsense\n", 0600, "line 2"},
        {"[chain]\nchain_id = 5\n", 0622, "others can write it"},
    };
    char path[] = "/tmp/cvm-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char *env[] = {NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config cfg = {0};
        struct err err = {0};
        write_file(path, bad[i].text, bad[i].mode);
        assert_false(config_load(&cfg, path, env, &err));
        assert_int_equal(err.code, ERR_USAGE);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
    }
    unlink(path);
    char *typo[] = {"CVM_RELAYER_CHAIN_IDD=6", NULL};
    struct config cfg = {0};
    struct err err = {0};
    assert_false(config_load(&cfg, "/dev/null", typo, &err) || config_load(&cfg, NULL, typo, &err));
}

static void a_lead_is_a_share_or_a_time(void **state)
{
    (void)state;
    assert_int_equal(lead_seconds((struct lead){.percent = 33}, 2592000), 855360);
    assert_int_equal(lead_seconds((struct lead){.seconds = 3600}, 2592000), 3600);
    assert_true(lead_seconds((struct lead){.percent = 33}, UINT64_MAX) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_and_written_the_same_way),
        cmocka_unit_test(amounts_carry_their_unit),
        cmocka_unit_test(the_nearest_word_is_named_if_it_is_near),
        cmocka_unit_test(every_default_parses_and_origins_rank),
        cmocka_unit_test(wrong_files_are_refused_with_the_line),
        cmocka_unit_test(a_lead_is_a_share_or_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
