/* What is accepted of TPM evidence, beyond authenticity. */
#ifndef CVM_EVIDENCE_TPM_POLICY_H
#define CVM_EVIDENCE_TPM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct tpm_policy {
    bool require_event_log;
};

#endif
