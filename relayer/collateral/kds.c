/* Each thing is looked for in the store, then at each source in turn; what a source gives is checked, kept and handed
 * out. A source that asks for patience (429 or 503) is left alone until then, by every process that shares the store.
 */
#include "relayer/collateral/kds.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "relayer/collateral/kds_check.h"
#include "relayer/evidence/snp_certs.h"
#include "relayer/store/collateral.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX      ((size_t)1 << 20)
#define DEADLINE_MS   15000
#define PATIENCE_S    60    /* where a source does not say how long */
#define CRL_REFRESH_S 86400 /* a kept CRL is asked for anew when it is older than this; if that fails it serves on */
#define NAME_MAX_LEN  256

static const char *branch_name(enum kds_branch branch)
{
    return branch == KDS_VLEK ? "vlek" : "vcek";
}

/* --- names and paths --- */

void kds_chain_path(struct buf *out, enum snp_product product, enum kds_branch branch)
{
    buf_printf(out, "/%s/v1/%s/cert_chain", branch_name(branch), snp_product_name(product));
}

void kds_crl_path(struct buf *out, enum snp_product product, enum kds_branch branch)
{
    buf_printf(out, "/%s/v1/%s/crl", branch_name(branch), snp_product_name(product));
}

void kds_vcek_path(struct buf *out, enum snp_product product, struct bytes hwid, struct snp_raw_tcb tcb)
{
    struct snp_tcb t = snp_tcb_decode(tcb, product);
    buf_printf(out, "/vcek/v1/%s/", snp_product_name(product));
    buf_hex(out, hwid);
    buf_u8(out, '?');
    if (product == SNP_TURIN)
        buf_printf(out, "fmcSPL=%02u&", t.fmc);
    buf_printf(out, "blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", t.boot_loader, t.tee, t.snp, t.microcode);
}

static void want_path(struct buf *out, const struct kds_want *want)
{
    switch (want->thing) {
    case KDS_CHAIN:
        kds_chain_path(out, want->product, want->branch);
        break;
    case KDS_CRL:
        kds_crl_path(out, want->product, want->branch);
        break;
    case KDS_LEAF:
        kds_vcek_path(out, want->product, want->hwid, want->tcb);
        break;
    }
}

bool kds_want_name(char *out, size_t size, const struct kds_want *want, struct err *err)
{
    AUTO(buf_done) struct buf name = buf_new(size - 1);
    buf_text(&name, "amd");
    want_path(&name, want);
    if (!buf_finish(&name, err))
        return false;
    memcpy(out, name.p, name.len);
    out[name.len] = 0;
    return true;
}

/* --- the store --- */

enum kept { KEPT_NOT, KEPT_OLD /* serves if nothing newer can be had */, KEPT_FRESH };

static enum kept look_up(struct buf *out, const struct kds *kds, const char *name, const struct kds_want *want)
{
    struct cache_row row;
    bool found = false;
    int64_t expires_s;
    if (!kds->db || !cache_get(kds->db, out, &row, &found, name, NULL) || !found)
        return KEPT_NOT;
    /* the disk is not trusted more than the wire */
    if (!kds_check(&expires_s, want, buf_view(out), kds->roots, kds->now_s, NULL))
        return KEPT_NOT;
    bool old = want->thing == KDS_CRL && kds->now_s - row.fetched_at_s > CRL_REFRESH_S;
    return old ? KEPT_OLD : KEPT_FRESH;
}

/* --- patience --- */

static void patience_name(char *out, size_t size, const struct http_endpoint *source)
{
    char origin[160];
    snprintf(out, size, "patience/%s", http_origin(origin, sizeof origin, source->url));
}

static bool may_ask(const struct kds *kds, const struct http_endpoint *source, struct err *err)
{
    char name[NAME_MAX_LEN], origin[160];
    AUTO(buf_done) struct buf none = buf_new(16);
    struct cache_row row;
    bool found = false;
    patience_name(name, sizeof name, source);
    if (!kds->db || !cache_get(kds->db, &none, &row, &found, name, NULL) || !found || row.expires_at_s <= kds->now_s)
        return true;
    return err_set(err, ERR_NET, "%s: asked us to wait for another %lld s",
                   http_origin(origin, sizeof origin, source->url), (long long)(row.expires_at_s - kds->now_s));
}

static void be_patient(const struct kds *kds, const struct http_endpoint *source, const struct http_reply *reply)
{
    char name[NAME_MAX_LEN];
    int64_t wait_s = http_retry_after_s(reply, kds->now_s);
    if (wait_s < 0)
        wait_s = PATIENCE_S;
    patience_name(name, sizeof name, source);
    const struct cache_row row = {.fetched_at_s = kds->now_s, .expires_at_s = kds->now_s + wait_s};
    if (kds->db)
        cache_put(kds->db, name, (struct bytes){0}, row, NULL); /* a courtesy: losing it is no harm */
}

/* --- sources --- */

