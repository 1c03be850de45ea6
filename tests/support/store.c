#include "tests/support/store.h"

struct test_store store;

int store_make(void **state)
{
    (void)state;
    return test_folder_make(store.dir) && db_open(&store.db, store.dir, NULL) ? 0 : -1;
}

int store_drop(void **state)
{
    (void)state;
    db_close(store.db);
    store.db = NULL;
    return test_folder_drop(store.dir);
}
