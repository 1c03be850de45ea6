/* The client of Intel's PCS against a simulated one with faults: what holds is taken and kept, what does not is named. */
#include "relayer/collateral/pcs.h"

#include "crypto/base/auto.h"
#include "relayer/collateral/pcs_check.h"
#include "relayer/store/collateral.h"
#include "tests/support/folder.h"
#include "tests/support/sim/pcs.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct sim_world world;
static struct sim_intel vendor;
static struct roots roots;
static char dir[TEST_FOLDER_SIZE];

static int make(void **state)
{
    (void)state;
    world.now_s = (int64_t)time(NULL);
    sim_intel_init(&vendor, &world);
    return !test_folder_make(dir) || !roots_init(&roots, NULL) || !roots_add(&roots, vendor.root.der, NULL);
}

static int unmake(void **state)
{
    (void)state;
    roots_done(&roots);
    sim_intel_done(&vendor);
    return test_folder_drop(dir);
}

/* One server, one fresh store, one question. */
struct bench {
    struct sim_pcs *server;
    struct http_endpoint source[2];
    struct db *db;
    struct pcs pcs;
    struct pcs_want want[PCS_MAX_WANTS];
    struct pcs_outcome outcome[PCS_MAX_WANTS];
    size_t n;
};

static struct bench bench_open(const struct sim_pcs_settings *settings)
{
    static int count;
    char folder[96];
    struct bench s = {.server = sim_pcs_start(&vendor, settings)};
    snprintf(folder, sizeof folder, "%s/%d", dir, count++);
    assert_true(db_open(&s.db, folder, NULL));
    s.pcs = (struct pcs){.db = s.db, .roots = &roots, .num_sources = 1, .now_s = world.now_s, .deadline_ms = 2000};
    s.n = pcs_wants(s.want, true, vendor.fmspc, false, false);
    s.source[0].url = sim_pcs_url(s.server);
    return s;
}

static void bench_close(struct bench *s)
{
    db_close(s->db);
    sim_pcs_stop(s->server);
}

static bool get(struct bench *s, struct err *err)
{
    AUTO(collateral_done) struct collateral pool = collateral_new();
    s->pcs.sources = s->source;
    bool ok = pcs_get(&pool, &s->pcs, s->want, s->n, s->outcome, err);
    assert_true(!ok || pool.count >= s->n);
    return ok;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static void fetched_then_kept(void **state)
{
    (void)state;
    struct bench s = bench_open(NULL);
    struct err err = {0};
    must(get(&s, &err), &err);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.outcome[i].from, PCS_FETCHED);
        assert_int_equal(s.outcome[i].expires_s, world.now_s + 29 * 86400);
    }
    unsigned asked = sim_pcs_requests(s.server);
    assert_int_equal(asked, s.n);
    assert_true(get(&s, &err));
    assert_int_equal(sim_pcs_requests(s.server), asked);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(s.outcome[i].from, PCS_KEPT);
    s.pcs.num_sources = 0; /* offline */
    assert_true(get(&s, &err));
    bench_close(&s);
}

static void refreshed_ahead_of_expiry_and_served_when_that_fails(void **state)
{
    (void)state;
    struct bench s = bench_open(NULL);
    assert_true(get(&s, NULL));
    s.pcs.now_s = world.now_s + 25 * 86400; /* 4 of 30 days left */
    sim_pcs_fault(s.server, SIM_BROKEN, NULL, 1000);
    s.pcs.deadline_ms = 500;
    assert_true(get(&s, NULL));
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.outcome[i].from, PCS_KEPT);
        assert_int_equal(s.outcome[i].why.code, ERR_NET);
    }
    sim_pcs_fault(s.server, SIM_NO_FAULT, NULL, 0);
    assert_true(get(&s, NULL));
    assert_int_equal(s.outcome[0].from, PCS_FETCHED);
    bench_close(&s);
}

