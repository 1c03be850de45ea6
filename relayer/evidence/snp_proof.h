/* What of a pool of collateral holds under AMD's roots, whatever the time: worked out for all of its leaves beforehand
 * and held with it (collateral_prove), so that a verification pays for the report's signature alone. Dates and
 * revocation are not part of it, they are judged anew each time. */
#ifndef CVM_EVIDENCE_SNP_PROOF_H
#define CVM_EVIDENCE_SNP_PROOF_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/snp_certs.h"

struct snp_proofs;

/* Judge the chain of every VCEK and VLEK in the pool and keep those that hold. collateral_prove does it. */
bool snp_prove(struct collateral *pool, const struct roots *roots, struct err *err);
/* The root under which this very chain was found to hold; NULL where it was not, or nobody asked. pool may be NULL. */
const struct pinned_root *snp_proof_of(const struct collateral *pool, const struct roots *roots,
                                       const struct snp_chain *chain);
/* Was this CRL of the pool found to be signed by this very key? */
bool snp_crl_proved(const struct collateral *pool, const struct roots *roots, const struct crl *crl,
                    const struct pubkey *key);

#endif
