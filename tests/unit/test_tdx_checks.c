/* Each check of the table: the good scene passes all of them, and for each there is a scene that differs in one thing and
 * fails it; what else fails for the same thing is named. The table is walked, so that a check without a scene is found. */
#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "relayer/evidence/tdx_checks.h"
#include "tests/support/sim/intel.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW 1780000000
#define DAY 86400

/* version 4 TDX quote, offsets */
enum { AT_SIG = 636, AT_KEY = 700, AT_QE_REPORT = 770, AT_QE_SIG = 1154, AT_QE_AUTH = 1220, AT_CERT_TYPE = 1252, AT_PEM = 1258 };

static struct sim_world world = {.now_s = NOW};
static struct sim_intel vendor; /* shared; a scene changes a copy and puts back what it owns */

struct scene {
    struct sim_intel v; /* what the quote comes from */
    struct sim_td td;
    enum sim_quote form;
    struct sim_level level;
    struct sim_collateral tcb, qe; /* dates and contents */
    int64_t root_from_s, root_to_s, pck_from_s, pck_to_s;
    const struct sim_cert *pck_crl_issuer;
    uint64_t revoked;
    struct policy policy;
    struct mark mark; /* what was seen before, of TCB info */
    bool wants_report_data; /* other than it has */
    unsigned next_number;    /* of Intel's next TCB evaluation data; 0: none at hand */
    struct sim_level next;   /* the platform's level there */
    int64_t next_event_s;    /* its recovery event; 0: Intel's list is not at hand */
    /* made */
    struct buf quote, tcb_info, qe_identity, root_crl, pck_crl;
    struct buf pck_beside; /* empty: none is given */
};

/* --- making --- */

static void put(struct buf *out, char *text)
{
    *out = buf_new(1 << 20);
    buf_text(out, text);
    free(text);
}

static void put_crl(struct buf *out, const struct sim_cert *issuer, int64_t from_s, int64_t to_s, uint64_t serial)
{
    struct bytes der = sim_crl(issuer, from_s, to_s, 7, &serial, serial != 0, false);
    *out = buf_new(1 << 20);
    buf_put(out, der);
    free((void *)(uintptr_t)der.p);
}

static void make_scene(struct scene *s, void (*before)(struct scene *), void (*after)(struct scene *))
{
    *s = (struct scene){.v = vendor, .form = SIM_QUOTE_V4, .pck_crl_issuer = &vendor.platform_ca};
    s->td.attributes = 1u << 28; /* SEPT_VE_DISABLE */
    s->td.xfam = 0xe7;
    memset(s->td.mr_td, 0x4d, sizeof s->td.mr_td);
    s->level = (struct sim_level){.tcb = vendor.tcb, .status = "UpToDate", .date = "2026-01-01T00:00:00Z"};
    s->tcb = (struct sim_collateral){.issued_s = NOW - DAY, .next_update_s = NOW + DAY, .evaluation_number = 20};
    s->qe = s->tcb;
    s->root_from_s = s->pck_from_s = NOW - DAY;
    s->root_to_s = s->pck_to_s = NOW + DAY;
    policy_strict(&s->policy);
    if (before)
        before(s);
    s->tcb.levels = &s->level;
    s->tcb.num_levels = 1;
    s->quote = buf_new(1 << 20);
    s->pck_beside = buf_new(1 << 20);
    memcpy(s->td.tcb_svn2, s->v.tcb.tdx, sizeof s->td.tcb_svn2);
    sim_td_quote(&s->quote, &s->v, s->form, &s->td);
    put(&s->tcb_info, sim_tcb_info(&vendor, &s->tcb));
    put(&s->qe_identity, sim_qe_identity(&vendor, &s->qe));
    put_crl(&s->root_crl, &vendor.root, s->root_from_s, s->root_to_s, 0);
    put_crl(&s->pck_crl, s->pck_crl_issuer, s->pck_from_s, s->pck_to_s, s->revoked);
    if (after)
        after(s);
}

