/* bench_evidence tpm|bundle: what judging a TPM quote and a whole bundle costs, set against the bare signature checks within
 * them on ready keys; one JSON object per line. Real evidence comes from the vectors; without them there is no line. */
#include "crypto/base/auto.h"
#include "relayer/evidence/evidence.h"
#include "relayer/registry/calldata.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUN_S 2.0

static void demand(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Of this process: neighbours on the machine do not count. */
static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Microseconds per call. */
static double measure(void (*call)(void *), void *ctx)
{
    for (int i = 0; i < 3; i++)
        call(ctx);
    double from = now_s(), spent = 0;
    size_t n = 0;
    while (spent < RUN_S) {
        for (int i = 0; i < 10; i++)
            call(ctx);
        n += 10;
        spent = now_s() - from;
    }
    return spent * 1e6 / (double)n;
}

/* --- bare checks --- */

struct bare {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    uint8_t digest[32], sig[512];
    size_t sig_len;
};

static struct bare bare_of(EVP_PKEY *key)
{
    struct bare b = {.key = key, .sig_len = sizeof b.sig};
    EVP_PKEY_CTX *signer = EVP_PKEY_CTX_new(key, NULL);
    demand(key && EVP_PKEY_sign_init(signer) == 1 && EVP_PKEY_CTX_set_signature_md(signer, EVP_sha256()) == 1 &&
               EVP_PKEY_sign(signer, b.sig, &b.sig_len, b.digest, sizeof b.digest) == 1,
           "signing");
    EVP_PKEY_CTX_free(signer);
    b.ctx = EVP_PKEY_CTX_new(key, NULL);
    demand(EVP_PKEY_verify_init(b.ctx) == 1 && EVP_PKEY_CTX_set_signature_md(b.ctx, EVP_sha256()) == 1, "verifying");
    return b;
}

static void bare_check(void *ctx)
{
    struct bare *b = ctx;
    demand(EVP_PKEY_verify(b->ctx, b->sig, b->sig_len, b->digest, sizeof b->digest) == 1, "a bare check failed");
}

static double bare_us(EVP_PKEY *key)
{
    struct bare b = bare_of(key);
    double us = measure(bare_check, &b);
    EVP_PKEY_CTX_free(b.ctx);
    EVP_PKEY_free(b.key);
    return us;
}

/* --- judging --- */

struct judging {
    struct buf json; /* bundle; empty: take the bundle as it stands */
    struct bundle bundle;
    struct policy policy;
    struct roots roots;
    struct expected expected;
    int64_t at_s;
    const char *must_pass;
    struct verdict verdict;
};

static void judge(struct judging *j, const struct bundle *b)
{
    struct ev ev = {.bundle = b, .policy = &j->policy, .roots = &j->roots, .expected = &j->expected, .now_s = j->at_s};
    evidence_judge(&ev, &j->verdict);
    const struct result *r = verdict_find(&j->verdict, j->must_pass);
    demand(r && r->finding.outcome == PASS, j->must_pass);
    evidence_done(&ev);
}

static void judge_text(void *ctx)
{
    struct judging *j = ctx;
    AUTO(bundle_done) struct bundle b = {0};
    demand(bundle_from_json(&b, buf_view(&j->json), NULL), "the bundle does not read");
    judge(j, &b);
}

static void read_text(void *ctx)
{
    struct judging *j = ctx;
    AUTO(bundle_done) struct bundle b = {0};
    demand(bundle_from_json(&b, buf_view(&j->json), NULL), "the bundle does not read");
}

static void parse_json(void *ctx)
{
    struct judging *j = ctx;
    json_auto_t *doc = json_loadb((const char *)j->json.p, j->json.len, JSON_REJECT_DUPLICATES, NULL);
    demand(doc, "not JSON");
}

static void judge_ready(void *ctx)
{
    struct judging *j = ctx;
    judge(j, &j->bundle);
}

static bool read_file(struct buf *out, const char *name)
{
    char path[4096], part[65536];
    const char *root = getenv("CVM_VECTORS");
    snprintf(path, sizeof path, "%s/%s", root && *root ? root : "../shared/vectors", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(out, bytes_from(part, n));
    fclose(f);
    return true;
}

static void begin(struct judging *j)
{
    policy_authentic(&j->policy);
    demand(roots_init(&j->roots, NULL), "roots");
}

static void line(const char *name, double ours, double floor)
{
    printf("{\"bench\": \"%s\", \"ours\": %.2f, \"unit\": \"us\", \"floor\": %.2f, \"floor_ratio\": %.3f}\n", name, ours, floor, ours / floor);
}

/* One quote of the TDX registration: the AK is given, so that one P-256 check is all its cryptography. */
static void bench_tpm(void)
{
    AUTO(buf_done) struct buf quote = buf_new(1 << 16), sig = buf_new(1 << 16), cert = buf_new(1 << 16), spki = buf_new(1 << 12);
    struct judging *j = calloc(1, sizeof *j);
    struct cert c;
    if (!read_file(&quote, "tpm/quotes/gcp-tdx-p256-chain.attest.bin") || !read_file(&sig, "tpm/quotes/gcp-tdx-p256-chain.sig.bin") ||
        !read_file(&cert, "tpm/quotes/gcp-tdx-p256-chain.ak.cert.der"))
        return free(j);
    begin(j);
    demand(cert_parse(&c, buf_view(&cert), NULL), "certificate");
    j->bundle.quote = buf_view(&quote);
    j->bundle.signature = buf_view(&sig);
    j->bundle.ak_public = c.spki;
    j->must_pass = "tpm.signature";
    line("tpm quote", measure(judge_ready, j), bare_us(EVP_EC_gen("P-256")));
    roots_done(&j->roots);
    free(j);
}

/* The whole registration, from bundle JSON: P-256 for quote, QE report, three PCK certificates and the TPM quote; RSA-4096 for
 * the three certificates of the AK's chain. */
static void bench_bundle(void)
{
    AUTO(buf_done) struct buf calldata = buf_new(1 << 20);
    struct judging *j = calloc(1, sizeof *j);
    if (!read_file(&calldata, "registry-v1/gcp-tdx-registration.g1b.bin"))
        return free(j);
    begin(j);
    struct bundle b;
    demand(bundle_from_calldata(&b, buf_view(&calldata), NULL), "calldata");
    json_auto_t *doc = bundle_to_json(&b);
    AUTO(auto_free) char *text = json_dumps(doc, JSON_COMPACT);
    j->json = buf_new(1 << 20);
    buf_text(&j->json, text);
    j->bundle = b;
    j->at_s = 1766049300;
    j->must_pass = "ak.chain";
    double floor = 6 * bare_us(EVP_EC_gen("P-256")) + 3 * bare_us(EVP_RSA_gen(4096));
    line("bundle from JSON", measure(judge_text, j), floor);
    line("bundle read", measure(read_text, j), measure(parse_json, j));
    line("bundle ready", measure(judge_ready, j), floor);
    bundle_done(&b);
    buf_done(&j->json);
    roots_done(&j->roots);
    free(j);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "tpm") == 0)
        bench_tpm();
    else
        bench_bundle();
    return 0;
}
