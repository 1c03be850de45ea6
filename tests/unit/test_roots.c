/* The pinned roots are those that the vendors publish, each self-signed root verifies under its own entry and no other,
 * and a root that the user adds serves every use. */
#include "crypto/base/text.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "relayer/evidence/roots.h"
#include "tests/support/vectors.h"

static const struct {
    enum root_use use;
    const char *file, *spki_sha256;
} published[] = {
    {ROOT_INTEL, "roots/intel-sgx-root-ca.der", "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
    {ROOT_AMD_MILAN, "roots/amd-ark-milan.pem", "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
    {ROOT_AMD_GENOA, "roots/amd-ark-genoa.pem", "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
    {ROOT_AMD_TURIN, "roots/amd-ark-turin.pem", "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
    {ROOT_TPM_GOOGLE, "roots/tpm-google-ek-ak-ca-root.der",
     "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f"},
    {ROOT_TPM_MICROSOFT, "roots/tpm-microsoft-azure-virtual-tpm-root-2023.der",
     "5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf"},
};
#define NUM_PUBLISHED (sizeof published / sizeof *published)

static void pinned_keys_are_the_published_ones(void **state)
{
    (void)state;
    struct roots roots = {0};
    assert_true(roots_init(&roots, NULL));
    assert_int_equal(roots.count, NUM_PUBLISHED);
    for (size_t i = 0; i < NUM_PUBLISHED; i++) {
        struct buf spki = buf_new(4096), want = buf_new(32);
        assert_int_equal(roots.root[i].use, published[i].use);
        assert_true(pubkey_to_spki(&spki, roots.root[i].key, NULL));
        assert_true(hex_decode(&want, bytes_str(published[i].spki_sha256), NULL));
        struct hash32 have = sha256(buf_view(&spki));
        assert_memory_equal(have.b, want.p, 32);
        buf_done(&spki);
        buf_done(&want);
    }
    roots_done(&roots);
}

static void a_root_serves_its_own_use_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_PUBLISHED; i++) {
        struct buf file = buf_new(1 << 16);
        struct roots roots = {0};
        struct der_list list = {0};
        struct cert cert;
        vectors_read(&file, published[i].file);
        assert_true(roots_init(&roots, NULL));
        assert_true(der_list_parse(&list, buf_view(&file), "CERTIFICATE", 1, NULL));
        assert_true(cert_parse(&cert, list.item[0], NULL));
        const struct chain_rules rules = {.leaf_may_be_ca = true};
        for (enum root_use use = ROOT_INTEL; use < ROOT_EXTRA; use++) {
            struct pinned_root pinned[ROOTS_MAX];
            size_t n = roots_for(&roots, use, pinned);
            assert_int_equal(n, 1);
            enum chain_fault fault = chain_verify(&cert, 1, pinned, n, &rules, cert.not_before_s, NULL, NULL, NULL);
            assert_int_equal(fault, use == published[i].use ? CHAIN_OK : CHAIN_NO_ROOT);
        }
        der_list_done(&list);
        buf_done(&file);
        roots_done(&roots);
    }
}

static void an_added_root_serves_every_use(void **state)
{
    (void)state;
    struct roots roots = {0};
    struct err err = {0};
    struct buf file = buf_new(1 << 16);
    vectors_read(&file, "roots/intel-sgx-root-ca-first-issue.der");
    assert_true(roots_init(&roots, NULL));
    assert_true(roots_add(&roots, buf_view(&file), &err));
    assert_string_equal(roots.root[roots.count - 1].label, "extra: Intel SGX Root CA");
    for (enum root_use use = ROOT_INTEL; use < ROOT_EXTRA; use++) {
        struct pinned_root pinned[ROOTS_MAX];
        assert_int_equal(roots_for(&roots, use, pinned), 2);
    }
    while (roots.count < ROOTS_MAX)
        assert_true(roots_add(&roots, buf_view(&file), &err));
    assert_false(roots_add(&roots, buf_view(&file), &err));
    assert_int_equal(err.code, ERR_USAGE);
    buf_done(&file);
    roots_done(&roots);
}

static void what_is_no_certificate_is_no_root(void **state)
{
    (void)state;
    struct roots roots = {0};
    assert_true(roots_init(&roots, NULL));
    size_t count = roots.count;
    assert_false(roots_add(&roots, (struct bytes){0}, NULL));
    assert_false(roots_add(&roots, bytes_str("no certificate"), NULL));
    assert_false(roots_add(&roots, BYTES_LIT("\x30\x03\x02\x01\x01"), NULL));
    assert_int_equal(roots.count, count);
    roots_done(&roots);
}

static void helper_certificates_parse(void **state)
{
    (void)state;
    struct cert cert;
    size_t n = 0;
    for (const struct helper_cert *h; (h = roots_helper(n)) != NULL; n++)
        assert_true(cert_parse(&cert, h->der, NULL));
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned_keys_are_the_published_ones), cmocka_unit_test(a_root_serves_its_own_use_alone),
        cmocka_unit_test(an_added_root_serves_every_use),     cmocka_unit_test(what_is_no_certificate_is_no_root),
        cmocka_unit_test(helper_certificates_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
