/* The checks of Intel evidence, TDX and SGX, in the order in which trust is built: the quote has the right shape; its PCK
 * chain ends at Intel's root; the PCK key signed the quoting enclave's report, which names the attestation key, which signed
 * the quote. Then the collateral: each piece fits this platform, is signed, is in its window, is not older than what was seen
 * before. Then what the collateral says: nothing is revoked, the QE and the TDX module are Intel's, the TCB has a level.
 * What the operator makes of it comes last (tdx_accept.c). */
#include "relayer/evidence/tdx_checks.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>

static const struct tdx_part *part(const struct ev *ev)
{
    static const struct tdx_part none;
    return ev->tdx ? ev->tdx : &none;
}

static struct finding no_quote(const struct tdx_part *p)
{
    return p->parse_err.code ? check_not_run("the quote could not be taken apart") : check_not_run("no quote");
}

/* --- shape --- */

static struct finding check_version(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->has_header)
        return no_quote(p);
    if (p->header.version < 3 || p->header.version > 5)
        return check_fail("version %u, want 3, 4 or 5", p->header.version);
    return check_pass();
}

static struct finding check_tee_type(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->has_header)
        return no_quote(p);
    if (p->header.tee_type != TEE_TYPE_SGX && p->header.tee_type != TEE_TYPE_TDX)
        return check_fail("TEE type 0x%08x, want 0x00000000 (SGX) or 0x00000081 (TDX)", p->header.tee_type);
    if (p->header.version == 3 && p->tdx)
        return check_fail("TEE type TDX in a version 3 quote, which is SGX's alone");
    return check_pass();
}

static struct finding check_key_type(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->has_header)
        return no_quote(p);
    if (p->header.key_type != KEY_ECDSA_P256)
        return check_fail("attestation key type %u, want 2 (ECDSA P-256)", p->header.key_type);
    return check_pass();
}

static struct finding check_vendor_id(struct ev *ev)
{
    static const uint8_t intel[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    const struct tdx_part *p = part(ev);
    char have[33];
    if (!p->has_header)
        return no_quote(p);
    if (!bytes_eq(p->header.vendor_id, BYTES(intel)))
        return check_fail("QE vendor id %s is not Intel's", hex_encode(have, p->header.vendor_id));
    return check_pass();
}

static struct finding check_format(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (p->parsed)
        return check_pass();
    if (p->parse_err.code)
        return check_fail("%s", p->parse_err.text);
    return p->has_header ? check_not_run("no layout goes with this version and TEE type") : check_fail("no quote");
}

static struct finding check_cert_data(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    const struct tdx_quote *q = &p->quote;
    if (q->header.version >= 4 && q->outer_type != CERT_QE_REPORT)
        return check_fail("outer certification data type %u, want 6 (QE report)", q->outer_type);
    if (q->cert_type == CERT_PLATFORM_MANIFEST)
        return check_fail("certification data type 7 (platform manifest) is for registration, not for verification");
    if (q->cert_type < CERT_PPID_PLAIN || q->cert_type > CERT_PCK_CHAIN)
        return check_fail("certification data type %u, want 1 to 5", q->cert_type);
    return check_pass();
}

static struct finding check_trailing(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    if (!quote_trailing_ok(p->quote.trailing))
        return check_fail("%zu bytes behind the quote that are neither zeros nor white space", p->quote.trailing.len);
    return p->quote.trailing.len ? check_note("%zu bytes of padding behind the quote", p->quote.trailing.len) : check_pass();
}

/* --- the chain of signatures --- */

static struct finding check_pck(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    return p->parsed ? p->pck : no_quote(p);
}

static struct finding no_pck(const struct tdx_part *p)
{
    return p->parsed ? check_not_run("no PCK certificate") : no_quote(p);
}

static struct finding check_pck_chain(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (p->num_certs == 0)
        return no_pck(p);
    return p->chain_ok ? check_pass() : check_fail("%s", p->chain_why.text);
}

static struct finding check_pck_dates(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    char a[21], b[21];
    if (p->num_certs == 0)
        return no_pck(p);
    for (size_t i = 0; i < p->num_certs; i++) {
        const struct cert *c = &p->certs[i];
        if (ev->now_s < c->not_before_s || ev->now_s > c->not_after_s)
            return check_fail("%s: certificate %zu is valid from %s to %s", ev->now_s > c->not_after_s ? "expired" : "not yet valid",
                              i, time_format(a, c->not_before_s), time_format(b, c->not_after_s));
    }
    return check_pass();
}

static struct finding check_pck_extensions(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (p->num_certs == 0)
        return no_pck(p);
    return p->has_pck ? check_pass() : check_fail("%s", p->pck_why.text);
}

/* P-256 over SHA-256, r then s. */
static bool verify(const struct pubkey *key, struct bytes over, struct bytes sig)
{
    struct hash32 digest = sha256(over);
    return pubkey_verify_ecdsa(key, BYTES(digest.b), bytes_sub(sig, 0, 32), bytes_sub(sig, 32, 32));
}

static bool has_qe(const struct tdx_part *p)
{
    return p->parsed && p->quote.qe.raw.len > 0;
}

static struct finding check_qe_signature(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!has_qe(p))
        return no_quote(p);
    if (p->num_certs == 0)
        return no_pck(p);
    if (!p->leaf_key || pubkey_type(p->leaf_key) != KEY_P256)
        return check_fail("the PCK certificate's key is no P-256 key");
    return verify(p->leaf_key, p->quote.qe.raw, p->quote.qe_sig)
               ? check_pass()
               : check_fail("the PCK key did not sign the quoting enclave's report");
}

