#include "tests/support/certs.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define NUM_KEYS 8

EVP_PKEY *made_key(int number)
{
    static EVP_PKEY *keys[NUM_KEYS];
    assert_true(number >= 0 && number < NUM_KEYS);
    if (!keys[number])
        keys[number] = EVP_EC_gen("P-256");
    return keys[number];
}

static X509_NAME *name_of(int number)
{
    char cn[20];
    snprintf(cn, sizeof cn, "name %d", number);
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Laboratory", -1, -1, 0), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0), 1);
    return name;
}

static void add_ext(X509 *cert, const char *type, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *ext = X509V3_EXT_conf(NULL, &ctx, type, value);
    if (!ext)
        fail_msg("%s %s: %s", type, value, ERR_error_string(ERR_get_error(), NULL));
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* SHA-1 of the key's bits, as RFC 5280 4.2.1.2 (1) makes a key identifier */
static void key_id_of(char hex[41], int key)
{
    uint8_t digest[20];
    X509_PUBKEY *pub = NULL;
    const uint8_t *bits;
    int len;
    assert_int_equal(X509_PUBKEY_set(&pub, made_key(key)), 1);
    assert_int_equal(X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, pub), 1);
    assert_int_equal(EVP_Digest(bits, (size_t)len, digest, NULL, EVP_sha1(), NULL), 1);
    for (int i = 0; i < 20; i++)
        snprintf(hex + 2 * i, 3, "%02X", digest[i]);
    X509_PUBKEY_free(pub);
}

static void add_extensions(X509 *cert, const struct made_spec *spec)
{
    char text[80], id[41];
    if (spec->ca >= 0) {
        int n = snprintf(text, sizeof text, "critical,CA:%s", spec->ca ? "TRUE" : "FALSE");
        if (spec->path_len >= 0)
            snprintf(text + n, sizeof text - (size_t)n, ",pathlen:%d", spec->path_len);
        add_ext(cert, "basicConstraints", text);
    }
    if (spec->usage >= 0) {
        /* bits of ours, whose names OpenSSL's x509v3.h uses for other numbers */
        snprintf(text, sizeof text, "critical%s%s%s", spec->usage & 1 << 0 ? ",digitalSignature" : "",
                 spec->usage & 1 << 5 ? ",keyCertSign" : "", spec->usage & 1 << 6 ? ",cRLSign" : "");
        add_ext(cert, "keyUsage", text);
    }
    add_ext(cert, "subjectKeyIdentifier", "hash");
    if (spec->akid) {
        key_id_of(id, spec->akid > 0 ? spec->signer : NUM_KEYS - 1);
        snprintf(text, sizeof text, "DER:30168014%s", id);
        add_ext(cert, "authorityKeyIdentifier", text);
    }
    if (spec->extra)
        add_ext(cert, "1.3.6.1.4.1.99999.1", spec->extra == 2 ? "critical,DER:0500" : "DER:0500");
}

X509 *made_cert(const struct made_spec *spec)
{
    X509 *cert = X509_new();
    X509_NAME *subject = name_of(spec->subject), *issuer = name_of(spec->issuer);
    X509_set_version(cert, spec->version - 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1000 + spec->subject);
    X509_set_subject_name(cert, subject);
    X509_set_issuer_name(cert, issuer);
    ASN1_TIME_set(X509_getm_notBefore(cert), spec->not_before_s);
    ASN1_TIME_set(X509_getm_notAfter(cert), spec->not_after_s);
    X509_set_pubkey(cert, made_key(spec->key));
    if (spec->version == 3)
        add_extensions(cert, spec);
    assert_true(X509_sign(cert, made_key(spec->signer), EVP_sha256()) > 0);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return cert;
}

struct bytes made_der(struct buf *out, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    assert_true(len > 0);
    size_t from = out->len;
    buf_put(out, bytes_from(der, (size_t)len));
    OPENSSL_free(der);
    return bytes_sub(buf_view(out), from, (size_t)len);
}

static X509 *read_cert(struct bytes der)
{
    const uint8_t *p = der.p;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (cert && p != der.p + der.len) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

bool openssl_takes(const struct bytes *certs, size_t num_certs, struct bytes root, int64_t now_s)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *leaf = read_cert(certs[0]), *anchor = read_cert(root);
    bool ok = leaf && anchor && X509_STORE_add_cert(store, anchor) == 1;
    for (size_t i = 1; i < num_certs; i++) {
        X509 *c = read_cert(certs[i]);
        if (c)
            sk_X509_push(others, c);
        ok = ok && c;
    }
    ok = ok && X509_STORE_CTX_init(ctx, store, leaf, others) == 1;
    if (ok) {
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), now_s);
        ok = X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    X509_free(anchor);
    return ok;
}
