#include "crypto/ecdsa_recover.h"

#include "crypto/base/auto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

static void done_group(EC_GROUP **g)
{
    EC_GROUP_free(*g);
}
static void done_ctx(BN_CTX **c)
{
    if (*c)
        BN_CTX_end(*c);
    BN_CTX_free(*c);
}
static void done_point(EC_POINT **p)
{
    EC_POINT_free(*p);
}

struct recovery {
    EC_GROUP *group;
    BN_CTX *ctx;
    const BIGNUM *order;
    BIGNUM *u1, *u2; /* -e/r and s/r */
};

/* Q = -e/r G + s/r R, for the R with this x and parity */
static bool key_of(struct pubkey64 *out, const struct recovery *c, const BIGNUM *x, int odd)
{
    AUTO(done_point) EC_POINT *R = EC_POINT_new(c->group);
    AUTO(done_point) EC_POINT *Q = EC_POINT_new(c->group);
    uint8_t point[65];
    if (!R || !Q || EC_POINT_set_compressed_coordinates(c->group, R, x, odd, c->ctx) != 1 ||
        EC_POINT_mul(c->group, Q, c->u1, R, c->u2, c->ctx) != 1 || EC_POINT_is_at_infinity(c->group, Q) ||
        EC_POINT_point2oct(c->group, Q, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, c->ctx) != sizeof point)
        return false;
    memcpy(out->b, point + 1, sizeof out->b);
    return true;
}

static bool in_range(const BIGNUM *v, const BIGNUM *order)
{
    return !BN_is_zero(v) && BN_cmp(v, order) < 0;
}

size_t ecdsa_p256_recover(struct pubkey64 out[static 4], struct hash32 digest, const uint8_t r[static 32],
                          const uint8_t s[static 32])
{
    AUTO(done_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    AUTO(done_ctx) BN_CTX *ctx = BN_CTX_new();
    if (!group || !ctx)
        return 0;
    BN_CTX_start(ctx);
    const BIGNUM *order = EC_GROUP_get0_order(group), *field = EC_GROUP_get0_field(group);
    BIGNUM *rn = BN_CTX_get(ctx), *sn = BN_CTX_get(ctx), *e = BN_CTX_get(ctx), *inv = BN_CTX_get(ctx),
           *x = BN_CTX_get(ctx);
    struct recovery c = {.group = group, .ctx = ctx, .order = order, .u1 = BN_CTX_get(ctx), .u2 = BN_CTX_get(ctx)};
    if (!c.u2 || !BN_bin2bn(r, 32, rn) || !BN_bin2bn(s, 32, sn) || !BN_bin2bn(digest.b, 32, e) ||
        !in_range(rn, order) || !in_range(sn, order) || !BN_mod_inverse(inv, rn, order, ctx) ||
        !BN_mod_mul(c.u2, sn, inv, order, ctx) || !BN_mod_mul(c.u1, e, inv, order, ctx) ||
        !BN_mod_sub(c.u1, BN_value_one(), c.u1, order, ctx) || !BN_mod_sub(c.u1, c.u1, BN_value_one(), order, ctx) ||
        !BN_copy(x, rn))
        return 0;
    size_t n = 0;
    /* r is x modulo the order, which is a little less than the field */
    for (int lap = 0; lap < 2 && BN_cmp(x, field) < 0; lap++) {
        for (int odd = 0; odd < 2; odd++)
            n += key_of(&out[n], &c, x, odd);
        if (!BN_add(x, x, order))
            break;
    }
    return n;
}
