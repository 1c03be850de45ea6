#include "relayer/store/events.h"

#include "crypto/base/auto.h"

#include <stdio.h>
#include <stdlib.h>

#define KEEP_CHECKPOINTS "64"
#define HERE             " chain_id = :chain AND registry = :registry"

void event_list_done(struct event_list *list)
{
    free(list->row);
    *list = (struct event_list){0};
}

static void bind_here(struct stmt *s, const struct registry_key *key)
{
    stmt_u64(s, ":chain", key->chain_id);
    stmt_blob(s, ":registry", BYTES_OF(key->registry));
}

static void bind_identity(struct stmt *s, const struct identity_key *key)
{
    bind_here(s, &(struct registry_key){key->chain_id, key->registry});
    stmt_blob(s, ":id", BYTES_OF(key->id));
}

/* --- writing --- */

static bool add_checkpoint(struct db *db, const struct registry_key *key, const struct checkpoint *upto,
                           struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT OR REPLACE INTO checkpoints (chain_id, registry, block, hash) VALUES (:chain, "
                                ":registry, :block, :hash)");
    /* the first one stays, as the place where reading began */
    AUTO(stmt_done)
    struct stmt prune = db_stmt(db, "DELETE FROM checkpoints WHERE" HERE
                                    " AND block > (SELECT min(block) FROM checkpoints WHERE" HERE ") AND block <"
                                    " (SELECT min(block) FROM (SELECT block FROM checkpoints WHERE" HERE
                                    " ORDER BY block DESC LIMIT " KEEP_CHECKPOINTS "))");
    bind_here(&s, key);
    stmt_i64(&s, ":block", upto->block);
    stmt_blob(&s, ":hash", BYTES_OF(upto->hash));
    bind_here(&prune, key);
    return stmt_run(&s, err) && stmt_run(&prune, err);
}

/* What is known of an identity is older than this event: whatever its due time was, it wants to be read again. */
static bool mark_old(struct db *db, const struct registry_key *key, const struct event_row *row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE identities SET due_s = 0 WHERE" HERE " AND id = :id AND read_block < :block");
    bind_here(&s, key);
    stmt_blob(&s, ":id", BYTES_OF(row->id));
    stmt_u64(&s, ":block", row->block);
    return stmt_run(&s, err);
}

bool events_add(struct db *db, const struct registry_key *key, const struct event_row *row, size_t count,
                const struct checkpoint *upto, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT OR REPLACE INTO events (chain_id, registry, block, log_index, id, name, tx_hash, state)"
                    " VALUES (:chain, :registry, :block, :index, :id, :name, :tx, coalesce((SELECT state FROM "
                    "event_notes WHERE tx_hash = :tx),"
                    " EXISTS (SELECT 1 FROM measurements WHERE" HERE
                    " AND id = :id AND block < :block AND detail <> '" MEASUREMENT_BACKFILLED "')"
                    " AND NOT EXISTS (SELECT 1 FROM attempts WHERE hash = :tx)))");
    if (!db_begin(&tx, db, DB_RELAXED, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bind_here(&s, key);
        stmt_u64(&s, ":block", row[i].block);
        stmt_u64(&s, ":index", row[i].log_index);
        stmt_blob(&s, ":id", BYTES_OF(row[i].id));
        stmt_text(&s, ":name", row[i].name);
        stmt_blob(&s, ":tx", BYTES_OF(row[i].tx_hash));
        if (!stmt_run(&s, err) || !mark_old(db, key, &row[i], err))
            return false;
        stmt_reset(&s);
    }
    return add_checkpoint(db, key, upto, err) && db_commit(&tx, err);
}

static bool read_checkpoint(struct checkpoint *out, bool *found, struct stmt *s, const struct registry_key *key,
                            struct err *err)
{
    struct checkpoint c = {0};
    bind_here(s, key);
    bool there = stmt_row(s);
    if (there) {
        c.block = stmt_get_i64(s, "block");
        stmt_get_fixed(s, "hash", c.hash.b, sizeof c.hash.b);
    }
    if (!stmt_ok(s, err))
        return false;
    *found = there;
    *out = c;
    return true;
}

bool events_checkpoint(struct db *db, struct checkpoint *out, bool *found, const struct registry_key *key,
                       struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT block, hash FROM checkpoints WHERE" HERE " ORDER BY block DESC LIMIT 1");
    return read_checkpoint(out, found, &s, key, err);
}

bool events_begin(struct db *db, struct checkpoint *out, bool *found, const struct registry_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT block, hash FROM checkpoints WHERE" HERE " ORDER BY block LIMIT 1");
    return read_checkpoint(out, found, &s, key, err);
}

