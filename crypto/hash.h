/* SHA-1, SHA-256, SHA-384 and SHA-512 in one call or streamed, through OpenSSL.
 * SHA-1 is here because old event logs and TPM banks carry it; nothing trusts it. */
#ifndef CVM_CRYPTO_HASH_H
#define CVM_CRYPTO_HASH_H

#include "crypto/base/bytes.h"

enum hash_alg { HASH_NONE = 0, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define HASH_MAX 64

struct digest {
    uint8_t b[HASH_MAX];
    size_t len;
};

size_t hash_size(enum hash_alg alg); /* bytes; 0 for HASH_NONE */
const char *hash_name(enum hash_alg alg); /* "sha256" */
/* HASH_NONE where the name is unknown. */
enum hash_alg hash_from_name(const char *name);

struct digest hash_of(enum hash_alg alg, struct bytes in);
/* of several parts, one after the other */
struct digest hash_parts(enum hash_alg alg, const struct bytes *parts, size_t num_parts);
struct hash32 sha256(struct bytes in);
struct hash48 sha384(struct bytes in);
/* SHA-256 (SHA-384) of a then b: one step of a PCR (RTMR) extension. */
struct hash32 sha256_2(struct bytes a, struct bytes b);
struct hash48 sha384_2(struct bytes a, struct bytes b);

static inline struct bytes digest_view(const struct digest *d)
{
    return bytes_from(d->b, d->len);
}

#endif
