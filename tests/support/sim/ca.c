#include "tests/support/sim/ca.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

void sim_die(const char *what)
{
    fprintf(stderr, "sim: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void *need(void *p, const char *what)
{
    if (!p)
        sim_die(what);
    return p;
}

static void want(bool ok, const char *what)
{
    if (!ok)
        sim_die(what);
}

EVP_PKEY *sim_key_new(enum sim_key kind)
{
    switch (kind) {
    case SIM_P256:
        return need(EVP_EC_gen("P-256"), "P-256 key");
    case SIM_P384:
        return need(EVP_EC_gen("P-384"), "P-384 key");
    case SIM_RSA2048:
        return need(EVP_RSA_gen(2048), "RSA key");
    case SIM_RSA4096:
        return need(EVP_RSA_gen(4096), "RSA key");
    }
    sim_die("kind of key");
}

static void set_name(X509_NAME *name, const struct sim_spec *spec)
{
    want(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)spec->cn, -1, -1, 0), "CN");
    if (spec->o)
        want(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)spec->o, -1, -1, 0), "O");
}

static void add_conf_ext(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = need(X509V3_EXT_conf_nid(NULL, ctx, nid, value), value);
    want(X509_add_ext(x, e, -1), value);
    X509_EXTENSION_free(e);
}

static void add_raw_ext(X509 *x, const struct sim_ext *ext)
{
    ASN1_OBJECT *oid = need(OBJ_txt2obj(ext->oid, 1), ext->oid);
    ASN1_OCTET_STRING *value = need(ASN1_OCTET_STRING_new(), "extension");
    want(ASN1_OCTET_STRING_set(value, ext->value.p, (int)ext->value.len), "extension");
    X509_EXTENSION *e = need(X509_EXTENSION_create_by_OBJ(NULL, oid, ext->critical, value), "extension");
    want(X509_add_ext(x, e, -1), "extension");
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

/* A context that signs with SHA-256, or as AMD does: RSASSA-PSS, SHA-384, MGF1 SHA-384, salt 48. */
static EVP_MD_CTX *signer(EVP_PKEY *key, bool pss)
{
    EVP_MD_CTX *ctx = need(EVP_MD_CTX_new(), "context");
    EVP_PKEY_CTX *p;
    want(EVP_DigestSignInit(ctx, &p, pss ? EVP_sha384() : EVP_sha256(), NULL, key) == 1, "sign");
    if (pss)
        want(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(p, 48) == 1 &&
                 EVP_PKEY_CTX_set_rsa_mgf1_md(p, EVP_sha384()) == 1,
             "PSS");
    return ctx;
}

static struct bytes der_of(X509 *x)
{
    uint8_t *p = NULL;
    int n = i2d_X509(x, &p);
    want(n > 0, "encode certificate");
    uint8_t *copy = need(malloc((size_t)n), "memory");
    memcpy(copy, p, (size_t)n);
    OPENSSL_free(p);
    return bytes_from(copy, (size_t)n);
}

struct sim_cert sim_issue(const struct sim_world *world, const struct sim_spec *spec)
{
    struct sim_cert c = {0};
    if (spec->public_key) {
        want(EVP_PKEY_up_ref(spec->public_key), "key");
        c.key = spec->public_key;
    } else {
        c.key = sim_key_new(spec->kind);
    }
    c.x = need(X509_new(), "certificate");
    const int64_t day = 86400;
    time_t from = (time_t)(spec->not_before_s ? spec->not_before_s : world->now_s - day);
    time_t until = (time_t)(spec->not_after_s ? spec->not_after_s : world->now_s + 3650 * day);
    want(X509_set_version(c.x, 2) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(c.x), spec->serial) &&
             ASN1_TIME_set(X509_getm_notBefore(c.x), from) && ASN1_TIME_set(X509_getm_notAfter(c.x), until) &&
             X509_set_pubkey(c.x, c.key),
         "certificate fields");
    set_name(X509_get_subject_name(c.x), spec);
    X509 *issuer = spec->issuer ? spec->issuer->x : c.x;
    want(X509_set_issuer_name(c.x, X509_get_subject_name(issuer)), "issuer");

    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, c.x, NULL, NULL, 0);
    if (spec->is_ca) {
        char bc[64];
        if (spec->path_len >= 0)
            snprintf(bc, sizeof bc, "critical,CA:TRUE,pathlen:%d", spec->path_len);
        else
            snprintf(bc, sizeof bc, "critical,CA:TRUE");
        add_conf_ext(c.x, &ctx, NID_basic_constraints, bc);
    }
    if (spec->key_usage)
        add_conf_ext(c.x, &ctx, NID_key_usage, spec->key_usage);
    add_conf_ext(c.x, &ctx, NID_subject_key_identifier, "hash");
    add_conf_ext(c.x, &ctx, NID_authority_key_identifier, "keyid:always");
    for (size_t i = 0; i < spec->num_ext; i++)
        add_raw_ext(c.x, &spec->ext[i]);

    EVP_MD_CTX *sign = signer(spec->issuer ? spec->issuer->key : c.key, spec->pss);
    want(X509_sign_ctx(c.x, sign) > 0, "sign certificate");
    EVP_MD_CTX_free(sign);
    c.der = der_of(c.x);
    return c;
}

static bool load(struct sim_cert *out, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    out->x = need(PEM_read_X509(f, NULL, NULL, NULL), path);
    out->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (!out->key)
        out->key = need(X509_get_pubkey(out->x), path);
    out->der = der_of(out->x);
    return true;
}

