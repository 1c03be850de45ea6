/* The registry as the chain shows it: which generation stands there (probed, pinned), what it says of an identity at
 * one block, and what a call would do. Reads alone. registry-v1 2, 11 and 13. */
#ifndef CVM_ONCHAIN_H
#define CVM_ONCHAIN_H

#include "abi/codec.h"
#include "crypto/base/arena.h"
#include "relayer/evidence/bundle.h"
#include "relayer/rpc/eth.h"
#include "relayer/store/collateral.h"

struct onchain {
    struct rpc *rpc;
    uint64_t chain_id;
    struct addr20 registry;
    enum profile profile;
    bool wide_chain_id;  /* messages carry all 32 bytes of the chain's id; among G1a's deployments two forms may exist, and whoever
                          * signs finds out which (registry-v1 4) */
    struct pin_row code; /* what stands there now */
};

/* Chain id, code, generation. wanted: PROFILE_NONE probes; otherwise the contract must have that generation's calls.
 * ERR_CHAIN: no code, another chain. ERR_REFUSED: a generation that we do not speak, or another than wanted. */
bool onchain_open(struct onchain *out, struct rpc *rpc, uint64_t chain_id, struct addr20 registry, enum profile wanted,
                  struct err *err);
/* Is it the code that was pinned? Pins it where nothing was, or where accept is set. ERR_REFUSED names what changed. */
bool onchain_check_pin(const struct onchain *chain, struct db *db, bool accept, int64_t now_s, struct err *err);

struct onchain_key {
    uint16_t algo, params;
    struct bytes data;
};

/* What the contract says of one identity at one block. Views live in mem. */
struct onchain_identity {
    struct arena mem;
    struct eth_block block;
    bool registered;
    uint64_t nonce; /* also of an identity that is not registered */
    bool no_nonce;  /* what stands in the counter's place cannot be one: an upgrade has moved the registry's storage */
    uint8_t tee_type, cloud_type;
    uint64_t tee_ttl_s, tpm_ttl_s;
    int64_t tee_recent_s, tpm_recent_s;
    struct hash32 measurement_hash;
    struct bytes tee_output;
    struct identity identity; /* as stored; key in its canonical form */
    struct onchain_key ak;    /* G1b, G1c */
};
void onchain_identity_done(struct onchain_identity *id);
bool onchain_read(const struct onchain *chain, struct onchain_identity *out, struct hash32 id, struct eth_at at,
                  struct err *err);
/* A view of a contract, by its name among the registry's generation's calls; out's leaves live in mem. ERR_REFUSED: it reverts. */
bool onchain_view(const struct onchain *chain, struct abi_value *out, struct arena *mem, struct addr20 to, const char *name,
                  const struct abi_value *args, struct eth_at at, struct err *err);
/* Valid at this time (the block's)? Strict: at recent + TTL it has run out. */
bool onchain_tee_valid(const struct onchain_identity *id, int64_t at_s);
bool onchain_tpm_valid(const struct onchain_identity *id, int64_t at_s);

/* eth_call of calldata as this account. True: it would go through. ERR_REFUSED: it reverts; the text is the error in
 * words. */
bool onchain_simulate(const struct onchain *chain, bool has_from, struct addr20 from, struct bytes calldata,
                      struct err *err);

#endif