static void scene_done(struct scene *s)
{
    buf_done(&s->quote);
    buf_done(&s->pck_beside);
    buf_done(&s->tcb_info);
    buf_done(&s->qe_identity);
    buf_done(&s->root_crl);
    buf_done(&s->pck_crl);
    if (s->v.pck.der.p != vendor.pck.der.p)
        sim_cert_done(&s->v.pck);
}

static void resign(struct scene *s)
{
    sim_sign_raw(s->quote.p + AT_SIG, s->v.attestation_key, bytes_from(s->quote.p, 632));
}

/* --- one thing each --- */

static void version_6(struct scene *s) { s->quote.p[0] = 6; }
static void tee_type_1(struct scene *s) { s->quote.p[4] = 1; }
static void key_type_3(struct scene *s) { s->quote.p[2] = 3; resign(s); }
static void other_vendor(struct scene *s) { s->quote.p[12] ^= 1; resign(s); }
static void cut(struct scene *s) { s->quote.len--; }
static void text_behind(struct scene *s) { buf_text(&s->quote, "x"); }
static void type_7(struct scene *s) { s->quote.p[AT_CERT_TYPE] = 7; }
static void damaged_pem(struct scene *s) { s->quote.p[AT_PEM + 200] = '*'; }
static void qe_sig_bit(struct scene *s) { s->quote.p[AT_QE_SIG] ^= 1; }
static void auth_bit(struct scene *s) { s->quote.p[AT_QE_AUTH] ^= 1; }
static void sig_bit(struct scene *s) { s->quote.p[AT_SIG] ^= 1; }

/* The leaf with its last signature byte changed, in the same place. */
static void leaf_sig_bit(struct scene *s)
{
    AUTO(buf_done) struct buf der = buf_new(1 << 16), pem = buf_new(1 << 16);
    buf_put(&der, s->v.pck.der);
    der.p[der.len - 1] ^= 1;
    pem_encode(&pem, "CERTIFICATE", buf_view(&der));
    memcpy(s->quote.p + AT_PEM, pem.p, pem.len);
}

static void pck_of_long_ago(struct scene *s)
{
    s->v.world.now_s = NOW - 20LL * 365 * DAY;
    s->v.pck = (struct sim_cert){0};
    sim_intel_reissue_pck(&s->v);
    s->v.world.now_s = NOW;
}

static void pck_without_extensions(struct scene *s)
{
    const struct sim_spec spec = {.cn = "Intel SGX PCK Certificate", .o = "Simulated Intel", .issuer = &vendor.platform_ca,
                                  .kind = SIM_P256, .serial = 0x6001, .key_usage = "critical,digitalSignature"};
    s->v.pck = sim_issue(&world, &spec);
}

static void damaged_root_crl(struct scene *s) { s->root_crl.len--; }
static void root_crl_bit(struct scene *s) { s->root_crl.p[s->root_crl.len - 1] ^= 1; }
static void old_root_crl(struct scene *s) { s->root_from_s = NOW - 3 * DAY; s->root_to_s = NOW - 1; }
static void crl_of_processor_ca(struct scene *s) { s->pck_crl_issuer = &vendor.processor_ca; }
static void pck_crl_bit(struct scene *s) { s->pck_crl.p[s->pck_crl.len - 1] ^= 1; }
static void early_pck_crl(struct scene *s) { s->pck_from_s = NOW + 1; }
static void sgx_tcb_info(struct scene *s) { s->tcb.sgx = true; }
static void old_tcb_info(struct scene *s) { s->tcb.next_update_s = NOW - 1; }
static void sgx_qe_identity(struct scene *s) { s->qe.sgx = true; }
static void early_qe_identity(struct scene *s) { s->qe.issued_s = NOW + 1; }

static void spoil(struct buf *text, const char *at)
{
    size_t i = bytes_find(buf_view(text), bytes_str(at), 0);
    assert_true(i != SIZE_MAX);
    text->p[i + strlen(at)] ^= 1; /* a digit becomes its neighbour */
}
static void tcb_info_digit(struct scene *s) { spoil(&s->tcb_info, "\"pcesvn\":1"); }
static void qe_identity_digit(struct scene *s) { spoil(&s->qe_identity, "\"issueDate\":\"202"); }

