/* What judging an SEV-SNP report costs: cold (certificates and CRL parsed and checked) and warm (collateral held), set
 * against the bare signature checks on ready keys with the same library. bench_snp cold|warm [PEER_US]; one JSON object
 * on a line, as tests/bench wants it. The evidence is a simulated Milan with RSA-4096 CAs, so that no vectors are
 * needed. */
#include "crypto/base/auto.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tdx_proof.h"
#include "tests/support/sim/amd.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW    1767225600
#define DAY    86400
#define ROUNDS 15
#define TIMES  20

struct bench {
    struct sim_amd amd;
    struct roots roots;
    struct policy policy;
    uint8_t report[SIM_REPORT_LEN];
    char *chain;
    struct bytes crl;
    struct collateral held;
    struct pubkey *ark, *ask, *vcek; /* ready keys, for the floor */
    struct cert cert[3];
    struct crl parsed_crl;
};

static void demand(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_snp: %s\n", what);
        exit(1);
    }
}

static void fill(struct collateral *pool, const struct bench *b)
{
    *pool = collateral_new();
    demand(collateral_add(pool, "leaf", b->amd.vcek.der, COLLATERAL_LISTED, NULL) &&
               collateral_add(pool, "chain", bytes_str(b->chain), COLLATERAL_LISTED, NULL) &&
               collateral_add(pool, "crl", b->crl, COLLATERAL_LISTED, NULL),
           "collateral");
}

static void judge(const struct bench *b, const struct collateral *pool)
{
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    const struct expected expected = {0};
    struct verdict v;
    bundle.tee = TEE_SNP;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = BYTES(b->report);
    AUTO(evidence_done)
    struct ev ev = {.bundle = &bundle,
                    .collateral = pool,
                    .policy = &b->policy,
                    .roots = &b->roots,
                    .expected = &expected,
                    .now_s = NOW};
    evidence_judge(&ev, &v);
    demand(v.verdict == VERIFIED, "not verified");
}

static void cold(struct bench *b)
{
    AUTO(collateral_done) struct collateral pool;
    fill(&pool, b);
    judge(b, &pool);
}

static void warm(struct bench *b)
{
    judge(b, &b->held);
}

/* --- the floor --- */

static void check_report(struct bench *b)
{
    uint8_t rs[96];
    for (size_t i = 0; i < 48; i++) {
        rs[i] = b->report[0x2a0 + 47 - i];
        rs[48 + i] = b->report[0x2a0 + 72 + 47 - i];
    }
    struct hash48 digest = sha384(bytes_from(b->report, 0x2a0));
    demand(pubkey_verify_ecdsa(b->vcek, BYTES_OF(digest), bytes_from(rs, 48), bytes_from(rs + 48, 48)), "report");
}

/* one P-384, two RSA-PSS of the chain (leaf and intermediate), one of the CRL */
static void bare_cold(struct bench *b)
{
    check_report(b);
    demand(cert_signed_by(&b->cert[0], b->ask) && cert_signed_by(&b->cert[1], b->ark), "chain");
    demand(sig_verify(b->parsed_crl.sig_alg, b->ark, b->parsed_crl.tbs, b->parsed_crl.sig), "CRL");
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double once(void (*run)(struct bench *), struct bench *b)
{
    double start = now_us();
    for (int i = 0; i < TIMES; i++)
        run(b);
    return (now_us() - start) / TIMES;
}

static void measure(const char *name, void (*run)(struct bench *), void (*floor)(struct bench *), struct bench *b,
                    double peer_us)
{
    double ours = 1e18, theirs = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double t = once(run, b);
        ours = t < ours ? t : ours;
        t = once(floor, b);
        theirs = t < theirs ? t : theirs;
    }
    printf("{\"bench\": \"%s\", \"ours\": %.1f, \"unit\": \"us\", \"floor\": %.1f, \"floor_ratio\": %.3f", name, ours,
           theirs, ours / theirs);
    if (peer_us > 0)
        printf(", \"peer\": %.1f, \"peer_ratio\": %.1f", peer_us, peer_us / ours);
    printf("}\n");
}

static void prepare(struct bench *b)
{
    const struct sim_world world = {.now_s = NOW, .rsa_4096 = true};
    const struct sim_cert *certs[] = {&b->amd.vcek, &b->amd.ask, &b->amd.ark};
    sim_amd_init(&b->amd, &world, SIM_MILAN);
    sim_report(b->report, &b->amd, 5, false);
    sim_report_sign(b->report, b->amd.vcek.key);
    b->chain = sim_amd_chain(&b->amd, false);
    b->crl = sim_amd_crl(&b->amd, NOW - DAY, NOW + DAY, 1, NULL, 0);
    policy_strict(&b->policy);
    demand(roots_init(&b->roots, NULL) && roots_add(&b->roots, b->amd.ark.der, NULL), "roots");
    fill(&b->held, b);
    demand(collateral_prove(&b->held, &b->roots, NULL), "held collateral");
    for (size_t i = 0; i < 3; i++)
        demand(cert_parse(&b->cert[i], certs[i]->der, NULL), "certificate");
    demand(crl_parse(&b->parsed_crl, b->crl, NULL), "CRL");
    b->vcek = cert_pubkey(&b->cert[0], NULL);
    b->ask = cert_pubkey(&b->cert[1], NULL);
    b->ark = cert_pubkey(&b->cert[2], NULL);
    demand(b->vcek && b->ask && b->ark, "keys");
}

int main(int argc, char **argv)
{
    static struct bench b;
    demand(argc >= 2, "usage: bench_snp cold|warm [PEER_US]");
    double peer_us = argc > 2 ? atof(argv[2]) : 0;
    prepare(&b);
    if (strcmp(argv[1], "warm") == 0)
        measure("snp-warm", warm, check_report, &b, peer_us);
    else
        measure("snp-cold", cold, bare_cold, &b, peer_us);
    pubkey_free(b.vcek);
    pubkey_free(b.ask);
    pubkey_free(b.ark);
    collateral_done(&b.held);
    roots_done(&b.roots);
    free(b.chain);
    free((void *)b.crl.p);
    sim_amd_done(&b.amd);
    return 0;
}
