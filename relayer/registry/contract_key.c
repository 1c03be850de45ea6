/* Keys and signatures as the contracts judge them. RSA by modexp and OpenZeppelin's padding check, which takes the
 * digest's algorithm with and without its NULL; P-256 by the precompile, which says no to anything odd. registry-v1 4
 * and 10. */
#include "relayer/registry/contract.h"

#include "crypto/base/auto.h"
#include "crypto/modexp.h"
#include "crypto/pubkey.h"

#define RSA_MAX 1024 /* bytes: the precompile's limit (EIP-7823) */

/* --- RSA --- */

static struct bytes trim_zeros(struct bytes n)
{
    size_t i = 0;
    while (i < n.len && n.p[i] == 0)
        i++;
    return i < n.len ? bytes_sub(n, i, n.len - i) : n;
}

bool rsa_rules(struct exec *x, struct bytes n, struct bytes e)
{
    uint64_t value = 0;
    bool large = false;
    if (n.len == 0)
        return stop_error(x, "RsaModulusEmpty()");
    if (e.len == 0)
        return stop_error(x, "RsaExponentEmpty()");
    if (n.len < 256 || n.len > 512)
        return stop_error(x, "InvalidRsaModulusSize()");
    if (!(n.p[n.len - 1] & 1))
        return stop_error(x, "RsaModulusNotOdd()");
    for (size_t i = 0; i < e.len && i < 32; i++) {
        large |= value >> 32 != 0;
        value = value << 8 | e.p[i];
    }
    if (!large && value < 65537)
        return stop_error(x, "InvalidRsaExponentSize()");
    if (e.len + (e.p[0] >= 0x80) >= 0x80)
        return stop_error(x, "InvalidRsaExponentSize()");
    return true;
}

bool key_rsa(struct exec *x, struct bytes *n, struct bytes *e, const struct contract_key *key)
{
    struct node root, modulus, exponent;
    if (!x->legacy && key->algo != ALG_RSA)
        return stop_error(x, "NotRsaPublicKey()");
    if (!x->legacy && (key->data.len < 10 || key->data.p[0] != 0x30))
        return stop_error(x, "InvalidRsaPubkeyFormat()");
    if (!der_root(x, &root, key->data) || !der_child(x, &modulus, key->data, root) ||
        !der_next(x, &exponent, key->data, modulus))
        return false;
    *n = trim_zeros(der_contents(key->data, modulus));
    *e = der_contents(key->data, exponent);
    return x->legacy || rsa_rules(x, *n, *e);
}