static void pccs_shapes_are_taken(void **state)
{
    (void)state;
    struct bench s = bench_open(&(struct sim_pcs_settings){.hex_crls = true, .old_header = true});
    char url[128];
    struct err err = {0};
    snprintf(url, sizeof url, "%s/sgx/certification/v4/", sim_pcs_url(s.server));
    s.source[0].url = url;
    must(get(&s, &err), &err);
    bench_close(&s);
}

static void early_data_stands_beside_the_standard_one(void **state)
{
    (void)state;
    struct bench s = bench_open(NULL);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    s.n = pcs_wants(s.want, true, vendor.fmspc, false, true);
    s.pcs.sources = s.source;
    assert_true(pcs_get(&pool, &s.pcs, s.want, s.n, s.outcome, NULL));
    unsigned standard = 0, early = 0, numbers = 0;
    for (size_t i = 0; i < pool.count; i++)
        if (pool.items[i].kind == COLLATERAL_SIGNED && pool.items[i].json.kind == SIGNED_EVALUATION_NUMBERS)
            numbers += pool.items[i].json.head->evaluation_number;
        else if (pool.items[i].kind == COLLATERAL_SIGNED)
            *(pool.items[i].early ? &early : &standard) += pool.items[i].json.head->evaluation_number;
    assert_int_equal(standard, 2 * 20);
    assert_int_equal(early, 2 * 21);
    assert_int_equal(numbers, 21);
    assert_true(get(&s, NULL)); /* its marks are not in the way of the standard one */
    bench_close(&s);
}

/* Each fault on one piece: what comes of it, with one source alone, and that the next source helps. */
static const struct {
    enum sim_fault fault;
    const char *part;
    unsigned count; /* how many requests meet it */
    enum err_code code; /* ERR_NONE: patience is enough */
    const char *words;
} faults[] = {
    {SIM_STALE, "/tcb", 9, ERR_STALE, "expired"},
    {SIM_STALE, "rootcacrl", 9, ERR_STALE, "expired"},
    {SIM_STALE, "pckcrl", 9, ERR_STALE, "expired"},
    {SIM_STALE, "/qe/identity", 9, ERR_STALE, "expired"},
    {SIM_FUTURE, "/tcb", 9, ERR_STALE, "not yet valid"},
    {SIM_WRONG_FMSPC, "/tcb", 9, ERR_FORMAT, "not what was asked for"},
    {SIM_BAD_SIGNATURE, "/tcb", 9, ERR_REFUSED, "signature"},
    {SIM_BAD_SIGNATURE, "/qe/identity", 9, ERR_REFUSED, "signature"},
    {SIM_BAD_SIGNATURE, "rootcacrl", 9, ERR_REFUSED, "signature"},
    {SIM_BAD_SIGNATURE, "pckcrl", 9, ERR_REFUSED, "signature"},
    {SIM_NO_CHAIN, "/tcb", 9, ERR_FORMAT, "chain"},
    {SIM_NO_CHAIN, "pckcrl", 9, ERR_REFUSED, "chain"},
    {SIM_NOT_FOUND, "/tcb", 9, ERR_NET, "404"},
    {SIM_BROKEN, "/tcb", 9, ERR_NET, "500"},
    {SIM_BROKEN, "/tcb", 1, ERR_NONE, ""},
    {SIM_TRUNCATED, "/tcb", 9, ERR_NET, ""},
    {SIM_TRUNCATED, "/tcb", 1, ERR_NONE, ""},
    {SIM_SLOW, "/tcb", 9, ERR_NET, ""},
    {SIM_BUSY, "/tcb", 1, ERR_NONE, ""},
};

