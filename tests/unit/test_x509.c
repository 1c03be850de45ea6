#include "crypto/x509.h"

#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "tests/support/certs.h"

#include <stdlib.h>

#define MAX 8

/* A set of certificates with the bytes under them. */
struct set {
    struct buf mem;
    struct bytes der[MAX];
    struct cert cert[MAX];
    size_t n;
};

static void set_done(struct set *s)
{
    buf_done(&s->mem);
}

/* Copies, because adding to the buffer would move what stands in it already. */
static void set_add(struct set *s, struct bytes der)
{
    if (s->mem.max == 0) {
        s->mem = buf_new(1 << 16);
        buf_extend(&s->mem, 1 << 15);
        s->mem.len = 0;
    }
    assert_true(s->n < MAX && s->mem.len + der.len <= s->mem.cap);
    size_t from = s->mem.len;
    struct err err = {0};
    buf_put(&s->mem, der);
    s->der[s->n] = bytes_sub(buf_view(&s->mem), from, der.len);
    if (!cert_parse(&s->cert[s->n], s->der[s->n], &err))
        fail_msg("%s", err.text);
    s->n++;
}

static void set_add_file(struct set *s, const char *name)
{
    AUTO(buf_done) struct buf in = buf_new(1 << 20);
    vectors_read(&in, name);
    AUTO(der_list_done) struct der_list list = {0};
    struct err err = {0};
    bool quote = strstr(name, "/quotes/v") != NULL;
    if (!(quote ? pem_parse : der_list_parse)(&list, buf_view(&in), "CERTIFICATE", MAX, &err))
        fail_msg("%s: %s", name, err.text);
    for (size_t i = 0; i < list.count; i++)
        set_add(s, list.item[i]);
}

/* --- real chains --- */

static const struct real {
    const char *name, *files[8]; /* in any order; the root last */
    size_t length;               /* of the chain among them */
} reals[] = {
    {"Intel PCK", {"tdx/quotes/v4_b0c06f_uptodate_ev20.bin", "roots/intel-sgx-root-ca.der"}, 3},
    {"Intel TCB signing", {"tdx/collateral/tcb_signing_chain_2025.pem", "roots/intel-sgx-root-ca.der"}, 2},
    {"AMD Milan", {"snp/chains/vcek_milan.pem", "snp/certs/vcek_milan_008fed0d.der", "roots/amd-ark-milan.pem"}, 3},
    {"AMD Genoa", {"snp/chains/vcek_genoa.pem", "snp/certs/vcek_genoa_05788a16.der", "roots/amd-ark-genoa.pem"}, 3},
    {"AMD Turin", {"snp/chains/vcek_turin.pem", "snp/certs/vcek_turin_49d521f0.der", "roots/amd-ark-turin.pem"}, 3},
    {"AMD VLEK", {"snp/chains/vlek_milan.pem", "snp/certs/vlek_milan_296a7c99.der", "roots/amd-ark-milan.pem"}, 3},
    {"Google AK",
     {"roots/tpm-google-ek-ak-ca-intermediate-20220823.der", "roots/tpm-google-ek-ak-ca-intermediate-20240222b.der",
      "roots/tpm-google-ek-ak-ca-intermediate-20240222a.der", "roots/tpm-google-ek-ak-ca-intermediate-20240222c.der",
      "tpm/quotes/gcp-tdx-p256-chain.ak.cert.der", "roots/tpm-google-ek-ak-ca-intermediate-20220831.der",
      "roots/tpm-google-ek-ak-ca-root.der"},
     3},
    {"Azure AK",
     {"roots/tpm-microsoft-azure-cloud-virtual-tpm-ca-2025.der", "tpm/quotes/azure-tdx-ca24-chain.ak.cert.der",
      "roots/tpm-microsoft-azure-cloud-virtual-tpm-ca-24.der", "roots/tpm-microsoft-azure-virtual-tpm-root-2023.der"},
     4},
};
#define NUM_REALS (sizeof reals / sizeof *reals)

static int64_t in_force(const struct set *s)
{
    int64_t t = INT64_MIN;
    for (size_t i = 0; i < s->n; i++)
        if (s->cert[i].not_before_s > t)
            t = s->cert[i].not_before_s;
    return t;
}

