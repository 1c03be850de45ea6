#include "crypto/pubkey.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/vectors.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* --- Wycheproof --- */

struct scheme {
    const char *file;
    enum hash_alg alg;
    bool (*verify)(const struct scheme *s, const struct pubkey *key, struct bytes digest, struct bytes sig);
    size_t salt_len;
};

static bool by_der(const struct scheme *s, const struct pubkey *key, struct bytes digest, struct bytes sig)
{
    (void)s;
    return pubkey_verify_ecdsa_der(key, digest, sig);
}

static bool by_rs(const struct scheme *s, const struct pubkey *key, struct bytes digest, struct bytes sig)
{
    (void)s;
    size_t half = sig.len / 2;
    return pubkey_verify_ecdsa(key, digest, bytes_sub(sig, 0, half), bytes_sub(sig, half, sig.len - half));
}

static bool by_pkcs1(const struct scheme *s, const struct pubkey *key, struct bytes digest, struct bytes sig)
{
    return pubkey_verify_pkcs1(key, s->alg, digest, sig);
}

static bool by_pss(const struct scheme *s, const struct pubkey *key, struct bytes digest, struct bytes sig)
{
    return pubkey_verify_pss(key, s->alg, s->salt_len, digest, sig);
}

/* NULL where it is a key that we refuse to begin with: a small exponent. */
static struct pubkey *group_key(const json_t *group)
{
    AUTO(buf_done) struct buf spki = buf_new(4096);
    struct err err = {0};
    vector_hex(&spki, group, "publicKeyDer");
    struct pubkey *key = pubkey_from_spki(buf_view(&spki), &err);
    if (!key && !strstr(err.text, "exponent"))
        fail_msg("%s", err.text);
    return key;
}

static size_t play_group(const struct scheme *s, const json_t *group)
{
    AUTO(pubkey_freep) struct pubkey *key = group_key(group);
    size_t i;
    if (!key)
        return 0;
    json_t *entry;
    json_array_foreach(json_object_get(group, "tests"), i, entry)
    {
        AUTO(buf_done) struct buf bytes = buf_new(1 << 20);
        AUTO(buf_done) struct buf sig_bytes = buf_new(1 << 20);
        struct digest d = hash_of(s->alg, vector_hex(&bytes, entry, "msg"));
        bool ok = s->verify(s, key, digest_view(&d), vector_hex(&sig_bytes, entry, "sig"));
        const char *result = vector_str(entry, "result");
        if (strcmp(result, "acceptable") != 0 && ok != (strcmp(result, "valid") == 0))
            fail_msg("%s %lld: %s, we say %d", s->file, (long long)json_integer_value(json_object_get(entry, "tcId")),
                     result, ok);
    }
    return i;
}

static void wycheproof_is_judged_as_it_wants(void **state)
{
    (void)state;
    static const struct scheme schemes[] = {
        {"ecdsa_secp256r1_sha256_test", HASH_SHA256, by_der, 0},
        {"ecdsa_secp256r1_sha256_p1363_test", HASH_SHA256, by_rs, 0},
        {"ecdsa_secp384r1_sha384_test", HASH_SHA384, by_der, 0},
        {"ecdsa_secp384r1_sha384_p1363_test", HASH_SHA384, by_rs, 0},
        {"rsa_signature_2048_sha256_test", HASH_SHA256, by_pkcs1, 0},
        {"rsa_pss_2048_sha256_mgf1_32_test", HASH_SHA256, by_pss, 32},
        {"rsa_pss_4096_sha384_mgf1_48_test", HASH_SHA384, by_pss, 48},
    };
    size_t played = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        char name[200];
        snprintf(name, sizeof name, "chain/wycheproof/%s.json", schemes[i].file);
        json_auto_t *file = vectors_json(name);
        size_t k;
        json_t *group;
        json_array_foreach(json_object_get(file, "testGroups"), k, group) played += play_group(&schemes[i], group);
    }
    print_message("%zu entries\n", played);
    assert_true(played > 1500);
}

/* --- against OpenSSL's own keys and signatures --- */

