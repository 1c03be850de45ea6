/* The KDS client against a simulated KDS on loopback, in good days and bad: what is fetched verifies, what does not
 * hold is not kept, a source that wants patience gets it, and a sealed machine lives from what was kept. */
#include "relayer/collateral/kds.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/evidence.h"
#include "relayer/store/collateral.h"
#include "tests/support/folder.h"
#include "tests/support/sim/amd.h"
#include "tests/support/sim/web.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW 1767225600 /* 2026-01-01 */
#define DAY 86400

enum fault { GOOD, ABSENT, BUSY, BROKEN, SLOW, CUT, GARBAGE, EMPTY, OTHER_CHIP, OTHER_VENDOR, OLD_CRL, HUGE };

static struct sim_amd amds[4], stranger, other_chip;

/* The server's side. */
static struct site {
    enum fault fault;
    enum fault crl_fault; /* of the list alone */
    unsigned requests;
    char last[1024];
    bool thim; /* answer as Azure's host does */
} site;

static const struct sim_amd *amd_of(const char *target)
{
    if (site.fault == OTHER_VENDOR)
        return &stranger;
    if (site.fault == OTHER_CHIP)
        return &other_chip;
    return strstr(target, "/Turin/")   ? &amds[SIM_TURIN]
           : strstr(target, "/Genoa/") ? &amds[SIM_GENOA]
                                       : &amds[SIM_MILAN];
}

static void put_thing(struct buf *out, const char *target)
{
    const struct sim_amd *amd = amd_of(target);
    bool vlek = strncmp(target, "/vlek/", 6) == 0;
    if (strstr(target, "/cert_chain")) {
        char *pem = sim_amd_chain(amd, vlek);
        buf_text(out, pem);
        free(pem);
    } else if (strstr(target, "/crl")) {
        int64_t age = site.crl_fault == OLD_CRL ? 100 : 1;
        struct bytes crl = sim_amd_crl(amd, NOW - age * DAY, NOW - age * DAY + 30 * DAY, 1, NULL, 0);
        buf_put(out, crl);
        free((void *)crl.p);
    } else {
        buf_put(out, amd->vcek.der);
    }
}

static void put_thim(struct buf *out)
{
    const struct sim_cert *leaf = &amds[SIM_MILAN].vcek;
    char *vcek = sim_pem(&leaf, 1), *chain = sim_amd_chain(&amds[SIM_MILAN], false);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "vcekCert", vcek, "tcbm", "DB18000000000104", "certificateChain",
                          chain, "cacheControl", "86400");
    char *text = json_dumps(o, 0);
    buf_text(out, text);
    free(text);
    json_decref(o);
    free(vcek);
    free(chain);
}

static void answer(void *ctx, struct sim_answer *out, const char *target)
{
    (void)ctx;
    site.requests++;
    snprintf(site.last, sizeof site.last, "%s", target);
    if (site.thim) {
        put_thim(&out->body);
        return;
    }
    switch (strstr(target, "/crl") && site.crl_fault ? site.crl_fault : site.fault) {
    case ABSENT:
        out->status = 404;
        return;
    case BUSY:
        out->status = 429;
        out->header_name = "Retry-After";
        out->header_value = "120";
        return;
    case BROKEN:
        out->status = 500;
        return;
    case EMPTY:
        return;
    case GARBAGE:
        buf_text(&out->body, "<html>not what you asked for</html>");
        return;
    case HUGE:
        buf_zero(&out->body, (2 << 20));
        return;
    case SLOW:
        out->delay_ms = 600;
        break;
    case CUT:
        out->cut = true;
        break;
    case GOOD:
    case OTHER_CHIP:
    case OTHER_VENDOR:
    case OLD_CRL:
        break;
    }
    put_thing(&out->body, target);
}

/* The client's side. */
struct client {
    char url[64], dir[TEST_FOLDER_SIZE];
    struct sim_web *web;
    struct http_endpoint source;
    struct http *http;
    struct db *db;
    struct roots roots;
    struct kds kds;
    struct collateral pool;
    uint8_t report[SIM_REPORT_LEN];
    struct snp_report parsed;
};

