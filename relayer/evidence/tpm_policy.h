/* What is accepted of TPM evidence, beyond authenticity. */
#ifndef CVM_EVIDENCE_TPM_POLICY_H
#define CVM_EVIDENCE_TPM_POLICY_H

#include "relayer/evidence/policy_types.h"

#include <stdbool.h>

struct tpm_policy {
    bool allow_sha1_bank;        /* PCR values of the SHA-1 bank */
    bool require_event_log;      /* a TCG log must be there (and replay to the quoted PCRs) */
    bool require_ak_certificate; /* not only the var data's word: a chain to a cloud's root */
    bool require_safe_clock;     /* the quote's clock must be marked safe */
    bool require_golden;         /* the measurement must be a member of the golden file */
    struct policy_hex_list ak_sha256;  /* trusted AKs, by SHA-256 of the SubjectPublicKeyInfo */
    struct policy_hex_list firmware;   /* accepted TPM firmware versions, 8 bytes big-endian */
    struct policy_word_list zones, projects, instances; /* of Google's AK certificate */
    struct policy_word_list vm_ids;    /* vmUniqueId of Azure's claims, either case */
};

#endif