static struct pubkey *import(EVP_PKEY *theirs)
{
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY(theirs, &spki);
    assert_true(len > 0);
    struct err err = {0};
    struct pubkey *key = pubkey_from_spki(bytes_from(spki, (size_t)len), &err);
    if (!key)
        fail_msg("%s", err.text);
    AUTO(buf_done) struct buf out = buf_new(4096);
    assert_true(pubkey_to_spki(&out, key, NULL));
    assert_true(bytes_eq(buf_view(&out), bytes_from(spki, (size_t)len)));
    OPENSSL_free(spki);
    return key;
}

static size_t sign(uint8_t sig[1024], EVP_PKEY *key, const EVP_MD *md, bool pss, struct bytes msg)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    size_t len = 1024;
    assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, key), 1);
    if (pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, EVP_MD_get_size(md)), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, msg.p, msg.len), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void every_flipped_bit_of_an_ecdsa_signature_is_refused(void **state)
{
    (void)state;
    static const char *const curves[] = {"P-256", "P-384"};
    for (size_t c = 0; c < 2; c++) {
        EVP_PKEY *theirs = EVP_EC_gen(curves[c]);
        AUTO(pubkey_freep) struct pubkey *key = import(theirs);
        assert_int_equal(pubkey_bits(key), c ? 384 : 256);
        uint8_t sig[1024];
        struct bytes msg = BYTES_LIT("message");
        size_t len = sign(sig, theirs, EVP_sha256(), false, msg);
        struct digest d = hash_of(HASH_SHA256, msg);
        assert_true(pubkey_verify_ecdsa_der(key, digest_view(&d), bytes_from(sig, len)));
        for (size_t bit = 0; bit < 8 * len; bit++) {
            sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(pubkey_verify_ecdsa_der(key, digest_view(&d), bytes_from(sig, len)));
            sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < len; n++)
            assert_false(pubkey_verify_ecdsa_der(key, digest_view(&d), bytes_from(sig, n)));
        for (size_t bit = 0; bit < 8 * d.len; bit += 5) {
            d.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(pubkey_verify_ecdsa_der(key, digest_view(&d), bytes_from(sig, len)));
            d.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        EVP_PKEY_free(theirs);
    }
}

static void every_rsa_scheme_agrees_with_openssl(void **state)
{
    (void)state;
    static const struct {
        enum hash_alg alg;
        const char *md;
        bool pss;
    } cases[] = {
        {HASH_SHA1, "SHA1", false},     {HASH_SHA256, "SHA256", false}, {HASH_SHA384, "SHA384", false},
        {HASH_SHA512, "SHA512", false}, {HASH_SHA256, "SHA256", true},  {HASH_SHA384, "SHA384", true},
        {HASH_SHA512, "SHA512", true},
    };
    static const unsigned sizes[] = {2048, 2049, 2050};
    struct bytes msg = BYTES_LIT("message");
    for (size_t k = 0; k < 3; k++) {
        EVP_PKEY *theirs = EVP_RSA_gen(sizes[k]);
        AUTO(pubkey_freep) struct pubkey *key = import(theirs);
        assert_int_equal(pubkey_bits(key), EVP_PKEY_get_bits(theirs));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            uint8_t sig[1024];
            size_t len = sign(sig, theirs, EVP_get_digestbyname(cases[i].md), cases[i].pss, msg);
            struct digest d = hash_of(cases[i].alg, msg);
            for (size_t other = 0; other < sizeof cases / sizeof *cases; other++) {
                struct digest od = hash_of(cases[other].alg, msg);
                bool ok = cases[other].pss
                              ? pubkey_verify_pss(key, cases[other].alg, od.len, digest_view(&od), bytes_from(sig, len))
                              : pubkey_verify_pkcs1(key, cases[other].alg, digest_view(&od), bytes_from(sig, len));
                assert_int_equal(ok, other == i);
            }
            if (cases[i].pss) /* the salt's length does not float */
                for (size_t salt = 0; salt < 70; salt++)
                    assert_int_equal(pubkey_verify_pss(key, cases[i].alg, salt, digest_view(&d), bytes_from(sig, len)),
                                     salt == d.len);
            for (size_t bit = 0; bit < 8 * len; bit += 13) {
                sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_false(cases[i].pss
                                 ? pubkey_verify_pss(key, cases[i].alg, d.len, digest_view(&d), bytes_from(sig, len))
                                 : pubkey_verify_pkcs1(key, cases[i].alg, digest_view(&d), bytes_from(sig, len)));
                sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
        }
        EVP_PKEY_free(theirs);
    }
}

static void rsa_der_is_what_openssl_writes(void **state)
{
    (void)state;
    EVP_PKEY *theirs = EVP_RSA_gen(2048);
    AUTO(pubkey_freep) struct pubkey *key = import(theirs);
    uint8_t *want = NULL;
    int len = i2d_PublicKey(theirs, &want);
    AUTO(buf_done) struct buf out = buf_new(4096);
    assert_true(pubkey_to_rsa_der(&out, key, NULL));
    assert_true(bytes_eq(buf_view(&out), bytes_from(want, (size_t)len)));
    assert_int_equal(pubkey_rsa_n(key).len, 256);
    assert_true(bytes_eq(pubkey_rsa_e(key), BYTES_LIT("\x01\x00\x01")));
    OPENSSL_free(want);
    EVP_PKEY_free(theirs);
}

/* --- keys that must not be taken --- */

static const char p256_xy[] = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                              "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
static const char p384_xy[] =
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";

static struct pubkey *from_hex(enum key_type type, const char *xy, size_t flip)
{
    AUTO(buf_done) struct buf b = buf_new(200);
    assert_true(hex_decode(&b, bytes_str(xy), NULL));
    if (flip < b.len)
        b.p[flip] ^= 1;
    return pubkey_from_ec(type, buf_view(&b), NULL);
}

static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    AUTO(pubkey_freep) struct pubkey *a = from_hex(KEY_P256, p256_xy, SIZE_MAX);
    AUTO(pubkey_freep) struct pubkey *b = from_hex(KEY_P384, p384_xy, SIZE_MAX);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(pubkey_eq(a, a));
    assert_false(pubkey_eq(a, b));
    for (size_t i = 0; i < 64; i++)
        assert_null(from_hex(KEY_P256, p256_xy, i));
    for (size_t i = 0; i < 96; i++)
        assert_null(from_hex(KEY_P384, p384_xy, i));
    assert_null(from_hex(KEY_P384, p256_xy, SIZE_MAX));
    assert_null(from_hex(KEY_P256, p384_xy, SIZE_MAX));
    assert_null(from_hex(KEY_RSA, p256_xy, SIZE_MAX));
    uint8_t zero[96] = {0}, ones[96];
    memset(ones, 0xff, sizeof ones);
    assert_null(pubkey_from_ec(KEY_P256, bytes_from(zero, 64), NULL));
    assert_null(pubkey_from_ec(KEY_P384, bytes_from(zero, 96), NULL));
    assert_null(pubkey_from_ec(KEY_P256, bytes_from(ones, 64), NULL));
    assert_null(pubkey_from_ec(KEY_P384, bytes_from(ones, 96), NULL));
}

