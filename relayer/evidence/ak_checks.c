/* Whose key signed the quote? First what the key is, then each thing that vouches for it, then whether one of them
 * does. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/tpm_part.h"

#include <strings.h>

/* Where there was no memory to open it, the part is an empty one: nothing given. */
static const struct tpm_part *part_of(const struct ev *ev)
{
    static const struct tpm_part none;
    return ev->tpm ? ev->tpm : &none;
}

static const struct ak *ak_of(const struct ev *ev)
{
    return &part_of(ev)->ak;
}

static bool broken(const struct err *why)
{
    return why->code != ERR_NONE;
}

struct finding ak_check_key(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    if (broken(&ak->public_why))
        return check_fail("%s", ak->public_why.text);
    if (broken(&ak->certs_why))
        return check_fail("%s", ak->certs_why.text);
    if (ak->claims_fault == HCL_AK_KEY)
        return check_fail("%s", ak->claims_why.text);
    if (!ak->key)
        return check_not_run("no AK given: no certificate, variable data or public key");
    static const char *const types[] = {[KEY_P256] = "P-256", [KEY_P384] = "P-384", [KEY_RSA] = "RSA"};
    return check_note("%s of %zu bits, from %s", types[pubkey_type(ak->key)], pubkey_bits(ak->key), ak->key_from);
}

/* Only a restricted signing key promises that what begins with the magic came out of the TPM. */
struct finding ak_check_attributes(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    const uint32_t must = TPMA_FIXED_TPM | TPMA_FIXED_PARENT | TPMA_SENSITIVE_ORIGIN | TPMA_RESTRICTED | TPMA_SIGN;
    if (ak->area.key) {
        uint32_t a = ak->area.attributes;
        if ((a & must) == must && !(a & TPMA_DECRYPT))
            return check_pass();
        return check_fail(
            "attributes %08x: want sign, restricted, fixedTPM, fixedParent and sensitiveDataOrigin set, decrypt clear",
            a);
    }
    if (ev->expected->ak && ak->key && pubkey_eq(ak->key, ev->expected->ak))
        return check_note("no public area: the key is the one that the registry stored");
    if (ak->cert_key || ak->claims.ak)
        return check_note("no public area: the %s vouches for them",
                          ak->cert_key ? "certificate's issuer" : "TEE report");
    return check_not_run("no public area given, so the key's attributes cannot be seen");
}

struct finding ak_check_var_data(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    if (broken(&ak->hcl_why))
        return check_fail("%s", ak->hcl_why.text);
    if (ak->claims_fault != HCL_OK)
        return check_fail("%s", ak->claims_why.text);
    if (ak->var_data.len)
        return check_pass();
    if (ev->bundle->cloud == CLOUD_AZURE && !ev->expected->ak)
        return check_not_run("no variable data given");
    return check_note("none given, and none is needed");
}

/* The envelope's own hardware report; the TEE report beside it is binding.report_data's business. */
struct finding ak_check_hcl(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    struct err why;
    if (!ak->hcl_given)
        return check_note("no HCL report given, and none is needed");
    if (broken(&ak->hcl_why))
        return check_fail("%s", ak->hcl_why.text);
    if (!hcl_report_binds(&ak->hcl, &why))
        return check_fail("%s", why.text);
    return check_pass();
}

/* What there is to say where no certificate could be looked at; whether one is needed hangs on the cloud, the policy
 * and what the registry keeps. */
static struct finding no_certificate(const struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    bool required = ev->policy->tpm.require_ak_certificate;
    if (broken(&ak->certs_why))
        return check_fail("%s", ak->certs_why.text);
    if (ev->expected->ak && !required)
        return check_note("none given: the registry keeps the key");
    if (ev->bundle->cloud == CLOUD_GCP || required)
        return check_not_run("no AK certificate given");
    return check_note("none given, and none is needed");
}

/* The key's own certificate, by itself. */
struct finding ak_check_certificate(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    if (!ak->num_certs || broken(&ak->certs_why))
        return no_certificate(ev);
    const struct cert *leaf = &ak->certs[0];
    char name[120];
    if (leaf->has_key_usage && !(leaf->key_usage & KU_DIGITAL_SIGNATURE))
        return check_fail("key usage %#x has no digitalSignature", leaf->key_usage);
    return check_note("%s", name_text(name, sizeof name, leaf->subject));
}

