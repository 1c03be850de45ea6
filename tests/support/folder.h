/* A folder of a test's own, for its owner alone (0700), gone with all that is in it when the test ends. */
#ifndef CVM_TESTS_FOLDER_H
#define CVM_TESTS_FOLDER_H

#include <stdbool.h>

#define TEST_FOLDER_SIZE 64
bool test_folder_make(char path[static TEST_FOLDER_SIZE]);
int test_folder_drop(const char *path); /* 0, as a teardown wants it; not there: fine */

#endif
