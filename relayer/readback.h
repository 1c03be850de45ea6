/* What the registry says after a call was mined. Success is what it says at the receipt's block, not the receipt: somebody else may
 * have sent our evidence first, unchanged or with other flags. Asked from the call's own bytes, so that a transaction of an earlier
 * run, or one that was signed elsewhere, is asked about in the same way. A call that is not the registry's has the receipt alone. */
#ifndef CVM_READBACK_H
#define CVM_READBACK_H

#include "relayer/onchain.h"
#include "relayer/tx/engine.h"

struct readback {
    struct rpc *rpc;
    struct onchain chain; /* the registry; zeroed, or another's than the call's target: probed when first needed */
    /* The measurement that the intent with this key must leave, where more is known than its bytes say (a re-attestation is
     * measured against the report that the registry keeps); zero: nothing more. */
    struct hash32 key, measurement;
};

/* For txe_hooks: registry is a struct readback. */
enum txm_readback readback_ask(void *registry, const struct tx_status *status, struct bytes calldata, char *note, size_t note_size);

#endif
