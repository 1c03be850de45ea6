/* The transaction engine (design section 5): an intent goes in, one transaction per intent comes out on the chain, and
 * what became of it. It knows the journal, the wire and the pure machine of txm.h; it has not heard of registries (what
 * a call achieved is read back by the caller's callback) nor of configuration files.
 *
 * Every step is in the journal before the wire is touched. Whoever opens the engine next, in whichever process,
 * finishes what an earlier one began; a lock file keeps two processes from sending for one account at the same time. */
#ifndef CVM_TX_ENGINE_H
#define CVM_TX_ENGINE_H

#include "relayer/rpc/rpc.h"
#include "relayer/store/db.h"
#include "relayer/tx/fees.h"
#include "relayer/tx/signer.h"
#include "relayer/tx/txm.h"

/* On an OP stack the chain charges for data on top of gas (GasPriceOracle.getL1Fee). By default it is asked: such a chain has
 * that contract at its fixed address. */
enum tx_op_stack { TX_OP_STACK_ASK, TX_OP_STACK_YES, TX_OP_STACK_NO };

struct tx_settings {
    struct fee_settings fees;
    unsigned tip_percentile;          /* of eth_feeHistory; 0: 50 */
    struct u256 max_day_wei;          /* most that all transactions of 24 hours may cost; 0: no limit */
    struct u256 max_identity_day_wei; /* the same for one identity */
    uint64_t gas_limit_max;           /* the chain's cap per transaction (EIP-7825: 2^24); 0: not known, said */
    unsigned gas_margin_percent;      /* on top of the estimate; 0: 10 */
    bool no_calldata_floor;           /* a chain without EIP-7623 */
    enum tx_op_stack op_stack;
    enum txm_finality finality;
    unsigned confirmations;      /* for TXM_CONFIRMATIONS, and where the node knows no tag; 0: 12 */
    int64_t stuck_after_s;       /* replace a transaction that is not mined by then; 0: 60 */
    unsigned stuck_after_blocks; /* 0: 5 */
    int64_t resend_after_s;      /* the same bytes again; 0: 15 */
    int64_t poll_ms;             /* between looks at the chain; 0: 1000 */
};

struct tx_intent {
    struct addr20 target; /* the contract (proxy) */
    const char *call;     /* name of the call */
    struct hash32 identity;
    struct bytes calldata; /* borrowed */
    /* Digest of the calldata without its identity signature; or of the idempotency key's text (design section 5). */
    struct hash32 digest;
    const char *label; /* a few words for `tx list`; may be NULL */
};

enum tx_wait { TX_WAIT_NONE, TX_WAIT_SENT, TX_WAIT_MINED, TX_WAIT_FINAL };

/* One row of the journal, for people and programs. */
struct tx_status {
    int64_t id; /* 0: none */
    struct hash32 key;
    uint64_t chain_id;
    struct addr20 account, target;
    char call[64], label[128];
    struct hash32 identity;
    enum txm_phase phase;
    enum txm_wait wait;
    enum txm_readback readback;
    bool joined; /* this call found it begun by an earlier one */
    bool has_nonce;
    uint64_t nonce;
    unsigned num_attempts; /* transactions described for it, replacements included */
    bool has_hash;
    struct hash32 hash; /* the mined one, else the last signed */
    struct fees fees;   /* its price */
    uint64_t gas_limit;
    int64_t created_at_s, updated_at_s;
    uint64_t head_block; /* 0: not looked */
    /* where mined */
    uint64_t block;
    struct hash32 block_hash;
    int64_t block_time_s;
    uint64_t gas_used;
    struct u256 cost_wei;
    char note[400]; /* why it waits, or how it ended, in words */
};

struct txe_hooks {
    void *user;
    /* Each change, and each look at the chain while it waits. May be NULL. */
    void (*progress)(void *user, const struct tx_status *status);
    /* The call with these bytes was mined with success in this block: what does the contract say there? note: words for
     * the status. TXM_READ_FAILED: cannot tell now, asked again later. NULL: taken on the receipt's word. */
    enum txm_readback (*readback)(void *registry, const struct tx_status *status, struct bytes calldata, char *note,
                                  size_t note_size);
    void *registry;
    /* Words for revert data: error, cause, the check that would have caught it. NULL: those of abi/errors. */
    void (*explain)(void *user, char *out, size_t size, struct bytes revert);
    /* True: stop waiting (a signal came). What was begun stays in the journal. */
    bool (*stopped)(void *user);
};

