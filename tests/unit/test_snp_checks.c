/* Every SNP check has evidence that passes it and evidence that fails it for that reason alone, on a simulated AMD;
 * what real vectors lack (revoked intermediates, Turin and Siena under strict, VLEKs on Genoa and Turin) comes along.
 */
#include "tests/support/snp_scene.h"
#include "tests/support/vectors.h"

/* --- what a case changes; good: the rule holds, else it is broken --- */

static void length(struct setup *s, bool good)
{
    s->report_len = good ? SIM_REPORT_LEN : SIM_REPORT_LEN - 1;
}
static void version(struct setup *s, bool good)
{
    put_le(s->report, 4, good ? 5 : 4);
    if (!good)
        memset(s->report + 0x1f8, 0, 16);
}
static void sig_algo(struct setup *s, bool good)
{
    put_le(s->report + 0x34, 4, good ? 1 : 2);
}
static void reserved(struct setup *s, bool good)
{
    s->report[0x29f] = !good;
}
static void vmpl(struct setup *s, bool good)
{
    put_le(s->report + 0x30, 4, good ? 3 : UINT32_MAX);
}
static void cert_table(struct setup *s, bool good)
{
    const struct sim_table t = {.ark = s->root, .ask = s->intermediate, .vcek = s->leaf, .crl = s->crl};
    sim_table_put(&s->table_mem, &t);
    s->leaf = s->intermediate = s->root = (struct bytes){0};
    s->no_crl = true;
    s->table_mem.len -= !good; /* the last entry ends outside */
    s->table = buf_view(&s->table_mem);
    if (!good) {
        s->leaf = s->amd->vcek.der;
        s->intermediate = s->amd->ask.der;
        s->root = s->amd->ark.der;
        s->no_crl = false;
    }
}
static void cert_parse_case(struct setup *s, bool good)
{
    static const uint8_t damaged[] = {0x30, 0x06, 0x30, 0x04, 0xa0, 0x02, 0x01, 0x02};
    if (!good)
        s->table = BYTES(damaged);
}
static void leaf_missing(struct setup *s, bool good)
{
    if (!good)
        s->leaf = (struct bytes){0};
}
static void chain_missing(struct setup *s, bool good)
{
    if (!good)
        s->root = (struct bytes){0};
}
static void root(struct setup *s, bool good)
{
    if (good)
        return;
    s->signer = &stranger;
    s->leaf = stranger.vcek.der;
    s->intermediate = stranger.ask.der;
    s->root = stranger.ark.der;
    use_crl(s, sim_amd_crl(s->amd, NOW - DAY, NOW + DAY, 1, NULL, 0));
}
static void chain(struct setup *s, bool good)
{
    if (good)
        return;
    s->signer = &stranger; /* a leaf of the same names under another intermediate */
    s->leaf = stranger.vcek.der;
}
static void product(struct setup *s, bool good)
{
    s->report[0x189] = good ? 0x01 : 0x11; /* Genoa's model, Milan's certificates */
}
static void signing_key(struct setup *s, bool good)
{
    s->report[0x48] = good ? 0 : 1u << 1; /* masked */
}
static void signature(struct setup *s, bool good)
{
    if (good)
        return;
    sim_report_sign(s->report, s->amd->vlek.key);
    s->sign = false;
}
static void tcb_binding(struct setup *s, bool good)
{
    s->report[0x187] = (uint8_t)(s->report[0x187] - !good); /* microcode */
}
static void hwid(struct setup *s, bool good)
{
    s->report[0x1a0] ^= !good;
}
static void cert_validity(struct setup *s, bool good)
{
    s->now_s = good ? NOW : NOW + 8 * 365 * (int64_t)DAY;
    use_crl(s, sim_amd_crl(s->amd, s->now_s - DAY, s->now_s + DAY, 1, NULL, 0));
}
static void crl(struct setup *s, bool good)
{
    s->no_crl = !good;
}
static void crl_rollback(struct setup *s, bool good)
{
    s->has_mark = true;
    s->mark.issued_s = good ? NOW - DAY : NOW - DAY / 2;
}
static void revoked(struct setup *s, bool good)
{
    static const uint64_t serials[] = {SIM_ASVK_SERIAL, SIM_ASK_SERIAL};
    use_crl(s, sim_amd_crl(s->amd, NOW - DAY, NOW + DAY, 8, serials, good ? 1 : 2));
}

static void journal(struct setup *s, bool good)
{
    s->journal.num_serials -= !good;
}
static void result(struct setup *s, bool good)
{
    s->journal.result = good ? 0 : 3;
}
static void processor_model(struct setup *s, bool good)
{
    s->journal.processor_model = !good;
}
static void certs(struct setup *s, bool good)
{
    s->journal.certs[2].b[0] ^= !good;
}
static void serials(struct setup *s, bool good)
{
    static const uint8_t one = 1;
    if (!good)
        s->journal.serials[2] = bytes_from(&one, 1);
}
static void prefix(struct setup *s, bool good)
{
    s->journal.trusted_prefix_len = good ? 3 : 0;
}
static void timestamp(struct setup *s, bool good)
{
    s->journal.timestamp_s = (uint64_t)(good ? NOW : NOW + 1);
}