static bool get(struct buf *out, const struct kds *kds, const struct http_endpoint *source, const char *path,
                struct err *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_limits limits = {.deadline_ms = kds->deadline_ms ? kds->deadline_ms : DEADLINE_MS,
                                       .max_body = BODY_MAX};
    char origin[160];
    if (!may_ask(kds, source, err) || !http_get(kds->http, &reply, source, path, &limits, err))
        return false;
    if (reply.status == 429 || reply.status == 503)
        be_patient(kds, source, &reply);
    if (reply.status != 200)
        return err_set(err, ERR_NET, "%s: status %d", http_origin(origin, sizeof origin, source->url), reply.status);
    buf_put(out, buf_view(&reply.body));
    return buf_finish(out, err);
}

static bool from_source(struct buf *out, int64_t *expires_s, const struct kds *kds, size_t i,
                        const struct kds_want *want, struct err *err)
{
    char origin[160];
    AUTO(buf_done) struct buf path = buf_new(1024);
    const struct http_endpoint *source = &kds->sources[i];
    want_path(&path, want);
    buf_u8(&path, 0);
    if (!buf_finish(&path, err) || !get(out, kds, source, (const char *)path.p, err))
        return false;
    return kds_check(expires_s, want, buf_view(out), kds->roots, kds->now_s, err) ||
           err_wrap(err, "%s", http_origin(origin, sizeof origin, source->url));
}

/* Azure's host keeps the VCEK of the machine that we run on, in JSON with the chain. */
static bool from_thim(struct buf *out, int64_t *expires_s, const struct kds *kds, const struct kds_want *want,
                      struct err *err)
{
    const struct http_endpoint source = {.url = kds->thim_url, .header = "Metadata: true"};
    AUTO(buf_done) struct buf body = buf_new(BODY_MAX);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    if (!get(&body, kds, &source, "", err) || !collateral_add(&pool, "THIM", buf_view(&body), COLLATERAL_LISTED, err))
        return false;
    for (size_t i = 0; i < pool.count; i++)
        for (size_t k = 0; k < pool.items[i].num_certs; k++) {
            struct bytes der = pool.items[i].certs[k].der;
            if (!kds_check(expires_s, want, der, kds->roots, kds->now_s, NULL))
                continue;
            buf_put(out, der);
            return buf_finish(out, err);
        }
    return err_set(err, ERR_NET, "THIM has no VCEK for this report");
}

static bool fetch(struct buf *out, int64_t *expires_s, const struct kds *kds, const struct kds_want *want,
                  struct err *err)
{
    bool thim = kds->thim_url && want->thing == KDS_LEAF;
    for (size_t i = 0; i < kds->num_sources + thim; i++) {
        AUTO(buf_done) struct buf body = buf_new(BODY_MAX);
        bool got = thim && i == 0 ? from_thim(&body, expires_s, kds, want, err)
                                  : from_source(&body, expires_s, kds, i - thim, want, err);
        if (!got)
            continue;
        err_clear(err);
        buf_put(out, buf_view(&body));
        return buf_finish(out, err);
    }
    if (kds->num_sources + thim == 0)
        return err_set(err, ERR_NET, "no source is configured");
    return false;
}

static const char *thing_name(enum kds_thing thing)
{
    static const char *const names[] = {[KDS_CHAIN] = "chain", [KDS_CRL] = "CRL", [KDS_LEAF] = "VCEK"};
    return names[thing];
}

/* From the store or a source, appended to out. */
static bool obtain(struct buf *out, const struct kds *kds, const struct kds_want *want, struct err *err)
{
    char name[NAME_MAX_LEN];
    AUTO(buf_done) struct buf kept = buf_new(BODY_MAX);
    int64_t expires_s = 0;
    if (!kds_want_name(name, sizeof name, want, err))
        return false;
    enum kept have = look_up(&kept, kds, name, want);
    if ((have != KEPT_FRESH || kds->refresh) && kds->http && fetch(out, &expires_s, kds, want, err)) {
        const struct cache_row row = {.fetched_at_s = kds->now_s, .expires_at_s = expires_s};
        return !kds->db || cache_put(kds->db, name, buf_view(out), row, err);
    }
    if (have == KEPT_NOT && !kds->http)
        return err_set(err, ERR_STALE, "AMD %s %s of %s: not at hand, and offline", branch_name(want->branch),
                       thing_name(want->thing), snp_product_name(want->product));
    if (have == KEPT_NOT)
        return err_wrap(err, "AMD %s %s of %s", branch_name(want->branch), thing_name(want->thing),
                        snp_product_name(want->product));
    err_clear(err);
    buf_put(out, buf_view(&kept));
    return buf_finish(out, err);
}

static bool obtain_into(struct collateral *pool, const struct kds *kds, const struct kds_want *want, struct err *err)
{
    AUTO(buf_done) struct buf body = buf_new(BODY_MAX);
    char origin[40];
    snprintf(origin, sizeof origin, "AMD %s", thing_name(want->thing));
    return obtain(&body, kds, want, err) && collateral_add(pool, origin, buf_view(&body), COLLATERAL_POOLED, err);
}

