/* Opening the SNP part: take the report apart, gather certificates and CRLs from wherever they came, pick those of this
 * report, judge the chain and the CRL once. Nothing is decided here: what was found waits for the checks. */
#include "crypto/base/auto.h"
#include "relayer/evidence/snp_gather.h"
#include "relayer/evidence/snp_journal.h"
#include "relayer/evidence/snp_part.h"
#include "relayer/evidence/snp_proof.h"

bool snp_applies(const struct ev *ev)
{
    return ev->bundle->tee == TEE_SNP && ev->bundle->has_report;
}

/* The raw report, and the certificate table where one follows it (an extended report). */
static struct bytes report_bytes(const struct ev *ev, struct bytes *table)
{
    *table = (struct bytes){0};
    if (ev->bundle->report_type == REPORT_ZK_SUCCINCT || ev->bundle->report_type == REPORT_ZK_RISC0)
        return ev->snp_journal ? ev->snp_journal->raw_report : (struct bytes){0};
    struct bytes all = ev->bundle->report;
    struct bytes rest =
        all.len > SNP_REPORT_LEN ? bytes_sub(all, SNP_REPORT_LEN, all.len - SNP_REPORT_LEN) : (struct bytes){0};
    if (!snp_table_recognise(rest))
        return all;
    *table = rest;
    return bytes_sub(all, 0, SNP_REPORT_LEN);
}

static void state_facts(struct ev *ev, const struct snp_report *r)
{
    ev->tee = (struct tee_facts){.present = true,
                                 .type = TEE_SNP,
                                 .report_data = BYTES(r->report_data),
                                 .measurement = BYTES(r->measurement),
                                 .report_id = BYTES(r->report_id)};
}

static void open_leaf(struct snp_part *p)
{
    const struct cert *leaf = &p->chain.cert[0];
    enum snp_product issuer_product;
    snp_name_kind(leaf->issuer, &issuer_product);
    if (p->product == SNP_UNKNOWN && !p->report.has_cpuid)
        p->product = issuer_product;
    p->has_leaf = snp_leaf_parse(&p->leaf, leaf, &p->leaf_why);
    p->leaf_key = p->chain.leaf_key;
    if (!p->leaf_key)
        p->leaf_key = p->parsed_key = cert_pubkey(leaf, p->has_leaf ? &p->leaf_why : NULL);
    if (p->leaf_key && pubkey_type(p->leaf_key) != KEY_P384) {
        p->leaf_key = NULL;
        err_set(&p->leaf_why, ERR_CRYPTO, "its key is no P-384 key");
    }
}

/* The pinned roots that the top of the chain may be, by the name it goes by. */
static size_t pinned_for(const struct ev *ev, const struct snp_chain *chain, struct pinned_root out[static ROOTS_MAX])
{
    enum snp_product product;
    snp_name_kind(chain->has_root ? chain->cert[2].subject : chain->cert[1].issuer, &product);
    return roots_for(ev->roots, snp_root_use(product), out);
}

static bool only_dates(enum chain_fault fault)
{
    return fault == CHAIN_NOT_YET || fault == CHAIN_EXPIRED;
}

static void note_root(struct ev *ev, struct snp_part *p, const struct pinned_root *root)
{
    p->root_label = root->label;
    ev_use_root(ev, root->label);
}

/* Once against the pinned keys; where that finds no root, once more against the chain's own, to tell whether the rest
 * holds. */
static void judge_chain(struct ev *ev, struct snp_part *p, struct pinned_root *anchor)
{
    struct snp_chain *c = &p->chain;
    const struct pinned_root *held = snp_proof_of(ev->collateral, ev->roots, c);
    if (held) {
        p->judged = p->root_pinned = true;
        p->fault = CHAIN_OK;
        *anchor = *held;
        note_root(ev, p, anchor);
        return;
    }
    struct pinned_root pinned[ROOTS_MAX];
    size_t n = c->has_root ? 3 : 2, num_pinned = pinned_for(ev, c, pinned), at = 0;
    /* the pinned certificate itself is taken as it is: what hangs under it is judged, the whole only to name a fault */
    bool own_root = c->has_root && roots_have_cert(ev->roots, c->cert[2].der);
    p->judged = true;
    p->fault = chain_verify(c->cert, own_root ? 2 : n, pinned, num_pinned, NULL, ev->now_s, &at, NULL, &p->fault_why);
    if (own_root && p->fault != CHAIN_OK)
        p->fault = chain_verify(c->cert, n, pinned, num_pinned, NULL, ev->now_s, &at, NULL, &p->fault_why);
    p->root_pinned = p->fault != CHAIN_NO_ROOT;
    if (p->root_pinned) {
        if (p->fault == CHAIN_OK || only_dates(p->fault))
            *anchor = pinned[at];
    } else if (c->has_root) {
        AUTO(pubkey_freep) struct pubkey *own = cert_pubkey(&c->cert[2], NULL);
        const struct pinned_root self = {.label = "own", .key = own};
        p->fault =
            own ? chain_verify(c->cert, n, &self, 1, NULL, ev->now_s, NULL, NULL, &p->fault_why) : CHAIN_SIGNATURE;
    }
    if (only_dates(p->fault))
        p->fault = CHAIN_OK; /* dates have a check of their own */
    if (anchor->key)
        note_root(ev, p, anchor);
}

