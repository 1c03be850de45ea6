/* The attestation key that the registry keeps of an identity, by which it judges re-attestations (registry-v1 5; G1a keeps none),
 * and whether evidence comes with that one. */
#ifndef CVM_KEPT_AK_H
#define CVM_KEPT_AK_H

#include "crypto/pubkey.h"
#include "relayer/onchain.h"

/* *out: the caller's, NULL where none is kept. */
bool kept_ak(struct pubkey **out, const struct onchain_identity *on, struct err *err);
/* Does the evidence name an attestation key, and is it not this one? kept may be NULL: no. */
bool kept_ak_is_other(const struct pubkey *kept, const struct bundle *bundle);

#endif