static void coordinates_are_not_reduced(void **state)
{
    (void)state;
    /* x of a point with a small x, plus p: the same residue, another encoding. P-256: x = 5 is on the curve. */
    AUTO(buf_done) struct buf b = buf_new(64);
    assert_true(hex_decode(&b,
                           BYTES_LIT("0000000000000000000000000000000000000000000000000000000000000005"
                                     "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc"),
                           NULL));
    AUTO(pubkey_freep) struct pubkey *small = pubkey_from_ec(KEY_P256, buf_view(&b), NULL);
    assert_non_null(small);
    assert_true(
        hex_decode_fixed(b.p, 32, BYTES_LIT("ffffffff00000001000000000000000000000001000000000000000000000004"), NULL));
    assert_null(pubkey_from_ec(KEY_P256, buf_view(&b), NULL));
}

static void r_and_s_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const orders[] = {
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"};
    for (size_t c = 0; c < 2; c++) {
        size_t size = c ? 48 : 32;
        AUTO(pubkey_freep) struct pubkey *key = from_hex(c ? KEY_P384 : KEY_P256, c ? p384_xy : p256_xy, SIZE_MAX);
        uint8_t zero[48] = {0}, one[48] = {0}, n[48], digest[48] = {0};
        one[size - 1] = 1;
        assert_true(hex_decode_fixed(n, size, bytes_str(orders[c]), NULL));
        /* The key is the base point: with digest 0, r = s = its x is what a verifier that forgets the ranges takes. */
        const struct bytes bad[] = {bytes_from(zero, size), bytes_from(n, size)};
        for (size_t i = 0; i < 2; i++) {
            assert_false(pubkey_verify_ecdsa(key, bytes_from(digest, size), bad[i], bytes_from(one, size)));
            assert_false(pubkey_verify_ecdsa(key, bytes_from(digest, size), bytes_from(one, size), bad[i]));
        }
        struct bytes x = bytes_sub(pubkey_xy(key), 0, size);
        assert_true(pubkey_verify_ecdsa(key, bytes_from(digest, size), x, x));
        assert_false(pubkey_verify_ecdsa(key, (struct bytes){0}, x, x));
        assert_false(pubkey_verify_ecdsa(key, bytes_from(digest, size), bytes_sub(x, 1, size - 1), x));
        assert_false(pubkey_verify_pkcs1(key, HASH_SHA256, bytes_from(digest, 32), x));
    }
}

