/* intel_scenes COUNT SEED: simulated platforms with random SVNs against random TCB levels, one JSON object a line, with our
 * verdict under policy authentic: {"quote", "root", "now", "collateral" (dcap-qvl's form), "have", "verdict"}. For the
 * differential test; the same seed asks the same questions, though keys are new each time. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/collateral.h"
#include "tests/support/sim/intel.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW 1780000000
#define DAY 86400

static uint64_t state;

static unsigned draw(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static const char *const level_status[] = {"UpToDate",    "SWHardeningNeeded",            "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
                                           "OutOfDate",   "OutOfDateConfigurationNeeded", "Revoked"};
static const char *const part_status[] = {"UpToDate", "UpToDate", "UpToDate", "OutOfDate", "Revoked"};
static const char *const advisories[] = {"INTEL-SA-00001", "INTEL-SA-00002", "INTEL-SA-00003", "INTEL-SA-00004"};

#define NUM_LEVELS 4

struct question {
    struct sim_level level[NUM_LEVELS];
    struct sim_collateral c;
    bool sgx, td15;
};

/* Levels go down from the vendor's own SVNs. */
static void draw_levels(struct question *q, const struct sim_intel *v)
{
    struct sim_tcb tcb = v->tcb;
    for (size_t i = 0; i < NUM_LEVELS; i++) {
        struct sim_level *l = &q->level[i];
        *l = (struct sim_level){.tcb = tcb, .status = level_status[i == 0 ? draw(4) : draw(7)], .date = "2026-01-01T00:00:00Z"};
        for (size_t k = 0, n = 0; k < 4; k++)
            if (draw(3) == 0)
                l->advisories[n++] = advisories[k];
        unsigned at = draw(10);
        if (at < 8 && tcb.sgx[at] > 0)
            tcb.sgx[at]--;
        else if (at == 8 && tcb.tdx[2] > 0)
            tcb.tdx[2]--;
        else
            tcb.pcesvn--;
        if (draw(2) && tcb.tdx[0] > 0)
            tcb.tdx[0]--;
    }
}

static void draw_platform(struct sim_intel *p, struct sim_td *td)
{
    for (int i = 0; i < 8; i++)
        p->tcb.sgx[i] = (uint8_t)(p->tcb.sgx[i] - (draw(6) == 0) + (draw(8) == 0));
    p->tcb.pcesvn = (uint16_t)(p->tcb.pcesvn - (draw(5) == 0 ? draw(4) : 0u));
    memcpy(td->tcb_svn2, p->tcb.tdx, sizeof td->tcb_svn2);
    p->tcb.tdx[0] = (uint8_t)(p->tcb.tdx[0] + 2u - draw(5));
    p->tcb.tdx[2] = (uint8_t)(p->tcb.tdx[2] - (draw(5) == 0));
    p->tcb.tdx[1] = (uint8_t)(draw(6) == 0 ? 0 : 1);
    p->qe_isv_svn = (uint16_t)(p->qe_isv_svn + draw(2) - (draw(12) == 0 ? 1u : 0u));
}

static void put_json_hex(const char *name, struct bytes b)
{
    AUTO(auto_free) char *hex = hex_plain(b);
    printf("\"%s\":\"%s\",", name, hex);
}

static void put_svns(const char *name, const uint8_t svn[16])
{
    printf("\"%s\":[", name);
    for (int i = 0; i < 16; i++)
        printf("%s%u", i ? "," : "", svn[i]);
    printf("],");
}

static void judge(const struct collateral *pool, const struct roots *roots, struct bytes quote, enum tee_type tee)
{
    static struct verdict verdict;
    struct policy policy;
    struct expected expected = {0};
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    policy_authentic(&policy);
    bundle.tee = tee;
    bundle.report_type = REPORT_NATIVE;
    bundle.has_report = bundle.bare = true;
    bundle.report = quote;
    AUTO(evidence_done) struct ev ev = {.bundle = &bundle, .collateral = pool, .policy = &policy, .roots = roots,
                                        .expected = &expected, .now_s = NOW};
    evidence_judge(&ev, &verdict);
    json_auto_t *doc = verdict_to_json(&ev, &verdict);
    AUTO(auto_free) char *text = json_dumps(doc, JSON_COMPACT);
    printf("\"verdict\":%s}\n", text);
}