struct sim_cert sim_keep(const struct sim_world *world, const char *name, const struct sim_spec *spec)
{
    if (!world->dir)
        return sim_issue(world, spec);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.pem", world->dir, name);
    struct sim_cert c = {0};
    if (load(&c, path))
        return c;
    c = sim_issue(world, spec);
    FILE *f = need(fopen(path, "w"), path);
    want(PEM_write_X509(f, c.x), path);
    if (!spec->public_key)
        want(PEM_write_PrivateKey(f, c.key, NULL, NULL, 0, NULL, NULL), path);
    want(fclose(f) == 0, path);
    return c;
}

void sim_cert_done(struct sim_cert *cert)
{
    EVP_PKEY_free(cert->key);
    X509_free(cert->x);
    free((void *)cert->der.p);
    *cert = (struct sim_cert){0};
}

struct bytes sim_crl(const struct sim_cert *issuer, int64_t this_update_s, int64_t next_update_s, uint64_t number,
                     const uint64_t *serials, size_t num_serials, bool pss)
{
    X509_CRL *crl = need(X509_CRL_new(), "CRL");
    ASN1_TIME *t = need(ASN1_TIME_set(NULL, (time_t)this_update_s), "time");
    want(X509_CRL_set_version(crl, 1) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x)) &&
             X509_CRL_set1_lastUpdate(crl, t) && ASN1_TIME_set(t, (time_t)next_update_s) && X509_CRL_set1_nextUpdate(crl, t),
         "CRL fields");
    for (size_t i = 0; i < num_serials; i++) {
        X509_REVOKED *r = need(X509_REVOKED_new(), "entry");
        ASN1_INTEGER *serial = need(ASN1_INTEGER_new(), "serial");
        want(ASN1_INTEGER_set_uint64(serial, serials[i]) && X509_REVOKED_set_serialNumber(r, serial) &&
                 ASN1_TIME_set(t, (time_t)this_update_s) && X509_REVOKED_set_revocationDate(r, t) && X509_CRL_add0_revoked(crl, r),
             "entry");
        ASN1_INTEGER_free(serial);
    }
    ASN1_INTEGER *n = need(ASN1_INTEGER_new(), "number");
    want(ASN1_INTEGER_set_uint64(n, number) && X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1, "CRL number");
    ASN1_INTEGER_free(n);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer->x, NULL, NULL, crl, 0);
    X509_EXTENSION *akid = need(X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always"), "AKID");
    want(X509_CRL_add_ext(crl, akid, -1), "AKID");
    X509_EXTENSION_free(akid);
    EVP_MD_CTX *sign = signer(issuer->key, pss);
    want(X509_CRL_sort(crl) && X509_CRL_sign_ctx(crl, sign) > 0, "sign CRL");
    EVP_MD_CTX_free(sign);
    uint8_t *p = NULL;
    int len = i2d_X509_CRL(crl, &p);
    want(len > 0, "encode CRL");
    uint8_t *copy = need(malloc((size_t)len), "memory");
    memcpy(copy, p, (size_t)len);
    OPENSSL_free(p);
    ASN1_TIME_free(t);
    X509_CRL_free(crl);
    return bytes_from(copy, (size_t)len);
}

char *sim_pem(const struct sim_cert *const *certs, size_t num_certs)
{
    BIO *bio = need(BIO_new(BIO_s_mem()), "memory");
    for (size_t i = 0; i < num_certs; i++)
        want(PEM_write_bio_X509(bio, certs[i]->x), "PEM");
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    char *copy = need(strndup(p, (size_t)n), "memory");
    BIO_free(bio);
    return copy;
}

void sim_sign_raw(uint8_t *out, EVP_PKEY *key, struct bytes in)
{
    int half = (EVP_PKEY_get_bits(key) + 7) / 8;
    EVP_MD_CTX *ctx = need(EVP_MD_CTX_new(), "context");
    uint8_t der[160];
    size_t len = sizeof der;
    want(EVP_DigestSignInit(ctx, NULL, half == 48 ? EVP_sha384() : EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestSign(ctx, der, &len, in.p, in.len) == 1,
         "sign");
    EVP_MD_CTX_free(ctx);
    const uint8_t *p = der;
    ECDSA_SIG *sig = need(d2i_ECDSA_SIG(NULL, &p, (long)len), "signature");
    want(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half && BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half,
         "signature");
    ECDSA_SIG_free(sig);
}

void sim_xy(uint8_t *out, size_t len, EVP_PKEY *key)
{
    BIGNUM *x = NULL, *y = NULL;
    want(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y),
         "point");
    want(BN_bn2binpad(x, out, (int)len) == (int)len && BN_bn2binpad(y, out + len, (int)len) == (int)len, "point");
    BN_free(x);
    BN_free(y);
}

void sim_der(struct buf *out, uint8_t tag, struct bytes contents)
{
    buf_u8(out, tag);
    if (contents.len < 0x80) {
        buf_u8(out, (uint8_t)contents.len);
    } else if (contents.len < 0x100) {
        buf_u8(out, 0x81);
        buf_u8(out, (uint8_t)contents.len);
    } else {
        buf_u8(out, 0x82);
        buf_u16be(out, (uint16_t)contents.len);
    }
    buf_put(out, contents);
}

void sim_der_oid(struct buf *out, const char *dotted)
{
    ASN1_OBJECT *oid = need(OBJ_txt2obj(dotted, 1), dotted);
    sim_der(out, 0x06, bytes_from(OBJ_get0_data(oid), OBJ_length(oid)));
    ASN1_OBJECT_free(oid);
}

void sim_der_uint(struct buf *out, uint64_t v)
{
    uint8_t be[9] = {0};
    for (int i = 0; i < 8; i++)
        be[1 + i] = (uint8_t)(v >> (56 - 8 * i));
    size_t from = 1;
    while (from < 8 && be[from] == 0)
        from++;
    if (be[from] & 0x80)
        from--;
    sim_der(out, 0x02, bytes_from(be + from, sizeof be - from));
}
