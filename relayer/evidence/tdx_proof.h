/* What of a pool of collateral holds under a set of roots, whatever the time: chains, signatures over signed JSON, CRL
 * signatures. Asked for one by one while a cold verification runs, or worked out for a whole pool beforehand and held
 * (collateral_prove): then a verification pays for its own three signatures alone. Dates and revocation are not part of it,
 * they depend on the time and are judged anew each time. */
#ifndef CVM_EVIDENCE_TDX_PROOF_H
#define CVM_EVIDENCE_TDX_PROOF_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/roots.h"

/* One item's. */
struct proof {
    bool known;              /* COLLATERAL_CERTS: the next five are filled in */
    enum chain_fault fault;  /* never one of the dates' */
    size_t root;             /* index into roots->root */
    size_t leaf;             /* index into the item's certs */
    int64_t not_before_s, not_after_s; /* of the whole chain */
    char why[200];           /* of a fault */
    const struct pubkey *by; /* signed JSON, CRL: a key under which the signature has been seen to hold */
};

struct proofs {
    const struct collateral *pool;
    const struct roots *roots;
    struct proof *of; /* one per item */
    bool held;        /* complete and shared: never written again */
    struct bytes good_root; /* DER of a self-signed root that has been verified already */
};

/* Fresh ones from mem; false without memory. */
bool proofs_init(struct proofs *out, struct arena *mem, const struct collateral *pool, const struct roots *roots);
/* The chain in a COLLATERAL_CERTS item, which may begin with a CA. */
const struct proof *proof_chain(struct proofs *p, const struct collateral_item *certs);
/* Does key verify the signature of a signed item, or of a CRL? */
bool proof_signed(struct proofs *p, const struct collateral_item *item, const struct pubkey *key);
/* Have these certificates been proved, a CA and what stands above it, byte for byte as some item's chain? *key: the CA's,
 * borrowed. NULL where they have not (or nobody asked). */
const struct proof *proof_of_cas(const struct pubkey **key, const struct proofs *p, const struct cert *cas, size_t num_cas);
/* Judge every item under roots and keep the answers with the pool, which must not change any more (nor roots). */
bool collateral_prove(struct collateral *pool, const struct roots *roots, struct err *err);

#endif
