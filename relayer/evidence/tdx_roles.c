/* Which collateral of the pool serves which role, and how good it is. Of several that fit, the best wins: one that holds
 * before one that does not, then the highest evaluation data number, then the latest issue date. */
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_part.h"

#include <stdio.h>

static void sooner(int64_t *expires_s, int64_t t)
{
    if (*expires_s == 0 || t < *expires_s)
        *expires_s = t;
}

static struct finding judge_dates(int64_t from_s, int64_t to_s, int64_t now_s, const char *what)
{
    char a[21], b[21];
    if (now_s < from_s)
        return check_fail("not yet valid: %s is from %s, judged as of %s", what, time_format(a, from_s), time_format(b, now_s));
    if (now_s > to_s)
        return check_fail("expired: %s ended %s, judged as of %s", what, time_format(a, to_s), time_format(b, now_s));
    return check_pass();
}

/* --- when nothing fits --- */

static bool was_meant(const struct collateral_item *item, enum role role)
{
    if (item->kind != COLLATERAL_UNREADABLE)
        return false;
    if (role == ROLE_TCB_INFO || role == ROLE_QE_IDENTITY)
        return item->guess == COLLATERAL_SIGNED &&
               item->guess_signed == (role == ROLE_TCB_INFO ? SIGNED_TCB_INFO : SIGNED_QE_IDENTITY);
    return item->guess == COLLATERAL_CRL;
}

static struct finding nothing_fits(const struct collateral *pool, enum role role, const char *what, const char *mismatch)
{
    for (size_t i = 0; pool && i < pool->count; i++)
        if (was_meant(&pool->items[i], role))
            return check_fail("unreadable: %s: %s", pool->items[i].origin, pool->items[i].why);
    for (size_t i = 0; pool && i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_UNREADABLE && pool->items[i].guess == COLLATERAL_UNREADABLE)
            return check_fail("unreadable: %s (it may have been %s): %s", pool->items[i].origin, what, pool->items[i].why);
    if (mismatch[0])
        return check_fail("mismatch: want %s, have %s", what, mismatch);
    return check_not_run("missing: %s", what);
}

/* Keep the better of two states; rank: how many aspects pass. */
static size_t rank(const struct role_state *r)
{
    size_t n = 0;
    for (size_t i = 0; i < NUM_ASPECTS; i++)
        n += r->finding[i].outcome == PASS;
    return n;
}

static bool better(const struct role_state *a, const struct role_state *b)
{
    if (!b->item)
        return true;
    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    if (a->item->kind == COLLATERAL_CRL)
        return a->item->crl.this_update_s > b->item->crl.this_update_s;
    const struct signed_head *x = a->item->json.head, *y = b->item->json.head;
    if (x->evaluation_number != y->evaluation_number)
        return x->evaluation_number > y->evaluation_number;
    return x->issued_s > y->issued_s;
}

/* --- CRLs --- */

struct crl_issuer {
    struct bytes name;
    const struct pubkey *key;
    const struct cert *cert; /* NULL: a pinned root that is in no chain */
};

static struct finding judge_crl_signature(struct tdx_part *p, const struct collateral_item *item, const struct crl_issuer *by)
{
    const struct cert *c = by->cert;
    if (!by->key)
        return check_not_run("its issuer's key cannot be read");
    if (c && item->crl.akid.len && c->skid.len && !bytes_eq(item->crl.akid, c->skid))
        return check_fail("signature: key identifier of another issuer");
    if (c && c->has_key_usage && !(c->key_usage & KU_CRL_SIGN))
        return check_fail("signature: its issuer may not sign CRLs");
    return proof_signed(&p->proofs, item, by->key) ? check_pass() : check_fail("signature: does not verify under its issuer's key");
}

/* other: whose CRL the other role wants; that one is no mismatch, it is just not this one. */
static void select_crl(const struct ev *ev, struct tdx_part *p, enum role role, const struct crl_issuer *by, struct bytes other)
{
    char what[200] = "a CRL of ", mismatch[200] = "";
    struct role_state best = {0};
    name_text(what + 9, sizeof what - 9, by->name);
    for (size_t i = 0; ev->collateral && i < ev->collateral->count; i++) {
        const struct collateral_item *item = &ev->collateral->items[i];
        if (item->kind != COLLATERAL_CRL)
            continue;
        if (!bytes_eq(item->crl.issuer, by->name)) {
            if (!bytes_eq(item->crl.issuer, other))
                name_text(mismatch, sizeof mismatch, item->crl.issuer);
            continue;
        }
        struct role_state s = {.item = item, .expires_s = item->crl.next_update_s};
        s.finding[ASPECT_FITS] = check_pass();
        s.finding[ASPECT_SIGNED] = judge_crl_signature(p, item, by);
        s.finding[ASPECT_DATED] = judge_dates(item->crl.this_update_s, item->crl.next_update_s, ev->now_s, "the CRL");
        if (better(&s, &best))
            best = s;
    }
    if (!best.item)
        best.finding[ASPECT_FITS] = nothing_fits(ev->collateral, role, what, mismatch);
    p->role[role] = best;
}

