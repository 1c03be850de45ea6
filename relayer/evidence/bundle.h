/* The evidence bundle, "cvm-evidence/1" (design section 4): the one shape that evidence has inside the program, however it
 * came: bundle JSON, registry calldata, a bare quote or report. Knows the JSON; what the parts prove is the checks' business,
 * and calldata to bundle and back is relayer/registry's. */
#ifndef CVM_EVIDENCE_BUNDLE_H
#define CVM_EVIDENCE_BUNDLE_H

#include "crypto/base/arena.h"
#include "crypto/hash.h"

#include <jansson.h>

/* the contract's numbers (registry-v1 section 1) */
enum cloud { CLOUD_UNSET = 0, CLOUD_GCP = 1, CLOUD_AZURE = 2 };
enum tee_type { TEE_NONE = 0, TEE_TDX = 1, TEE_SNP = 2, TEE_SGX = 100 /* local verification only */ };
enum report_type { REPORT_UNSET = 0, REPORT_NATIVE = 1, REPORT_ZK_SUCCINCT = 2, REPORT_ZK_RISC0 = 3 };
enum profile { PROFILE_NONE = 0, PROFILE_G1A, PROFILE_G1B, PROFILE_G1C };
enum call_kind { CALL_NONE = 0, CALL_ATTEST, CALL_REATTEST, CALL_SET_TTL };

const char *cloud_name(enum cloud c);           /* "gcp" */
const char *tee_name(enum tee_type t);          /* design section 3: "tdx", "sgx", "sev-snp" */
const char *profile_name(enum profile p);       /* "g1b" */
bool profile_from_name(enum profile *out, const char *name);
const char *call_name(enum call_kind c);        /* the contract's: "attestCvm" */

/* TPM_ALG_ID numbers as the registry uses them */
enum { ALG_RSA = 0x0001, ALG_SHA1 = 0x0004, ALG_SHA256 = 0x000b, ALG_SHA384 = 0x000c, ALG_SHA512 = 0x000d, ALG_NULL = 0x0010,
       ALG_RSASSA = 0x0014, ALG_RSAPSS = 0x0016, ALG_ECDSA = 0x0018, ALG_ECC = 0x0023, CURVE_P256 = 3, CURVE_P384 = 4 };

/* The CVM's identity key. JSON: scheme/curve/hash by name where they have one, else as a number. */
struct identity {
    bool present;
    uint16_t algo;   /* ALG_ECC, ALG_RSA; G1a has no such field (derived there) */
    uint16_t params; /* curve, 0 for RSA */
    uint16_t scheme, hash_algo;
    struct bytes key; /* P-256: x then y (64 bytes). RSA: DER RSAPublicKey. Anything else: the contract's bytes as they stand */
    struct bytes raw; /* the contract's data bytes where they are not the profile's canonical form of key; else empty. JSON: "raw" */
};

struct bundle_pcr {
    uint32_t index;
    enum hash_alg bank;
    struct bytes value; /* as long as the bank's digest */
    struct hash32 *events;
    size_t num_events;
    uint32_t *measured; /* indices into events, order and repeats kept */
    size_t num_measured;
    bool measure_value;
};

/* Where the calldata said so; absent in a bundle that only carries evidence. JSON: "call". */
struct bundle_call {
    enum call_kind kind;
    enum profile profile;
    struct hash32 id;           /* first argument of reattest and set-ttl */
    struct bytes signatures[2]; /* reattest and set-ttl: [0]; G1c attest: [0], reattest: [0] current, [1] new */
    size_t num_signatures;
    uint64_t tee_ttl_s, tpm_ttl_s;
};

#define BUNDLE_MAX_PCRS   64
#define BUNDLE_MAX_EVENTS 4096
#define BUNDLE_MAX_CERTS  16

struct bundle {
    struct arena mem; /* owns every byte below */
    enum cloud cloud;
    enum tee_type tee;
    struct identity identity;
    enum report_type report_type;
    bool has_report;
    struct bytes report;   /* native: quote or report. zk: the output (SNP: ABI-encoded VerifierJournal) */
    struct bytes zk_proof; /* zk only */
    struct bytes quote, signature; /* TPMS_ATTEST (p NULL: none given), TPMT_SIGNATURE */
    struct bundle_pcr *pcrs;
    size_t num_pcrs;
    struct bytes report_id;
    struct bytes ak_var_data, ak_public;
    struct bytes *ak_certs;
    size_t num_ak_certs;
    struct bytes event_log, ccel, ima_log, cel; /* JSON: "logs": {"tcg", "ccel", "ima", "cel"} */
    struct bytes *snp_certs; /* collateral.snp.certs */
    size_t num_snp_certs;
    json_t *tdx_collateral; /* collateral.tdx as it stands; NULL where absent */
    struct bundle_call call;
    bool bare; /* a lone quote or report: only its own checks apply */
};

/* An empty bundle with its ceiling (16 MiB). */
struct bundle bundle_new(void);
void bundle_done(struct bundle *b);
/* ERR_FORMAT names the member. Unknown members, duplicate members and wrong types are refused. */
bool bundle_from_json(struct bundle *out, struct bytes text, struct err *err);
/* A new reference; NULL without memory. bundle_from_json(bundle_to_json(b)) is b again. */
json_t *bundle_to_json(const struct bundle *b);

#endif
