#include "relayer/store/collateral.h"

#include "crypto/base/auto.h"

#include <stdio.h>

/* Run one statement as a transaction of its own. What is kept here can be fetched or seen again, so it may be lost. */
static bool run(struct db *db, struct stmt *s, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(s, err) && db_commit(&tx, err);
}

bool cache_put(struct db *db, const char *name, struct bytes body, struct cache_row row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT OR REPLACE INTO cache (name, fetched_at_s, expires_at_s, body)"
                                " VALUES (:name, :fetched, :expires, :body)");
    stmt_text(&s, ":name", name);
    stmt_i64(&s, ":fetched", row.fetched_at_s);
    stmt_i64(&s, ":expires", row.expires_at_s);
    stmt_blob(&s, ":body", body);
    return run(db, &s, err);
}

bool cache_get(struct db *db, struct buf *out, struct cache_row *row, bool *found, const char *name, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT fetched_at_s, expires_at_s, body FROM cache WHERE name = :name");
    stmt_text(&s, ":name", name);
    bool there = stmt_row(&s);
    if (there) {
        *row = (struct cache_row){stmt_get_i64(&s, "fetched_at_s"), stmt_get_i64(&s, "expires_at_s")};
        buf_put(out, stmt_get_blob(&s, "body"));
    }
    *found = there;
    return stmt_ok(&s, err) && buf_finish(out, err);
}

bool cache_list(struct db *db, bool (*fn)(void *user, const char *name, struct cache_row row, size_t body_len),
                void *user, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT name, fetched_at_s, expires_at_s, length(body) AS len FROM cache ORDER BY name");
    while (stmt_row(&s)) {
        struct cache_row row = {stmt_get_i64(&s, "fetched_at_s"), stmt_get_i64(&s, "expires_at_s")};
        if (!fn(user, stmt_get_text(&s, "name"), row, (size_t)stmt_get_u64(&s, "len")))
            break;
    }
    return stmt_ok(&s, err);
}

bool cache_drop(struct db *db, const char *name, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "DELETE FROM cache WHERE name = :name");
    stmt_text(&s, ":name", name);
    return run(db, &s, err);
}

bool marks_get(struct db *db, int64_t *value, bool *found, const char *kind, const char *subject, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT value FROM marks WHERE kind = :kind AND subject = :subject");
    stmt_text(&s, ":kind", kind);
    stmt_text(&s, ":subject", subject);
    bool there = stmt_row(&s);
    int64_t v = there ? stmt_get_i64(&s, "value") : 0;
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *value = v;
    return true;
}

bool marks_raise(struct db *db, const char *kind, const char *subject, int64_t value, int64_t now_s, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT INTO marks (kind, subject, value, seen_at_s) VALUES (:kind, :subject, :value, :now)"
                    " ON CONFLICT DO UPDATE SET value = :value, seen_at_s = :now WHERE value < :value");
    stmt_text(&s, ":kind", kind);
    stmt_text(&s, ":subject", subject);
    stmt_i64(&s, ":value", value);
    stmt_i64(&s, ":now", now_s);
    return run(db, &s, err);
}

bool tpm_clocks_get(struct db *db, struct tpm_clock_row *out, bool *found, struct hash32 ak, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT reset_count, restart_count, clock_ms, seen_at_s FROM tpm_clocks WHERE ak = :ak");
    stmt_blob(&s, ":ak", BYTES_OF(ak));
    bool there = stmt_row(&s);
    struct tpm_clock_row row = {0};
    if (there)
        row = (struct tpm_clock_row){(uint32_t)stmt_get_u64(&s, "reset_count"),
                                     (uint32_t)stmt_get_u64(&s, "restart_count"), stmt_get_u64(&s, "clock_ms"),
                                     stmt_get_i64(&s, "seen_at_s")};
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *out = row;
    return true;
}

