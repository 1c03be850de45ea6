#include "tests/support/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

bool test_folder_make(char path[static TEST_FOLDER_SIZE])
{
    snprintf(path, TEST_FOLDER_SIZE, "/tmp/cvm-test-XXXXXX");
    return mkdtemp(path) != NULL;
}

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int test_folder_drop(const char *path)
{
    return nftw(path, drop_one, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ? 0 : -1;
}
