#include "relayer/hooks.h"

#ifdef CVM_TEST_HOOKS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned passed;

static void append(const char *path, const char *name)
{
    char line[128];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int len = snprintf(line, sizeof line, "%u %s\n", passed, name);
    if (fd >= 0 && write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

void hook_point(const char *name)
{
    const char *at = getenv("CVM_CRASH_AT"), *log = getenv("CVM_CRASH_LOG");
    passed++;
    if (log)
        append(log, name);
    if (at && strtoul(at, NULL, 10) == passed)
        kill(getpid(), SIGKILL);
}
#else
typedef int hooks_are_compiled_out; /* a translation unit is not to be empty */
#endif