/* In order, cut to its chain. The root's bytes into root. */
static void load_real(struct set *s, const struct real *r)
{
    for (size_t i = 0; i < 8 && r->files[i]; i++)
        set_add_file(s, r->files[i]);
    size_t n = chain_sort(s->cert, s->n);
    if (n != r->length)
        fail_msg("%s: %zu in order, want %zu", r->name, n, r->length);
    s->n = n;
    for (size_t i = 0; i < n; i++)
        s->der[i] = s->cert[i].der;
}

static enum chain_fault judge(const struct set *s, size_t n, const struct pubkey *root, int64_t now_s, size_t *at)
{
    const struct pinned_root pinned[] = {{.label = "root", .key = root, .subject = {0}}};
    struct err why = {0};
    enum chain_fault fault = chain_verify(s->cert, n, pinned, 1, NULL, now_s, NULL, at, &why);
    assert_int_equal(why.code != ERR_NONE, fault != CHAIN_OK);
    return fault;
}

static void real_chains_hold_as_openssl_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_REALS; i++) {
        AUTO(set_done) struct set s = {0};
        load_real(&s, &reals[i]);
        AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&s.cert[s.n - 1], NULL);
        int64_t now_s = in_force(&s);
        size_t at;
        assert_true(openssl_takes(s.der, s.n, s.der[s.n - 1], now_s));
        assert_int_equal(judge(&s, s.n, root, now_s, &at), CHAIN_OK);
        assert_int_equal(judge(&s, s.n - 1, root, now_s, &at), CHAIN_OK); /* the root by its key alone */
        assert_int_equal(judge(&s, s.n, root, now_s - 1, &at), CHAIN_NOT_YET);
        assert_int_equal(judge(&s, s.n, root, s.cert[0].not_after_s, &at), CHAIN_OK);
        assert_int_equal(judge(&s, s.n, root, s.cert[0].not_after_s + 1, &at), CHAIN_EXPIRED);
        assert_int_equal(at, 0);
        AUTO(pubkey_freep) struct pubkey *other = cert_pubkey(&s.cert[0], NULL);
        assert_int_equal(judge(&s, s.n, other, now_s, &at), CHAIN_NO_ROOT);
        assert_int_equal(judge(&s, 0, root, now_s, &at), CHAIN_EMPTY);
        if (s.n > 2) { /* with a certificate left out */
            s.cert[1] = s.cert[2];
            assert_int_equal(judge(&s, 2, root, now_s, &at), CHAIN_NAMES);
        }
    }
}

static void every_flipped_bit_of_a_real_chain_is_refused(void **state)
{
    (void)state;
    size_t flips = 0, ours_refused_alone = 0;
    for (size_t i = 0; i < NUM_REALS; i++) {
        AUTO(set_done) struct set s = {0};
        load_real(&s, &reals[i]);
        AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&s.cert[s.n - 1], NULL);
        int64_t now_s = in_force(&s);
        size_t step = i == 1 ? 1 : 37; /* one chain in full, the others by samples: a minute is too long for everyday */
        for (size_t k = 0; k < s.n; k++)
            for (size_t bit = k; bit < 8 * s.der[k].len; bit += step) {
                uint8_t *p = (uint8_t *)s.der[k].p + bit / 8, mask = (uint8_t)(1 << bit % 8);
                struct cert before = s.cert[k];
                *p ^= mask;
                if (cert_parse(&s.cert[k], s.der[k], NULL) && judge(&s, s.n, root, now_s, NULL) == CHAIN_OK)
                    fail_msg("%s: certificate %zu, bit %zu was taken", reals[i].name, k, bit);
                if (bit % 97 == 0 && k + 1 < s.n && openssl_takes(s.der, s.n, s.der[s.n - 1], now_s))
                    ours_refused_alone++;
                *p ^= mask;
                s.cert[k] = before;
                flips++;
            }
    }
    print_message("%zu bits flipped\n", flips);
    assert_int_equal(ours_refused_alone, 0);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf in = buf_new(1 << 20);
    vectors_read(&in, "roots/intel-sgx-root-ca.der");
    struct cert c;
    for (size_t n = 0; n < in.len; n++)
        assert_false(cert_parse(&c, bytes_sub(buf_view(&in), 0, n), NULL));
    buf_u8(&in, 0);
    assert_false(cert_parse(&c, buf_view(&in), NULL));
}

/* --- made chains --- */

