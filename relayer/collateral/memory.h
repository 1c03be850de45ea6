/* What earlier verifications left behind (struct memory), kept in the store: high-water marks of collateral, clocks of TPMs. */
#ifndef CVM_COLLATERAL_MEMORY_H
#define CVM_COLLATERAL_MEMORY_H

#include "relayer/evidence/evidence.h"
#include "relayer/store/db.h"

/* Borrows db; one thread at a time. A store that cannot be read counts as one that has seen nothing; one that cannot be
 * written is not an error here: the marks are a second line. */
struct memory memory_of(struct db *db);

#endif