static struct finding check_qe_binding(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!has_qe(p))
        return no_quote(p);
    struct hash32 want = sha256_2(p->quote.attestation_key, p->quote.qe_auth);
    if (!bytes_eq(bytes_sub(p->quote.qe.report_data, 0, 32), BYTES(want.b)))
        return check_fail("the QE report does not name the attestation key");
    if (!bytes_is_zero(bytes_sub(p->quote.qe.report_data, 32, 32)))
        return check_fail("the QE report data's second half is not zero");
    return check_pass();
}

static struct finding check_signature(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    AUTO(pubkey_freep) struct pubkey *key = pubkey_from_ec(KEY_P256, p->quote.attestation_key, NULL);
    if (!key)
        return check_fail("the attestation key is not a point of P-256");
    return verify(key, p->quote.signed_part, p->quote.sig) ? check_pass()
                                                           : check_fail("the attestation key did not sign the quote");
}

/* --- collateral --- */

static struct finding role_finding(const struct ev *ev, enum role role, enum aspect aspect)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    const struct role_state *r = &p->role[role];
    return aspect != ASPECT_FITS && !r->item ? check_not_run("nothing to look at") : r->finding[aspect];
}

#define ROLE_CHECKS(name, role)                                                                                        \
    static struct finding check_##name(struct ev *ev)                                                                  \
    {                                                                                                                  \
        return role_finding(ev, role, ASPECT_FITS);                                                                    \
    }                                                                                                                  \
    static struct finding check_##name##_signature(struct ev *ev)                                                      \
    {                                                                                                                  \
        return role_finding(ev, role, ASPECT_SIGNED);                                                                  \
    }                                                                                                                  \
    static struct finding check_##name##_dates(struct ev *ev)                                                          \
    {                                                                                                                  \
        return role_finding(ev, role, ASPECT_DATED);                                                                   \
    }
ROLE_CHECKS(root_crl, ROLE_ROOT_CRL)
ROLE_CHECKS(pck_crl, ROLE_PCK_CRL)
ROLE_CHECKS(tcb_info, ROLE_TCB_INFO)
ROLE_CHECKS(qe_identity, ROLE_QE_IDENTITY)

