/* What one TDX verification costs, set against the P-256 checks in it: bench_tdx cold|warm|threads|memory [FOLDER].
 * cold: quote and all collateral from bytes to verdict, nothing held. warm: collateral proved beforehand. threads: how many
 * per second on one thread and on two. memory: the peak of a process that verifies once, in MB.
 * FOLDER: the scene is written there, for a peer to be measured on the same bytes. One JSON object on standard output. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tdx_proof.h"
#include "tests/support/sim/intel.h"

#include <openssl/ec.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define NOW 1780000000
#define DAY 86400

struct scene {
    struct buf quote;
    struct bytes file[7]; /* collateral, in the order of a listing; each malloc'd */
    struct buf root;      /* DER */
    struct roots roots;
    struct policy policy;
    struct collateral held;
};

static void demand(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_tdx: %s\n", what);
    exit(1);
}

static struct bytes text_file(char *text)
{
    return bytes_from(text, strlen(text));
}

static bool add_files(struct collateral *pool, const struct scene *s)
{
    for (size_t i = 0; i < sizeof s->file / sizeof *s->file; i++)
        if (!collateral_add(pool, "bench", s->file[i], COLLATERAL_LISTED, NULL))
            return false;
    return true;
}

static void make(struct scene *s)
{
    const struct sim_world world = {.now_s = NOW};
    const struct sim_collateral c = {.issued_s = NOW - DAY, .next_update_s = NOW + DAY, .evaluation_number = 20};
    struct sim_td td = {.attributes = 1u << 28, .xfam = 0xe7};
    struct sim_intel v;
    sim_intel_init(&v, &world);
    *s = (struct scene){.quote = buf_new(1 << 20), .root = buf_new(1 << 16), .held = collateral_new()};
    sim_td_quote(&s->quote, &v, SIM_QUOTE_V4, &td);
    buf_put(&s->root, v.root.der);
    s->file[0] = text_file(sim_tcb_info(&v, &c));
    s->file[1] = text_file(sim_tcb_chain(&v));
    s->file[2] = text_file(sim_qe_identity(&v, &c));
    s->file[3] = text_file(sim_tcb_chain(&v));
    s->file[4] = sim_crl(&v.root, NOW - DAY, NOW + DAY, 1, NULL, 0, false);
    s->file[5] = sim_crl(&v.platform_ca, NOW - DAY, NOW + DAY, 1, NULL, 0, false);
    s->file[6] = text_file(sim_pck_ca_chain(&v));
    demand(roots_init(&s->roots, NULL) && roots_add(&s->roots, buf_view(&s->root), NULL), "roots");
    policy_strict(&s->policy);
    demand(add_files(&s->held, s) && collateral_prove(&s->held, &s->roots, NULL), "collateral");
    sim_intel_done(&v);
}

static void done(struct scene *s)
{
    buf_done(&s->quote);
    buf_done(&s->root);
    for (size_t i = 0; i < sizeof s->file / sizeof *s->file; i++)
        free((void *)(uintptr_t)s->file[i].p);
    collateral_done(&s->held);
    roots_done(&s->roots);
}

static void judge(const struct scene *s, const struct collateral *pool)
{
    static _Thread_local struct verdict verdict;
    struct expected expected = {0};
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    bundle.tee = TEE_TDX;
    bundle.report_type = REPORT_NATIVE;
    bundle.has_report = bundle.bare = true;
    bundle.report = buf_view(&s->quote);
    AUTO(evidence_done) struct ev ev = {.bundle = &bundle, .collateral = pool, .policy = &s->policy, .roots = &s->roots,
                                        .expected = &expected, .now_s = NOW};
    evidence_judge(&ev, &verdict);
    demand(verdict.verdict == VERIFIED, "the scene does not verify");
}

static void cold(const struct scene *s)
{
    AUTO(collateral_done) struct collateral pool = collateral_new();
    demand(add_files(&pool, s), "collateral");
    judge(s, &pool);
}

static void warm(const struct scene *s)
{
    judge(s, &s->held);
}

/* --- the floor: a check with a key that is ready --- */

struct bare {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    uint8_t digest[32], sig[80];
    size_t sig_len;
};

