/* base^e mod n on big-endian numbers of any size: the EVM's precompile at 0x05 (EIP-198), which contracts verify RSA with.
 * Public values alone: the time it takes tells them. */
#ifndef CVM_CRYPTO_MODEXP_H
#define CVM_CRYPTO_MODEXP_H

#include "crypto/base/bytes.h"

/* out: as long as n. False where n is 0 or empty. */
bool modexp(uint8_t *out, struct bytes base, struct bytes e, struct bytes n);

#endif
