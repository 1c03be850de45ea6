/* One renewal: what is due by the chain's time is decided by the planner, fresh evidence is asked from the source with our
 * challenge in it, verified, brought onto the chain by relay.h, and told to the hooks. How it went is kept in the store, with the
 * moment of the next try: it backs off as failures mount, and never gives up. */
#ifndef CVM_RENEW_H
#define CVM_RENEW_H

#include "relayer/notify.h"
#include "relayer/owner.h"
#include "relayer/relay.h"

struct renewer {
    struct relay *relay;
    struct hooks hooks;
    const char *evidence_file; /* in place of the sources; NULL */
    int64_t within_s;          /* also what becomes due within this time */
    bool accept_measurement, accept_difference;
    enum tx_wait wait;
    bool (*stopped)(void *user);
    void *user;
    char owner[OWNER_TEXT]; /* of claims: this process */
};

/* Settings checked: source and hooks may be used. ERR_USAGE. */
bool renewer_init(struct renewer *out, struct relay *relay, struct err *err);

enum renewal_result {
    RENEWAL_DONE,     /* on chain */
    RENEWAL_NOT_DUE,  /* somebody else renewed it meanwhile, or it is gone from the registry */
    RENEWAL_BUSY,     /* another process of this machine is at it, and alive */
    RENEWAL_HELD,     /* claimed by a process that cannot be seen from here: until its lease ends */
    RENEWAL_UNDERWAY, /* an earlier transaction is not mined yet */
    RENEWAL_LIMITED,  /* a limit per block, hour or day */
    RENEWAL_WAITING,  /* its next try has not come */
    RENEWAL_REFUSED,  /* the evidence, a rule or the registry says no */
    RENEWAL_FAILED,   /* not now: pre hook, source, network, node, collateral */
};
const char *renewal_result_name(enum renewal_result r);
int renewal_exit_status(enum renewal_result r); /* 0, 1, 3 (design section 2) */

struct renewal {
    struct identity_row row; /* as it stands afterwards */
    enum call_kind call;     /* CALL_NONE: it did not come to that */
    enum due_for due_for;
    enum renewal_result result;
    int64_t chain_time_s;
    int64_t next_try_s; /* chain time; 0: none is planned because none is needed */
    struct err why;     /* why it is not done */
    const char *note;   /* how it was done otherwise than planned; NULL */
    bool differs;       /* a node answers the call otherwise than the registry's model: */
    char predicted[SURPRISE_TEXT], answered[SURPRISE_TEXT];
    bool has_tx;
    struct hash32 tx_hash;
};

/* Is its next try still to come: after a failure, or by a limit? */
bool renew_waits(const struct renewer *n, const struct identity_row *row, int64_t chain_now_s);
/* Transactions that earlier runs began are looked after, without waiting. ERR_NET and the like: the chain could not be asked. */
bool renew_finish_begun(struct renewer *n, struct err *err);
/* What is due of this row, as it is stored, within the renewer's time. */
struct plan_decision renew_decide(const struct renewer *n, const struct identity_row *row, int64_t chain_now_s);
/* Renew the identity of this row, if it is due and nobody else is at it. Everything that can go wrong is in out. */
void renew_one(struct renewer *n, struct renewal *out, const struct identity_row *row);
/* The hook for each identity that has entered its warning window (or expired) since it was last told about. left: how many
 * are inside it now. */
bool renew_warn(struct renewer *n, int64_t chain_now_s, size_t *left, struct err *err);

#endif
