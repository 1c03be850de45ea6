/* The registry's logs as they were read: events, and the blocks up to which reading has come. Whether an event is
 * explained is settled when it is written: by a transaction of the journal, or because nothing was known of the
 * identity before. */
#ifndef CVM_STORE_EVENTS_H
#define CVM_STORE_EVENTS_H

#include "relayer/store/identities.h"

/* The detail of a measurement that was read long after its block: it says nothing about when the identity became known.
 */
#define MEASUREMENT_BACKFILLED "backfilled"

struct registry_key {
    uint64_t chain_id;
    struct addr20 registry;
};

enum event_state { EVENT_EXPLAINED = 0, EVENT_UNEXPLAINED = 1, EVENT_TOLD = 2 };
struct event_row {
    struct hash32 id;
    char name[16]; /* "CVMUpdated", "CVMTTLUpdated" */
    uint64_t block, log_index;
    struct hash32 tx_hash;
    int state; /* on the way in: not looked at */
};
struct event_list {
    struct event_row *row;
    size_t count;
};
void event_list_done(struct event_list *list);

/* A block whose logs, and those of all before it, have been read. block -1: none yet. */
struct checkpoint {
    int64_t block;
    struct hash32 hash;
};

/* Events and the checkpoint behind them, at once: what is in the store is always all up to the checkpoint. A tracked identity
 * that was last read before its event becomes due, to be read again. */
bool events_add(struct db *db, const struct registry_key *key, const struct event_row *row, size_t count,
                const struct checkpoint *upto, struct err *err);
/* The highest checkpoint; *found false where reading has not begun. */
bool events_checkpoint(struct db *db, struct checkpoint *out, bool *found, const struct registry_key *key,
                       struct err *err);
/* The lowest: where reading began. */
bool events_begin(struct db *db, struct checkpoint *out, bool *found, const struct registry_key *key, struct err *err);
/* The highest checkpoint does not hold any more: away with it and with the events behind the one before; with
 * everything where there is none before. */
bool events_step_back(struct db *db, const struct registry_key *key, struct err *err);
/* Away with all of it. */
bool events_drop(struct db *db, const struct registry_key *key, struct err *err);

/* The lowest block at which a tracked identity of this registry was first read; *found false where there is none. */
bool events_first_known(struct db *db, uint64_t *block, bool *found, const struct registry_key *key, struct err *err);
/* One identity's, oldest first. */
bool events_of(struct db *db, struct event_list *out, const struct identity_key *key, struct err *err);
/* Every identity that was seen, once. */
bool events_identities(struct db *db, struct event_list *out, const struct registry_key *key, struct err *err);
/* Unexplained ones that nobody was told about, oldest first. */
bool events_untold(struct db *db, struct event_list *out, const struct registry_key *key, struct err *err);
bool events_tell(struct db *db, const struct registry_key *key, const struct event_row *row, struct err *err);
/* The operator has seen the unexplained ones of an identity. */
bool events_acknowledge(struct db *db, const struct identity_key *key, struct err *err);

#endif
