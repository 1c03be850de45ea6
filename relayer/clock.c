#include "relayer/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef CVM_TEST_HOOKS
static int64_t moved_s(void)
{
    const char *path = getenv("CVM_TEST_CLOCK");
    FILE *f = path ? fopen(path, "re") : NULL;
    long long offset = 0;
    if (f) {
        if (fscanf(f, "%lld", &offset) != 1)
            offset = 0;
        fclose(f);
    }
    return offset;
}
#else
static int64_t moved_s(void)
{
    return 0;
}
#endif

static int64_t read_ms(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_ms(CLOCK_REALTIME) + moved_s() * 1000;
}

int64_t clock_now_s(void)
{
    return clock_now_ms() / 1000;
}

uint64_t clock_mono_ms(void)
{
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

void clock_sleep_ms(uint64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}