#define LENGTH 4
static const struct made_spec good_specs[LENGTH] = {
    {3, 0, 1, 0, 1, 0, -1, KU_DIGITAL_SIGNATURE, 1, 0, MADE_NOW - 86400, MADE_NOW + 86400},
    {3, 1, 2, 1, 2, 1, 0, KU_KEY_CERT_SIGN | KU_CRL_SIGN, 1, 0, MADE_NOW - 86400, MADE_NOW + 86400},
    {3, 2, 3, 2, 3, 1, 1, KU_KEY_CERT_SIGN, 1, 0, MADE_NOW - 86400, MADE_NOW + 86400},
    {3, 3, 3, 3, 3, 1, -1, KU_KEY_CERT_SIGN, 1, 0, MADE_NOW - 86400, MADE_NOW + 86400},
};

static void make_set(struct set *s, const struct made_spec *specs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO(buf_done) struct buf der = buf_new(1 << 16);
        X509 *cert = made_cert(&specs[i]);
        set_add(s, made_der(&der, cert));
        X509_free(cert);
    }
}

enum field {
    NONE,
    VERSION,
    SUBJECT,
    ISSUER,
    KEY,
    SIGNER,
    CA,
    PATH_LEN,
    USAGE,
    AKID,
    EXTRA,
    NOT_BEFORE,
    NOT_AFTER,
    NUM_FIELDS
};

static void change(struct made_spec *s, enum field field, int value)
{
    int *const ints[] = {NULL,   &s->version,  &s->subject, &s->issuer, &s->key,  &s->signer,
                         &s->ca, &s->path_len, &s->usage,   &s->akid,   &s->extra};
    if (field == NOT_BEFORE)
        s->not_before_s = MADE_NOW + value;
    else if (field == NOT_AFTER)
        s->not_after_s = MADE_NOW + value;
    else if (field != NONE)
        *ints[field] = value;
}

static const struct {
    const char *name;
    size_t at;
    enum field field;
    int value;
    enum chain_fault want;
    size_t want_at;
    bool stricter; /* OpenSSL takes it, we do not */
} rows[] = {
    {"as it should be", 0, NONE, 0, CHAIN_OK, 0, false},
    {"valid from this second", 0, NOT_BEFORE, 0, CHAIN_OK, 0, false},
    {"valid to this second", 0, NOT_AFTER, 0, CHAIN_OK, 0, true}, /* OpenSSL stops when notAfter is reached */
    {"leaf from the next second", 0, NOT_BEFORE, 1, CHAIN_NOT_YET, 0, false},
    {"leaf to the last second", 0, NOT_AFTER, -1, CHAIN_EXPIRED, 0, false},
    {"issuer expired", 1, NOT_AFTER, -1, CHAIN_EXPIRED, 1, false},
    {"root expired", 3, NOT_AFTER, -1, CHAIN_EXPIRED, 3, false},
    {"root not yet", 3, NOT_BEFORE, 60, CHAIN_NOT_YET, 3, false},
    {"leaf without usage", 0, USAGE, -1, CHAIN_OK, 0, false},
    {"leaf without basicConstraints", 0, CA, -1, CHAIN_OK, 0, false},
    {"leaf is a CA", 0, CA, 1, CHAIN_CA, 0, true},
    {"leaf may sign certificates", 0, USAGE, KU_KEY_CERT_SIGN, CHAIN_CA, 0, true},
    {"issuer is no CA", 1, CA, 0, CHAIN_CA, 1, false},
    {"issuer without basicConstraints", 1, CA, -1, CHAIN_CA, 1, true}, /* OpenSSL goes by keyUsage then */
    {"issuer may not sign certificates", 1, USAGE, KU_CRL_SIGN, CHAIN_CA, 1, false},
    {"issuer without usage", 1, USAGE, -1, CHAIN_OK, 0, false},
    {"path too long", 2, PATH_LEN, 0, CHAIN_CA, 2, false},
    {"root's path too long", 3, PATH_LEN, 1, CHAIN_CA, 3, false},
    {"root's path just long enough", 3, PATH_LEN, 2, CHAIN_OK, 0, false},
    {"root is no CA", 3, CA, 0, CHAIN_CA, 3, false},
    {"v1 issuer", 1, VERSION, 1, CHAIN_CA, 1, false},
    {"v1 root", 3, VERSION, 1, CHAIN_OK, 0, false},
    {"v1 leaf", 0, VERSION, 1, CHAIN_OK, 0, false},
    {"other issuer name", 0, ISSUER, 5, CHAIN_NAMES, 0, false},
    {"other subject name", 1, SUBJECT, 5, CHAIN_NAMES, 0, false},
    {"no key identifier", 0, AKID, 0, CHAIN_OK, 0, false},
    {"other key identifier", 0, AKID, -1, CHAIN_NAMES, 0, false},
    {"signed by somebody else", 1, SIGNER, 5, CHAIN_NAMES, 1, false}, /* the identifier tells */
    {"unknown extension", 1, EXTRA, 1, CHAIN_OK, 0, false},
    {"unknown critical extension in the leaf", 0, EXTRA, 2, CHAIN_CRITICAL, 0, false},
    {"unknown critical extension in an issuer", 2, EXTRA, 2, CHAIN_CRITICAL, 2, false},
};

