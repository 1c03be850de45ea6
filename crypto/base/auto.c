#include "crypto/base/auto.h"

#include <stdlib.h>
#include <unistd.h>

void auto_free(void *where)
{
    free(*(void **)where);
}

void auto_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
