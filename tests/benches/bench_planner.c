/* A fleet's store: what a planner's tick, finding what is due, and a status cost when 1 % of 100,000 (and of 1,000,000) tracked
 * identities is due. Prints one JSON object per line. */
#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "relayer/clock.h"
#include "relayer/status.h"
#include "relayer/store/identities.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static const int64_t now_s = 1800000000;

static struct identity_row row_of(uint32_t n, bool due)
{
    struct identity_row r = {.key = {.chain_id = 1, .registry = {{7}}, .id = sha256(bytes_from(&n, sizeof n))}, .profile = "g1b", .tracked_at_s = now_s,
                             .read_at_s = now_s, .read_block = 1, .registered = true, .tee_ttl_s = 2592000, .tpm_ttl_s = 5184000};
    r.tee_recent_s = r.tpm_recent_s = now_s - (due ? 2000000 : (int64_t)(n % 1500000));
    r.due_s = r.tee_recent_s + 1728000;
    return r;
}

static bool fill(struct db *db, uint32_t from, uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count;) {
        AUTO(db_scope_done) struct db_scope tx = {0};
        if (!db_begin(&tx, db, DB_RELAXED, err))
            return false;
        for (uint32_t end = i + 20000; i < count && i < end; i++) {
            struct identity_row r = row_of(from + i, (from + i) % 100 == 0);
            if (!identities_put(db, &r, err))
                return false;
        }
        if (!db_commit(&tx, err))
            return false;
    }
    return true;
}

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

static void print(const char *what, uint32_t tracked, double ms)
{
    printf("{\"bench\": \"%s-%uk\", \"ours\": %.4f, \"unit\": \"ms\", \"peak_kib\": %ld}\n", what, tracked / 1000, ms, peak_kib());
    fflush(stdout);
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
        if (!identities_due_here(db, &none, 1, (struct addr20){{7}}, now_s - 1000000, 1000, err) ||
            !identities_next_due_here(db, &next_s, 1, (struct addr20){{7}}, now_s, err))
            return false;
    }
    print("planner-tick-idle", tracked, (seconds() - begin) * 1000 / ROUNDS);
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
        if (!identities_due_here(db, &list, 1, (struct addr20){{7}}, now_s, SIZE_MAX, err))
            return false;
        for (size_t k = 0; k < list.count; k++) {
            struct freshness f = freshness_of(&list.row[k]);
            acted += plan_decide(&f, list.row[k].key.id, NULL, now_s, now_s, &plan).action == PLAN_ATTEST;
        }
        due = list.count;
    }
    double ms = (seconds() - begin) * 1000 / ROUNDS;
    print("planner-due-all", tracked, ms);
    printf("{\"bench\": \"planner-due-each-%uk\", \"ours\": %.3f, \"unit\": \"us\", \"due\": %zu}\n", tracked / 1000, ms * 1000 / (double)due, due);
    return acted == due * ROUNDS || err_set(err, ERR_BUG, "%zu due, %zu to act on", due, acted / ROUNDS);
}

static bool bench_status(struct db *db, uint32_t tracked, struct err *err)
{
    struct config cfg = {0};
    AUTO(status_report_done) struct status_report all = {0}, one = {0};
    struct session s = {.cfg = &cfg, .db = db};
    struct identity_row wanted = row_of(4711, false);
    char id[65], *ids[] = {id};
    for (size_t i = 0; i < 32; i++)
        snprintf(id + 2 * i, 3, "%02x", wanted.key.id.b[i]);
    double begin = seconds();
    if (!status_gather(&one, &s, &(struct status_query){.ids = ids, .num_ids = 1, .within_s = -1}, err))
        return false;
    print("status-one", tracked, (seconds() - begin) * 1000);
    begin = seconds();
    if (!status_gather(&all, &s, &(struct status_query){.within_s = -1}, err))
        return false;
    print("status-all", tracked, (seconds() - begin) * 1000);
    return (one.count == 1 && all.count == tracked) || err_set(err, ERR_BUG, "%zu and %zu rows", one.count, all.count);
}

static bool run(const char *dir, const char *what, uint32_t most, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    uint32_t have = 0;
    if (!db_open(&db, dir, err))
        return false;
    for (uint32_t tracked = 100000; tracked <= most; tracked *= 10) {
        if (!fill(db, have, tracked - have, err))
            return false;
        have = tracked;
        bool ok = strcmp(what, "status") == 0 ? bench_status(db, tracked, err) : bench_tick(db, tracked, err) && bench_due(db, tracked, err);
        if (!ok)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc != 4 || !run(argv[1], argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &err)) {
        fprintf(stderr, "bench_planner DIR planner|status IDENTITIES: %s\n", err.text);
        return 1;
    }
    return 0;
}
