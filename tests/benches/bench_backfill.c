/* Backfill of a registry's events from an endpoint: bench_backfill URL REGISTRY DIR. Prints one JSON object. */
#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "relayer/events.h"

#include <stdio.h>
#include <time.h>

static double seconds(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run(char **argv, struct err *err)
{
    AUTO(session_done) struct session s = {0};
    struct config cfg = {.rpc_url = {.item = &argv[1], .count = 1}, .state_dir = argv[3], .chain_id = 31337, .rpc_timeout_s = 60};
    struct events_report report = {0};
    s.cfg = &cfg;
    s.chain = (struct onchain){.chain_id = 31337};
    if (!addr_parse(&s.chain.registry, bytes_str(argv[2]), err) || !session_open_store(&s, &cfg, err) || !session_open_rpc(&s, err))
        return false;
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!events_follow(&s, &report, &(struct events_query){.has_from = true}, err))
        return false;
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"bench\": \"backfill\", \"ours\": %.0f, \"unit\": \"events/s\", \"events\": %llu, \"wall_s\": %.3f, \"cpu_s\": %.3f, \"per_cpu_s\": %.0f}\n",
           (double)report.found / wall, (unsigned long long)report.found, wall, cpu, (double)report.found / cpu);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc == 4 && run(argv, &err))
        return 0;
    fprintf(stderr, "bench_backfill URL REGISTRY DIR: %s\n", err.text);
    return 1;
}
