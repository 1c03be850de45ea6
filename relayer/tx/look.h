/* One look at the chain for several tasks; each is told what it saw. Private to relayer/tx. */
#ifndef CVM_TX_LOOK_H
#define CVM_TX_LOOK_H

#include "relayer/tx/task.h"

/* gap_below: the highest nonce that waits for a lower one which nobody holds; 0: none. */
bool txe_look(struct txe *txe, struct task **tasks, size_t n, uint64_t *gap_below, struct err *err);

#endif
