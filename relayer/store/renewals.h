/* Renewals that were begun, for the limits that keep a lying node from draining the account; and what measurement
 * hashes were computed from. Times are of our own clock, which no node moves. */
#ifndef CVM_STORE_RENEWALS_H
#define CVM_STORE_RENEWALS_H

#include "relayer/store/identities.h"

struct renewal_limits {
    uint64_t per_block, per_hour, per_identity_day; /* 0: no limit */
};
/* Note that a renewal begins, unless a limit forbids it: then *not_before_s is when it may (the next block's time is
 * not known: now_s + 1), and which names the limit. *not_before_s 0: noted. What began later than now_s, by a clock that
 * was wrong, is not counted. */
bool renewals_begin(struct db *db, int64_t *not_before_s, const char **which, const struct identity_key *key,
                    const char *call, int64_t now_s, uint64_t block, const struct renewal_limits *limits,
                    struct err *err);

/* What a measurement hash was computed from, as JSON text. Kept once per hash. */
bool goldens_put(struct db *db, struct hash32 hash, const char *doc, struct err *err);
/* Appended to out. */
bool goldens_get(struct db *db, struct buf *out, bool *found, struct hash32 hash, struct err *err);

#endif
