#include "relayer/stop.h"

#include <signal.h>
#include <stddef.h>

volatile int stop_flag;

static void on_signal(int number)
{
    (void)number;
    stop_flag = 1;
}

void stop_install(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

bool stop_wanted(void)
{
    return stop_flag != 0;
}
