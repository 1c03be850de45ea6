#include "relayer/evidence/ak.h"

#include "crypto/base/auto.h"
#include "crypto/base/der.h"
#include "crypto/pem.h"

/* --- Google's instance extension --- */

#define OID_GCE_INSTANCE BYTES_LIT("\x2b\x06\x01\x04\x01\xd6\x79\x02\x01\x15")

/* SEQUENCE of explicitly tagged elements, each of which may be absent; those we do not know are booleans. */
static void take_security(struct gce_instance *g, struct der *d)
{
    struct der outer = der_enter(d, DER_CONTEXT(0), "securityProperties");
    struct der seq = der_enter(&outer, DER_SEQUENCE, "securityProperties");
    struct bytes value;
    g->has_security = true;
    if (der_optional(&seq, DER_CONTEXT(0), &value)) {
        struct der v = der_from(value);
        g->has_version = true;
        g->security_version = der_u64(&v, "securityVersion");
        if (!der_finish(&v, NULL))
            der_fail(d, "securityVersion", "malformed");
    }
    if (der_optional(&seq, DER_CONTEXT(1), &value)) {
        struct der v = der_from(value);
        g->has_production = true;
        g->is_production = der_bool(&v, "isProduction");
        if (!der_finish(&v, NULL))
            der_fail(d, "isProduction", "malformed");
    }
    while (der_more(&seq))
        der_raw(&seq, -1, "security property");
    if (!der_finish(&seq, NULL) || !der_finish(&outer, NULL))
        der_fail(d, "securityProperties", "malformed");
}

bool gce_instance_find(struct gce_instance *out, const struct cert *leaf, struct err *err)
{
    const struct cert_ext *ext = cert_find_ext(leaf, OID_GCE_INSTANCE);
    if (!ext)
        return false;
    struct gce_instance g = {0};
    struct der d = der_from(ext->value);
    struct der seq = der_enter(&d, DER_SEQUENCE, "instance");
    g.zone = der_take(&seq, DER_UTF8_STRING, "zone");
    g.project_number = der_u64(&seq, "projectNumber");
    g.project_id = der_take(&seq, DER_UTF8_STRING, "projectId");
    g.instance_id = der_u64(&seq, "instanceId");
    g.instance_name = der_take(&seq, DER_UTF8_STRING, "instanceName");
    if (der_more(&seq))
        take_security(&g, &seq);
    if (!der_finish(&seq, err) || !der_finish(&d, err))
        return err_wrap(err, "instance extension");
    *out = g;
    return true;
}

/* --- certificates --- */

bool ak_cert_parse(struct cert *out, struct bytes der, struct err *err)
{
    size_t len = der_element_len(der);
    if (len == 0 || len > der.len)
        return err_set(err, ERR_FORMAT, "AK certificate: not DER");
    if (!bytes_is_zero(bytes_sub(der, len, der.len - len)))
        return err_set(err, ERR_FORMAT, "AK certificate: %zu bytes behind it that are not zero", der.len - len);
    return cert_parse(out, bytes_sub(der, 0, len), err) || err_wrap(err, "AK certificate");
}

static size_t pinned(struct pinned_root out[static ROOTS_MAX], const struct roots *roots, enum cloud cloud)
{
    struct pinned_root more[ROOTS_MAX];
    if (cloud == CLOUD_GCP)
        return roots_for(roots, ROOT_TPM_GOOGLE, out);
    size_t n = roots_for(roots, ROOT_TPM_MICROSOFT, out);
    size_t m = cloud == CLOUD_AZURE ? 0 : roots_for(roots, ROOT_TPM_GOOGLE, more);
    for (size_t i = 0; i < m && n < ROOTS_MAX; i++)
        out[n++] = more[i];
    return n;
}

/* Azure's older AKs name an issuer that no AIA leads to: when the chain ends below it, put our copy behind. */
static size_t add_helper(struct cert *certs, size_t n)
{
    const struct helper_cert *helper;
    for (size_t i = 0; (helper = roots_helper(i)); i++)
        if (cert_parse(&certs[n], helper->der, NULL) && bytes_eq(certs[n].subject, certs[n - 1].issuer) &&
            !bytes_eq(certs[n].subject, certs[n - 1].subject))
            return n + 1;
    return n;
}