static void seen_newer(struct scene *s) { s->mark = (struct mark){.evaluation_number = 21, .issued_s = NOW - 2 * DAY}; }
static void pck_on_crl(struct scene *s) { s->revoked = 0x5001; }
static void other_qe(struct scene *s) { s->v.qe_mr_signer[0] ^= 1; }
static void old_qe(struct scene *s) { s->v.qe_isv_svn = 0; }
static void seam_attribute(struct scene *s) { s->td.seam_attributes = 1; }
static void higher_levels(struct scene *s) { s->level.tcb.sgx[0]++; }
static void revoked_level(struct scene *s) { s->level.status = "Revoked"; }
static void wants_report_data(struct scene *s) { s->wants_report_data = true; }
static void out_of_date(struct scene *s) { s->level.status = "OutOfDate"; }
static void denied_advisory(struct scene *s)
{
    s->level.advisories[0] = "INTEL-SA-00001";
    strcpy(s->policy.tdx.denied_advisories.item[0], "INTEL-SA-00001");
    s->policy.tdx.denied_advisories.count = 1;
}
static void wants_number_21(struct scene *s) { s->policy.tdx.min_evaluation_number = 21; }
static void debug_td(struct scene *s) { s->td.attributes |= 1; }
static void sept_ve_off(struct scene *s) { s->td.attributes = 0; }
static void service_td(struct scene *s)
{
    s->form = SIM_QUOTE_V5_TD15;
    s->td.mr_service_td[0] = 1;
}
static void pin(struct policy_hex_list *list, size_t len)
{
    list->count = 1;
    list->len[0] = len;
    memset(list->item[0], 0xee, len);
}
static void other_xfam(struct scene *s) { pin(&s->policy.tdx.xfam, 8); }
static void no_smt(struct scene *s) { s->policy.tdx.deny_smt = true; }
static void other_mr_td(struct scene *s) { pin(&s->policy.tdx.mr_td, 48); }

static const struct {
    const char *check;
    void (*before)(struct scene *), (*after)(struct scene *);
    const char *also; /* prefixes of what else fails for the same thing, blank-separated */
} scenes[] = {
    {"tdx.version", NULL, version_6, ""},
    {"tdx.tee_type", NULL, tee_type_1, ""},
    {"tdx.key_type", NULL, key_type_3, ""},
    {"tdx.vendor_id", NULL, other_vendor, ""},
    {"tdx.format", NULL, cut, ""},
    {"tdx.trailing", NULL, text_behind, ""},
    {"tdx.cert_data", NULL, type_7, ""},
    {"tdx.pck", NULL, damaged_pem, ""},
    {"tdx.pck_chain", NULL, leaf_sig_bit, ""},
    {"tdx.pck_extensions", pck_without_extensions, NULL, ""},
    {"tdx.qe_signature", NULL, qe_sig_bit, ""},
    {"tdx.qe_binding", NULL, auth_bit, ""},
    {"tdx.signature", NULL, sig_bit, ""},
    {"tdx.pck_dates", pck_of_long_ago, NULL, ""},
    {"tdx.root_crl", NULL, damaged_root_crl, ""},
    {"tdx.root_crl_signature", NULL, root_crl_bit, ""},
    {"tdx.root_crl_dates", old_root_crl, NULL, ""},
    {"tdx.pck_crl", crl_of_processor_ca, NULL, ""},
    {"tdx.pck_crl_signature", NULL, pck_crl_bit, ""},
    {"tdx.pck_crl_dates", early_pck_crl, NULL, ""},
    {"tdx.tcb_info", sgx_tcb_info, NULL, ""},
    {"tdx.tcb_info_signature", NULL, tcb_info_digit, ""},
    {"tdx.tcb_info_dates", old_tcb_info, NULL, ""},
    {"tdx.qe_identity", sgx_qe_identity, NULL, ""},
    {"tdx.qe_identity_signature", NULL, qe_identity_digit, "tdx.qe_identity_dates"},
    {"tdx.qe_identity_dates", early_qe_identity, NULL, ""},
    {"tdx.rollback", seen_newer, NULL, ""},
    {"tdx.pck_revoked", pck_on_crl, NULL, ""},
    {"tdx.qe_fits", other_qe, NULL, ""},
    {"tdx.qe_level", old_qe, NULL, ""},
    {"tdx.module", seam_attribute, NULL, ""},
    {"tdx.tcb_level", higher_levels, NULL, ""},
    {"tdx.tcb_revoked", revoked_level, NULL, "tdx.status"},
    {"tdx.report_data", wants_report_data, NULL, ""},
    {"tdx.status", out_of_date, NULL, ""},
    {"tdx.advisories", denied_advisory, NULL, ""},
    {"tdx.tcb_age", wants_number_21, NULL, ""},
    {"tdx.debug", debug_td, NULL, ""},
    {"tdx.sept_ve_disable", sept_ve_off, NULL, ""},
    {"tdx.service_td", service_td, NULL, ""},
    {"tdx.attributes", other_xfam, NULL, ""},
    {"tdx.platform", no_smt, NULL, ""},
    {"tdx.pins", other_mr_td, NULL, ""},
};

