/* Tracked identities and what the chain last said of them; their measurement history. One row per chain, registry and
 * identity. When something is due is computed elsewhere (sched); here it is kept and found. */
#ifndef CVM_STORE_IDENTITIES_H
#define CVM_STORE_IDENTITIES_H

#include "relayer/store/db.h"

struct identity_key {
    uint64_t chain_id;
    struct addr20 registry;
    struct hash32 id;
};

struct identity_row {
    struct identity_key key;
    char profile[8];   /* "g1b" */
    char label[64];    /* the operator's name for it */
    char source[1024]; /* where fresh evidence comes from; "" for the configured one */
    int64_t tracked_at_s;
    /* what the chain said, at read_at_s (local clock) and read_block; 0: never read */
    int64_t read_at_s;
    uint64_t read_block;
    bool registered;
    uint8_t tee_type, cloud_type;
    uint64_t tee_ttl_s, tpm_ttl_s, nonce;
    int64_t tee_recent_s, tpm_recent_s;
    struct hash32 measurement_hash;
    int64_t collateral_expires_s; /* what its TEE evidence was judged with here; 0: not known */
    char platform[13];            /* FMSPC of a TDX platform, hex; "": none, or not known */
    int64_t chain_collateral_s;   /* what the chain judges this platform with ends; 0: not known */
    int64_t tcb_refused_s;        /* from then on its TCB level is refused, as far as is known; 0: not known */
    int64_t due_s;                /* chain time from which on something is due; INT64_MAX: nothing */
    int64_t expiring_s;           /* chain time from which on it is inside its warning window; INT64_MAX: never */
    int64_t due_settings;         /* digest of the settings that these two were computed with */
    int64_t retry_at_s;           /* not before */
    uint32_t failures;            /* in a row */
    char last_error[256];
    int warned_state; /* the state that was last told about */
};

struct identity_list {
    struct identity_row *row;
    size_t count;
};
void identity_list_done(struct identity_list *list);

/* For the other queries over the table: its columns, and a row of them. */
#define IDENTITY_COLUMNS                                                                                                        \
    "chain_id, registry, id, profile, label, source, tracked_at_s, registered, tee_type, cloud_type, tee_ttl_s,"       \
    " tpm_ttl_s, tee_recent_s, tpm_recent_s, measurement_hash, nonce, read_at_s, read_block, collateral_expires_s,"    \
    " platform, chain_collateral_s, tcb_refused_s, due_s, expiring_s, due_settings, retry_at_s, failures, last_error, warned_state"
void identity_read(struct identity_row *out, struct stmt *s);
/* The lowest (fill '0') or highest (fill 'f') id that begins with these hex digits. ERR_USAGE: no such digits, over 64. */
bool identity_bound(struct hash32 *out, const char *digits, char fill, struct err *err);

/* Insert, or replace all but the key. */
bool identities_put(struct db *db, const struct identity_row *row, struct err *err);
/* *found false where there is none. */
bool identities_get(struct db *db, struct identity_row *out, bool *found, const struct identity_key *key,
                    struct err *err);
/* The identities that begin with prefix (hex digits of the id, may be empty), by id; on every chain and registry. */
bool identities_list(struct db *db, struct identity_list *out, const char *hex_prefix, struct err *err);
/* Those whose due_s and retry_at_s have both come, most urgent first. */
bool identities_due(struct db *db, struct identity_list *out, int64_t now_s, size_t max, struct err *err);
/* The earliest moment at which something becomes due; INT64_MAX where nothing will. */
bool identities_next_due(struct db *db, int64_t *out_s, struct err *err);
/* Those of one registry whose due time has come by by_s, waiting for their next try or not; most urgent first. */
bool identities_due_here(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                         int64_t by_s, size_t max, struct err *err);
/* The earliest due time there behind after_s; INT64_MAX where nothing becomes due. */
bool identities_next_due_here(struct db *db, int64_t *out_s, uint64_t chain_id, struct addr20 registry, int64_t after_s,
                              struct err *err);
/* Up to max of one registry whose due time was computed with other settings than these. */
bool identities_due_by_other_settings(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                                      int64_t settings, size_t max, struct err *err);
/* Those of one registry that are inside their warning window at at_s, or past it; the first to have entered it first. */
bool identities_expiring_here(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                              int64_t at_s, size_t max, struct err *err);
/* The row's due_s, expiring_s and due_settings. moved: one of the first two is another than is stored; where none is, their
 * indexes are left alone. */
bool identities_set_due(struct db *db, const struct identity_row *row, bool moved, struct err *err);
/* The platform behind this one ("": the first) that identities of one registry run on; "" behind the last. */
bool identities_next_platform(struct db *db, char out[static 13], uint64_t chain_id, struct addr20 registry, const char *after,
                              struct err *err);
/* For all of one platform; their due times then count as computed with other settings. */
bool identities_set_chain_collateral(struct db *db, uint64_t chain_id, struct addr20 registry, const char *platform, int64_t ends_s,
                                     struct err *err);
/* How the last try went: failures in a row, when the next one may begin, why it failed ("" where it did not). */
bool identities_note_try(struct db *db, const struct identity_key *key, uint32_t failures, int64_t retry_at_s,
                         const char *error, struct err *err);
/* The state that was last told about. */
bool identities_note_warned(struct db *db, const struct identity_key *key, int state, struct err *err);
/* Row and history. *found false where there was none. */
bool identities_forget(struct db *db, const struct identity_key *key, bool *found, struct err *err);

struct measurement_row {
    struct hash32 hash;
    uint64_t block;
    int64_t block_time_s;
    bool has_tx;
    struct hash32 tx_hash;
    char detail[1024]; /* JSON or "" */
};
struct measurement_list {
    struct measurement_row *row;
    size_t count;
};
void measurement_list_done(struct measurement_list *list);
/* Appended, unless it says what the last one said (same hash, same transaction). */
bool measurements_add(struct db *db, const struct identity_key *key, const struct measurement_row *row,
                      struct err *err);
/* Oldest first. */
bool measurements_list(struct db *db, struct measurement_list *out, const struct identity_key *key, struct err *err);

/* --- who is at work on an identity --- */

/* Claim it for lease_s seconds. *got false: somebody else holds it. owner: who it is, as relayer/owner.h says it. token:
 * shown when the work's outcome is written; a claim that was taken over has another one. */
bool claims_take(struct db *db, uint64_t *token, bool *got, const struct identity_key *key, const char *owner,
                 int64_t now_s, int64_t lease_s, struct err *err);
bool claims_renew(struct db *db, bool *still_ours, const struct identity_key *key, uint64_t token, int64_t now_s,
                  int64_t lease_s, struct err *err);
/* Also of another's claim that is known to be over: only while it is the one with this token. */
bool claims_release(struct db *db, const struct identity_key *key, uint64_t token, struct err *err);

struct claim_row {
    char owner[192];
    uint64_t token;
    int64_t until_s; /* the end of its lease; 0: released */
};
/* Who holds it, or held it last; *found false where nobody ever did. */
bool claims_get(struct db *db, struct claim_row *out, bool *found, const struct identity_key *key, struct err *err);

#endif