static bool run_here(struct db *db, const char *sql, const struct registry_key *key, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, sql);
    bind_here(&s, key);
    return stmt_run(&s, err);
}

bool events_step_back(struct db *db, const struct registry_key *key, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    return db_begin(&tx, db, DB_RELAXED, err) &&
           run_here(db,
                    "DELETE FROM checkpoints WHERE" HERE " AND block = (SELECT max(block) FROM checkpoints WHERE" HERE
                    ")",
                    key, err) &&
           run_here(db,
                    "DELETE FROM events WHERE" HERE
                    " AND block > (SELECT coalesce(max(block), -1) FROM checkpoints WHERE" HERE ")",
                    key, err) &&
           db_commit(&tx, err);
}

bool events_drop(struct db *db, const struct registry_key *key, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    return db_begin(&tx, db, DB_RELAXED, err) && run_here(db, "DELETE FROM checkpoints WHERE" HERE, key, err) &&
           run_here(db, "DELETE FROM events WHERE" HERE, key, err) && db_commit(&tx, err);
}

bool events_tell(struct db *db, const struct registry_key *key, const struct event_row *row, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt note = db_stmt(db, "INSERT OR REPLACE INTO event_notes (tx_hash, state) VALUES (:tx, 2)");
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE events SET state = 2 WHERE" HERE " AND block = :block AND log_index = :index");
    stmt_blob(&note, ":tx", BYTES_OF(row->tx_hash));
    bind_here(&s, key);
    stmt_u64(&s, ":block", row->block);
    stmt_u64(&s, ":index", row->log_index);
    return db_begin(&tx, db, DB_DURABLE, err) && stmt_run(&note, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool events_acknowledge(struct db *db, const struct identity_key *key, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt note =
        db_stmt(db, "INSERT OR REPLACE INTO event_notes (tx_hash, state) SELECT tx_hash, 0 FROM events WHERE" HERE
                    " AND id = :id AND state > 0");
    AUTO(stmt_done) struct stmt s = db_stmt(db, "UPDATE events SET state = 0 WHERE" HERE " AND id = :id AND state > 0");
    bind_identity(&note, key);
    bind_identity(&s, key);
    return db_begin(&tx, db, DB_DURABLE, err) && stmt_run(&note, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

/* --- reading --- */

bool events_first_known(struct db *db, uint64_t *block, bool *found, const struct registry_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT min(block) AS block FROM measurements WHERE" HERE
                                " AND detail <> '" MEASUREMENT_BACKFILLED "'");
    bind_here(&s, key);
    *found = stmt_row(&s) && !stmt_is_null(&s, "block");
    *block = *found ? stmt_get_u64(&s, "block") : 0;
    return stmt_ok(&s, err);
}

static bool read_list(struct event_list *out, struct stmt *s, struct err *err)
{
    AUTO(event_list_done) struct event_list list = {0};
    while (stmt_row(s)) {
        if ((list.count & (list.count - 1)) == 0) { /* at each power of two */
            struct event_row *grown = reallocarray(list.row, list.count ? list.count * 2 : 1, sizeof *grown);
            if (!grown)
                return err_set(err, ERR_NOMEM, "events: no memory");
            list.row = grown;
        }
        struct event_row *r = &list.row[list.count++];
        *r = (struct event_row){.block = stmt_get_u64(s, "block"),
                                .log_index = stmt_get_u64(s, "log_index"),
                                .state = (int)stmt_get_i64(s, "state")};
        stmt_get_fixed(s, "id", r->id.b, sizeof r->id.b);
        stmt_get_fixed(s, "tx_hash", r->tx_hash.b, sizeof r->tx_hash.b);
        snprintf(r->name, sizeof r->name, "%s", stmt_get_text(s, "name"));
    }
    if (!stmt_ok(s, err))
        return false;
    *out = list;
    list = (struct event_list){0};
    return true;
}

bool events_of(struct db *db, struct event_list *out, const struct identity_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT id, name, block, log_index, tx_hash, state FROM events WHERE" HERE
                                " AND id = :id ORDER BY block, log_index");
    bind_identity(&s, key);
    return read_list(out, &s, err);
}

bool events_identities(struct db *db, struct event_list *out, const struct registry_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT id, name, max(block) AS block, log_index, tx_hash, state FROM events WHERE" HERE
                                " GROUP BY id ORDER BY id");
    bind_here(&s, key);
    return read_list(out, &s, err);
}

bool events_untold(struct db *db, struct event_list *out, const struct registry_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT id, name, block, log_index, tx_hash, state FROM events INDEXED BY events_unexplained"
                    " WHERE" HERE " AND state > 0 AND state = 1 ORDER BY block, log_index");
    bind_here(&s, key);
    return read_list(out, &s, err);
}