/* --- judging --- */

static bool seen_mark(void *ctx, const char *issuer, const char *subject, struct mark *out)
{
    const struct scene *s = ctx;
    if (strncmp(subject, "tcb/", 4) != 0 || strcmp(issuer, "intel") == 0 || s->mark.issued_s == 0)
        return false;
    *out = s->mark;
    return true;
}

static void add_next(struct collateral *pool, const struct scene *s)
{
    if (!s->next_number)
        return;
    struct sim_collateral c = s->qe;
    c.evaluation_number = s->next_number;
    c.levels = &s->next;
    c.num_levels = 1;
    AUTO(auto_free) char *chain = sim_tcb_chain(&vendor);
    AUTO(auto_free) char *info = sim_tcb_info(&vendor, &c);
    AUTO(auto_free) char *qe = sim_qe_identity(&vendor, &c);
    AUTO(auto_free) char *numbers = sim_evaluation_numbers(&vendor, &c, s->next_number, s->next_event_s);
    assert_true(collateral_add_signed(pool, "next", bytes_str(info), bytes_str(chain), true, NULL) &&
                collateral_add_signed(pool, "next", bytes_str(qe), bytes_str(chain), true, NULL));
    assert_true(!s->next_event_s || collateral_add_signed(pool, "numbers", bytes_str(numbers), bytes_str(chain), false, NULL));
}

static void judge(struct verdict *out, struct scene *s, bool held)
{
    static const uint8_t other[64] = {1};
    struct expected expected = {.has_report_data = s->wants_report_data, .report_data = BYTES(other)};
    struct memory memory = {.ctx = s, .mark = seen_mark};
    AUTO(roots_done) struct roots roots = {0};
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    AUTO(auto_free) char *tcb_chain = sim_tcb_chain(&vendor);
    AUTO(auto_free) char *ca_chain = sim_pck_ca_chain(&vendor);
    const struct bytes files[] = {buf_view(&s->tcb_info), bytes_str(tcb_chain), buf_view(&s->qe_identity), bytes_str(tcb_chain),
                                  buf_view(&s->root_crl), buf_view(&s->pck_crl), bytes_str(ca_chain)};
    assert_true(roots_init(&roots, NULL) && roots_add(&roots, vendor.root.der, NULL));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_true(collateral_add(&pool, "scene", files[i], COLLATERAL_LISTED, NULL));
    assert_true(s->pck_beside.len == 0 || collateral_add(&pool, "beside", buf_view(&s->pck_beside), COLLATERAL_LISTED, NULL));
    add_next(&pool, s);
    assert_true(!held || collateral_prove(&pool, &roots, NULL));
    bundle.tee = TEE_TDX;
    bundle.report_type = REPORT_NATIVE;
    bundle.has_report = bundle.bare = true;
    bundle.report = buf_view(&s->quote);
    AUTO(evidence_done) struct ev ev = {.bundle = &bundle, .collateral = &pool, .policy = &s->policy, .roots = &roots,
                                        .expected = &expected, .memory = &memory, .now_s = NOW};
    evidence_judge(&ev, out);
    for (size_t i = 0; i < out->num_results; i++) /* details are views of nothing that has gone */
        assert_true(strlen(out->results[i].finding.detail) < sizeof out->results[i].finding.detail);
}

