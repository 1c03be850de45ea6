#include "crypto/base/auto.h"
#include "relayer/store/events.h"
#include "relayer/store/fleet.h"
#include "relayer/store/renewals.h"
#include "tests/support/store.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const struct registry_key here = {31337, {{1}}};
static const struct identity_key key = {31337, {{1}}, {{2}}};

static int64_t begin(int64_t now_s, uint64_t block, struct renewal_limits limits)
{
    int64_t not_before_s = -1;
    const char *which;
    assert_true(renewals_begin(store.db, &not_before_s, &which, &key, "attestCvm", now_s, block, &limits, NULL));
    return not_before_s;
}

static void limits_say_when_the_next_may_begin(void **state)
{
    (void)state;
    const int64_t t = 1800000000;
    struct renewal_limits two_a_day = {.per_identity_day = 2}, one_a_block = {.per_block = 1}, four_an_hour = {.per_hour = 4};
    assert_int_equal(begin(t, 10, two_a_day), 0);
    assert_int_equal(begin(t + 100, 11, two_a_day), 0);
    assert_int_equal(begin(t + 200, 12, two_a_day), t + 86400);
    assert_int_equal(begin(t + 100, 11, one_a_block), t + 101);
    assert_int_equal(begin(t + 300, 13, four_an_hour), 0);
    assert_int_equal(begin(t + 400, 14, four_an_hour), 0);
    assert_int_equal(begin(t + 500, 15, four_an_hour), t + 3600);
    assert_int_equal(begin(t + 86400, 16, two_a_day), t + 300 + 86400); /* the last two count */
    assert_int_equal(begin(t + 3 * 86400, 17, two_a_day), 0);
    /* a clock that was wrong by a year stands in nobody's way once it is right again */
    assert_int_equal(begin(t + 400 * 86400, 18, two_a_day), 0);
    assert_int_equal(begin(t + 400 * 86400, 19, two_a_day), 0);
    assert_int_equal(begin(t + 6 * 86400, 19, two_a_day), 0);
}

static void add(uint64_t block, uint8_t tx, uint64_t upto)
{
    struct event_row row = {.id = key.id, .name = "CVMUpdated", .block = block, .tx_hash = {{tx}}};
    struct checkpoint c = {(int64_t)upto, {{(uint8_t)upto}}};
    assert_true(events_add(store.db, &here, &row, tx ? 1 : 0, &c, NULL));
}

static uint64_t unexplained(void)
{
    AUTO(fleet_done) struct fleet f = {0};
    struct identity_row row = {.key = key};
    bool there;
    assert_true(identities_get(store.db, &row, &there, &key, NULL) && (there || identities_put(store.db, &row, NULL)));
    assert_true(fleet_begin(&f, store.db, "", NULL) && fleet_next(&f, NULL));
    assert_int_equal(f.count, 1);
    return f.row[0].unexplained;
}

static void only_what_came_after_the_first_reading_is_unexplained(void **state)
{
    struct measurement_row m = {.hash = {{9}}, .block = 50};
    (void)state;
    add(40, 1, 45);
    assert_int_equal(unexplained(), 0);
    assert_true(measurements_add(store.db, &key, &m, NULL));
    add(60, 2, 65);
    assert_int_equal(unexplained(), 1);
}

static void who_was_updated_after_the_last_reading_is_due(void **state)
{
    struct identity_row row = {.key = key, .read_block = 60, .due_s = 1900000000};
    bool found;
    (void)state;
    assert_true(identities_put(store.db, &row, NULL));
    add(60, 2, 65); /* what we know is of that very block */
    assert_true(identities_get(store.db, &row, &found, &key, NULL) && found);
    assert_int_equal(row.due_s, 1900000000);
    add(66, 3, 70);
    assert_true(identities_get(store.db, &row, &found, &key, NULL) && found);
    assert_int_equal(row.due_s, 0);
}

static void what_was_told_or_acknowledged_survives_a_second_reading(void **state)
{
    struct measurement_row m = {.hash = {{9}}, .block = 50};
    AUTO(event_list_done) struct event_list untold = {0}, again = {0};
    (void)state;
    assert_true(measurements_add(store.db, &key, &m, NULL));
    add(0, 0, 55);
    add(60, 2, 65);
    assert_true(events_untold(store.db, &untold, &here, NULL));
    assert_int_equal(untold.count, 1);
    assert_true(events_tell(store.db, &here, &untold.row[0], NULL));
    assert_true(events_step_back(store.db, &here, NULL));
    assert_int_equal(unexplained(), 0);
    add(61, 2, 66); /* mined again, one block later */
    assert_int_equal(unexplained(), 1);
    assert_true(events_untold(store.db, &again, &here, NULL));
    assert_int_equal(again.count, 0);
    assert_true(events_acknowledge(store.db, &key, NULL));
    assert_true(events_step_back(store.db, &here, NULL));
    add(61, 2, 66);
    assert_int_equal(unexplained(), 0);
}

static void checkpoints_are_pruned_but_for_the_first(void **state)
{
    struct checkpoint c;
    bool found;
    (void)state;
    for (uint64_t n = 10; n < 200; n++)
        add(0, 0, n);
    assert_true(events_begin(store.db, &c, &found, &here, NULL) && found);
    assert_int_equal(c.block, 10);
    size_t steps = 0;
    for (; events_checkpoint(store.db, &c, &found, &here, NULL) && found && c.block > 10; steps++)
        assert_true(events_step_back(store.db, &here, NULL));
    assert_int_equal(steps, 64);
}

static void goldens_are_kept_once(void **state)
{
    AUTO(buf_done) struct buf out = buf_new(100);
    bool found;
    (void)state;
    assert_true(goldens_put(store.db, (struct hash32){{1}}, "{}", NULL) && goldens_put(store.db, (struct hash32){{1}}, "[]", NULL));
    assert_true(goldens_get(store.db, &out, &found, (struct hash32){{1}}, NULL) && found);
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("{}")));
    assert_true(goldens_get(store.db, &out, &found, (struct hash32){{2}}, NULL) && !found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_say_when_the_next_may_begin, store_make, store_drop),
        cmocka_unit_test_setup_teardown(only_what_came_after_the_first_reading_is_unexplained, store_make, store_drop),
        cmocka_unit_test_setup_teardown(who_was_updated_after_the_last_reading_is_due, store_make, store_drop),
        cmocka_unit_test_setup_teardown(what_was_told_or_acknowledged_survives_a_second_reading, store_make, store_drop),
        cmocka_unit_test_setup_teardown(checkpoints_are_pruned_but_for_the_first, store_make, store_drop),
        cmocka_unit_test_setup_teardown(goldens_are_kept_once, store_make, store_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
