/* The account's key: recoverable low-s ECDSA (RFC 6979) on secp256k1, public key and address. Wipes what it held.
 * libsecp256k1; Ethereum Yellow Paper, appendix F. */
#ifndef CVM_CRYPTO_SECP256K1_SIGN_H
#define CVM_CRYPTO_SECP256K1_SIGN_H

#include "crypto/base/bytes.h"

struct secp_key {
    uint8_t b[32];
};
struct secp_sig {
    uint8_t r[32], s[32]; /* big-endian, s in the lower half */
    uint8_t y_parity;     /* 0 or 1 */
};

/* ERR_CRYPTO: zero or not below the group order. */
bool secp_key_check(const struct secp_key *key, struct err *err);
bool secp_key_new(struct secp_key *out, struct err *err);
void secp_key_wipe(struct secp_key *key);
bool secp_address(struct addr20 *out, const struct secp_key *key, struct err *err);
bool secp_sign(struct secp_sig *out, const struct secp_key *key, struct hash32 digest, struct err *err);
/* Address that signed. ERR_CRYPTO: no such point, r or s zero or too large. */
bool secp_recover(struct addr20 *out, const struct secp_sig *sig, struct hash32 digest, struct err *err);
/* s in the lower half of the order (EIP-2)? */
bool secp_is_low_s(const uint8_t s[32]);

#endif