static void the_good_scene_passes_every_check(void **state)
{
    (void)state;
    for (enum sim_quote form = SIM_QUOTE_V4; form <= SIM_QUOTE_V5_TD15; form++) {
        struct scene s;
        struct verdict v;
        make_scene(&s, NULL, NULL);
        s.quote.len = 0;
        sim_td_quote(&s.quote, &s.v, form, &s.td);
        judge(&v, &s, form == SIM_QUOTE_V5_TD10);
        for (size_t i = 0; i < v.num_results; i++)
            if (v.results[i].finding.outcome != PASS)
                fail_msg("form %d: %s: %s", form, v.results[i].check->id, v.results[i].finding.detail);
        assert_int_equal(v.verdict, VERIFIED);
        scene_done(&s);
    }
}

/* From when on is the platform's level refused, by what is known today? */
static void a_level_that_will_be_refused_is_known_before(void **state)
{
    (void)state;
    const int64_t level_date = 1767225600; /* 2026-01-01 */
    const struct {
        const char *name, *status;      /* today's */
        unsigned number;
        const char *next;               /* the next data's; NULL: none at hand */
        bool higher;                    /* the platform reaches no level there */
        int64_t event_s, grace_s, want_s;
        const char *accepts;            /* by the policy, beside UpToDate */
    } cases[] = {
        {"nothing ahead", "UpToDate", 0, NULL, false, 0, 0, 0, NULL},
        {"the next data take it too", "UpToDate", 21, "UpToDate", false, NOW - 100 * DAY, 0, 0, NULL},
        {"out of date a year after the event", "UpToDate", 21, "OutOfDate", false, NOW - 100 * DAY, 0, NOW + 265 * DAY, NULL},
        {"no level there", "UpToDate", 21, "UpToDate", true, NOW - 100 * DAY, 0, NOW + 265 * DAY, NULL},
        {"a status that the policy takes", "UpToDate", 21, "SWHardeningNeeded", false, NOW - 100 * DAY, 0, 0, "SWHardeningNeeded"},
        {"a status that it does not take", "UpToDate", 21, "SWHardeningNeeded", false, NOW - 100 * DAY, 0, NOW + 265 * DAY, "ConfigurationNeeded"},
        {"no list of numbers, no date", "UpToDate", 21, "OutOfDate", false, 0, 0, 0, NULL},
        {"in force long ago by the list", "UpToDate", 21, "OutOfDate", false, NOW - 400 * DAY, 0, 0, NULL},
        {"the same number", "UpToDate", 20, "OutOfDate", false, NOW - 100 * DAY, 0, 0, NULL},
        {"a grace that ends", "OutOfDate", 0, NULL, false, 0, NOW - level_date + 9 * DAY, NOW + 9 * DAY + 1, NULL},
        {"a grace that the next data begin", "UpToDate", 21, "OutOfDate", false, NOW - 360 * DAY, NOW - level_date + 9 * DAY, NOW + 9 * DAY + 1, NULL},
        {"a grace that is over by then", "UpToDate", 21, "OutOfDate", false, NOW - 100 * DAY, NOW - level_date + 9 * DAY, NOW + 265 * DAY, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene s;
        struct verdict v;
        make_scene(&s, strcmp(cases[i].status, "OutOfDate") == 0 ? out_of_date : NULL, NULL);
        s.policy.tdx.platform_grace_s = cases[i].grace_s;
        if (cases[i].accepts) {
            strcpy(s.policy.tdx.statuses.item[0], cases[i].accepts);
            s.policy.tdx.statuses.count = 1;
        }
        s.next_number = cases[i].number;
        s.next = s.level;
        s.next.status = cases[i].next;
        s.next.tcb.sgx[0] = (uint8_t)(s.next.tcb.sgx[0] + cases[i].higher);
        s.next_event_s = cases[i].event_s;
        judge(&v, &s, i % 2);
        assert_int_equal(v.verdict, VERIFIED);
        if (v.tcb_refused_s != cases[i].want_s)
            fail_msg("%s: %lld, want %lld", cases[i].name, (long long)v.tcb_refused_s, (long long)cases[i].want_s);
        scene_done(&s);
    }
}

static bool is_named(const char *list, const char *id)
{
    const char *at = strstr(list, id);
    return at && (at[strlen(id)] == 0 || at[strlen(id)] == ' ');
}

static void each_check_fails_for_one_thing(void **state)
{
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < 2 * sizeof scenes / sizeof *scenes; i++) {
        size_t k = i / 2;
        struct scene s;
        struct verdict v;
        make_scene(&s, scenes[k].before, scenes[k].after);
        judge(&v, &s, i % 2);
        const struct result *r = verdict_find(&v, scenes[k].check);
        bool good = r && r->finding.outcome == FAIL && v.verdict == (r->check->on_fail == REJECTS ? REJECTED : UNDECIDED);
        for (size_t n = 0; n < v.num_results; n++)
            good &= v.results[n].finding.outcome != FAIL || &v.results[n] == r || is_named(scenes[k].also, v.results[n].check->id);
        for (size_t n = 0; !good && n < v.num_results; n++)
            if (v.results[n].finding.outcome == FAIL)
                print_error("%s (%s): %s fails: %s\n", scenes[k].check, i % 2 ? "held" : "cold", v.results[n].check->id,
                            v.results[n].finding.detail);
        if (!good)
            print_error("%s (%s): verdict %s\n", scenes[k].check, i % 2 ? "held" : "cold", verdict_name(v.verdict));
        bad += !good;
        scene_done(&s);
    }
    assert_int_equal(bad, 0);
}

