/* A rotation that begins here: the new key is made (or, where an earlier run was cut short, found again), on disk and noted in
 * the store before the source is asked for evidence that carries it. Sending it is relay.h's. */
#ifndef CVM_ROTATE_H
#define CVM_ROTATE_H

#include "relayer/relay.h"

/* Evidence for moving this registered identity to a new key, from the configured source (or the one that the identity is tracked
 * with). ERR_USAGE: no source. ERR_NET, ERR_FORMAT, ERR_REFUSED: as the source says; the evidence is another key's. */
bool rotate_begin(struct relay *r, struct bundle *out, struct hash32 from, struct err *err);

#endif
