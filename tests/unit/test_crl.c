#include "crypto/crl.h"

#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "tests/support/certs.h"

#include <stdlib.h>

/* --- real lists --- */

static void load(struct buf *out, struct bytes *der, const char *name, const char *label, size_t at)
{
    AUTO(buf_done) struct buf in = buf_new(1 << 20);
    vectors_read(&in, name);
    AUTO(der_list_done) struct der_list list = {0};
    struct err err = {0};
    if (!der_list_parse(&list, buf_view(&in), label, 4, &err) || list.count <= at)
        fail_msg("%s: %s", name, err.text);
    buf_put(out, list.item[at]);
    *der = buf_view(out);
}

static const struct {
    const char *crl, *issuer;
    size_t issuer_at, num_revoked;
} reals[] = {
    {"tdx/collateral/pckcrl_platform_20260630_cfc3f1.der", "tdx/collateral/pck_platform_ca_chain.pem", 0, 57},
    {"tdx/collateral/pckcrl_processor_20250619_5b07d3.der", "tdx/collateral/pck_processor_ca_chain.pem", 0, 0},
    {"tdx/collateral/rootcrl_20260226_c114be.der", "roots/intel-sgx-root-ca.der", 0, 0},
    {"snp/crls/milan_20250506.der", "roots/amd-ark-milan.pem", 0, 0},
    {"snp/crls/genoa_20241023.der", "roots/amd-ark-genoa.pem", 0, 1},
    {"roots/tpm-google-ek-ak-ca-root.crl.der", "roots/tpm-google-ek-ak-ca-root.der", 0, 0},
};
#define NUM_REALS (sizeof reals / sizeof *reals)

static bool openssl_verifies(struct bytes crl_der, struct bytes issuer_der)
{
    const uint8_t *p = crl_der.p, *q = issuer_der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)crl_der.len);
    X509 *issuer = d2i_X509(NULL, &q, (long)issuer_der.len);
    bool ok = crl && issuer && p == crl_der.p + crl_der.len && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
    X509_CRL_free(crl);
    X509_free(issuer);
    return ok;
}

static void real_lists_hold_as_openssl_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_REALS; i++)
        for (size_t k = 0; k < NUM_REALS; k++) {
            AUTO(buf_done) struct buf crl_mem = buf_new(1 << 20);
            AUTO(buf_done) struct buf cert_mem = buf_new(1 << 20);
            struct bytes crl_der, cert_der;
            load(&crl_mem, &crl_der, reals[i].crl, "X509 CRL", 0);
            load(&cert_mem, &cert_der, reals[k].issuer, "CERTIFICATE", reals[k].issuer_at);
            struct crl crl;
            struct cert issuer;
            struct err err;
            if (!crl_parse(&crl, crl_der, &err))
                fail_msg("%s: %s", reals[i].crl, err.text);
            assert_true(cert_parse(&issuer, cert_der, NULL));
            AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&issuer, NULL);
            assert_int_equal(crl.num_revoked, reals[i].num_revoked);
            assert_true(crl.next_update_s > crl.this_update_s);
            assert_int_equal(crl_signed_by(&crl, &issuer, key), i == k);
            assert_int_equal(openssl_verifies(crl_der, cert_der), i == k);
        }
}

static void amds_revoked_ask_is_found(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf mem = buf_new(1 << 20);
    struct bytes der;
    struct crl crl;
    load(&mem, &der, "snp/crls/genoa_20241023.der", "X509 CRL", 0);
    assert_true(crl_parse(&crl, der, NULL));
    assert_true(crl_is_revoked(&crl, BYTES_LIT("\x02\x00\x01")));
    assert_false(crl_is_revoked(&crl, BYTES_LIT("\x02\x00\x02")));
    assert_true(bytes_eq(crl.number, BYTES_LIT("\x04")));
}

