/* What is accepted of SEV-SNP evidence, beyond authenticity. */
#ifndef CVM_EVIDENCE_SNP_POLICY_H
#define CVM_EVIDENCE_SNP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct snp_policy {
    bool allow_debug, allow_provisional;
    bool require_crl; /* a CRL that is not at hand: NOT_RUN (strict) or waived (authentic) */
};

#endif
