/* A store of a test's own: setup and teardown of a case. */
#ifndef CVM_TESTS_STORE_H
#define CVM_TESTS_STORE_H

#include "relayer/store/db.h"
#include "tests/support/folder.h"

struct test_store {
    char dir[TEST_FOLDER_SIZE];
    struct db *db;
};
extern struct test_store store;
int store_make(void **state);
int store_drop(void **state);

#endif
