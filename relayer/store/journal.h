/* The transaction journal: intents, the transactions signed for them, the nonces of our accounts, what the chain said.
 * What the rows mean is relayer/tx's business: a machine's state is bytes here. */
#ifndef CVM_STORE_JOURNAL_H
#define CVM_STORE_JOURNAL_H

#include "abi/u256.h"
#include "relayer/store/db.h"

struct journal_account {
    uint64_t chain_id;
    struct addr20 account;
};

struct journal_intent {
    int64_t id;
    struct hash32 key;
    struct journal_account account;
    struct addr20 target;
    char call[64], label[128];
    struct hash32 identity;
    int64_t created_at_s, updated_at_s;
    int phase;
    bool open;
    bool has_nonce;
    uint64_t nonce;
    char note[400];
    struct buf machine;  /* owned */
    struct buf calldata; /* owned; empty unless asked for */
};
void journal_intent_done(struct journal_intent *intent);

/* Insert, unless its key is there already. id and *existed tell which row it is. */
bool journal_add(struct db *db, int64_t *id, bool *existed, const struct journal_intent *intent, struct err *err);
bool journal_load(struct db *db, struct journal_intent *out, bool *found, int64_t id, bool with_calldata,
                  struct err *err);
/* Phase, open, nonce, machine, note, label and time of change. */
bool journal_save(struct db *db, const struct journal_intent *intent, struct err *err);
/* An intent that begins anew under the same key: who pays, and the calldata (its evidence's digest is the same, its
 * signature may differ). */
bool journal_begin_anew(struct db *db, int64_t id, struct journal_account account, struct bytes calldata,
                        struct err *err);

struct id_list {
    int64_t *id;
    size_t count;
};
void id_list_done(struct id_list *list);
/* The unfinished intents of an account, oldest first. */
bool journal_open_ids(struct db *db, struct id_list *out, struct journal_account account, struct err *err);
/* Newest first. open_only; identity may be NULL. */
bool journal_ids(struct db *db, struct id_list *out, bool open_only, const struct hash32 *identity, size_t max,
                 struct err *err);

/* --- transactions of an intent --- */
struct journal_attempt {
    unsigned seq;
    int kind;
    uint64_t nonce;
    struct hash32 signing_hash;
    bool is_signed;
    struct hash32 hash;
    struct bytes unsigned_payload, raw; /* borrowed on the way in; on the way out see journal_attempt_raw */
};
bool journal_attempt_add(struct db *db, int64_t intent, const struct journal_attempt *attempt, int64_t now_s,
                         struct err *err);
/* The signed bytes, once: ERR_BUG when there are some already that differ. */
bool journal_attempt_sign(struct db *db, int64_t intent, unsigned seq, struct hash32 hash, struct bytes raw,
                          struct err *err);
/* The hash of each signed attempt from seq on: hash[i] belongs to seq + i; has[i] tells whether it is signed. */
bool journal_attempt_hashes(struct db *db, struct hash32 *hash, bool *has, size_t max, int64_t intent, unsigned seq,
                            struct err *err);
/* Unsigned payload and raw bytes (empty where unsigned) appended. */
bool journal_attempt_bytes(struct db *db, struct buf *unsigned_payload, struct buf *raw, int64_t intent, unsigned seq,
                           struct err *err);
bool journal_attempt_count(struct db *db, unsigned *out, int64_t intent, struct err *err);
bool journal_find_hash(struct db *db, int64_t *intent, bool *found, struct hash32 hash, struct err *err);

/* --- nonces --- */
enum nonce_state { NONCE_HELD = 1, NONCE_SPENT = 2, NONCE_FOREIGN = 3, NONCE_RELEASED = 4 };
/* ERR_STORE when somebody else holds it. */
bool journal_nonce_hold(struct db *db, struct journal_account account, uint64_t nonce, int64_t intent, struct err *err);
bool journal_nonce_set(struct db *db, struct journal_account account, uint64_t nonce, enum nonce_state state,
                       struct err *err);
/* The lowest nonce at or above from that is neither held, spent nor foreign in the journal. */
bool journal_nonce_free(struct db *db, uint64_t *out, struct journal_account account, uint64_t from, struct err *err);
/* Is some nonce of [from, to) free (nobody holds it)? */
bool journal_nonce_gap(struct db *db, bool *gap, struct journal_account account, uint64_t from, uint64_t to,
                       struct err *err);
/* One above the highest that the journal knows as used; *known false where it knows none. */
bool journal_nonce_next(struct db *db, uint64_t *out, bool *known, struct journal_account account, struct err *err);

/* --- receipts --- */
struct journal_receipt {
    struct hash32 hash, block_hash;
    uint64_t block;
    int64_t block_time_s;
    bool succeeded;
    uint64_t gas_used;
    struct u256 gas_price_wei, data_fee_wei, cost_wei;
};
/* The one that counts now; an earlier one of the intent no longer does. */
bool journal_receipt_put(struct db *db, int64_t intent, const struct journal_receipt *receipt, int64_t now_s,
                         struct err *err);
bool journal_receipt_get(struct db *db, struct journal_receipt *out, bool *found, int64_t intent, struct err *err);
/* None counts any more: a reorganisation. */
bool journal_receipt_drop(struct db *db, int64_t intent, struct err *err);
/* What canonical receipts since then cost; of one identity, or (NULL) of all. */
bool journal_spent(struct db *db, struct u256 *out, uint64_t chain_id, int64_t since_s, const struct hash32 *identity,
                   struct err *err);

#endif
