/* JSON-RPC 2.0 over several endpoints: ids and types checked, batches, failover by priority, a breaker per endpoint,
 * and no endpoint used before it has answered the right chain. Which call is made, and what its result means, is
 * eth.h's business.
 *
 * An endpoint is asked for its chain id (and for the pinned block) before its first use and after every reconnect; what
 * it answered on a fresh connection counts only after that. Waiting and trying again is the caller's business, except
 * that the next endpoint is asked when one gives nothing usable. */
#ifndef CVM_RPC_RPC_H
#define CVM_RPC_RPC_H

#include "relayer/rpc/errors.h"
#include "relayer/rpc/http.h"

#define RPC_MAX_REVERT 4096

struct rpc_settings {
    const struct http_endpoint *endpoints; /* by priority; at least one */
    size_t num_endpoints;
    const struct http_endpoint *send_endpoints; /* where raw transactions go instead; may be empty */
    size_t num_send_endpoints;
    uint64_t chain_id; /* 0: whatever the first endpoint that answers says, and all others then too */
    bool has_pin;      /* pin_hash is the hash of block pin_block; otherwise block 0 must be the same everywhere */
    uint64_t pin_block;
    struct hash32 pin_hash;
    long timeout_ms;      /* per request; 0: 30 s */
    size_t max_body;      /* bytes; 0: 16 MB */
    unsigned read_quorum; /* endpoints that must agree on what decides something; 0 and 1: one */
};

/* Why there is no result. */
struct rpc_fault {
    bool from_node; /* the node said no, in an error object; otherwise nothing usable came back */
    enum rpc_class class;
    int http_status;
    int64_t code;
    char text[400]; /* what the node said; printable */
    bool has_revert;
    size_t revert_len;
    uint8_t revert[RPC_MAX_REVERT];
};

struct rpc_item {
    const char *method;
    json_t *params; /* array; owned by the item */
    json_t *result; /* NULL on a fault; owned by the item */
    struct rpc_fault fault;
};
void rpc_items_done(struct rpc_item *items, size_t num_items); /* drops params and results */

struct rpc; /* one thread at a time */

/* Strings in settings must outlive it. Touches no network. */
struct rpc *rpc_new(const struct rpc_settings *settings, struct err *err);
void rpc_free(struct rpc *rpc);
void rpc_freep(struct rpc **rpc);

/* The chain id: configured, or answered. ERR_NET, ERR_CHAIN. */
bool rpc_chain_id(struct rpc *rpc, uint64_t *out, struct err *err);
unsigned rpc_quorum(const struct rpc *rpc); /* how many different endpoints a decision asks; at least 1 */

/* One call; takes params (an array). fault may be NULL. ERR_NET: no endpoint gave anything usable. ERR_CHAIN: wrong
 * chain, or the node refused. The result is never NULL (JSON null is a result). */
bool rpc_call(struct rpc *rpc, json_t **out, const char *method, json_t *params, struct rpc_fault *fault,
              struct err *err);
/* The same, asked of as many endpoints as the quorum demands; answers that differ are ERR_CHAIN, and a node's refusal is an
 * answer. same: do two results say the same? */
bool rpc_call_quorum(struct rpc *rpc, json_t **out, const char *method, json_t *params,
                     bool (*same)(const json_t *a, const json_t *b), struct rpc_fault *fault, struct err *err);
/* All items answered by one endpoint, in one request where it takes batches. nth: which of the usable endpoints by
 * priority (0 for the best). used: which endpoint it was; may be NULL. True when each item has a result or a node's
 * fault. */
bool rpc_batch(struct rpc *rpc, struct rpc_item *items, size_t num_items, size_t nth, size_t *used, struct err *err);
/* Raw transaction to the send endpoints in turn: true when one took it, or has it already. The
 * fault is the last node's word; without any, the bytes may have arrived all the same. */
bool rpc_send_raw(struct rpc *rpc, struct bytes raw, struct rpc_fault *fault, struct err *err);

/* How each endpoint does, for doctor and metrics. */
struct rpc_health {
    char origin[200];
    bool verified;     /* answered the right chain on its present connection */
    bool open;         /* the breaker holds it back now */
    unsigned failures; /* in a row */
    uint64_t requests;
    char last_error[200];
};
size_t rpc_num_endpoints(const struct rpc *rpc);
struct rpc_health rpc_health(const struct rpc *rpc, size_t index);
/* Ask every endpoint for its chain now, breaker or not; the health tells the outcome. */
void rpc_probe(struct rpc *rpc);

#endif
