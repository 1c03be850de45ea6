/* What our signature checks, certificates and chains cost, set against bare EVP_PKEY_verify calls on ready keys: one
 * JSON object per line, as tests/bench wants it. Real chains come from the vectors; without them their lines are left
 * out. */
#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_SIG 512

/* One signature and everything that is needed to check it. */
struct signed_digest {
    EVP_PKEY *theirs;
    EVP_PKEY_CTX *ctx;
    struct pubkey *ours;
    uint8_t *spki;
    size_t spki_len;
    bool pss;
    struct digest digest;
    uint8_t sig[MAX_SIG];
    size_t sig_len;
};

static void demand(bool ok)
{
    if (!ok) {
        fprintf(stderr, "a check failed that must not\n");
        exit(1);
    }
}

static void pss_params(EVP_PKEY_CTX *ctx, bool pss)
{
    if (!pss)
        return;
    demand(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1);
    demand(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha384()) == 1);
    demand(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 48) == 1);
}

static struct signed_digest sign(EVP_PKEY *key, enum hash_alg alg, bool pss)
{
    struct signed_digest s = {
        .theirs = key, .pss = pss, .digest = hash_of(alg, BYTES_LIT("message")), .sig_len = MAX_SIG};
    EVP_PKEY_CTX *signer = EVP_PKEY_CTX_new(key, NULL);
    demand(EVP_PKEY_sign_init(signer) == 1);
    pss_params(signer, pss);
    demand(EVP_PKEY_sign(signer, s.sig, &s.sig_len, s.digest.b, s.digest.len) == 1);
    EVP_PKEY_CTX_free(signer);
    s.ctx = EVP_PKEY_CTX_new(key, NULL);
    demand(EVP_PKEY_verify_init(s.ctx) == 1);
    pss_params(s.ctx, pss);
    s.spki_len = (size_t)i2d_PUBKEY(key, &s.spki);
    s.ours = pubkey_from_spki(bytes_from(s.spki, s.spki_len), NULL);
    demand(s.ours != NULL);
    return s;
}

static void signed_done(struct signed_digest *s)
{
    EVP_PKEY_CTX_free(s->ctx);
    EVP_PKEY_free(s->theirs);
    OPENSSL_free(s->spki);
    pubkey_free(s->ours);
}

static void check(const struct signed_digest *s, const struct pubkey *key)
{
    struct bytes digest = digest_view(&s->digest), sig = bytes_from(s->sig, s->sig_len);
    demand(s->pss ? pubkey_verify_pss(key, HASH_SHA384, 48, digest, sig) : pubkey_verify_ecdsa_der(key, digest, sig));
}

static void bare(void *arg)
{
    struct signed_digest *s = arg;
    demand(EVP_PKEY_verify(s->ctx, s->sig, s->sig_len, s->digest.b, s->digest.len) == 1);
}

static void warm(void *arg)
{
    struct signed_digest *s = arg;
    check(s, s->ours);
}

static void cold(void *arg)
{
    struct signed_digest *s = arg;
    AUTO(pubkey_freep) struct pubkey *key = pubkey_from_spki(bytes_from(s->spki, s->spki_len), NULL);
    demand(key != NULL);
    check(s, key);
}

/* --- chains --- */

struct chain {
    struct bytes der[4];
    struct cert cert[4];
    size_t n;
    struct pubkey *root;
    int64_t now_s;
};

static void parse(void *arg)
{
    struct chain *c = arg;
    for (size_t i = 0; i < c->n; i++)
        demand(cert_parse(&c->cert[i], c->der[i], NULL));
}

static void verify(void *arg)
{
    struct chain *c = arg;
    const struct chain_rules rules = {.leaf_may_be_ca = true}; /* AMD's two are CAs both */
    const struct pinned_root root = {.label = "root", .key = c->root, .subject = {0}};
    demand(chain_verify(c->cert, c->n, &root, 1, &rules, c->now_s, NULL, NULL, NULL) == CHAIN_OK);
}

static void parse_and_verify(void *arg)
{
    parse(arg);
    verify(arg);
}