static void client_begin(struct client *c, enum sim_product product, uint32_t version, bool vlek)
{
    *c = (struct client){0};
    site = (struct site){0};
    c->web = sim_web_start(c->url, sizeof c->url, answer, NULL);
    c->http = http_new(NULL);
    assert_true(test_folder_make(c->dir));
    assert_true(db_open(&c->db, c->dir, NULL));
    assert_true(roots_init(&c->roots, NULL));
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        assert_true(roots_add(&c->roots, amds[p].ark.der, NULL));
    c->source.url = c->url;
    c->kds = (struct kds){.http = c->http,
                          .db = c->db,
                          .roots = &c->roots,
                          .sources = &c->source,
                          .num_sources = 1,
                          .now_s = NOW,
                          .deadline_ms = 20000};
    c->pool = collateral_new();
    sim_report(c->report, &amds[product], version, vlek);
    sim_report_sign(c->report, vlek ? amds[product].vlek.key : amds[product].vcek.key);
    assert_true(snp_report_parse(&c->parsed, BYTES(c->report), NULL));
}

static void pool_again(struct client *c)
{
    collateral_done(&c->pool);
    c->pool = collateral_new();
}

static void client_end(struct client *c)
{
    collateral_done(&c->pool);
    roots_done(&c->roots);
    db_close(c->db);
    http_free(c->http);
    sim_web_stop(c->web);
    assert_int_equal(test_folder_drop(c->dir), 0);
}

static enum verdict_kind judged(struct client *c)
{
    struct bundle bundle = bundle_new();
    struct policy policy;
    struct expected expected = {0};
    struct verdict v;
    policy_strict(&policy);
    bundle.tee = TEE_SNP;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = BYTES(c->report);
    struct ev ev = {.bundle = &bundle,
                    .collateral = &c->pool,
                    .policy = &policy,
                    .roots = &c->roots,
                    .expected = &expected,
                    .now_s = NOW};
    evidence_judge(&ev, &v);
    evidence_done(&ev);
    bundle_done(&bundle);
    return v.verdict;
}

static void paths_are_those_of_the_document(void **state)
{
    (void)state;
    static const struct snp_raw_tcb milan = {{4, 0, 0, 0, 0, 0, 24, 0xdb}}, turin = {{1, 2, 3, 4, 0, 0, 0, 76}};
    static const uint8_t chip[8] = {0xab, 0xcd, 0, 0, 0, 0, 0, 1};
    AUTO(buf_done) struct buf path = buf_new(1024);
    kds_vcek_path(&path, SNP_TURIN, BYTES(chip), turin);
    buf_text(&path, "\n");
    kds_vcek_path(&path, SNP_MILAN, BYTES(chip), milan);
    buf_text(&path, "\n");
    kds_chain_path(&path, SNP_GENOA, KDS_VLEK);
    buf_text(&path, "\n");
    kds_crl_path(&path, SNP_GENOA, KDS_VCEK);
    assert_true(
        bytes_eq(buf_view(&path),
                 BYTES_LIT("/vcek/v1/Turin/abcd000000000001?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=76\n"
                           "/vcek/v1/Milan/abcd000000000001?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219\n"
                           "/vlek/v1/Genoa/cert_chain\n"
                           "/vcek/v1/Genoa/crl")));
}

static void every_product_is_fetched_once_and_verifies(void **state)
{
    (void)state;
    static const uint32_t versions[] = {2, 3, 5, 5};
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++) {
        struct client c;
        struct err err = {0};
        client_begin(&c, p, versions[p], false);
        if (!kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err))
            fail_msg("%s", err.text);
        assert_int_equal(judged(&c), VERIFIED);
        unsigned asked = site.requests;
        pool_again(&c);
        c.kds.http = NULL;
        assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, NULL));
        assert_int_equal(site.requests, asked);
        assert_int_equal(judged(&c), VERIFIED);
        client_end(&c);
    }
}

static void a_vlek_needs_its_leaf_from_the_evidence(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c, SIM_GENOA, 3, true);
    assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, NULL));
    assert_int_equal(judged(&c), UNDECIDED);
    assert_true(collateral_add(&c.pool, "host", amds[SIM_GENOA].vlek.der, COLLATERAL_LISTED, NULL));
    assert_int_equal(judged(&c), VERIFIED);
    client_end(&c);
}

