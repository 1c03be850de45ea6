/* How many times a second registry calldata is measured (decoded strictly, golden hash computed) and a bundle is encoded.
 *   calls_bench FILE     raw calldata of attestCvm; prints both rates */
#include "crypto/base/auto.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool measure(struct bytes calldata, const struct bundle *unused)
{
    (void)unused;
    AUTO(bundle_done) struct bundle b = {0};
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    struct golden g;
    return bundle_from_calldata(&b, calldata, NULL) && golden_from_bundle(&g, &mem, &b, PROFILE_NONE, NULL) && !hash32_is_zero(g.hash);
}

static bool encode(struct bytes calldata, const struct bundle *bundle)
{
    AUTO(buf_done) struct buf out = buf_new(1 << 22);
    return bundle_to_calldata(&out, bundle, CALL_NONE, PROFILE_NONE, NULL) && bytes_eq(buf_view(&out), calldata);
}

/* Rounds of a quarter of a second; the best counts, since a shared machine only ever makes things slower. */
static double rate(bool (*work)(struct bytes, const struct bundle *), struct bytes calldata, const struct bundle *bundle)
{
    double best = 0;
    for (int round = 0; round < 5; round++) {
        double start = now_s(), spent;
        long n = 0;
        do {
            if (!work(calldata, bundle))
                exit(1);
            n++;
            spent = now_s() - start;
        } while (spent < 0.25);
        if ((double)n / spent > best)
            best = (double)n / spent;
    }
    return best;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    static uint8_t data[1 << 20];
    struct bytes calldata = {data, f ? fread(data, 1, sizeof data, f) : 0};
    struct err err = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    if (!bundle_from_calldata(&bundle, calldata, &err))
        return fprintf(stderr, "calls_bench: %s\n", err.text), 2;
    printf("%f %f\n", rate(measure, calldata, &bundle), rate(encode, calldata, &bundle));
    return 0;
}
