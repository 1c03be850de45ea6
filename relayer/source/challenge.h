/* What fresh evidence must be bound to, as a source is told it: JSON for an agent, environment variables for a program. */
#ifndef CVM_SOURCE_CHALLENGE_H
#define CVM_SOURCE_CHALLENGE_H

#include "relayer/evidence/identity.h"

struct challenge {
    enum call_kind call;
    enum profile profile;
    uint64_t chain_id;
    struct addr20 registry;
    uint64_t nonce; /* the identity's, on chain */
    struct hash32 identity_hash;
    struct bytes public_key; /* of the identity to bind: P-256 x y, or RSA DER; empty where only the hash is known */
    uint8_t extra_data[EXTRA_DATA_LEN]; /* what the TPM quote should carry */
};

/* "cvm-challenge/1": a new reference; NULL without memory. */
json_t *challenge_to_json(const struct challenge *c);
/* The same back; mem keeps public_key. ERR_FORMAT names the member. */
bool challenge_from_json(struct challenge *out, struct arena *mem, const json_t *doc, struct err *err);

#define CHALLENGE_VARS 8
struct challenge_env {
    char text[CHALLENGE_VARS][1600];
    const char *env[CHALLENGE_VARS + 1]; /* CVM_CALL=.., CVM_CHAIN_ID=.., ..: each member of the JSON but its format */
};
bool challenge_to_env(struct challenge_env *out, const struct challenge *c, struct err *err);

#endif