enum chain_fault ak_chain_verify(struct cert *certs, size_t num_certs, const struct roots *roots, enum cloud cloud,
                                 int64_t now_s, const char **root_label, struct err *why)
{
    /* a TPM's identity may stand in a critical subject alternative name, its purpose in the key usages */
    static const struct bytes known[] = {BYTES_LIT("\x55\x1d\x11")};
    static const struct chain_rules rules = {.known_critical = known, .num_known_critical = 1};
    struct pinned_root pins[ROOTS_MAX];
    size_t num_pins = pinned(pins, roots, cloud), which;
    size_t n = num_certs ? add_helper(certs, num_certs) : 0;
    enum chain_fault fault = chain_verify(certs, n, pins, num_pins, &rules, now_s, &which, NULL, why);
    if (fault == CHAIN_OK)
        *root_label = pins[which].label;
    return fault;
}

/* --- opening --- */

static void open_var_data(struct ak *ak, struct bytes given)
{
    ak->var_data = given;
    ak->hcl_given = hcl_is_report(given);
    if (ak->hcl_given) {
        ak->var_data = (struct bytes){0};
        if (!hcl_report_parse(&ak->hcl, given, &ak->hcl_why))
            return;
        ak->var_data = ak->hcl.var_data;
    }
    ak->claims_fault = hcl_claims_parse(&ak->claims, ak->var_data, &ak->claims_why);
}

/* A public area first: its form is the stricter one, and only it shows the key's attributes. */
static void open_public(struct ak *ak, struct bytes given)
{
    AUTO(der_list_done) struct der_list list = {0};
    struct err why = {0};
    if (bytes_find(given, BYTES_LIT("-----BEGIN"), 0) != SIZE_MAX) {
        if (!pem_parse(&list, given, "PUBLIC KEY", 1, &ak->public_why))
            return;
        if (list.count != 1)
            err_set(&ak->public_why, ERR_FORMAT, "PEM without a PUBLIC KEY");
        else
            ak->public_key = pubkey_from_spki(list.item[0], &ak->public_why);
    } else if (given.p[0] == 0x30) {
        ak->public_key = pubkey_from_spki(given, &ak->public_why);
    } else if (!tpm_public_parse(&ak->area, given, &why)) {
        ak->public_why = why;
    }
}

static void open_certs(struct ak *ak, const struct bundle *b, struct arena *mem)
{
    ak->certs = arena_alloc(mem, AK_MAX_CERTS, sizeof *ak->certs);
    if (!ak->certs) {
        err_set(&ak->certs_why, ERR_NOMEM, "no memory");
        return;
    }
    for (size_t i = 0; i < b->num_ak_certs && i < BUNDLE_MAX_CERTS; i++)
        if (!ak_cert_parse(&ak->certs[i], b->ak_certs[i], &ak->certs_why)) {
            err_wrap(&ak->certs_why, "certificate %zu", i);
            return;
        }
    ak->num_certs = b->num_ak_certs;
    ak->cert_key = cert_pubkey(&ak->certs[0], &ak->certs_why);
}

static void choose(struct ak *ak, const struct pubkey *trusted)
{
    const struct {
        const struct pubkey *key;
        const char *from;
    } sources[] = {
        {ak->cert_key, "certificate"},  {ak->claims.ak, "variable data"}, {ak->area.key, "public area"},
        {ak->public_key, "public key"}, {trusted, "known beforehand"},
    };
    for (size_t i = 0; !ak->key && i < sizeof sources / sizeof sources[0]; i++) {
        ak->key = sources[i].key;
        ak->key_from = sources[i].from;
    }
    AUTO(buf_done) struct buf spki = buf_new(4096);
    if (ak->key && pubkey_to_spki(&spki, ak->key, NULL))
        ak->key_sha256 = sha256(buf_view(&spki));
}

void ak_open(struct ak *out, const struct bundle *bundle, const struct pubkey *trusted, struct arena *mem)
{
    *out = (struct ak){0};
    if (bundle->ak_var_data.len)
        open_var_data(out, bundle->ak_var_data);
    if (bundle->ak_public.len)
        open_public(out, bundle->ak_public);
    if (bundle->num_ak_certs)
        open_certs(out, bundle, mem);
    choose(out, trusted);
}

void ak_close(struct ak *ak)
{
    hcl_claims_done(&ak->claims);
    tpm_public_done(&ak->area);
    pubkey_free(ak->public_key);
    pubkey_free(ak->cert_key);
}
