#include "crypto/x509.h"

#include "crypto/base/der.h"

#include <limits.h>
#include <stdio.h>

#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */

static const struct bytes oid_basic_constraints = BYTES_LIT("\x55\x1d\x13");
static const struct bytes oid_key_usage = BYTES_LIT("\x55\x1d\x0f");
static const struct bytes oid_akid = BYTES_LIT("\x55\x1d\x23");
static const struct bytes oid_skid = BYTES_LIT("\x55\x1d\x0e");

/* --- signature algorithms --- */

#define PKCS1_OID "\x2a\x86\x48\x86\xf7\x0d\x01\x01"

static const struct {
    struct bytes oid;
    enum sig_alg alg;
    bool rsa; /* parameters NULL (or absent, RFC 4055 5); absent for ECDSA (RFC 5758 3.2) */
} sig_oids[] = {
    {BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"), SIG_ECDSA_SHA256, false},
    {BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x03"), SIG_ECDSA_SHA384, false},
    {BYTES_LIT(PKCS1_OID "\x0b"), SIG_RSA_SHA256, true},
    {BYTES_LIT(PKCS1_OID "\x0c"), SIG_RSA_SHA384, true},
    {BYTES_LIT(PKCS1_OID "\x0d"), SIG_RSA_SHA512, true},
};
static const struct bytes oid_pss = BYTES_LIT(PKCS1_OID "\x0a");
static const struct bytes oid_mgf1 = BYTES_LIT(PKCS1_OID "\x08");
static const struct bytes oid_sha256 = BYTES_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x01");
static const struct bytes oid_sha384 = BYTES_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x02");

/* parameters NULL or none: the next element of alg, which must be its last */
static bool null_or_absent(struct der *alg)
{
    struct bytes null = {0};
    der_optional(alg, DER_NULL, &null);
    return null.len == 0 && der_finish(alg, NULL);
}

static enum hash_alg hash_alg_parse(struct der *d)
{
    struct der alg = der_enter(d, DER_SEQUENCE, "hash");
    struct bytes oid = der_take(&alg, DER_OID, "hash");
    if (!null_or_absent(&alg))
        return HASH_NONE;
    return bytes_eq(oid, oid_sha256) ? HASH_SHA256 : bytes_eq(oid, oid_sha384) ? HASH_SHA384 : HASH_NONE;
}

/* RSASSA-PSS-params, RFC 4055 3.1. The defaults mean SHA-1 and are not taken; trailerField may be given or left out. */
static enum sig_alg pss_parse(struct der *alg)
{
    struct der params = der_enter(alg, DER_SEQUENCE, "PSS parameters");
    struct der hash_part = der_enter(&params, DER_CONTEXT(0), "hash");
    struct der mgf_part = der_enter(&params, DER_CONTEXT(1), "mask generation");
    struct der salt_part = der_enter(&params, DER_CONTEXT(2), "salt length");

    enum hash_alg hash = hash_alg_parse(&hash_part);
    struct der mgf = der_enter(&mgf_part, DER_SEQUENCE, "mask generation");
    struct bytes mgf_oid = der_take(&mgf, DER_OID, "mask generation");
    enum hash_alg mgf_hash = hash_alg_parse(&mgf);
    uint64_t salt_len = der_u64(&salt_part, "salt length");
    uint64_t trailer = 1;
    if (der_peek(&params) == DER_CONTEXT(3)) {
        struct der trailer_part = der_enter(&params, DER_CONTEXT(3), "trailer");
        trailer = der_u64(&trailer_part, "trailer");
        if (!der_finish(&trailer_part, NULL))
            return SIG_UNKNOWN;
    }
    bool good = der_finish(&hash_part, NULL) && der_finish(&mgf, NULL) && der_finish(&mgf_part, NULL) &&
                der_finish(&salt_part, NULL) && der_finish(&params, NULL) && der_finish(alg, NULL) &&
                bytes_eq(mgf_oid, oid_mgf1) && mgf_hash == hash && salt_len == hash_size(hash) && trailer == 1;
    if (!good)
        return SIG_UNKNOWN;
    return hash == HASH_SHA256 ? SIG_PSS_SHA256 : hash == HASH_SHA384 ? SIG_PSS_SHA384 : SIG_UNKNOWN;
}

enum sig_alg sig_alg_parse(struct bytes algorithm_identifier)
{
    struct der outer = der_from(algorithm_identifier);
    struct der alg = der_enter(&outer, DER_SEQUENCE, "algorithm");
    struct bytes oid = der_take(&alg, DER_OID, "algorithm");
    if (!der_ok(&alg, NULL) || !der_finish(&outer, NULL))
        return SIG_UNKNOWN;
    if (bytes_eq(oid, oid_pss))
        return pss_parse(&alg);
    for (size_t i = 0; i < sizeof sig_oids / sizeof *sig_oids; i++)
        if (bytes_eq(oid, sig_oids[i].oid))
            return (sig_oids[i].rsa ? null_or_absent(&alg) : der_finish(&alg, NULL)) ? sig_oids[i].alg : SIG_UNKNOWN;
    return SIG_UNKNOWN;
}

bool sig_verify(enum sig_alg alg, const struct pubkey *key, struct bytes tbs, struct bytes sig)
{
    static const enum hash_alg hash_of_sig[] = {
        [SIG_UNKNOWN] = HASH_NONE,      [SIG_ECDSA_SHA256] = HASH_SHA256, [SIG_ECDSA_SHA384] = HASH_SHA384,
        [SIG_RSA_SHA256] = HASH_SHA256, [SIG_RSA_SHA384] = HASH_SHA384,   [SIG_RSA_SHA512] = HASH_SHA512,
        [SIG_PSS_SHA256] = HASH_SHA256, [SIG_PSS_SHA384] = HASH_SHA384,
    };
    enum hash_alg hash = hash_of_sig[alg];
    if (hash == HASH_NONE)
        return false;
    struct digest digest = hash_of(hash, tbs);
    switch (alg) {
    case SIG_ECDSA_SHA256:
    case SIG_ECDSA_SHA384:
        return pubkey_verify_ecdsa_der(key, digest_view(&digest), sig);
    case SIG_RSA_SHA256:
    case SIG_RSA_SHA384:
    case SIG_RSA_SHA512:
        return pubkey_verify_pkcs1(key, hash, digest_view(&digest), sig);
    case SIG_PSS_SHA256:
    case SIG_PSS_SHA384:
        return pubkey_verify_pss(key, hash, digest.len, digest_view(&digest), sig);
    case SIG_UNKNOWN:
        break;
    }
    return false;
}

/* --- one certificate --- */

static bool parse_basic_constraints(struct cert *c, struct bytes value, struct err *err)
{
    struct der outer = der_from(value);
    struct der d = der_enter(&outer, DER_SEQUENCE, "BasicConstraints");
    c->has_basic_constraints = true;
    if (der_peek(&d) == DER_BOOLEAN)
        c->is_ca = der_bool(&d, "cA");
    if (der_more(&d)) {
        uint64_t len = der_u64(&d, "pathLenConstraint");
        c->path_len = len > INT_MAX ? INT_MAX : (int)len;
    }
    return der_finish(&d, err) && der_finish(&outer, err);
}

static bool parse_key_usage(struct cert *c, struct bytes value, struct err *err)
{
    struct der d = der_from(value);
    struct bytes bits = der_take(&d, DER_BIT_STRING, "KeyUsage");
    if (der_ok(&d, NULL) && (bits.len < 1 || bits.len > 3 || bits.p[0] > 7))
        der_fail(&d, "KeyUsage", "not a bit string of at most 16 bits");
    if (!der_finish(&d, err))
        return false;
    c->has_key_usage = true;
    for (unsigned i = 0; i < 8 * (bits.len - 1); i++)
        if (bits.p[1 + i / 8] & (0x80 >> i % 8))
            c->key_usage |= 1u << i;
    return true;
}

static bool parse_skid(struct cert *c, struct bytes value, struct err *err)
{
    struct der d = der_from(value);
    c->skid = der_take(&d, DER_OCTET_STRING, "SubjectKeyIdentifier");
    return der_finish(&d, err);
}

bool akid_parse(struct bytes *key_id, struct bytes value, struct err *err)
{
    struct der outer = der_from(value);
    struct der d = der_enter(&outer, DER_SEQUENCE, "AuthorityKeyIdentifier");
    struct bytes id = {0}, ignored;
    der_optional(&d, DER_CONTEXT_PRIMITIVE(0), &id);
    der_optional(&d, DER_CONTEXT(1), &ignored); /* authorityCertIssuer and serial: the key's identifier is enough */
    der_optional(&d, DER_CONTEXT_PRIMITIVE(2), &ignored);
    if (!der_finish(&d, err) || !der_finish(&outer, err))
        return false;
    *key_id = id;
    return true;
}

static bool parse_akid(struct cert *c, struct bytes value, struct err *err)
{
    return akid_parse(&c->akid, value, err);
}

static bool understand(struct cert *c, const struct cert_ext *ext, struct err *err)
{
    static const struct {
        const struct bytes *oid;
        bool (*parse)(struct cert *c, struct bytes value, struct err *err);
    } known[] = {
        {&oid_basic_constraints, parse_basic_constraints},
        {&oid_key_usage, parse_key_usage},
        {&oid_akid, parse_akid},
        {&oid_skid, parse_skid},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (bytes_eq(ext->oid, *known[i].oid))
            return known[i].parse(c, ext->value, err);
    return true;
}

bool ext_next(struct cert_ext *out, struct der *list)
{
    struct cert_ext ext = {0};
    struct der d = der_enter(list, DER_SEQUENCE, "extension");
    ext.oid = der_take(&d, DER_OID, "extension type");
    if (der_peek(&d) == DER_BOOLEAN)
        ext.critical = der_bool(&d, "critical"); /* FALSE spelled out is not DER, but it is about */
    ext.value = der_take(&d, DER_OCTET_STRING, "extension value");
    if (!der_finish(&d, NULL)) {
        der_fail(list, d.failed ? d.field : "extension", d.failed ? d.why : "bytes left over");
        return false;
    }
    *out = ext;
    return true;
}

static bool parse_extensions(struct cert *c, struct bytes contents, struct err *err)
{
    struct der outer = der_from(contents);
    struct der list = der_enter(&outer, DER_SEQUENCE, "extensions");
    if (!der_finish(&outer, err))
        return false;
    while (der_more(&list)) {
        struct cert_ext ext;
        if (!ext_next(&ext, &list))
            break;
        if (c->num_ext == CERT_MAX_EXTS)
            return err_set(err, ERR_FORMAT, "more than %d extensions", CERT_MAX_EXTS);
        if (cert_find_ext(c, ext.oid))
            return err_set(err, ERR_FORMAT, "extension %zu occurs twice", c->num_ext + 1);
        c->ext[c->num_ext++] = ext;
        if (!understand(c, &ext, err))
            return err_wrap(err, "extension %zu", c->num_ext);
    }
    return der_finish(&list, err);
}

/* INTEGER of the [0]: 2 means v3; absent means v1. */
static bool parse_version(bool *v3, struct der *tbs)
{
    *v3 = der_peek(tbs) == DER_CONTEXT(0);
    if (!*v3)
        return true;
    struct der d = der_enter(tbs, DER_CONTEXT(0), "version");
    uint64_t version = der_u64(&d, "version");
    return der_finish(&d, NULL) && version == 2;
}

static bool parse_tbs(struct cert *c, struct bytes tbs, struct err *err)
{
    struct der outer = der_from(tbs);
    struct der d = der_enter(&outer, DER_SEQUENCE, "TBSCertificate");
    bool v3;
    if (!parse_version(&v3, &d))
        return err_set(err, ERR_FORMAT, "version: want v3, or v1 left out");
    c->v1 = !v3;
    c->serial = der_uint(&d, SERIAL_MAX, "serialNumber");
    struct bytes inner_alg = der_raw(&d, DER_SEQUENCE, "signature");
    c->issuer = der_raw(&d, DER_SEQUENCE, "issuer");
    struct der validity = der_enter(&d, DER_SEQUENCE, "validity");
    c->not_before_s = der_time(&validity, "notBefore");
    c->not_after_s = der_time(&validity, "notAfter");
    c->subject = der_raw(&d, DER_SEQUENCE, "subject");
    c->spki = der_raw(&d, DER_SEQUENCE, "subjectPublicKeyInfo");
    struct bytes extensions = {0};
    bool has_extensions = der_optional(&d, DER_CONTEXT(3), &extensions);
    if (!der_finish(&validity, err) || !der_finish(&d, err))
        return false;
    if (!bytes_eq(inner_alg, c->sig_alg_der))
        return err_set(err, ERR_FORMAT, "signature algorithm differs inside and outside");
    if (has_extensions && !v3)
        return err_set(err, ERR_FORMAT, "extensions in a v1 certificate");
    return !has_extensions || parse_extensions(c, extensions, err);
}

bool cert_parse(struct cert *out, struct bytes der, struct err *err)
{
    struct cert c;
    memset(&c, 0, offsetof(struct cert, ext)); /* the table is large and num_ext says how much of it counts */
    c.num_ext = 0;
    c.der = der;
    c.path_len = -1;
    struct der outer = der_from(der);
    struct der d = der_enter(&outer, DER_SEQUENCE, "Certificate");
    c.tbs = der_raw(&d, DER_SEQUENCE, "tbsCertificate");
    c.sig_alg_der = der_raw(&d, DER_SEQUENCE, "signatureAlgorithm");
    c.sig = der_bits(&d, "signatureValue");
    if (!der_finish(&d, err) || !der_finish(&outer, err) || !parse_tbs(&c, c.tbs, err))
        return err_wrap(err, "certificate");
    c.sig_alg = sig_alg_parse(c.sig_alg_der);
    memcpy(out, &c, offsetof(struct cert, ext));
    memcpy(out->ext, c.ext, c.num_ext * sizeof *c.ext);
    out->num_ext = c.num_ext;
    return true;
}

const struct cert_ext *cert_find_ext(const struct cert *cert, struct bytes oid)
{
    for (size_t i = 0; i < cert->num_ext; i++)
        if (bytes_eq(cert->ext[i].oid, oid))
            return &cert->ext[i];
    return NULL;
}

struct pubkey *cert_pubkey(const struct cert *cert, struct err *err)
{
    return pubkey_from_spki(cert->spki, err);
}

bool cert_signed_by(const struct cert *cert, const struct pubkey *issuer_key)
{
    return sig_verify(cert->sig_alg, issuer_key, cert->tbs, cert->sig);
}

/* --- names --- */

/* The next attribute of a name; rdns and rdn are where the walk stands. False at the end, or where it is damaged. */
static bool next_attribute(struct der *rdns, struct der *rdn, struct bytes *oid, struct bytes *value)
{
    while (!der_more(rdn)) {
        if (!der_more(rdns))
            return false;
        *rdn = der_enter(rdns, DER_SET, "RDN");
    }
    struct der d = der_enter(rdn, DER_SEQUENCE, "attribute");
    *oid = der_take(&d, DER_OID, "attribute type");
    *value = der_take(&d, der_peek(&d), "attribute value");
    return der_finish(&d, NULL);
}

struct bytes name_find(struct bytes name, struct bytes oid)
{
    struct der outer = der_from(name), rdn = {0};
    struct der rdns = der_enter(&outer, DER_SEQUENCE, "name");
    struct bytes type, value;
    while (next_attribute(&rdns, &rdn, &type, &value))
        if (bytes_eq(type, oid))
            return value;
    return (struct bytes){0};
}

static const char *attribute_name(struct bytes oid)
{
    static const struct {
        struct bytes oid;
        const char *name;
    } names[] = {
        {BYTES_LIT("\x55\x04\x03"), "CN"},
        {BYTES_LIT("\x55\x04\x06"), "C"},
        {BYTES_LIT("\x55\x04\x07"), "L"},
        {BYTES_LIT("\x55\x04\x08"), "ST"},
        {BYTES_LIT("\x55\x04\x0a"), "O"},
        {BYTES_LIT("\x55\x04\x0b"), "OU"},
        {BYTES_LIT("\x55\x04\x05"), "serialNumber"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_eq(oid, names[i].oid))
            return names[i].name;
    return "other";
}

char *name_text(char *out, size_t size, struct bytes name)
{
    struct der outer = der_from(name), rdn = {0};
    struct der rdns = der_enter(&outer, DER_SEQUENCE, "name");
    struct bytes type, value;
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    while (used < size && next_attribute(&rdns, &rdn, &type, &value)) {
        int n = snprintf(out + used, size - used, "%s%s=", used ? ", " : "", attribute_name(type));
        used += (size_t)n;
        for (size_t i = 0; i < value.len && used + 1 < size; i++)
            out[used++] = value.p[i] >= 0x20 && value.p[i] < 0x7f ? (char)value.p[i] : '?';
        if (used < size)
            out[used] = '\0';
    }
    return out;
}
