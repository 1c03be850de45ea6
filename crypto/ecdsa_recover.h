/* Which P-256 keys could have made this ECDSA signature? (SEC 1, 4.1.6) For signers that are known by a hash of their key alone. */
#ifndef CVM_CRYPTO_ECDSA_RECOVER_H
#define CVM_CRYPTO_ECDSA_RECOVER_H

#include "crypto/base/bytes.h"

/* digest, r and s: 32 bytes each, big-endian. Writes at most four keys and returns how many; 0 where r or s is out of range. */
size_t ecdsa_p256_recover(struct pubkey64 out[static 4], struct hash32 digest, const uint8_t r[static 32], const uint8_t s[static 32]);

#endif
