#include "relayer/collateral/gather.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/snp_report.h"
#include "relayer/registry/calldata.h"

#include <stdlib.h>

bool gather_init(struct gather *out, const struct config *cfg, struct db *db, bool offline, struct err *err)
{
    struct gather g = {.db = db, .offline = offline, .early = cfg->early_tcb, .thim_url = cfg->thim_url};
    size_t n = offline ? 0 : cfg->pccs_url.count, num_kds = offline ? 0 : cfg->kds_url.count;
    g.pcs = calloc(n + 1, sizeof *g.pcs);
    g.kds = calloc(num_kds + 1, sizeof *g.kds);
    if (!g.pcs || !g.kds) {
        gather_done(&g);
        return err_set(err, ERR_NOMEM, "no memory for the sources of collateral");
    }
    for (size_t i = 0; i < n; i++)
        g.pcs[i] = (struct http_endpoint){
            .url = cfg->pccs_url.item[i],
            .ca_file = i < cfg->pccs_ca_file.count ? cfg->pccs_ca_file.item[i] : NULL,
            .header_file = i < cfg->pccs_header_file.count ? cfg->pccs_header_file.item[i] : NULL,
        };
    g.num_pcs = n;
    for (size_t i = 0; i < num_kds; i++)
        g.kds[i] = (struct http_endpoint){.url = cfg->kds_url.item[i]};
    g.num_kds = num_kds;
    if (!offline && !(g.http = http_new(err))) {
        gather_done(&g);
        return false;
    }
    *out = g;
    return true;
}

void gather_done(struct gather *g)
{
    http_free(g->http);
    free(g->pcs);
    free(g->kds);
    *g = (struct gather){0};
}

/* Does the pool hold this already, in its window? A caller's own collateral is not fetched a second time. */
static bool at_hand(const struct collateral *pool, const struct pcs_want *want, int64_t now_s)
{
    char mine[128], its[128];
    pcs_want_name(mine, sizeof mine, want);
    for (size_t i = 0; i < pool->count; i++) {
        const struct collateral_item *item = &pool->items[i];
        struct pcs_want is;
        if (!pcs_want_of_item(&is, item) || strcmp(pcs_want_name(its, sizeof its, &is), mine) != 0)
            continue;
        bool crl = item->kind == COLLATERAL_CRL;
        int64_t from_s = crl ? item->crl.this_update_s : item->json.head->issued_s;
        int64_t to_s = crl ? item->crl.next_update_s : item->json.head->next_update_s;
        if (now_s >= from_s && now_s <= to_s)
            return true;
    }
    return false;
}

/* Of the next TCB evaluation data, what is kept already: nobody is asked for it. */
static void add_kept_early(const struct gather *g, struct collateral *pool, const struct roots *roots, struct bytes quote, int64_t now_s)
{
    struct pcs_want today[PCS_MAX_WANTS], all[PCS_MAX_WANTS];
    struct pcs_outcome outcomes[PCS_MAX_WANTS];
    size_t num_today = pcs_wants_of_quote(today, quote, false), num_all = pcs_wants_of_quote(all, quote, true);
    struct pcs pcs = {.db = g->db, .roots = roots, .now_s = now_s};
    if (g->db && !g->early && num_all > num_today)
        pcs_get(pool, &pcs, all + num_today, num_all - num_today, outcomes, NULL);
}

static bool gather_intel(const struct gather *g, struct collateral *pool, const struct roots *roots, struct bytes quote,
                         int64_t now_s, struct err *err)
{
    struct pcs_want all[PCS_MAX_WANTS], wants[PCS_MAX_WANTS];
    struct pcs_outcome outcomes[PCS_MAX_WANTS];
    size_t num_all = pcs_wants_of_quote(all, quote, g->early), n = 0;
    for (size_t i = 0; i < num_all; i++)
        if (!at_hand(pool, &all[i], now_s))
            wants[n++] = all[i];
    add_kept_early(g, pool, roots, quote, now_s);
    struct pcs pcs = {.db = g->db, .roots = roots, .sources = g->pcs, .num_sources = g->num_pcs, .now_s = now_s};
    return pcs_get(pool, &pcs, wants, n, outcomes, err);
}

/* The report itself, whether it stands alone, before its certificate table, or in a journal; and that table. */
static struct bytes raw_report(const struct bundle *b, struct bytes *table)
{
    struct snp_journal journal;
    *table = (struct bytes){0};
    if (b->report_type != REPORT_NATIVE)
        return snp_journal_decode(&journal, b->report, NULL) ? journal.raw_report : (struct bytes){0};
    if (b->report.len > SNP_REPORT_LEN)
        *table = bytes_sub(b->report, SNP_REPORT_LEN, b->report.len - SNP_REPORT_LEN);
    return bytes_sub(b->report, 0, SNP_REPORT_LEN);
}

/* What the evidence brings along need not be fetched. */
static bool add_own(struct collateral *own, const struct collateral *pool, const struct bundle *b, struct bytes table, struct err *err)
{
    if (!collateral_join(own, pool, err))
        return false;
    for (size_t i = 0; i < b->num_snp_certs; i++)
        if (!collateral_add(own, "the bundle", b->snp_certs[i], COLLATERAL_POOLED, err))
            return false;
    return table.len == 0 || collateral_add(own, "the report", table, COLLATERAL_POOLED, err);
}

struct kds gather_kds(const struct gather *g, const struct roots *roots, int64_t now_s)
{
    return (struct kds){.http = g->http, .db = g->db, .roots = roots, .sources = g->kds, .num_sources = g->num_kds,
                        .thim_url = g->thim_url, .now_s = now_s};
}

static bool gather_amd(const struct gather *g, struct collateral *pool, const struct roots *roots, const struct bundle *b,
                       int64_t now_s, struct err *err)
{
    AUTO(collateral_done) struct collateral own = collateral_new();
    struct snp_report parsed;
    struct bytes table;
    struct kds kds = gather_kds(g, roots, now_s);
    if (!snp_report_parse(&parsed, raw_report(b, &table), NULL))
        return true;
    return add_own(&own, pool, b, table, err) && kds_for_report(pool, &kds, &parsed, &own, err);
}

bool gather_for(const struct gather *g, struct collateral *pool, const struct roots *roots, const struct bundle *b,
                int64_t now_s, struct err *err)
{
    if (!b->has_report)
        return true;
    if (b->tee == TEE_SNP)
        return gather_amd(g, pool, roots, b, now_s, err);
    if (b->report_type != REPORT_NATIVE || (b->tee != TEE_TDX && b->tee != TEE_SGX))
        return true;
    return gather_intel(g, pool, roots, b->report, now_s, err);
}
