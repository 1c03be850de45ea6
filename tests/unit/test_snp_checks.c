/* Every SNP check has evidence that passes it and evidence that fails it for that reason alone, on a simulated AMD;
 * what real vectors lack (revoked intermediates, Turin and Siena under strict, VLEKs on Genoa and Turin) comes along.
 */
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/snp_journal.h"
#include "tests/support/sim/amd.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW 1767225600 /* 2026-01-01 */
#define DAY 86400

static struct sim_amd amds[4];
static struct sim_amd stranger; /* a second Milan, another vendor */

/* One piece of evidence about to be judged: the usual, then what a case changes. */
struct setup {
    const struct sim_amd *amd;
    bool vlek, sign;
    uint8_t report[SIM_REPORT_LEN + 1];
    size_t report_len;
    const struct sim_amd *signer;
    struct bytes leaf, intermediate, root; /* DER; empty: not given */
    struct bytes table;
    struct buf table_mem;
    struct bytes crl; /* malloc'd */
    bool no_crl;
    struct policy policy;
    int64_t now_s;
    struct mark mark;
    bool has_mark;
    bool zk;
    struct snp_journal journal;
    bool no_journal;
};

static void setup_begin(struct setup *s, enum sim_product product, uint32_t version, bool vlek)
{
    *s = (struct setup){.amd = &amds[product], .vlek = vlek, .sign = true, .now_s = NOW, .report_len = SIM_REPORT_LEN};
    s->signer = s->amd;
    s->table_mem = buf_new(1 << 16);
    policy_strict(&s->policy);
    sim_report(s->report, s->amd, version, vlek);
    s->leaf = vlek ? s->amd->vlek.der : s->amd->vcek.der;
    s->intermediate = vlek ? s->amd->asvk.der : s->amd->ask.der;
    s->root = s->amd->ark.der;
    s->crl = sim_amd_crl(s->amd, NOW - DAY, NOW + 30 * DAY, 7, NULL, 0);
}

static void setup_end(struct setup *s)
{
    buf_done(&s->table_mem);
    free((void *)s->crl.p);
}

static void use_crl(struct setup *s, struct bytes crl)
{
    free((void *)s->crl.p);
    s->crl = crl;
}

/* What a prover would say of this evidence. */
static void fill_journal(struct setup *s)
{
    static const uint8_t serials[3][3] = {{1, 0, 0}, {1, 0, 1}, {0}};
    struct snp_journal *j = &s->journal;
    j->timestamp_s = NOW - 60;
    j->processor_model = s->amd->product == SIM_MILAN ? 0 : 1;
    j->num_certs = j->num_serials = 3;
    struct hash32 ask = sha256(s->amd->ask.der), vcek = sha256(s->amd->vcek.der);
    j->certs[0] = sha256(s->amd->ark.der);
    j->certs[1] = sha256_2(BYTES_OF(j->certs[0]), BYTES_OF(ask));
    j->certs[2] = sha256_2(BYTES_OF(j->certs[1]), BYTES_OF(vcek));
    j->serials[0] = bytes_from(serials[0], 3);
    j->serials[1] = bytes_from(serials[1], 3);
    j->serials[2] = bytes_from(serials[2], 1);
    j->trusted_prefix_len = 2;
}

static bool seen_mark(void *ctx, const char *issuer, const char *subject, struct mark *out)
{
    const struct setup *s = ctx;
    if (!s->has_mark)
        return false;
    assert_string_equal(issuer, "amd-milan");
    assert_string_equal(subject, s->vlek ? "crl/ARK-Milan/vlek" : "crl/ARK-Milan");
    *out = s->mark;
    return true;
}

static void give(struct collateral *pool, struct bytes der)
{
    if (der.len)
        assert_true(collateral_add(pool, "given", der, COLLATERAL_LISTED, NULL));
}

static void judge(struct verdict *out, struct setup *s)
{
    struct roots roots = {0};
    struct collateral pool = collateral_new();
    struct bundle bundle = bundle_new();
    struct expected expected = {0};
    const struct memory memory = {.ctx = s, .mark = seen_mark};
    struct bytes own[3];
    assert_true(roots_init(&roots, NULL));
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        assert_true(roots_add(&roots, amds[p].ark.der, NULL));
    if (s->sign)
        sim_report_sign(s->report, s->vlek ? s->signer->vlek.key : s->signer->vcek.key);
    bundle.tee = TEE_SNP;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = s->zk ? REPORT_ZK_SUCCINCT : REPORT_NATIVE;
    bundle.report = bytes_from(s->report, s->report_len);
    s->journal.raw_report = bundle.report;
    if (s->zk) { /* certificates come with the evidence */
        own[0] = s->leaf;
        own[1] = s->intermediate;
        own[2] = s->root;
        bundle.snp_certs = own;
        bundle.num_snp_certs = 3;
    } else {
        give(&pool, s->leaf);
        give(&pool, s->intermediate);
        give(&pool, s->root);
    }
    give(&pool, s->table);
    if (!s->no_crl)
        give(&pool, s->crl);
    struct ev ev = {.bundle = &bundle,
                    .collateral = &pool,
                    .policy = &s->policy,
                    .roots = &roots,
                    .expected = &expected,
                    .memory = &memory,
                    .snp_journal = s->zk && !s->no_journal ? &s->journal : NULL,
                    .now_s = s->now_s};
    evidence_judge(&ev, out);
    evidence_done(&ev);
    bundle_done(&bundle);
    collateral_done(&pool);
    roots_done(&roots);
}