static void made_chains_are_judged_row_by_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made_spec specs[LENGTH];
        memcpy(specs, good_specs, sizeof specs);
        change(&specs[rows[i].at], rows[i].field, rows[i].value);
        AUTO(set_done) struct set s = {0};
        make_set(&s, specs, LENGTH);
        AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&s.cert[3], NULL);
        size_t at = 0;
        enum chain_fault fault = judge(&s, LENGTH, root, MADE_NOW, &at);
        if (fault != rows[i].want || at != rows[i].want_at)
            fail_msg("%s: %s at %zu", rows[i].name, chain_fault_name(fault), at);
        bool theirs = openssl_takes(s.der, LENGTH, s.der[3], MADE_NOW);
        if (theirs != (fault == CHAIN_OK) && !rows[i].stricter)
            fail_msg("%s: OpenSSL says %d", rows[i].name, theirs);
    }
}

/* Anything at random: what we take, OpenSSL takes; what OpenSSL takes and we do not is one of the known strictnesses.
 */
static void random_chains_agree_with_openssl(void **state)
{
    (void)state;
    static const int values[NUM_FIELDS][3] = {
        [VERSION] = {1, 3, 3},       [SUBJECT] = {0, 1, 5},
        [ISSUER] = {0, 2, 5},        [KEY] = {0, 1, 5},
        [SIGNER] = {1, 2, 5},        [CA] = {-1, 0, 1},
        [PATH_LEN] = {-1, 0, 1},     [USAGE] = {-1, KU_DIGITAL_SIGNATURE, KU_KEY_CERT_SIGN},
        [AKID] = {-1, 0, 1},         [EXTRA] = {0, 1, 2},
        [NOT_BEFORE] = {-100, 0, 1}, [NOT_AFTER] = {100, 1, -1},
    };
    unsigned seed = 20260131;
    size_t both = 0, none = 0, stricter = 0;
    for (size_t i = 0; i < 500; i++) {
        struct made_spec specs[LENGTH];
        memcpy(specs, good_specs, sizeof specs);
        for (int k = rand_r(&seed) % 3; k >= 0; k--) {
            enum field field = (enum field)(1 + rand_r(&seed) % (NUM_FIELDS - 1));
            change(&specs[rand_r(&seed) % LENGTH], field, values[field][rand_r(&seed) % 3]);
        }
        AUTO(set_done) struct set s = {0};
        make_set(&s, specs, LENGTH);
        AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&s.cert[3], NULL);
        enum chain_fault ours = judge(&s, LENGTH, root, MADE_NOW, NULL);
        bool theirs = openssl_takes(s.der, LENGTH, s.der[3], MADE_NOW);
        both += ours == CHAIN_OK && theirs;
        none += ours != CHAIN_OK && !theirs;
        stricter += ours != CHAIN_OK && theirs;
        if (ours == CHAIN_OK && !theirs)
            fail_msg("round %zu: OpenSSL refuses what we take", i);
        /* leaf flags, basicConstraints left out, the root's own signature and names, a shorter way that OpenSSL found
         */
        if (ours != CHAIN_OK && theirs && ours != CHAIN_CA && ours != CHAIN_NAMES && ours != CHAIN_SIGNATURE &&
            ours != CHAIN_NO_ROOT)
            fail_msg("round %zu: OpenSSL takes what we refuse: %s", i, chain_fault_name(ours));
    }
    print_message("both take %zu, both refuse %zu, we alone refuse %zu\n", both, none, stricter);
    assert_true(both > 50 && none > 50);
}

