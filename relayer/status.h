/* How fresh the tracked identities are: rows of the store against the chain's time; as "cvm-status/1" and as an exit status. */
#ifndef CVM_STATUS_H
#define CVM_STATUS_H

#include "relayer/session.h"
#include "relayer/store/fleet.h"

#include <jansson.h>
#include <stdio.h>

struct status_deadline {
    bool known;
    int64_t attested_s, expires_s, left_s;
    uint64_t ttl_s;
};
struct status_row {
    struct identity_row row;
    enum freshness_state state;
    struct status_deadline tee, tpm;
    int64_t due_in_s; /* INT64_MAX: nothing is due ever */
    enum due_for due_for;
    uint64_t unexplained; /* updates on chain that are not ours, and nobody acknowledged */
    bool has_tx;
    struct hash32 tx_hash;
    const char *tx_state; /* "mined" */
};
struct status_query {
    char *const *ids; /* hashes or their first hex digits; none: all */
    size_t num_ids;
    bool refresh;     /* the session's chain is open: ask it */
    int64_t within_s; /* only what expires within; -1: all */
};

/* A walk over the rows, a page of them in memory at a time. */
struct status_walk {
    int64_t as_of_s, chain_time_s; /* the same where the chain was not asked */
    /* of the rows so far */
    size_t count, at[STATE_EXPIRED + 1];
    int exit_status; /* 0 all fresh, 4 one in its warning window, 1 one expired (or gone), 3 one never read */
    /* its own */
    struct session *s;
    struct status_query q;
    struct fleet fleet;
    size_t next_row, next_id;
    struct status_row row;
};
/* Asks the chain about all of them where that is wanted. s and what q points at are kept. ERR_USAGE: an id that is not tracked. */
bool status_begin(struct status_walk *out, struct session *s, const struct status_query *q, struct err *err);
/* *row: good until the next call; NULL at the end. */
bool status_next(struct status_walk *w, const struct status_row **row, struct err *err);
/* Back to before the first row, at the same time of the chain. */
void status_rewind(struct status_walk *w);
void status_walk_done(struct status_walk *w);
/* The rest of the walk as "cvm-status/1", a row per line, written as it is read. */
bool status_print(FILE *out, struct status_walk *w, struct err *err);

/* The one row that begins so; id NULL: the only one that is registered. ERR_USAGE: none, or several. */
bool status_find(struct session *s, struct identity_row *out, const char *id, struct err *err);
struct status_row status_of_row(const struct identity_row *row, const struct config *cfg, int64_t chain_now_s);
/* NULL without memory. */
json_t *status_row_json(const struct session *s, const struct identity_row *row, int64_t chain_now_s);

#endif