/* Older than what this machine has verified before? (A mark that lies after the time of judgement is left out.) */
static struct finding check_rollback(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    if (!ev->memory || !ev->memory->mark)
        return check_note("nothing was verified here before");
    char why[200];
    for (enum role role = 0; role < NUM_ROLES; role++) {
        struct tdx_mark now;
        struct mark seen = {0};
        if (role_good(&p->role[role]) && tdx_mark_of(&now, p->role[role].item) &&
            ev->memory->mark(ev->memory->ctx, tdx_mark_issuer(ev->roots, p->root), now.subject, &seen) &&
            tdx_mark_older(why, sizeof why, &now, &seen, ev->now_s))
            return check_fail("rolled back: %s", why);
    }
    return check_pass();
}

static struct finding check_pck_revoked(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (p->num_certs == 0)
        return no_pck(p);
    const struct role_state *root = &p->role[ROLE_ROOT_CRL], *pck = &p->role[ROLE_PCK_CRL];
    char subject[120];
    for (size_t i = 1; role_good(root) && i < p->num_certs; i++)
        if (bytes_eq(p->certs[i].issuer, root->item->crl.issuer) && crl_is_revoked(&root->item->crl, p->certs[i].serial))
            return check_fail("%s is on the root CA's CRL", name_text(subject, sizeof subject, p->certs[i].subject));
    if (role_good(pck) && crl_is_revoked(&pck->item->crl, p->certs[0].serial))
        return check_fail("the PCK certificate is on its CA's CRL");
    if (!role_good(root) || !role_good(pck))
        return check_not_run("wants both CRLs in order");
    return check_pass();
}

/* --- what the collateral says --- */

static bool masked_eq(struct bytes have, const uint8_t *mask, const uint8_t *want)
{
    for (size_t i = 0; i < have.len; i++)
        if ((have.p[i] & mask[i]) != want[i])
            return false;
    return true;
}

static struct finding check_qe_fits(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!has_qe(p))
        return no_quote(p);
    if (!role_good(&p->role[ROLE_QE_IDENTITY]))
        return check_not_run("wants a QE identity in order");
    const struct qe_identity *q = part_qe_identity(p);
    const struct sgx_report *r = &p->quote.qe;
    char have[65];
    if (!masked_eq(r->miscselect, q->miscselect_mask, q->miscselect))
        return check_fail("MISCSELECT %s is not the quoting enclave's", hex_encode(have, r->miscselect));
    if (!masked_eq(r->attributes, q->attributes_mask, q->attributes))
        return check_fail("attributes %s are not the quoting enclave's", hex_encode(have, r->attributes));
    if (!bytes_eq(r->mr_signer, BYTES(q->mr_signer)))
        return check_fail("MRSIGNER %s is not the quoting enclave's", hex_encode(have, r->mr_signer));
    if (r->isv_prod_id != q->isv_prod_id)
        return check_fail("ISVPRODID %u, the quoting enclave's is %u", r->isv_prod_id, q->isv_prod_id);
    return check_pass();
}

static struct finding no_evaluation(const struct tdx_part *p)
{
    return p->parsed ? check_not_run("wants the PCK certificate, TCB info and QE identity in order") : no_quote(p);
}

static struct finding check_module(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->parsed)
        return no_quote(p);
    if (!p->tdx)
        return check_note("SGX has no TDX module");
    if (!role_good(&p->role[ROLE_TCB_INFO]))
        return check_not_run("wants TCB info in order");
    const struct td_report *td = &p->quote.td;
    const struct tcb_info *info = part_tcb_info(p);
    uint8_t major = td->tcb_svn.p[1];
    const struct tdx_module *m = major ? tcb_find_module(info, major) : &info->module;
    char have[97];
    if (!m)
        return check_fail("TCB info knows no TDX module of version %u", major);
    if (!bytes_eq(td->mr_signer_seam, BYTES(m->mr_signer)))
        return check_fail("MRSIGNERSEAM %s is not the module's", hex_encode(have, td->mr_signer_seam));
    if (!bytes_is_zero(td->seam_attributes) || !masked_eq(td->seam_attributes, m->attributes_mask, m->attributes))
        return check_fail("SEAMATTRIBUTES %s are not the module's", hex_encode(have, td->seam_attributes));
    return check_pass();
}

