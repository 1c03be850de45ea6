/* The state database: opened with care, transactions, prepared statements with typed binds and columns by name.
 * Each area keeps its SQL in one relayer/store/NAME.c of its own and its tables in steps of relayer/store/migrations.c;
 * no SQL stands anywhere else. Knows nothing of what is stored.
 *
 * Several processes may hold the file open at once (WAL); a writer waits for another one for up to 10 seconds. Commits
 * reach the disk (synchronous=FULL) unless the transaction says that it can be lost. */
#ifndef CVM_STORE_DB_H
#define CVM_STORE_DB_H

#include "crypto/base/bytes.h"

#include <sqlite3.h>

struct db;

/* Where state lives: wanted (--state-dir) where given, else $CVM_RELAYER_STATE_DIR, else $XDG_STATE_HOME/cvm-relayer,
 * else
 * ~/.local/state/cvm-relayer. ERR_USAGE: none of them is set, or the path is too long. */
bool store_dir(char *out, size_t size, const char *wanted, struct err *err);

/* Open DIR/relayer.db, made where it is missing (folder 0700, file 0600), brought to the newest schema.
 * ERR_STORE: cannot be opened, damaged, somebody else's, writable by others, from a newer version. */
bool db_open(struct db **out, const char *dir, struct err *err);
/* Opened for reading alone; ERR_STORE also where it does not exist or is of an older schema. */
bool db_open_readonly(struct db **out, const char *dir, struct err *err);
void db_close(struct db *db); /* NULL is fine */
void db_closep(struct db **db);
const char *db_dir(const struct db *db);
/* The whole file read and judged: pages, indexes, foreign keys. ERR_STORE names the first fault. */
bool db_check(struct db *db, struct err *err);

/* --- transactions ---
 * AUTO(db_scope_done) struct db_scope tx = {0};
 * if (!db_begin(&tx, db, DB_DURABLE, err)) return false;
 * ... return db_commit(&tx, err);
 * A scope that ends without its commit is rolled back. Inside another scope it joins that one: what the outer one
 * decides holds for both. */
enum db_sync {
    DB_DURABLE, /* on disk when db_commit returns */
    DB_RELAXED, /* consistent whatever happens; the last ones may be missing after a power cut */
};
struct db_scope {
    struct db *db; /* NULL: not begun, or over */
};
bool db_begin(struct db_scope *out, struct db *db, enum db_sync sync, struct err *err);
bool db_commit(struct db_scope *scope, struct err *err);
void db_scope_done(struct db_scope *scope);

/* --- statements ---
 * AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT height, hash FROM block WHERE id = :id");
 * stmt_i64(&s, ":id", 7);
 * while (stmt_row(&s, err)) use(stmt_get_i64(&s, "height"));
 * if (!stmt_ok(&s, err)) return false;
 * The first failure sticks (a wrong name is ours: ERR_BUG); reads give zero or empty afterwards. sql: a literal
 * (compiled once per connection and kept). */
struct stmt {
    struct db *db;
    sqlite3_stmt *s;
    bool cached, failed, bug;
    int next_column; /* where the next look-up by name begins: columns are mostly read in their order */
    char why[200];
};
struct stmt db_stmt(struct db *db, const char *sql);
void stmt_done(struct stmt *s);
void stmt_i64(struct stmt *s, const char *name, int64_t v);
void stmt_u64(struct stmt *s, const char *name, uint64_t v);      /* fails above 2^63-1 */
void stmt_text(struct stmt *s, const char *name, const char *v);  /* NULL for NULL; copied */
void stmt_blob(struct stmt *s, const char *name, struct bytes v); /* copied */
/* The next row: false at the end and on failure. */
bool stmt_row(struct stmt *s);
/* Ready to run again with other values. */
void stmt_reset(struct stmt *s);
/* Did everything so far go well? ERR_STORE (or ERR_BUG) with the reason otherwise. */
bool stmt_ok(const struct stmt *s, struct err *err);
/* Run a statement that gives no rows to its end. */
bool stmt_run(struct stmt *s, struct err *err);
/* Columns by name. Views live until the next stmt_row, stmt_reset or stmt_done. */
int64_t stmt_get_i64(struct stmt *s, const char *column);
uint64_t stmt_get_u64(struct stmt *s, const char *column);     /* fails on a negative one */
const char *stmt_get_text(struct stmt *s, const char *column); /* "" for NULL, never NULL */
struct bytes stmt_get_blob(struct stmt *s, const char *column);
void stmt_get_fixed(struct stmt *s, const char *column, void *out,
                    size_t len); /* a blob of exactly len bytes; zeroed otherwise */
bool stmt_is_null(struct stmt *s, const char *column);

int64_t db_last_id(const struct db *db); /* rowid of the last insert */
int64_t db_changes(const struct db *db); /* rows touched by the last statement */

#endif
