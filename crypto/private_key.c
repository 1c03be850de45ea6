#include "crypto/private_key.h"

#include "crypto/base/auto.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

struct private_key {
    EVP_PKEY *pkey;
    struct pubkey *public;
};

void private_key_free(struct private_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey); /* wipes the private part */
    pubkey_free(key->public);
    free(key);
}

void private_key_freep(struct private_key **key)
{
    private_key_free(*key);
}

const struct pubkey *private_key_public(const struct private_key *key)
{
    return key->public;
}

static void bignum_free(BIGNUM **bn)
{
    BN_free(*bn);
}

/* One number of the key, padded to len, or as long as it is (len 0). Returns its length, 0 on failure. */
static size_t key_number(uint8_t *out, size_t max, size_t len, const EVP_PKEY *pkey, const char *name)
{
    AUTO(bignum_free) BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1)
        return 0;
    size_t need = len ? len : (size_t)BN_num_bytes(bn);
    if (need > max || BN_bn2binpad(bn, out, (int)need) != (int)need)
        return 0;
    return need;
}

static struct pubkey *public_of(const EVP_PKEY *pkey, struct err *err)
{
    if (EVP_PKEY_is_a(pkey, "EC")) {
        uint8_t xy[64];
        if (EVP_PKEY_get_bits(pkey) == 256 && key_number(xy, 32, 32, pkey, OSSL_PKEY_PARAM_EC_PUB_X) &&
            key_number(xy + 32, 32, 32, pkey, OSSL_PKEY_PARAM_EC_PUB_Y))
            return pubkey_from_ec(KEY_P256, BYTES(xy), err);
    } else if (EVP_PKEY_is_a(pkey, "RSA")) {
        uint8_t n[1024], e[8];
        size_t n_len = key_number(n, sizeof n, 0, pkey, OSSL_PKEY_PARAM_RSA_N);
        size_t e_len = key_number(e, sizeof e, 0, pkey, OSSL_PKEY_PARAM_RSA_E);
        if (n_len && e_len)
            return pubkey_from_rsa(bytes_from(n, n_len), bytes_from(e, e_len), err);
    }
    err_set(err, ERR_CRYPTO, "want a P-256 key, or an RSA key of 2048 to 8192 bits");
    return NULL;
}

/* Takes pkey. */
static struct private_key *wrap(EVP_PKEY *pkey, struct err *err)
{
    struct pubkey *public = public_of(pkey, err);
    struct private_key *key = public ? calloc(1, sizeof *key) : NULL;
    if (!key) {
        if (public)
            err_set(err, ERR_NOMEM, "identity key: no memory");
        pubkey_free(public);
        EVP_PKEY_free(pkey);
        return NULL;
    }
    key->pkey = pkey;
    key->public = public;
    return key;
}

struct private_key *private_key_new_p256(struct err *err)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (!pkey) {
        err_set(err, ERR_CRYPTO, "identity key: no key was made");
        return NULL;
    }
    return wrap(pkey, err);
}

struct private_key *private_key_new_rsa(unsigned bits, struct err *err)
{
    EVP_PKEY *pkey = bits >= 2048 && bits <= 4096 && bits % 8 == 0 ? EVP_RSA_gen(bits) : NULL;
    if (!pkey) {
        err_set(err, ERR_CRYPTO, "identity key: no RSA key of %u bits was made", bits);
        return NULL;
    }
    return wrap(pkey, err);
}

static int give_passphrase(char *out, int size, int writing, void *arg)
{
    (void)writing;
    const struct bytes *passphrase = arg;
    if (passphrase->len == 0 || passphrase->len > (size_t)size)
        return -1; /* never ask on the terminal */
    memcpy(out, passphrase->p, passphrase->len);
    return (int)passphrase->len;
}

struct private_key *private_key_from_pem(struct bytes pem, struct bytes passphrase, struct err *err)
{
    bool encrypted = bytes_find(pem, BYTES_LIT("ENCRYPTED"), 0) != SIZE_MAX;
    if (encrypted && passphrase.len == 0) {
        err_set(err, ERR_CRYPTO, "identity key: it is encrypted and no passphrase was given");
        return NULL;
    }
    BIO *bio = pem.len > 1 << 16 ? NULL : BIO_new_mem_buf(pem.p, (int)pem.len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &passphrase) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!pkey) {
        if (encrypted)
            err_set(err, ERR_CRYPTO, "identity key: wrong passphrase, or the file is damaged");
        else
            err_set(err, ERR_FORMAT, "identity key: no PEM private key in it");
        return NULL;
    }
    return wrap(pkey, err);
}

bool private_key_to_pem(struct buf *out, const struct private_key *key, struct bytes passphrase, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = passphrase.len ? EVP_aes_256_cbc() : NULL;
    bool ok = bio && passphrase.len <= 1024 &&
              PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, cipher, NULL, 0, passphrase.len ? give_passphrase : NULL, &passphrase) == 1;
    if (ok) {
        char *p;
        long len = BIO_get_mem_data(bio, &p);
        buf_put(out, bytes_from(p, (size_t)len));
        explicit_bzero(p, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    return ok ? buf_finish(out, err) : err_set(err, ERR_CRYPTO, "identity key: it could not be written as PEM");
}

static bool put_raw_ecdsa(struct buf *out, struct bytes der)
{
    const uint8_t *p = der.p;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    uint8_t rs[64];
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    if (ok)
        buf_put(out, BYTES(rs));
    return ok;
}

bool private_key_sign_sha256(struct buf *out, const struct private_key *key, struct bytes message, struct err *err)
{
    uint8_t sig[1024];
    size_t len = sizeof sig;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(ctx, sig, &len, message.p, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (ok && pubkey_type(key->public) == KEY_P256)
        ok = put_raw_ecdsa(out, bytes_from(sig, len));
    else if (ok)
        buf_put(out, bytes_from(sig, len));
    return ok ? buf_finish(out, err) : err_set(err, ERR_CRYPTO, "identity key: it could not sign");
}
