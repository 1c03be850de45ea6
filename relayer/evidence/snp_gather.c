#include "relayer/evidence/snp_gather.h"

#include "relayer/evidence/collateral.h"

struct gathering {
    struct snp_gathered *out;
    struct ev *ev;
    struct snp_part *p;
};

static void note_cert(struct snp_part *p, const struct err *why)
{
    if (!p->bad_cert)
        p->cert_why = *why;
    p->bad_cert = true;
}

static void add_cert(struct gathering *g, const struct cert *cert, const struct pubkey *key)
{
    struct err full = {0};
    if (snp_pool_add(&g->out->pool, cert, key))
        return;
    err_set(&full, ERR_FORMAT, "more than %d certificates", SNP_MAX_CERTS);
    note_cert(g->p, &full);
}

static void add_crl(struct gathering *g, struct bytes der, bool pooled)
{
    struct snp_crls *crls = &g->out->crls;
    if (crls->count == SNP_MAX_CRLS)
        return;
    crls->der[crls->count] = der;
    crls->pooled[crls->count++] = pooled;
}

/* DER blobs out of one table entry or bundle member, copied where they were PEM, so that views of them last. */
static size_t blobs_of(struct gathering *g, struct bytes *out, size_t max, struct bytes in, const char *label)
{
    struct der_list list = {0};
    struct err why = {0};
    size_t n = 0;
    bool ok = der_list_parse(&list, in, label, max, &why);
    for (size_t i = 0; ok && i < list.count; i++)
        out[n++] = arena_copy(&g->ev->mem, list.item[i], &ok);
    der_list_done(&list);
    if (!ok || n == 0) {
        if (why.code == ERR_NONE)
            err_set(&why, ERR_FORMAT, "no %s in %zu bytes", label, in.len);
        note_cert(g->p, &why);
        return 0;
    }
    return n;
}

static void add_certs(struct gathering *g, struct bytes in)
{
    struct bytes der[8];
    size_t n = blobs_of(g, der, sizeof der / sizeof *der, in, "CERTIFICATE");
    for (size_t i = 0; i < n; i++) {
        struct err why = {0};
        struct cert cert;
        if (cert_parse(&cert, der[i], &why))
            add_cert(g, &cert, NULL);
        else
            note_cert(g->p, &why);
    }
}

static void add_table(struct gathering *g, struct bytes in)
{
    struct snp_table table;
    struct err why = {0};
    g->p->has_table = true;
    if (!snp_table_parse(&table, in, &why)) {
        g->p->bad_table = true;
        g->p->table_why = why;
        return;
    }
    for (enum snp_table_kind k = SNP_TABLE_ARK; k < SNP_TABLE_CRL; k++)
        if (table.entry[k].len)
            add_certs(g, table.entry[k]);
    struct bytes crl[1];
    if (table.entry[SNP_TABLE_CRL].len && blobs_of(g, crl, 1, table.entry[SNP_TABLE_CRL], "X509 CRL") == 1)
        add_crl(g, crl[0], false);
}

/* Ours by its names? Other vendors' collateral may lie in the same pool. */
static bool is_amd_cert(const struct cert *c)
{
    enum snp_product none;
    return snp_name_kind(c->subject, &none) != SNP_CERT_OTHER || snp_name_kind(c->issuer, &none) != SNP_CERT_OTHER;
}

static bool is_amd_crl(const struct crl *crl)
{
    enum snp_product none;
    return snp_name_kind(crl->issuer, &none) != SNP_CERT_OTHER;
}

/* What was named one by one was meant for this report; what merely lies in a folder was not. */
static void add_unreadable(struct gathering *g, const struct collateral_item *item)
{
    struct err why = {0};
    if (item->order == COLLATERAL_POOLED)
        return;
    switch (item->guess) {
    case COLLATERAL_CERTS:
        err_set(&why, ERR_FORMAT, "%s: %s", item->origin, item->why);
        note_cert(g->p, &why);
        break;
    case COLLATERAL_CRL:
        add_crl(g, item->raw, false);
        break;
    case COLLATERAL_UNREADABLE: /* a certificate table is all that it can still be for this report */
        add_table(g, item->raw);
        break;
    case COLLATERAL_TABLE:
    case COLLATERAL_SIGNED:
        break;
    }
}

static void add_item(struct gathering *g, const struct collateral_item *item)
{
    switch (item->kind) {
    case COLLATERAL_CERTS:
        for (size_t i = 0; i < item->num_certs; i++)
            if (is_amd_cert(&item->certs[i]))
                add_cert(g, &item->certs[i], item->keys[i]);
        break;
    case COLLATERAL_CRL:
        if (is_amd_crl(&item->crl))
            add_crl(g, item->crl.der, item->order == COLLATERAL_POOLED);
        break;
    case COLLATERAL_TABLE:
        add_table(g, item->raw);
        break;
    case COLLATERAL_UNREADABLE:
        add_unreadable(g, item);
        break;
    case COLLATERAL_SIGNED:
        break;
    }
}

void snp_gather(struct snp_gathered *out, struct ev *ev, struct snp_part *p, struct bytes table)
{
    struct gathering g = {.out = out, .ev = ev, .p = p};
    if (table.len)
        add_table(&g, table);
    for (size_t i = 0; i < ev->bundle->num_snp_certs; i++)
        add_certs(&g, ev->bundle->snp_certs[i]);
    out->num_own = out->pool.count;
    for (size_t i = 0; ev->collateral && i < ev->collateral->count; i++)
        add_item(&g, &ev->collateral->items[i]);
}
