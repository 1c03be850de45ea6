/* The CVM identity: its hash on chain and the messages its key signs (registry-v1 sections 3 and 4), per profile; and our
 * binding tail (design section 4). Plain concatenation, Keccak and SHA-256: no ABI. */
#ifndef CVM_EVIDENCE_IDENTITY_H
#define CVM_EVIDENCE_IDENTITY_H

#include "crypto/pubkey.h"
#include "relayer/evidence/bundle.h"

/* The key's bytes as the profile's contract stores them (G1a: x y; G1b, G1c: 04 x y; RSA: DER) appended to out. */
bool identity_chain_data(struct buf *out, const struct identity *id, enum profile profile, struct err *err);
struct hash32 identity_hash(const struct identity *id, enum profile profile);
/* ERR_CRYPTO: not a key that can sign. NULL on failure. */
struct pubkey *identity_pubkey(const struct identity *id, struct err *err);
/* P-256 or RSA from a parsed key, canonical. */
bool identity_from_pubkey(struct identity *out, struct arena *mem, const struct pubkey *key, struct err *err);

enum message_kind { MSG_REATTEST, MSG_TTL, MSG_IDENTITY_CHECK };
struct message {
    enum message_kind kind;
    enum profile profile;
    bool wide_chain_id; /* 32 bytes; false: 2 bytes (G1a's first form). message_default_width gives the profile's. */
    uint64_t chain_id;
    struct addr20 registry;
    uint64_t nonce;
    struct hash32 quote_sha256;     /* MSG_REATTEST */
    uint64_t tee_ttl_s, tpm_ttl_s; /* MSG_TTL */
};
bool message_default_width(enum profile profile);
/* The bytes to sign (before SHA-256) appended to out. */
bool message_build(struct buf *out, const struct message *msg, struct err *err);
/* Does this signature (P-256: 64 bytes r s; RSA: modulus length) over SHA-256(message) fit the identity? */
bool message_verify(const struct message *msg, const struct identity *id, struct bytes signature);

/* --- the binding tail: 16 bytes behind 0xff and the identity hash --- */
#define TAIL_LEN       16
#define EXTRA_DATA_LEN 49
struct tail_binding {
    int64_t time_s;
    uint64_t chain_id;
    struct addr20 registry;
    struct hash32 identity_hash;
    enum call_kind call;
};
/* The whole extra data: ff, identity hash, tail. */
void extra_data_build(uint8_t out[static EXTRA_DATA_LEN], const struct tail_binding *binding);
/* Does tail (16 bytes) say this binding? time_s is taken from the tail and written to *time_s. */
bool tail_matches(int64_t *time_s, struct bytes tail, const struct tail_binding *binding);

#endif
