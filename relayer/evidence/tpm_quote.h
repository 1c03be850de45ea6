/* The TPM's structures that evidence carries: TPMS_ATTEST, TPMT_SIGNATURE and the public area of a key, taken apart by
 * tss2-mu with nothing left over. Knows what the bytes say; whether a key is to be trusted is ak.h's business.
 * Section numbers: TPM 2.0 Library part 2 (TPM2-P2), revision 1.59. */
#ifndef CVM_EVIDENCE_TPM_QUOTE_H
#define CVM_EVIDENCE_TPM_QUOTE_H

#include "crypto/hash.h"
#include "crypto/pubkey.h"

#include <tss2/tss2_tpm2_types.h>

enum { TPM_MAGIC = 0xff544347, TPM_ST_QUOTE = 0x8018, TPM_ST_CERTIFY = 0x8017 };

#define TPM_MAX_BANKS 16
#define TPM_MAX_PCR   32 /* indexes of a selection: 0 to 31 */

struct tpm_selection {
    uint16_t alg;       /* TPM_ALG_ID of the bank */
    enum hash_alg bank; /* HASH_NONE where we do not know it */
    uint32_t pcrs;      /* bit n: PCR n */
};

/* TPM2-P2 10.12.12. Views into raw, or into the struct itself, which must therefore not be copied. */
struct tpm_attest {
    uint32_t magic; /* both read whatever follows, where there are six bytes */
    uint16_t type;
    TPMS_ATTEST raw;
    struct bytes signer, extra_data; /* qualified name */
    uint64_t clock_ms, firmware;
    uint32_t reset_count, restart_count;
    bool safe;
    /* quotes */
    struct tpm_selection selection[TPM_MAX_BANKS];
    size_t num_selections;
    struct bytes pcr_digest;
    /* TPM2_Certify */
    struct bytes name, qualified_name;
};

/* magic and type alone. ERR_FORMAT: fewer than six bytes. */
bool tpm_attest_head(struct tpm_attest *out, struct bytes in, struct err *err);
/* A quote or a certification, all of in. ERR_FORMAT: another magic or type, short, left-over bytes. */
bool tpm_attest_parse(struct tpm_attest *out, struct bytes in, struct err *err);

/* TPM2-P2 11.3.4 */
struct tpm_signature {
    uint16_t scheme, hash_algo; /* ALG_RSASSA, ALG_RSAPSS, ALG_ECDSA */
    enum hash_alg hash;
    uint8_t mem[512];
    size_t len; /* RSA: the signature; ECDSA: r */
    uint8_t s[66];
    size_t s_len;
};
/* ERR_FORMAT: another scheme, an unknown hash, short, left-over bytes. */
bool tpm_signature_parse(struct tpm_signature *out, struct bytes in, struct err *err);
/* Does it fit what was signed? */
bool tpm_signature_verify(const struct tpm_signature *sig, const struct pubkey *key, struct bytes message);

/* TPMA_OBJECT bits, TPM2-P2 8.3.2 */
enum { TPMA_FIXED_TPM = 1 << 1, TPMA_FIXED_PARENT = 1 << 4, TPMA_SENSITIVE_ORIGIN = 1 << 5, TPMA_RESTRICTED = 1 << 16,
       TPMA_DECRYPT = 1 << 17, TPMA_SIGN = 1 << 18 };
struct tpm_public {
    uint32_t attributes;
    struct bytes area;    /* TPMT_PUBLIC: a view of the input */
    struct digest name;   /* nameAlg, then the digest of the area */
    struct pubkey *key;   /* the caller's */
};
/* TPMT_PUBLIC, or TPM2B_PUBLIC (its size in front), all of in. ERR_FORMAT, ERR_CRYPTO (no usable key). */
bool tpm_public_parse(struct tpm_public *out, struct bytes in, struct err *err);
void tpm_public_done(struct tpm_public *p);

/* HASH_NONE where we do not know it. */
enum hash_alg tpm_hash_alg(uint16_t alg);

#endif