static void what_does_not_hold_is_neither_taken_nor_kept(void **state)
{
    (void)state;
    static const enum fault faults[] = {ABSENT, BROKEN, SLOW, CUT, GARBAGE, EMPTY, OTHER_CHIP, OTHER_VENDOR, HUGE};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct client c;
        struct err err = {0};
        client_begin(&c, SIM_MILAN, 3, false);
        site.fault = faults[i];
        if (faults[i] == SLOW)
            c.kds.deadline_ms = 100;
        assert_false(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
        assert_true(err.text[0]);
        assert_int_equal(judged(&c), UNDECIDED);
        pool_again(&c);
        site.fault = GOOD;
        c.kds.deadline_ms = 20000;
        assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
        assert_int_equal(judged(&c), VERIFIED);
        client_end(&c);
    }
}

static void a_busy_source_is_left_alone(void **state)
{
    (void)state;
    struct client c;
    struct err err = {0};
    client_begin(&c, SIM_MILAN, 3, false);
    site.fault = BUSY;
    assert_false(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
    assert_int_equal(err.code, ERR_NET);
    assert_int_equal(site.requests, 1);
    site.fault = GOOD;
    c.kds.now_s = NOW + 119;
    assert_false(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
    assert_int_equal(site.requests, 1);
    c.kds.now_s = NOW + 120;
    assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
    client_end(&c);
}

static void a_mirror_helps_out(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c, SIM_TURIN, 5, false);
    const struct http_endpoint sources[] = {{.url = "http://127.0.0.1:1"}, c.source};
    c.kds.sources = sources;
    c.kds.num_sources = 2;
    assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, NULL));
    assert_int_equal(judged(&c), VERIFIED);
    client_end(&c);
}

static void azure_has_this_machines_leaf(void **state)
{
    (void)state;
    struct client c;
    struct err err = {0};
    char url[128];
    client_begin(&c, SIM_MILAN, 3, false);
    assert_true(kds_chain(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    assert_true(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    snprintf(url, sizeof url, "%s/metadata/THIM/amd/certification", c.url);
    c.kds.thim_url = url;
    c.kds.num_sources = 0;
    site.thim = true;
    if (!kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err))
        fail_msg("%s", err.text);
    assert_string_equal(site.last, "/metadata/THIM/amd/certification");
    assert_int_equal(judged(&c), VERIFIED);
    client_end(&c);
}

static void a_kept_list_serves_on_while_it_is_valid(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c, SIM_MILAN, 3, false);
    assert_true(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    site.crl_fault = BROKEN;
    unsigned asked = site.requests;
    c.kds.now_s = NOW + DAY / 2;
    assert_true(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    assert_int_equal(site.requests, asked);
    c.kds.now_s = NOW + 2 * DAY;
    assert_true(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    assert_int_equal(site.requests, asked + 1);
    c.kds.now_s = NOW + 31 * (int64_t)DAY;
    assert_false(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, NULL));
    client_end(&c);
}

static void an_expired_list_is_not_taken(void **state)
{
    (void)state;
    struct client c;
    struct err err = {0};
    client_begin(&c, SIM_MILAN, 3, false);
    site.crl_fault = OLD_CRL;
    assert_false(kds_crl(&c.pool, &c.kds, SNP_MILAN, KDS_VCEK, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    assert_int_equal(c.pool.count, 0);
    client_end(&c);
}

static void a_store_that_was_tampered_with_is_asked_around(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c, SIM_MILAN, 3, false);
    char *chain = sim_amd_chain(&stranger, false);
    assert_true(cache_put(c.db, "amd/vcek/v1/Milan/cert_chain", bytes_str(chain),
                          (struct cache_row){.fetched_at_s = NOW}, NULL));
    free(chain);
    assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, NULL));
    assert_int_equal(judged(&c), VERIFIED);
    client_end(&c);
}

static void a_masked_chip_cannot_be_asked_for(void **state)
{
    (void)state;
    struct client c;
    struct err err = {0};
    client_begin(&c, SIM_MILAN, 3, false);
    memset(c.parsed.chip_id, 0, sizeof c.parsed.chip_id);
    assert_false(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, &err));
    assert_int_equal(err.code, ERR_STALE);
    client_end(&c);
}

static void what_is_at_hand_is_not_asked_for(void **state)
{
    (void)state;
    struct client c;
    AUTO(collateral_done) struct collateral own = collateral_new();
    client_begin(&c, SIM_MILAN, 2, false);
    char *chain = sim_amd_chain(&amds[SIM_MILAN], false);
    assert_true(collateral_add(&own, "own", bytes_str(chain), COLLATERAL_LISTED, NULL));
    assert_true(collateral_add(&own, "own", amds[SIM_MILAN].vcek.der, COLLATERAL_LISTED, NULL));
    free(chain);
    assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, &own, NULL));
    assert_int_equal(site.requests, 1);
    assert_string_equal(site.last, "/vcek/v1/Milan/crl");
    client_end(&c);
}

