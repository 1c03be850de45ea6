/* The front 1184 bytes are a report, the rest collateral as it might be given with it: judged whole, under both
 * policies, native and as an extended report. Nothing but genuine evidence verifies, and none of that is in the corpus.
 */
#include "crypto/base/auto.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/snp_report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct roots *roots, struct bytes report, struct bytes given, bool strict)
{
    struct policy policy;
    const struct expected expected = {0};
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(auto_free) struct verdict *v = calloc(1, sizeof *v);
    if (strict)
        policy_strict(&policy);
    else
        policy_authentic(&policy);
    bundle.tee = TEE_SNP;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = report;
    if (!v || (given.len && !collateral_add(&pool, "given", given, COLLATERAL_LISTED, NULL)))
        return;
    AUTO(evidence_done)
    struct ev ev = {.bundle = &bundle,
                    .collateral = &pool,
                    .policy = &policy,
                    .roots = roots,
                    .expected = &expected,
                    .now_s = 1767225600};
    evidence_judge(&ev, v);
    json_decref(verdict_to_json(&ev, v));
    if (v->verdict == VERIFIED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct roots roots;
    if (roots.count == 0 && !roots_init(&roots, NULL))
        abort();
    struct bytes all = bytes_from(data, size);
    size_t front = size < SNP_REPORT_LEN ? size : SNP_REPORT_LEN;
    judge(&roots, bytes_sub(all, 0, front), bytes_sub(all, front, size - front), size & 1);
    judge(&roots, all, (struct bytes){0}, true);
    return 0;
}