static void every_fault_is_named_and_the_next_source_helps(void **state)
{
    (void)state;
    struct sim_pcs *spare = sim_pcs_start(&vendor, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct bench s = bench_open(NULL);
        struct err err = {0};
        sim_pcs_timing(s.server, 700, 1);
        s.pcs.deadline_ms = faults[i].fault == SIM_SLOW ? 300 : 2000;
        sim_pcs_fault(s.server, faults[i].fault, faults[i].part, faults[i].count);
        bool ok = get(&s, &err);
        if (ok != (faults[i].code == ERR_NONE) || (!ok && (err.code != faults[i].code || !strstr(err.text, faults[i].words))))
            fail_msg("%s of %s: %s %s", sim_fault_name(faults[i].fault), faults[i].part, err_name(err.code), err.text);
        s.source[1].url = sim_pcs_url(spare);
        s.pcs.num_sources = 2;
        sim_pcs_fault(s.server, faults[i].fault, faults[i].part, faults[i].count);
        must(get(&s, &err), &err); /* the spare source helps */
        bench_close(&s);
    }
    sim_pcs_stop(spare);
}

static void a_source_that_asks_for_long_patience_is_left(void **state)
{
    (void)state;
    struct bench s = bench_open(NULL);
    struct err err = {0};
    sim_pcs_timing(s.server, 0, 3600);
    sim_pcs_fault(s.server, SIM_BUSY, "/tcb", 100);
    assert_false(get(&s, &err));
    assert_int_equal(err.code, ERR_NET);
    assert_non_null(strstr(err.text, "3600 s"));
    bench_close(&s);
}

static void what_was_seen_is_not_undercut(void **state)
{
    (void)state;
    static const char *const parts[] = {"/tcb", "/qe/identity", "rootcacrl", "pckcrl"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct bench s = bench_open(NULL);
        struct err err = {0};
        assert_true(get(&s, NULL));
        s.pcs.refresh = true;
        sim_pcs_fault(s.server, SIM_ROLLED_BACK, parts[i], 100);
        assert_true(get(&s, &err)); /* what is kept serves on */
        size_t refused = 0;
        for (size_t k = 0; k < s.n; k++)
            if (s.outcome[k].from == PCS_KEPT && strstr(s.outcome[k].why.text, "rolled back"))
                refused++;
        assert_int_equal(refused, 1);
        bench_close(&s);
    }
}

static void a_vendor_that_nobody_trusts_is_not_kept(void **state)
{
    (void)state;
    struct roots pinned = {0};
    struct bench s = bench_open(NULL);
    struct err err = {0};
    assert_true(roots_init(&pinned, NULL));
    s.pcs.roots = &pinned;
    assert_false(get(&s, &err));
    assert_int_equal(err.code, ERR_REFUSED);
    s.pcs.num_sources = 0;
    assert_false(get(&s, &err));
    roots_done(&pinned);
    bench_close(&s);
}

static void urls_and_headers(void **state)
{
    (void)state;
    char base[128];
    AUTO(buf_done) struct buf text = buf_new(64);
    assert_int_equal(pcs_base_url(base, sizeof base, "https://pccs:8081/sgx/certification/v4/"), 4);
    assert_string_equal(base, "https://pccs:8081");
    assert_int_equal(pcs_base_url(base, sizeof base, "https://pccs/sgx/certification/v3"), 3);
    assert_string_equal(base, "https://pccs");
    assert_int_equal(pcs_base_url(base, sizeof base, "https://pccs/cache/"), 4);
    assert_string_equal(base, "https://pccs/cache");
    assert_true(pcs_url_decode(&text, BYTES_LIT("a%20b%0A%2f"), NULL));
    assert_true(bytes_eq(buf_view(&text), BYTES_LIT("a b\n/")));
    static const char *const bad[] = {"%", "%2", "%zz", "%00", "a%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pcs_url_decode(&text, bytes_str(bad[i]), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetched_then_kept),
        cmocka_unit_test(refreshed_ahead_of_expiry_and_served_when_that_fails),
        cmocka_unit_test(pccs_shapes_are_taken),
        cmocka_unit_test(early_data_stands_beside_the_standard_one),
        cmocka_unit_test(every_fault_is_named_and_the_next_source_helps),
        cmocka_unit_test(a_source_that_asks_for_long_patience_is_left),
        cmocka_unit_test(what_was_seen_is_not_undercut),
        cmocka_unit_test(a_vendor_that_nobody_trusts_is_not_kept),
        cmocka_unit_test(urls_and_headers),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
