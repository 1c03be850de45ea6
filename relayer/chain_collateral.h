/* What the chain itself judges TDX quotes with: Intel's documents as the on-chain PCCS holds them, and when the first
 * of them ends. From then on the registry refuses every quote of that platform, until somebody has brought newer ones.
 * Reads alone. registry-v1 2 (workloadVerifier, dcapAttestation); automata-dcap-attestation, PCCSRouter;
 * automata-on-chain-pccs, the DAOs. */
#ifndef CVM_CHAIN_COLLATERAL_H
#define CVM_CHAIN_COLLATERAL_H

#include "relayer/session.h"
#include "relayer/store/collateral.h"

/* As it stands at the latest block. ERR_REFUSED, ERR_CHAIN: this deployment has not got these views, or not these
 * documents. */
bool chain_collateral_read(const struct onchain *chain, struct chain_collateral_row *out, const uint8_t fmspc[static 6],
                           struct err *err);
/* Read anew for every platform of the session's registry that was last read more than an hour ago; identities whose end
 * has moved are planned anew by the next planning_redo. What cannot be read is noted, and is no failure; ERR_NET and
 * the like are. */
bool chain_collateral_refresh(struct session *s, struct err *err);

#endif
