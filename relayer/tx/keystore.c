#include "relayer/tx/keystore.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>

#define MAX_JSON         (64 * 1024)
#define MAX_SCRYPT_BYTES (UINT64_C(512) << 20)
#define MAX_SCRYPT_WORK  (UINT64_C(1) << 27) /* n x r x p: some ten seconds */
#define MAX_ROUNDS       10000000
#define DERIVED          32 /* 16 for the cipher, 16 for the MAC */

struct kdf {
    bool is_scrypt;
    uint64_t n;
    uint32_t r, p;
    unsigned rounds;
    uint8_t salt[256];
    size_t salt_len;
};

static bool wrong(struct err *err, const char *what)
{
    return err_set(err, ERR_FORMAT, "keystore: %s", what);
}

/* The definition has lower-case names; old files of other programs have them capitalised. */
static json_t *member(const json_t *object, const char *name)
{
    json_t *v = json_object_get(object, name);
    if (v || !json_is_object(object))
        return v;
    char capital[32];
    snprintf(capital, sizeof capital, "%s", name);
    capital[0] = (char)(capital[0] - ('a' - 'A'));
    return json_object_get(object, capital);
}

static bool get_hex(void *out, size_t *len, size_t max, const json_t *object, const char *name, struct err *err)
{
    const json_t *v = member(object, name);
    AUTO(buf_done) struct buf bytes = buf_new(max);
    if (!json_is_string(v) || !hex_decode(&bytes, bytes_from(json_string_value(v), json_string_length(v)), NULL))
        return err_set(err, ERR_FORMAT, "keystore: %s: want hex of at most %zu bytes", name, max);
    *len = bytes.len;
    if (bytes.len)
        memcpy(out, bytes.p, bytes.len);
    return true;
}

static bool get_fixed(void *out, size_t len, const json_t *object, const char *name, struct err *err)
{
    uint8_t bytes[64];
    size_t got = 0;
    if (!get_hex(bytes, &got, sizeof bytes, object, name, err))
        return false;
    if (got != len)
        return err_set(err, ERR_FORMAT, "keystore: %s: %zu bytes, want %zu", name, got, len);
    memcpy(out, bytes, len);
    return true;
}

