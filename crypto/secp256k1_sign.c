#include "crypto/secp256k1_sign.h"

#include "crypto/base/auto.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

/* half the group order, rounded down (EIP-2) */
static const uint8_t half_order[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
};

static void context_free(secp256k1_context **ctx)
{
    if (*ctx)
        secp256k1_context_destroy(*ctx);
}

/* A context of its own for each use of a secret, blinded against side channels. */
static secp256k1_context *context_for_secrets(struct err *err)
{
    secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    uint8_t seed[32];
    if (!ctx || !ct_random(seed, sizeof seed) || !secp256k1_context_randomize(ctx, seed)) {
        context_free(&ctx);
        err_set(err, ERR_NOMEM, "secp256k1: no memory or no randomness");
        return NULL;
    }
    ct_wipe(seed, sizeof seed);
    return ctx;
}

bool secp_key_check(const struct secp_key *key, struct err *err)
{
    if (secp256k1_ec_seckey_verify(secp256k1_context_static, key->b))
        return true;
    return err_set(err, ERR_CRYPTO, "secp256k1 key: zero or not below the group order");
}

bool secp_key_new(struct secp_key *out, struct err *err)
{
    struct secp_key key;
    do {
        if (!ct_random(key.b, sizeof key.b))
            return err_set(err, ERR_NOMEM, "secp256k1 key: no randomness");
    } while (!secp_key_check(&key, NULL));
    *out = key;
    secp_key_wipe(&key);
    return true;
}

void secp_key_wipe(struct secp_key *key)
{
    ct_wipe(key, sizeof *key);
}

static struct addr20 address_of(const secp256k1_context *ctx, const secp256k1_pubkey *pubkey)
{
    uint8_t point[65];
    size_t len = sizeof point;
    secp256k1_ec_pubkey_serialize(ctx, point, &len, pubkey, SECP256K1_EC_UNCOMPRESSED);
    struct hash32 hash = keccak256(bytes_from(point + 1, 64));
    struct addr20 addr;
    memcpy(addr.b, hash.b + 12, sizeof addr.b);
    return addr;
}

bool secp_address(struct addr20 *out, const struct secp_key *key, struct err *err)
{
    AUTO(context_free) secp256k1_context *ctx = context_for_secrets(err);
    if (!ctx || !secp_key_check(key, err))
        return false;
    secp256k1_pubkey pubkey;
    if (!secp256k1_ec_pubkey_create(ctx, &pubkey, key->b))
        return err_set(err, ERR_CRYPTO, "secp256k1: no public key");
    *out = address_of(ctx, &pubkey);
    return true;
}

bool secp_sign(struct secp_sig *out, const struct secp_key *key, struct hash32 digest, struct err *err)
{
    AUTO(context_free) secp256k1_context *ctx = context_for_secrets(err);
    if (!ctx || !secp_key_check(key, err))
        return false;
    secp256k1_ecdsa_recoverable_signature sig;
    uint8_t compact[64];
    int recovery_id;
    if (!secp256k1_ecdsa_sign_recoverable(ctx, &sig, digest.b, key->b, secp256k1_nonce_function_rfc6979, NULL))
        return err_set(err, ERR_CRYPTO, "secp256k1: cannot sign");
    secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, compact, &recovery_id, &sig);
    /* Bit 1 says that r wrapped around the order, one in 2^127: Ethereum has no place for it. */
    if (recovery_id > 1)
        return err_set(err, ERR_CRYPTO, "secp256k1: recovery id %d", recovery_id);
    memcpy(out->r, compact, 32);
    memcpy(out->s, compact + 32, 32);
    out->y_parity = (uint8_t)recovery_id;
    return true;
}

bool secp_recover(struct addr20 *out, const struct secp_sig *sig, struct hash32 digest, struct err *err)
{
    uint8_t compact[64];
    memcpy(compact, sig->r, 32);
    memcpy(compact + 32, sig->s, 32);
    if (sig->y_parity > 1)
        return err_set(err, ERR_CRYPTO, "signature: y parity %d", sig->y_parity);
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey pubkey;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &parsed, compact, sig->y_parity) ||
        !secp256k1_ecdsa_recover(ctx, &pubkey, &parsed, digest.b))
        return err_set(err, ERR_CRYPTO, "signature: r or s out of range, or no such point");
    *out = address_of(ctx, &pubkey);
    return true;
}

bool secp_is_low_s(const uint8_t s[32])
{
    return memcmp(s, half_order, sizeof half_order) <= 0;
}
