/* The TPM part of some evidence, opened. Shared by tpm_checks, ak_checks, log_checks, binding_checks and tpm_render. */
#ifndef CVM_EVIDENCE_TPM_PART_H
#define CVM_EVIDENCE_TPM_PART_H

#include "relayer/evidence/ak.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tpm_quote.h"

struct tpm_part {
    bool has_head; /* magic and type could be read */
    bool has_attest;
    struct err attest_why;
    struct tpm_attest attest;

    bool has_signature;
    struct err signature_why;
    struct tpm_signature signature;

    struct ak ak;
    bool chain_judged;
    enum chain_fault chain_fault;
    struct err chain_why;
    const char *chain_root;
    bool has_instance;
    struct err instance_why;
    struct gce_instance instance;
};

/* The quote's extra data; empty where there is no quote to be read. */
static inline struct bytes tpm_extra_data(const struct ev *ev)
{
    return ev->tpm && ev->tpm->has_attest ? ev->tpm->attest.extra_data : (struct bytes){0};
}
/* The bundle's entry for this PCR of this bank; NULL where there is none. */
const struct bundle_pcr *tpm_find_pcr(const struct ev *ev, enum hash_alg bank, uint32_t index);
/* What an entry says the PCR holds. The contract takes a zero value that comes with events as their replay. */
struct digest tpm_pcr_value(const struct bundle_pcr *pcr);
/* From 32 zero bytes, each event extended in turn. */
struct hash32 tpm_replay(const struct hash32 *events, size_t num_events);

void tpm_render(const struct ev *ev, json_t *doc);

/* ak_checks.c */
check_fn ak_check_key, ak_check_attributes, ak_check_var_data, ak_check_hcl, ak_check_certificate, ak_check_chain, ak_check_revoked, ak_check_agreement,
    ak_check_trust, ak_check_contract_key, ak_check_instance, ak_check_vm,
    ak_check_report_data;

#endif
