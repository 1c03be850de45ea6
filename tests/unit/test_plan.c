#include "relayer/sched/plan.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static const int64_t day = 86400, t0 = 1768435200;
static const struct plan_settings no_jitter = {.due = {{.permille = 333}, {.permille = 333}}, .expiring = {.permille = 100}};

static struct freshness fresh(void)
{
    return (struct freshness){.known = true, .registered = true, .tee_recent_s = t0, .tpm_recent_s = t0, .tee_ttl_s = 30 * 86400,
                              .tpm_ttl_s = 60 * 86400};
}

static struct hash32 id_of(uint32_t n)
{
    struct hash32 id = {{0}};
    for (int i = 0; i < 32; i++)
        id.b[i] = (uint8_t)((n * 2654435761u >> (8 * (i % 4))) ^ (unsigned)i);
    return id;
}

static enum plan_action act(const struct freshness *f, const struct cutoffs *cutoffs, int64_t now_s)
{
    return plan_decide(f, id_of(1), cutoffs, now_s, now_s, &no_jitter).action;
}

static void expires_at_exactly_recent_plus_ttl(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0 + 30 * day - 1, &no_jitter), STATE_EXPIRING);
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0 + 30 * day, &no_jitter), STATE_EXPIRED);
}

static void due_when_a_third_is_left(void **state)
{
    (void)state;
    struct freshness f = fresh();
    int64_t due = t0 + 30 * day - 30 * day * 333 / 1000;
    assert_int_equal(plan_due_s(&f, DEADLINE_TEE, id_of(1), &no_jitter), due);
    assert_int_equal(plan_state(&f, id_of(1), NULL, due - 1, &no_jitter), STATE_FRESH);
    assert_int_equal(plan_state(&f, id_of(1), NULL, due, &no_jitter), STATE_DUE);
    assert_int_equal(act(&f, NULL, due - 1), PLAN_NOTHING);
    assert_int_equal(act(&f, NULL, due), PLAN_ATTEST);
}

static void the_warning_window_begins_where_the_state_says_so(void **state)
{
    (void)state;
    struct freshness f = fresh(), none = {0}, endless = fresh();
    int64_t from = plan_expiring_s(&f, &no_jitter);
    assert_int_equal(from, t0 + 27 * day);
    assert_int_equal(plan_state(&f, id_of(1), NULL, from - 1, &no_jitter), STATE_DUE);
    assert_int_equal(plan_state(&f, id_of(1), NULL, from, &no_jitter), STATE_EXPIRING);
    endless.tee_ttl_s = endless.tpm_ttl_s = UINT64_MAX;
    assert_true(plan_expiring_s(&endless, &no_jitter) == INT64_MAX && plan_expiring_s(&none, &no_jitter) == INT64_MAX);
    /* a window wider than the lead: it warns of what is not due yet */
    struct plan_settings wide = no_jitter;
    wide.expiring = (struct plan_lead){.seconds = 20 * day};
    assert_int_equal(plan_expiring_s(&f, &wide), t0 + 10 * day);
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0 + 10 * day, &wide), STATE_EXPIRING);
    assert_int_equal(act(&f, NULL, t0 + 10 * day), PLAN_NOTHING);
}

static void each_deadline_has_its_own_lead(void **state)
{
    (void)state;
    struct freshness f = fresh();
    struct plan_settings s = no_jitter;
    s.due[DEADLINE_TPM] = (struct plan_lead){.seconds = 5 * day};
    assert_int_equal(plan_due_s(&f, DEADLINE_TPM, id_of(1), &s), t0 + 55 * day);
    assert_int_equal(plan_due_s(&f, DEADLINE_TEE, id_of(1), &s), t0 + 30 * day - 30 * day * 333 / 1000);
    s.due[DEADLINE_TPM].seconds = 100 * day;
    assert_int_equal(plan_due_s(&f, DEADLINE_TPM, id_of(1), &s), t0);
}

static void tpm_due_alone_is_a_reattestation(void **state)
{
    (void)state;
    struct freshness f = fresh();
    f.tpm_ttl_s = 3 * 86400;
    assert_int_equal(act(&f, NULL, t0 + 2 * day + 3600), PLAN_REATTEST);
    f.tee_recent_s = t0 - 29 * day;
    assert_int_equal(act(&f, NULL, t0 + 2 * day + 3600), PLAN_ATTEST);
}

