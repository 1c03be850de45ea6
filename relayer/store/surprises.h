/* Where a registry answered otherwise than its model: the contract is not the one we know. Nothing more is written to it until
 * somebody has looked and taken it by name. One row per registry, code and call: the last time it happened. */
#ifndef CVM_STORE_SURPRISES_H
#define CVM_STORE_SURPRISES_H

#include "relayer/store/collateral.h"

#define SURPRISE_TEXT 240

struct surprise_key {
    uint64_t chain_id;
    struct addr20 registry;
    struct hash32 code; /* of the implementation, or of the contract itself where it is no proxy */
};
struct surprise_row {
    char call[32];
    struct hash32 id; /* the identity of the call */
    char predicted[SURPRISE_TEXT], answered[SURPRISE_TEXT];
    int64_t seen_at_s;
    bool accepted;
};

/* Note it. What was accepted stays accepted; row->accepted tells, and accepts where it is set. */
bool surprises_put(struct db *db, const struct surprise_key *key, struct surprise_row *row, struct err *err);
/* The first one that nobody has accepted; *found false: none. */
bool surprises_open(struct db *db, struct surprise_row *out, bool *found, const struct surprise_key *key, struct err *err);
/* All of them are taken. */
bool surprises_accept(struct db *db, const struct surprise_key *key, struct err *err);

#endif