static void an_import_serves_a_sealed_machine(void **state)
{
    (void)state;
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++) {
        struct client c;
        size_t kept = 0;
        AUTO(buf_done) struct buf table = buf_new(1 << 20);
        AUTO(collateral_done) struct collateral import = collateral_new();
        client_begin(&c, p, p == SIM_TURIN ? 5 : 2, false);
        struct bytes crl = sim_amd_crl(&amds[p], NOW - DAY, NOW + DAY, 1, NULL, 0);
        const struct sim_table parts = {
            .ark = amds[p].ark.der, .ask = amds[p].ask.der, .vcek = amds[p].vcek.der, .crl = crl};
        sim_table_put(&table, &parts);
        free((void *)crl.p);
        assert_true(collateral_add(&import, "table", buf_view(&table), COLLATERAL_LISTED, NULL));
        assert_true(collateral_add(&import, "stranger", stranger.vcek.der, COLLATERAL_LISTED, NULL));
        assert_true(kds_keep_pool(&kept, &c.kds, &import, NULL));
        assert_int_equal(kept, 4); /* chain, leaf, and the list for both branches */
        c.kds.http = NULL;
        assert_true(kds_for_report(&c.pool, &c.kds, &c.parsed, NULL, NULL));
        assert_int_equal(judged(&c), VERIFIED);
        pool_again(&c);
        assert_true(kds_add_kept(&c.pool, c.db, NULL));
        assert_int_equal(c.pool.count, 4);
        assert_int_equal(judged(&c), VERIFIED);
        assert_int_equal(site.requests, 0);
        client_end(&c);
    }
}

static int make(void **state)
{
    (void)state;
    const struct sim_world world = {.now_s = NOW};
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        sim_amd_init(&amds[p], &world, p);
    /* one vendor: Siena's chips have Genoa's certificates */
    sim_amd_done(&amds[SIM_SIENA]);
    amds[SIM_SIENA] = amds[SIM_GENOA];
    amds[SIM_SIENA].product = SIM_SIENA;
    sim_amd_init(&stranger, &world, SIM_MILAN);
    other_chip = amds[SIM_MILAN];
    other_chip.vcek = other_chip.vlek = (struct sim_cert){0};
    other_chip.hwid[0] ^= 1;
    sim_amd_reissue(&other_chip);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    sim_amd_done(&amds[SIM_MILAN]);
    sim_amd_done(&amds[SIM_GENOA]);
    sim_amd_done(&amds[SIM_TURIN]);
    sim_amd_done(&stranger);
    sim_cert_done(&other_chip.vcek);
    sim_cert_done(&other_chip.vlek);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_the_document),
        cmocka_unit_test(every_product_is_fetched_once_and_verifies),
        cmocka_unit_test(a_vlek_needs_its_leaf_from_the_evidence),
        cmocka_unit_test(what_does_not_hold_is_neither_taken_nor_kept),
        cmocka_unit_test(a_busy_source_is_left_alone),
        cmocka_unit_test(a_mirror_helps_out),
        cmocka_unit_test(azure_has_this_machines_leaf),
        cmocka_unit_test(a_kept_list_serves_on_while_it_is_valid),
        cmocka_unit_test(an_expired_list_is_not_taken),
        cmocka_unit_test(a_store_that_was_tampered_with_is_asked_around),
        cmocka_unit_test(a_masked_chip_cannot_be_asked_for),
        cmocka_unit_test(what_is_at_hand_is_not_asked_for),
        cmocka_unit_test(an_import_serves_a_sealed_machine),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
