/* What the operator accepts. Two policies are built in (design section 3): strict, the default, and authentic. A policy file
 * (INI) starts from one of the two and changes what it names; every key is a row of the tables in *_policy.c. */
#ifndef CVM_EVIDENCE_POLICY_H
#define CVM_EVIDENCE_POLICY_H

#include "crypto/base/bytes.h"
#include "relayer/evidence/policy_types.h"
#include "relayer/evidence/snp_policy.h"
#include "relayer/evidence/tdx_policy.h"
#include "relayer/evidence/tpm_policy.h"

#define POLICY_MAX_WAIVED 32

struct policy {
    char name[64];  /* "strict", "authentic", or the file's [policy] name */
    bool authentic; /* started from authentic */
    char waived[POLICY_MAX_WAIVED][48]; /* check ids, or "prefix.*": a NOT_RUN of these is WAIVED */
    size_t num_waived;
    bool allow_foreign_evidence; /* a missing binding tail is waived, said so */
    int64_t max_evidence_age_s;  /* of the tail's time; 600 */
    struct tdx_policy tdx;       /* TDX and SGX */
    struct snp_policy snp;
    struct tpm_policy tpm;       /* TPM, AK, event logs, golden membership */
};

void policy_strict(struct policy *out);
void policy_authentic(struct policy *out);
/* "strict", "authentic", or the text of a policy file (name is for messages). ERR_USAGE names line and nearest known key. */
bool policy_parse(struct policy *out, const char *name, struct bytes text, struct err *err);
bool policy_waives(const struct policy *policy, const char *check_id);

/* The areas' rows, side by side, and what the areas start from (*_policy.c). */
extern const struct policy_key tdx_policy_keys[], snp_policy_keys[], tpm_policy_keys[];
extern const size_t num_tdx_policy_keys, num_snp_policy_keys, num_tpm_policy_keys;
struct policy_area {
    const struct policy_key *keys;
    const size_t *count;
};
extern const struct policy_area policy_areas[]; /* all of them, the policy's own section first */
extern const size_t num_policy_areas;
void tdx_policy_defaults(struct tdx_policy *out, bool authentic);
void snp_policy_defaults(struct snp_policy *out, bool authentic);
void tpm_policy_defaults(struct tpm_policy *out, bool authentic);
/* Is this value on the list, or the list empty? */
bool policy_hex_allows(const struct policy_hex_list *list, struct bytes value);
bool policy_words_allow(const struct policy_word_list *list, struct bytes value);

#endif
