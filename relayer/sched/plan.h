/* When is an identity due, for what, and when is the next try: pure functions of what the chain said and of the
 * settings (design section 6). Two deadlines, TEE and TPM, counted in the chain's time; an identity is due when a share
 * of its TTL is left, spread by a jitter that is stable per identity, so that a fleet does not renew in one block.
 * Beside them stand cutoffs: moments from which on a renewal would fail, so that it is due a while before. The due time
 * is a number that a store can index: finding what is due costs time in what is due. */
#ifndef CVM_SCHED_PLAN_H
#define CVM_SCHED_PLAN_H

#include "crypto/base/types.h"

#include <stddef.h>

/* What the chain says of one identity; times in unix seconds, TTLs in seconds. */
struct freshness {
    bool known; /* it was read at least once */
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
    int64_t cutoff_lead_s;               /* so long before a cutoff; 3 days */
};
struct plan_settings plan_defaults(void);

/* End of validity: valid while now < recent + ttl (registry-v1 section 11). Saturates at INT64_MAX (a TTL that never
 * ends). */
int64_t plan_expires_s(const struct freshness *f, enum deadline d);
/* From when on it is due, jitter included. */
int64_t plan_due_s(const struct freshness *f, enum deadline d, struct hash32 id, const struct plan_settings *settings);

/* What a renewal is due for. The first two are the deadlines; from the third on they are cutoffs. */
enum due_for {
    DUE_FOR_NOTHING,
    DUE_FOR_TEE,
    DUE_FOR_TPM,
    DUE_FOR_COLLATERAL,       /* what evidence is judged with here ends, and nothing new can be had */
    DUE_FOR_CHAIN_COLLATERAL, /* what the chain judges with ends */
    DUE_FOR_TCB_RECOVERY,     /* the platform's TCB level stops being accepted */
};
const char *due_for_name(enum due_for why);  /* "tcb_recovery"; "none" */
const char *due_for_words(enum due_for why); /* "a TCB recovery" */

/* From at_s on a renewal fails: it is due a lead before (jitter included), unless what stands on chain was attested
 * after that already. Once it has passed it forces nothing: no renewal can succeed then, and the deadlines rule. So one
 * cutoff makes an identity due once. A TEE that never expires has no use for any. */
struct cutoff {
    enum due_for kind;
    int64_t at_s;
};
#define MAX_CUTOFFS 20
struct cutoffs {
    struct cutoff item[MAX_CUTOFFS];
    size_t count;
};
/* One more; at_s 0 is no cutoff, and more than MAX_CUTOFFS are not kept. */
void cutoffs_add(struct cutoffs *list, enum due_for kind, int64_t at_s);
/* From when on this one makes it due; INT64_MAX where it does not. */
int64_t plan_cutoff_due_s(const struct freshness *f, const struct cutoff *c, struct hash32 id, int64_t chain_now_s,
                          const struct plan_settings *settings);

struct plan_due {
    int64_t at_s; /* INT64_MAX: never (not registered, unknown) */
    enum due_for why;
};
/* The earliest of all of them: what a store indexes. cutoffs: NULL for none. */
struct plan_due plan_next_due(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                              int64_t chain_now_s, const struct plan_settings *settings);
/* When the first of the deadlines and of the cutoffs that make it due ends; INT64_MAX: never. */
int64_t plan_ends_s(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs, int64_t chain_now_s,
                    const struct plan_settings *settings);
/* From when on the first of the deadlines is STATE_EXPIRING; INT64_MAX: never (not registered, unknown, no end).
 * Another number that a store can index. */
int64_t plan_expiring_s(const struct freshness *f, const struct plan_settings *settings);
/* The worst of the deadlines, and STATE_DUE where a cutoff makes it due. */
enum freshness_state plan_state(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                int64_t chain_now_s, const struct plan_settings *settings);

enum plan_action { PLAN_NOTHING, PLAN_REATTEST, PLAN_ATTEST };
struct plan_decision {
    enum plan_action action;
    enum due_for why;
};
/* What to do about all that is due by by_s, seen from now. TPM due and TEE fresh: re-attest. TEE due (or expired), or a
 * cutoff ahead: attest in full, which moves both deadlines. */
struct plan_decision plan_decide(const struct freshness *f, struct hash32 id, const struct cutoffs *cutoffs,
                                 int64_t chain_now_s, int64_t by_s, const struct plan_settings *settings);

/* Seconds until the next try after this many failures in a row (1 or more): doubles from base_s up to cap_s, less up to
 * a fifth by a jitter stable per identity and attempt, and never more than a fourth of what is left until the end, down
 * to base_s. It never gives up. */
int64_t plan_backoff_s(uint32_t failures, int64_t base_s, int64_t cap_s, int64_t left_s, struct hash32 id);

/* Has the next try not come yet? longest_s: no pause is longer, so that a try noted further ahead was noted under a wrong clock (a
 * node that lied about the time), and does not count. */
bool plan_waits(int64_t retry_at_s, int64_t chain_now_s, int64_t longest_s);

/* At most `limit` events in each window of window_s. Zeroed is empty. */
struct rate_window {
    int64_t from_s;
    uint32_t count;
};
/* May one more happen now? Counts it when it may. limit 0: no limit. */
bool rate_take(struct rate_window *w, int64_t window_s, uint32_t limit, int64_t now_s);

#endif
