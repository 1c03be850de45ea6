#include "crypto/base/auto.h"
#include "relayer/store/collateral.h"
#include "relayer/store/surprises.h"
#include "relayer/store/identities.h"
#include "tests/support/store.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static struct identity_row row_of(uint8_t n, int64_t due_s)
{
    struct identity_row r = {.key = {31337, {{1}}, {{n, 0xab}}}, .profile = "g1b", .tee_ttl_s = UINT64_MAX, .due_s = due_s, .measurement_hash = {{n}}};
    return r;
}

static void identities_are_found_by_prefix_and_by_due_time(void **state)
{
    (void)state;
    for (uint8_t n = 1; n <= 20; n++) {
        struct identity_row r = row_of(n, n * 100);
        assert_true(identities_put(store.db, &r, NULL));
    }
    AUTO(identity_list_done) struct identity_list all = {0}, one = {0}, due = {0};
    assert_true(identities_list(store.db, &all, "", NULL));
    assert_int_equal(all.count, 20);
    assert_true(identities_list(store.db, &one, "07AB", NULL));
    assert_int_equal(one.count, 1);
    assert_true(one.row[0].tee_ttl_s == INT64_MAX);
    assert_false(identities_list(store.db, &one, "x", NULL));
    assert_true(identities_due(store.db, &due, 500, 3, NULL));
    assert_int_equal(due.count, 3);
    assert_int_equal(due.row[0].due_s, 100);
    int64_t next_s;
    assert_true(identities_next_due(store.db, &next_s, NULL));
    assert_int_equal(next_s, 100);

    bool found;
    struct identity_row r = due.row[0];
    r.retry_at_s = 450;
    assert_true(identities_put(store.db, &r, NULL));
    assert_true(identities_next_due(store.db, &next_s, NULL));
    assert_int_equal(next_s, 200);
    assert_true(identities_forget(store.db, &r.key, &found, NULL) && found);
    assert_true(identities_get(store.db, &r, &found, &r.key, NULL) && !found);
}

static void the_due_search_uses_its_index(void **state)
{
    (void)state;
    AUTO(stmt_done) struct stmt s = db_stmt(store.db, "EXPLAIN QUERY PLAN SELECT id FROM identities WHERE max(due_s, retry_at_s) <= 5"
                                                " ORDER BY max(due_s, retry_at_s) LIMIT 3");
    assert_true(stmt_row(&s));
    assert_non_null(strstr(stmt_get_text(&s, "detail"), "identities_due"));
    assert_false(stmt_row(&s)); /* nothing is sorted */
}

static void rows_of_other_settings_are_found_by_an_index(void **state)
{
    (void)state;
    const int64_t settings[] = {7, 0, 7, 9, -3};
    for (uint8_t n = 0; n < 5; n++) {
        struct identity_row r = row_of(n, 100);
        r.due_settings = settings[n];
        r.tcb_refused_s = 5;
        assert_true(identities_put(store.db, &r, NULL));
    }
    for (size_t left = 3; left > 0; left--) {
        AUTO(identity_list_done) struct identity_list list = {0};
        assert_true(identities_due_by_other_settings(store.db, &list, 31337, (struct addr20){{1}}, 7, 10, NULL));
        assert_int_equal(list.count, left);
        list.row[0].due_s = 77;
        list.row[0].expiring_s = 78;
        list.row[0].due_settings = 7;
        assert_true(identities_set_due(store.db, &list.row[0], true, NULL));
        struct identity_row r;
        bool found;
        assert_true(identities_get(store.db, &r, &found, &list.row[0].key, NULL) && found);
        assert_true(r.due_s == 77 && r.expiring_s == 78 && r.due_settings == 7 && r.tcb_refused_s == 5);
    }
    AUTO(stmt_done) struct stmt s = db_stmt(store.db, "EXPLAIN QUERY PLAN SELECT id FROM identities WHERE chain_id = 1 AND registry = x'01'"
                                                " AND due_settings > 5");
    assert_true(stmt_row(&s));
    assert_non_null(strstr(stmt_get_text(&s, "detail"), "identities_by_settings"));
}

static void the_warning_window_is_found_by_an_index(void **state)
{
    (void)state;
    const int64_t from[] = {500, 100, INT64_MAX, 300, 301};
    for (uint8_t n = 0; n < 5; n++) {
        struct identity_row r = row_of(n, INT64_MAX); /* none of them is due */
        r.expiring_s = from[n];
        assert_true(identities_put(store.db, &r, NULL));
    }
    AUTO(identity_list_done) struct identity_list list = {0};
    assert_true(identities_expiring_here(store.db, &list, 31337, (struct addr20){{1}}, 300, 10, NULL));
    assert_int_equal(list.count, 2);
    assert_true(list.row[0].expiring_s == 100 && list.row[1].expiring_s == 300);
    AUTO(stmt_done) struct stmt s = db_stmt(store.db, "EXPLAIN QUERY PLAN SELECT id FROM identities WHERE chain_id = 1 AND registry = x'01'"
                                                " AND expiring_s <= 5 ORDER BY expiring_s LIMIT 3");
    assert_true(stmt_row(&s));
    assert_non_null(strstr(stmt_get_text(&s, "detail"), "identities_by_expiring"));
    assert_false(stmt_row(&s)); /* nothing is sorted */
}