static struct finding check_tcb_level(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->evaluated)
        return no_evaluation(p);
    switch (p->tcb.fault) {
    case TCB_NO_LEVEL:
        return check_fail("%s is below every TCB level of this platform", p->tcb.fault_in);
    case TCB_NO_MODULE_LEVEL:
        return check_fail("the TDX module (%s) is below every level of its identity", p->tcb.fault_in);
    case TCB_NO_MODULE:
        return check_fail("TCB info knows no TDX module of the version in %s", p->tcb.fault_in);
    case TCB_NO_QE_LEVEL: /* the next row's */
    case TCB_FOUND:
        break;
    }
    return check_pass();
}

static struct finding check_qe_level(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!has_qe(p))
        return no_quote(p);
    if (!role_good(&p->role[ROLE_QE_IDENTITY]))
        return check_not_run("wants a QE identity in order");
    if (!tcb_find_isv(&part_qe_identity(p)->levels, p->quote.qe.isv_svn))
        return check_fail("the quoting enclave's ISVSVN %u is below every level", p->quote.qe.isv_svn);
    return check_pass();
}

static struct finding check_tcb_revoked(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    if (!p->evaluated)
        return no_evaluation(p);
    if (p->tcb.fault != TCB_FOUND)
        return check_not_run("no TCB level");
    return p->tcb.status == TCB_REVOKED ? check_fail("the TCB is revoked") : check_pass();
}

static struct finding check_report_data(struct ev *ev)
{
    const struct tdx_part *p = part(ev);
    char have[129];
    if (!p->parsed)
        return no_quote(p);
    if (!ev->expected->has_report_data || bytes_eq(ev->tee.report_data, ev->expected->report_data))
        return check_pass();
    return check_fail("%s is not what was asked for", hex_encode(have, ev->tee.report_data));
}

/* --- the table --- */