static void every_flipped_bit_and_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        AUTO(buf_done) struct buf crl_mem = buf_new(1 << 20);
        AUTO(buf_done) struct buf cert_mem = buf_new(1 << 20);
        struct bytes der, cert_der;
        load(&crl_mem, &der, reals[i].crl, "X509 CRL", 0);
        load(&cert_mem, &cert_der, reals[i].issuer, "CERTIFICATE", reals[i].issuer_at);
        struct crl crl;
        struct cert issuer;
        assert_true(cert_parse(&issuer, cert_der, NULL));
        AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&issuer, NULL);
        for (size_t bit = 0; bit < 8 * der.len; bit += i < 3 ? 1 : 17) {
            crl_mem.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(crl_parse(&crl, der, NULL) && crl_signed_by(&crl, &issuer, key));
            crl_mem.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < der.len; n++)
            assert_false(crl_parse(&crl, bytes_sub(der, 0, n), NULL));
        assert_true(crl_parse(&crl, der, NULL) && crl_signed_by(&crl, &issuer, key));
    }
}

/* --- made ones --- */

static const struct made_spec issuer_spec = {
    3, 1, 1, 1, 1, 1, -1, 1 << 5 | 1 << 6, 0, 0, MADE_NOW - 86400, MADE_NOW + 86400};

static void add_raw_ext(X509_CRL *crl, X509_REVOKED *entry, int nid, bool critical, struct bytes value)
{
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, value.p, (int)value.len);
    X509_EXTENSION *ext = X509_EXTENSION_create_by_NID(NULL, nid, critical, octets);
    assert_int_equal(entry ? X509_REVOKED_add_ext(entry, ext, -1) : X509_CRL_add_ext(crl, ext, -1), 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(octets);
}

static X509_REVOKED *revoked(X509_CRL *crl, unsigned long serial)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, MADE_NOW - 100);
    ASN1_INTEGER_set_uint64(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    X509_REVOKED_set_revocationDate(entry, when);
    ASN1_TIME_free(when);
    ASN1_INTEGER_free(number);
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    return entry;
}

static X509_CRL *made_crl(X509 *issuer)
{
    X509_CRL *crl = X509_CRL_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
    ASN1_TIME *when = ASN1_TIME_set(NULL, MADE_NOW - 1000);
    X509_CRL_set1_lastUpdate(crl, when);
    ASN1_TIME_set(when, MADE_NOW + 1000);
    X509_CRL_set1_nextUpdate(crl, when);
    ASN1_TIME_free(when);
    return crl;
}

static struct bytes crl_der(struct buf *out, X509_CRL *crl)
{
    uint8_t *der = NULL;
    assert_true(X509_CRL_sign(crl, made_key(1), EVP_sha256()) > 0);
    int len = i2d_X509_CRL(crl, &der);
    assert_true(len > 0);
    buf_put(out, bytes_from(der, (size_t)len));
    OPENSSL_free(der);
    return buf_view(out);
}

static void extensions_that_change_the_meaning_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int nid;
        bool in_entry, critical;
        struct bytes value;
        bool ok;
    } rows[] = {
        {"number", NID_crl_number, false, false, BYTES_LIT("\x02\x01\x07"), true},
        {"number that is none", NID_crl_number, false, false, BYTES_LIT("\x04\x01\x07"), false},
        {"delta list", NID_delta_crl, false, true, BYTES_LIT("\x02\x01\x07"), false},
        {"partial or indirect list", NID_issuing_distribution_point, false, true, BYTES_LIT("\x30\x03\x84\x01\xff"),
         false},
        {"freshest list, not critical", NID_freshest_crl, false, false, BYTES_LIT("\x30\x00"), true},
        {"reason", NID_crl_reason, true, false, BYTES_LIT("\x0a\x01\x01"), true},
        {"another issuer in an entry", NID_certificate_issuer, true, true, BYTES_LIT("\x30\x00"), false},
    };
    X509 *issuer = made_cert(&issuer_spec);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        X509_CRL *made = made_crl(issuer);
        X509_REVOKED *entry = revoked(made, 77);
        add_raw_ext(made, rows[i].in_entry ? entry : NULL, rows[i].nid, rows[i].critical, rows[i].value);
        AUTO(buf_done) struct buf mem = buf_new(1 << 16);
        struct crl crl;
        if (crl_parse(&crl, crl_der(&mem, made), NULL) != rows[i].ok)
            fail_msg("%s", rows[i].name);
        X509_CRL_free(made);
    }
    X509_free(issuer);
}

