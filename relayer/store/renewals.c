#include "relayer/store/renewals.h"

#include "crypto/base/auto.h"

#define HOUR 3600
#define DAY  86400

static void bind_registry(struct stmt *s, const struct identity_key *key)
{
    stmt_u64(s, ":chain", key->chain_id);
    stmt_blob(s, ":registry", BYTES_OF(key->registry));
}

static bool count_block(struct db *db, uint64_t *out, const struct identity_key *key, uint64_t block, int64_t now_s,
                        struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT count(*) AS n FROM renewals WHERE chain_id = :chain AND registry = :registry"
                                " AND block = :block AND begun_at_s > :since AND begun_at_s <= :now");
    bind_registry(&s, key);
    stmt_i64(&s, ":since", now_s - HOUR);
    stmt_i64(&s, ":now", now_s);
    stmt_u64(&s, ":block", block);
    *out = stmt_row(&s) ? stmt_get_u64(&s, "n") : 0;
    return stmt_ok(&s, err);
}

/* How many began in the last window_s, and when the oldest of the last `limit` did. */
static bool count_since(uint64_t *out, int64_t *oldest_s, struct stmt *s, int64_t now_s, int64_t window_s,
                        uint64_t limit, struct err *err)
{
    stmt_i64(s, ":since", now_s - window_s);
    stmt_i64(s, ":now", now_s);
    stmt_i64(s, ":limit", limit > 100000 ? 100000 : (int64_t)limit);
    for (*out = 0; stmt_row(s); ++*out)
        *oldest_s = stmt_get_i64(s, "begun_at_s");
    return stmt_ok(s, err);
}

static bool check_hour(struct db *db, int64_t *not_before_s, const struct identity_key *key, int64_t now_s,
                       uint64_t limit, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT begun_at_s FROM renewals WHERE chain_id = :chain AND registry = :registry"
                                " AND begun_at_s > :since AND begun_at_s <= :now ORDER BY begun_at_s DESC LIMIT :limit");
    uint64_t n;
    int64_t oldest_s = now_s;
    bind_registry(&s, key);
    if (!count_since(&n, &oldest_s, &s, now_s, HOUR, limit, err))
        return false;
    *not_before_s = n >= limit ? oldest_s + HOUR : 0;
    return true;
}

static bool check_day(struct db *db, int64_t *not_before_s, const struct identity_key *key, int64_t now_s,
                      uint64_t limit, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT begun_at_s FROM renewals WHERE chain_id = :chain AND registry = :registry AND id = :id"
                    " AND begun_at_s > :since AND begun_at_s <= :now ORDER BY begun_at_s DESC LIMIT :limit");
    uint64_t n;
    int64_t oldest_s = now_s;
    bind_registry(&s, key);
    stmt_blob(&s, ":id", BYTES_OF(key->id));
    if (!count_since(&n, &oldest_s, &s, now_s, DAY, limit, err))
        return false;
    *not_before_s = n >= limit ? oldest_s + DAY : 0;
    return true;
}

static bool check_limits(struct db *db, int64_t *not_before_s, const char **which, const struct identity_key *key,
                         int64_t now_s, uint64_t block, const struct renewal_limits *limits, struct err *err)
{
    uint64_t in_block;
    *not_before_s = 0;
    *which = "max_renewals_per_day";
    if (limits->per_identity_day && !check_day(db, not_before_s, key, now_s, limits->per_identity_day, err))
        return false;
    if (*not_before_s)
        return true;
    *which = "max_per_hour";
    if (limits->per_hour && !check_hour(db, not_before_s, key, now_s, limits->per_hour, err))
        return false;
    if (*not_before_s)
        return true;
    *which = "max_per_block";
    if (!count_block(db, &in_block, key, block, now_s, err))
        return false;
    *not_before_s = limits->per_block && in_block >= limits->per_block ? now_s + 1 : 0;
    return true;
}

bool renewals_begin(struct db *db, int64_t *not_before_s, const char **which, const struct identity_key *key,
                    const char *call, int64_t now_s, uint64_t block, const struct renewal_limits *limits,
                    struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT INTO renewals (chain_id, registry, id, call, begun_at_s, block)"
                                " VALUES (:chain, :registry, :id, :call, :now, :block)");
    if (!db_begin(&tx, db, DB_DURABLE, err) || !check_limits(db, not_before_s, which, key, now_s, block, limits, err))
        return false;
    if (*not_before_s)
        return db_commit(&tx, err);
    bind_registry(&s, key);
    stmt_blob(&s, ":id", BYTES_OF(key->id));
    stmt_text(&s, ":call", call);
    stmt_i64(&s, ":now", now_s);
    stmt_u64(&s, ":block", block);
    return stmt_run(&s, err) && db_commit(&tx, err);
}

/* --- goldens --- */

bool goldens_put(struct db *db, struct hash32 hash, const char *doc, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done) struct stmt s = db_stmt(db, "INSERT OR IGNORE INTO goldens (hash, doc) VALUES (:hash, :doc)");
    stmt_blob(&s, ":hash", BYTES_OF(hash));
    stmt_text(&s, ":doc", doc);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool goldens_get(struct db *db, struct buf *out, bool *found, struct hash32 hash, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT doc FROM goldens WHERE hash = :hash");
    stmt_blob(&s, ":hash", BYTES_OF(hash));
    bool there = stmt_row(&s);
    if (there)
        buf_put(out, bytes_str(stmt_get_text(&s, "doc")));
    *found = there;
    return stmt_ok(&s, err) && buf_finish(out, err);
}
