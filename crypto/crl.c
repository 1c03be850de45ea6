#include "crypto/crl.h"

#include "crypto/base/der.h"

#define SERIAL_MAX 20

/* One entry of revokedCertificates. Its own extensions must not change whom it speaks of (certificateIssuer is critical
 * and belongs to indirect lists). */
static struct bytes next_entry(struct der *list)
{
    struct der entry = der_enter(list, DER_SEQUENCE, "revoked certificate");
    struct bytes serial = der_uint(&entry, SERIAL_MAX, "userCertificate");
    der_time(&entry, "revocationDate");
    if (der_more(&entry)) {
        struct der exts = der_enter(&entry, DER_SEQUENCE, "crlEntryExtensions");
        while (der_more(&exts)) {
            struct cert_ext ext;
            if (ext_next(&ext, &exts) && ext.critical)
                der_fail(&exts, "crlEntryExtensions", "unknown critical extension");
        }
        if (!der_ok(&exts, NULL))
            der_fail(&entry, exts.field, exts.why);
    }
    if (!der_finish(&entry, NULL))
        der_fail(list, entry.failed ? entry.field : "revoked certificate",
                 entry.failed ? entry.why : "bytes left over");
    return serial;
}

static bool parse_extension(struct crl *c, const struct cert_ext *ext, struct err *err)
{
    static const struct bytes oid_number = BYTES_LIT("\x55\x1d\x14"), oid_akid = BYTES_LIT("\x55\x1d\x23");
    if (bytes_eq(ext->oid, oid_akid))
        return akid_parse(&c->akid, ext->value, err);
    if (bytes_eq(ext->oid, oid_number)) {
        struct der d = der_from(ext->value);
        c->number = der_uint(&d, SERIAL_MAX, "CRLNumber");
        return der_finish(&d, err);
    }
    /* deltaCRLIndicator and issuingDistributionPoint among them: the list would not be the whole list */
    if (ext->critical)
        return err_set(err, ERR_FORMAT, "unknown critical extension");
    return true;
}

static bool parse_extensions(struct crl *c, struct bytes contents, struct err *err)
{
    struct der outer = der_from(contents);
    struct der list = der_enter(&outer, DER_SEQUENCE, "crlExtensions");
    struct bytes seen[CERT_MAX_EXTS];
    size_t count = 0;
    while (der_more(&list)) {
        struct cert_ext ext;
        if (!ext_next(&ext, &list))
            break;
        if (count == CERT_MAX_EXTS)
            return err_set(err, ERR_FORMAT, "more than %d extensions", CERT_MAX_EXTS);
        for (size_t i = 0; i < count; i++)
            if (bytes_eq(seen[i], ext.oid))
                return err_set(err, ERR_FORMAT, "extension %zu occurs twice", count + 1);
        seen[count++] = ext.oid;
        if (!parse_extension(c, &ext, err))
            return err_wrap(err, "extension %zu", count);
    }
    return der_finish(&list, err) && der_finish(&outer, err);
}

static bool parse_tbs(struct crl *c, struct bytes tbs, struct err *err)
{
    struct der outer = der_from(tbs);
    struct der d = der_enter(&outer, DER_SEQUENCE, "TBSCertList");
    bool v2 = der_peek(&d) == DER_INTEGER;
    if (v2 && der_u64(&d, "version") != 1)
        der_fail(&d, "version", "not v2");
    struct bytes inner_alg = der_raw(&d, DER_SEQUENCE, "signature");
    c->issuer = der_raw(&d, DER_SEQUENCE, "issuer");
    c->this_update_s = der_time(&d, "thisUpdate");
    int next = der_peek(&d);
    if (next == DER_UTC_TIME || next == DER_GENERALIZED_TIME)
        c->next_update_s = der_time(&d, "nextUpdate");
    der_optional(&d, DER_SEQUENCE, &c->revoked);
    struct bytes extensions = {0};
    bool has_extensions = v2 && der_optional(&d, DER_CONTEXT(0), &extensions);
    if (!der_finish(&d, err))
        return false;
    if (!bytes_eq(inner_alg, c->sig_alg_der))
        return err_set(err, ERR_FORMAT, "signature algorithm differs inside and outside");
    struct der list = der_from(c->revoked);
    for (; der_more(&list); c->num_revoked++)
        next_entry(&list);
    return der_finish(&list, err) && (!has_extensions || parse_extensions(c, extensions, err));
}

bool crl_parse(struct crl *out, struct bytes der, struct err *err)
{
    struct crl c = {.der = der};
    struct der outer = der_from(der);
    struct der d = der_enter(&outer, DER_SEQUENCE, "CertificateList");
    c.tbs = der_raw(&d, DER_SEQUENCE, "tbsCertList");
    c.sig_alg_der = der_raw(&d, DER_SEQUENCE, "signatureAlgorithm");
    c.sig = der_bits(&d, "signatureValue");
    if (!der_finish(&d, err) || !der_finish(&outer, err) || !parse_tbs(&c, c.tbs, err))
        return err_wrap(err, "CRL");
    c.sig_alg = sig_alg_parse(c.sig_alg_der);
    *out = c;
    return true;
}

bool crl_is_revoked(const struct crl *crl, struct bytes serial)
{
    struct der list = der_from(crl->revoked);
    while (der_more(&list)) {
        struct der entry = der_enter(&list, DER_SEQUENCE, "revoked certificate");
        if (bytes_eq(der_uint(&entry, SERIAL_MAX, "userCertificate"), serial))
            return true;
    }
    return false;
}

bool crl_signed_by(const struct crl *crl, const struct cert *issuer, const struct pubkey *issuer_key)
{
    if (!bytes_eq(crl->issuer, issuer->subject))
        return false;
    if (crl->akid.len && issuer->skid.len && !bytes_eq(crl->akid, issuer->skid))
        return false;
    if (issuer->has_key_usage && !(issuer->key_usage & KU_CRL_SIGN))
        return false;
    return sig_verify(crl->sig_alg, issuer_key, crl->tbs, crl->sig);
}
