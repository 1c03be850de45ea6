/* What the registry's logs say, kept in the store: read by ranges of blocks (halved where a node finds them too large, grown again
 * where it does not), resumed where the last run ended, and taken back where a reorganisation took the blocks away. */
#ifndef CVM_EVENTS_H
#define CVM_EVENTS_H

#include "relayer/notify.h"
#include "relayer/session.h"
#include "relayer/store/events.h"

struct events_query {
    bool has_from;
    uint64_t from_block; /* where reading begins, if it has not begun at or before it */
    /* After each range. found: events so far. May be NULL. */
    void (*progress)(void *user, uint64_t done_block, uint64_t first_block, uint64_t head_block, uint64_t found);
    bool (*stopped)(void *user);
    void *user;
};
struct events_report {
    uint64_t head_block, found;
    bool rolled_back; /* a reorganisation was met */
};

/* The logs up to the head. Needs the chain's id and registry alone, and endpoints. Where reading has not begun it begins at
 * query.from_block; without one at the block where a tracked identity was first read, and where there is none, at the head.
 * ERR_NET, ERR_CHAIN: what was read until then is kept. Stopped: true, with what there is. */
bool events_follow(struct session *s, struct events_report *out, const struct events_query *query, struct err *err);
/* The block in which the registry was made, by halving over its code; 0 where the node does not keep old states. */
bool events_birth(struct session *s, uint64_t *out, struct err *err);
/* The hook for each unexplained event that nobody was told about. count: how many; may be NULL. */
bool events_alarm(struct session *s, const struct hooks *hooks, size_t *count, struct err *err);

struct registry_key session_registry(const struct session *s);

#endif
