#include "relayer/evidence/snp_proof.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/tdx_proof.h"

#include <stdlib.h>

struct snp_proof {
    struct bytes der[3]; /* leaf, intermediate, root (empty where the chain ends below it) */
    struct pinned_root root;
};

struct snp_proofs {
    const struct roots *roots;
    struct snp_proof of[SNP_MAX_CERTS];
    size_t count;
};

static void prove_leaf(struct snp_proofs *out, const struct snp_pool *certs, size_t leaf)
{
    struct snp_chain c;
    struct pinned_root pinned[ROOTS_MAX];
    enum snp_product product;
    size_t at = 0;
    snp_pool_chain(&c, certs, leaf);
    if (!c.has_intermediate)
        return;
    snp_name_kind(c.cert[1].issuer, &product);
    size_t n = roots_for(out->roots, snp_root_use(product), pinned);
    if (chain_verify(c.cert, c.has_root ? 3 : 2, pinned, n, NULL, c.cert[0].not_before_s, &at, NULL, NULL) != CHAIN_OK)
        return; /* also where no time suits all of them: then each verification finds out anew */
    out->of[out->count++] = (struct snp_proof){
        .der = {c.cert[0].der, c.cert[1].der, c.has_root ? c.cert[2].der : (struct bytes){0}}, .root = pinned[at]};
}

bool snp_prove(struct collateral *pool, const struct roots *roots, struct err *err)
{
    AUTO(auto_free) struct snp_pool *certs = calloc(1, sizeof *certs);
    struct snp_proofs *proofs = arena_alloc(&pool->mem, 1, sizeof *proofs);
    if (!certs || !proofs)
        return err_set(err, ERR_NOMEM, "no memory for what collateral proves");
    proofs->roots = roots;
    for (size_t i = 0; i < pool->count; i++)
        for (size_t k = 0; k < pool->items[i].num_certs; k++)
            snp_pool_add(certs, &pool->items[i].certs[k], NULL);
    for (size_t i = 0; i < certs->count; i++)
        if (snp_is_leaf(&certs->cert[i]))
            prove_leaf(proofs, certs, i);
    pool->snp_proofs = proofs;
    return true;
}

const struct pinned_root *snp_proof_of(const struct collateral *pool, const struct roots *roots,
                                       const struct snp_chain *chain)
{
    const struct snp_proofs *p = pool ? pool->snp_proofs : NULL;
    if (!p || p->roots != roots)
        return NULL;
    for (size_t i = 0; i < p->count; i++) {
        const struct snp_proof *one = &p->of[i];
        if (bytes_eq(one->der[0], chain->cert[0].der) && bytes_eq(one->der[1], chain->cert[1].der) &&
            bytes_eq(one->der[2], chain->has_root ? chain->cert[2].der : (struct bytes){0}))
            return &one->root;
    }
    return NULL;
}

bool snp_crl_proved(const struct collateral *pool, const struct roots *roots, const struct crl *crl,
                    const struct pubkey *key)
{
    if (!pool || !pool->proofs || pool->proofs->roots != roots)
        return false;
    for (size_t i = 0; i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_CRL && bytes_eq(pool->items[i].crl.der, crl->der))
            return pool->proofs->of[i].by == key;
    return false;
}