static void the_end_of_a_platforms_collateral_is_kept_and_reaches_its_rows(void **state)
{
    (void)state;
    const struct addr20 registry = {{1}};
    static const char *const platforms[] = {"00806f050000", "", "00806f050000", "90c06f000000"};
    for (uint8_t n = 0; n < 4; n++) {
        struct identity_row r = row_of(n, 100);
        snprintf(r.platform, sizeof r.platform, "%s", platforms[n]);
        r.due_settings = 7;
        assert_true(identities_put(store.db, &r, NULL));
    }
    char platform[13] = "", seen[64] = "";
    for (;;) {
        assert_true(identities_next_platform(store.db, platform, 31337, registry, platform, NULL));
        if (!platform[0])
            break;
        strcat(strcat(seen, platform), " ");
    }
    assert_string_equal(seen, "00806f050000 90c06f000000 ");

    struct chain_collateral_row row = {.ends_s = 900, .what = "TCB info", .read_at_s = 800}, got;
    bool found;
    assert_true(chain_collateral_get(store.db, &got, &found, 31337, registry, "00806f050000", NULL) && !found);
    assert_true(chain_collateral_put(store.db, 31337, registry, "00806f050000", &row, NULL));
    assert_true(chain_collateral_get(store.db, &got, &found, 31337, registry, "00806f050000", NULL) && found);
    assert_true(got.ends_s == 900 && got.read_at_s == 800 && strcmp(got.what, "TCB info") == 0);

    for (size_t times = 0; times < 2; times++) { /* the second time nothing has moved */
        AUTO(identity_list_done) struct identity_list stale = {0};
        assert_true(identities_set_chain_collateral(store.db, 31337, registry, "00806f050000", 900, NULL));
        assert_true(identities_due_by_other_settings(store.db, &stale, 31337, registry, 7, 10, NULL));
        assert_int_equal(stale.count, times == 0 ? 2 : 0);
        for (size_t i = 0; i < stale.count; i++) {
            assert_int_equal(stale.row[i].chain_collateral_s, 900);
            stale.row[i].due_settings = 7;
            assert_true(identities_set_due(store.db, &stale.row[i], false, NULL));
        }
    }
}

static void measurements_are_kept_in_order_without_repeats(void **state)
{
    struct identity_key key = {1, {{1}}, {{2}}};
    struct measurement_row a = {.hash = {{1}}, .block = 5}, b = {.hash = {{2}}, .block = 6, .has_tx = true, .tx_hash = {{9}}};
    (void)state;
    assert_true(measurements_add(store.db, &key, &a, NULL) && measurements_add(store.db, &key, &a, NULL));
    assert_true(measurements_add(store.db, &key, &b, NULL) && measurements_add(store.db, &key, &a, NULL));
    AUTO(measurement_list_done) struct measurement_list list = {0};
    assert_true(measurements_list(store.db, &list, &key, NULL));
    assert_int_equal(list.count, 3);
    assert_true(list.row[1].has_tx && list.row[1].tx_hash.b[0] == 9 && !list.row[2].has_tx);
}

static void one_owner_holds_a_claim_until_it_runs_out(void **state)
{
    struct identity_key key = {1, {{1}}, {{2}}};
    uint64_t first, second;
    bool got, ours;
    (void)state;
    assert_true(claims_take(store.db, &first, &got, &key, "a", 1000, 60, NULL) && got);
    assert_true(claims_take(store.db, &second, &got, &key, "b", 1059, 60, NULL) && !got);
    assert_true(claims_renew(store.db, &ours, &key, first, 1050, 60, NULL) && ours);
    assert_true(claims_take(store.db, &second, &got, &key, "b", 1110, 60, NULL) && got);
    assert_int_equal(second, first + 1);
    assert_true(claims_renew(store.db, &ours, &key, first, 1111, 60, NULL) && !ours);
    assert_true(claims_release(store.db, &key, second, NULL));
    assert_true(claims_take(store.db, &first, &got, &key, "a", 1112, 60, NULL) && got);
    /* the clock fell back by a day: the lease lies too far ahead to be one */
    assert_true(claims_take(store.db, &second, &got, &key, "b", 1112 - 86400, 60, NULL) && got);
}