static void every_check_has_a_scene(void **state)
{
    (void)state;
    for (size_t i = 0; i < tdx_kind.num_checks; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof scenes / sizeof *scenes; k++)
            found |= strcmp(scenes[k].check, tdx_kind.checks[i].id) == 0;
        if (!found)
            fail_msg("no scene fails %s", tdx_kind.checks[i].id);
        assert_true(tdx_kind.checks[i].spec[0] != 0);
    }
}

/* The signed span of the quote, bit by bit; and every cut of it. */
static void no_bit_of_the_signed_part_is_free(void **state)
{
    (void)state;
    struct scene s;
    struct verdict v;
    make_scene(&s, NULL, NULL);
    for (size_t at = 0; at < 632; at += 3) {
        s.quote.p[at] ^= (uint8_t)(1u << (at % 8));
        judge(&v, &s, true);
        assert_int_not_equal(v.verdict, VERIFIED);
        s.quote.p[at] ^= (uint8_t)(1u << (at % 8));
    }
    size_t len = s.quote.len;
    for (s.quote.len = 0; s.quote.len < len; s.quote.len += 61) {
        judge(&v, &s, true);
        assert_int_equal(v.verdict, REJECTED);
    }
    s.quote.len = len;
    judge(&v, &s, true);
    assert_int_equal(v.verdict, VERIFIED);
    scene_done(&s);
}

static void padding_of_every_producer_is_taken(void **state)
{
    (void)state;
    static const size_t zeros[] = {1, 70, 307, 3065};
    for (size_t i = 0; i <= sizeof zeros / sizeof *zeros; i++) {
        struct scene s;
        struct verdict v;
        make_scene(&s, NULL, NULL);
        if (i < sizeof zeros / sizeof *zeros)
            buf_zero(&s.quote, zeros[i]);
        else
            buf_text(&s.quote, "\r\n");
        judge(&v, &s, false);
        assert_int_equal(v.verdict, VERIFIED);
        scene_done(&s);
    }
}

