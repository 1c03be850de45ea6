#include "crypto/modexp.h"

#include "crypto/base/auto.h"

#include <limits.h>
#include <openssl/bn.h>

static void bn_freep(BIGNUM **n)
{
    BN_free(*n);
}

static void ctx_freep(BN_CTX **ctx)
{
    BN_CTX_free(*ctx);
}

static BIGNUM *number(struct bytes b)
{
    return b.len > INT_MAX ? NULL : BN_bin2bn(b.p, (int)b.len, NULL);
}

bool modexp(uint8_t *out, struct bytes base, struct bytes e, struct bytes n)
{
    AUTO(ctx_freep) BN_CTX *ctx = BN_CTX_new();
    AUTO(bn_freep) BIGNUM *b = number(base), *x = number(e), *m = number(n), *r = BN_new();
    if (!ctx || !b || !x || !m || !r || BN_is_zero(m))
        return false;
    return BN_mod_exp(r, b, x, m, ctx) && BN_bn2binpad(r, out, (int)n.len) >= 0;
}
