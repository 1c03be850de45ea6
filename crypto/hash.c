#include "crypto/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

static const struct {
    const char *name;
    size_t size;
} algs[] = {
    [HASH_NONE] = {"none", 0},       [HASH_SHA1] = {"sha1", 20},     [HASH_SHA256] = {"sha256", 32},
    [HASH_SHA384] = {"sha384", 48},  [HASH_SHA512] = {"sha512", 64},
};

size_t hash_size(enum hash_alg alg)
{
    return algs[alg].size;
}

const char *hash_name(enum hash_alg alg)
{
    return algs[alg].name;
}

enum hash_alg hash_from_name(const char *name)
{
    for (int i = HASH_SHA1; i <= HASH_SHA512; i++)
        if (strcmp(name, algs[i].name) == 0)
            return (enum hash_alg)i;
    return HASH_NONE;
}

/* Fetched once per process: an implicit fetch at each digest costs more than hashing a small input does. */
static const EVP_MD *md_of(enum hash_alg alg)
{
    static EVP_MD *fetched[HASH_SHA512 + 1];
    EVP_MD *md = __atomic_load_n(&fetched[alg], __ATOMIC_ACQUIRE);
    if (md)
        return md;
    EVP_MD *mine = EVP_MD_fetch(NULL, algs[alg].name, NULL);
    if (!mine)
        abort(); /* an OpenSSL without SHA-2 cannot be worked with */
    EVP_MD *none = NULL;
    if (__atomic_compare_exchange_n(&fetched[alg], &none, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return mine;
    EVP_MD_free(mine);
    return none;
}

struct digest hash_parts(enum hash_alg alg, const struct bytes *parts, size_t num_parts)
{
    struct digest d = {.len = algs[alg].size};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex2(ctx, md_of(alg), NULL) == 1;
    for (size_t i = 0; ok && i < num_parts; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, d.b, NULL) != 1)
        abort(); /* no memory: a wrong digest must never come back */
    EVP_MD_CTX_free(ctx);
    return d;
}

struct digest hash_of(enum hash_alg alg, struct bytes in)
{
    return hash_parts(alg, &in, 1);
}

struct hash32 sha256(struct bytes in)
{
    return sha256_2(in, (struct bytes){0});
}

struct hash48 sha384(struct bytes in)
{
    return sha384_2(in, (struct bytes){0});
}

struct hash32 sha256_2(struct bytes a, struct bytes b)
{
    struct hash32 out;
    struct digest d = hash_parts(HASH_SHA256, (struct bytes[]){a, b}, 2);
    memcpy(out.b, d.b, sizeof out.b);
    return out;
}

struct hash48 sha384_2(struct bytes a, struct bytes b)
{
    struct hash48 out;
    struct digest d = hash_parts(HASH_SHA384, (struct bytes[]){a, b}, 2);
    memcpy(out.b, d.b, sizeof out.b);
    return out;
}