static void rsa_keys_have_their_limits(void **state)
{
    (void)state;
    uint8_t n[1100];
    memset(n, 0xff, sizeof n);
    static const struct {
        size_t n_len;
        uint8_t top, low;
        struct bytes e;
        bool ok;
    } cases[] = {
        {256, 0x80, 1, BYTES_LIT("\x01\x00\x01"), true},
        {256, 0x7f, 1, BYTES_LIT("\x01\x00\x01"), false}, /* 2047 bits */
        {1024, 0xff, 1, BYTES_LIT("\x01\x00\x01"), true},
        {1025, 0x01, 1, BYTES_LIT("\x01\x00\x01"), false}, /* 8193 bits */
        {256, 0x80, 2, BYTES_LIT("\x01\x00\x01"), false},
        {256, 0x80, 1, BYTES_LIT("\x03"), false},
        {256, 0x80, 1, BYTES_LIT("\x01\x00\x00"), false},
        {256, 0x80, 1, BYTES_LIT("\xff\xff"), false},
        {256, 0x80, 1, BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xff"), true},
        {256, 0x80, 1, BYTES_LIT("\x01\x00\x00\x00\x00\x00\x00\x00\x01"), false},
        {256, 0x80, 1, BYTES_LIT("\x00\x00\x01\x00\x01"), true},
        {256, 0x80, 1, BYTES_LIT(""), false},
        {0, 0, 0, BYTES_LIT("\x01\x00\x01"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        n[0] = cases[i].top;
        if (cases[i].n_len)
            n[cases[i].n_len - 1] = cases[i].low;
        AUTO(pubkey_freep) struct pubkey *key = pubkey_from_rsa(bytes_from(n, cases[i].n_len), cases[i].e, NULL);
        assert_int_equal(key != NULL, cases[i].ok);
        if (cases[i].n_len)
            n[cases[i].n_len - 1] = 0xff;
    }
}

static void every_truncation_of_an_spki_is_refused(void **state)
{
    (void)state;
    AUTO(pubkey_freep) struct pubkey *key = from_hex(KEY_P256, p256_xy, SIZE_MAX);
    AUTO(buf_done) struct buf spki = buf_new(200);
    assert_true(pubkey_to_spki(&spki, key, NULL));
    for (size_t n = 0; n < spki.len; n++)
        assert_null(pubkey_from_spki(bytes_from(spki.p, n), NULL));
    buf_u8(&spki, 0);
    assert_null(pubkey_from_spki(buf_view(&spki), NULL));
    struct err err = {0};
    spki.len--;
    spki.p[26] = 0x02; /* a compressed point */
    assert_null(pubkey_from_spki(buf_view(&spki), &err));
    assert_int_equal(err.code, ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_is_judged_as_it_wants),
        cmocka_unit_test(every_flipped_bit_of_an_ecdsa_signature_is_refused),
        cmocka_unit_test(every_rsa_scheme_agrees_with_openssl),
        cmocka_unit_test(rsa_der_is_what_openssl_writes),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(coordinates_are_not_reduced),
        cmocka_unit_test(r_and_s_out_of_range_are_refused),
        cmocka_unit_test(rsa_keys_have_their_limits),
        cmocka_unit_test(every_truncation_of_an_spki_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
