#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "relayer/store/fleet.h"
#include "relayer/store/journal.h"
#include "relayer/store/rotations.h"
#include "tests/support/store.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static struct identity_row row_of(uint32_t n, uint8_t registry)
{
    return (struct identity_row){.key = {1, {{registry}}, sha256(bytes_from(&n, sizeof n))}, .profile = "g1b", .registered = true, .read_at_s = 1};
}

static struct fleet_row only(struct hash32 id)
{
    AUTO(fleet_done) struct fleet f = {0};
    char hex[65];
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", id.b[i]);
    assert_true(fleet_begin(&f, store.db, hex, NULL) && fleet_next(&f, NULL));
    assert_int_equal(f.count, 1);
    return f.row[0];
}

static void a_walk_meets_each_once_in_order_over_many_pages(void **state)
{
    enum { COUNT = 700 };
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(fleet_done) struct fleet f = {0};
    struct hash32 last = {0};
    size_t met = 0;
    (void)state;
    assert_true(db_begin(&tx, store.db, DB_RELAXED, NULL));
    for (uint32_t n = 0; n < COUNT; n++)
        for (uint8_t registry = 1; registry <= 2; registry++) {
            struct identity_row row = row_of(n, registry);
            assert_true(identities_put(store.db, &row, NULL));
        }
    assert_true(db_commit(&tx, NULL));
    assert_true(fleet_begin(&f, store.db, "", NULL));
    while (fleet_next(&f, NULL) && f.count)
        for (size_t i = 0; i < f.count; i++, met++) {
            assert_true(memcmp(last.b, f.row[i].identity.key.id.b, sizeof last.b) <= 0);
            assert_int_equal(f.row[i].identity.key.registry.b[0], met % 2 + 1);
            last = f.row[i].identity.key.id;
        }
    assert_int_equal(met, 2 * COUNT);
}

static void a_prefix_bounds_the_walk(void **state)
{
    AUTO(fleet_done) struct fleet f = {0}, none = {0};
    struct identity_row low = {.key = {1, {{1}}, {{0x7a}}}}, high = {.key = {1, {{1}}, {{0x7b}}}};
    (void)state;
    assert_true(identities_put(store.db, &low, NULL) && identities_put(store.db, &high, NULL));
    assert_true(fleet_begin(&f, store.db, "7A", NULL) && fleet_next(&f, NULL));
    assert_int_equal(f.count, 1);
    assert_int_equal(f.row[0].identity.key.id.b[0], 0x7a);
    assert_true(fleet_next(&f, NULL));
    assert_int_equal(f.count, 0);
    assert_false(fleet_begin(&none, store.db, "xy", NULL));
}

static int64_t add_intent(const struct identity_key *key, uint8_t n, int phase)
{
    struct journal_intent i = {.key = {{n}}, .account = {1, {{9}}}, .target = key->registry, .call = "attestCvm", .identity = key->id, .phase = phase};
    int64_t id;
    bool existed;
    i.machine = buf_new(10);
    i.calldata = buf_new(10);
    assert_true(journal_add(store.db, &id, &existed, &i, NULL) && !existed);
    journal_intent_done(&i);
    return id;
}

static void add_attempt(int64_t intent, unsigned seq, uint8_t hash)
{
    struct journal_attempt a = {.seq = seq, .unsigned_payload = BYTES_LIT("u")};
    assert_true(journal_attempt_add(store.db, intent, &a, 1, NULL));
    if (hash)
        assert_true(journal_attempt_sign(store.db, intent, seq, (struct hash32){{hash}}, BYTES_LIT("raw"), NULL));
}

static void the_last_transaction_is_the_mined_one_or_the_one_signed_last(void **state)
{
    struct identity_row row = row_of(1, 1);
    struct hash32 id = row.key.id;
    (void)state;
    assert_true(identities_put(store.db, &row, NULL));
    assert_false(only(id).has_tx);
    int64_t first = add_intent(&row.key, 1, 3);
    add_attempt(first, 0, 10);
    add_attempt(first, 1, 11);
    add_attempt(first, 2, 0);
    assert_true(only(id).has_tx && only(id).tx_phase == 3 && only(id).tx_hash.b[0] == 11);
    assert_true(journal_receipt_put(store.db, first, &(struct journal_receipt){.hash = {{10}}, .block = 5}, 1, NULL));
    assert_int_equal(only(id).tx_hash.b[0], 10);
    assert_true(journal_receipt_drop(store.db, first, NULL));
    assert_int_equal(only(id).tx_hash.b[0], 11);
    int64_t second = add_intent(&row.key, 2, 1);
    assert_false(only(id).has_tx);
    add_attempt(second, 0, 12);
    assert_false(only(id).has_tx); /* of an earlier round: this one has signed nothing */
}

static void who_moved_on_to_another_key_is_known(void **state)
{
    struct identity_row row = row_of(1, 1);
    struct rotation_row r = {.from = row.key, .to = {{5}}, .state = ROTATION_PREPARED};
    (void)state;
    row.registered = false;
    assert_true(identities_put(store.db, &row, NULL) && rotations_put(store.db, &r, NULL));
    assert_false(only(row.key.id).rotated_away);
    r.state = ROTATION_SENT;
    assert_true(rotations_put(store.db, &r, NULL));
    assert_true(only(row.key.id).rotated_away);
    row.registered = true;
    assert_true(identities_put(store.db, &row, NULL));
    assert_false(only(row.key.id).rotated_away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_walk_meets_each_once_in_order_over_many_pages, store_make, store_drop),
        cmocka_unit_test_setup_teardown(a_prefix_bounds_the_walk, store_make, store_drop),
        cmocka_unit_test_setup_teardown(the_last_transaction_is_the_mined_one_or_the_one_signed_last, store_make, store_drop),
        cmocka_unit_test_setup_teardown(who_moved_on_to_another_key_is_known, store_make, store_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