static bool is_known(enum snp_product product, struct err *err)
{
    return product != SNP_UNKNOWN || err_set(err, ERR_USAGE, "AMD: no such product");
}

bool kds_chain(struct collateral *pool, const struct kds *kds, enum snp_product product, enum kds_branch branch,
               struct err *err)
{
    const struct kds_want want = {.thing = KDS_CHAIN, .product = product, .branch = branch};
    return is_known(product, err) && obtain_into(pool, kds, &want, err);
}

bool kds_crl(struct collateral *pool, const struct kds *kds, enum snp_product product, enum kds_branch branch,
             struct err *err)
{
    const struct kds_want want = {.thing = KDS_CRL, .product = product, .branch = branch};
    return is_known(product, err) && obtain_into(pool, kds, &want, err);
}

bool kds_vcek(struct collateral *pool, const struct kds *kds, enum snp_product product, struct bytes hwid,
              struct snp_raw_tcb tcb, struct err *err)
{
    AUTO(buf_done) struct buf chain = buf_new(BODY_MAX);
    const struct kds_want want_chain = {.thing = KDS_CHAIN, .product = product, .branch = KDS_VCEK};
    if (!is_known(product, err))
        return false;
    if (hwid.len != (product == SNP_TURIN ? 8u : 64u) || bytes_is_zero(hwid))
        return err_set(err, ERR_STALE, "AMD VCEK: the chip id is masked; only the host has the certificate");
    if (!obtain(&chain, kds, &want_chain, err))
        return false;
    const struct kds_want want = {
        .thing = KDS_LEAF, .product = product, .branch = KDS_VCEK, .hwid = hwid, .tcb = tcb, .chain = buf_view(&chain)};
    return obtain_into(pool, kds, &want, err);
}

/* --- for a report --- */

/* What is at hand for it. */
struct at_hand {
    struct snp_pool certs;
    struct snp_chain chain;
    const struct collateral *own;
};

static void look(struct at_hand *out, const struct collateral *own, const struct snp_report *report, int64_t now_s)
{
    out->own = own;
    for (size_t i = 0; own && i < own->count; i++) {
        const struct collateral_item *item = &own->items[i];
        for (size_t k = 0; k < item->num_certs; k++)
            snp_pool_add(&out->certs, &item->certs[k], NULL);
    }
    snp_pool_pick(&out->chain, &out->certs, report, now_s);
}

static bool has_crl(const struct at_hand *have, enum snp_product product, int64_t now_s)
{
    for (size_t i = 0; have->own && i < have->own->count; i++) {
        const struct collateral_item *item = &have->own->items[i];
        enum snp_product of;
        if (item->kind == COLLATERAL_CRL && snp_name_kind(item->crl.issuer, &of) == SNP_CERT_ARK && of == product &&
            item->crl.this_update_s <= now_s && now_s <= item->crl.next_update_s)
            return true;
    }
    return false;
}

static bool fill(struct collateral *pool, const struct kds *kds, const struct snp_report *report,
                 enum snp_product product, const struct at_hand *have, struct err *err)
{
    struct err later = {0}; /* the first reason is the one that is told */
    enum kds_branch branch = report->signing_key == SNP_KEY_VLEK ? KDS_VLEK : KDS_VCEK;
    struct bytes chip = bytes_from(report->chip_id, product == SNP_TURIN ? 8 : 64);
    bool whole = have->chain.has_intermediate && have->chain.has_root;
    bool good = whole || kds_chain(pool, kds, product, branch, err);
    good &= has_crl(have, product, kds->now_s) || kds_crl(pool, kds, product, branch, good ? err : &later);
    if (have->chain.has_leaf || branch == KDS_VLEK)
        return good;
    return kds_vcek(pool, kds, product, chip, report->reported_tcb, good ? err : &later) && good;
}

bool kds_for_report(struct collateral *pool, const struct kds *kds, const struct snp_report *report,
                    const struct collateral *own, struct err *err)
{
    AUTO(auto_free) struct at_hand *have = calloc(1, sizeof *have);
    if (!have)
        return err_set(err, ERR_NOMEM, "no memory for certificates");
    look(have, own, report, kds->now_s);
    enum snp_product product = snp_report_product(report);
    if (product == SNP_UNKNOWN && !report->has_cpuid && have->chain.has_leaf)
        snp_name_kind(have->chain.cert[0].issuer, &product);
    if (product != SNP_UNKNOWN)
        return fill(pool, kds, report, product, have, err);
    if (report->has_cpuid)
        return err_set(err, ERR_REFUSED, "unknown product: CPUID family %02xh, model %02xh", report->cpuid_family,
                       report->cpuid_model);
    return fill(pool, kds, report, SNP_MILAN, have, err) || fill(pool, kds, report, SNP_GENOA, have, err);
}
