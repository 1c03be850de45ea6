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

static void expires_at_exactly_recent_plus_ttl(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_int_equal(plan_state(&f, id_of(1), t0 + 30 * day - 1, &no_jitter), STATE_EXPIRING);
    assert_int_equal(plan_state(&f, id_of(1), t0 + 30 * day, &no_jitter), STATE_EXPIRED);
}

static void due_when_a_third_is_left(void **state)
{
    (void)state;
    struct freshness f = fresh();
    int64_t due = t0 + 30 * day - 30 * day * 333 / 1000;
    assert_int_equal(plan_due_s(&f, DEADLINE_TEE, id_of(1), &no_jitter), due);
    assert_int_equal(plan_state(&f, id_of(1), due - 1, &no_jitter), STATE_FRESH);
    assert_int_equal(plan_state(&f, id_of(1), due, &no_jitter), STATE_DUE);
    assert_int_equal(plan_action(&f, id_of(1), 0, due - 1, &no_jitter), PLAN_NOTHING);
    assert_int_equal(plan_action(&f, id_of(1), 0, due, &no_jitter), PLAN_ATTEST);
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
    assert_int_equal(plan_action(&f, id_of(1), 0, t0 + 2 * day + 3600, &no_jitter), PLAN_REATTEST);
    f.tee_recent_s = t0 - 29 * day;
    assert_int_equal(plan_action(&f, id_of(1), 0, t0 + 2 * day + 3600, &no_jitter), PLAN_ATTEST);
}

static void never_ending_ttl_is_never_due(void **state)
{
    (void)state;
    struct freshness f = fresh();
    f.tee_ttl_s = f.tpm_ttl_s = UINT64_MAX;
    assert_true(plan_next_due_s(&f, id_of(1), 0, &no_jitter) == INT64_MAX);
    assert_int_equal(plan_state(&f, id_of(1), INT64_MAX - 1, &no_jitter), STATE_FRESH);
}

static void zero_ttl_is_expired_at_once(void **state)
{
    (void)state;
    struct freshness f = fresh();
    f.tee_ttl_s = 0;
    assert_int_equal(plan_state(&f, id_of(1), t0, &no_jitter), STATE_EXPIRED);
}

static void what_would_fail_later_is_due_before(void **state)
{
    (void)state;
    struct freshness f = fresh();
    assert_int_equal(plan_next_due_s(&f, id_of(1), t0 + day, &no_jitter), t0 + day);
    assert_int_equal(plan_action(&f, id_of(1), t0 + day, t0 + day, &no_jitter), PLAN_ATTEST);
}

static void unknown_and_unregistered_have_nothing_to_do(void **state)
{
    (void)state;
    struct freshness f = {0};
    assert_int_equal(plan_state(&f, id_of(1), t0, &no_jitter), STATE_UNKNOWN);
    f.known = true;
    assert_int_equal(plan_state(&f, id_of(1), t0, &no_jitter), STATE_UNREGISTERED);
    assert_int_equal(plan_action(&f, id_of(1), t0, t0 + day, &no_jitter), PLAN_NOTHING);
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
        cmocka_unit_test(each_deadline_has_its_own_lead),
        cmocka_unit_test(tpm_due_alone_is_a_reattestation),
        cmocka_unit_test(never_ending_ttl_is_never_due),
        cmocka_unit_test(zero_ttl_is_expired_at_once),
        cmocka_unit_test(what_would_fail_later_is_due_before),
        cmocka_unit_test(unknown_and_unregistered_have_nothing_to_do),
        cmocka_unit_test(jitter_is_stable_and_spreads_a_fleet),
        cmocka_unit_test(backoff_grows_is_capped_and_yields_to_the_deadline),
        cmocka_unit_test(rate_is_per_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
