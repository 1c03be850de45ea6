#include "relayer/store/db.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/files.h"
#include "relayer/store/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DB_NAME         "relayer.db"
#define APPLICATION_ID  0x43564d52 /* "CVMR" in the file's header: a database of ours */
#define BUSY_TIMEOUT_MS 10000
#define MAX_CACHED      96
/* A file up to this size is read and judged at every open, a larger one once a day (and by `doctor`). */
#define CHECK_ALWAYS_BYTES (4 << 20)
#define CHECK_EVERY_S      86400

struct db {
    sqlite3 *s;
    char dir[PATH_MAX];
    int depth;   /* open scopes */
    bool doomed; /* an inner scope ended without its commit */
    enum db_sync sync;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        bool in_use;
    } cache[MAX_CACHED];
    size_t num_cached;
};

static bool sql_error(sqlite3 *s, const char *what, struct err *err)
{
    int code = sqlite3_errcode(s);
    const char *hint = "";
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        hint = " (damaged: restore a backup, or move it away and let `import` rebuild what the chain knows)";
    else if (code == SQLITE_BUSY)
        hint = " (another process is writing)";
    else if (code == SQLITE_READONLY)
        hint = " (the state folder has to be writable for this user)";
    else if (code == SQLITE_FULL)
        hint = " (the disk is full; what was begun is kept, run the command again when there is room)";
    return err_set(err, ERR_STORE, "store: %s: %s%s", what, sqlite3_errmsg(s), hint);
}

bool store_dir(char *out, size_t size, const char *wanted, struct err *err)
{
    const char *own = getenv("CVM_RELAYER_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;
    if (wanted && *wanted)
        n = snprintf(out, size, "%s", wanted);
    else if (own && *own)
        n = snprintf(out, size, "%s", own);
    else if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/cvm-relayer", xdg);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/state/cvm-relayer", home);
    else
        return err_set(err, ERR_USAGE, "no state directory: give --state-dir, or set CVM_RELAYER_STATE_DIR or HOME");
    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_USAGE, "state directory: path is longer than %zu characters", size - 1);
    return true;
}

/* --- opening --- */

static bool check_owner(const struct stat *st, const char *path, struct err *err)
{
    if (st->st_uid != geteuid())
        return err_set(err, ERR_STORE, "store: %s belongs to user %u, we run as %u", path, st->st_uid, geteuid());
    if (st->st_mode & 022)
        return err_set(err, ERR_STORE,
                       "store: %s: others may write it (mode %04o); chmod go-w it, after a look at who did", path,
                       st->st_mode & 07777);
    return true;
}

static bool check_file(const char *path, bool make, struct err *err)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0);
    AUTO(auto_close) int fd = open(path, flags, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_set(err, ERR_STORE, "store: %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_STORE, "store: %s is not a file", path);
    return check_owner(&st, path, err);
}

static bool check_dir(const char *dir, struct err *err)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return err_set(err, ERR_STORE, "store: %s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_STORE, "store: %s is not a folder", dir);
    return check_owner(&st, dir, err);
}

static bool exec(struct db *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db->s, sql, NULL, NULL, NULL) == SQLITE_OK || sql_error(db->s, sql, err);
}