static const struct check checks[] = {
    {"tdx.version", "DCAP quote A.1 header", AUTHENTIC, REJECTS, check_version},
    {"tdx.tee_type", "DCAP quote A.3.1 header", AUTHENTIC, REJECTS, check_tee_type},
    {"tdx.key_type", "DCAP quote A.3.1 header; QVL 4.1.2.4.2", AUTHENTIC, REJECTS, check_key_type},
    {"tdx.vendor_id", "DCAP quote A.3.1 header", AUTHENTIC, REJECTS, check_vendor_id},
    {"tdx.format", "DCAP quote A.3", AUTHENTIC, REJECTS, check_format},
    {"tdx.trailing", "not in the quote: quote_trailing_ok", AUTHENTIC, REJECTS, check_trailing},
    {"tdx.cert_data", "DCAP quote A.3.9, A.3.11", AUTHENTIC, REJECTS, check_cert_data},
    {"tdx.pck", "DCAP quote A.3.9", AUTHENTIC, REJECTS, check_pck},
    {"tdx.pck_chain", "PCK profile 2; QVL 4.1.2.4.5", AUTHENTIC, REJECTS, check_pck_chain},
    {"tdx.pck_extensions", "PCK profile 2.3.5", AUTHENTIC, REJECTS, check_pck_extensions},
    {"tdx.qe_signature", "QVL 4.1.2.4.12", AUTHENTIC, REJECTS, check_qe_signature},
    {"tdx.qe_binding", "QVL 4.1.2.4.13", AUTHENTIC, REJECTS, check_qe_binding},
    {"tdx.signature", "QVL 4.1.2.4.16", AUTHENTIC, REJECTS, check_signature},

    {"tdx.pck_dates", "RFC 5280 4.1.2.5", FRESH, UNDECIDES, check_pck_dates},
    {"tdx.root_crl", "PCK profile 3", FRESH, UNDECIDES, check_root_crl},
    {"tdx.root_crl_signature", "RFC 5280 6.3.3", FRESH, UNDECIDES, check_root_crl_signature},
    {"tdx.root_crl_dates", "RFC 5280 5.1.2.5", FRESH, UNDECIDES, check_root_crl_dates},
    {"tdx.pck_crl", "PCK profile 3", FRESH, UNDECIDES, check_pck_crl},
    {"tdx.pck_crl_signature", "RFC 5280 6.3.3", FRESH, UNDECIDES, check_pck_crl_signature},
    {"tdx.pck_crl_dates", "RFC 5280 5.1.2.5", FRESH, UNDECIDES, check_pck_crl_dates},
    {"tdx.tcb_info", "PCS v4 Get TCB Info; QVL 4.1.2.3", FRESH, UNDECIDES, check_tcb_info},
    {"tdx.tcb_info_signature", "PCS v4 Get TCB Info", FRESH, UNDECIDES, check_tcb_info_signature},
    {"tdx.tcb_info_dates", "PCS v4 Get TCB Info", FRESH, UNDECIDES, check_tcb_info_dates},
    {"tdx.qe_identity", "PCS v4 Get QE Identity", FRESH, UNDECIDES, check_qe_identity},
    {"tdx.qe_identity_signature", "PCS v4 Get QE Identity", FRESH, UNDECIDES, check_qe_identity_signature},
    {"tdx.qe_identity_dates", "PCS v4 Get QE Identity", FRESH, UNDECIDES, check_qe_identity_dates},
    {"tdx.rollback", "PCS v4 tcbEvaluationDataNumber; RFC 5280 5.2.3", FRESH, UNDECIDES, check_rollback},
    {"tdx.pck_revoked", "RFC 5280 6.3.3; QVL 4.1.2.4.6", FRESH, REJECTS, check_pck_revoked},
    {"tdx.qe_fits", "QVL 4.1.2.9.5 to 4.1.2.9.8", FRESH, REJECTS, check_qe_fits},
    {"tdx.qe_level", "QVL 4.1.2.9.9", FRESH, REJECTS, check_qe_level},
    {"tdx.module", "QVL 4.1.2.4.10; TDX module base spec 18", FRESH, REJECTS, check_module},
    {"tdx.tcb_level", "QVL 4.1.2.5.1, 4.1.2.5.2", FRESH, REJECTS, check_tcb_level},
    {"tdx.tcb_revoked", "QVL 4.1.2.5.2.3", FRESH, REJECTS, check_tcb_revoked},

    {"tdx.report_data", "DCAP quote A.3.2 report data, as asked for", BOUND, REJECTS, check_report_data},

    {"tdx.status", "policy statuses, grace", ACCEPTED, REJECTS, tdx_accept_status},
    {"tdx.advisories", "policy advisories", ACCEPTED, REJECTS, tdx_accept_advisories},
    {"tdx.tcb_age", "policy min_evaluation_number, earliest_tcb_date", ACCEPTED, REJECTS, tdx_accept_age},
    {"tdx.debug", "TDX module ABI TDATTRIBUTES.DEBUG; SDM 37.7.1", ACCEPTED, REJECTS, tdx_accept_debug},
    {"tdx.sept_ve_disable", "TDX module ABI TDATTRIBUTES.SEPT_VE_DISABLE", ACCEPTED, REJECTS, tdx_accept_sept_ve},
    {"tdx.service_td", "TDX module ABI SERVTD_HASH", ACCEPTED, REJECTS, tdx_accept_service_td},
    {"tdx.attributes", "policy attribute and XFAM masks", ACCEPTED, REJECTS, tdx_accept_attributes},
    {"tdx.platform", "PCK profile 2.3.5 configuration", ACCEPTED, REJECTS, tdx_accept_platform},
    {"tdx.pins", "policy pins", ACCEPTED, REJECTS, tdx_accept_pins},
};

/* A quote on its own, or a bundle whose report is one. What is neither TDX nor SGX by its bundle is not ours. */
static bool applies(const struct ev *ev)
{
    const struct bundle *b = ev->bundle;
    return b->has_report && (b->tee == TEE_TDX || b->tee == TEE_SGX) && b->report_type == REPORT_NATIVE;
}

const struct kind tdx_kind = {
    .name = "tdx",
    .applies = applies,
    .open = tdx_open,
    .close = tdx_close,
    .checks = checks,
    .num_checks = sizeof checks / sizeof checks[0],
    .render = tdx_render,
    .collateral_expires = tdx_expires,
    .refused_from = tdx_refused_from,
    .learn = tdx_learn,
};
