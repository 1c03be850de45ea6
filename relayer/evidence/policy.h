/* What the operator accepts. Two policies are built in (design section 3): strict, the default, and authentic. A policy file
 * (INI) starts from one of the two and changes what it names; every key is a row of the tables in *_policy.c. */
#ifndef CVM_EVIDENCE_POLICY_H
#define CVM_EVIDENCE_POLICY_H

#include "crypto/base/bytes.h"
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

/* How a policy file's key becomes a field: one row per key, the areas' tables side by side. */
enum policy_type { POLICY_BOOL, POLICY_U32, POLICY_U64, POLICY_DURATION, POLICY_DATE, POLICY_HEX, POLICY_HEX_LIST, POLICY_WORD_LIST };
struct policy_key {
    const char *section, *name;
    enum policy_type type;
    size_t offset; /* into struct policy */
    size_t size;   /* POLICY_HEX: bytes wanted; lists: bytes of one item */
    const char *help;
};

/* Several accepted values; empty means "any". */
#define POLICY_LIST_MAX 16
struct policy_hex_list {
    uint8_t item[POLICY_LIST_MAX][64];
    size_t len[POLICY_LIST_MAX];
    size_t count;
};
struct policy_word_list {
    char item[POLICY_LIST_MAX][48];
    size_t count;
};

#endif
