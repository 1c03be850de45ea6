#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY and ECDSA_do_verify, see below */
#include "crypto/pubkey.h"

#include "crypto/base/auto.h"
#include "crypto/base/der.h"

#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/nettle-meta.h>
#include <nettle/pss.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

/* Which library does what, by measured cost of one cold check (key made, signature checked; OpenSSL 3.0, nettle 3.8,
 * one machine): a key through EVP costs 45 us by fromdata and 280 us by d2i_PUBKEY before anything is verified, an
 * EC_KEY on a shared group 5 us. P-256: OpenSSL's assembly 111 us, hogweed 251. P-384: hogweed 718 us, OpenSSL 1270.
 * RSA-4096: gmp 126 us, OpenSSL 121 and 26 more to set up a new key. So P-256 goes through the low-level calls that 3.0
 * calls deprecated, and the rest through hogweed and gmp. Nothing here is secret, so variable time is fine. */

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define RSA_MAX_E    8

struct pubkey {
    enum key_type type;
    size_t bits;
    uint8_t num[RSA_MAX_BITS / 8 + RSA_MAX_E]; /* EC: x then y. RSA: n then e, without leading zeros. */
    size_t n_len, e_len;
    EC_KEY *p256;
    struct ecc_point p384;
    mpz_t n, e;
};

static const struct bytes oid_ec = BYTES_LIT("\x2a\x86\x48\xce\x3d\x02\x01");
static const struct bytes oid_p256 = BYTES_LIT("\x2a\x86\x48\xce\x3d\x03\x01\x07");
static const struct bytes oid_p384 = BYTES_LIT("\x2b\x81\x04\x00\x22");
static const struct bytes oid_rsa = BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");

static size_t field_size(enum key_type type)
{
    return type == KEY_P256 ? 32 : type == KEY_P384 ? 48 : 0;
}

void pubkey_free(struct pubkey *key)
{
    if (!key)
        return;
    EC_KEY_free(key->p256);
    if (key->type == KEY_P384)
        ecc_point_clear(&key->p384);
    if (key->type == KEY_RSA)
        mpz_clears(key->n, key->e, NULL);
    free(key);
}

void pubkey_freep(struct pubkey **key)
{
    pubkey_free(*key);
}

static void mpz_from(mpz_t out, struct bytes in)
{
    mpz_import(out, in.len, 1, 1, 1, 0, in.p);
}

/* --- making one --- */

static struct pubkey *key_new(enum key_type type, struct err *err)
{
    struct pubkey *key = calloc(1, sizeof *key);
    if (!key) {
        err_set(err, ERR_NOMEM, "public key: no memory");
        return NULL;
    }
    key->type = type;
    if (type == KEY_P384)
        ecc_point_init(&key->p384, nettle_get_secp_384r1());
    if (type == KEY_RSA)
        mpz_inits(key->n, key->e, NULL);
    return key;
}