static void only_who_may_sign_lists_has_signed(void **state)
{
    (void)state;
    static const struct {
        int usage, subject, key;
        bool ok;
    } rows[] = {
        {1 << 5 | 1 << 6, 1, 1, true}, {-1, 1, 1, true},      {1 << 5, 1, 1, false},
        {1 << 6, 2, 1, false},         {1 << 6, 1, 2, false},
    };
    X509 *genuine = made_cert(&issuer_spec);
    X509_CRL *made = made_crl(genuine);
    AUTO(buf_done) struct buf mem = buf_new(1 << 16);
    struct crl crl;
    assert_true(crl_parse(&crl, crl_der(&mem, made), NULL));
    assert_true(crl.this_update_s == MADE_NOW - 1000 && crl.next_update_s == MADE_NOW + 1000);
    assert_int_equal(crl.num_revoked, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made_spec spec = issuer_spec;
        spec.usage = rows[i].usage;
        spec.subject = rows[i].subject;
        spec.key = rows[i].key;
        X509 *issuer = made_cert(&spec);
        AUTO(buf_done) struct buf cert_mem = buf_new(1 << 16);
        struct cert c;
        assert_true(cert_parse(&c, made_der(&cert_mem, issuer), NULL));
        AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&c, NULL);
        assert_int_equal(crl_signed_by(&crl, &c, key), rows[i].ok);
        X509_free(issuer);
    }
    X509_CRL_free(made);
    X509_free(genuine);
}

static void long_lists_are_searched_whole(void **state)
{
    (void)state;
    X509 *issuer = made_cert(&issuer_spec);
    X509_CRL *made = made_crl(issuer);
    for (unsigned long i = 0; i < 5000; i++)
        revoked(made, 3 * i);
    AUTO(buf_done) struct buf mem = buf_new(1 << 20);
    struct crl crl;
    struct bytes der = crl_der(&mem, made);
    assert_true(crl_parse(&crl, der, NULL));
    assert_int_equal(crl.num_revoked, 5000);
    for (unsigned i = 0; i < 15000; i += 101) {
        uint8_t serial[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        struct bytes s = serial[0] ? BYTES(serial) : bytes_from(serial + 1, 1);
        assert_int_equal(crl_is_revoked(&crl, s), i % 3 == 0);
    }
    assert_false(crl_is_revoked(&crl, BYTES_LIT("\x00\x03"))); /* another number of bytes is another number */
    X509_CRL_free(made);
    X509_free(issuer);
}

static void without_next_update_it_never_counts_as_fresh(void **state)
{
    (void)state;
    X509 *issuer = made_cert(&issuer_spec);
    X509_CRL *made = X509_CRL_new(); /* v1 */
    X509_CRL_set_issuer_name(made, X509_get_subject_name(issuer));
    ASN1_TIME *when = ASN1_TIME_set(NULL, MADE_NOW);
    X509_CRL_set1_lastUpdate(made, when);
    ASN1_TIME_free(when);
    AUTO(buf_done) struct buf mem = buf_new(1 << 16);
    struct crl crl;
    assert_true(crl_parse(&crl, crl_der(&mem, made), NULL));
    assert_true(crl.next_update_s == 0);
    X509_CRL_free(made);
    X509_free(issuer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_lists_hold_as_openssl_says),
        cmocka_unit_test(amds_revoked_ask_is_found),
        cmocka_unit_test(every_flipped_bit_and_every_truncation_is_refused),
        cmocka_unit_test(extensions_that_change_the_meaning_are_refused),
        cmocka_unit_test(only_who_may_sign_lists_has_signed),
        cmocka_unit_test(long_lists_are_searched_whole),
        cmocka_unit_test(without_next_update_it_never_counts_as_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
