/* The TCB rules in small: convergence and relaunch as full tables, level selection, what is short, advisories. */
#include "crypto/base/auto.h"
#include "relayer/evidence/tdx_tcb.h"
#include "tests/support/vectors.h"

/* QVL 4.1.2.5.1.3 to 5: rows are the platform's status, columns the worse of QE and module: up to date, OutOfDate, Revoked */
static void convergence_is_intels_table(void **state)
{
    (void)state;
    static const struct {
        enum tcb_status platform, with[3];
    } rows[] = {
        {TCB_UP_TO_DATE, {TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_REVOKED}},
        {TCB_SW_HARDENING_NEEDED, {TCB_SW_HARDENING_NEEDED, TCB_OUT_OF_DATE, TCB_REVOKED}},
        {TCB_CONFIGURATION_NEEDED, {TCB_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_REVOKED}},
        {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
         {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_REVOKED}},
        {TCB_OUT_OF_DATE, {TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, TCB_REVOKED}},
        {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
         {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_REVOKED}},
        {TCB_REVOKED, {TCB_REVOKED, TCB_REVOKED, TCB_REVOKED}},
    };
    static const enum tcb_status part[] = {TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_REVOKED};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(tcb_converge(rows[i].platform, part[k], TCB_UP_TO_DATE), rows[i].with[k]);
            assert_int_equal(tcb_converge(rows[i].platform, TCB_UP_TO_DATE, part[k]), rows[i].with[k]);
            assert_int_equal(tcb_converge(rows[i].platform, TCB_NONE, part[k]), rows[i].with[k]);
        }
}

