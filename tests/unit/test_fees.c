#include "relayer/tx/fees.h"
#include "tests/support/vectors.h"

static const struct fee_view view = {.has_base_fee = true, .base_fee_wei = {{1000}}, .tip_wei = {{50}}, .gas_price_wei = {{1050}}};

static void the_first_price_leaves_headroom(void **state)
{
    struct fees f;
    struct fee_settings s = {0};
    (void)state;
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(2050)) && u256_eq(f.max_tip_wei, u256_from(50)) && !f.legacy);
    s.min_tip_wei = u256_from(80);
    s.headroom_percent = 150;
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(1580)));
}

static void caps_bind_and_are_told(void **state)
{
    struct fees f;
    struct fee_settings s = {.max_fee_wei = u256_from(1500)};
    (void)state;
    /* less headroom is fine */
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(1500)));
    s.max_fee_wei = u256_from(1020);
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(0)), FEE_AT_CAP);
    s.max_fee_wei = u256_from(999);
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(0)), FEE_BELOW_BASE);
    /* the cost of the whole transaction, data fee included */
    s = (struct fee_settings){.max_cost_wei = u256_from(130000)};
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(10000)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(1200)));
    assert_int_equal(fees_first(&f, &s, &view, 100, u256_from(130001)), FEE_BELOW_BASE);
}

static void replacements_follow_the_nodes_rule(void **state)
{
    struct fees f = {0}, high = {false, u256_from(2050), u256_from(50)};
    struct fee_settings s = {0};
    (void)state;
    assert_int_equal(fees_bump(&f, &s, &view, &high, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(2308)) && u256_eq(f.max_tip_wei, u256_from(58)));
    /* a market that ran away is followed */
    struct fee_view hot = {.has_base_fee = true, .base_fee_wei = u256_from(9000), .tip_wei = u256_from(700)};
    assert_int_equal(fees_bump(&f, &s, &hot, &high, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(18700)) && u256_eq(f.max_tip_wei, u256_from(700)));
    /* never less than the nodes want, whatever the settings say */
    s.bump_permille = 1;
    assert_int_equal(fees_bump(&f, &s, &view, &high, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_fee_wei, u256_from(2256)));
    /* a tip of nothing is raised as well */
    high.max_tip_wei = u256_from(0);
    struct fee_view quiet = {.has_base_fee = true, .base_fee_wei = u256_from(1)};
    assert_int_equal(fees_bump(&f, &s, &quiet, &high, 100, u256_from(0)), FEE_OK);
    assert_true(u256_eq(f.max_tip_wei, u256_from(1)));
    s.max_fee_wei = u256_from(2200);
    f = (struct fees){.max_fee_wei = u256_from(7)};
    assert_int_equal(fees_bump(&f, &s, &view, &high, 100, u256_from(0)), FEE_AT_CAP);
    assert_true(u256_eq(f.max_fee_wei, u256_from(7)));
}

static void chains_without_a_base_fee_get_a_gas_price(void **state)
{
    struct fees f, high;
    struct fee_settings s = {0};
    struct fee_view legacy = {.gas_price_wei = u256_from(700)};
    (void)state;
    assert_int_equal(fees_first(&f, &s, &legacy, 100, u256_from(0)), FEE_OK);
    assert_true(f.legacy && u256_eq(f.max_fee_wei, u256_from(700)));
    high = f;
    assert_int_equal(fees_bump(&f, &s, &legacy, &high, 100, u256_from(0)), FEE_OK);
    assert_true(f.legacy && u256_eq(f.max_fee_wei, u256_from(789)));
}

static void the_tip_is_the_middle_of_those_that_tipped(void **state)
{
    struct u256 tips[] = {u256_from(0), u256_from(9), u256_from(3), u256_from(0), u256_from(5)};
    struct u256 none[] = {u256_from(0)};
    (void)state;
    assert_true(u256_eq(fees_median_tip(tips, 5), u256_from(5)));
    assert_true(u256_is_zero(fees_median_tip(none, 1)) && u256_is_zero(fees_median_tip(none, 0)));
}

static void calldata_has_a_floor(void **state)
{
    (void)state;
    assert_int_equal(fees_calldata_floor(BYTES_LIT("")), 21000);
    assert_int_equal(fees_calldata_floor(BYTES_LIT("\x00\x01\x02")), 21000 + 10 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_price_leaves_headroom),
        cmocka_unit_test(caps_bind_and_are_told),
        cmocka_unit_test(replacements_follow_the_nodes_rule),
        cmocka_unit_test(chains_without_a_base_fee_get_a_gas_price),
        cmocka_unit_test(the_tip_is_the_middle_of_those_that_tipped),
        cmocka_unit_test(calldata_has_a_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
