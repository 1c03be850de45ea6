/* One JSON-RPC exchange with one endpoint: requests written, replies taken apart with ids and types checked.
 * Private to relayer/rpc: rpc.h is what others use. */
#ifndef CVM_RPC_JSONRPC_H
#define CVM_RPC_JSONRPC_H

#include "relayer/rpc/rpc.h"

struct jsonrpc_exchange {
    struct http *http;
    const struct http_endpoint *endpoint;
    struct http_limits limits;
    uint64_t *next_id;
    int64_t retry_after_s; /* out: -1 where not said */
    bool new_connection;   /* out */
};

/* One request. True: *out is the result. False with fault->from_node: the node's error. False otherwise: nothing
 * usable, err says why. */
bool jsonrpc_call(struct jsonrpc_exchange *x, json_t **out, const char *method, const json_t *params,
                  struct rpc_fault *fault, struct err *err);
/* A batch. True: each item has a result or the node's fault. *no_batch: the endpoint does not take batches (of this
 * size). */
bool jsonrpc_batch(struct jsonrpc_exchange *x, struct rpc_item *items, size_t num_items, bool *no_batch,
                   struct err *err);

#endif