static void a_claim_names_its_holder_and_ends_by_its_token(void **state)
{
    struct identity_key key = {1, {{1}}, {{3}}};
    struct claim_row claim;
    uint64_t first, second;
    bool got, found;
    (void)state;
    assert_true(claims_get(store.db, &claim, &found, &key, NULL) && !found);
    assert_true(claims_take(store.db, &first, &got, &key, "a", 1000, 60, NULL) && got);
    assert_true(claims_get(store.db, &claim, &found, &key, NULL) && found);
    assert_string_equal(claim.owner, "a");
    assert_int_equal(claim.token, first);
    assert_int_equal(claim.until_s, 1060);
    /* two find it dead: only the first of them ends it, and what the second knows is old */
    assert_true(claims_release(store.db, &key, claim.token, NULL));
    assert_true(claims_take(store.db, &second, &got, &key, "b", 1001, 60, NULL) && got);
    assert_true(claims_release(store.db, &key, claim.token, NULL));
    assert_true(claims_take(store.db, &first, &got, &key, "c", 1002, 60, NULL) && !got);
}

static void marks_only_grow(void **state)
{
    int64_t v = 0;
    bool found;
    (void)state;
    assert_true(marks_get(store.db, &v, &found, "crl", "x", NULL) && !found);
    assert_true(marks_raise(store.db, "crl", "x", 7, 1, NULL) && marks_raise(store.db, "crl", "x", 5, 2, NULL));
    assert_true(marks_get(store.db, &v, &found, "crl", "x", NULL) && found);
    assert_int_equal(v, 7);
}

static void bodies_clocks_and_pins_come_back(void **state)
{
    AUTO(buf_done) struct buf out = buf_new(100);
    struct cache_row row;
    struct tpm_clock_row clock = {1, 2, UINT64_C(1) << 40, 5}, clock_back;
    struct pin_row pin = {.code_hash = {{1}}, .is_proxy = true, .implementation = {{2}}, .implementation_code_hash = {{3}}}, pin_back;
    bool found;
    (void)state;
    assert_true(cache_put(store.db, "a", BYTES_LIT("body"), (struct cache_row){1, 2}, NULL));
    assert_true(cache_get(store.db, &out, &row, &found, "a", NULL) && found);
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("body")) && row.expires_at_s == 2);
    assert_true(cache_drop(store.db, "a", NULL) && cache_get(store.db, &out, &row, &found, "a", NULL) && !found);

    assert_true(tpm_clocks_put(store.db, (struct hash32){{4}}, &clock, NULL));
    assert_true(tpm_clocks_get(store.db, &clock_back, &found, (struct hash32){{4}}, NULL) && found);
    assert_true(clock_back.clock_ms == clock.clock_ms && clock_back.restart_count == 2);
    assert_true(pins_put(store.db, 1, (struct addr20){{5}}, &pin, NULL));
    assert_true(pins_get(store.db, &pin_back, &found, 1, (struct addr20){{5}}, NULL) && found);
    assert_true(pin_back.is_proxy && addr20_eq(pin_back.implementation, pin.implementation));
}

static void surprises_stay_open_until_accepted(void **state)
{
    struct surprise_key key = {1, {{5}}, {{6}}}, other = {1, {{5}}, {{7}}};
    struct surprise_row row = {.call = "attestCvm", .id = {{8}}, .predicted = "success", .answered = "revert: ", .seen_at_s = 9}, back;
    bool found = true;
    (void)state;
    assert_true(surprises_open(store.db, &back, &found, &key, NULL) && !found);
    assert_true(surprises_put(store.db, &key, &row, NULL) && !row.accepted);
    assert_true(surprises_open(store.db, &back, &found, &key, NULL) && found);
    assert_string_equal(back.predicted, "success");
    assert_true(hash32_eq(back.id, row.id) && back.seen_at_s == 9);
    assert_true(surprises_open(store.db, &back, &found, &other, NULL) && !found); /* other code, other contract */
    assert_true(surprises_accept(store.db, &key, NULL));
    assert_true(surprises_open(store.db, &back, &found, &key, NULL) && !found);
    assert_true(surprises_put(store.db, &key, &row, NULL) && row.accepted); /* the same again does not stop */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identities_are_found_by_prefix_and_by_due_time, store_make, store_drop),
        cmocka_unit_test_setup_teardown(the_due_search_uses_its_index, store_make, store_drop),
        cmocka_unit_test_setup_teardown(rows_of_other_settings_are_found_by_an_index, store_make, store_drop),
        cmocka_unit_test_setup_teardown(the_end_of_a_platforms_collateral_is_kept_and_reaches_its_rows, store_make, store_drop),
        cmocka_unit_test_setup_teardown(the_warning_window_is_found_by_an_index, store_make, store_drop),
        cmocka_unit_test_setup_teardown(measurements_are_kept_in_order_without_repeats, store_make, store_drop),
        cmocka_unit_test_setup_teardown(one_owner_holds_a_claim_until_it_runs_out, store_make, store_drop),
        cmocka_unit_test_setup_teardown(a_claim_names_its_holder_and_ends_by_its_token, store_make, store_drop),
        cmocka_unit_test_setup_teardown(marks_only_grow, store_make, store_drop),
        cmocka_unit_test_setup_teardown(bodies_clocks_and_pins_come_back, store_make, store_drop),
        cmocka_unit_test_setup_teardown(surprises_stay_open_until_accepted, store_make, store_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
