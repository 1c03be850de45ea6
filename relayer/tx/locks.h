/* Who sends for an account, and who takes care of an intent: byte locks on one file per chain and account, which the
 * kernel takes back from a dead process. Open-file-description locks: two handles in one process exclude each other as
 * well. */
#ifndef CVM_TX_LOCKS_H
#define CVM_TX_LOCKS_H

#include "crypto/base/bytes.h"

/* dir/locks/CHAIN-ACCOUNT, made where it is missing; *fd is closed by the caller. */
bool locks_open(int *fd, const char *dir, uint64_t chain_id, struct addr20 account, struct err *err);
/* The account's sender. False with ERR_STORE after timeout_ms. */
bool locks_take_sender(int fd, int64_t timeout_ms, struct err *err);
void locks_drop_sender(int fd);
/* An intent, if nobody else has it. */
bool locks_try_intent(int fd, int64_t id);
void locks_drop_intent(int fd, int64_t id);

#endif
