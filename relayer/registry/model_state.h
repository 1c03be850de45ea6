/* What the registry keeps, as far as its rules look at it again: per identity the configuration and the nonce, and the
 * TEE reports that G1c has seen. "cvm-registry-state/1" (design section 8). */
#ifndef CVM_REGISTRY_MODEL_STATE_H
#define CVM_REGISTRY_MODEL_STATE_H

#include "crypto/base/arena.h"
#include "relayer/evidence/bundle.h"

#define DEFAULT_TEE_TTL_S 2592000 /* 30 days, registry-v1 5 */
#define DEFAULT_TPM_TTL_S 5184000 /* 60 days */

struct kept_key {
    uint16_t algo, params, scheme, hash_algo;
    struct bytes data;
};

struct kept_identity {
    struct hash32 id;
    unsigned tee_type, cloud_type; /* registered: cloud_type is not 0 */
    uint64_t tee_ttl_s, tpm_ttl_s, tee_recent_s, tpm_recent_s;
    struct hash32 measurement_hash;
    uint64_t nonce;          /* outlives the registration */
    struct kept_key key, ak; /* ak: G1b, G1c */
    struct bytes tee_output; /* what a re-attestation is measured with */
};

struct registry_state {
    struct arena mem;
    struct kept_identity *ids;
    size_t num_ids, cap_ids;
    struct hash32 *used; /* Keccak-256 of report arguments; G1c */
    size_t num_used, cap_used;
};

struct registry_state registry_state_new(void);
void registry_state_done(struct registry_state *s);

/* NULL where nothing is kept. Valid until the next change. */
const struct kept_identity *registry_state_find(const struct registry_state *s, struct hash32 id);
bool registry_state_is_used(const struct registry_state *s, struct hash32 report);
/* Insert or replace; byte fields are copied. False without memory. */
bool registry_state_put(struct registry_state *s, const struct kept_identity *id);
bool registry_state_mark_used(struct registry_state *s, struct hash32 report);
static inline bool kept_is_registered(const struct kept_identity *id)
{
    return id && id->cloud_type != 0;
}

/* NULL without memory. */
json_t *registry_state_to_json(const struct registry_state *s);
/* ERR_FORMAT names the member. Unknown members are refused. */
bool registry_state_from_json(struct registry_state *out, const json_t *json, struct err *err);

#endif
