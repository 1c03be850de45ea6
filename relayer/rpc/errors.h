/* What a node's error means for a transaction engine: texts of many clients and providers into a few classes.
 * By text first and by code only as a tie-break: most codes mean several things. A pure table; prefixes, case and
 * numbers in a text do not matter. Which texts exist is recorded in the vectors (rpc/errors.json). */
#ifndef CVM_RPC_ERRORS_H
#define CVM_RPC_ERRORS_H

#include "crypto/base/bytes.h"

#include <jansson.h>

/* class, name */
#define RPC_CLASSES(X)                                                                                                 \
    X(RPC_UNKNOWN, "unknown")             /* no automatic reaction: show it */                                         \
    X(RPC_ALREADY_KNOWN, "already_known") /* our own bytes are there */                                                \
    X(RPC_NONCE_TOO_LOW, "nonce_too_low")                                                                              \
    X(RPC_NONCE_TOO_HIGH, "nonce_too_high")                                                                            \
    X(RPC_REPLACEMENT_UNDERPRICED, "replacement_underpriced") /* raise both fees */                                    \
    X(RPC_UNDERPRICED, "underpriced")                         /* below the node's or the pool's minimum */             \
    X(RPC_FEE_BELOW_BASE, "fee_below_base")                                                                            \
    X(RPC_INSUFFICIENT_FUNDS, "insufficient_funds")                                                                    \
    X(RPC_GAS_TOO_LOW, "gas_too_low")   /* intrinsic, floor, ran out */                                                \
    X(RPC_GAS_TOO_HIGH, "gas_too_high") /* block limit, cap per transaction, allowance */                              \
    X(RPC_REVERTED, "reverted")                                                                                        \
    X(RPC_RATE_LIMITED, "rate_limited")                                                                                \
    X(RPC_UNSUPPORTED_TYPE, "unsupported_type")                                                                        \
    X(RPC_WRONG_CHAIN, "wrong_chain")                                                                                  \
    X(RPC_POOL_FULL, "pool_full")                                                                                      \
    X(RPC_RANGE_TOO_LARGE, "range_too_large") /* eth_getLogs */                                                        \
    X(RPC_TRANSIENT, "transient")             /* later or elsewhere */

enum rpc_class {
#define RPC_CLASS_ENUM(id, name) id,
    RPC_CLASSES(RPC_CLASS_ENUM)
#undef RPC_CLASS_ENUM
};

const char *rpc_class_name(enum rpc_class class);

/* message: the error's text. data: error.data (may be NULL): strings in it, or in its message, payload and reason,
 * count as text too. http_status: 0 where it is not known. code: 0 where there was none. */
enum rpc_class rpc_classify(int http_status, int64_t code, struct bytes message, const json_t *data);

/* The revert bytes inside error.data, in each client's wrapping, appended to out: "0x..", "Reverted 0x..", an object
 * with data, payload or originalError.data. False where there are none. */
bool rpc_revert_data(struct buf *out, const json_t *data);

#endif
