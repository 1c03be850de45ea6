/* Web3 Secret Storage, version 3: the paying account's key under a passphrase, as geth, Foundry and ethers read and
 * write it. AES-128-CTR, Keccak-256 MAC, scrypt or PBKDF2-HMAC-SHA256; the cost of the latter is bounded before it is
 * paid. */
#ifndef CVM_TX_KEYSTORE_H
#define CVM_TX_KEYSTORE_H

#include "crypto/secp256k1_sign.h"

/* ERR_FORMAT: not such a file, other version, wrong types, more than 512 MB or 10 million rounds. ERR_CRYPTO: wrong
 * passphrase (or damaged: the MAC cannot tell), or the address in the file is not the key's. */
bool keystore_decrypt(struct secp_key *out, struct bytes json, struct bytes passphrase, struct err *err);
/* The address in a keystore, without opening it. ERR_FORMAT where it has none. */
bool keystore_address(struct addr20 *out, struct bytes json, struct err *err);
/* scrypt n = 2^18, r = 8, p = 1 (light: n = 2^12, p = 6), appended to out. */
bool keystore_encrypt(struct buf *out, const struct secp_key *key, struct bytes passphrase, bool light,
                      struct err *err);

#endif
