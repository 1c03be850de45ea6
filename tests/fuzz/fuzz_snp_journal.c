/* Any bytes as a VerifierJournal: what decodes goes through all checks and never verifies. */
#include "crypto/base/auto.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/snp_journal.h"
#include "relayer/registry/calldata.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct roots roots;
    struct snp_journal journal;
    struct policy policy;
    const struct expected expected = {0};
    struct bytes in = bytes_from(data, size);
    if (roots.count == 0 && !roots_init(&roots, NULL))
        abort();
    if (!snp_journal_decode(&journal, in, NULL))
        return 0;
    if (journal.num_certs > SNP_JOURNAL_MAX_CERTS || journal.num_serials > SNP_JOURNAL_MAX_CERTS)
        abort();
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    AUTO(auto_free) struct verdict *v = calloc(1, sizeof *v);
    policy_authentic(&policy);
    bundle.tee = TEE_SNP;
    bundle.has_report = true;
    bundle.report_type = REPORT_ZK_SUCCINCT;
    bundle.report = in;
    AUTO(evidence_done)
    struct ev ev = {.bundle = &bundle,
                    .policy = &policy,
                    .roots = &roots,
                    .expected = &expected,
                    .snp_journal = &journal,
                    .now_s = 1767225600};
    if (!v)
        return 0;
    evidence_judge(&ev, v);
    json_decref(verdict_to_json(&ev, v));
    if (v->verdict == VERIFIED)
        abort();
    return 0;
}