struct finding ak_check_chain(struct ev *ev)
{
    const struct tpm_part *p = part_of(ev);
    if (!p->chain_judged)
        return no_certificate(ev);
    if (p->chain_fault != CHAIN_OK)
        return check_fail("%s", p->chain_why.text);
    return check_note("%s", p->chain_root);
}

/* Whose CRL is this, among the issuers of the chain? Nobody's: the number of certificates. */
static size_t issuer_of(const struct ak *ak, const struct crl *crl)
{
    for (size_t i = 1; i < ak->num_certs; i++) {
        AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&ak->certs[i], NULL);
        if (key && crl_signed_by(crl, &ak->certs[i], key))
            return i;
    }
    return ak->num_certs;
}

/* Clouds' AK hierarchies do not all have CRLs, so none is demanded; but what a CRL at hand revokes is revoked, however
 * old the list is. */
struct finding ak_check_revoked(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    size_t lists = 0;
    if (!ak->num_certs)
        return check_note("no AK certificate given");
    for (size_t i = 0; ev->collateral && i < ev->collateral->count; i++) {
        const struct collateral_item *item = &ev->collateral->items[i];
        size_t issuer = item->kind == COLLATERAL_CRL ? issuer_of(ak, &item->crl) : ak->num_certs;
        if (issuer == ak->num_certs)
            continue;
        lists++;
        if (crl_is_revoked(&item->crl, ak->certs[issuer - 1].serial))
            return check_fail("certificate %zu of the AK's chain is on its issuer's CRL", issuer - 1);
    }
    return lists ? check_note("not on %zu CRLs of its issuers", lists) : check_note("no CRL of its issuers at hand");
}

/* Evidence that names its AK twice must name one key. */
struct finding ak_check_agreement(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    const struct {
        const struct pubkey *key;
        const char *from;
    } others[] = {{ak->claims.ak, "variable data"},
                  {ak->area.key, "public area"},
                  {ak->public_key, "public key"},
                  {ev->expected->ak, "registry"}};
    if (!ak->key)
        return check_not_run("no AK");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].key && !pubkey_eq(ak->key, others[i].key))
            return check_fail("the %s's key is not the %s's", ak->key_from, others[i].from);
    return check_pass();
}

static bool is_extra_root(const struct ev *ev, const struct pubkey *key, const char **label)
{
    for (size_t i = 0; i < ev->roots->count; i++)
        if (ev->roots->root[i].use == ROOT_EXTRA && pubkey_eq(ev->roots->root[i].key, key)) {
            *label = ev->roots->root[i].label;
            return true;
        }
    return false;
}

/* Somebody must vouch for it: a cloud's chain, the TEE report, the registry, or the user. */
struct finding ak_check_trust(struct ev *ev)
{
    const struct tpm_part *p = part_of(ev);
    const struct policy_hex_list *listed = &ev->policy->tpm.ak_sha256;
    const char *label;
    if (!p->ak.key)
        return check_not_run("no AK");
    if (listed->count)
        return policy_hex_allows(listed, BYTES_OF(p->ak.key_sha256)) ? check_note("named by the policy")
                                                                     : check_fail("the policy names other AKs");
    if (p->chain_judged && p->chain_fault == CHAIN_OK)
        return check_note("certified by %s", p->chain_root);
    if (ev->expected->ak && pubkey_eq(ev->expected->ak, p->ak.key))
        return check_note("the one that the registry stored");
    if (is_extra_root(ev, p->ak.key, &label)) {
        ev_use_root(ev, label);
        return check_note("trusted by the user: %s", label);
    }
    if (ev->tee.present && p->ak.claims.ak && hcl_report_data_is(ev->tee.report_data, p->ak.var_data))
        return check_note("named in the variable data that the TEE report binds");
    return check_not_run("nothing vouches for this key: no certificate chain, no variable data bound to a TEE report");
}