static bool pragma_i64(struct db *db, int64_t *out, const char *sql, struct err *err)
{
    sqlite3_stmt *s = NULL;
    bool ok = sqlite3_prepare_v2(db->s, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int64(s, 0);
    else
        sql_error(db->s, sql, err);
    sqlite3_finalize(s);
    return ok;
}

/* Is it a file of ours, of a schema that we know? steps: how many migrations it has had. */
static bool read_identity(struct db *db, int64_t *steps, struct err *err)
{
    int64_t app, tables;
    if (!pragma_i64(db, &app, "PRAGMA application_id", err) || !pragma_i64(db, steps, "PRAGMA user_version", err) ||
        !pragma_i64(db, &tables, "SELECT count(*) FROM sqlite_schema", err))
        return false;
    if (app != APPLICATION_ID && (app != 0 || tables != 0))
        return err_set(err, ERR_STORE, "store: %s/%s is a database of another program", db->dir, DB_NAME);
    if (*steps < 0 || (size_t)*steps > num_migrations)
        return err_set(err, ERR_STORE, "store: %s/%s is of schema %lld, this version knows %zu: a newer one wrote it",
                       db->dir, DB_NAME, (long long)*steps, num_migrations);
    return true;
}

static bool migrate_locked(struct db *db, struct err *err)
{
    int64_t steps;
    char pragma[64];
    if (!read_identity(db, &steps, err)) /* again: another process may have been faster */
        return false;
    for (size_t i = (size_t)steps; i < num_migrations; i++)
        if (!exec(db, migrations[i].sql, err))
            return err_wrap(err, "migration %zu (%s)", i + 1, migrations[i].area);
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", APPLICATION_ID);
    if (!exec(db, pragma, err))
        return false;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %zu", num_migrations);
    return exec(db, pragma, err);
}

static bool migrate(struct db *db, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    return db_begin(&tx, db, DB_DURABLE, err) && migrate_locked(db, err) && db_commit(&tx, err);
}

bool db_check(struct db *db, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "PRAGMA quick_check(1)");
    if (!stmt_row(&s))
        return stmt_ok(&s, err) ? err_set(err, ERR_STORE, "store: integrity check gave no answer") : false;
    const char *said = stmt_get_text(&s, "quick_check");
    if (strcmp(said, "ok") != 0)
        return err_set(err, ERR_STORE,
                       "store: %s/%s is damaged: %s; restore a backup, or move it away and let `import` rebuild what "
                       "the chain knows",
                       db->dir, DB_NAME, said);
    AUTO(stmt_done) struct stmt keys = db_stmt(db, "PRAGMA foreign_key_check");
    if (stmt_row(&keys))
        return err_set(err, ERR_STORE, "store: %s/%s: table %s points at rows that are gone", db->dir, DB_NAME,
                       stmt_get_text(&keys, "table"));
    return stmt_ok(&keys, err);
}

/* When the whole file was last found sound is kept in the file itself. */
static bool check_when_due(struct db *db, bool writable, struct err *err)
{
    struct stat st;
    char path[PATH_MAX + 16];
    int64_t last_s = 0, now_s = clock_now_s();
    snprintf(path, sizeof path, "%s/%s", db->dir, DB_NAME);
    if (!pragma_i64(db, &last_s, "SELECT coalesce(max(checked_at_s), 0) FROM store_check", err))
        return false;
    bool small = stat(path, &st) == 0 && st.st_size <= CHECK_ALWAYS_BYTES;
    if (!small && last_s <= now_s && now_s - last_s < CHECK_EVERY_S)
        return true;
    if (!db_check(db, err))
        return false;
    if (!writable || small)
        return true;
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT OR REPLACE INTO store_check (id, checked_at_s) VALUES (1, :now)");
    stmt_i64(&s, ":now", now_s);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

static bool open_file(struct db *db, const char *dir, int flags, struct err *err)
{
    char path[PATH_MAX + 16], real[PATH_MAX];
    /* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path; only the file itself matters, the folder was checked */
    if (!realpath(dir, real))
        return err_set(err, ERR_STORE, "store: %s: %s", dir, strerror(errno));
    snprintf(db->dir, sizeof db->dir, "%s", real);
    snprintf(path, sizeof path, "%s/%s", real, DB_NAME);
    if (sqlite3_open_v2(path, &db->s, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        return err_set(err, ERR_STORE, "store: %s: %s", path, db->s ? sqlite3_errmsg(db->s) : "no memory");
    sqlite3_busy_timeout(db->s, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->s, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_limit(db->s, SQLITE_LIMIT_ATTACHED, 0);
    return exec(db, "PRAGMA trusted_schema = OFF", err) && exec(db, "PRAGMA cell_size_check = ON", err) &&
           exec(db, "PRAGMA foreign_keys = ON", err) && exec(db, "PRAGMA synchronous = FULL", err);
}

static struct db *db_new(struct err *err)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        err_set(err, ERR_NOMEM, "store: no memory");
    return db;
}

bool db_open(struct db **out, const char *dir, struct err *err)
{
    AUTO(db_closep) struct db *db = db_new(err);
    char path[PATH_MAX + 16];
    int64_t steps;
    snprintf(path, sizeof path, "%s/%s", dir, DB_NAME);
    if (!db || !dir_make(dir, err) || !check_dir(dir, err) || !check_file(path, true, err))
        return false;
    if (!open_file(db, dir, SQLITE_OPEN_READWRITE, err) || !read_identity(db, &steps, err) ||
        !exec(db, "PRAGMA journal_mode = WAL", err))
        return false;
    if ((size_t)steps < num_migrations && !migrate(db, err))
        return false;
    if (!check_when_due(db, true, err))
        return false;
    *out = STEAL(db);
    return true;
}

bool db_open_readonly(struct db **out, const char *dir, struct err *err)
{
    AUTO(db_closep) struct db *db = db_new(err);
    char path[PATH_MAX + 16];
    int64_t steps;
    snprintf(path, sizeof path, "%s/%s", dir, DB_NAME);
    if (!db || !check_dir(dir, err) || !check_file(path, false, err) ||
        !open_file(db, dir, SQLITE_OPEN_READONLY, err) || !read_identity(db, &steps, err))
        return false;
    if ((size_t)steps != num_migrations)
        return err_set(err, ERR_STORE, "store: %s is of an older schema; any command that writes brings it up to date",
                       path);
    if (!check_when_due(db, false, err))
        return false;
    *out = STEAL(db);
    return true;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->num_cached; i++)
        sqlite3_finalize(db->cache[i].stmt);
    sqlite3_close(db->s);
    free(db);
}

void db_closep(struct db **db)
{
    db_close(*db);
}

const char *db_dir(const struct db *db)
{
    return db->dir;
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->s);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->s);
}