static const struct kase kases[] = {
    {"snp.length", length, NULL, FAIL},
    {"snp.version", version, NULL, FAIL},
    {"snp.sig_algo", sig_algo, NULL, FAIL},
    {"snp.reserved", reserved, NULL, FAIL},
    {"snp.vmpl", vmpl, NULL, FAIL},
    {"snp.cert_table", cert_table, NULL, FAIL},
    {"snp.cert_parse", cert_parse_case, NULL, FAIL},
    {"snp.leaf_missing", leaf_missing, NULL, NOT_RUN},
    {"snp.chain_missing", chain_missing, NULL, NOT_RUN},
    {"snp.root", root, NULL, FAIL},
    {"snp.chain", chain, NULL, FAIL},
    {"snp.product", product, NULL, FAIL},
    {"snp.signing_key", signing_key, NULL, FAIL},
    {"snp.signature", signature, NULL, FAIL},
    {"snp.tcb_binding", tcb_binding, NULL, FAIL},
    {"snp.hwid", hwid, NULL, FAIL},
    {"snp.cert_validity", cert_validity, NULL, FAIL},
    {"snp.crl", crl, NULL, NOT_RUN},
    {"snp.crl_rollback", crl_rollback, NULL, FAIL},
    {"snp.revoked", revoked, NULL, FAIL},
    {"zk.journal", journal, "zk.serials", FAIL},
    {"zk.result", result, NULL, FAIL},
    {"zk.processor_model", processor_model, NULL, FAIL},
    {"zk.certs", certs, NULL, FAIL},
    {"zk.serials", serials, NULL, FAIL},
    {"zk.prefix", prefix, NULL, FAIL},
    {"zk.timestamp", timestamp, NULL, FAIL},
};
static const struct kind *const kinds[] = {&snp_kind, &zk_kind};
static void (*const mild[])(struct setup *, bool) = {chain_missing, crl};
static struct kases table = {kases, sizeof kases / sizeof *kases, kinds, sizeof kinds / sizeof *kinds, mild, sizeof mild / sizeof *mild};

static void all_products_and_keys_verify(void **state)
{
    (void)state;
    static const uint32_t versions[] = {2, 3, 5};
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        for (size_t i = 0; i < 3; i++)
            for (int vlek = 0; vlek < 2; vlek++) {
                struct setup s;
                struct verdict v;
                setup_begin(&s, p, versions[i], vlek);
                judge(&v, &s);
                bool refused = p == SIM_TURIN && versions[i] == 2;
                if (v.verdict != (refused ? REJECTED : VERIFIED))
                    print_bad(&v, sim_product_name(p));
                assert_int_equal(v.verdict, refused ? REJECTED : VERIFIED);
                if (refused)
                    assert_int_equal(verdict_find(&v, "snp.version")->finding.outcome, FAIL);
                assert_int_equal(v.collateral_expires_s, NOW + 30 * DAY);
                setup_end(&s);
            }
}

static void a_revoked_asvk_hits_the_vlek_alone(void **state)
{
    (void)state;
    static const uint64_t serials[] = {SIM_ASVK_SERIAL};
    for (int vlek = 0; vlek < 2; vlek++) {
        struct setup s;
        struct verdict v;
        setup_begin(&s, SIM_GENOA, 3, vlek);
        use_crl(&s, sim_amd_crl(s.amd, NOW - DAY, NOW + DAY, 1, serials, 1));
        judge(&v, &s);
        assert_int_equal(v.verdict, vlek ? REJECTED : VERIFIED);
        setup_end(&s);
    }
}

static void every_bit_of_the_signed_part_counts(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * 0x330; bit += 61) { /* coprime to 8: every place in a byte is met */
        struct setup s;
        struct verdict v;
        setup_begin(&s, SIM_MILAN, 3, false);
        sim_report_sign(s.report, s.amd->vcek.key);
        s.sign = false;
        s.report[bit / 8] ^= (uint8_t)(1u << bit % 8);
        judge(&v, &s);
        assert_int_equal(v.verdict, REJECTED);
        assert_int_equal(verdict_find(&v, "snp.signature")->finding.outcome, FAIL);
        setup_end(&s);
    }
}

static void a_rolled_back_list_is_taken_for_a_time_before_the_mark(void **state)
{
    (void)state;
    for (int vlek = 0; vlek < 2; vlek++) {
        struct setup s;
        struct verdict v;
        setup_begin(&s, SIM_MILAN, 3, vlek);
        s.has_mark = true;
        s.mark.issued_s = NOW + 10 * DAY;
        judge(&v, &s);
        assert_int_equal(v.verdict, VERIFIED);
        setup_end(&s);
    }
}

static void turin_is_not_for_a_journal(void **state)
{
    (void)state;
    struct setup s;
    struct verdict v;
    setup_begin(&s, SIM_TURIN, 5, false);
    s.zk = true;
    fill_journal(&s);
    judge(&v, &s);
    assert_int_equal(verdict_find(&v, "zk.processor_model")->finding.outcome, FAIL);
    setup_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_check_passes_on_good_evidence, &table),
        cmocka_unit_test_prestate(every_check_fails_alone, &table),
        cmocka_unit_test_prestate(every_row_has_a_case, &table),
        cmocka_unit_test(all_products_and_keys_verify),
        cmocka_unit_test(a_revoked_asvk_hits_the_vlek_alone),
        cmocka_unit_test(every_bit_of_the_signed_part_counts),
        cmocka_unit_test(a_rolled_back_list_is_taken_for_a_time_before_the_mark),
        cmocka_unit_test(turin_is_not_for_a_journal),
        cmocka_unit_test_prestate(authentic_takes_what_strict_refuses, &table),
    };
    return cmocka_run_group_tests(tests, amds_make, amds_drop);
}
