/* Opening Intel evidence: the quote, its PCK chain, the collateral that fits, the TCB. Everything that the check table asks
 * about is found out here once, except for the quote's own two signatures. */
#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "relayer/evidence/tdx_part.h"

static struct bytes td_or_sgx_report_data(const struct tdx_quote *q)
{
    return q->body == BODY_SGX ? q->enclave.report_data : q->td.report_data;
}

static void fill_facts(struct ev *ev, const struct tdx_part *p)
{
    const struct tdx_quote *q = &p->quote;
    ev->tee = (struct tee_facts){
        .present = true,
        .type = p->tdx ? TEE_TDX : TEE_SGX,
        .report_data = td_or_sgx_report_data(q),
        .mr_td = q->td.mr_td,
        .mr_seam = q->td.mr_seam,
    };
    for (size_t i = 0; i < 4; i++)
        ev->tee.rtmr[i] = q->td.rtmr[i];
}

/* --- PCK chain --- */

/* Parse the list into part->certs, sorted: leaf first. */
static void take_certs(struct ev *ev, struct tdx_part *p, const struct bytes *der, size_t n)
{
    struct cert *certs = arena_alloc(&ev->mem, n, sizeof *certs);
    for (size_t i = 0; i < n; i++) {
        bool ok = certs != NULL;
        struct bytes kept = ok ? arena_copy(&ev->mem, der[i], &ok) : (struct bytes){0};
        struct err why = {0};
        if (!ok || !cert_parse(&certs[i], kept, &why)) {
            p->pck = check_fail("unreadable: certificate %zu of the PCK chain: %s", i, ok ? why.text : "no memory");
            return;
        }
    }
    p->certs = certs;
    p->num_certs = chain_sort(certs, n);
    p->pck = check_pass();
}

static void take_chain_of_quote(struct ev *ev, struct tdx_part *p)
{
    AUTO(der_list_done) struct der_list list = {0};
    struct err why = {0};
    if (!pem_parse(&list, p->quote.cert_data, "CERTIFICATE", PCK_MAX_CERTS, &why))
        p->pck = check_fail("unreadable: PCK chain in the quote: %s", why.text);
    else if (list.count == 0)
        p->pck = check_fail("unreadable: no certificate in the quote's certification data");
    else
        take_certs(ev, p, list.item, list.count);
}

static bool verifies_qe(const struct tdx_part *p, const struct pubkey *key)
{
    struct hash32 digest = sha256(p->quote.qe.raw);
    return key && pubkey_verify_ecdsa(key, BYTES(digest.b), bytes_sub(p->quote.qe_sig, 0, 32), bytes_sub(p->quote.qe_sig, 32, 32));
}

/* The PCK certificate that signed the QE report, given beside the quote, with the rest of the pool's certificates as
 * candidates for its issuers. leaf: one that the quote itself brings; else any of the pool. */
static void take_chain_beside(struct ev *ev, struct tdx_part *p, struct bytes leaf)
{
    struct bytes der[PCK_MAX_CERTS];
    size_t n = 0;
    const struct collateral *pool = ev->collateral;
    if (leaf.len)
        der[n++] = leaf;
    for (size_t i = 0; pool && i < pool->count && n == 0; i++)
        for (size_t k = 0; k < pool->items[i].num_certs && n == 0; k++)
            if (pck_is(&pool->items[i].certs[k]) && verifies_qe(p, pool->items[i].keys[k]))
                der[n++] = pool->items[i].certs[k].der;
    if (n == 0)
        return;
    for (size_t i = 0; pool && i < pool->count; i++)
        for (size_t k = 0; k < pool->items[i].num_certs && n < PCK_MAX_CERTS; k++) {
            const struct cert *c = &pool->items[i].certs[k];
            bool seen = !c->is_ca;
            for (size_t j = 0; j < n && !seen; j++)
                seen = bytes_eq(der[j], c->der);
            if (!seen)
                der[n++] = c->der;
        }
    take_certs(ev, p, der, n);
}

static void find_chain(struct ev *ev, struct tdx_part *p)
{
    static const char *const type_names[] = {
        [CERT_PPID_PLAIN] = "PPID in plain text", [CERT_PPID_RSA2048] = "PPID encrypted with RSA-2048",
        [CERT_PPID_RSA3072] = "PPID encrypted with RSA-3072", [CERT_PCK_LEAF] = "PCK leaf alone",
    };
    uint16_t type = p->quote.cert_type;
    AUTO(der_list_done) struct der_list list = {0};
    if (type == CERT_PCK_CHAIN) {
        take_chain_of_quote(ev, p);
        return;
    }
    if (type == 0 || type > CERT_PCK_CHAIN)
        return; /* the type is refused by name */
    if (type == CERT_PCK_LEAF && !der_list_parse(&list, p->quote.cert_data, "CERTIFICATE", 1, NULL))
        p->pck = check_fail("unreadable: PCK leaf certificate in the quote");
    else
        take_chain_beside(ev, p, list.count ? list.item[0] : (struct bytes){0});
    if (p->pck.outcome == NOT_RUN)
        p->pck = check_not_run("missing: certification data type %u (%s) brings no PCK chain, and none that signed the QE "
                               "report is given beside it", type, type_names[type]);
}

/* The leaf alone, where the rest of its chain has been proved beforehand: one signature instead of three. */
static bool judge_leaf(struct ev *ev, struct tdx_part *p, const struct chain_rules *rules)
{
    const struct proof *ca = p->num_certs > 1 && p->proofs.held ? proof_of_cas(&p->ca_key, &p->proofs, p->certs + 1, p->num_certs - 1) : NULL;
    if (!ca)
        return false;
    struct pinned_root issuer = {.label = "proved CA", .key = p->ca_key, .subject = p->certs[1].subject};
    p->chain_fault = chain_verify(p->certs, 1, &issuer, 1, rules, ev->now_s, NULL, NULL, &p->chain_why);
    p->root = ca->root;
    return true;
}

