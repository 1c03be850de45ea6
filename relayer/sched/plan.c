#include "relayer/sched/plan.h"

static const char *const state_names[] = {
    [STATE_UNKNOWN] = "unknown", [STATE_UNREGISTERED] = "unregistered", [STATE_FRESH] = "fresh",
    [STATE_DUE] = "due",         [STATE_EXPIRING] = "expiring",         [STATE_EXPIRED] = "expired",
};

const char *freshness_state_name(enum freshness_state s)
{
    return state_names[s];
}

struct plan_settings plan_defaults(void)
{
    return (struct plan_settings){.due = {{.permille = 333}, {.permille = 333}}, .jitter_permille = 100, .expiring = {.permille = 100}};
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

int64_t plan_due_s(const struct freshness *f, enum deadline d, struct hash32 id, const struct plan_settings *settings)
{
    int64_t expires = plan_expires_s(f, d);
    uint64_t ttl = ttl_of(f, d);
    if (expires == INT64_MAX)
        return INT64_MAX;
    int64_t before = lead_s(settings->due[d], ttl), most = share((uint64_t)before, settings->jitter_permille);
    int64_t jitter = most / 1024 * spread(id, (uint32_t)d) + most % 1024 * spread(id, (uint32_t)d) / 1024;
    /* never before the evidence was accepted: a TTL shorter than the lead is due all the time, not in the past */
    if (before > (int64_t)ttl - jitter)
        return expires - (int64_t)ttl;
    return expires - before - jitter;
}

int64_t plan_next_due_s(const struct freshness *f, struct hash32 id, int64_t extra_deadline_s, const struct plan_settings *settings)
{
    if (!f->known || !f->registered)
        return INT64_MAX;
    int64_t tee = plan_due_s(f, DEADLINE_TEE, id, settings), tpm = plan_due_s(f, DEADLINE_TPM, id, settings);
    int64_t due = tee < tpm ? tee : tpm;
    return extra_deadline_s && extra_deadline_s < due ? extra_deadline_s : due;
}

static int64_t expiring_from(const struct freshness *f, enum deadline d, const struct plan_settings *settings)
{
    int64_t expires = plan_expires_s(f, d), before = lead_s(settings->expiring, ttl_of(f, d));
    return expires == INT64_MAX ? INT64_MAX : expires - before;
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

enum freshness_state plan_state(const struct freshness *f, struct hash32 id, int64_t chain_now_s, const struct plan_settings *settings)
{
    if (!f->known)
        return STATE_UNKNOWN;
    if (!f->registered)
        return STATE_UNREGISTERED;
    enum freshness_state tee = deadline_state(f, DEADLINE_TEE, id, chain_now_s, settings);
    enum freshness_state tpm = deadline_state(f, DEADLINE_TPM, id, chain_now_s, settings);
    return tee > tpm ? tee : tpm;
}

enum plan_action plan_action(const struct freshness *f, struct hash32 id, int64_t extra_deadline_s, int64_t chain_now_s,
                             const struct plan_settings *settings)
{
    if (!f->known || !f->registered)
        return PLAN_NOTHING;
    bool forced = extra_deadline_s && chain_now_s >= extra_deadline_s;
    if (forced || chain_now_s >= plan_due_s(f, DEADLINE_TEE, id, settings))
        return PLAN_ATTEST;
    return chain_now_s >= plan_due_s(f, DEADLINE_TPM, id, settings) ? PLAN_REATTEST : PLAN_NOTHING;
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

bool rate_take(struct rate_window *w, int64_t window_s, uint32_t limit, int64_t now_s)
{
    if (now_s < w->from_s || now_s - w->from_s >= window_s)
        *w = (struct rate_window){.from_s = now_s};
    if (limit && w->count >= limit)
        return false;
    w->count++;
    return true;
}