static void never_ending_ttl_is_never_due(void **state)
{
    (void)state;
    struct freshness f = fresh();
    f.tee_ttl_s = f.tpm_ttl_s = UINT64_MAX;
    assert_true(plan_next_due(&f, id_of(1), NULL, t0, &no_jitter).at_s == INT64_MAX);
    assert_int_equal(plan_state(&f, id_of(1), NULL, INT64_MAX - 1, &no_jitter), STATE_FRESH);
}

static void zero_ttl_is_expired_at_once(void **state)
{
    (void)state;
    struct freshness f = fresh();
    f.tee_ttl_s = 0;
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0, &no_jitter), STATE_EXPIRED);
}

/* --- cutoffs: a TEE TTL of 30 days is due on day 20, its TPM on day 40; the lead before a cutoff is 3 days --- */

static const struct cutoff_case {
    const char *name;
    int64_t at_days; /* the cutoff; tee_recent is day 0 */
    int64_t now_days;
    enum plan_action action;
    enum due_for why, next_why;
    int64_t next_days; /* when something is due next; -1: never */
} cutoff_cases[] = {
    {"far behind the due time", 100, 10, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"a lead before it is behind the due time", 24, 19, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"ahead, its lead not begun", 15, 11, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_COLLATERAL, 12},
    {"ahead, its lead has just begun", 15, 12, PLAN_ATTEST, DUE_FOR_COLLATERAL, DUE_FOR_COLLATERAL, 12},
    {"ahead, the last day", 15, 14, PLAN_ATTEST, DUE_FOR_COLLATERAL, DUE_FOR_COLLATERAL, 12},
    {"passed this moment", 15, 15, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"long passed, and due by itself", 15, 21, PLAN_ATTEST, DUE_FOR_TEE, DUE_FOR_TEE, 20},
    {"attested within the lead", 2, 1, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"attested as the lead began", 3, 2, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"attested just before the lead", 4, 2, PLAN_ATTEST, DUE_FOR_COLLATERAL, DUE_FOR_COLLATERAL, 1},
    {"passed before it was attested", -5, 2, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
    {"not known", 0, 2, PLAN_NOTHING, DUE_FOR_NOTHING, DUE_FOR_TEE, 20},
};

static struct plan_settings three_days(void)
{
    struct plan_settings s = no_jitter;
    s.due[DEADLINE_TEE] = (struct plan_lead){.seconds = 10 * 86400};
    s.due[DEADLINE_TPM] = (struct plan_lead){.seconds = 20 * 86400};
    s.cutoff_lead_s = 3 * 86400;
    return s;
}

static void a_cutoff_is_due_a_lead_before_and_once(void **state)
{
    (void)state;
    struct plan_settings s = three_days();
    for (size_t i = 0; i < sizeof cutoff_cases / sizeof *cutoff_cases; i++) {
        const struct cutoff_case *c = &cutoff_cases[i];
        struct freshness f = fresh();
        struct cutoffs list = {0};
        int64_t now = t0 + c->now_days * day;
        cutoffs_add(&list, DUE_FOR_COLLATERAL, c->at_days ? t0 + c->at_days * day : 0);
        struct plan_decision d = plan_decide(&f, id_of(1), &list, now, now, &s);
        struct plan_due next = plan_next_due(&f, id_of(1), &list, now, &s);
        if (d.action != c->action || d.why != c->why || next.why != c->next_why || next.at_s != t0 + c->next_days * day)
            fail_msg("%s: action %d for %s, next %lld days for %s", c->name, d.action, due_for_name(d.why),
                     (long long)((next.at_s - t0) / day), due_for_name(next.why));
    }
}

static void the_earliest_cutoff_counts(void **state)
{
    (void)state;
    struct plan_settings s = three_days();
    struct freshness f = fresh();
    struct cutoffs list = {0};
    cutoffs_add(&list, DUE_FOR_COLLATERAL, t0 + 14 * day);
    cutoffs_add(&list, DUE_FOR_TCB_RECOVERY, t0 + 9 * day);
    cutoffs_add(&list, DUE_FOR_CHAIN_COLLATERAL, t0 + 2 * day); /* attested within its lead */
    struct plan_due next = plan_next_due(&f, id_of(1), &list, t0 + day, &s);
    assert_int_equal(next.at_s, t0 + 6 * day);
    assert_int_equal(next.why, DUE_FOR_TCB_RECOVERY);
    assert_int_equal(plan_ends_s(&f, id_of(1), &list, t0 + 5 * day, &s), t0 + 30 * day);
    assert_int_equal(plan_ends_s(&f, id_of(1), &list, t0 + 6 * day, &s), t0 + 9 * day);
    assert_int_equal(plan_state(&f, id_of(1), &list, t0 + 5 * day, &s), STATE_FRESH);
    assert_int_equal(plan_state(&f, id_of(1), &list, t0 + 6 * day, &s), STATE_DUE);
    assert_int_equal(plan_state(&f, id_of(1), &list, t0 + 28 * day, &s), STATE_EXPIRING);
}

static void looking_ahead_does_not_jump_over_a_cutoff(void **state)
{
    (void)state;
    struct plan_settings s = three_days();
    struct freshness f = fresh();
    struct cutoffs list = {0};
    cutoffs_add(&list, DUE_FOR_COLLATERAL, t0 + 15 * day);
    assert_int_equal(plan_decide(&f, id_of(1), &list, t0 + 11 * day, t0 + 11 * day + 12 * 3600, &s).action, PLAN_NOTHING);
    assert_int_equal(plan_decide(&f, id_of(1), &list, t0 + 11 * day, t0 + 17 * day, &s).why, DUE_FOR_COLLATERAL);
}

static void a_tee_that_never_expires_has_no_use_for_cutoffs(void **state)
{
    (void)state;
    struct freshness f = fresh();
    struct plan_settings s = three_days();
    struct cutoffs list = {0};
    f.tee_ttl_s = UINT64_MAX;
    cutoffs_add(&list, DUE_FOR_TCB_RECOVERY, t0 + 15 * day);
    assert_int_equal(plan_next_due(&f, id_of(1), &list, t0, &s).why, DUE_FOR_TPM);
    assert_int_equal(plan_decide(&f, id_of(1), &list, t0 + 13 * day, t0 + 13 * day, &s).action, PLAN_NOTHING);
}

static void more_cutoffs_than_fit_are_left_out(void **state)
{
    (void)state;
    struct cutoffs list = {0};
    for (int i = 1; i < 100; i++)
        cutoffs_add(&list, DUE_FOR_TCB_RECOVERY, i);
    assert_int_equal(list.count, MAX_CUTOFFS);
}

static uint32_t any(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* Random cutoffs and settings; time goes on in random steps, and what is due is done at once. */
static void no_cutoff_makes_it_due_twice_and_none_makes_it_due_late(void **state)
{
    (void)state;
    uint32_t seed = 20261125;
    for (uint32_t life = 0; life < 3000; life++) {
        struct freshness f = fresh();
        struct plan_settings s = plan_defaults();
        struct cutoffs list = {0};
        struct hash32 id = id_of(life);
        size_t times[MAX_CUTOFFS] = {0};
        s.cutoff_lead_s = any(&seed, 12 * 86400);
        s.jitter_permille = any(&seed, 1001);
        f.tee_ttl_s = 1 + any(&seed, 60 * 86400);
        f.tpm_ttl_s = 1 + any(&seed, 60 * 86400);
        for (uint32_t n = any(&seed, 6); n > 0; n--)
            cutoffs_add(&list, (enum due_for)(DUE_FOR_COLLATERAL + any(&seed, 3)), t0 + any(&seed, 100 * 86400));
        for (int64_t now = t0; now < t0 + 120 * day; now += 1 + any(&seed, 86400)) {
            struct plan_due with = plan_next_due(&f, id, &list, now, &s), without = plan_next_due(&f, id, NULL, now, &s);
            assert_true(with.at_s <= without.at_s);
            assert_int_equal(with.at_s, plan_next_due(&f, id, &list, now, &s).at_s); /* the jitter is stable */
            struct plan_decision d = plan_decide(&f, id, &list, now, now, &s);
            assert_int_equal(d.action != PLAN_NOTHING, with.at_s <= now);
            if (d.action == PLAN_NOTHING)
                continue;
            for (size_t i = 0; i < list.count && d.why > DUE_FOR_TPM; i++)
                times[i] += plan_cutoff_due_s(&f, &list.item[i], id, now, &s) <= now;
            f.tpm_recent_s = now;
            if (d.action == PLAN_ATTEST)
                f.tee_recent_s = now;
        }
        for (size_t i = 0; i < list.count; i++)
            assert_in_range(times[i], 0, 1);
    }
}

static void unknown_and_unregistered_have_nothing_to_do(void **state)
{
    (void)state;
    struct freshness f = {0};
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0, &no_jitter), STATE_UNKNOWN);
    f.known = true;
    assert_int_equal(plan_state(&f, id_of(1), NULL, t0, &no_jitter), STATE_UNREGISTERED);
    assert_int_equal(act(&f, &(struct cutoffs){.item = {{DUE_FOR_COLLATERAL, t0 + 2 * day}}, .count = 1}, t0 + day), PLAN_NOTHING);
}

