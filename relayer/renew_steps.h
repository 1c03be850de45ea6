/* The steps of renew.c that are stories of their own. Private to renew*.c. */
#ifndef CVM_RENEW_STEPS_H
#define CVM_RENEW_STEPS_H

#include "relayer/evidence/bundle.h"
#include "relayer/renew.h"

/* One renewal on its way. */
struct work {
    struct renewer *n;
    struct renewal *out;
    struct onchain_identity on;
    uint64_t token;
    int64_t lease_s, now_s; /* now: the chain's */
    struct buf raw;         /* evidence as it came */
    struct bundle bundle;
};

/* renew_claim.c: that nobody else renews it at the same time. *got false, and why and result in out: somebody else is at it. */
bool renew_claim(struct work *w, bool *got, struct err *err);
/* renew_evidence.c: fresh, from the source or the file that was named, and this identity's. The call may change with it: a VM or an
 * agent that cannot re-attest is attested in full. */
bool renew_get_evidence(struct work *w, struct err *err);
/* A source or a pre hook that says no now may say yes the next time: nothing was refused that was looked at. False, always. */
bool renew_may_change_its_mind(struct err *err);

#endif