/* --- transactions --- */

bool db_begin(struct db_scope *out, struct db *db, enum db_sync sync, struct err *err)
{
    if (db->depth == 0) {
        /* the level can only change outside a transaction */
        if (sync != db->sync &&
            !exec(db, sync == DB_DURABLE ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err))
            return false;
        db->sync = sync;
        db->doomed = false;
        if (!exec(db, "BEGIN IMMEDIATE", err))
            return false;
    } else if (sync == DB_DURABLE && db->sync == DB_RELAXED) {
        return err_set(err, ERR_BUG, "store: a durable transaction inside one that can be lost");
    }
    db->depth++;
    out->db = db;
    return true;
}

bool db_commit(struct db_scope *scope, struct err *err)
{
    struct db *db = scope->db;
    if (!db)
        return err_set(err, ERR_BUG, "store: commit without begin");
    if (db->depth > 1) {
        db->depth--;
        scope->db = NULL;
        return true;
    }
    if (db->doomed)
        return err_set(err, ERR_BUG, "store: a part of the transaction was given up");
    if (!exec(db, "COMMIT", err))
        return false;
    db->depth = 0;
    scope->db = NULL;
    return true;
}

void db_scope_done(struct db_scope *scope)
{
    struct db *db = scope->db;
    if (!db)
        return;
    scope->db = NULL;
    if (--db->depth > 0)
        db->doomed = true;
    else if (!sqlite3_get_autocommit(db->s))
        sqlite3_exec(db->s, "ROLLBACK", NULL, NULL, NULL);
}

/* --- statements --- */

static void stmt_fail(struct stmt *s, bool bug, const char *what, const char *detail)
{
    if (s->failed)
        return;
    s->failed = true;
    s->bug = bug;
    snprintf(s->why, sizeof s->why, "%.60s: %.130s", what, detail);
}

static void stmt_fail_sql(struct stmt *s, const char *what)
{
    struct err err = {0};
    sql_error(s->db->s, what, &err);
    stmt_fail(s, false, "store", err.text + strlen("store: "));
}

/* Literals have one address each, so the address is the key. */
static sqlite3_stmt *from_cache(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->num_cached; i++)
        if (db->cache[i].sql == sql && !db->cache[i].in_use) {
            db->cache[i].in_use = true;
            return db->cache[i].stmt;
        }
    return NULL;
}

static bool into_cache(struct db *db, const char *sql, sqlite3_stmt *stmt)
{
    if (db->num_cached == MAX_CACHED)
        return false;
    db->cache[db->num_cached].sql = sql;
    db->cache[db->num_cached].stmt = stmt;
    db->cache[db->num_cached].in_use = true;
    db->num_cached++;
    return true;
}

struct stmt db_stmt(struct db *db, const char *sql)
{
    struct stmt s = {.db = db, .s = from_cache(db, sql)};
    s.cached = s.s != NULL;
    if (s.cached)
        return s;
    if (sqlite3_prepare_v3(db->s, sql, -1, SQLITE_PREPARE_PERSISTENT, &s.s, NULL) != SQLITE_OK)
        stmt_fail_sql(&s, sql);
    else
        s.cached = into_cache(db, sql, s.s);
    return s;
}