static struct bare bare_new(void)
{
    struct bare b = {.key = EVP_EC_gen("P-256"), .sig_len = sizeof b.sig};
    EVP_PKEY_CTX *signer = EVP_PKEY_CTX_new(b.key, NULL);
    demand(EVP_PKEY_sign_init(signer) == 1 && EVP_PKEY_sign(signer, b.sig, &b.sig_len, b.digest, sizeof b.digest) == 1, "sign");
    EVP_PKEY_CTX_free(signer);
    b.ctx = EVP_PKEY_CTX_new(b.key, NULL);
    demand(EVP_PKEY_verify_init(b.ctx) == 1, "verify");
    return b;
}

static void bare_check(const struct bare *b, int times)
{
    for (int i = 0; i < times; i++)
        demand(EVP_PKEY_verify(b->ctx, b->sig, b->sig_len, b->digest, sizeof b->digest) == 1, "bare check");
}

/* --- measuring --- */

static double clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Least of several rounds, ours and the floor in turn, so that a busy machine hits both. */
static void measure(const char *name, void (*run)(const struct scene *), const struct scene *s, int checks)
{
    struct bare b = bare_new();
    double ours = 1e18, floor = 1e18;
    for (int round = 0; round < 25; round++) {
        double start = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        for (int i = 0; i < 20; i++)
            run(s);
        double mid = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        bare_check(&b, 20 * checks);
        double end = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        ours = mid - start < ours ? mid - start : ours;
        floor = end - mid < floor ? end - mid : floor;
    }
    printf("{\"bench\": \"%s\", \"ours\": %.1f, \"unit\": \"us\", \"floor\": %.1f, \"floor_ratio\": %.3f}\n", name, ours / 20,
           floor / 20, ours / floor);
    EVP_PKEY_CTX_free(b.ctx);
    EVP_PKEY_free(b.key);
}

#define PER_THREAD 1500

static void *worker(void *user)
{
    for (int i = 0; i < PER_THREAD; i++)
        warm(user);
    return NULL;
}

/* Verifications per second of wall time. */
static double rate(const struct scene *s, size_t threads)
{
    pthread_t t[8];
    double start = clock_us(CLOCK_MONOTONIC);
    for (size_t i = 0; i < threads; i++)
        demand(pthread_create(&t[i], NULL, worker, (void *)(uintptr_t)s) == 0, "thread");
    for (size_t i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    return (double)threads * PER_THREAD * 1e6 / (clock_us(CLOCK_MONOTONIC) - start);
}

static void measure_threads(const struct scene *s)
{
    double one = 0, two = 0;
    for (int round = 0; round < 7; round++) {
        double r = rate(s, 1);
        one = r > one ? r : one;
        r = rate(s, 2);
        two = r > two ? r : two;
    }
    printf("{\"bench\": \"tdx-threads\", \"ours\": %.0f, \"unit\": \"/s on 2\", \"floor\": %.0f, \"floor_ratio\": %.3f}\n", two, one, two / one);
}

static void measure_memory(const struct scene *s)
{
    struct rusage u;
    cold(s);
    getrusage(RUSAGE_SELF, &u);
    printf("{\"bench\": \"tdx-memory\", \"ours\": %.1f, \"unit\": \"MB peak\", \"floor\": 16, \"floor_ratio\": %.3f}\n",
           (double)u.ru_maxrss / 1024, (double)u.ru_maxrss / 1024 / 16);
}

static void write_file(const char *folder, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    demand(f && fwrite(data.p, 1, data.len, f) == data.len && fclose(f) == 0, path);
}

static void write_scene(const struct scene *s, const char *folder)
{
    static const uint8_t fmspc[6] = {0x90, 0xc0, 0x6f};
    AUTO(buf_done) struct buf json = buf_new(1 << 20);
    struct err err = {0};
    demand(collateral_export_dcap_qvl(&json, &s->held, true, fmspc, false, &err), err.text);
    write_file(folder, "quote.bin", buf_view(&s->quote));
    write_file(folder, "collateral.json", buf_view(&json));
    write_file(folder, "root.der", buf_view(&s->root));
}

int main(int argc, char **argv)
{
    struct scene s;
    const char *mode = argc > 1 ? argv[1] : "";
    make(&s);
    if (argc > 2)
        write_scene(&s, argv[2]);
    if (strcmp(mode, "cold") == 0)
        measure("tdx-cold", cold, &s, 10);
    else if (strcmp(mode, "warm") == 0)
        measure("tdx-warm", warm, &s, 3);
    else if (strcmp(mode, "threads") == 0)
        measure_threads(&s);
    else if (strcmp(mode, "memory") == 0)
        measure_memory(&s);
    else
        demand(false, "want cold, warm, threads or memory");
    done(&s);
    return 0;
}
