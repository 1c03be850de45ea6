/* The model beside the chain: what the registry keeps, read at one block, as the model's state; and a node's own answer to the
 * same call at that block, held against the model's. */
#ifndef CVM_FORECAST_CHAIN_H
#define CVM_FORECAST_CHAIN_H

#include "relayer/forecast.h"
#include "relayer/onchain.h"

/* One identity as it was read. */
bool forecast_keep(struct registry_state *state, const struct onchain_identity *on, struct hash32 id, enum profile profile,
                   struct err *err);
/* G1c: was the report in this calldata used before? Other generations do not ask. */
bool forecast_read_used(struct registry_state *state, const struct onchain *chain, struct bytes calldata, struct eth_at at,
                        struct err *err);
/* Everything that this call's answer depends on, at one block, which is told. */
bool forecast_read(struct registry_state *out, struct eth_block *block, const struct onchain *chain, struct bytes calldata,
                   struct err *err);

struct node_answer {
    bool reverts;
    struct buf data; /* returned, or of the revert */
};
void node_answer_done(struct node_answer *a);
/* eth_call at that block. ERR_NET, ERR_CHAIN: no answer. */
bool forecast_ask_node(struct node_answer *out, const struct onchain *chain, struct bytes calldata, struct eth_at at, struct err *err);
/* Same answer, byte for byte? A prediction that hangs on something agrees with anything. */
bool forecast_agrees(const struct prediction *p, const struct node_answer *node);

#endif