static bool read_vector(struct buf *out, const char *name)
{
    char path[4096], part[4096];
    const char *set = getenv("CVM_VECTORS");
    snprintf(path, sizeof path, "%s/%s", set && *set ? set : "../shared/vectors", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(out, bytes_from(part, n));
    fclose(f);
    return true;
}

/* The PEM certificates in the file (a quote has some too), in order; kept holds their bytes. */
static bool load(struct chain *c, struct der_list *kept, const char *name)
{
    AUTO(buf_done) struct buf in = buf_new(1 << 20);
    if (!read_vector(&in, name))
        return false;
    demand(pem_parse(kept, buf_view(&in), "CERTIFICATE", 4, NULL));
    for (c->n = 0; c->n < kept->count; c->n++) {
        demand(cert_parse(&c->cert[c->n], kept->item[c->n], NULL));
        if (c->cert[c->n].not_before_s > c->now_s)
            c->now_s = c->cert[c->n].not_before_s;
    }
    c->n = chain_sort(c->cert, c->n);
    for (size_t i = 0; i < c->n; i++)
        c->der[i] = c->cert[i].der;
    c->root = cert_pubkey(&c->cert[c->n - 1], NULL);
    demand(c->root != NULL);
    return true;
}

/* --- measuring --- */

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double once(void (*run)(void *), void *arg, int times)
{
    double start = now_us();
    for (int i = 0; i < times; i++)
        run(arg);
    return (now_us() - start) / times;
}

/* Least of several rounds, ours and the floor in turn, so that a busy machine hits both. floor_times: how many bare
 * checks. */
static void measure(const char *name, void (*run)(void *), void *arg, int times, struct signed_digest *floor,
                    int floor_times)
{
    double ours = 1e18, theirs = 1e18;
    for (int round = 0; round < 9; round++) {
        double t = once(run, arg, times);
        ours = t < ours ? t : ours;
        t = floor ? once(bare, floor, times) * floor_times : 0;
        theirs = t < theirs ? t : theirs;
    }
    printf("{\"bench\": \"%s\", \"ours\": %.2f, \"unit\": \"us\"", name, ours);
    if (floor)
        printf(", \"floor\": %.2f, \"floor_ratio\": %.3f", theirs, ours / theirs);
    printf("}\n");
}

int main(void)
{
    struct signed_digest p256 = sign(EVP_EC_gen("P-256"), HASH_SHA256, false);
    struct signed_digest p384 = sign(EVP_EC_gen("P-384"), HASH_SHA384, false);
    struct signed_digest rsa = sign(EVP_RSA_gen(4096), HASH_SHA384, true);
    measure("p256 verify", warm, &p256, 300, &p256, 1);
    measure("p256 key and verify", cold, &p256, 300, &p256, 1);
    measure("p384 verify", warm, &p384, 50, &p384, 1);
    measure("p384 key and verify", cold, &p384, 50, &p384, 1);
    measure("rsa4096 pss verify", warm, &rsa, 200, &rsa, 1);
    measure("rsa4096 pss key and verify", cold, &rsa, 200, &rsa, 1);

    struct chain pck = {0}, amd = {0};
    AUTO(der_list_done) struct der_list pck_mem = {0};
    AUTO(der_list_done) struct der_list amd_mem = {0};
    if (load(&pck, &pck_mem, "tdx/quotes/v4_b0c06f_uptodate_ev20.bin")) {
        measure("pck chain, parse", parse, &pck, 1000, NULL, 0);
        measure("pck chain, parse and verify", parse_and_verify, &pck, 100, &p256, 3);
    }
    if (load(&amd, &amd_mem, "snp/chains/vcek_milan.pem")) {
        measure("amd ask and ark, parse", parse, &amd, 1000, NULL, 0);
        measure("amd ask and ark, parse and verify", parse_and_verify, &amd, 50, &rsa, 2);
    }
    pubkey_free(pck.root);
    pubkey_free(amd.root);
    signed_done(&p256);
    signed_done(&p384);
    signed_done(&rsa);
    return 0;
}
