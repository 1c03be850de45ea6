/* Constant-time compare and wipe, for secrets. */
#ifndef CVM_CRYPTO_CT_H
#define CVM_CRYPTO_CT_H

#include <stdbool.h>
#include <stddef.h>

bool ct_eq(const void *a, const void *b, size_t len);
void ct_wipe(void *p, size_t len);
/* Random bytes from the system. False only when there are none to be had. */
bool ct_random(void *out, size_t len);

#endif
