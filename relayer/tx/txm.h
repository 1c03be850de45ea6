/* The life of one intent as a pure state machine: (state, event, now) -> (state, action). It reads no clock, touches no
 * disk and no wire; engine.c performs what it asks for and tells it what came of it, and writes the state to the
 * journal before it acts.
 *
 *     NEW -> RESERVED -> SIGNED -> SENT -> MINED -> FINAL
 *
 * and out of the way: REFUSED (simulation), REVERTED (mined, failed), REPLACED (somebody else spent the nonce),
 * CANCELLED, GIVEN_UP. What has been signed counts as possibly sent for ever after: only the chain ends it. */
#ifndef CVM_TX_TXM_H
#define CVM_TX_TXM_H

#include "crypto/base/types.h"
#include "relayer/rpc/errors.h"
#include "relayer/tx/fees.h"

enum txm_phase {
    TXM_NEW,
    TXM_RESERVED,
    TXM_SIGNED,
    TXM_SENT,
    TXM_MINED,
    TXM_FINAL,
    TXM_REVERTED,
    TXM_REPLACED,
    TXM_CANCELLED,
    TXM_GIVEN_UP,
    TXM_REFUSED,
};
const char *txm_phase_name(enum txm_phase phase); /* "mined" */
bool txm_is_over(enum txm_phase phase);

enum txm_finality { TXM_FINALIZED, TXM_SAFE, TXM_CONFIRMATIONS };
enum txm_readback { TXM_NOT_READ, TXM_READ_OK, TXM_READ_DIFFERS, TXM_READ_FAILED };
enum txm_kind { TXM_CALL, TXM_CANCEL }; /* the call itself, or a transfer of nothing to ourselves under its nonce */

#define TXM_MAX_ATTEMPTS 32

struct txm_attempt {
    enum txm_kind kind;
    struct fees fees;
    uint64_t gas_limit;
    bool is_signed; /* its bytes are in the journal */
    unsigned sends;
    int64_t last_send_s;
};

/* Why nothing moves. */
enum txm_wait {
    TXM_WAIT_NONE,
    TXM_WAIT_CHAIN, /* it is out there */
    TXM_WAIT_CAP,   /* a higher price is due, the caps forbid it */
    TXM_WAIT_FUNDS,
    TXM_WAIT_NODE,    /* the node refuses it */
    TXM_WAIT_WIRE,    /* nobody answered: it may or may not be out there */
    TXM_WAIT_GAP,     /* a lower nonce has to come first */
    TXM_WAIT_FOREIGN, /* the nonce is taken by a transaction that is not ours */
};
const char *txm_wait_text(enum txm_wait wait); /* a short sentence */

struct txm {
    enum txm_phase phase;
    bool has_nonce;
    uint64_t nonce;
    struct txm_attempt attempt[TXM_MAX_ATTEMPTS];
    unsigned num_attempts;
    enum txm_wait wait;
    bool cancel_wanted, bump_wanted, legacy_wanted;
    int64_t priced_at_s; /* when the last price was made, and at which head */
    uint64_t priced_at_block;
    uint64_t head_block;    /* of the last look */
    unsigned foreign_looks; /* looks in a row that saw somebody else's transaction under our nonce */
    struct u256 data_fee_wei; /* that the chain asks on top of the gas, as of the last price; 0 on most chains */
    /* where mined */
    unsigned mined_attempt;
    uint64_t mined_block;
    struct hash32 mined_hash;
    bool mined_ok;
    enum txm_readback readback;
};

struct txm_rules {
    enum txm_finality finality;
    unsigned confirmations;
    int64_t stuck_after_s;
    unsigned stuck_after_blocks;
    int64_t resend_after_s;
    int64_t poll_s;
    struct fee_settings fees;
};

/* What one look at the chain saw. */
struct txm_look {
    uint64_t head_block;
    bool has_final_block; /* the node knows the tag that the rules ask for */
    uint64_t final_block;
    uint64_t account_nonce; /* at the head: the next one to be mined */
    bool has_final_nonce;
    uint64_t final_account_nonce; /* at the block that counts as final */
    bool foreign;  /* the block that spent the nonce was found, and in it a transaction that is not ours */
    bool complete; /* every hash was asked for and answered */
    bool found;    /* one of ours has a receipt */
    unsigned found_attempt;
    uint64_t found_block;
    struct hash32 found_hash;
    bool found_ok;
    bool gap; /* a lower nonce is neither mined nor held by anyone */
};

enum txm_event_type {
    TXM_EV_START,    /* somebody takes charge of it */
    TXM_EV_REFUSED,  /* the simulation says no */
    TXM_EV_RESERVED, /* nonce, gas_limit, fees, data_fee_wei */
    TXM_EV_SIGNED,   /* attempt */
    TXM_EV_SENT,     /* attempt, taken, from_node, class */
    TXM_EV_LOOKED,   /* look */
    TXM_EV_PRICED,   /* view, data_fee_wei: what the chain asks now */
    TXM_EV_READ,     /* readback */
    TXM_EV_SPEED_UP, /* the operator's wishes */
    TXM_EV_CANCEL,
    TXM_EV_GIVE_UP,
    TXM_EV_ADOPTED, /* an outside signature: nonce, gas_limit, fees; its bytes are in the journal */
};

struct txm_event {
    enum txm_event_type type;
    unsigned attempt;
    uint64_t nonce, gas_limit;
    struct fees fees;
    bool taken, from_node;
    enum rpc_class class;
    struct txm_look look;
    struct fee_view view;
    struct u256 data_fee_wei;
    enum txm_readback readback;
};

enum txm_action_type {
    TXM_DO_SIMULATE, /* and reserve a nonce, priced: REFUSED or RESERVED */
    TXM_DO_SIGN,     /* attempt: SIGNED */
    TXM_DO_SEND,     /* attempt: SENT */
    TXM_DO_LOOK,     /* LOOKED */
    TXM_DO_PRICE,    /* PRICED */
    TXM_DO_READ,     /* READ */
    TXM_DO_WAIT,     /* until wait_until_s, then LOOK */
    TXM_DO_FINISH,   /* it is over; a nonce for which nothing was signed is given back */
};

struct txm_action {
    enum txm_action_type type;
    unsigned attempt;
    int64_t wait_until_s;
};

/* One step. An event that does not fit the state changes nothing and asks for a look. */
struct txm_action txm_step(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules, int64_t now_s);
/* Would a receipt in this block count as final at this look? */
bool txm_is_final(const struct txm_rules *rules, const struct txm_look *look, uint64_t block);
/* The highest price ever described for the nonce, field by field. */
struct fees txm_highest(const struct txm *m);
bool txm_any_signed(const struct txm *m);
/* What must hold in any state: NULL, or what does not. For tests and for rows that come from disk. */
const char *txm_fault(const struct txm *m);

#endif