static void rules_make_room(void **state)
{
    (void)state;
    static const struct bytes extra = BYTES_LIT("\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01"); /* 1.3.6.1.4.1.99999.1 */
    const struct chain_rules known = {.known_critical = &extra, .num_known_critical = 1}, ca = {.leaf_may_be_ca = true};
    struct made_spec specs[LENGTH];
    memcpy(specs, good_specs, sizeof specs);
    specs[0].extra = 2;
    AUTO(set_done) struct set s = {0};
    make_set(&s, specs, LENGTH);
    AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&s.cert[3], NULL);
    size_t index = 99;
    const struct pinned_root roots[] = {{.label = "other", .key = root, .subject = s.cert[0].subject},
                                        {.label = "root", .key = root, .subject = s.cert[3].subject}};
    assert_int_equal(chain_verify(s.cert, LENGTH, roots, 2, NULL, MADE_NOW, &index, NULL, NULL), CHAIN_CRITICAL);
    assert_int_equal(index, 99);
    assert_int_equal(chain_verify(s.cert, LENGTH, roots, 2, &known, MADE_NOW, &index, NULL, NULL), CHAIN_OK);
    assert_int_equal(index, 1);
    assert_int_equal(chain_verify(s.cert, LENGTH, roots, 1, &known, MADE_NOW, &index, NULL, NULL), CHAIN_NO_ROOT);
    assert_int_equal(chain_verify(s.cert + 1, LENGTH - 1, roots, 2, NULL, MADE_NOW, NULL, NULL, NULL), CHAIN_CA);
    assert_int_equal(chain_verify(s.cert + 1, LENGTH - 1, roots, 2, &ca, MADE_NOW, NULL, NULL, NULL), CHAIN_OK);
    /* the root alone */
    assert_int_equal(chain_verify(s.cert + 3, 1, roots, 2, &ca, MADE_NOW, NULL, NULL, NULL), CHAIN_OK);
    assert_int_equal(chain_verify(s.cert + 3, 1, roots, 2, NULL, MADE_NOW, NULL, NULL, NULL), CHAIN_CA);
}

static void a_foreign_root_of_the_same_name_is_none_of_ours(void **state)
{
    (void)state;
    struct made_spec specs[LENGTH];
    memcpy(specs, good_specs, sizeof specs);
    AUTO(set_done) struct set genuine = {0};
    AUTO(set_done) struct set foreign = {0};
    make_set(&genuine, specs, LENGTH);
    specs[3].key = specs[3].signer = specs[2].signer = 6;
    make_set(&foreign, specs, LENGTH);
    AUTO(pubkey_freep) struct pubkey *root = cert_pubkey(&genuine.cert[3], NULL);
    const struct pinned_root roots[] = {{.label = "root", .key = root, .subject = genuine.cert[3].subject}};
    size_t at;
    assert_int_equal(chain_verify(foreign.cert, LENGTH, roots, 1, NULL, MADE_NOW, NULL, &at, NULL), CHAIN_NO_ROOT);
    assert_int_equal(at, 3);
    /* without it, its signature stands alone under our root's name */
    assert_int_equal(chain_verify(foreign.cert, LENGTH - 1, roots, 1, NULL, MADE_NOW, NULL, &at, NULL),
                     CHAIN_SIGNATURE);
    assert_int_equal(at, 2);
    /* and with ours in its place, the identifiers part */
    foreign.cert[3] = genuine.cert[3];
    assert_int_equal(chain_verify(foreign.cert, LENGTH, roots, 1, NULL, MADE_NOW, NULL, &at, NULL), CHAIN_NAMES);
}

static void any_order_is_sorted(void **state)
{
    (void)state;
    AUTO(set_done) struct set s = {0};
    make_set(&s, good_specs, LENGTH);
    static const uint8_t orders[][5] = {
        {0, 1, 2, 3, 3}, {3, 2, 1, 0, 0}, {1, 3, 0, 2, 1}, {2, 0, 3, 1, 2}, {3, 3, 1, 0, 2}};
    for (size_t o = 0; o < 5; o++) {
        struct cert certs[5];
        for (size_t i = 0; i < 5; i++)
            certs[i] = s.cert[orders[o][i]];
        assert_int_equal(chain_sort(certs, 5), LENGTH);
        for (size_t i = 0; i < LENGTH; i++)
            assert_true(bytes_eq(certs[i].der, s.cert[i].der));
    }
    struct cert gap[] = {s.cert[3], s.cert[0], s.cert[2]};
    assert_int_equal(chain_sort(gap, 3), 1);
    assert_true(bytes_eq(gap[0].der, s.cert[0].der));
    assert_int_equal(chain_sort(gap, 0), 0);
    static struct cert many[CHAIN_SORT_MAX + 1];
    assert_int_equal(chain_sort(many, CHAIN_SORT_MAX + 1), 0);
}

