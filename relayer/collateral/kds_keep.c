/* AMD's part of what is kept: out of the store as a pool, and from a pool (an import) into it. */
#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "relayer/collateral/kds_check.h"
#include "relayer/evidence/snp_certs.h"
#include "relayer/store/collateral.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX ((size_t)1 << 20)
#define MAX_KEPT 1024
#define MAX_NAME 256

/* --- out of the store --- */

struct names {
    char name[MAX_KEPT][MAX_NAME];
    size_t count;
};

static bool note_name(void *user, const char *name, struct cache_row row, size_t body_len)
{
    struct names *n = user;
    (void)row;
    if (strncmp(name, "amd/", 4) == 0 && body_len > 0 && strlen(name) < MAX_NAME)
        snprintf(n->name[n->count++], MAX_NAME, "%s", name);
    return n->count < MAX_KEPT;
}

bool kds_add_kept(struct collateral *pool, struct db *db, struct err *err)
{
    AUTO(auto_free) struct names *names = calloc(1, sizeof *names);
    if (!names)
        return err_set(err, ERR_NOMEM, "no memory to list what is kept");
    if (!cache_list(db, note_name, names, err))
        return false;
    for (size_t i = 0; i < names->count; i++) {
        AUTO(buf_done) struct buf body = buf_new(BODY_MAX);
        struct cache_row row;
        bool found = false;
        if (!cache_get(db, &body, &row, &found, names->name[i], err) ||
            (found && !collateral_add(pool, names->name[i], buf_view(&body), COLLATERAL_POOLED, err)))
            return false;
    }
    return true;
}

/* --- into the store --- */

struct keeping {
    const struct kds *kds;
    struct snp_pool *certs;
    size_t *kept;
    struct err *err;
};

/* What does not hold is left out; only our own trouble is an error. */
static bool keep(const struct keeping *k, const struct kds_want *want, struct bytes body)
{
    char name[MAX_NAME];
    int64_t expires_s;
    if (!kds_check(&expires_s, want, body, k->kds->roots, k->kds->now_s, NULL) ||
        !kds_want_name(name, sizeof name, want, NULL))
        return true;
    const struct cache_row row = {.fetched_at_s = k->kds->now_s, .expires_at_s = expires_s};
    if (!cache_put(k->kds->db, name, body, row, k->err))
        return false;
    ++*k->kept;
    return true;
}

/* Intermediate and root, as KDS gives them; empty where the root is not there. */
static struct buf chain_pem(const struct snp_chain *c)
{
    struct buf pem = buf_new(BODY_MAX);
    if (c->has_intermediate && c->has_root) {
        pem_encode(&pem, "CERTIFICATE", c->cert[1].der);
        pem_encode(&pem, "CERTIFICATE", c->cert[2].der);
    }
    return pem;
}

static bool keep_leaf(const struct keeping *k, size_t i)
{
    struct snp_chain c;
    struct snp_leaf leaf;
    if (!snp_leaf_parse(&leaf, &k->certs->cert[i], NULL) || leaf.kind != SNP_CERT_VCEK)
        return true;
    snp_pool_chain(&c, k->certs, i);
    AUTO(buf_done) struct buf chain = chain_pem(&c);
    const struct kds_want want = {.thing = KDS_LEAF,
                                  .product = leaf.product,
                                  .hwid = leaf.hwid,
                                  .tcb = snp_tcb_encode(leaf.tcb, leaf.product),
                                  .chain = buf_view(&chain)};
    return keep(k, &want, k->certs->cert[i].der);
}

/* The chain that begins with this intermediate. */
static bool keep_chain(const struct keeping *k, size_t i)
{
    const struct cert *intermediate = &k->certs->cert[i];
    struct kds_want want = {.thing = KDS_CHAIN};
    want.branch = snp_name_kind(intermediate->subject, &want.product) == SNP_CERT_ASVK ? KDS_VLEK : KDS_VCEK;
    for (size_t r = 0; r < k->certs->count; r++) {
        if (r == i || !bytes_eq(k->certs->cert[r].subject, intermediate->issuer))
            continue;
        struct snp_chain c = {.has_intermediate = true, .has_root = true};
        c.cert[1] = *intermediate;
        c.cert[2] = k->certs->cert[r];
        AUTO(buf_done) struct buf pem = chain_pem(&c);
        if (!keep(k, &want, buf_view(&pem)))
            return false;
    }
    return true;
}

static bool keep_crl(const struct keeping *k, const struct crl *crl)
{
    struct kds_want want = {.thing = KDS_CRL};
    if (snp_name_kind(crl->issuer, &want.product) != SNP_CERT_ARK)
        return true;
    for (want.branch = KDS_VCEK; want.branch <= KDS_VLEK; want.branch++)
        if (!keep(k, &want, crl->der))
            return false;
    return true;
}

/* A table's certificates and list become items of their own. */
static bool open_tables(struct collateral *out, const struct collateral *pool, struct err *err)
{
    for (size_t i = 0; i < pool->count; i++) {
        struct snp_table table;
        if (pool->items[i].kind != COLLATERAL_TABLE || !snp_table_parse(&table, pool->items[i].raw, NULL))
            continue;
        for (size_t e = 0; e < SNP_TABLE_KINDS; e++)
            if (table.entry[e].len &&
                !collateral_add(out, pool->items[i].origin, table.entry[e], COLLATERAL_POOLED, err))
                return false;
    }
    return true;
}

static void add_certs(struct snp_pool *certs, const struct collateral *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        for (size_t n = 0; n < pool->items[i].num_certs; n++)
            snp_pool_add(certs, &pool->items[i].certs[n], NULL);
}

bool kds_keep_pool(size_t *kept, const struct kds *kds, const struct collateral *pool, struct err *err)
{
    AUTO(auto_free) struct snp_pool *certs = calloc(1, sizeof *certs);
    AUTO(collateral_done) struct collateral tables = collateral_new();
    const struct keeping k = {.kds = kds, .certs = certs, .kept = kept, .err = err};
    *kept = 0;
    if (!certs)
        return err_set(err, ERR_NOMEM, "no memory for certificates");
    if (!open_tables(&tables, pool, err))
        return false;
    add_certs(certs, pool);
    add_certs(certs, &tables);
    for (size_t i = 0; i < certs->count; i++) {
        enum snp_product product;
        enum snp_cert_kind kind = snp_name_kind(certs->cert[i].subject, &product);
        bool ok = kind == SNP_CERT_VCEK                           ? keep_leaf(&k, i)
                  : kind == SNP_CERT_ASK || kind == SNP_CERT_ASVK ? keep_chain(&k, i)
                                                                  : true;
        if (!ok)
            return false;
    }
    const struct collateral *both[] = {pool, &tables};
    for (size_t b = 0; b < 2; b++)
        for (size_t i = 0; i < both[b]->count; i++)
            if (both[b]->items[i].kind == COLLATERAL_CRL && !keep_crl(&k, &both[b]->items[i].crl))
                return false;
    return true;
}
