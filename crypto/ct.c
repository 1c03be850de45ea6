#include "crypto/ct.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

bool ct_eq(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void ct_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

bool ct_random(void *out, size_t len)
{
    return len <= 1 << 20 && RAND_bytes(out, (int)len) == 1;
}
