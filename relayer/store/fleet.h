/* The tracked identities as a fleet is looked at: each with its last transaction and what nobody has explained, a page at a
 * time, so that neither memory nor a read transaction grows with the fleet. Reads identities, journal, events and rotations. */
#ifndef CVM_STORE_FLEET_H
#define CVM_STORE_FLEET_H

#include "relayer/store/identities.h"

struct fleet_row {
    struct identity_row identity;
    bool rotated_away;    /* its registration has moved on to another key: nothing that anybody has to look after */
    uint64_t unexplained; /* updates on chain that are not ours and nobody has acknowledged */
    bool has_tx;
    struct hash32 tx_hash; /* of the last intent: what was mined, or else what was signed last */
    int tx_phase;          /* enum txm_phase */
};

/* A walk by id; rows written meanwhile are met where they stand behind its place. */
struct fleet {
    struct db *db;
    struct identity_key after;
    struct hash32 last;
    bool begun;
    struct fleet_row *row; /* this page */
    size_t count;
};
/* Those whose id begins with these hex digits (may be empty), on every chain and registry. ERR_USAGE: no hex digits. */
bool fleet_begin(struct fleet *out, struct db *db, const char *hex_prefix, struct err *err);
/* The next page; count 0: the end. */
bool fleet_next(struct fleet *f, struct err *err);
void fleet_done(struct fleet *f);

#endif