static void judge_chain(struct ev *ev, struct tdx_part *p)
{
    struct pinned_root pinned[ROOTS_MAX];
    size_t num_pinned = roots_for(ev->roots, ROOT_INTEL, pinned), at = 0;
    static const struct chain_rules rules = {0};
    p->leaf_key = cert_pubkey(&p->certs[0], NULL);
    if (!judge_leaf(ev, p, &rules)) {
        p->ca_key = p->own_ca_key = p->num_certs > 1 ? cert_pubkey(&p->certs[1], NULL) : NULL;
        p->chain_fault = chain_verify(p->certs, p->num_certs, pinned, num_pinned, &rules, ev->now_s, &at, NULL, &p->chain_why);
        for (size_t i = 0; i < ev->roots->count; i++)
            if (at < num_pinned && ev->roots->root[i].key == pinned[at].key)
                p->root = i;
    }
    p->chain_ok = p->chain_fault == CHAIN_OK || p->chain_fault == CHAIN_NOT_YET || p->chain_fault == CHAIN_EXPIRED;
    const struct cert *last = &p->certs[p->num_certs - 1];
    if (p->chain_ok)
        ev_use_root(ev, ev->roots->root[p->root].label);
    for (size_t i = 0; !p->chain_ok && i < ev->roots->count; i++) /* the one it claims: that one's CRL is looked for */
        if (bytes_eq(last->issuer, bytes_from(ev->roots->root[i].subject, ev->roots->root[i].subject_len)))
            p->root = i;
    if (p->chain_ok && !p->proofs.held && p->num_certs > 1 && bytes_eq(last->subject, last->issuer))
        p->proofs.good_root = last->der;
}

/* --- TCB --- */

static struct tcb_have what_it_has(const struct tdx_part *p)
{
    return (struct tcb_have){
        .components = p->pck_info.components,
        .pce_svn = p->pck_info.pce_svn,
        .qe_isv_svn = p->quote.qe.isv_svn,
        .tdx = p->tdx ? p->quote.td.tcb_svn.p : NULL,
        .tdx2 = p->quote.body == BODY_TD15 ? p->quote.td.tcb_svn2.p : NULL,
    };
}

static bool evaluate(struct ev *ev, struct tdx_part *p, const struct role_state role[static NUM_ROLES],
                     struct tcb_evaluation *out)
{
    if (!p->has_pck || !role_good(&role[ROLE_TCB_INFO]) || !role_good(&role[ROLE_QE_IDENTITY]))
        return false;
    struct tcb_have have = what_it_has(p);
    return tcb_evaluate(out, &ev->mem, &have, role[ROLE_TCB_INFO].item->json.tcb_info,
                        role[ROLE_QE_IDENTITY].item->json.qe_identity);
}

static size_t first_intel_root(const struct roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        if (roots->root[i].use == ROOT_INTEL)
            return i;
    return 0;
}

void tdx_open(struct ev *ev)
{
    struct tdx_part *p = arena_alloc(&ev->mem, 1, sizeof *p);
    ev->tdx = p;
    if (!p)
        return;
    struct bytes in = ev->bundle->report;
    p->root = first_intel_root(ev->roots);
    p->has_header = quote_header_parse(&p->header, in, &p->parse_err);
    p->tdx = p->has_header ? p->header.tee_type == TEE_TYPE_TDX : ev->bundle->tee != TEE_SGX;
    bool fits = p->has_header && quote_version_fits(&p->header);
    p->parsed = fits && tdx_quote_parse(&p->quote, in, &p->parse_err);
    if (p->parsed)
        fill_facts(ev, p);
    bool held = ev->collateral && ev->collateral->proofs && ev->collateral->proofs->roots == ev->roots;
    if (held)
        p->proofs = *ev->collateral->proofs;
    else if (!proofs_init(&p->proofs, &ev->mem, ev->collateral, ev->roots))
        return;
    if (p->parsed)
        find_chain(ev, p);
    if (p->num_certs > 0) {
        judge_chain(ev, p);
        p->has_pck = pck_parse(&p->pck_info, &p->certs[0], &p->pck_why);
    }
    tdx_select_collateral(ev, p);
    p->evaluated = evaluate(ev, p, p->role, &p->tcb);
    struct role_state early[NUM_ROLES] = {0};
    for (enum role r = ROLE_TCB_INFO; r <= ROLE_QE_IDENTITY; r++)
        early[r] = p->early[r].item ? p->early[r] : p->role[r];
    if (p->early[ROLE_TCB_INFO].item || p->early[ROLE_QE_IDENTITY].item)
        p->early_evaluated = evaluate(ev, p, early, &p->early_tcb);
}

void tdx_close(struct ev *ev)
{
    if (!ev->tdx)
        return;
    pubkey_free(ev->tdx->leaf_key);
    pubkey_free(ev->tdx->own_ca_key);
    ev->tdx = NULL;
}

int64_t tdx_expires(const struct ev *ev)
{
    const struct tdx_part *p = ev->tdx;
    int64_t t = 0;
    for (size_t i = 0; p && i < p->num_certs; i++)
        if (t == 0 || p->certs[i].not_after_s < t)
            t = p->certs[i].not_after_s;
    for (enum role r = 0; p && r < NUM_ROLES; r++)
        if (p->role[r].expires_s && (t == 0 || p->role[r].expires_s < t))
            t = p->role[r].expires_s;
    return t;
}
