/* What a zero-knowledge proof claims to have verified: the VerifierJournal of the SNP verifier contract, decoded by
 * relayer/registry and compared with our own findings here (checks zk.*). Knows no ABI. */
#ifndef CVM_EVIDENCE_SNP_JOURNAL_H
#define CVM_EVIDENCE_SNP_JOURNAL_H

#include "crypto/base/bytes.h"

#define SNP_JOURNAL_MAX_CERTS 8

/* Views into whatever it was decoded from, which must outlive it. */
struct snp_journal {
    uint8_t result;       /* 0 success, 1 root not trusted, 2 intermediate not trusted, 3 timestamp */
    uint64_t timestamp_s; /* when the prover looked at the certificates' dates; block time minus a setting is the oldest
                             taken */
    uint8_t processor_model; /* 0 Milan, 1 Genoa, 2 Bergamo, 3 Siena; there is no Turin */
    struct bytes raw_report; /* the 1184 bytes */
    /* Root first. certs[0] is the SHA-256 of the root's DER, certs[i] that of certs[i - 1] || SHA-256(DER of
     * certificate i). */
    struct hash32 certs[SNP_JOURNAL_MAX_CERTS];
    struct bytes
        serials[SNP_JOURNAL_MAX_CERTS]; /* big-endian without leading zeros (0 is one zero byte), at most 20 bytes */
    size_t num_certs, num_serials;
    uint8_t trusted_prefix_len; /* how many of certs the contract must already trust; 0 is refused */
};

struct ev;
/* Could a journal speak of the product of this evidence? Not of Turin, which the registry therefore cannot take. True where
 * there is no SNP evidence, or its product is not known. */
bool snp_journal_takes(const struct ev *ev);

#endif
