/* The golden measurement: what the registry hashes, the hash, and how two of them differ. registry-v1 9. */
#ifndef CVM_REGISTRY_GOLDEN_H
#define CVM_REGISTRY_GOLDEN_H

#include "relayer/evidence/bundle.h"
#include "relayer/registry/tee_values.h"

struct golden_pcr {
    struct hash32 index;             /* a 256-bit number, big-endian, as the contract keeps it */
    struct hash32 value;             /* zero where the value is not measured */
    struct hash32 *events, *indices; /* the measured ones: digest, and position in the whole list */
    size_t num_events;
};

struct golden {
    struct hash48 tdx[TDX_NUM_VALUES];
    struct hash48 snp;
    struct golden_pcr *pcrs;
    size_t num_pcrs;
    struct hash32 hash;
};

/* abi.encode(Measurement) appended to out: what attestCvm and reattestCvmWithTpm return. Does not need golden.hash. */
void golden_encode(struct buf *out, const struct golden *golden);
/* Fill in golden->hash. ERR_NOMEM. */
bool golden_seal(struct golden *golden, struct err *err);

/* The measurement of evidence as this profile's contract computes it (PROFILE_NONE: what the bundle's call says, else
 * G1b). out's arrays live in mem. ERR_USAGE: no TEE report in it (a re-attestation is measured against the report that
 * the registry keeps). ERR_FORMAT: report too short, a measured event that is not there. */
bool golden_from_bundle(struct golden *out, struct arena *mem, const struct bundle *bundle, enum profile profile,
                        struct err *err);

/* {"hash", "pcrs": [{"index", "value", "events": [{"index", "digest"}]}], "tdx" or "snp": {..}}; NULL without memory.
 */
json_t *golden_to_json(const struct golden *golden);
/* The same back (from measure --json, or a verdict's "measurement"); the hash is computed, and must be the one that is
 * said. */
bool golden_from_json(struct golden *out, struct arena *mem, const json_t *json, struct err *err);

/* What differs, in order: [{"what": "pcr 4 value", "have": "0x..", "want": "0x.."}]; empty where the hashes agree.
 * "have" or "want" is absent where only the other side has it. NULL without memory. */
json_t *golden_diff(const struct golden *have, const struct golden *want);

#endif