/* --- what a case changes; good: the rule is on and holds, else it is on and broken --- */

static void put_le(uint8_t *at, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

static void guest_bit(struct setup *s, unsigned bit, bool on)
{
    s->report[8 + bit / 8] = (uint8_t)((s->report[8 + bit / 8] & ~(1u << bit % 8)) | (unsigned)on << bit % 8);
}

static void platform_bit(struct setup *s, unsigned bit, bool on)
{
    s->report[0x40] = (uint8_t)((s->report[0x40] & ~(1u << bit)) | (unsigned)on << bit);
}

static void list_one(struct policy_hex_list *list, const void *value, size_t len, bool good)
{
    memcpy(list->item[0], value, len);
    list->item[0][0] ^= !good;
    list->len[0] = len;
    list->count = 1;
}

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

static void debug(struct setup *s, bool good)
{
    guest_bit(s, 19, !good);
}
static void migration_agent(struct setup *s, bool good)
{
    s->policy.snp.forbid_migration_agent = true;
    guest_bit(s, 18, !good);
}
static void smt(struct setup *s, bool good)
{
    s->policy.snp.forbid_smt = true;
    guest_bit(s, 16, !good);
    platform_bit(s, 0, false);
}
static void single_socket(struct setup *s, bool good)
{
    s->policy.snp.require_single_socket = true;
    guest_bit(s, 20, good);
}
static void cxl(struct setup *s, bool good)
{
    s->policy.snp.forbid_cxl = true;
    guest_bit(s, 21, !good);
}
static void memory_encryption(struct setup *s, bool good)
{
    s->policy.snp.require_aes_256_xts = true;
    guest_bit(s, 22, good);
}
static void rapl(struct setup *s, bool good)
{
    s->policy.snp.require_rapl_off = true;
    guest_bit(s, 23, true);
    platform_bit(s, 3, good);
}
static void ciphertext_hiding(struct setup *s, bool good)
{
    s->policy.snp.require_ciphertext_hiding = true;
    guest_bit(s, 24, good);
    platform_bit(s, 4, true);
}
static void page_swap(struct setup *s, bool good)
{
    s->policy.snp.require_page_swap_off = true;
    guest_bit(s, 25, good);
}
static void abi(struct setup *s, bool good)
{
    s->policy.snp.min_abi_minor = 20;
    s->policy.snp.max_abi_major = 0;
    s->policy.snp.max_abi_minor = 31;
    s->report[8] = good ? 31 : 32;
}
static void tsme(struct setup *s, bool good)
{
    s->policy.snp.require_tsme = true;
    platform_bit(s, 1, good);
}
static void ecc(struct setup *s, bool good)
{
    s->policy.snp.require_ecc = true;
    platform_bit(s, 2, good);
}
static void alias_check(struct setup *s, bool good)
{
    s->policy.snp.require_alias_check = true;
    platform_bit(s, 5, good);
}
static void max_vmpl(struct setup *s, bool good)
{
    s->policy.snp.max_vmpl = 1;
    put_le(s->report + 0x30, 4, good ? 1 : 2);
}
static void guest_svn(struct setup *s, bool good)
{
    s->policy.snp.min_guest_svn = 0x1000b;
    put_le(s->report + 4, 4, good ? 0x1000b : 0xffff);
}
static void firmware(struct setup *s, bool good)
{
    s->policy.snp.min_version_major = 1;
    s->policy.snp.min_version_minor = 55;
    s->policy.snp.min_build = good ? 40 : 41;
}
static void tcb_order(struct setup *s, bool good)
{
    s->policy.snp.allow_provisional = true;
    s->report[0x3f] = (uint8_t)(s->report[0x3f] - !good); /* current microcode below the committed one */
}
static void provisional(struct setup *s, bool good)
{
    s->report[0x3f] = (uint8_t)(s->report[0x3f] + !good);
}
static void min_current(struct setup *s, bool good)
{
    s->policy.snp.min_current = (struct snp_min_tcb){0, 4, 1, 24, good ? 0xdb : 0xdc};
}
static void min_reported(struct setup *s, bool good)
{
    s->policy.snp.min_reported = (struct snp_min_tcb){0, 4, 1, good ? 24 : 25, 0xdb};
}
static void min_committed(struct setup *s, bool good)
{
    s->policy.snp.min_committed = (struct snp_min_tcb){99, good ? 4 : 5, 1, 24, 0xdb}; /* fmc is Turin's alone */
}
static void min_launch(struct setup *s, bool good)
{
    s->policy.snp.min_launch = (struct snp_min_tcb){0, 4, good ? 1 : 2, 24, 0xdb};
}
static void launch_mitigations(struct setup *s, bool good)
{
    s->policy.snp.required_launch_mitigations = good ? 0x09 : 0x0c;
}
static void current_mitigations(struct setup *s, bool good)
{
    s->policy.snp.required_current_mitigations = good ? 0x02 : 0x04;
}
static void id_block(struct setup *s, bool good)
{
    s->policy.snp.require_id_block = true;
    s->report[0xe0] = good;
}
static void id_key(struct setup *s, bool good)
{
    list_one(&s->policy.snp.id_key_digests, s->report + 0xe0, 48, good);
}
static void author_key(struct setup *s, bool good)
{
    s->policy.snp.require_author_key = true;
    s->report[0x110] = 1;
    s->report[0x48] = good;
}
static void host_data(struct setup *s, bool good)
{
    list_one(&s->policy.snp.host_data, s->report + 0xc0, 32, good);
}
static void report_data(struct setup *s, bool good)
{
    list_one(&s->policy.snp.report_data, s->report + 0x50, 64, good);
}
static void measurement(struct setup *s, bool good)
{
    list_one(&s->policy.snp.measurements, s->report + 0x90, 48, good);
}
static void family_id(struct setup *s, bool good)
{
    list_one(&s->policy.snp.family_ids, s->report + 0x10, 16, good);
}
static void image_id(struct setup *s, bool good)
{
    list_one(&s->policy.snp.image_ids, s->report + 0x20, 16, good);
}
static void chip_allowed(struct setup *s, bool good)
{
    list_one(&s->policy.snp.chip_ids, s->report + 0x1a0, 64, good);
}
static void chip_denied(struct setup *s, bool good)
{
    list_one(&s->policy.snp.denied_chip_ids, s->report + 0x1a0, 64, !good);
}
static void products(struct setup *s, bool good)
{
    s->policy.snp.products.count = 1;
    snprintf(s->policy.snp.products.item[0], sizeof s->policy.snp.products.item[0], "%s", good ? "milan" : "siena");
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

static const struct kase {
    const char *check;
    void (*change)(struct setup *s, bool good);
    const char *also;   /* one more that fails by its nature */
    enum outcome worst; /* of the broken one; 0: FAIL */
} kases[] = {
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
    {"snp.debug", debug, NULL, FAIL},
    {"snp.migration_agent", migration_agent, NULL, FAIL},
    {"snp.smt", smt, NULL, FAIL},
    {"snp.single_socket", single_socket, NULL, FAIL},
    {"snp.cxl", cxl, NULL, FAIL},
    {"snp.memory_encryption", memory_encryption, NULL, FAIL},
    {"snp.rapl", rapl, NULL, FAIL},
    {"snp.ciphertext_hiding", ciphertext_hiding, NULL, FAIL},
    {"snp.page_swap", page_swap, NULL, FAIL},
    {"snp.abi", abi, NULL, FAIL},
    {"snp.tsme", tsme, NULL, FAIL},
    {"snp.ecc", ecc, NULL, FAIL},
    {"snp.alias_check", alias_check, NULL, FAIL},
    {"snp.max_vmpl", max_vmpl, NULL, FAIL},
    {"snp.guest_svn", guest_svn, NULL, FAIL},
    {"snp.firmware", firmware, NULL, FAIL},
    {"snp.tcb_order", tcb_order, NULL, FAIL},
    {"snp.provisional", provisional, NULL, FAIL},
    {"snp.min_current_tcb", min_current, NULL, FAIL},
    {"snp.min_reported_tcb", min_reported, NULL, FAIL},
    {"snp.min_committed_tcb", min_committed, NULL, FAIL},
    {"snp.min_launch_tcb", min_launch, NULL, FAIL},
    {"snp.launch_mitigations", launch_mitigations, NULL, FAIL},
    {"snp.current_mitigations", current_mitigations, NULL, FAIL},
    {"snp.id_block", id_block, NULL, FAIL},
    {"snp.id_key", id_key, NULL, FAIL},
    {"snp.author_key", author_key, NULL, FAIL},
    {"snp.host_data", host_data, NULL, FAIL},
    {"snp.report_data", report_data, NULL, FAIL},
    {"snp.measurement", measurement, NULL, FAIL},
    {"snp.family_id", family_id, NULL, FAIL},
    {"snp.image_id", image_id, NULL, FAIL},
    {"snp.chip_allowed", chip_allowed, NULL, FAIL},
    {"snp.chip_denied", chip_denied, NULL, FAIL},
    {"snp.products", products, NULL, FAIL},
    {"zk.journal", journal, "zk.serials", FAIL},
    {"zk.result", result, NULL, FAIL},
    {"zk.processor_model", processor_model, NULL, FAIL},
    {"zk.certs", certs, NULL, FAIL},
    {"zk.serials", serials, NULL, FAIL},
    {"zk.prefix", prefix, NULL, FAIL},
    {"zk.timestamp", timestamp, NULL, FAIL},
};
#define NUM_KASES (sizeof kases / sizeof *kases)

/* --- the tests --- */

static void print_bad(const struct verdict *v, const char *what)
{
    for (size_t i = 0; i < v->num_results; i++)
        if (v->results[i].finding.outcome != PASS)
            print_error("%s: %s %s: %s\n", what, outcome_name(v->results[i].finding.outcome), v->results[i].check->id,
                        v->results[i].finding.detail);
}

static void run_kase(struct verdict *v, const struct kase *k, bool good)
{
    struct setup s;
    setup_begin(&s, SIM_MILAN, 5, false);
    s.zk = strncmp(k->check, "zk.", 3) == 0;
    fill_journal(&s);
    k->change(&s, good);
    judge(v, &s);
    setup_end(&s);
}

static void every_check_passes_on_good_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_KASES; i++) {
        struct verdict v;
        run_kase(&v, &kases[i], true);
        const struct result *r = verdict_find(&v, kases[i].check);
        if (v.verdict != VERIFIED)
            print_bad(&v, kases[i].check);
        assert_int_equal(v.verdict, VERIFIED);
        assert_non_null(r);
        assert_int_equal(r->finding.outcome, PASS);
    }
}

