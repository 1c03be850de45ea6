/* CVM identity keys: a P-256 or RSA private key made, stored as PKCS#8 PEM (encrypted with a passphrase or not), used to sign.
 * Wipes what it held. */
#ifndef CVM_CRYPTO_PRIVATE_KEY_H
#define CVM_CRYPTO_PRIVATE_KEY_H

#include "crypto/base/bytes.h"
#include "crypto/pubkey.h"

struct private_key; /* opaque, heap */

struct private_key *private_key_new_p256(struct err *err);
/* bits: 2048 to 4096, a multiple of 8: what the registry takes. Exponent 65537. */
struct private_key *private_key_new_rsa(unsigned bits, struct err *err);
/* PEM PKCS#8 (or SEC1/PKCS#1), P-256 or RSA of 2048 bits or more. passphrase: empty when there is none. ERR_CRYPTO: wrong
 * passphrase, other kind of key. ERR_FORMAT: no PEM key. */
struct private_key *private_key_from_pem(struct bytes pem, struct bytes passphrase, struct err *err);
/* PKCS#8 PEM appended to out (wipe it); AES-256-CBC with PBKDF2 where the passphrase is not empty. */
bool private_key_to_pem(struct buf *out, const struct private_key *key, struct bytes passphrase, struct err *err);
void private_key_free(struct private_key *key);
void private_key_freep(struct private_key **key);
/* Borrowed. */
const struct pubkey *private_key_public(const struct private_key *key);
/* Signature over SHA-256(message): P-256 as r then s (64 bytes), RSA as PKCS#1 v1.5 (modulus length), appended to out. */
bool private_key_sign_sha256(struct buf *out, const struct private_key *key, struct bytes message, struct err *err);

#endif
