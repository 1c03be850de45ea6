/* The story: evidence -> verdict -> call -> transaction -> receipt -> what the registry says afterwards.
 * One call of the registry brought onto the chain, or refused first, for free, with the reason. Sending is the engine's. */
#ifndef CVM_RELAY_H
#define CVM_RELAY_H

#include "relayer/collateral/gather.h"
#include "relayer/collateral/memory.h"
#include "relayer/forecast.h"
#include "relayer/session.h"
#include "relayer/store/surprises.h"
#include "relayer/tx/engine.h"

struct relay {
    struct session session;
    struct judge judge;
    struct memory memory; /* of earlier verdicts: the session's store */
    struct gather gather; /* collateral that is missing; offline may be set */
    struct forecaster forecaster;
    struct tx_settings tx;
    struct signer *signer; /* NULL: none configured (a dry run may do without) */
    struct addr20 from;
};

/* Store, endpoints, registry, trust, account. out stays where it is: parts of it point at each other. accept_implementation: take the registry's code as it stands now. */
bool relay_open(struct relay *out, const struct config *cfg, bool accept_implementation, bool need_account, struct err *err);
void relay_done(struct relay *r);

struct relay_request {
    enum call_kind call;
    const struct bundle *bundle; /* attest, reattest */
    bool rotate;                 /* the bundle's identity is the new one */
    bool has_id;
    struct hash32 id;            /* the registered identity: reattest, rotate, set-ttl; where it is not the bundle's own */
    bool has_tee_ttl, has_tpm_ttl;
    uint64_t tee_ttl_s, tpm_ttl_s;
    bool early;               /* also when nothing is due */
    bool force;               /* what only we refuse */
    bool accept_measurement;  /* a measurement other than the one on record */
    bool accept_difference;   /* the registry answers otherwise than its model */
    const char *idempotency_key;
    const char *label;
    enum tx_wait wait;
    const char *dry_run;      /* a format of txe_quote_format; NULL: send */
    void (*progress)(void *user, const struct tx_status *status);
    bool (*stopped)(void *user);
    void *user;
};

enum relay_result { RELAY_SENT, RELAY_ALREADY, RELAY_DRY_RUN };
struct relay_outcome {
    enum relay_result result;
    struct hash32 id;       /* as it is registered afterwards */
    struct hash32 old_id;   /* of a rotation */
    json_t *verdict;        /* NULL where none was asked for */
    bool has_tx;
    struct tx_status tx;
    bool has_row;
    struct read_back read;  /* what the chain said last */
    char predicted[SURPRISE_TEXT], answered[SURPRISE_TEXT]; /* by the model, by a node; empty where not asked */
    bool differs;           /* these two */
    struct buf dry_run;
    char words[400];        /* what happened, for people */
};
void relay_outcome_done(struct relay_outcome *out);

/* ERR_REFUSED: the evidence, a rule of ours, the model, the simulation or the contract says no; outcome.verdict is there where
 * there is one. ERR_STALE: it cannot be judged now. Others as the engine says. out is filled as far as it got, also on failure. */
bool relay_call(struct relay *r, struct relay_outcome *out, const struct relay_request *request, struct err *err);
/* Look at every rotation that is still open: which key does the chain name? Where it names the new one, that takes the old one's
 * place in the store, however the rotation got there; where that is final, the rotation is closed. num_open: those that are
 * not. */
bool relay_settle_rotations(struct session *s, size_t *num_open, struct err *err);
/* The new identity that a rotation of this one was begun towards and that is not decided yet; *found false: none. */
bool relay_open_rotation(struct session *s, struct hash32 from, struct hash32 *to, bool *found, struct err *err);

/* {"predicted", "node", "differs"} */
json_t *relay_answers_json(const char *predicted, const char *answered, bool differs);
/* "cvm-outcome/1"; error: NULL on success. NULL without memory. */
json_t *relay_outcome_json(const struct relay *r, const struct relay_outcome *out, enum call_kind call, const struct err *error);

#endif