void stmt_done(struct stmt *s)
{
    if (!s->s)
        return;
    if (!s->cached) {
        sqlite3_finalize(s->s);
    } else {
        sqlite3_reset(s->s);
        sqlite3_clear_bindings(s->s);
        for (size_t i = 0; i < s->db->num_cached; i++)
            if (s->db->cache[i].stmt == s->s)
                s->db->cache[i].in_use = false;
    }
    s->s = NULL;
}

static int param(struct stmt *s, const char *name)
{
    if (s->failed)
        return 0;
    int index = sqlite3_bind_parameter_index(s->s, name);
    if (index == 0)
        stmt_fail(s, true, "store: no parameter", name);
    return index;
}

static void bound(struct stmt *s, int code, const char *name)
{
    if (code != SQLITE_OK)
        stmt_fail_sql(s, name);
}

void stmt_i64(struct stmt *s, const char *name, int64_t v)
{
    int index = param(s, name);
    if (index)
        bound(s, sqlite3_bind_int64(s->s, index, v), name);
}

void stmt_u64(struct stmt *s, const char *name, uint64_t v)
{
    if (v > INT64_MAX)
        stmt_fail(s, false, "store: number above 2^63", name);
    else
        stmt_i64(s, name, (int64_t)v);
}

void stmt_text(struct stmt *s, const char *name, const char *v)
{
    int index = param(s, name);
    if (index)
        bound(s, v ? sqlite3_bind_text(s->s, index, v, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(s->s, index), name);
}

void stmt_blob(struct stmt *s, const char *name, struct bytes v)
{
    int index = param(s, name);
    if (index) /* an empty blob is not NULL */
        bound(s, sqlite3_bind_blob64(s->s, index, v.len ? (const void *)v.p : "", v.len, SQLITE_TRANSIENT), name);
}

bool stmt_row(struct stmt *s)
{
    if (s->failed)
        return false;
    int code = sqlite3_step(s->s);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        stmt_fail_sql(s, sqlite3_sql(s->s));
    return code == SQLITE_ROW;
}

void stmt_reset(struct stmt *s)
{
    if (s->failed)
        return;
    sqlite3_reset(s->s);
    sqlite3_clear_bindings(s->s);
}

bool stmt_ok(const struct stmt *s, struct err *err)
{
    return !s->failed || err_set(err, s->bug ? ERR_BUG : ERR_STORE, "%s", s->why);
}

bool stmt_run(struct stmt *s, struct err *err)
{
    if (stmt_row(s))
        stmt_fail(s, true, "store: rows where none were due", sqlite3_sql(s->s));
    return stmt_ok(s, err);
}

static int column(struct stmt *s, const char *name)
{
    if (s->failed)
        return -1;
    int n = sqlite3_data_count(s->s);
    for (int k = 0; k < n; k++) {
        int i = (s->next_column + k) % n;
        if (strcmp(sqlite3_column_name(s->s, i), name) == 0) {
            s->next_column = i + 1;
            return i;
        }
    }
    stmt_fail(s, true, "store: no column", name);
    return -1;
}

int64_t stmt_get_i64(struct stmt *s, const char *name)
{
    int i = column(s, name);
    return i < 0 ? 0 : sqlite3_column_int64(s->s, i);
}

uint64_t stmt_get_u64(struct stmt *s, const char *name)
{
    int64_t v = stmt_get_i64(s, name);
    if (v < 0)
        stmt_fail(s, false, "store: negative number in column", name);
    return v < 0 ? 0 : (uint64_t)v;
}

const char *stmt_get_text(struct stmt *s, const char *name)
{
    int i = column(s, name);
    const char *text = i < 0 ? NULL : (const char *)sqlite3_column_text(s->s, i);
    return text ? text : "";
}

struct bytes stmt_get_blob(struct stmt *s, const char *name)
{
    int i = column(s, name);
    if (i < 0)
        return (struct bytes){0};
    const void *p = sqlite3_column_blob(s->s, i);
    return bytes_from(p, p ? (size_t)sqlite3_column_bytes(s->s, i) : 0);
}

void stmt_get_fixed(struct stmt *s, const char *name, void *out, size_t len)
{
    struct bytes b = stmt_get_blob(s, name);
    if (!s->failed && b.len != len)
        stmt_fail(s, false, "store: wrong size in column", name);
    if (s->failed)
        memset(out, 0, len);
    else
        memcpy(out, b.p, len);
}

bool stmt_is_null(struct stmt *s, const char *name)
{
    int i = column(s, name);
    return i < 0 || sqlite3_column_type(s->s, i) == SQLITE_NULL;
}
