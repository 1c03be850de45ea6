#include "relayer/store/db.h"
#include "crypto/base/auto.h"
#include "relayer/store/migrations.h"
#include "tests/support/folder.h"
#include "tests/support/vectors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[TEST_FOLDER_SIZE];
static struct db *db;

static int make(void **state)
{
    (void)state;
    if (!test_folder_make(dir))
        return -1;
    struct err err = {0};
    return db_open(&db, dir, &err) ? 0 : (fprintf(stderr, "%s\n", err.text), -1);
}

static int drop(void **state)
{
    (void)state;
    db_close(db);
    db = NULL;
    return test_folder_drop(dir);
}

static void file_path(char out[128])
{
    snprintf(out, 128, "%s/relayer.db", dir);
}

static bool put_check(int64_t v, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "INSERT OR REPLACE INTO store_check (id, checked_at_s) VALUES (1, :v)");
    stmt_i64(&s, ":v", v);
    return stmt_run(&s, err);
}

static int64_t get_check(void)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT checked_at_s FROM store_check");
    return stmt_row(&s) ? stmt_get_i64(&s, "checked_at_s") : -1;
}

static void a_scope_without_commit_is_rolled_back(void **state)
{
    (void)state;
    {
        AUTO(db_scope_done) struct db_scope tx = {0};
        assert_true(db_begin(&tx, db, DB_DURABLE, NULL) && put_check(5, NULL));
        assert_int_equal(get_check(), 5);
    }
    assert_int_equal(get_check(), -1);
    {
        AUTO(db_scope_done) struct db_scope tx = {0};
        assert_true(db_begin(&tx, db, DB_RELAXED, NULL) && put_check(6, NULL) && db_commit(&tx, NULL));
    }
    assert_int_equal(get_check(), 6);
}

static void an_inner_scope_that_fails_takes_the_outer_one_along(void **state)
{
    AUTO(db_scope_done) struct db_scope outer = {0};
    (void)state;
    assert_true(db_begin(&outer, db, DB_DURABLE, NULL));
    {
        AUTO(db_scope_done) struct db_scope inner = {0};
        assert_true(db_begin(&inner, db, DB_DURABLE, NULL) && put_check(7, NULL));
    }
    assert_false(db_commit(&outer, NULL));
    db_scope_done(&outer);
    assert_int_equal(get_check(), -1);
}

static void wrong_names_are_said(void **state)
{
    struct err err = {0};
    (void)state;
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT count(*) AS n FROM intents");
    stmt_i64(&s, ":nobody", 1);
    assert_false(stmt_ok(&s, &err));
    assert_int_equal(err.code, ERR_BUG);
    AUTO(stmt_done) struct stmt t = db_stmt(db, "SELECT count(*) AS n FROM intents");
    assert_true(stmt_row(&t));
    assert_int_equal(stmt_get_i64(&t, "m"), 0);
    assert_false(stmt_ok(&t, &err));
}