/* Azure: the TEE report's report_data is the hash of the variable data, and nothing more (registry-v1 8). */
struct finding ak_check_report_data(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    if (!ak->var_data.len)
        return ev->bundle->cloud == CLOUD_AZURE && !ev->expected->ak ? check_not_run("no variable data given")
                                                                     : check_note("no variable data to bind");
    if (!ev->tee.present)
        return check_not_run("no TEE report");
    if (!hcl_report_data_is(ev->tee.report_data, ak->var_data)) {
        char have[129];
        return check_fail("report_data %s is not the SHA-256 of the variable data and zeros",
                          hex_encode(have, ev->tee.report_data));
    }
    return check_pass();
}

/* The contract looks for the key as text: a key that it cannot find, or another one, must not pass here. */
struct finding ak_check_contract_key(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    struct err why;
    if (!ak->claims.ak)
        return ev->bundle->cloud == CLOUD_AZURE && !ev->expected->ak ? check_not_run("no variable data given")
                                                                     : check_note("no variable data to search");
    if (!hcl_contract_finds(ak->var_data, ak->claims.ak, &why))
        return check_fail("%s", why.text);
    return check_pass();
}

static bool decimal_is(struct bytes text, uint64_t v)
{
    uint64_t have;
    return u64_parse(&have, text, UINT64_MAX, NULL) && have == v;
}

static struct bytes decimal(char mem[static 24], uint64_t v)
{
    snprintf(mem, 24, "%llu", (unsigned long long)v);
    return bytes_str(mem);
}

/* Google: the instance extension agrees with the subject, is production, and is one that the policy takes. */
struct finding ak_check_instance(struct ev *ev)
{
    const struct tpm_part *p = part_of(ev);
    const struct tpm_policy *policy = &ev->policy->tpm;
    const struct gce_instance *g = &p->instance;
    bool pinned = policy->zones.count || policy->projects.count || policy->instances.count;
    char id[24];
    if (broken(&p->instance_why))
        return check_fail("%s", p->instance_why.text);
    if (!p->has_instance)
        return pinned ? check_fail("the policy pins Google instances, and no certificate names one")
                      : check_note("no Google instance named");
    struct bytes subject = p->ak.certs[0].subject;
    if (!bytes_eq(name_find(subject, OID_L), g->zone) || !bytes_eq(name_find(subject, OID_OU), g->project_id) ||
        !decimal_is(name_find(subject, OID_CN), g->instance_id))
        return check_fail("instance extension and subject of the AK certificate do not agree");
    if (g->has_production && !g->is_production)
        return check_fail("the certificate says that the instance is not production");
    if (!policy_words_allow(&policy->zones, g->zone) || !policy_words_allow(&policy->projects, g->project_id) ||
        !policy_words_allow(&policy->instances, decimal(id, g->instance_id)))
        return check_fail("zone %.*s, project %.*s, instance %llu: not what the policy takes", (int)g->zone.len,
                          (const char *)g->zone.p, (int)g->project_id.len, (const char *)g->project_id.p,
                          (unsigned long long)g->instance_id);
    return check_note("zone %.*s, project %.*s, instance %llu", (int)g->zone.len, (const char *)g->zone.p,
                      (int)g->project_id.len, (const char *)g->project_id.p, (unsigned long long)g->instance_id);
}

static bool listed_any_case(const struct policy_word_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->item[i], word) == 0)
            return true;
    return false;
}

/* Azure: the claims name the VM; PCR 6 names it too, where it was quoted. */
struct finding ak_check_vm(struct ev *ev)
{
    const struct ak *ak = ak_of(ev);
    const struct policy_word_list *pinned = &ev->policy->tpm.vm_ids;
    const struct bundle_pcr *pcr6 = tpm_find_pcr(ev, HASH_SHA256, 6);
    if (!ak->claims.ak || !ak->claims.vm_id[0])
        return pinned->count ? check_fail("the policy pins VM ids, and nothing names one")
                             : check_note("no VM id named");
    if (pinned->count && !listed_any_case(pinned, ak->claims.vm_id))
        return check_fail("VM %s is not what the policy takes", ak->claims.vm_id);
    if (pcr6 && !hcl_pcr6_is(&ak->claims, pcr6->value))
        return check_note("VM %s (PCR 6 does not name it)", ak->claims.vm_id);
    return check_note("VM %s", ak->claims.vm_id);
}
