#include "relayer/planning.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/hash.h"
#include "relayer/evidence/bundle.h"

static struct plan_lead lead_of(struct lead lead)
{
    return (struct plan_lead){.permille = lead.percent * 10, .seconds = lead.seconds};
}

static struct plan_settings settings_of(const struct config *cfg)
{
    return (struct plan_settings){
        .due = {[DEADLINE_TEE] = lead_of(cfg->tee_due), [DEADLINE_TPM] = lead_of(cfg->tpm_due)},
        .jitter_permille = (uint32_t)(cfg->jitter_percent > 100 ? 100 : cfg->jitter_percent) * 10,
        .expiring = lead_of(cfg->warn),
        .cutoff_lead_s = cfg->deadline_lead_s,
    };
}

struct freshness freshness_of(const struct identity_row *row)
{
    return (struct freshness){
        .known = row->read_at_s != 0,
        .registered = row->registered,
        .tee_recent_s = row->tee_recent_s,
        .tpm_recent_s = row->tpm_recent_s,
        .tee_ttl_s = row->tee_ttl_s,
        .tpm_ttl_s = row->tpm_ttl_s,
    };
}

bool planning_limits_collateral(const struct config *cfg, const struct identity_row *row)
{
    return row->tee_type == TEE_SNP ? cfg->kds_url.count == 0 : cfg->pccs_url.count == 0;
}

static struct cutoffs cutoffs_of(const struct config *cfg, const struct identity_row *row)
{
    struct cutoffs list = {0};
    int64_t at_s;
    cutoffs_add(&list, DUE_FOR_COLLATERAL, planning_limits_collateral(cfg, row) ? row->collateral_expires_s : 0);
    cutoffs_add(&list, DUE_FOR_CHAIN_COLLATERAL, row->chain_collateral_s);
    cutoffs_add(&list, DUE_FOR_TCB_RECOVERY, row->tcb_refused_s);
    for (size_t i = 0; i < cfg->tcb_recovery_at.count; i++)
        if (time_parse(&at_s, bytes_str(cfg->tcb_recovery_at.item[i]), NULL))
            cutoffs_add(&list, DUE_FOR_TCB_RECOVERY, at_s);
    return list;
}

struct planning planning_of(const struct config *cfg, const struct identity_row *row)
{
    return (struct planning){freshness_of(row), settings_of(cfg), cutoffs_of(cfg, row)};
}

struct plan_decision planning_decide(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s, int64_t by_s)
{
    struct planning p = planning_of(cfg, row);
    return plan_decide(&p.freshness, row->key.id, &p.cutoffs, chain_now_s, by_s, &p.settings);
}

enum freshness_state planning_state(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s)
{
    struct planning p = planning_of(cfg, row);
    return plan_state(&p.freshness, row->key.id, &p.cutoffs, chain_now_s, &p.settings);
}

int64_t planning_ends_s(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s)
{
    struct planning p = planning_of(cfg, row);
    return plan_ends_s(&p.freshness, row->key.id, &p.cutoffs, chain_now_s, &p.settings);
}

/* Of every setting that a due time hangs on; never 0, which stands for none. */
static int64_t settings_digest(const struct config *cfg)
{
    struct plan_settings p = settings_of(cfg);
    AUTO(buf_done) struct buf text = buf_new(4096);
    for (enum deadline d = DEADLINE_TEE; d < NUM_DEADLINES; d++)
        buf_printf(&text, "%u %lld ", p.due[d].permille, (long long)p.due[d].seconds);
    buf_printf(&text, "%u %lld ", p.expiring.permille, (long long)p.expiring.seconds);
    buf_printf(&text, "%u %lld %d %d", p.jitter_permille, (long long)p.cutoff_lead_s, cfg->pccs_url.count > 0, cfg->kds_url.count > 0);
    for (size_t i = 0; i < cfg->tcb_recovery_at.count; i++)
        buf_printf(&text, " %s", cfg->tcb_recovery_at.item[i]);
    struct hash32 hash = sha256(buf_view(&text));
    int64_t digest = 0;
    for (size_t i = 0; i < 7; i++)
        digest = digest << 8 | hash.b[i];
    return digest | 1;
}

/* settings: their digest */
static void apply(const struct config *cfg, struct identity_row *row, int64_t settings, int64_t chain_now_s)
{
    struct planning p = planning_of(cfg, row);
    row->due_s = plan_next_due(&p.freshness, row->key.id, &p.cutoffs, chain_now_s, &p.settings).at_s;
    row->expiring_s = plan_expiring_s(&p.freshness, &p.settings);
    row->due_settings = settings;
}

void planning_apply(const struct config *cfg, struct identity_row *row, int64_t chain_now_s)
{
    apply(cfg, row, settings_digest(cfg), chain_now_s);
}

/* What a redo is about. */
struct redo {
    struct db *db;
    const struct config *cfg;
    uint64_t chain_id;
    struct addr20 registry;
    int64_t settings, chain_now_s;
};

static bool redo_some(const struct redo *r, size_t *count, struct err *err)
{
    AUTO(identity_list_done) struct identity_list list = {0};
    AUTO(db_scope_done) struct db_scope tx = {0};
    enum { BATCH = 10000 }; /* large, since each touches the same pages of the indexes once more */
    if (!db_begin(&tx, r->db, DB_RELAXED, err) ||
        !identities_due_by_other_settings(r->db, &list, r->chain_id, r->registry, r->settings, BATCH, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct identity_row *row = &list.row[i];
        int64_t due_s = row->due_s, expiring_s = row->expiring_s;
        apply(r->cfg, row, r->settings, r->chain_now_s);
        if (!identities_set_due(r->db, row, row->due_s != due_s || row->expiring_s != expiring_s, err))
            return false;
    }
    *count = list.count;
    return db_commit(&tx, err);
}

bool planning_redo(struct db *db, size_t *count, const struct config *cfg, uint64_t chain_id, struct addr20 registry,
                   int64_t chain_now_s, struct err *err)
{
    struct redo r = {db, cfg, chain_id, registry, settings_digest(cfg), chain_now_s};
    size_t total = 0, n;
    do {
        if (!redo_some(&r, &n, err))
            return err_wrap(err, "due times under changed settings");
        total += n;
    } while (n);
    *count = total;
    return true;
}
