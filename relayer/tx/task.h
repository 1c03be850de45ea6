/* Inside the engine: an intent in hand. Private to relayer/tx. */
#ifndef CVM_TX_TASK_H
#define CVM_TX_TASK_H

#include "relayer/rpc/eth.h"
#include "relayer/store/journal.h"
#include "relayer/tx/engine.h"

struct task {
    struct journal_intent row; /* with its calldata */
    struct txm m;
    unsigned seq_base; /* attempts of earlier rounds stand before it in the journal */
    struct hash32 hash[TXM_MAX_ATTEMPTS];
    bool has_hash[TXM_MAX_ATTEMPTS];
    struct txm_action next;
    bool dirty;         /* differs from the journal */
    struct err trouble; /* why the last step could not be made */
};

struct txe {
    struct db *db;
    struct rpc *rpc;
    struct signer *signer;       /* may be NULL */
    struct tx_settings settings; /* defaults filled in */
    struct txe_hooks hooks;
    uint64_t chain_id;
    struct journal_account account;
    int lock_fd;
    bool is_sender;
    struct task **task; /* those that we hold the lock of */
    size_t num_tasks;
    struct eth_block head; /* of the last look */
};

struct tx_settings tx_settings_resolve(const struct tx_settings *settings);
struct txm_rules txe_rules(const struct txe *txe);

/* --- task.c: between machine and journal --- */
bool machine_write(struct buf *out, const struct txm *m, unsigned seq_base, struct err *err);
bool machine_read(struct txm *out, unsigned *seq_base, struct bytes in, struct err *err);
void task_free(struct task *task);
void task_freep(struct task **task);
bool task_load(struct db *db, struct task **out, int64_t id, struct err *err);
bool task_save(struct db *db, struct task *task, int64_t now_s, struct err *err);
void task_note(struct task *task, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The transaction that attempt i describes. */
struct tx task_tx(const struct task *task, unsigned attempt);
/* The shape of what would replace the last one, at its price: the call again, or its cancellation. */
struct tx task_replacement_tx(const struct task *task);
/* Raw bytes of a signed attempt, taken apart and compared with the intent. ERR_STORE where they differ. */
bool task_raw(struct db *db, struct buf *out, const struct task *task, unsigned attempt, struct err *err);
void task_status(struct tx_status *out, struct db *db, const struct task *task);

/* --- view.c: what the chain asks and says before anything is signed --- */
struct chain_view {
    struct eth_block head;
    uint64_t nonce_latest, nonce_pending;
    struct u256 balance_wei;
    struct fee_view fees;
    uint64_t gas_estimate; /* 0 unless a message was given */
};
/* msg NULL: prices and account alone. ERR_REFUSED: the message reverts; the text says why in words. */
bool view_read(struct rpc *rpc, struct chain_view *out, const struct tx_settings *settings,
               const struct txe_hooks *hooks, struct addr20 account, const struct eth_msg *msg, struct err *err);
/* Gas limit for the estimate: margin, floor, caps. note: limits that are not known; may be NULL. ERR_REFUSED: above a
 * cap. */
bool gas_limit_for(uint64_t *out, const struct tx_settings *settings, const struct chain_view *view,
                   struct bytes calldata, struct err *err);
/* OP stack: what the chain charges on top of the gas: for the data of this transaction, and (from Isthmus on) the
 * operator's fee for its gas limit. 0 on others. */
bool data_fee_for(struct rpc *rpc, struct u256 *out, struct tx_settings *settings, const struct tx *tx, struct err *err);
/* The operator's fee alone, for gas that was used. */
bool operator_fee_for(struct rpc *rpc, struct u256 *out, struct tx_settings *settings, uint64_t gas, struct err *err);
void explain_revert(const struct txe_hooks *hooks, char *out, size_t size, struct bytes revert);

/* --- act.c: performing what the machine asks for --- */
/* Everything due now, once; tasks whose turn has not come are left alone. Troubles stay with their tasks. */
bool txe_round(struct txe *txe, struct err *err);
/* Step a task with an event and bring the outcome into the journal. */
bool txe_apply(struct txe *txe, struct task *task, const struct txm_event *ev, struct err *err);
/* Take charge of an intent: lock and load. *out NULL where somebody else has it. */
bool txe_claim(struct txe *txe, struct task **out, int64_t id, struct err *err);
bool txe_claim_open(struct txe *txe, struct err *err);
void txe_unclaim(struct txe *txe, struct task *task); /* drops it */
/* Whose transactions they are, and its lock file. */
bool txe_use_account(struct txe *txe, struct addr20 account, struct err *err);
/* The unsigned form of an attempt into the journal: task_tx's, or one from outside that says the same. */
bool txe_describe(struct txe *txe, struct task *task, unsigned attempt, const struct tx *tx, struct err *err);
bool txe_become_sender(struct txe *txe, struct err *err);
void txe_stop_sending(struct txe *txe);
/* A transfer of nothing to ourselves, for a nonce that nobody holds and that keeps higher ones from being mined. */
bool txe_fill_gap(struct txe *txe, uint64_t below, struct err *err);

#endif
