/* The steps of relay.c that are stories of their own. Private to relay*.c. */
#ifndef CVM_RELAY_STEPS_H
#define CVM_RELAY_STEPS_H

#include "relayer/evidence/identity.h"
#include "relayer/relay.h"
#include "relayer/store/rotations.h"

/* One call on its way. */
struct relaying {
    struct relay *r;
    const struct relay_request *q;
    struct relay_outcome *out;
    struct bundle bundle; /* a shallow copy of the request's, with the call filled in; owns nothing */
    struct hash32 id;     /* the identity that the call is about, as registered now */
    struct hash32 new_id; /* afterwards; the same but for a rotation */
    struct onchain_identity on, on_new;
    struct buf signatures[2];
    bool width_known; /* G1a: the contract was asked which form its messages have */
    struct buf calldata;
    struct hash32 digest; /* of the calldata without its identity signature */
    bool begun;           /* an earlier run has sent this very call */
    struct hash32 measurement; /* that the contract will compute; zero where it is not known */
    struct judged_until until; /* what the verdict says of the time ahead */
    struct pubkey *ak; /* the attestation key that the registry keeps; NULL: none */
};

/* relay_rules.c: what is refused before anything is computed, each rule a row. deploy/docs/refusals.md is printed from them. */
#define RELAY_ROTATE (1u << (CALL_SET_TTL + 1)) /* a re-attestation that moves the registration; it is no CALL_REATTEST here */
struct relay_rule {
    const char *id;
    unsigned calls, profiles; /* where it holds: 1 << CALL_.. or RELAY_ROTATE, 1 << PROFILE_.. */
    bool forced;           /* --force passes it */
    const char *contract;  /* the error that the contract raises, */
    unsigned raised_in;    /* and in which profiles; the others take it */
    bool (*broken)(const struct relaying *w);
    const char *words;
};
extern const struct relay_rule relay_rules[];
extern const size_t num_relay_rules;
/* ERR_REFUSED, ERR_USAGE. */
bool relay_check_rules(struct relaying *w, struct err *err);
/* relay_forecast.c: the registry's own answer, from the model and from a node at the same block, and what follows from the
 * measurement that it computes. Where the two differ, nothing is written until somebody has taken it by name. */
bool relay_ask_model(struct relaying *w, struct err *err);
/* relay_forecast.c: both answers beside the printed call, where its format has a place for them; else into the log. */
bool relay_show_answers(struct relaying *w, struct err *err);
/* relay_sign.c: the signatures that the call wants: the agent's, verified, or made here with the identity's key. */
bool relay_sign(struct relaying *w, struct err *err);
/* relay_sign.c, once the call is encoded and judged: where the contract refuses the signature of a G1a call, the message's second form is
 * tried, and kept if the contract takes that. */
bool relay_find_width(struct relaying *w, struct err *err);

/* relay_journal.c: what makes it this intent; the call with its signatures; the engine's view of it. */
bool relay_name_intent(struct relaying *w, struct err *err);
bool relay_encode(struct relaying *w, struct err *err);
struct tx_intent relay_intent(const struct relaying *w);
/* Sets w->begun. Transactions of other intents for the same identity are brought to their end first; moved: there were some, so
 * what was read of the chain is old. ERR_CHAIN: they do not end in time. */
bool relay_finish_earlier(struct relaying *w, bool *moved, struct err *err);
/* relay_rotate.c: in the store the new identity takes the old one's place: both as the chain has them at this block, and the new
 * one under the old one's label, with its source and what is known of its TEE evidence. out: the new one. */
bool relay_take_place(struct session *s, struct read_back *out, struct hash32 old_id, struct hash32 new_id, struct eth_at at,
                      const struct hash32 *tx_hash, struct err *err);
/* What the store knows of this rotation. Nothing to do for other calls. */
bool relay_note_rotation(struct relaying *w, enum rotation_state state, struct err *err);

#endif