/* The quote with other certification data of this type in place of the PCK chain. */
static void set_cert_data(struct scene *s, uint8_t type, struct bytes data)
{
    AUTO(buf_done) struct buf q = buf_new(1 << 20);
    buf_put(&q, bytes_sub(buf_view(&s->quote), 0, AT_CERT_TYPE));
    buf_u16le(&q, type);
    buf_u32le(&q, (uint32_t)data.len);
    buf_put(&q, data);
    uint32_t auth = (uint32_t)(q.len - AT_SIG), outer = (uint32_t)(q.len - AT_QE_REPORT);
    for (int i = 0; i < 4; i++) {
        q.p[AT_SIG - 4 + i] = (uint8_t)(auth >> 8 * i);
        q.p[AT_QE_REPORT - 4 + i] = (uint8_t)(outer >> 8 * i);
    }
    s->quote.len = 0;
    buf_put(&s->quote, buf_view(&q));
}

/* Types 1 to 4 bring no chain: a leaf finds its issuers beside the quote, the others the leaf that signed the QE report. */
static void a_chain_beside_the_quote_is_found(void **state)
{
    (void)state;
    for (uint8_t type = 1; type <= 4; type++)
        for (int beside = 0; beside < 2; beside++) {
            struct scene s;
            struct verdict v;
            AUTO(buf_done) struct buf leaf = buf_new(1 << 16);
            make_scene(&s, NULL, NULL);
            pem_encode(&leaf, "CERTIFICATE", s.v.pck.der);
            set_cert_data(&s, type, type == 4 ? buf_view(&leaf) : bytes_sub(s.v.pck.der, 0, 36));
            if (beside)
                buf_put(&s.pck_beside, buf_view(&leaf));
            judge(&v, &s, false);
            bool found = beside || type == 4;
            assert_int_equal(v.verdict, found ? VERIFIED : UNDECIDED);
            assert_int_equal(verdict_find(&v, "tdx.pck")->finding.outcome, found ? PASS : NOT_RUN);
            scene_done(&s);
        }
}

/* What the policy takes beside UpToDate: by name, and for a while after a level's date. */
static void grace_and_statuses(void **state)
{
    (void)state;
    static const struct {
        int64_t grace_s;
        const char *status, *accepted;
        enum verdict_kind want;
    } rows[] = {
        {0, "OutOfDate", "", REJECTED},
        {1000LL * DAY, "OutOfDate", "", VERIFIED},
        {1000LL * DAY, "OutOfDateConfigurationNeeded", "", REJECTED},
        {1000LL * DAY, "OutOfDateConfigurationNeeded", "ConfigurationNeeded", VERIFIED},
        {0, "SWHardeningNeeded", "SWHardeningNeeded", VERIFIED},
        {0, "SWHardeningNeeded", "ConfigurationNeeded", REJECTED},
        {1000LL * DAY, "Revoked", "Revoked", REJECTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene s;
        struct verdict v;
        make_scene(&s, NULL, NULL);
        s.level.status = rows[i].status;
        buf_done(&s.tcb_info);
        put(&s.tcb_info, sim_tcb_info(&vendor, &s.tcb));
        s.policy.tdx.platform_grace_s = rows[i].grace_s;
        strcpy(s.policy.tdx.statuses.item[0], rows[i].accepted);
        s.policy.tdx.statuses.count = rows[i].accepted[0] != 0;
        judge(&v, &s, false);
        if (v.verdict != rows[i].want)
            fail_msg("row %zu: %s", i, verdict_name(v.verdict));
        scene_done(&s);
    }
}

static int make(void **state)
{
    (void)state;
    sim_intel_init(&vendor, &world);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    sim_intel_done(&vendor);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_scene_passes_every_check), cmocka_unit_test(each_check_fails_for_one_thing),
        cmocka_unit_test(a_level_that_will_be_refused_is_known_before),
        cmocka_unit_test(every_check_has_a_scene),           cmocka_unit_test(no_bit_of_the_signed_part_is_free),
        cmocka_unit_test(padding_of_every_producer_is_taken), cmocka_unit_test(a_chain_beside_the_quote_is_found),
        cmocka_unit_test(grace_and_statuses),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