/* Signed by this root, valid now? */
static bool crl_counts(const struct crl *crl, const struct ev *ev, const struct pinned_root *root, struct err *why)
{
    const struct cert issuer = {.subject = root->subject};
    if (!bytes_eq(crl->issuer, root->subject))
        return err_set(why, ERR_STALE, "CRL of another issuer than %s", root->label);
    if (ev->now_s < crl->this_update_s)
        return err_set(why, ERR_STALE, "CRL of %s is not yet valid", root->label);
    if (ev->now_s > crl->next_update_s)
        return err_set(why, ERR_STALE, "CRL of %s has expired", root->label);
    return snp_crl_proved(ev->collateral, ev->roots, crl, root->key) || crl_signed_by(crl, &issuer, root->key) ||
           err_set(why, ERR_STALE, "CRL is not signed by %s", root->label);
}

static bool of_these(const struct crl *crl, const struct pinned_root *roots, size_t num_roots)
{
    for (size_t i = 0; i < num_roots; i++)
        if (bytes_eq(crl->issuer, roots[i].subject))
            return true;
    return false;
}

static void judge_crl(struct ev *ev, struct snp_part *p, struct bytes der, bool pooled, const struct pinned_root *roots,
                      size_t num_roots)
{
    struct crl crl;
    bool parsed = crl_parse(&crl, der, &p->crl_why);
    if (pooled && (!parsed || !of_these(&crl, roots, num_roots)))
        return;
    if (p->crl_state == SNP_CRL_NONE)
        p->crl_state = SNP_CRL_BAD;
    if (!parsed || (p->crl_state == SNP_CRL_GOOD && crl.this_update_s <= p->crl.this_update_s))
        return;
    if (num_roots == 0)
        err_set(&p->crl_why, ERR_STALE, "no pinned root for this product");
    for (size_t k = 0; k < num_roots; k++) {
        if (!crl_counts(&crl, ev, &roots[k], &p->crl_why))
            continue;
        p->crl_state = SNP_CRL_GOOD;
        p->crl = crl;
        return;
    }
}

/* The newest of the CRLs that count. anchor: the root that the chain ended at; without one, any that is pinned for the
 * product. */
static void judge_crls(struct ev *ev, struct snp_part *p, const struct snp_crls *given,
                       const struct pinned_root *anchor)
{
    struct pinned_root roots[ROOTS_MAX];
    size_t num_roots = 1;
    roots[0] = *anchor;
    if (!anchor->key)
        num_roots = roots_for(ev->roots, snp_root_use(p->product), roots);
    for (size_t i = 0; i < given->count; i++)
        judge_crl(ev, p, given->der[i], given->pooled[i], roots, num_roots);
}

void snp_open(struct ev *ev)
{
    struct snp_part *p = arena_alloc(&ev->mem, 1, sizeof *p);
    struct snp_gathered *g = arena_alloc(&ev->mem, 1, sizeof *g);
    if (!p || !g)
        return; /* ev->snp stays NULL: every check says so */
    struct bytes table;
    struct bytes raw = report_bytes(ev, &table);
    p->has_report = snp_report_parse(&p->report, raw, &p->report_why);
    ev->snp = p;
    if (!p->has_report)
        return;
    state_facts(ev, &p->report);
    p->product = snp_report_product(&p->report);
    snp_gather(g, ev, p, table);
    snp_pool_pick(&p->chain, &g->pool, &p->report, ev->now_s);
    if (p->chain.has_leaf)
        open_leaf(p);
    for (size_t i = 0; p->chain.has_leaf && i < g->num_own; i++)
        p->own_leaf |= bytes_eq(g->pool.cert[i].der, p->chain.cert[0].der);
    struct pinned_root anchor = {0};
    if (p->chain.has_leaf && p->chain.has_intermediate)
        judge_chain(ev, p, &anchor);
    judge_crls(ev, p, &g->crls, &anchor);
}

void snp_close(struct ev *ev)
{
    if (ev->snp)
        pubkey_freep(&ev->snp->parsed_key);
}

static void lower(int64_t *t, int64_t candidate)
{
    if (*t == 0 || candidate < *t)
        *t = candidate;
}

int64_t snp_expires(const struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    int64_t t = 0;
    if (!p || !p->judged)
        return 0;
    for (size_t i = 0; i < (p->chain.has_root ? 3u : 2u); i++)
        lower(&t, p->chain.cert[i].not_after_s);
    if (p->crl_state == SNP_CRL_GOOD)
        lower(&t, p->crl.next_update_s);
    return t;
}

void snp_learn(const struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || p->crl_state != SNP_CRL_GOOD || !ev->memory->raise_mark)
        return;
    const struct mark seen = {.issued_s = p->crl.this_update_s, .crl_number = p->crl.number};
    ev->memory->raise_mark(ev->memory->ctx, snp_mark_issuer(p), snp_mark_subject(p), &seen);
}