/* Made once per process: a group costs more than all the rest of a key. */
static const EC_GROUP *group_of(enum key_type curve)
{
    static EC_GROUP *made[KEY_P384 + 1];
    EC_GROUP *group = __atomic_load_n(&made[curve], __ATOMIC_ACQUIRE);
    if (group)
        return group;
    EC_GROUP *mine = EC_GROUP_new_by_curve_name(curve == KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    EC_GROUP *none = NULL;
    if (__atomic_compare_exchange_n(&made[curve], &none, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return mine;
    EC_GROUP_free(mine);
    return none;
}

/* NULL: not on the curve, or no memory. */
static EC_KEY *ec_key_from(enum key_type curve, struct bytes xy)
{
    uint8_t point[1 + 2 * 48] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, xy.p, xy.len);
    const EC_GROUP *group = group_of(curve);
    EC_KEY *key = EC_KEY_new();
    if (group && key && EC_KEY_set_group(key, group) == 1 && EC_KEY_oct2key(key, point, 1 + xy.len, NULL) == 1)
        return key;
    EC_KEY_free(key);
    return NULL;
}

static bool set_p256(struct pubkey *key, struct bytes xy)
{
    key->p256 = ec_key_from(KEY_P256, xy);
    return key->p256 != NULL;
}

static bool set_p384(struct pubkey *key, struct bytes xy)
{
    mpz_t x, y;
    mpz_init(x);
    mpz_init(y);
    mpz_from(x, bytes_sub(xy, 0, 48));
    mpz_from(y, bytes_sub(xy, 48, 48));
    bool ok = ecc_point_set(&key->p384, x, y) == 1; /* in range and on the curve */
    mpz_clear(x);
    mpz_clear(y);
    return ok;
}

struct pubkey *pubkey_from_ec(enum key_type curve, struct bytes xy, struct err *err)
{
    size_t size = field_size(curve);
    if (size == 0 || xy.len != 2 * size) {
        err_set(err, ERR_CRYPTO, "EC key: want x and y of P-256 or P-384, got %zu bytes", xy.len);
        return NULL;
    }
    AUTO(pubkey_freep) struct pubkey *key = key_new(curve, err);
    if (!key)
        return NULL;
    if (!(curve == KEY_P256 ? set_p256(key, xy) : set_p384(key, xy))) {
        err_set(err, ERR_CRYPTO, "EC key: not a point of P-%zu", size * 8);
        return NULL;
    }
    key->bits = size * 8;
    memcpy(key->num, xy.p, xy.len);
    return STEAL(key);
}

static struct bytes without_zeros(struct bytes v)
{
    while (v.len > 0 && v.p[0] == 0)
        v = bytes_sub(v, 1, v.len - 1);
    return v;
}

static size_t bit_len(struct bytes v)
{
    size_t bits = v.len * 8;
    for (unsigned top = v.len ? v.p[0] : 0x80; !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

struct pubkey *pubkey_from_rsa(struct bytes n, struct bytes e, struct err *err)
{
    n = without_zeros(n);
    e = without_zeros(e);
    size_t bits = bit_len(n);
    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS || !(n.p[n.len - 1] & 1)) {
        err_set(err, ERR_CRYPTO, "RSA key: modulus of %zu bits, want an odd one of %d to %d", bits, RSA_MIN_BITS,
                RSA_MAX_BITS);
        return NULL;
    }
    if (bit_len(e) < 17 || e.len > RSA_MAX_E || !(e.p[e.len - 1] & 1)) {
        err_set(err, ERR_CRYPTO, "RSA key: exponent of %zu bits, want an odd one from 65537 to 64 bits", bit_len(e));
        return NULL;
    }
    AUTO(pubkey_freep) struct pubkey *key = key_new(KEY_RSA, err);
    if (!key)
        return NULL;
    mpz_from(key->n, n);
    mpz_from(key->e, e);
    key->bits = bits;
    key->n_len = n.len;
    key->e_len = e.len;
    memcpy(key->num, n.p, n.len);
    memcpy(key->num + n.len, e.p, e.len);
    return STEAL(key);
}

/* What a SubjectPublicKeyInfo says: x and y together in a, or modulus in a and exponent in b. */
struct spki {
    enum key_type type;
    struct bytes a, b;
};

static bool spki_ec(struct spki *out, struct der *alg, struct bytes point, struct err *err)
{
    struct bytes curve = der_take(alg, DER_OID, "curve");
    if (!der_finish(alg, err))
        return false;
    out->type = bytes_eq(curve, oid_p256) ? KEY_P256 : bytes_eq(curve, oid_p384) ? KEY_P384 : KEY_NONE;
    if (out->type == KEY_NONE || point.len == 0 || point.p[0] != POINT_CONVERSION_UNCOMPRESSED)
        return err_set(err, ERR_CRYPTO, "want an uncompressed point of P-256 or P-384");
    out->a = bytes_sub(point, 1, point.len - 1);
    return true;
}

static bool spki_rsa(struct spki *out, struct der *alg, struct bytes rsa_key, struct err *err)
{
    struct bytes null = der_take(alg, DER_NULL, "parameters");
    if (null.len != 0)
        der_fail(alg, "parameters", "NULL with contents");
    struct der outer = der_from(rsa_key);
    struct der d = der_enter(&outer, DER_SEQUENCE, "RSAPublicKey");
    out->type = KEY_RSA;
    out->a = der_uint(&d, RSA_MAX_BITS / 8, "modulus");
    out->b = der_uint(&d, RSA_MAX_E, "exponent");
    return der_finish(alg, err) && der_finish(&d, err) && der_finish(&outer, err);
}

static bool spki_parse(struct spki *out, struct bytes in, struct err *err)
{
    struct der outer = der_from(in);
    struct der d = der_enter(&outer, DER_SEQUENCE, "SubjectPublicKeyInfo");
    struct der alg = der_enter(&d, DER_SEQUENCE, "algorithm");
    struct bytes oid = der_take(&alg, DER_OID, "algorithm");
    struct bytes bits = der_bits(&d, "key");
    if (!der_finish(&d, err) || !der_finish(&outer, err) || !der_ok(&alg, err))
        return false;
    if (bytes_eq(oid, oid_ec))
        return spki_ec(out, &alg, bits, err);
    if (bytes_eq(oid, oid_rsa))
        return spki_rsa(out, &alg, bits, err);
    return err_set(err, ERR_CRYPTO, "neither ecPublicKey nor rsaEncryption");
}

struct pubkey *pubkey_from_spki(struct bytes spki, struct err *err)
{
    struct spki parts = {0};
    struct pubkey *key = NULL;
    if (spki_parse(&parts, spki, err))
        key = parts.type == KEY_RSA ? pubkey_from_rsa(parts.a, parts.b, err) : pubkey_from_ec(parts.type, parts.a, err);
    if (!key)
        err_wrap(err, "public key");
    return key;
}

/* --- asking it --- */

enum key_type pubkey_type(const struct pubkey *key)
{
    return key->type;
}

size_t pubkey_bits(const struct pubkey *key)
{
    return key->bits;
}

struct bytes pubkey_xy(const struct pubkey *key)
{
    return bytes_from(key->num, 2 * field_size(key->type));
}

struct bytes pubkey_rsa_n(const struct pubkey *key)
{
    return bytes_from(key->num, key->n_len);
}

struct bytes pubkey_rsa_e(const struct pubkey *key)
{
    return bytes_from(key->num + key->n_len, key->e_len);
}

bool pubkey_eq(const struct pubkey *a, const struct pubkey *b)
{
    return a->type == b->type && bytes_eq(pubkey_xy(a), pubkey_xy(b)) && bytes_eq(pubkey_rsa_n(a), pubkey_rsa_n(b)) &&
           bytes_eq(pubkey_rsa_e(a), pubkey_rsa_e(b));
}

bool pubkey_is_spki(const struct pubkey *key, struct bytes spki)
{
    struct spki parts = {0};
    if (!spki_parse(&parts, spki, NULL) || parts.type != key->type)
        return false;
    if (key->type == KEY_RSA)
        return bytes_eq(pubkey_rsa_n(key), parts.a) && bytes_eq(pubkey_rsa_e(key), parts.b);
    return bytes_eq(pubkey_xy(key), parts.a);
}

/* --- writing it --- */

static void put_header(struct buf *out, int tag, size_t len)
{
    buf_u8(out, (uint8_t)tag);
    if (len >= 0x100) {
        buf_u8(out, 0x82);
        buf_u16be(out, (uint16_t)len);
        return;
    }
    if (len >= 0x80)
        buf_u8(out, 0x81);
    buf_u8(out, (uint8_t)len);
}

static void put_uint(struct buf *out, struct bytes v)
{
    size_t zero = v.p[0] >> 7;
    put_header(out, DER_INTEGER, v.len + zero);
    buf_zero(out, zero);
    buf_put(out, v);
}

bool pubkey_to_rsa_der(struct buf *out, const struct pubkey *key, struct err *err)
{
    if (key->type != KEY_RSA)
        return err_set(err, ERR_CRYPTO, "not an RSA key");
    struct buf inner = buf_new(RSA_MAX_BITS / 8 + 64);
    put_uint(&inner, pubkey_rsa_n(key));
    put_uint(&inner, pubkey_rsa_e(key));
    if (buf_finish(&inner, err)) {
        put_header(out, DER_SEQUENCE, inner.len);
        buf_put(out, buf_view(&inner));
    } else {
        out->failed = true;
    }
    buf_done(&inner);
    return buf_finish(out, err);
}

static void put_oid(struct buf *out, struct bytes oid)
{
    put_header(out, DER_OID, oid.len);
    buf_put(out, oid);
}

bool pubkey_to_spki(struct buf *out, const struct pubkey *key, struct err *err)
{
    struct buf alg = buf_new(64), bits = buf_new(RSA_MAX_BITS / 8 + 128);
    buf_u8(&bits, 0); /* no unused bits */
    if (key->type == KEY_RSA) {
        put_oid(&alg, oid_rsa);
        put_header(&alg, DER_NULL, 0);
        pubkey_to_rsa_der(&bits, key, err);
    } else {
        put_oid(&alg, oid_ec);
        put_oid(&alg, key->type == KEY_P256 ? oid_p256 : oid_p384);
        buf_u8(&bits, POINT_CONVERSION_UNCOMPRESSED);
        buf_put(&bits, pubkey_xy(key));
    }
    size_t bits_head = bits.len >= 0x100 ? 4 : bits.len >= 0x80 ? 3 : 2;
    put_header(out, DER_SEQUENCE, 2 + alg.len + bits_head + bits.len);
    put_header(out, DER_SEQUENCE, alg.len);
    buf_put(out, buf_view(&alg));
    put_header(out, DER_BIT_STRING, bits.len);
    buf_put(out, buf_view(&bits));
    out->failed |= alg.failed || bits.failed;
    buf_done(&alg);
    buf_done(&bits);
    return buf_finish(out, err);
}

/* --- verifying --- */

static bool openssl_ecdsa(EC_KEY *key, struct bytes digest, struct bytes r, struct bytes s)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *rn = BN_bin2bn(r.p, (int)r.len, NULL), *sn = BN_bin2bn(s.p, (int)s.len, NULL);
    if (!sig || !rn || !sn || ECDSA_SIG_set0(sig, rn, sn) != 1) {
        ECDSA_SIG_free(sig);
        BN_free(rn);
        BN_free(sn);
        return false;
    }
    /* refuses r and s outside [1, order) */
    bool ok = ECDSA_do_verify(digest.p, (int)digest.len, sig, key) == 1;
    ECDSA_SIG_free(sig);
    return ok;
}

/* hogweed's "no" is wrong where the two points that it adds are equal, which takes a signature made for it (Wycheproof
 * has some); so a "no" is asked again. Its "yes" stands. */
static bool verify_p384(const struct pubkey *key, struct bytes digest, struct bytes r, struct bytes s)
{
    struct dsa_signature sig;
    dsa_signature_init(&sig);
    mpz_from(sig.r, r);
    mpz_from(sig.s, s);
    /* refuses r and s outside [1, order) */
    bool ok = ecdsa_verify(&key->p384, digest.len, digest.p, &sig) == 1;
    dsa_signature_clear(&sig);
    if (ok)
        return true;
    EC_KEY *again = ec_key_from(KEY_P384, pubkey_xy(key));
    ok = again && openssl_ecdsa(again, digest, r, s);
    EC_KEY_free(again);
    return ok;
}

bool pubkey_verify_ecdsa(const struct pubkey *key, struct bytes digest, struct bytes r, struct bytes s)
{
    size_t size = field_size(key->type);
    if (size == 0 || r.len != size || s.len != size || digest.len == 0 || digest.len > HASH_MAX)
        return false;
    return key->type == KEY_P256 ? openssl_ecdsa(key->p256, digest, r, s) : verify_p384(key, digest, r, s);
}

bool pubkey_verify_ecdsa_der(const struct pubkey *key, struct bytes digest, struct bytes sig)
{
    size_t size = field_size(key->type);
    struct der outer = der_from(sig);
    struct der d = der_enter(&outer, DER_SEQUENCE, "signature");
    struct bytes r = der_uint(&d, size, "r"), s = der_uint(&d, size, "s");
    if (!der_finish(&d, NULL) || !der_finish(&outer, NULL))
        return false;
    uint8_t rb[48] = {0}, sb[48] = {0};
    memcpy(rb + size - r.len, r.p, r.len);
    memcpy(sb + size - s.len, s.p, s.len);
    return pubkey_verify_ecdsa(key, digest, bytes_from(rb, size), bytes_from(sb, size));
}

/* The message that an RSA signature stands for. False where lengths or value are out of range; out is initialised only
 * on true. Squaring and dividing is faster than mpz_powm with its setup (4096 bits: 113 us against 126) for the usual
 * exponent. */
static bool rsa_message(mpz_t out, const struct pubkey *key, enum hash_alg alg, struct bytes digest, struct bytes sig)
{
    if (key->type != KEY_RSA || alg == HASH_NONE || digest.len != hash_size(alg) || sig.len != key->n_len ||
        memcmp(sig.p, key->num, sig.len) >= 0)
        return false;
    mpz_t s;
    mpz_init(s);
    mpz_init(out);
    mpz_from(s, sig);
    if (mpz_cmp_ui(key->e, 65537) != 0) {
        mpz_powm(out, s, key->e, key->n);
    } else {
        mpz_set(out, s);
        for (int i = 0; i < 16; i++) {
            mpz_mul(out, out, out);
            mpz_tdiv_r(out, out, key->n);
        }
        mpz_mul(out, out, s);
        mpz_tdiv_r(out, out, key->n);
    }
    mpz_clear(s);
    return true;
}

/* DigestInfo in front of the digest, RFC 8017 9.2 note 1. SHA-1: what old TPM quotes carry must be told apart from
 * damage. */
static const struct bytes digest_info[] = {
    [HASH_SHA1] = BYTES_LIT("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"),
    [HASH_SHA256] = BYTES_LIT("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"),
    [HASH_SHA384] = BYTES_LIT("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"),
    [HASH_SHA512] = BYTES_LIT("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"),
};

bool pubkey_verify_pkcs1(const struct pubkey *key, enum hash_alg alg, struct bytes digest, struct bytes sig)
{
    mpz_t message, want;
    if (!rsa_message(message, key, alg, digest, sig))
        return false;
    /* 00 01 ff .. ff 00 DigestInfo: written out and compared, nothing is parsed */
    uint8_t em[RSA_MAX_BITS / 8];
    size_t head_len = digest_info[alg].len, tail_len = head_len + digest.len;
    memset(em, 0xff, key->n_len);
    em[0] = 0;
    em[1] = 1;
    em[key->n_len - tail_len - 1] = 0;
    memcpy(em + key->n_len - tail_len, digest_info[alg].p, head_len);
    memcpy(em + key->n_len - digest.len, digest.p, digest.len);
    mpz_init(want);
    mpz_from(want, bytes_from(em, key->n_len));
    bool ok = mpz_cmp(message, want) == 0;
    mpz_clears(message, want, NULL);
    return ok;
}

bool pubkey_verify_pss(const struct pubkey *key, enum hash_alg alg, size_t salt_len, struct bytes digest,
                       struct bytes sig)
{
    static const struct nettle_hash *const hashes[] = {
        [HASH_SHA256] = &nettle_sha256, [HASH_SHA384] = &nettle_sha384, [HASH_SHA512] = &nettle_sha512};
    mpz_t message;
    if (alg == HASH_SHA1 || salt_len > HASH_MAX || !rsa_message(message, key, alg, digest, sig))
        return false;
    bool ok = pss_verify_mgf1(message, key->bits - 1, hashes[alg], salt_len, digest.p) == 1;
    mpz_clear(message);
    return ok;
}