static void every_check_fails_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_KASES; i++) {
        struct verdict v;
        const struct kase *k = &kases[i];
        run_kase(&v, k, false);
        const struct result *r = verdict_find(&v, k->check);
        assert_non_null(r);
        if (r->finding.outcome != k->worst)
            print_bad(&v, k->check);
        assert_int_equal(r->finding.outcome, k->worst);
        bool undecided = r->check->on_fail == UNDECIDES || k->worst == NOT_RUN;
        assert_int_equal(v.verdict, undecided ? UNDECIDED : REJECTED);
        for (size_t n = 0; n < v.num_results; n++) {
            const struct result *other = &v.results[n];
            if (other == r || other->finding.outcome != FAIL || (k->also && strcmp(k->also, other->check->id) == 0))
                continue;
            print_bad(&v, k->check);
            fail_msg("%s fails together with %s", k->check, other->check->id);
        }
    }
}

static void every_row_has_a_case(void **state)
{
    (void)state;
    static const struct kind *const kinds[] = {&snp_kind, &snp_accept_kind, &zk_kind};
    for (size_t i = 0; i < 3; i++)
        for (size_t c = 0; c < kinds[i]->num_checks; c++) {
            size_t found = 0;
            for (size_t k = 0; k < NUM_KASES; k++)
                found += strcmp(kases[k].check, kinds[i]->checks[c].id) == 0;
            if (found != 1)
                fail_msg("%s has %zu cases", kinds[i]->checks[c].id, found);
        }
}

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

