/* What a command that talks to the chain stands on: the store, the endpoints, the registry (probed and pinned). Opened in this
 * order, from the settings, as far as the command needs. */
#ifndef CVM_SESSION_H
#define CVM_SESSION_H

#include "relayer/config.h"
#include "relayer/onchain.h"
#include "relayer/planning.h"

struct session {
    const struct config *cfg;
    struct db *db;
    struct rpc *rpc;
    struct http_endpoint *endpoints;
    struct onchain chain;
};

void session_done(struct session *s);
bool session_open_store(struct session *s, const struct config *cfg, struct err *err);
/* ERR_USAGE: no endpoint configured. */
bool session_open_rpc(struct session *s, struct err *err);
/* Also the registry. ERR_USAGE: none configured. */
bool session_open_chain(struct session *s, struct err *err);

/* The row's key for an identity of the session's registry. */
struct identity_key session_key(const struct session *s, struct hash32 id);
/* The state of an identity as it was just read, with what the store knows of it. */
bool session_read_state(struct session *s, enum freshness_state *out, struct hash32 id, const struct onchain_identity *on,
                        struct err *err);

/* Read the identity at a block, store what the chain says with its due time, and note a measurement that was not known.
 * tx_hash: the transaction that explains it; NULL where nobody knows. tracked is made where it is missing and create is set.
 * before: how the row stood (zeroed where there was none); may be NULL. */
struct read_back {
    struct identity_row before, after;
    bool was_known, changed, measurement_changed;
    struct eth_block block;
};
bool session_refresh(struct session *s, struct read_back *out, struct hash32 id, struct eth_at at, const struct hash32 *tx_hash,
                     bool create, struct err *err);
/* The same for what was already read. */
bool session_store(struct session *s, struct read_back *out, struct hash32 id, const struct onchain_identity *on,
                   const struct hash32 *tx_hash, bool create, struct err *err);
/* What the verdict on the TEE evidence that was sent says of the time ahead (0: nothing); row becomes what is stored. */
struct judged_until {
    int64_t collateral_expires_s, tcb_refused_s;
};
bool session_note_judged(struct session *s, struct identity_row *row, struct judged_until until, int64_t chain_now_s, struct err *err);

#endif
