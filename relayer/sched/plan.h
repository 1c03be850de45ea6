/* When is an identity due, for what, and when is the next try: pure functions of what the chain said and of the settings
 * (design section 6). Two deadlines, TEE and TPM, counted in the chain's time; an identity is due when a share of its TTL
 * is left, spread by a jitter that is stable per identity, so that a fleet does not renew in one block.
 * The due time is a number that a store can index: finding what is due costs time in what is due. */
#ifndef CVM_SCHED_PLAN_H
#define CVM_SCHED_PLAN_H

#include "crypto/base/types.h"

/* What the chain says of one identity; times in unix seconds, TTLs in seconds. */
struct freshness {
    bool known;      /* it was read at least once */
    bool registered;
    int64_t tee_recent_s, tpm_recent_s;
    uint64_t tee_ttl_s, tpm_ttl_s;
};

enum freshness_state { STATE_UNKNOWN, STATE_UNREGISTERED, STATE_FRESH, STATE_DUE, STATE_EXPIRING, STATE_EXPIRED };
const char *freshness_state_name(enum freshness_state s); /* "fresh" */

enum deadline { DEADLINE_TEE, DEADLINE_TPM, NUM_DEADLINES };

/* So long before the end: a share of the TTL, or (permille 0) a length of time. */
struct plan_lead {
    uint32_t permille;
    int64_t seconds;
};
struct plan_settings {
    struct plan_lead due[NUM_DEADLINES]; /* a third of the TTL */
    uint32_t jitter_permille;            /* the due time is moved ahead by up to this share of the lead; 100 */
    struct plan_lead expiring;           /* a tenth of the TTL */
};
struct plan_settings plan_defaults(void);

/* End of validity: valid while now < recent + ttl (registry-v1 section 11). Saturates at INT64_MAX (a TTL that never ends). */
int64_t plan_expires_s(const struct freshness *f, enum deadline d);
/* From when on it is due, jitter included. */
int64_t plan_due_s(const struct freshness *f, enum deadline d, struct hash32 id, const struct plan_settings *settings);
/* The earlier of both due times, and of extra_deadline_s (0: none) beyond which a renewal would fail: what a store indexes.
 * INT64_MAX where nothing is ever due (not registered, unknown). */
int64_t plan_next_due_s(const struct freshness *f, struct hash32 id, int64_t extra_deadline_s, const struct plan_settings *settings);
/* The worse of both deadlines. */
enum freshness_state plan_state(const struct freshness *f, struct hash32 id, int64_t chain_now_s, const struct plan_settings *settings);

enum plan_action { PLAN_NOTHING, PLAN_REATTEST, PLAN_ATTEST };
/* TPM due and TEE fresh: re-attest. TEE due (or expired): attest in full, which moves both deadlines. */
enum plan_action plan_action(const struct freshness *f, struct hash32 id, int64_t extra_deadline_s, int64_t chain_now_s,
                             const struct plan_settings *settings);

/* Seconds until the next try after this many failures in a row (1 or more): doubles from base_s up to cap_s, less up to a
 * fifth by a jitter stable per identity and attempt, and never more than a fourth of what is left until the end, down to
 * base_s. It never gives up. */
int64_t plan_backoff_s(uint32_t failures, int64_t base_s, int64_t cap_s, int64_t left_s, struct hash32 id);

/* At most `limit` events in each window of window_s. Zeroed is empty. */
struct rate_window {
    int64_t from_s;
    uint32_t count;
};
/* May one more happen now? Counts it when it may. limit 0: no limit. */
bool rate_take(struct rate_window *w, int64_t window_s, uint32_t limit, int64_t now_s);

#endif