static void issuers_of_one_name_are_told_apart(void **state)
{
    (void)state;
    /* two more issuers named as the leaf's, with other keys, and nothing but the signature to tell */
    struct made_spec specs[] = {good_specs[0], good_specs[1], good_specs[1],
                                good_specs[1], good_specs[2], good_specs[3]};
    specs[0].akid = 0;
    specs[1].key = 5;
    specs[2].key = 6;
    AUTO(set_done) struct set s = {0};
    make_set(&s, specs, 6);
    struct cert certs[6];
    memcpy(certs, s.cert, sizeof certs);
    assert_int_equal(chain_sort(certs, 6), LENGTH);
    assert_true(bytes_eq(certs[1].der, s.cert[3].der));
}

/* --- details of parsing --- */

static void what_a_certificate_says_is_read(void **state)
{
    (void)state;
    struct made_spec spec = good_specs[1];
    spec.extra = 1;
    spec.not_after_s = 2524608000; /* 2050: GeneralizedTime */
    AUTO(set_done) struct set s = {0};
    make_set(&s, &spec, 1);
    const struct cert *c = &s.cert[0];
    assert_true(bytes_eq(c->serial, BYTES_LIT("\x03\xe9")));
    assert_true(c->not_before_s == MADE_NOW - 86400 && c->not_after_s == 2524608000);
    assert_int_equal(c->sig_alg, SIG_ECDSA_SHA256);
    assert_true(c->has_basic_constraints && c->is_ca && c->has_key_usage);
    assert_int_equal(c->path_len, 0);
    assert_int_equal(c->key_usage, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(c->skid.len, 20);
    assert_int_equal(c->akid.len, 20);
    assert_true(bytes_eq(name_find(c->subject, OID_CN), BYTES_LIT("name 1")));
    assert_true(bytes_eq(name_find(c->issuer, OID_O), BYTES_LIT("Laboratory")));
    assert_int_equal(name_find(c->issuer, OID_OU).len, 0);
    char text[64], tiny[10];
    assert_string_equal(name_text(text, sizeof text, c->subject), "O=Laboratory, CN=name 1");
    assert_string_equal(name_text(tiny, sizeof tiny, c->subject), "O=Laborat");
    assert_string_equal(name_text(text, sizeof text, BYTES_LIT("rubbish")), "");
    const struct cert_ext *ext = cert_find_ext(c, BYTES_LIT("\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01"));
    assert_non_null(ext);
    assert_true(!ext->critical && bytes_eq(ext->value, BYTES_LIT("\x05\x00")));
    assert_null(cert_find_ext(c, BYTES_LIT("\x55\x1d\x25")));
}

static void too_many_or_doubled_extensions_are_refused(void **state)
{
    (void)state;
    for (int doubled = 0; doubled < 2; doubled++)
        for (int n = CERT_MAX_EXTS - 6; n < CERT_MAX_EXTS + 3; n++) {
            X509 *cert = made_cert(&good_specs[0]);
            for (int i = 0; i < n; i++) {
                char oid[40];
                snprintf(oid, sizeof oid, "1.3.6.1.4.1.99999.2.%d", doubled && i == n - 1 ? 0 : i);
                ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
                ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
                X509_EXTENSION *ext = X509_EXTENSION_create_by_OBJ(NULL, type, 0, value);
                assert_int_equal(X509_add_ext(cert, ext, -1), 1);
                X509_EXTENSION_free(ext);
                ASN1_OCTET_STRING_free(value);
                ASN1_OBJECT_free(type);
            }
            X509_sign(cert, made_key(1), EVP_sha256());
            AUTO(buf_done) struct buf der = buf_new(1 << 16);
            struct cert c;
            bool ok = cert_parse(&c, made_der(&der, cert), NULL);
            assert_int_equal(ok, !doubled && n + 4 <= CERT_MAX_EXTS);
            X509_free(cert);
        }
}

static void signature_algorithms(void **state)
{
    (void)state;
#define RSA_OID     "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define SHA384_ID   "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
#define SHA256_ID   "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
#define SHA384_BARE "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
    static const struct {
        struct bytes id;
        enum sig_alg want;
    } cases[] = {
        {BYTES_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), SIG_ECDSA_SHA256},
        {BYTES_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"), SIG_ECDSA_SHA384},
        {BYTES_LIT("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00"), SIG_UNKNOWN}, /* with NULL */
        {BYTES_LIT("\x30\x0d" RSA_OID "\x0b\x05\x00"), SIG_RSA_SHA256},
        {BYTES_LIT("\x30\x0b" RSA_OID "\x0b"), SIG_RSA_SHA256},
        {BYTES_LIT("\x30\x0d" RSA_OID "\x0c\x05\x00"), SIG_RSA_SHA384},
        {BYTES_LIT("\x30\x0d" RSA_OID "\x0d\x05\x00"), SIG_RSA_SHA512},
        {BYTES_LIT("\x30\x0d" RSA_OID "\x05\x05\x00"), SIG_UNKNOWN}, /* SHA-1 */
        {BYTES_LIT("\x30\x0f" RSA_OID "\x0b\x05\x00\x05\x00"), SIG_UNKNOWN},
        {BYTES_LIT("\x30\x0b" RSA_OID "\x0a"), SIG_UNKNOWN},         /* PSS without parameters */
        {BYTES_LIT("\x30\x0d" RSA_OID "\x0a\x30\x00"), SIG_UNKNOWN}, /* its defaults: SHA-1 */
        {BYTES_LIT("\x30\x41" RSA_OID "\x0a\x30\x34\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA384_ID
                   "\xa2\x03\x02\x01\x30"),
         SIG_PSS_SHA384},
        {BYTES_LIT("\x30\x46" RSA_OID "\x0a\x30\x39\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA384_ID
                   "\xa2\x03\x02\x01\x30\xa3\x03\x02\x01\x01"),
         SIG_PSS_SHA384},
        {BYTES_LIT("\x30\x46" RSA_OID "\x0a\x30\x39\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA384_ID
                   "\xa2\x03\x02\x01\x30\xa3\x03\x02\x01\x02"),
         SIG_UNKNOWN}, /* trailer */
        {BYTES_LIT("\x30\x41" RSA_OID "\x0a\x30\x34\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA384_ID
                   "\xa2\x03\x02\x01\x20"),
         SIG_UNKNOWN}, /* salt */
        {BYTES_LIT("\x30\x41" RSA_OID "\x0a\x30\x34\xa0\x0f" SHA384_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA256_ID
                   "\xa2\x03\x02\x01\x30"),
         SIG_UNKNOWN}, /* another hash in the mask */
        {BYTES_LIT("\x30\x41" RSA_OID "\x0a\x30\x34\xa0\x0f" SHA256_ID "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA256_ID
                   "\xa2\x03\x02\x01\x20"),
         SIG_PSS_SHA256},
        {BYTES_LIT("\x30\x3f" RSA_OID "\x0a\x30\x32\xa0\x0d" SHA384_BARE "\xa1\x1c\x30\x1a" RSA_OID "\x08" SHA384_ID
                   "\xa2\x03\x02\x01\x30"),
         SIG_PSS_SHA384},
        {BYTES_LIT(""), SIG_UNKNOWN},
        {BYTES_LIT("\x30\x00"), SIG_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (sig_alg_parse(cases[i].id) != cases[i].want)
            fail_msg("case %zu: %d", i, sig_alg_parse(cases[i].id));
    assert_false(sig_verify(SIG_UNKNOWN, NULL, (struct bytes){0}, (struct bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_chains_hold_as_openssl_says),
        cmocka_unit_test(every_flipped_bit_of_a_real_chain_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(made_chains_are_judged_row_by_row),
        cmocka_unit_test(random_chains_agree_with_openssl),
        cmocka_unit_test(rules_make_room),
        cmocka_unit_test(a_foreign_root_of_the_same_name_is_none_of_ours),
        cmocka_unit_test(any_order_is_sorted),
        cmocka_unit_test(issuers_of_one_name_are_told_apart),
        cmocka_unit_test(what_a_certificate_says_is_read),
        cmocka_unit_test(too_many_or_doubled_extensions_are_refused),
        cmocka_unit_test(signature_algorithms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