static void ask(const struct sim_intel *vendor)
{
    struct sim_intel p = *vendor;
    struct question q = {.sgx = draw(4) == 0, .td15 = draw(4) == 0};
    struct sim_td td = {.attributes = 1u << 28, .xfam = 0xe7};
    struct sim_enclave enclave = {.flags = 5, .xfrm = 0xe7};
    draw_levels(&q, vendor);
    draw_platform(&p, &td);
    q.c = (struct sim_collateral){.issued_s = NOW - DAY, .next_update_s = NOW + DAY, .evaluation_number = 20, .levels = q.level,
                                  .num_levels = NUM_LEVELS, .qe_status = part_status[draw(5)], .module_status = part_status[draw(5)],
                                  .sgx = q.sgx};
    p.pck = (struct sim_cert){0};
    sim_intel_reissue_pck(&p);
    AUTO(buf_done) struct buf quote = buf_new(1 << 20);
    AUTO(buf_done) struct buf json = buf_new(1 << 20);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(roots_done) struct roots roots = {0};
    AUTO(auto_free) char *info = sim_tcb_info(vendor, &q.c);
    AUTO(auto_free) char *qe = sim_qe_identity(vendor, &q.c);
    AUTO(auto_free) char *chain = sim_tcb_chain(vendor);
    AUTO(auto_free) char *ca_chain = sim_pck_ca_chain(vendor);
    struct bytes root_crl = sim_crl(&vendor->root, NOW - DAY, NOW + DAY, 1, NULL, 0, false);
    struct bytes pck_crl = sim_crl(&vendor->platform_ca, NOW - DAY, NOW + DAY, 1, NULL, 0, false);
    struct err err = {0};
    if (q.sgx)
        sim_sgx_quote(&quote, &p, &enclave);
    else
        sim_td_quote(&quote, &p, q.td15 ? SIM_QUOTE_V5_TD15 : SIM_QUOTE_V4, &td);
    if (!roots_init(&roots, &err) || !roots_add(&roots, vendor->root.der, &err) ||
        !collateral_add_signed(&pool, "scene", bytes_str(info), bytes_str(chain), false, &err) ||
        !collateral_add_signed(&pool, "scene", bytes_str(qe), bytes_str(chain), false, &err) ||
        !collateral_add(&pool, "scene", root_crl, COLLATERAL_POOLED, &err) || !collateral_add(&pool, "scene", pck_crl, COLLATERAL_POOLED, &err) ||
        !collateral_add(&pool, "scene", bytes_str(ca_chain), COLLATERAL_POOLED, &err) ||
        !collateral_export_dcap_qvl(&json, &pool, !q.sgx, vendor->fmspc, false, &err))
        sim_die(err.text);
    printf("{");
    put_json_hex("quote", buf_view(&quote));
    put_json_hex("root", vendor->root.der);
    printf("\"now\":%d,\"have\":{", NOW);
    put_svns("sgx", p.tcb.sgx);
    put_svns("tdx", p.tcb.tdx);
    put_svns("tdx2", td.tcb_svn2);
    printf("\"pce\":%u,\"qe\":%u,\"td15\":%s,\"is_sgx\":%s},\"collateral\":%.*s,", p.tcb.pcesvn, p.qe_isv_svn, q.td15 ? "true" : "false",
           q.sgx ? "true" : "false", (int)json.len - 1, (const char *)json.p);
    judge(&pool, &roots, buf_view(&quote), q.sgx ? TEE_SGX : TEE_TDX);
    free((void *)(uintptr_t)root_crl.p);
    free((void *)(uintptr_t)pck_crl.p);
    sim_cert_done(&p.pck);
}

int main(int argc, char **argv)
{
    const struct sim_world world = {.now_s = NOW};
    struct sim_intel vendor;
    if (argc != 3) {
        fprintf(stderr, "usage: intel_scenes COUNT SEED\n");
        return 2;
    }
    state = strtoull(argv[2], NULL, 10) * 2654435761u + 1;
    sim_intel_init(&vendor, &world);
    for (unsigned long n = strtoul(argv[1], NULL, 10); n > 0; n--)
        ask(&vendor);
    sim_intel_done(&vendor);
    return 0;
}
