/* A fleet's store: bench_planner DIR fill|tick|due|replan N. fill: N tracked identities, 1 % of them due, each with a mined transaction, all in
 * one transaction and with the indexes made afterwards. tick, due, replan: what a planner's look costs, as one JSON object per line. One process
 * per step, so that the peak of memory is the step's own. */
#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/sched/plan.h"
#include "relayer/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static const int64_t now_s = 1800000000;
static const struct addr20 registry = {{7}};

/* --- filling --- */

/* n counts up; 32 bytes of text make an id that is spread evenly; every hundredth identity is due. */
#define IDS                                                                                                                             \
    "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1), f(n, id, recent) AS (SELECT n,"                     \
    " CAST(printf('%08x%024x', (n * 2654435761) & 4294967295, n * 40503) AS BLOB), 1800000000 - iif(n % 100, n % 1500000, 2000000) FROM n)"
#define REGISTRY "x'0700000000000000000000000000000000000000'"

static const char *const filling[] = {
    IDS "INSERT INTO identities (chain_id, registry, id, profile, label, source, tracked_at_s, registered, tee_type, cloud_type, tee_ttl_s,"
        " tpm_ttl_s, tee_recent_s, tpm_recent_s, measurement_hash, nonce, read_at_s, read_block, collateral_expires_s, due_s, retry_at_s,"
        " failures, last_error, warned_state) SELECT 1, " REGISTRY ", id, 'g1b', 'vm' || n, '', 1800000000, 1, 1, 1, 2592000, 5184000, recent,"
        " recent, zeroblob(32), 0, 1800000000, 1, 0, recent + 1728000, 0, 0, '', 2 FROM f ORDER BY id",
    IDS "INSERT INTO intents (id, key, chain_id, account, target, call, identity, created_at_s, updated_at_s, phase, open, machine, note, label,"
        " calldata) SELECT n + 1, id, 1, zeroblob(20), " REGISTRY ", 'attestCvm', id, recent, recent, 5, 0, zeroblob(300), '', 'renewal',"
        " zeroblob(600) FROM f",
    IDS "INSERT INTO attempts (intent, seq, kind, nonce, signing_hash, hash, created_at_s, unsigned, raw) SELECT n + 1, 0, 0, n, id, id, recent,"
        " zeroblob(200), zeroblob(300) FROM f",
    IDS "INSERT INTO receipts (intent, hash, block_hash, block_number, block_time_s, succeeded, gas_used, gas_price_wei, data_fee_wei, cost_wei,"
        " canonical, seen_at_s) SELECT n + 1, id, id, 1, recent, 1, 1, '1', '0', '1', 1, recent FROM f",
};

static bool run_sql(sqlite3 *s, const char *sql, uint32_t count, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(s, sql, -1, &stmt, NULL) == SQLITE_OK &&
              (sqlite3_bind_parameter_count(stmt) == 0 || sqlite3_bind_int64(stmt, 1, count) == SQLITE_OK) && sqlite3_step(stmt) == SQLITE_DONE;
    sqlite3_finalize(stmt);
    return ok || err_set(err, ERR_STORE, "%.60s: %s", sql, sqlite3_errmsg(s));
}