bool tpm_clocks_put(struct db *db, struct hash32 ak, const struct tpm_clock_row *row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT OR REPLACE INTO tpm_clocks (ak, reset_count, restart_count, clock_ms, seen_at_s)"
                    " VALUES (:ak, :reset, :restart, :clock, :seen)");
    stmt_blob(&s, ":ak", BYTES_OF(ak));
    stmt_u64(&s, ":reset", row->reset_count);
    stmt_u64(&s, ":restart", row->restart_count);
    stmt_u64(&s, ":clock", row->clock_ms);
    stmt_i64(&s, ":seen", row->seen_at_s);
    return run(db, &s, err);
}

static void bind_platform(struct stmt *s, uint64_t chain_id, struct addr20 registry, const char *platform)
{
    stmt_u64(s, ":chain", chain_id);
    stmt_blob(s, ":registry", BYTES_OF(registry));
    stmt_text(s, ":platform", platform);
}

bool chain_collateral_get(struct db *db, struct chain_collateral_row *out, bool *found, uint64_t chain_id, struct addr20 registry,
                          const char *platform, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT ends_s, what, read_at_s FROM chain_collateral"
                                " WHERE chain_id = :chain AND registry = :registry AND platform = :platform");
    bind_platform(&s, chain_id, registry, platform);
    struct chain_collateral_row row = {0};
    bool there = stmt_row(&s);
    if (there) {
        row.ends_s = stmt_get_i64(&s, "ends_s");
        row.read_at_s = stmt_get_i64(&s, "read_at_s");
        snprintf(row.what, sizeof row.what, "%s", stmt_get_text(&s, "what"));
    }
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *out = row;
    return true;
}

bool chain_collateral_put(struct db *db, uint64_t chain_id, struct addr20 registry, const char *platform,
                          const struct chain_collateral_row *row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT OR REPLACE INTO chain_collateral (chain_id, registry, platform, ends_s, what, read_at_s)"
                                " VALUES (:chain, :registry, :platform, :ends, :what, :read)");
    bind_platform(&s, chain_id, registry, platform);
    stmt_i64(&s, ":ends", row->ends_s);
    stmt_text(&s, ":what", row->what);
    stmt_i64(&s, ":read", row->read_at_s);
    return run(db, &s, err);
}

bool pins_get(struct db *db, struct pin_row *out, bool *found, uint64_t chain_id, struct addr20 address,
              struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT code_hash, implementation, implementation_code_hash, pinned_at_s FROM pins"
                                " WHERE chain_id = :chain AND address = :address");
    stmt_u64(&s, ":chain", chain_id);
    stmt_blob(&s, ":address", BYTES_OF(address));
    bool there = stmt_row(&s);
    struct pin_row row = {0};
    if (there) {
        stmt_get_fixed(&s, "code_hash", row.code_hash.b, sizeof row.code_hash.b);
        row.is_proxy = !stmt_is_null(&s, "implementation");
        row.pinned_at_s = stmt_get_i64(&s, "pinned_at_s");
    }
    if (row.is_proxy) {
        stmt_get_fixed(&s, "implementation", row.implementation.b, sizeof row.implementation.b);
        stmt_get_fixed(&s, "implementation_code_hash", row.implementation_code_hash.b,
                       sizeof row.implementation_code_hash.b);
    }
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *out = row;
    return true;
}

bool pins_put(struct db *db, uint64_t chain_id, struct addr20 address, const struct pin_row *row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db,
                "INSERT OR REPLACE INTO pins (chain_id, address, code_hash, implementation,"
                " implementation_code_hash, pinned_at_s) VALUES (:chain, :address, :code, :impl, :impl_code, :now)");
    stmt_u64(&s, ":chain", chain_id);
    stmt_blob(&s, ":address", BYTES_OF(address));
    stmt_blob(&s, ":code", BYTES_OF(row->code_hash));
    if (row->is_proxy) {
        stmt_blob(&s, ":impl", BYTES_OF(row->implementation));
        stmt_blob(&s, ":impl_code", BYTES_OF(row->implementation_code_hash));
    }
    stmt_i64(&s, ":now", row->pinned_at_s);
    return run(db, &s, err);
}