static void select_crls(const struct ev *ev, struct tdx_part *p)
{
    const struct cert *leaf = p->num_certs ? &p->certs[0] : NULL;
    const struct cert *last = p->num_certs ? &p->certs[p->num_certs - 1] : NULL;
    struct crl_issuer root = {
        .name = bytes_from(ev->roots->root[p->root].subject, ev->roots->root[p->root].subject_len),
        .key = ev->roots->root[p->root].key,
    };
    if (last && p->chain_ok && bytes_eq(last->subject, root.name))
        root.cert = last;
    if (!leaf) {
        for (enum role r = ROLE_ROOT_CRL; r <= ROLE_PCK_CRL; r++)
            p->role[r].finding[ASPECT_FITS] = check_not_run("missing: no PCK certificate says whose CRL is wanted");
        return;
    }
    select_crl(ev, p, ROLE_ROOT_CRL, &root, leaf->issuer);
    const struct cert *ca = p->num_certs > 1 ? &p->certs[1] : NULL;
    struct crl_issuer issuer = {.name = leaf->issuer, .key = p->ca_key, .cert = ca};
    select_crl(ev, p, ROLE_PCK_CRL, &issuer, root.name);
}

/* --- signed JSON --- */

static bool is_tcb_signer(const struct cert *c)
{
    return !c->is_ca && bytes_find(name_find(c->subject, OID_CN), BYTES_LIT("Intel SGX TCB Signing"), 0) == 0;
}

static bool revoked_by_root(const struct tdx_part *p, const struct cert *c)
{
    const struct role_state *crl = &p->role[ROLE_ROOT_CRL];
    return role_good(crl) && bytes_eq(crl->item->crl.issuer, c->issuer) && crl_is_revoked(&crl->item->crl, c->serial);
}

/* One candidate chain. *weight says how much there is in the answer, so that the most telling one of several is kept. */
static struct finding judge_with_chain(const struct ev *ev, struct tdx_part *p, const struct collateral_item *item,
                                       const struct collateral_item *chain, int *weight, int64_t *expires_s)
{
    *weight = 1;
    if (chain->kind == COLLATERAL_UNREADABLE)
        return check_fail("unreadable: issuer chain: %s: %s", chain->origin, chain->why);
    const struct proof *proof = proof_chain(&p->proofs, chain);
    const struct cert *leaf = &chain->certs[proof->leaf];
    const struct pubkey *key = chain->keys[proof->leaf];
    *weight = 2;
    if (!is_tcb_signer(leaf))
        return check_fail("signature: %s is no chain of a TCB signing certificate", chain->origin);
    *weight = 3;
    if (proof->fault != CHAIN_OK)
        return check_fail("signature: issuer chain: %s", proof->why);
    if (!key || !proof_signed(&p->proofs, item, key))
        return check_fail("signature: does not verify under the TCB signing key");
    *weight = 4;
    struct finding dates = judge_dates(proof->not_before_s, proof->not_after_s, ev->now_s, "its issuer chain");
    if (dates.outcome != PASS)
        return dates;
    if (revoked_by_root(p, leaf))
        return check_fail("revoked: the TCB signing certificate is on the root CA's CRL");
    *weight = 5;
    sooner(expires_s, proof->not_after_s);
    return check_pass();
}

static struct finding judge_signature(const struct ev *ev, struct tdx_part *p, const struct collateral_item *item,
                                      int64_t *expires_s)
{
    struct finding best = check_not_run("missing: the issuer chain of %s; it is looked for right behind it, or in the same "
                                        "directory", item->origin);
    int best_weight = 0, weight;
    const struct collateral_item *chain;
    for (size_t i = 0; best_weight < 5 && (chain = collateral_chain(ev->collateral, item, i)); i++) {
        struct finding f = judge_with_chain(ev, p, item, chain, &weight, expires_s);
        if (weight > best_weight) {
            best = f;
            best_weight = weight;
        }
    }
    return best;
}