static void files_are_private_and_stay(void **state)
{
    char path[128];
    struct stat st;
    (void)state;
    file_path(path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(put_check(9, NULL));
    db_close(db);
    assert_true(db_open_readonly(&db, dir, NULL));
    assert_int_equal(get_check(), 9);
    assert_false(put_check(10, NULL));
}

static void what_others_may_write_is_refused(void **state)
{
    char path[128];
    struct err err = {0};
    struct db *again = NULL;
    (void)state;
    file_path(path);
    chmod(path, 0660);
    assert_false(db_open(&again, dir, &err));
    assert_int_equal(err.code, ERR_STORE);
    assert_non_null(strstr(err.text, "others may write"));
    chmod(path, 0600);
    chmod(dir, 0777);
    assert_false(db_open(&again, dir, &err));
    chmod(dir, 0700);
    assert_true(db_open(&again, dir, &err));
    db_close(again);
}

static void overwrite(long at, const char *bytes, size_t len)
{
    char path[128];
    file_path(path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

static void a_damaged_file_is_refused(void **state)
{
    struct err err = {0};
    struct db *again = NULL;
    char junk[4096];
    (void)state;
    memset(junk, 0xa5, sizeof junk);
    db_close(db);
    db = NULL;
    overwrite(2 * 4096, junk, sizeof junk);
    assert_false(db_open(&again, dir, &err));
    assert_int_equal(err.code, ERR_STORE);
    overwrite(0, junk, 100);
    assert_false(db_open(&again, dir, &err));
    assert_int_equal(err.code, ERR_STORE);
}

static void another_programs_or_a_newer_file_is_refused(void **state)
{
    struct err err = {0};
    struct db *again = NULL;
    (void)state;
    db_close(db);
    db = NULL;
    overwrite(68, "\x00\x00\x00\x01", 4); /* application id, sqlite file format 1.3 */
    assert_false(db_open(&again, dir, &err));
    assert_non_null(strstr(err.text, "another program"));
    overwrite(68, "CVMR", 4);
    overwrite(60, "\x00\x00\x0f\xff", 4); /* user version */
    assert_false(db_open(&again, dir, &err));
    assert_non_null(strstr(err.text, "newer one"));
}

static void a_disk_that_is_not_there_is_said(void **state)
{
    struct err err = {0};
    struct db *none = NULL;
    (void)state;
    assert_false(db_open(&none, "/proc/nowhere", &err));
    assert_int_equal(err.code, ERR_STORE);
    assert_null(none);
}

/* Each older schema opens and comes out as the newest. */
static void every_older_schema_is_brought_up_to_date(void **state)
{
    char path[128];
    (void)state;
    file_path(path);
    for (size_t steps = 1; steps < num_migrations; steps++) {
        db_close(db);
        db = NULL;
        assert_int_equal(unlink(path), 0);
        sqlite3 *raw;
        assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
        chmod(path, 0600);
        for (size_t i = 0; i < steps; i++)
            assert_int_equal(sqlite3_exec(raw, migrations[i].sql, NULL, NULL, NULL), SQLITE_OK);
        char pragmas[128];
        snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %zu", 0x43564d52, steps);
        assert_int_equal(sqlite3_exec(raw, pragmas, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(raw);

        struct err err = {0};
        struct db *older = NULL;
        assert_false(db_open_readonly(&older, dir, &err));
        if (!db_open(&db, dir, &err))
            fail_msg("%s", err.text);
        AUTO(stmt_done) struct stmt s = db_stmt(db, "PRAGMA user_version");
        assert_true(stmt_row(&s));
        assert_int_equal(stmt_get_i64(&s, "user_version"), num_migrations);
    }
}

static void the_state_directory_follows_its_order(void **state)
{
    char out[256], tiny[4];
    (void)state;
    setenv("HOME", "/h", 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("CVM_RELAYER_STATE_DIR");
    assert_true(store_dir(out, sizeof out, NULL, NULL));
    assert_string_equal(out, "/h/.local/state/cvm-relayer");
    setenv("XDG_STATE_HOME", "/x", 1);
    assert_true(store_dir(out, sizeof out, NULL, NULL));
    assert_string_equal(out, "/x/cvm-relayer");
    setenv("CVM_RELAYER_STATE_DIR", "/own", 1);
    assert_true(store_dir(out, sizeof out, NULL, NULL));
    assert_string_equal(out, "/own");
    assert_true(store_dir(out, sizeof out, "/given", NULL));
    assert_string_equal(out, "/given");
    assert_false(store_dir(tiny, sizeof tiny, "/given", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_scope_without_commit_is_rolled_back, make, drop),
        cmocka_unit_test_setup_teardown(an_inner_scope_that_fails_takes_the_outer_one_along, make, drop),
        cmocka_unit_test_setup_teardown(wrong_names_are_said, make, drop),
        cmocka_unit_test_setup_teardown(files_are_private_and_stay, make, drop),
        cmocka_unit_test_setup_teardown(what_others_may_write_is_refused, make, drop),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused, make, drop),
        cmocka_unit_test_setup_teardown(another_programs_or_a_newer_file_is_refused, make, drop),
        cmocka_unit_test_setup_teardown(every_older_schema_is_brought_up_to_date, make, drop),
        cmocka_unit_test(a_disk_that_is_not_there_is_said),
        cmocka_unit_test(the_state_directory_follows_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