static void jitter_is_stable_and_spreads_a_fleet(void **state)
{
    (void)state;
    struct freshness f = fresh();
    struct plan_settings s = plan_defaults();
    int64_t latest = t0 + 30 * day - 30 * day * 333 / 1000, earliest = latest - 30 * day * 333 / 1000 / 10;
    int buckets[10] = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        int64_t due = plan_due_s(&f, DEADLINE_TEE, id_of(i), &s);
        assert_int_equal(due, plan_due_s(&f, DEADLINE_TEE, id_of(i), &s));
        assert_true(due > earliest && due <= latest);
        buckets[(due - earliest - 1) * 10 / (latest - earliest)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(buckets[i], 50, 150);
}

static void backoff_grows_is_capped_and_yields_to_the_deadline(void **state)
{
    (void)state;
    int64_t last = 0;
    for (uint32_t n = 1; n < 8; n++) {
        int64_t wait = plan_backoff_s(n, 30, 3600, 10 * day, id_of(7));
        assert_true(wait > last && wait <= 3600);
        last = wait;
    }
    assert_in_range(plan_backoff_s(1000000, 30, 3600, 10 * day, id_of(7)), 2880, 3600);
    assert_in_range(plan_backoff_s(20, 30, 3600, 400, id_of(7)), 80, 100);
    assert_in_range(plan_backoff_s(20, 30, 3600, -5, id_of(7)), 24, 30);
}

static void a_pause_is_never_longer_than_the_longest(void **state)
{
    (void)state;
    assert_true(plan_waits(t0 + 1, t0, day));
    assert_true(plan_waits(t0 + day, t0, day));
    assert_false(plan_waits(t0, t0, day)); /* now */
    assert_false(plan_waits(0, t0, day));  /* none was noted */
    assert_false(plan_waits(t0 + day + 1, t0, day)); /* noted when somebody said that it was next year */
    assert_false(plan_waits(INT64_MAX, t0, day));
}

static void rate_is_per_window(void **state)
{
    (void)state;
    struct rate_window w = {0};
    assert_true(rate_take(&w, 3600, 2, t0));
    assert_true(rate_take(&w, 3600, 2, t0 + 1));
    assert_false(rate_take(&w, 3600, 2, t0 + 2));
    assert_true(rate_take(&w, 3600, 2, t0 + 3600));
    assert_true(rate_take(&w, 3600, 0, t0 + 3600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_at_exactly_recent_plus_ttl),
        cmocka_unit_test(due_when_a_third_is_left),
        cmocka_unit_test(the_warning_window_begins_where_the_state_says_so),
        cmocka_unit_test(each_deadline_has_its_own_lead),
        cmocka_unit_test(tpm_due_alone_is_a_reattestation),
        cmocka_unit_test(never_ending_ttl_is_never_due),
        cmocka_unit_test(zero_ttl_is_expired_at_once),
        cmocka_unit_test(a_cutoff_is_due_a_lead_before_and_once),
        cmocka_unit_test(the_earliest_cutoff_counts),
        cmocka_unit_test(looking_ahead_does_not_jump_over_a_cutoff),
        cmocka_unit_test(a_tee_that_never_expires_has_no_use_for_cutoffs),
        cmocka_unit_test(more_cutoffs_than_fit_are_left_out),
        cmocka_unit_test(no_cutoff_makes_it_due_twice_and_none_makes_it_due_late),
        cmocka_unit_test(unknown_and_unregistered_have_nothing_to_do),
        cmocka_unit_test(jitter_is_stable_and_spreads_a_fleet),
        cmocka_unit_test(backoff_grows_is_capped_and_yields_to_the_deadline),
        cmocka_unit_test(a_pause_is_never_longer_than_the_longest),
        cmocka_unit_test(rate_is_per_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
