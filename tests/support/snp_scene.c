#include "tests/support/snp_scene.h"

#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

struct sim_amd amds[4], stranger;

void setup_begin(struct setup *s, enum sim_product product, uint32_t version, bool vlek)
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

void setup_end(struct setup *s)
{
    buf_done(&s->table_mem);
    free((void *)s->crl.p);
}

void use_crl(struct setup *s, struct bytes crl)
{
    free((void *)s->crl.p);
    s->crl = crl;
}

void fill_journal(struct setup *s)
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

void judge(struct verdict *out, struct setup *s)
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

void put_le(uint8_t *at, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

/* --- running a table --- */

void print_bad(const struct verdict *v, const char *what)
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

void every_check_passes_on_good_evidence(void **state)
{
    const struct kases *t = *state;
    for (size_t i = 0; i < t->count; i++) {
        struct verdict v;
        run_kase(&v, &t->kase[i], true);
        const struct result *r = verdict_find(&v, t->kase[i].check);
        if (v.verdict != VERIFIED)
            print_bad(&v, t->kase[i].check);
        assert_int_equal(v.verdict, VERIFIED);
        assert_non_null(r);
        assert_int_equal(r->finding.outcome, PASS);
    }
}

void every_check_fails_alone(void **state)
{
    const struct kases *t = *state;
    for (size_t i = 0; i < t->count; i++) {
        struct verdict v;
        const struct kase *k = &t->kase[i];
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

void every_row_has_a_case(void **state)
{
    const struct kases *t = *state;
    for (size_t i = 0; i < t->num_kinds; i++)
        for (size_t c = 0; c < t->kinds[i]->num_checks; c++) {
            size_t found = 0;
            for (size_t k = 0; k < t->count; k++)
                found += strcmp(t->kase[k].check, t->kinds[i]->checks[c].id) == 0;
            if (found != 1)
                fail_msg("%s has %zu cases", t->kinds[i]->checks[c].id, found);
        }
}

void authentic_takes_what_strict_refuses(void **state)
{
    const struct kases *t = *state;
    for (size_t i = 0; i < t->num_mild; i++) {
        struct setup s;
        struct verdict v;
        setup_begin(&s, SIM_MILAN, 5, false);
        policy_authentic(&s.policy);
        t->mild[i](&s, false);
        judge(&v, &s);
        if (v.verdict != VERIFIED)
            print_bad(&v, "authentic");
        assert_int_equal(v.verdict, VERIFIED);
        setup_end(&s);
    }
}

/* --- the vendors --- */

int amds_make(void **state)
{
    (void)state;
    const struct sim_world world = {.now_s = NOW};
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        sim_amd_init(&amds[p], &world, p);
    sim_amd_init(&stranger, &world, SIM_MILAN);
    return 0;
}

int amds_drop(void **state)
{
    (void)state;
    for (enum sim_product p = SIM_MILAN; p <= SIM_TURIN; p++)
        sim_amd_done(&amds[p]);
    sim_amd_done(&stranger);
    return 0;
}
