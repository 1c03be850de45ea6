#include "relayer/sched/plan.h"

static const char *const state_names[] = {
    [STATE_UNKNOWN] = "unknown", [STATE_UNREGISTERED] = "unregistered", [STATE_FRESH] = "fresh",
    [STATE_DUE] = "due",         [STATE_EXPIRING] = "expiring",         [STATE_EXPIRED] = "expired",
};

const char *freshness_state_name(enum freshness_state s)
{
    return state_names[s];
}

static const struct {
    const char *name, *words;
} reasons[] = {
    [DUE_FOR_NOTHING] = {"none", "nothing"},
    [DUE_FOR_TEE] = {"tee", "its TEE evidence"},
    [DUE_FOR_TPM] = {"tpm", "its TPM evidence"},
    [DUE_FOR_COLLATERAL] = {"collateral", "collateral that ends here"},
    [DUE_FOR_CHAIN_COLLATERAL] = {"chain_collateral", "collateral that ends on chain"},
    [DUE_FOR_TCB_RECOVERY] = {"tcb_recovery", "a TCB recovery"},
};

const char *due_for_name(enum due_for why)
{
    return reasons[why].name;
}

const char *due_for_words(enum due_for why)
{
    return reasons[why].words;
}

struct plan_settings plan_defaults(void)
{
    return (struct plan_settings){.due = {{.permille = 333}, {.permille = 333}},
                                  .jitter_permille = 100,
                                  .expiring = {.permille = 100},
                                  .cutoff_lead_s = 3 * 86400};
}

static uint64_t ttl_of(const struct freshness *f, enum deadline d)
{
    return d == DEADLINE_TEE ? f->tee_ttl_s : f->tpm_ttl_s;
}

int64_t plan_expires_s(const struct freshness *f, enum deadline d)
{
    int64_t recent = d == DEADLINE_TEE ? f->tee_recent_s : f->tpm_recent_s;
    uint64_t ttl = ttl_of(f, d);
    return ttl > (uint64_t)INT64_MAX - (uint64_t)recent ? INT64_MAX : recent + (int64_t)ttl;
}

/* ttl * permille / 1000 without overflow */
static int64_t share(uint64_t ttl, uint64_t permille)
{
    uint64_t part = ttl / 1000 * permille + ttl % 1000 * permille / 1000;
    return part > INT64_MAX ? INT64_MAX : (int64_t)part;
}

/* 0 to 1023, evenly spread and the same each time: an identity is a hash already. The salt keeps uses apart. */
static uint32_t spread(struct hash32 id, uint32_t salt)
{
    uint32_t v = (uint32_t)id.b[28] << 24 | (uint32_t)id.b[29] << 16 | (uint32_t)id.b[30] << 8 | id.b[31];
    v = (v ^ salt * 0x9e3779b9u) * 0x85ebca6bu;
    return v >> 22;
}

static int64_t lead_s(struct plan_lead lead, uint64_t ttl)
{
    return lead.permille ? share(ttl, lead.permille) : lead.seconds;
}

/* 0 up to this share of the lead. */
static int64_t jitter_s(int64_t lead, struct hash32 id, uint32_t salt, const struct plan_settings *settings)
{
    int64_t most = share((uint64_t)lead, settings->jitter_permille);
    return most / 1024 * spread(id, salt) + most % 1024 * spread(id, salt) / 1024;
}

int64_t plan_due_s(const struct freshness *f, enum deadline d, struct hash32 id, const struct plan_settings *settings)
{
    int64_t expires = plan_expires_s(f, d);
    uint64_t ttl = ttl_of(f, d);
    if (expires == INT64_MAX)
        return INT64_MAX;
    int64_t before = lead_s(settings->due[d], ttl), jitter = jitter_s(before, id, (uint32_t)d, settings);
    /* never before the evidence was accepted: a TTL shorter than the lead is due all the time, not in the past */
    if (before > (int64_t)ttl - jitter)
        return expires - (int64_t)ttl;
    return expires - before - jitter;
}

/* --- cutoffs --- */

void cutoffs_add(struct cutoffs *list, enum due_for kind, int64_t at_s)
{
    if (at_s && list->count < MAX_CUTOFFS)
        list->item[list->count++] = (struct cutoff){kind, at_s};
}

int64_t plan_cutoff_due_s(const struct freshness *f, const struct cutoff *c, struct hash32 id, int64_t now_s,
                          const struct plan_settings *settings)
{
    int64_t lead = settings->cutoff_lead_s, due = c->at_s - lead - jitter_s(lead, id, (uint32_t)c->kind, settings);
    bool passed = now_s >= c->at_s, attested_since = f->tee_recent_s >= due;
    return passed || attested_since || plan_expires_s(f, DEADLINE_TEE) == INT64_MAX ? INT64_MAX : due;
}

/* The cutoff that makes it due first. */
static struct plan_due first_cutoff(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                    int64_t now_s, const struct plan_settings *settings)
{
    struct plan_due first = {INT64_MAX, DUE_FOR_NOTHING};
    for (size_t i = 0; cutoffs && i < cutoffs->count; i++) {
        int64_t due = plan_cutoff_due_s(f, &cutoffs->item[i], id, now_s, settings);
        if (due < first.at_s)
            first = (struct plan_due){due, cutoffs->item[i].kind};
    }
    return first;
}

