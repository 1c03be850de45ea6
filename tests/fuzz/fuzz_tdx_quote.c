/* Any bytes as a quote: parsed and, when the layout holds, judged without collateral; nothing that is bad may verify. */
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tdx_quote.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct roots roots;
    static struct policy policy;
    static struct verdict verdict;
    if (roots.count == 0 && !roots_init(&roots, NULL))
        abort();
    policy_authentic(&policy);
    struct expected expected = {0};
    struct bundle bundle = bundle_new();
    bundle.tee = size > 4 && data[4] == 0 ? TEE_SGX : TEE_TDX;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = bytes_from(data, size);
    struct ev ev = {.bundle = &bundle, .policy = &policy, .roots = &roots, .expected = &expected, .now_s = 1780000000};
    evidence_judge(&ev, &verdict);
    json_t *doc = verdict_to_json(&ev, &verdict);
    if (!doc || verdict.verdict == VERIFIED) /* there is no collateral */
        abort();
    json_decref(doc);
    evidence_done(&ev);
    bundle_done(&bundle);
    return 0;
}