static bool get_number(uint64_t *out, const json_t *object, const char *name, uint64_t max, struct err *err)
{
    const json_t *v = member(object, name);
    if (!json_is_integer(v) || json_integer_value(v) < 1 || (uint64_t)json_integer_value(v) > max)
        return err_set(err, ERR_FORMAT, "keystore: %s: want a number of 1 to %llu", name, (unsigned long long)max);
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool is_text(const json_t *object, const char *name, const char *want)
{
    const json_t *v = member(object, name);
    return json_is_string(v) && strcmp(json_string_value(v), want) == 0;
}

static bool read_scrypt(struct kdf *k, const json_t *params, struct err *err)
{
    uint64_t r, p;
    if (!get_number(&k->n, params, "n", UINT64_C(1) << 30, err) || !get_number(&r, params, "r", 1 << 20, err) ||
        !get_number(&p, params, "p", 1 << 20, err))
        return false;
    if (k->n < 2 || (k->n & (k->n - 1)))
        return wrong(err, "n: want a power of 2");
    /* both products fit: 2^30 x 2^20 x 2^7 and 2^50 x 2^20 overflow only the second, which is bounded by division */
    if (128 * k->n * r > MAX_SCRYPT_BYTES || p > MAX_SCRYPT_WORK / (k->n * r))
        return wrong(err, "scrypt would cost more than 512 MB or many seconds; not paid");
    k->is_scrypt = true;
    k->r = (uint32_t)r;
    k->p = (uint32_t)p;
    return true;
}

static bool read_kdf(struct kdf *out, const json_t *crypto, struct err *err)
{
    const json_t *params = member(crypto, "kdfparams");
    struct kdf k = {0};
    uint64_t dklen, rounds;
    if (!json_is_object(params))
        return wrong(err, "kdfparams: want an object");
    if (!get_number(&dklen, params, "dklen", 1 << 20, err) ||
        !get_hex(k.salt, &k.salt_len, sizeof k.salt, params, "salt", err))
        return false;
    if (dklen != DERIVED)
        return wrong(err, "dklen: want 32");
    if (is_text(crypto, "kdf", "scrypt")) {
        if (!read_scrypt(&k, params, err))
            return false;
    } else if (is_text(crypto, "kdf", "pbkdf2")) {
        if (!is_text(params, "prf", "hmac-sha256"))
            return wrong(err, "prf: want hmac-sha256");
        if (!get_number(&rounds, params, "c", MAX_ROUNDS, err))
            return false;
        k.rounds = (unsigned)rounds;
    } else {
        return wrong(err, "kdf: want scrypt or pbkdf2");
    }
    *out = k;
    return true;
}

static bool derive(uint8_t out[DERIVED], const struct kdf *k, struct bytes passphrase, struct err *err)
{
    const uint8_t *pass = passphrase.len ? passphrase.p : (const uint8_t *)"";
    bool ok = k->is_scrypt ? crypto_pwhash_scryptsalsa208sha256_ll(pass, passphrase.len, k->salt, k->salt_len, k->n,
                                                                   k->r, k->p, out, DERIVED) == 0
                           : PKCS5_PBKDF2_HMAC((const char *)pass, (int)passphrase.len, k->salt, (int)k->salt_len,
                                               (int)k->rounds, EVP_sha256(), DERIVED, out) == 1;
    return ok || err_set(err, ERR_NOMEM, "keystore: the key derivation found no memory");
}

/* AES-128-CTR is its own inverse. */
static bool apply_cipher(uint8_t out[32], const uint8_t key[16], const uint8_t iv[16], const uint8_t in[32])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, 32) == 1 && n == 32;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static struct hash32 mac_of(const uint8_t derived[DERIVED], const uint8_t ciphertext[32])
{
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, bytes_from(derived + 16, 16));
    keccak_update(&k, bytes_from(ciphertext, 32));
    return keccak_final(&k);
}

static json_t *load(struct bytes text, struct err *err)
{
    json_t *root =
        text.len <= MAX_JSON ? json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (root && json_is_object(root))
        return root;
    json_decref(root);
    wrong(err, "no JSON object, or larger than 64 KB");
    return NULL;
}

static bool address_of_file(struct addr20 *out, bool *has, const json_t *root, struct err *err)
{
    const json_t *v = json_object_get(root, "address");
    *has = v && !json_is_null(v);
    if (!*has)
        return true;
    if (!json_is_string(v) ||
        !hex_decode_fixed(out->b, sizeof out->b, bytes_from(json_string_value(v), json_string_length(v)), NULL))
        return wrong(err, "address: want 20 bytes of hex");
    return true;
}

static bool open_box(struct secp_key *out, const json_t *crypto, struct bytes passphrase, struct err *err)
{
    struct kdf kdf;
    uint8_t iv[16], ciphertext[32], derived[DERIVED];
    struct hash32 mac;
    if (!is_text(crypto, "cipher", "aes-128-ctr"))
        return wrong(err, "cipher: want aes-128-ctr");
    if (!get_fixed(iv, sizeof iv, member(crypto, "cipherparams"), "iv", err) ||
        !get_fixed(ciphertext, sizeof ciphertext, crypto, "ciphertext", err) ||
        !get_fixed(mac.b, sizeof mac.b, crypto, "mac", err) || !read_kdf(&kdf, crypto, err) ||
        !derive(derived, &kdf, passphrase, err))
        return false;
    struct hash32 got = mac_of(derived, ciphertext);
    bool ok = ct_eq(got.b, mac.b, sizeof mac.b);
    if (!ok)
        err_set(err, ERR_CRYPTO, "keystore: wrong passphrase (or a damaged file)");
    else if (!(ok = apply_cipher(out->b, derived, iv, ciphertext)))
        err_set(err, ERR_NOMEM, "keystore: the cipher failed");
    ct_wipe(derived, sizeof derived);
    return ok;
}