static struct plan_due sooner(struct plan_due a, struct plan_due b)
{
    return b.at_s < a.at_s ? b : a;
}

/* What a full attestation is due for. */
static struct plan_due attest_due(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                  int64_t now_s, const struct plan_settings *settings)
{
    struct plan_due tee = {plan_due_s(f, DEADLINE_TEE, id, settings), DUE_FOR_TEE};
    return sooner(tee, first_cutoff(f, id, cutoffs, now_s, settings));
}

struct plan_due plan_next_due(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs, int64_t now_s,
                              const struct plan_settings *settings)
{
    if (!f->known || !f->registered)
        return (struct plan_due){INT64_MAX, DUE_FOR_NOTHING};
    struct plan_due tpm = {plan_due_s(f, DEADLINE_TPM, id, settings), DUE_FOR_TPM};
    struct plan_due first = sooner(attest_due(f, id, cutoffs, now_s, settings), tpm);
    return first.at_s == INT64_MAX ? (struct plan_due){INT64_MAX, DUE_FOR_NOTHING} : first;
}

int64_t plan_ends_s(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs, int64_t now_s,
                    const struct plan_settings *settings)
{
    int64_t tee = plan_expires_s(f, DEADLINE_TEE), tpm = plan_expires_s(f, DEADLINE_TPM), ends = tee < tpm ? tee : tpm;
    for (size_t i = 0; cutoffs && i < cutoffs->count; i++)
        if (cutoffs->item[i].at_s < ends && plan_cutoff_due_s(f, &cutoffs->item[i], id, now_s, settings) <= now_s)
            ends = cutoffs->item[i].at_s;
    return ends;
}

/* --- state and action --- */

static int64_t expiring_from(const struct freshness *f, enum deadline d, const struct plan_settings *settings)
{
    int64_t expires = plan_expires_s(f, d), before = lead_s(settings->expiring, ttl_of(f, d));
    return expires == INT64_MAX ? INT64_MAX : expires - before;
}

int64_t plan_expiring_s(const struct freshness *f, const struct plan_settings *settings)
{
    if (!f->known || !f->registered)
        return INT64_MAX;
    int64_t tee = expiring_from(f, DEADLINE_TEE, settings), tpm = expiring_from(f, DEADLINE_TPM, settings);
    return tee < tpm ? tee : tpm;
}

static enum freshness_state deadline_state(const struct freshness *f, enum deadline d, struct hash32 id, int64_t now_s,
                                           const struct plan_settings *settings)
{
    if (now_s >= plan_expires_s(f, d))
        return STATE_EXPIRED;
    if (now_s >= expiring_from(f, d, settings))
        return STATE_EXPIRING;
    return now_s >= plan_due_s(f, d, id, settings) ? STATE_DUE : STATE_FRESH;
}

enum freshness_state plan_state(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                int64_t now_s, const struct plan_settings *settings)
{
    if (!f->known)
        return STATE_UNKNOWN;
    if (!f->registered)
        return STATE_UNREGISTERED;
    enum freshness_state tee = deadline_state(f, DEADLINE_TEE, id, now_s, settings);
    enum freshness_state tpm = deadline_state(f, DEADLINE_TPM, id, now_s, settings);
    enum freshness_state worst = tee > tpm ? tee : tpm;
    return worst == STATE_FRESH && first_cutoff(f, id, cutoffs, now_s, settings).at_s <= now_s ? STATE_DUE : worst;
}

struct plan_decision plan_decide(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                 int64_t now_s, int64_t by_s, const struct plan_settings *settings)
{
    if (!f->known || !f->registered)
        return (struct plan_decision){PLAN_NOTHING, DUE_FOR_NOTHING};
    struct plan_due attest = attest_due(f, id, cutoffs, now_s, settings);
    if (attest.at_s <= by_s)
        return (struct plan_decision){PLAN_ATTEST, attest.why};
    if (plan_due_s(f, DEADLINE_TPM, id, settings) <= by_s)
        return (struct plan_decision){PLAN_REATTEST, DUE_FOR_TPM};
    return (struct plan_decision){PLAN_NOTHING, DUE_FOR_NOTHING};
}

int64_t plan_backoff_s(uint32_t failures, int64_t base_s, int64_t cap_s, int64_t left_s, struct hash32 id)
{
    int64_t wait = base_s;
    for (uint32_t i = 1; i < failures && wait < cap_s; i++)
        wait = wait > cap_s / 2 ? cap_s : wait * 2;
    if (wait > left_s / 4)
        wait = left_s / 4;
    if (wait < base_s)
        wait = base_s;
    return wait - wait * spread(id, failures) / (5 * 1024);
}

bool plan_waits(int64_t retry_at_s, int64_t chain_now_s, int64_t longest_s)
{
    return retry_at_s > chain_now_s && retry_at_s - chain_now_s <= longest_s;
}

bool rate_take(struct rate_window *w, int64_t window_s, uint32_t limit, int64_t now_s)
{
    if (now_s < w->from_s || now_s - w->from_s >= window_s)
        *w = (struct rate_window){.from_s = now_s};
    if (limit && w->count >= limit)
        return false;
    w->count++;
    return true;
}