static void relaunch_is_advised_when_the_module_has_moved_on(void **state)
{
    (void)state;
    static const struct {
        enum tcb_status launch, current, want;
    } rows[] = {
        {TCB_OUT_OF_DATE, TCB_UP_TO_DATE, TCB_TD_RELAUNCH_ADVISED},
        {TCB_OUT_OF_DATE, TCB_SW_HARDENING_NEEDED, TCB_TD_RELAUNCH_ADVISED},
        {TCB_OUT_OF_DATE, TCB_CONFIGURATION_NEEDED, TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED},
        {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_UP_TO_DATE, TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED},
        {TCB_OUT_OF_DATE, TCB_OUT_OF_DATE, TCB_OUT_OF_DATE},
        {TCB_UP_TO_DATE, TCB_UP_TO_DATE, TCB_UP_TO_DATE},
        {TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_UP_TO_DATE},
        {TCB_OUT_OF_DATE, TCB_REVOKED, TCB_REVOKED},
        {TCB_REVOKED, TCB_UP_TO_DATE, TCB_REVOKED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(tcb_relaunch(rows[i].launch, rows[i].current), rows[i].want);
}

static struct bytes ids[] = {BYTES_LIT("B"), BYTES_LIT("A"), BYTES_LIT("B"), BYTES_LIT("C")};

/* Two platform levels, one module of version 1 with two levels, two QE levels. */
struct small {
    struct tcb_level level[2];
    struct isv_level module_level[2], qe_level[2];
    struct tdx_module module;
    struct tcb_info info;
    struct qe_identity qe;
    uint8_t sgx[16], tdx[16], tdx2[16];
    struct tcb_have have;
};

static void make_small(struct small *s)
{
    *s = (struct small){0};
    s->level[0] = (struct tcb_level){.pcesvn = 10, .outcome = {TCB_UP_TO_DATE, 300, {ids, 2}}};
    s->level[1] = (struct tcb_level){.pcesvn = 5, .outcome = {TCB_OUT_OF_DATE, 100, {ids + 3, 1}}};
    s->level[0].sgx[3] = (struct tcb_component){7, BYTES_LIT("BIOS"), BYTES_LIT("Microcode")};
    s->level[0].tdx[0].svn = s->level[0].tdx[1].svn = 9; /* does not count from major version 1 on */
    s->level[0].tdx[2].svn = 4;
    s->module_level[0] = (struct isv_level){6, {TCB_UP_TO_DATE, 200, {ids + 2, 1}}};
    s->module_level[1] = (struct isv_level){2, {TCB_OUT_OF_DATE, 50, {0}}};
    s->qe_level[0] = (struct isv_level){8, {TCB_UP_TO_DATE, 250, {0}}};
    s->qe_level[1] = (struct isv_level){4, {TCB_OUT_OF_DATE, 40, {0}}};
    s->module = (struct tdx_module){.id = BYTES_LIT("TDX_01"), .levels = {s->module_level, 2}};
    s->info = (struct tcb_info){.tdx = true, .modules = &s->module, .num_modules = 1, .levels = s->level, .num_levels = 2};
    s->qe.levels = (struct isv_levels){s->qe_level, 2};
    s->sgx[3] = 7;
    s->tdx[0] = 6, s->tdx[1] = 1, s->tdx[2] = 4;
    memcpy(s->tdx2, s->tdx, 16);
    s->have = (struct tcb_have){.components = s->sgx, .pce_svn = 10, .qe_isv_svn = 8, .tdx = s->tdx};
}

static struct tcb_evaluation evaluate(struct small *s, struct arena *mem)
{
    struct tcb_evaluation e;
    assert_true(tcb_evaluate(&e, mem, &s->have, &s->info, &s->qe));
    return e;
}

static void levels_are_chosen_and_united(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    struct small s;
    make_small(&s);
    struct tcb_evaluation e = evaluate(&s, &mem);
    assert_int_equal(e.fault, TCB_FOUND);
    assert_int_equal(e.status, TCB_UP_TO_DATE);
    assert_int_equal(e.date_s, 200); /* the earliest of the three */
    assert_int_equal(e.num_missing, 0);
    assert_int_equal(e.advisories.count, 2);
    assert_true(bytes_eq(e.advisories.id[0], BYTES_LIT("A")) && bytes_eq(e.advisories.id[1], BYTES_LIT("B")));
}

static void what_is_short_is_named(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    struct small s;
    make_small(&s);
    s.sgx[3] = 6;
    s.have.pce_svn = 9;
    s.tdx[0] = 3;
    s.tdx[2] = 0;
    s.have.qe_isv_svn = 5;
    struct tcb_evaluation e = evaluate(&s, &mem);
    static const struct {
        const char *component;
        unsigned have, need;
    } want[] = {{"sgx[3] BIOS Microcode", 6, 7}, {"pcesvn", 9, 10}, {"tdx[2]", 0, 4}, {"tdx_module", 3, 6}, {"qe", 5, 8}};
    assert_int_equal(e.status, TCB_OUT_OF_DATE);
    assert_int_equal(e.date_s, 40);
    assert_int_equal(e.num_missing, sizeof want / sizeof *want);
    for (size_t i = 0; i < e.num_missing; i++) {
        assert_string_equal(e.missing[i].component, want[i].component);
        assert_int_equal(e.missing[i].have, want[i].have);
        assert_int_equal(e.missing[i].need, want[i].need);
    }
}

static void every_fault_has_its_name(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    struct small s;
    make_small(&s);
    s.have.pce_svn = 4;
    assert_int_equal(evaluate(&s, &mem).fault, TCB_NO_LEVEL);
    make_small(&s);
    s.tdx[1] = 2;
    assert_int_equal(evaluate(&s, &mem).fault, TCB_NO_MODULE);
    make_small(&s);
    s.tdx[0] = 1;
    assert_int_equal(evaluate(&s, &mem).fault, TCB_NO_MODULE_LEVEL);
    make_small(&s);
    s.have.qe_isv_svn = 3;
    assert_int_equal(evaluate(&s, &mem).fault, TCB_NO_QE_LEVEL);
    make_small(&s);
    s.have.tdx2 = s.tdx2;
    s.tdx2[0] = 1;
    struct tcb_evaluation e = evaluate(&s, &mem);
    assert_int_equal(e.fault, TCB_NO_MODULE_LEVEL);
    assert_string_equal(e.fault_in, "tee_tcb_svn2");
}

static void module_version_0_counts_all_components(void **state)
{
    (void)state;
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    struct small s;
    make_small(&s);
    s.tdx[1] = 0;
    struct tcb_evaluation e = evaluate(&s, &mem);
    assert_ptr_equal(e.platform, &s.level[1]);
    assert_null(e.module);
    s.have.tdx = NULL; /* SGX looks at neither */
    assert_ptr_equal(evaluate(&s, &mem).platform, &s.level[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convergence_is_intels_table),
        cmocka_unit_test(relaunch_is_advised_when_the_module_has_moved_on),
        cmocka_unit_test(levels_are_chosen_and_united),
        cmocka_unit_test(what_is_short_is_named),
        cmocka_unit_test(every_fault_has_its_name),
        cmocka_unit_test(module_version_0_counts_all_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
