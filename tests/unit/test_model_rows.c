/* The model's tables: every row names an error that exists and checks that exist; the order of steps is what the
 * specification says; the operators' page says what the rows say. */
#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "relayer/evidence/evidence.h"
#include "relayer/registry/model.h"
#include "tests/support/vectors.h"

#include <stdio.h>

static bool is_check(const char *id, size_t len)
{
    for (const struct kind *const *kind = evidence_kinds; *kind; kind++)
        for (size_t i = 0; i < (*kind)->num_checks; i++) {
            const char *have = (*kind)->checks[i].id;
            if (strlen(have) == len && memcmp(have, id, len) == 0)
                return true;
            if (id[len - 1] == '*' && strncmp(have, id, len - 1) == 0)
                return true;
        }
    return false;
}

/* Not of a kind's table: what does not parse at all, and what only the chain's state or the call itself can tell. */
static bool is_known_otherwise(const char *id, size_t len)
{
    static const char *const ids[] = {"input.format", "chain.tee_fresh", "chain.target_free", "ttl.value"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strlen(ids[i]) == len && memcmp(ids[i], id, len) == 0)
            return true;
    return false;
}

static void each_id(const char *where, const char *ids)
{
    while (*ids) {
        size_t n = strcspn(ids, " ");
        if (!is_check(ids, n) && !is_known_otherwise(ids, n))
            fail_msg("%s: no check is called %.*s", where, (int)n, ids);
        ids += n + strspn(ids + n, " ");
    }
}

static void rows_name_errors_and_checks_that_exist(void **state)
{
    (void)state;
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        for (enum call_kind k = CALL_ATTEST; k <= CALL_SET_TTL; k++)
            for (const struct model_step *const *step = model_steps(p, k); *step; step++)
                for (const struct model_row *row = (*step)->rows; row->error; row++) {
                    if (strcmp(row->error, "(empty)") != 0 && !abi_error_find(row->error))
                        fail_msg("%s: %s", (*step)->id, row->error);
                    assert_true(row->clause && *row->clause);
                    each_id((*step)->id, row->caught_by);
                    for (const struct model_row *other = (*step)->rows; other < row; other++)
                        if (strcmp(other->error, row->error) == 0 && !other->text && !row->text)
                            fail_msg("%s: %s stands twice", (*step)->id, row->error);
                }
}

static void laxities_are_told_in_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < LAX_COUNT; i++) {
        const struct model_laxity *l = &model_laxities[i];
        if (!l->check || !l->clause || !l->what || !l->misuse || !l->noticed)
            fail_msg("laxity %zu", i);
        each_id(l->what, l->check);
    }
}

/* registry-v1 5: "order when several things are wrong" */
static void steps_stand_in_the_contracts_order(void **state)
{
    (void)state;
    static const char *const order[] = {"value", "entry", "identity", "identity_sanity", "lookup", "collaterals", "tee_type", "tee_report",
                                        "tee_fields", "report_data", "var_data", "ak_chain", "tpm_signature", "pcrs", "report_id",
                                        "extra_data", "measurement", "store_attest"};
    const struct model_step *const *steps = model_steps(PROFILE_G1B, CALL_ATTEST);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        assert_string_equal(steps[i]->id, order[i]);
    assert_null(model_steps(PROFILE_NONE, CALL_ATTEST));
    assert_null(model_steps(PROFILE_G1B, CALL_NONE));
}

/* deploy/docs/registry-laxities.md is made from the rows (its head says how): a row that changes changes the page. */
static void the_operators_page_says_the_same(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf page = buf_new(1 << 20);
    FILE *f = fopen("deploy/docs/registry-laxities.md", "rb");
    char part[4096];
    assert_non_null(f);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(&page, bytes_from(part, n));
    fclose(f);
    for (size_t i = 0; i < LAX_COUNT; i++) {
        const struct model_laxity *l = &model_laxities[i];
        char row[2000];
        snprintf(row, sizeof row, "| `%s` | %s | %s | %s | %s |\n", l->check, l->what, l->misuse, l->noticed, l->clause);
        if (bytes_find(buf_view(&page), bytes_str(row), 0) == SIZE_MAX)
            fail_msg("the page lacks: %s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_name_errors_and_checks_that_exist),
        cmocka_unit_test(laxities_are_told_in_full),
        cmocka_unit_test(steps_stand_in_the_contracts_order),
        cmocka_unit_test(the_operators_page_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
