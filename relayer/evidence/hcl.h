/* Azure's word for an AK: the HCL report (NV index 0x01400001) and the variable data (JSON) within it, whose hash stands in
 * the hardware report's report_data. Knows the envelope and the JSON; the hardware report itself is judged elsewhere.
 * Microsoft Learn, "Confidential VM Guest Attestation Design Detail" (MS-CVM). */
#ifndef CVM_EVIDENCE_HCL_H
#define CVM_EVIDENCE_HCL_H

#include "crypto/base/arena.h"
#include "crypto/hash.h"
#include "crypto/pubkey.h"

#include <jansson.h>

enum hcl_report_kind { HCL_SNP = 2, HCL_TDX = 4 };

/* Views into the input. */
struct hcl_report {
    uint32_t version, report_type, hash_type;
    struct bytes hw_report;   /* SNP: 1184 bytes; TDX: a TDREPORT of 1024 */
    struct bytes report_data; /* 64 bytes of it */
    struct bytes var_data;    /* exact bytes */
};

/* "HCLA" in front: an envelope; otherwise it can be bare variable data alone. */
bool hcl_is_report(struct bytes in);
/* ERR_FORMAT: no "HCLA", short, sizes that do not fit each other, something else than zeros behind the variable data. */
bool hcl_report_parse(struct hcl_report *out, struct bytes in, struct err *err);
/* Is the variable data's hash (in the declared algorithm, the rest of the 64 bytes zero) in the report's own report_data?
 * ERR_REFUSED: no, or a report type or hash type that is none. */
bool hcl_report_binds(const struct hcl_report *r, struct err *err);
/* Is the SHA-256 of var_data, and zeros behind it, what these 64 bytes hold? */
bool hcl_report_data_is(struct bytes report_data, struct bytes var_data);

/* What the variable data says. */
struct hcl_claims {
    struct pubkey *ak; /* HCLAkPub, the caller's */
    char vm_id[40];    /* vmUniqueId as written; empty where absent */
    bool secure_boot, has_secure_boot;
    struct bytes user_data; /* 64 bytes where the claims have it, in mem */
    uint8_t mem[64];
};
enum hcl_fault { HCL_OK = 0, HCL_JSON, HCL_DUPLICATE, HCL_AK_MISSING, HCL_AK_TWICE, HCL_AK_KEY };
/* Strict JSON (duplicate members refused), one HCLAkPub, RSA of 2048 bits or more. */
enum hcl_fault hcl_claims_parse(struct hcl_claims *out, struct bytes var_data, struct err *err);
void hcl_claims_done(struct hcl_claims *c);
/* The contract finds the key by text search (registry-v1 8): does that search end at the AK too? ERR_REFUSED: what it misses. */
bool hcl_contract_finds(struct bytes var_data, const struct pubkey *ak, struct err *err);
/* PCR 6 names the VM: SHA-256 bank, from vmUniqueId; matches on either firmware's way. */
bool hcl_pcr6_is(const struct hcl_claims *c, struct bytes pcr6);

#endif