struct txe; /* one thread */

/* db, rpc, signer and what settings point at must outlive it. Asks the chain for its id. */
bool txe_open(struct txe **out, struct db *db, struct rpc *rpc, struct signer *signer,
              const struct tx_settings *settings, const struct txe_hooks *hooks, struct err *err);
void txe_close(struct txe *txe);
void txe_closep(struct txe **txe);

/* SHA-256("cvm-relayer/intent/1" || chain id (32) || target || call || identity || digest). */
struct hash32 txe_intent_key(uint64_t chain_id, const struct tx_intent *intent);
/* The digest that an idempotency key's text stands for. */
struct hash32 txe_text_digest(const char *idempotency_key);

/* Bring the intent to the wanted state, finishing what an earlier process began first. timeout_s: 0 waits for ever.
 * True: status is at the wanted state (or at its end: FINAL). False with ERR_REFUSED: simulation, contract or operator
 * said no (phase REFUSED, REVERTED, CANCELLED; readback DIFFERS); ERR_NET, ERR_CHAIN, ERR_STORE: not now, status tells
 * how far it got; what was begun stays in the journal and the next call goes on with it. */
bool txe_submit(struct txe *txe, struct tx_status *out, const struct tx_intent *intent, enum tx_wait wait,
                int64_t timeout_s, struct err *err);
/* One round over everything unfinished of this account: looks, decides, acts; never waits. For the daemon and for
 * start-up. num_open: how many are still unfinished. */
bool txe_pump(struct txe *txe, size_t *num_open, struct err *err);

/* --- dry run (quote.c) --- */
struct tx_quote {
    uint64_t chain_id, nonce, gas_limit, gas_estimate;
    struct fees fees;
    struct u256 base_fee_wei, data_fee_wei, worst_case_wei, balance_wei;
    char note[400]; /* caps that bind, limits that are not known */
};
/* Simulate, estimate and price for this account, sending nothing and writing nothing. ERR_REFUSED: it would revert. */
bool txe_quote(struct rpc *rpc, struct tx_quote *out, const struct tx_intent *intent, struct addr20 from,
               const struct tx_settings *settings, const struct txe_hooks *hooks, struct err *err);
/* The quote as "text", "json" (one document), "cast" (a `cast send` line) or "safe" (a Safe transaction builder's
 * file), appended to out. ERR_USAGE: another format. */
bool txe_quote_format(struct buf *out, const struct tx_quote *quote, const struct tx_intent *intent, struct addr20 from,
                      const char *format, struct err *err);

/* --- the journal, for the operator (operator.c) --- */
struct tx_list {
    struct tx_status *row;
    size_t count;
};
void tx_list_done(struct tx_list *list);
/* Newest first; open_only: the unfinished ones; identity NULL: all. Needs no engine. */
bool tx_journal_list(struct db *db, struct tx_list *out, bool open_only, const struct hash32 *identity, size_t max,
                     struct err *err);
bool tx_journal_get(struct db *db, struct tx_status *out, bool *found, int64_t id, struct err *err);
/* By the hash of any of its transactions. */
bool tx_journal_find(struct db *db, struct tx_status *out, bool *found, struct hash32 tx_hash, struct err *err);
/* Replace it by the same call at a higher price, or by a transfer of nothing to ourselves. ERR_USAGE: it is not in a
 * state for that. */
bool txe_speed_up(struct txe *txe, struct tx_status *out, int64_t id, struct err *err);
bool txe_cancel(struct txe *txe, struct tx_status *out, int64_t id, struct err *err);
/* Adopt a transaction that was signed elsewhere for this intent: compared with it field by field, written to the
 * journal, sent, followed. */
bool txe_submit_signed(struct txe *txe, struct tx_status *out, const struct tx_intent *intent, struct bytes raw,
                       enum tx_wait wait, int64_t timeout_s, struct err *err);
/* Nonces that the journal does not know were spent by this account (another wallet, or the journal is an old copy): say
 * that this is known and fine. New intents stop until then. */
bool txe_adopt_nonces(struct txe *txe, uint64_t *num_adopted, struct err *err);

bool tx_wait_parse(enum tx_wait *out, const char *text); /* "none", "sent", "mined", "final" */

#endif