/* 00 01 ff.. 00 DigestInfo digest */
static bool padding_fits(const uint8_t *m, size_t len, struct hash32 digest)
{
    static const uint8_t with_null[] = {0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
                                        0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    static const uint8_t without[] = {0x00, 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86,
                                      0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};
    struct bytes info;
    if (m[len - 50] == 0x31)
        info = BYTES(with_null);
    else if (m[len - 48] == 0x2f)
        info = BYTES(without);
    else
        return false;
    size_t end = len - 32 - info.len;
    for (size_t i = 2; i < end; i++)
        if (m[i] != 0xff)
            return false;
    return m[0] == 0 && m[1] == 1 && memcmp(m + end, info.p, info.len) == 0 && memcmp(m + len - 32, digest.b, 32) == 0;
}

bool rsa_pkcs1_sha256(struct exec *x, bool *ok, struct hash32 digest, struct bytes sig, struct bytes e, struct bytes n)
{
    uint8_t m[RSA_MAX];
    *ok = false;
    if (n.len < 64 || n.len != sig.len || memcmp(sig.p, n.p, n.len) >= 0)
        return true;
    if (n.len > RSA_MAX || e.len > RSA_MAX)
        return stop_panic(x, PANIC_DIVISION);
    *ok = modexp(m, sig, e, n) && padding_fits(m, n.len, digest);
    return true;
}

/* --- P-256 --- */

bool p256_fits(struct hash32 digest, const uint8_t r[32], const uint8_t s[32], const uint8_t xy[64])
{
    AUTO(pubkey_freep) struct pubkey *key = pubkey_from_ec(KEY_P256, bytes_from(xy, 64), NULL);
    return key && pubkey_verify_ecdsa(key, BYTES_OF(digest), bytes_from(r, 32), bytes_from(s, 32));
}

static bool key_xy(struct exec *x, const uint8_t **xy, const struct contract_key *key)
{
    if (key->algo != ALG_ECC || key->params != CURVE_P256)
        return stop_error(x, "NotEcPublicKey()");
    if (key->data.len != 65 || key->data.p[0] != 0x04)
        return stop_error(x, "CompressedPublicKeyNotSupported()");
    *xy = key->data.p + 1;
    return true;
}

/* --- by a CertPubkey --- */

static bool verify_rsa(struct exec *x, bool *ok, const struct contract_key *key, struct hash32 digest, struct bytes sig,
                       const char *wrong_length)
{
    struct bytes n, e;
    if (!key_rsa(x, &n, &e, key))
        return false;
    if (sig.len != n.len)
        return stop_error(x, wrong_length);
    return rsa_pkcs1_sha256(x, ok, digest, sig, e, n);
}

static bool verify_p256(struct exec *x, bool *ok, const struct contract_key *key, struct hash32 digest,
                        struct bytes sig)
{
    const uint8_t *xy = NULL;
    if (!key_xy(x, &xy, key))
        return false;
    if (sig.len != 64)
        return stop_error(x, "IncorrectSignatureLength()");
    *ok = p256_fits(digest, sig.p, sig.p + 32, xy);
    return true;
}

bool key_verify(struct exec *x, bool *ok, const struct contract_key *key, uint16_t scheme, struct hash32 digest,
                struct bytes sig)
{
    if (key->algo == ALG_RSA && scheme == ALG_RSASSA)
        return verify_rsa(x, ok, key, digest, sig, "RsaSignatureSizeMismatchModulusSize()");
    if (key->algo == ALG_ECC && scheme == ALG_ECDSA && key->params == CURVE_P256)
        return verify_p256(x, ok, key, digest, sig);
    return stop_error_words(x, "UnsupportedSignatureScheme(uint16,uint16)",
                            (struct hash32[]){word_of(scheme), word_of(key->algo)}, 2);
}

/* --- G1a --- */

static bool verify_p256_legacy(struct exec *x, bool *ok, const struct contract_key *key, struct hash32 digest,
                               struct bytes sig)
{
    if (sig.len != 64)
        return stop_string(x, "Crypto: invalid secp256r1 signature length");
    if (key->data.len != 64)
        return stop_string(x, "Crypto: invalid P256 pubkey length");
    *ok = p256_fits(digest, sig.p, sig.p + 32, key->data.p);
    return true;
}

bool key_verify_legacy(struct exec *x, bool *ok, const struct contract_key *key, struct hash32 digest, struct bytes sig)
{
    struct bytes n, e;
    if (key->hash_algo != ALG_SHA256)
        return stop_string(x, "Crypto: unsupported hash algorithm");
    if (key->scheme == ALG_RSASSA)
        return key_rsa(x, &n, &e, key) && rsa_pkcs1_sha256(x, ok, digest, sig, e, n);
    if (key->scheme != ALG_ECDSA)
        return stop_string(x, "Crypto: unsupported signature scheme");
    if (key->params != CURVE_P256)
        return stop_string(x, "Crypto: unsupported EC");
    return verify_p256_legacy(x, ok, key, digest, sig);
}

/* --- the identity --- */

bool identity_verify(struct exec *x, bool *ok, const struct contract_key *key, struct bytes message, struct bytes sig)
{
    struct hash32 digest = sha256(message);
    if (key->hash_algo != ALG_SHA256)
        return stop_error_words(x,
                                x->legacy ? "UNSUPPORTED_HASH_ALGORITHM(uint16)" : "UnsupportedHashAlgorithm(uint16)",
                                (struct hash32[]){word_of(key->hash_algo)}, 1);
    if (x->legacy)
        return key_verify_legacy(x, ok, key, digest, sig);
    if (key->scheme == ALG_RSASSA)
        return verify_rsa(x, ok, key, digest, sig, "IncorrectSignatureLength()");
    if (key->scheme == ALG_ECDSA)
        return verify_p256(x, ok, key, digest, sig);
    return stop_error_words(x, "UnsupportedSignatureAlgorithm(uint16)", (struct hash32[]){word_of(key->scheme)}, 1);
}