static void authentic_takes_what_strict_refuses(void **state)
{
    (void)state;
    static void (*const changes[])(struct setup *, bool) = {debug, provisional, tcb_order, chain_missing, crl};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct setup s;
        struct verdict v;
        setup_begin(&s, SIM_MILAN, 5, false);
        policy_authentic(&s.policy);
        changes[i](&s, false);
        judge(&v, &s);
        if (v.verdict != VERIFIED)
            print_bad(&v, "authentic");
        assert_int_equal(v.verdict, VERIFIED);
        setup_end(&s);
    }
}

static int make(void **state)
{
    (void)state;
    const struct sim_world world = {.now_s = NOW};
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        sim_amd_init(&amds[p], &world, p);
    sim_amd_init(&stranger, &world, SIM_MILAN);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        sim_amd_done(&amds[p]);
    sim_amd_done(&stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_on_good_evidence),
        cmocka_unit_test(every_check_fails_alone),
        cmocka_unit_test(every_row_has_a_case),
        cmocka_unit_test(all_products_and_keys_verify),
        cmocka_unit_test(a_revoked_asvk_hits_the_vlek_alone),
        cmocka_unit_test(every_bit_of_the_signed_part_counts),
        cmocka_unit_test(a_rolled_back_list_is_taken_for_a_time_before_the_mark),
        cmocka_unit_test(turin_is_not_for_a_journal),
        cmocka_unit_test(authentic_takes_what_strict_refuses),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
