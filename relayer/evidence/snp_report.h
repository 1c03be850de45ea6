/* The SEV-SNP attestation report: bytes to fields, and the few facts that the bytes alone decide (product from CPUID,
 * which bits are reserved in which version). What the fields prove is snp_checks' business. AMD 56860
 * (ATTESTATION_REPORT, TCB_VERSION, GUEST_POLICY, PLATFORM_INFO). */
#ifndef CVM_EVIDENCE_SNP_REPORT_H
#define CVM_EVIDENCE_SNP_REPORT_H

#include "crypto/base/bytes.h"

#define SNP_REPORT_LEN 1184
#define SNP_SIGNED_LEN 0x2a0 /* the front that the signature covers */

/* As certificates and KDS name them: Bergamo and Siena are Genoa there. */
enum snp_product { SNP_UNKNOWN = 0, SNP_MILAN, SNP_GENOA, SNP_TURIN };
const char *snp_product_name(enum snp_product p); /* "Milan"; "unknown" */
/* Extended family and model. SNP_UNKNOWN for what we have no root for. */
enum snp_product snp_product_from_cpuid(uint8_t family, uint8_t model);
/* The marketing name, which tells Bergamo and Siena (one model range) from Genoa: "Siena or Bergamo". */
const char *snp_model_name(uint8_t family, uint8_t model);

/* TCB_VERSION: eight bytes whose places depend on the product, never on the report's version. */
struct snp_raw_tcb {
    uint8_t b[8]; /* file order */
};
struct snp_tcb {
    uint8_t fmc, boot_loader, tee, snp, microcode; /* fmc: Turin only, else 0 */
};
struct snp_tcb snp_tcb_decode(struct snp_raw_tcb raw, enum snp_product product);
struct snp_raw_tcb snp_tcb_encode(struct snp_tcb tcb, enum snp_product product);
/* Are the bytes without a name zero? */
bool snp_tcb_unused_zero(struct snp_raw_tcb raw, enum snp_product product);
/* The first component in which a is below b, by name; NULL where a >= b in each. */
const char *snp_tcb_below(struct snp_tcb a, struct snp_tcb b);
uint64_t snp_tcb_u64(struct snp_raw_tcb raw); /* read little-endian, as AMD prints it */

/* GUEST_POLICY */
enum {
    SNP_POLICY_SMT = 16,
    SNP_POLICY_ONE = 17, /* reserved, always one */
    SNP_POLICY_MIGRATE_MA = 18,
    SNP_POLICY_DEBUG = 19,
    SNP_POLICY_SINGLE_SOCKET = 20,
    SNP_POLICY_CXL = 21,
    SNP_POLICY_AES_256_XTS = 22,
    SNP_POLICY_RAPL_OFF = 23,
    SNP_POLICY_CIPHERTEXT_HIDING = 24,
    SNP_POLICY_PAGE_SWAP_OFF = 25,
};
/* PLATFORM_INFO; unknown bits are reported, not judged: they are set in the field. */
enum {
    SNP_PLATFORM_SMT = 0,
    SNP_PLATFORM_TSME = 1,
    SNP_PLATFORM_ECC = 2,
    SNP_PLATFORM_RAPL_OFF = 3,
    SNP_PLATFORM_CIPHERTEXT_HIDING = 4,
    SNP_PLATFORM_ALIAS_CHECK = 5,
    SNP_PLATFORM_TIO = 7,
};
enum snp_signing_key { SNP_KEY_VCEK = 0, SNP_KEY_VLEK = 1, SNP_KEY_NONE = 7 /* 2..6 reserved */ };

struct snp_version {
    uint8_t major, minor, build;
};

struct snp_report {
    struct bytes raw; /* view of the 1184 bytes */
    uint32_t version, guest_svn;
    uint64_t policy;
    uint8_t family_id[16], image_id[16];
    uint32_t vmpl, sig_algo;
    struct snp_raw_tcb current_tcb;
    uint64_t platform_info;
    uint32_t flags; /* as it stands; the three parts below are taken from it */
    bool author_key_en, mask_chip_key;
    unsigned signing_key; /* 0..7 */
    uint8_t report_data[64], measurement[48], host_data[32], id_key_digest[48], author_key_digest[48];
    uint8_t report_id[32], report_id_ma[32];
    struct snp_raw_tcb reported_tcb;
    bool has_cpuid; /* version 3 and later */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    uint8_t chip_id[64]; /* Turin: 8 bytes, the rest zero */
    struct snp_raw_tcb committed_tcb, launch_tcb;
    struct snp_version current, committed;
    bool has_mitigations; /* version 5 and later */
    uint64_t launch_mitigations, current_mitigations;
    uint8_t sig_r[72], sig_s[72]; /* big-endian */
};

/* in: exactly 1184 bytes; integers to host order, r and s to big-endian. ERR_FORMAT: wrong length, nothing else:
 * versions, reserved bits and values are the checks' business, so that each fault gets its own name. */
bool snp_report_parse(struct snp_report *out, struct bytes in, struct err *err);

static inline bool snp_policy_bit(const struct snp_report *r, unsigned bit)
{
    return r->policy >> bit & 1;
}
static inline unsigned snp_abi_minor(const struct snp_report *r)
{
    return r->policy & 0xff;
}
static inline unsigned snp_abi_major(const struct snp_report *r)
{
    return r->policy >> 8 & 0xff;
}

/* The first field that must be zero (or one) in this version and is not, by name; NULL where all is well. The bytes
 * behind the signature are unsigned and must be zero too: two reports that differ there are not two reports. */
const char *snp_report_reserved(const struct snp_report *r);
/* The CPUID's product; SNP_UNKNOWN in version 2, which has none. */
enum snp_product snp_report_product(const struct snp_report *r);

#endif