/* Away with every index that a statement made; the statements stay in a table of this connection. */
static bool drop_indexes(sqlite3 *s, struct err *err)
{
    char *drops = NULL;
    sqlite3_stmt *stmt = NULL;
    if (!run_sql(s, "CREATE TEMP TABLE made AS SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL", 0, err))
        return false;
    if (sqlite3_prepare_v2(s, "SELECT group_concat('DROP INDEX ' || name, ';') FROM made", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        drops = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    bool ok = drops && sqlite3_exec(s, drops, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(drops);
    return ok || err_set(err, ERR_STORE, "dropping indexes: %s", sqlite3_errmsg(s));
}

static bool make_indexes(sqlite3 *s, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    char *all = NULL;
    if (sqlite3_prepare_v2(s, "SELECT group_concat(sql, ';') FROM made", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        all = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    bool ok = all && sqlite3_exec(s, all, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(all);
    return ok || err_set(err, ERR_STORE, "making indexes: %s", sqlite3_errmsg(s));
}

static bool fill_all(sqlite3 *s, uint32_t count, struct err *err)
{
    static const char *const before[] = {"PRAGMA synchronous = OFF", "PRAGMA cache_size = -100000", "PRAGMA temp_store = MEMORY", "BEGIN"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (sqlite3_exec(s, before[i], NULL, NULL, NULL) != SQLITE_OK)
            return err_set(err, ERR_STORE, "%s: %s", before[i], sqlite3_errmsg(s));
    if (!drop_indexes(s, err))
        return false;
    for (size_t i = 0; i < sizeof filling / sizeof *filling; i++)
        if (!run_sql(s, filling[i], count, err))
            return false;
    /* the whole file is not judged anew by what is measured */
    return make_indexes(s, err) && run_sql(s, "INSERT OR REPLACE INTO store_check VALUES (1, unixepoch())", 0, err) &&
           run_sql(s, "COMMIT", 0, err);
}

static bool fill(const char *dir, uint32_t count, struct err *err)
{
    char path[4096];
    sqlite3 *s = NULL;
    snprintf(path, sizeof path, "%s/relayer.db", dir);
    bool ok = sqlite3_open(path, &s) == SQLITE_OK ? fill_all(s, count, err) : err_set(err, ERR_STORE, "%s: cannot be opened", path);
    sqlite3_close(s);
    return ok;
}

/* --- measuring --- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* What a tick asks when nothing of what is due may be begun now: is there anything, and when is the next? */
static bool bench_tick(struct db *db, uint32_t tracked, struct err *err)
{
    enum { ROUNDS = 200 };
    AUTO(identity_list_done) struct identity_list none = {0};
    double begin = seconds();
    for (int i = 0; i < ROUNDS; i++) {
        int64_t next_s;
        identity_list_done(&none);
        if (!identities_due_here(db, &none, 1, registry, now_s - 1000000, 1000, err) ||
            !identities_next_due_here(db, &next_s, 1, registry, now_s, err))
            return false;
    }
    printf("{\"bench\": \"planner-tick-idle-%uk\", \"ours\": %.4f, \"unit\": \"ms\", \"peak_kib\": %ld}\n", tracked / 1000,
           (seconds() - begin) * 1000 / ROUNDS, peak_kib());
    return none.count == 0 || err_set(err, ERR_BUG, "something was due that should not be");
}

static bool bench_due(struct db *db, uint32_t tracked, struct err *err)
{
    enum { ROUNDS = 5 };
    struct plan_settings plan = plan_defaults();
    size_t due = 0, acted = 0;
    double begin = seconds();
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(identity_list_done) struct identity_list list = {0};
        if (!identities_due_here(db, &list, 1, registry, now_s, SIZE_MAX, err))
            return false;
        for (size_t k = 0; k < list.count; k++) {
            struct freshness f = freshness_of(&list.row[k]);
            acted += plan_decide(&f, list.row[k].key.id, NULL, now_s, now_s, &plan).action == PLAN_ATTEST;
        }
        due = list.count;
    }
    double ms = (seconds() - begin) * 1000 / ROUNDS;
    printf("{\"bench\": \"planner-due-all-%uk\", \"ours\": %.4f, \"unit\": \"ms\", \"due\": %zu, \"peak_kib\": %ld}\n", tracked / 1000, ms, due, peak_kib());
    printf("{\"bench\": \"planner-due-each-%uk\", \"ours\": %.3f, \"unit\": \"us\"}\n", tracked / 1000, ms * 1000 / (double)due);
    return acted == due * ROUNDS || err_set(err, ERR_BUG, "%zu due, %zu to act on", due, acted / ROUNDS);
}

/* A setting has changed: every due time anew; then a look that finds nothing to do. */
static bool bench_replan(struct db *db, uint32_t tracked, struct err *err)
{
    struct config cfg = {0};
    struct session s = {.cfg = &cfg, .db = db, .chain = {.chain_id = 1, .registry = registry}};
    size_t moved, none;
    double begin = seconds();
    if (!planning_redo(s.db, &moved, s.cfg, s.chain.chain_id, s.chain.registry, now_s, err))
        return false;
    double all = seconds() - begin;
    begin = seconds();
    if (!planning_redo(s.db, &none, s.cfg, s.chain.chain_id, s.chain.registry, now_s, err))
        return false;
    printf("{\"bench\": \"planner-replan-%uk\", \"ours\": %.2f, \"unit\": \"s\", \"peak_kib\": %ld}\n", tracked / 1000, all, peak_kib());
    printf("{\"bench\": \"planner-replan-idle-%uk\", \"ours\": %.4f, \"unit\": \"ms\"}\n", tracked / 1000, (seconds() - begin) * 1000);
    return (moved == tracked && !none) || err_set(err, ERR_BUG, "%zu and %zu of %u rows", moved, none, tracked);
}

static bool run(const char *dir, const char *what, uint32_t tracked, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    if (!db_open(&db, dir, err))
        return false;
    if (strcmp(what, "fill") == 0)
        return fill(dir, tracked, err);
    if (strcmp(what, "replan") == 0)
        return bench_replan(db, tracked, err);
    return strcmp(what, "tick") == 0 ? bench_tick(db, tracked, err) : bench_due(db, tracked, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc != 4 || !run(argv[1], argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &err)) {
        fprintf(stderr, "bench_planner DIR fill|tick|due|replan IDENTITIES: %s\n", err.text);
        return 1;
    }
    return 0;
}