bool keystore_decrypt(struct secp_key *out, struct bytes text, struct bytes passphrase, struct err *err)
{
    AUTO(secp_key_wipe) struct secp_key key = {{0}};
    struct addr20 in_file, of_key;
    bool has_address;
    json_auto_t *root = load(text, err);
    if (!root)
        return false;
    const json_t *version = json_object_get(root, "version"), *crypto = member(root, "crypto");
    if (!json_is_integer(version) || json_integer_value(version) != 3)
        return wrong(err, "version: want 3");
    if (!json_is_object(crypto))
        return wrong(err, "crypto: want an object");
    if (!address_of_file(&in_file, &has_address, root, err) || !open_box(&key, crypto, passphrase, err) ||
        !secp_address(&of_key, &key, err))
        return false;
    if (has_address && !addr20_eq(in_file, of_key))
        return err_set(err, ERR_CRYPTO, "keystore: the address in the file is not that of the key in it");
    *out = key;
    return true;
}

bool keystore_address(struct addr20 *out, struct bytes text, struct err *err)
{
    bool has;
    struct addr20 addr;
    json_auto_t *root = load(text, err);
    if (!root || !address_of_file(&addr, &has, root, err))
        return false;
    if (!has)
        return wrong(err, "it does not say its address; it has to be opened for that");
    *out = addr;
    return true;
}

static json_t *hex_member(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_plain(b);
    return hex ? json_string(hex) : NULL;
}

static void uuid_text(char out[37], const uint8_t random[16])
{
    uint8_t b[16];
    char hex[33];
    memcpy(b, random, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 9562 5.4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_encode(hex, BYTES(b));
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool keystore_encrypt(struct buf *out, const struct secp_key *key, struct bytes passphrase, bool light, struct err *err)
{
    struct kdf kdf = {.is_scrypt = true, .n = light ? 1 << 12 : 1 << 18, .r = 8, .p = light ? 6 : 1, .salt_len = 32};
    uint8_t iv[16], ciphertext[32], derived[DERIVED], id[16];
    char uuid[37];
    struct addr20 address;
    if (!ct_random(kdf.salt, 32) || !ct_random(iv, sizeof iv) || !ct_random(id, sizeof id))
        return err_set(err, ERR_NOMEM, "keystore: no randomness");
    if (!secp_address(&address, key, err) || !derive(derived, &kdf, passphrase, err))
        return false;
    bool ok = apply_cipher(ciphertext, derived, iv, key->b);
    struct hash32 mac = mac_of(derived, ciphertext);
    ct_wipe(derived, sizeof derived);
    uuid_text(uuid, id);
    json_auto_t *root =
        json_pack("{s:i, s:s, s:o, s:{s:s, s:{s:o}, s:o, s:s, s:{s:i, s:I, s:i, s:i, s:o}, s:o}}", "version", 3, "id",
                  uuid, "address", hex_member(BYTES_OF(address)), "crypto", "cipher", "aes-128-ctr", "cipherparams",
                  "iv", hex_member(BYTES(iv)), "ciphertext", hex_member(BYTES(ciphertext)), "kdf", "scrypt",
                  "kdfparams", "dklen", DERIVED, "n", (json_int_t)kdf.n, "r", (int)kdf.r, "p", (int)kdf.p, "salt",
                  hex_member(bytes_from(kdf.salt, kdf.salt_len)), "mac", hex_member(BYTES_OF(mac)));
    AUTO(auto_free) char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (!ok || !text)
        return err_set(err, ERR_NOMEM, "keystore: no memory");
    buf_text(out, text);
    buf_text(out, "\n");
    return buf_finish(out, err);
}