/* Does it speak of this platform, of this TEE? Writes what it speaks of otherwise. */
static bool tcb_info_fits(const struct tdx_part *p, const struct tcb_info *t, char *have, size_t size)
{
    char fmspc[13], pce[5];
    snprintf(have, size, "%s, FMSPC %s, PCE-ID %s", t->tdx ? "TDX" : "SGX", hex_encode(fmspc, BYTES(t->fmspc)),
             hex_encode(pce, BYTES(t->pce_id)));
    return t->tdx == p->tdx && memcmp(t->fmspc, p->pck_info.fmspc, 6) == 0 &&
           memcmp(t->pce_id, p->pck_info.pce_id, 2) == 0;
}

static bool qe_identity_fits(const struct tdx_part *p, const struct qe_identity *q, char *have, size_t size)
{
    snprintf(have, size, "%.*s", (int)q->head.id.len, (const char *)q->head.id.p);
    return bytes_eq(q->head.id, p->tdx ? BYTES_LIT("TD_QE") : BYTES_LIT("QE"));
}

static bool item_fits(const struct tdx_part *p, const struct collateral_item *item, char *have, size_t size)
{
    return item->json.kind == SIGNED_TCB_INFO ? tcb_info_fits(p, item->json.tcb_info, have, size)
                                              : qe_identity_fits(p, item->json.qe_identity, have, size);
}

static void describe_wanted(const struct tdx_part *p, enum role role, char *out, size_t size)
{
    char fmspc[13], pce[5];
    if (role == ROLE_QE_IDENTITY)
        snprintf(out, size, "QE identity %s", p->tdx ? "TD_QE" : "QE");
    else
        snprintf(out, size, "TCB info %s, FMSPC %s, PCE-ID %s", p->tdx ? "TDX" : "SGX",
                 hex_encode(fmspc, BYTES(p->pck_info.fmspc)), hex_encode(pce, BYTES(p->pck_info.pce_id)));
}

static struct role_state judge_signed(const struct ev *ev, struct tdx_part *p, const struct collateral_item *item)
{
    const struct signed_head *head = item->json.head;
    struct role_state s = {.item = item, .expires_s = head->next_update_s};
    s.finding[ASPECT_FITS] = check_pass();
    s.finding[ASPECT_SIGNED] = judge_signature(ev, p, item, &s.expires_s);
    s.finding[ASPECT_DATED] = judge_dates(head->issued_s, head->next_update_s, ev->now_s, signed_kind_name(item->json.kind));
    return s;
}

/* early: look at what was fetched with update=early alone, or at the rest alone. */
static struct role_state select_signed(const struct ev *ev, struct tdx_part *p, enum role role, bool early)
{
    enum signed_kind kind = role == ROLE_TCB_INFO ? SIGNED_TCB_INFO : SIGNED_QE_IDENTITY;
    char what[120], mismatch[120] = "", have[120];
    struct role_state best = {0};
    if (role == ROLE_TCB_INFO && !p->has_pck) {
        best.finding[ASPECT_FITS] = check_not_run("missing: no PCK certificate says of which platform");
        return best;
    }
    for (size_t i = 0; ev->collateral && i < ev->collateral->count; i++) {
        const struct collateral_item *item = &ev->collateral->items[i];
        if (item->kind != COLLATERAL_SIGNED || item->json.kind != kind || item->early != early)
            continue;
        if (!item_fits(p, item, have, sizeof have)) {
            memcpy(mismatch, have, sizeof mismatch);
            continue;
        }
        struct role_state s = judge_signed(ev, p, item);
        if (better(&s, &best))
            best = s;
    }
    describe_wanted(p, role, what, sizeof what);
    if (!best.item)
        best.finding[ASPECT_FITS] = nothing_fits(ev->collateral, role, what, mismatch);
    return best;
}

static void select_numbers(const struct ev *ev, struct tdx_part *p)
{
    for (size_t i = 0; ev->collateral && i < ev->collateral->count; i++) {
        const struct collateral_item *item = &ev->collateral->items[i];
        if (item->kind != COLLATERAL_SIGNED || item->json.kind != SIGNED_EVALUATION_NUMBERS ||
            item->json.numbers->tdx != p->tdx)
            continue;
        struct role_state s = judge_signed(ev, p, item);
        if (role_good(&s))
            p->numbers = item->json.numbers;
    }
}

void tdx_select_collateral(const struct ev *ev, struct tdx_part *p)
{
    select_crls(ev, p);
    for (enum role role = ROLE_TCB_INFO; role <= ROLE_QE_IDENTITY; role++) {
        p->role[role] = select_signed(ev, p, role, false);
        p->early[role] = select_signed(ev, p, role, true);
        if (!p->role[role].item && p->early[role].item)
            p->role[role] = p->early[role]; /* the next data alone is stricter, and better than none */
    }
    select_numbers(ev, p);
}
