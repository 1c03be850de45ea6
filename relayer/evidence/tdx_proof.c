#include "relayer/evidence/tdx_proof.h"

#include "crypto/hash.h"
#include "relayer/evidence/snp_proof.h"

#include <stdio.h>

bool proofs_init(struct proofs *out, struct arena *mem, const struct collateral *pool, const struct roots *roots)
{
    struct proof *of = arena_alloc(mem, pool ? pool->count : 0, sizeof *of);
    if (!of)
        return false;
    *out = (struct proofs){.pool = pool, .roots = roots, .of = of};
    return true;
}

static size_t index_of(const struct proofs *p, const struct collateral_item *item)
{
    return (size_t)(item - p->pool->items);
}

/* The same certificates in another file, as TCB info and QE identity bring them. */
static const struct proof *find_same(const struct proofs *p, const struct collateral_item *certs)
{
    for (size_t i = 0; i < p->pool->count; i++) {
        const struct collateral_item *other = &p->pool->items[i];
        if (!p->of[i].known || other->kind != COLLATERAL_CERTS || other->num_certs != certs->num_certs)
            continue;
        bool same = true;
        for (size_t k = 0; k < certs->num_certs && same; k++)
            same = bytes_eq(other->certs[k].der, certs->certs[k].der);
        if (same)
            return &p->of[i];
    }
    return NULL;
}

static void set_dates(struct proof *out, const struct cert *chain, size_t n)
{
    out->not_before_s = chain[0].not_before_s;
    out->not_after_s = chain[0].not_after_s;
    for (size_t i = 1; i < n; i++) {
        if (chain[i].not_before_s > out->not_before_s)
            out->not_before_s = chain[i].not_before_s;
        if (chain[i].not_after_s < out->not_after_s)
            out->not_after_s = chain[i].not_after_s;
    }
}

/* Dates are judged last, so a fault of dates says that all else holds. */
static enum chain_fault without_dates(enum chain_fault fault)
{
    return fault == CHAIN_NOT_YET || fault == CHAIN_EXPIRED ? CHAIN_OK : fault;
}

static size_t root_by_key(const struct roots *roots, const struct pubkey *key)
{
    for (size_t i = 0; i < roots->count; i++)
        if (roots->root[i].key == key)
            return i;
    return 0;
}

static void judge_chain(struct proofs *p, struct proof *out, const struct collateral_item *item)
{
    struct cert chain[COLLATERAL_MAX_CERTS];
    memcpy(chain, item->certs, item->num_certs * sizeof *chain);
    size_t n = chain_sort(chain, item->num_certs), at = 0;
    struct pinned_root pinned[ROOTS_MAX];
    size_t num_pinned = roots_for(p->roots, ROOT_INTEL, pinned);
    static const struct chain_rules rules = {.leaf_may_be_ca = true};
    struct err why = {0};
    *out = (struct proof){.known = true, .by = out->by};
    set_dates(out, chain, n);
    for (size_t i = 0; i < item->num_certs; i++)
        if (item->certs[i].der.p == chain[0].der.p)
            out->leaf = i;
    size_t judged = n > 1 && bytes_eq(chain[n - 1].der, p->good_root) ? n - 1 : n;
    out->fault = without_dates(
        chain_verify(chain, judged, pinned, num_pinned, &rules, out->not_before_s, &at, NULL, &why));
    if (out->fault == CHAIN_OK) {
        out->root = root_by_key(p->roots, pinned[at].key);
        if (judged == n && n > 1 && bytes_eq(chain[n - 1].issuer, chain[n - 1].subject))
            p->good_root = chain[n - 1].der;
    } else {
        snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, why.text);
    }
}

const struct proof *proof_chain(struct proofs *p, const struct collateral_item *certs)
{
    struct proof *out = &p->of[index_of(p, certs)];
    if (out->known || p->held)
        return out;
    const struct proof *same = find_same(p, certs);
    if (same)
        *out = *same;
    else
        judge_chain(p, out, certs);
    return out;
}

static bool verify(const struct collateral_item *item, const struct pubkey *key)
{
    if (item->kind == COLLATERAL_CRL)
        return sig_verify(item->crl.sig_alg, key, item->crl.tbs, item->crl.sig);
    struct hash32 digest = sha256(item->json.body);
    return pubkey_type(key) == KEY_P256 &&
           pubkey_verify_ecdsa(key, BYTES(digest.b), bytes_from(item->json.sig, 32), bytes_from(item->json.sig + 32, 32));
}

bool proof_signed(struct proofs *p, const struct collateral_item *item, const struct pubkey *key)
{
    struct proof *proof = &p->of[index_of(p, item)];
    if (proof->by && pubkey_eq(proof->by, key))
        return true;
    if (!verify(item, key))
        return false;
    if (!p->held)
        proof->by = key;
    return true;
}

static bool has_cert(const struct collateral_item *certs, struct bytes der)
{
    for (size_t i = 0; i < certs->num_certs; i++)
        if (bytes_eq(certs->certs[i].der, der))
            return true;
    return false;
}

const struct proof *proof_of_cas(const struct pubkey **key, const struct proofs *p, const struct cert *cas, size_t num_cas)
{
    for (size_t i = 0; p->pool && i < p->pool->count; i++) {
        const struct collateral_item *item = &p->pool->items[i];
        if (item->kind != COLLATERAL_CERTS || !p->of[i].known || p->of[i].fault != CHAIN_OK ||
            !bytes_eq(item->certs[p->of[i].leaf].der, cas[0].der))
            continue;
        size_t found = 1;
        while (found < num_cas && has_cert(item, cas[found].der))
            found++;
        if (found < num_cas || !item->keys[p->of[i].leaf])
            continue;
        *key = item->keys[p->of[i].leaf];
        return &p->of[i];
    }
    return NULL;
}

/* --- held --- */

/* Under which of the keys at hand does the signature hold? CRLs by name, signed JSON by its chain. */
static void prove_item(struct proofs *p, const struct collateral_item *item)
{
    for (size_t i = 0; item->kind == COLLATERAL_CRL && i < p->roots->count; i++)
        if (bytes_eq(item->crl.issuer, bytes_from(p->roots->root[i].subject, p->roots->root[i].subject_len)) &&
            proof_signed(p, item, p->roots->root[i].key))
            return;
    for (size_t i = 0; i < p->pool->count; i++) {
        const struct collateral_item *other = &p->pool->items[i];
        if (other->kind != COLLATERAL_CERTS || p->of[i].fault != CHAIN_OK)
            continue;
        const struct cert *leaf = &other->certs[p->of[i].leaf];
        const struct pubkey *key = other->keys[p->of[i].leaf];
        bool fits = item->kind == COLLATERAL_CRL ? bytes_eq(item->crl.issuer, leaf->subject) : !leaf->is_ca;
        if (key && fits && proof_signed(p, item, key))
            return;
    }
}

bool collateral_prove(struct collateral *pool, const struct roots *roots, struct err *err)
{
    struct proofs *p = arena_alloc(&pool->mem, 1, sizeof *p);
    if (!p || !proofs_init(p, &pool->mem, pool, roots))
        return err_set(err, ERR_NOMEM, "collateral: no memory to hold what it proves");
    for (size_t i = 0; i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_CERTS)
            proof_chain(p, &pool->items[i]);
    for (size_t i = 0; i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_CRL || pool->items[i].kind == COLLATERAL_SIGNED)
            prove_item(p, &pool->items[i]);
    if (!snp_prove(pool, roots, err))
        return false;
    p->held = true;
    pool->proofs = p;
    return true;
}
