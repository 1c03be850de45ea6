/* Rotations from one identity key to the next, so that whoever starts next knows which key the chain may name. A row is
 * there before anything is sent, and is closed only when the rotation is final. */
#ifndef CVM_STORE_ROTATIONS_H
#define CVM_STORE_ROTATIONS_H

#include "relayer/store/identities.h"

enum rotation_state {
    ROTATION_PREPARED = 1, /* the new key is on disk; nothing has been sent */
    ROTATION_SENT,         /* a transaction may be out: the chain may name either */
    ROTATION_FINAL,        /* the chain names the new key for good; the old one waits for its purge */
    ROTATION_GIVEN_UP,     /* it never happened: the chain names the old key */
};
const char *rotation_state_name(enum rotation_state s); /* "sent" */

struct rotation_row {
    struct identity_key from; /* its id: the old identity */
    struct hash32 to;         /* the new one */
    enum rotation_state state;
    int64_t started_at_s, changed_at_s;
};
struct rotation_list {
    struct rotation_row *row;
    size_t count;
};
void rotation_list_done(struct rotation_list *list);

/* Insert, or raise the state of the row with this from and to: a state never goes back. */
bool rotations_put(struct db *db, const struct rotation_row *row, struct err *err);
/* Those that touch this identity hash as old or new, on any registry, oldest first; a zero hash: all that are still
 * open. */
bool rotations_of(struct db *db, struct rotation_list *out, struct hash32 id, struct err *err);

#endif
