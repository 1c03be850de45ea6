/* A parsed public key (P-256, P-384, RSA) and what can be asked of it: does this signature fit this digest?
 * Holds no opinion on who owns the key. A key is parsed once and used often; it may be used from several threads.
 * P-256 by OpenSSL, P-384 by hogweed, RSA by gmp: whichever of the kept libraries is fastest. */
#ifndef CVM_CRYPTO_PUBKEY_H
#define CVM_CRYPTO_PUBKEY_H

#include "crypto/base/bytes.h"
#include "crypto/hash.h"

enum key_type { KEY_NONE = 0, KEY_P256, KEY_P384, KEY_RSA };

struct pubkey; /* opaque, heap, immutable */

/* xy: x then y, big-endian, 32 or 48 bytes each. ERR_CRYPTO: not a point of the curve. NULL on failure. */
struct pubkey *pubkey_from_ec(enum key_type curve, struct bytes xy, struct err *err);
/* modulus and exponent, big-endian. 2048 to 8192 bits, odd, exponent odd and at least 65537 and at most 64 bits; else ERR_CRYPTO. */
struct pubkey *pubkey_from_rsa(struct bytes n, struct bytes e, struct err *err);
/* SubjectPublicKeyInfo (RFC 5280), one of the three kinds; the whole of spki is used. */
struct pubkey *pubkey_from_spki(struct bytes spki, struct err *err);
void pubkey_free(struct pubkey *key);
void pubkey_freep(struct pubkey **key); /* for AUTO() */

enum key_type pubkey_type(const struct pubkey *key);
/* EC: x then y. RSA: empty. Borrowed. */
struct bytes pubkey_xy(const struct pubkey *key);
/* RSA modulus and exponent, big-endian without leading zeros. Borrowed. EC: empty. */
struct bytes pubkey_rsa_n(const struct pubkey *key);
struct bytes pubkey_rsa_e(const struct pubkey *key);
size_t pubkey_bits(const struct pubkey *key);
/* Same key material? (type and numbers) */
bool pubkey_eq(const struct pubkey *a, const struct pubkey *b);
/* Is this SubjectPublicKeyInfo that of the key? Cheaper than parsing it into a key of its own. */
bool pubkey_is_spki(const struct pubkey *key, struct bytes spki);
/* SubjectPublicKeyInfo appended to out: ecPublicKey uncompressed, or rsaEncryption with NULL. */
bool pubkey_to_spki(struct buf *out, const struct pubkey *key, struct err *err);
/* DER RSAPublicKey SEQUENCE { n, e } appended to out. ERR_CRYPTO where it is no RSA key. */
bool pubkey_to_rsa_der(struct buf *out, const struct pubkey *key, struct err *err);

/* Does the signature fit? Anything malformed is "no". No low-s rule.
 * ecdsa: over a digest of any length (its leftmost bits count); r and s big-endian, each as long as the field. */
bool pubkey_verify_ecdsa(const struct pubkey *key, struct bytes digest, struct bytes r, struct bytes s);
/* DER SEQUENCE { r, s }, strict */
bool pubkey_verify_ecdsa_der(const struct pubkey *key, struct bytes digest, struct bytes sig);
/* sig exactly as long as the modulus */
bool pubkey_verify_pkcs1(const struct pubkey *key, enum hash_alg alg, struct bytes digest, struct bytes sig);
/* MGF1 with the same hash; salt exactly salt_len bytes (at most 64); SHA-256, SHA-384, SHA-512 */
bool pubkey_verify_pss(const struct pubkey *key, enum hash_alg alg, size_t salt_len, struct bytes digest, struct bytes sig);

#endif
