/* The Ethereum calls that we make, typed: values in, values out, strict about what decides something and forgiving
 * about the fields that nodes leave out. Which endpoint answers is rpc.h's business. Execution API specification;
 * quirks as recorded per client. */
#ifndef CVM_RPC_ETH_H
#define CVM_RPC_ETH_H

#include "abi/u256.h"
#include "relayer/rpc/rpc.h"

/* A block by tag, number or hash. */
enum eth_tag { ETH_LATEST, ETH_PENDING, ETH_SAFE, ETH_FINALIZED, ETH_NUMBER, ETH_HASH };
struct eth_at {
    enum eth_tag tag;
    uint64_t number;
    struct hash32 hash;
};
#define ETH_AT_LATEST    ((struct eth_at){.tag = ETH_LATEST})
#define ETH_AT_PENDING   ((struct eth_at){.tag = ETH_PENDING})
#define ETH_AT_FINALIZED ((struct eth_at){.tag = ETH_FINALIZED})
#define ETH_AT_BLOCK(n)  ((struct eth_at){.tag = ETH_NUMBER, .number = (n)})
#define ETH_AT_HASH(h)   ((struct eth_at){.tag = ETH_HASH, .hash = (h)})

struct eth_block {
    uint64_t number;
    struct hash32 hash, parent;
    uint64_t time_s;
    uint64_t gas_limit;
    bool has_base_fee;
    struct u256 base_fee_wei;
};

struct eth_receipt {
    struct hash32 tx_hash, block_hash;
    uint64_t block_number;
    bool succeeded; /* status 1; a missing status is not success */
    uint64_t gas_used;
    bool has_gas_price;
    struct u256 gas_price_wei; /* effective, per gas */
    struct u256 data_fee_wei;  /* OP stack: l1Fee; 0 elsewhere */
};

struct eth_log {
    struct addr20 address;
    struct hash32 topic[4];
    size_t num_topics;
    struct hash32 tx_hash, block_hash;
    uint64_t block_number, index;
    bool removed;
};
struct eth_logs {
    struct eth_log *item;
    size_t count;
};
void eth_logs_done(struct eth_logs *logs);

/* A message call. value is 0. */
struct eth_msg {
    bool has_from;
    struct addr20 from, to;
    struct bytes data;
    uint64_t gas; /* 0: the node's own limit */
};

/* ERR_CHAIN as well where the block does not exist (*missing set, when asked) or its time lies more than 15 minutes
 * ahead of our clock on a chain that is no devnet. */
bool eth_block(struct rpc *rpc, struct eth_block *out, struct eth_at at, bool *missing, struct err *err);
bool eth_nonce(struct rpc *rpc, uint64_t *out, struct addr20 account, struct eth_at at, struct err *err);
bool eth_balance(struct rpc *rpc, struct u256 *out, struct addr20 account, struct eth_at at, struct err *err);
bool eth_code(struct rpc *rpc, struct buf *out, struct addr20 account, struct eth_at at, struct err *err);
bool eth_storage(struct rpc *rpc, struct hash32 *out, struct addr20 account, struct hash32 slot, struct eth_at at,
                 struct err *err);
/* Returned bytes appended to out. A revert is ERR_REFUSED, with its bytes in the fault. decides: asked of the quorum.
 */
bool eth_call(struct rpc *rpc, struct buf *out, const struct eth_msg *msg, struct eth_at at, bool decides,
              struct rpc_fault *fault, struct err *err);
/* Logs of one contract between two blocks, filtered by the first topics (num_topics may be 0). fault->class
 * RPC_RANGE_TOO_LARGE: ask for fewer blocks. At most 1,000,000 of them. */
bool eth_logs(struct rpc *rpc, struct eth_logs *out, struct addr20 contract, const struct hash32 *topics,
              size_t num_topics, uint64_t from_block, uint64_t to_block, struct rpc_fault *fault, struct err *err);

/* Pieces for batches: parameters, and results read. */
json_t *eth_at_json(struct eth_at at);
json_t *eth_params_hash(struct hash32 hash);                         /* [hash] */
json_t *eth_params_account(struct addr20 account, struct eth_at at); /* [account, at] */
json_t *eth_params_block(struct eth_at at);                          /* [at, false] */
bool eth_read_quantity(struct u256 *out, const json_t *v, const char *what, struct err *err);
bool eth_read_u64(uint64_t *out, const json_t *v, const char *what, struct err *err);
bool eth_read_hash(struct hash32 *out, const json_t *v, const char *what, struct err *err);
/* *missing: the result was null */
bool eth_read_block(struct eth_block *out, bool *missing, const json_t *v, struct err *err);
bool eth_read_receipt(struct eth_receipt *out, bool *missing, const json_t *v, struct err *err);

bool eth_is_devnet(uint64_t chain_id); /* 1337, 31337: clocks of local chains are moved at will */

#endif
