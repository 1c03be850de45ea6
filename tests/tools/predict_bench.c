/* How long a prediction takes, against the bare signature checks that the call contains (keys parsed beforehand). Arguments:
 *   predict_bench CHAIN_ID REGISTRY TIME ROOT_DER REGISTRATION CALLDATA
 * files of raw bytes; REGISTRATION is put through first ("-": none). Prints predictions per second, checks per second, peak KB. */
#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/x509.h"
#include "relayer/evidence/identity.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7
#define ROUND_S 0.25

static void load(struct buf *out, const char *path)
{
    uint8_t part[65536];
    *out = buf_new(1 << 22);
    FILE *f = fopen(path, "rb");
    if (!f)
        exit(2);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(out, bytes_from(part, n));
    fclose(f);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this program alone: getrusage counts what stood here before exec, too. */
static long peak_kb(void)
{
    char line[200];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

/* What is measured, and what it needs. */
struct work {
    struct predict_call call;
    const struct registry_state *before;
    struct bundle bundle;
    struct cert cert[4];
    struct pubkey *issuer[4], *ak, *identity;
    struct hash32 quote_sha256;
    struct message message;
    uint64_t nonce;
};

static bool predict_once(struct work *w)
{
    AUTO(prediction_done) struct prediction p = {0};
    AUTO(registry_state_done) struct registry_state s = registry_state_new();
    for (size_t i = 0; i < w->before->num_ids; i++)
        registry_state_put(&s, &w->before->ids[i]);
    return predict(&p, &s, &w->call, NULL) && p.answer == PREDICT_SUCCESS;
}

static bool tpm_fits(const struct work *w)
{
    struct bytes sig = w->bundle.signature, digest = BYTES_OF(w->quote_sha256);
    if (pubkey_type(w->ak) == KEY_RSA)
        return pubkey_verify_pkcs1(w->ak, HASH_SHA256, digest, bytes_sub(sig, 6, sig.len - 6));
    return pubkey_verify_ecdsa(w->ak, digest, bytes_sub(sig, 6, 32), bytes_sub(sig, 40, 32));
}

static bool check_once(struct work *w)
{
    for (size_t i = 0; i + 1 < w->bundle.num_ak_certs; i++)
        if (!cert_signed_by(&w->cert[i], w->issuer[i]))
            return false;
    if (w->bundle.call.kind == CALL_REATTEST && !message_verify(&w->message, &w->bundle.identity, w->bundle.call.signatures[0]))
        return false;
    return tpm_fits(w);
}

/* The best of several rounds, per second. */
static double rate(bool (*once)(struct work *w), struct work *w)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_s(), took = 0;
        size_t n = 0;
        for (; took < ROUND_S; n++, took = now_s() - start)
            if (!once(w))
                exit(3);
        if ((double)n / took > best)
            best = (double)n / took;
    }
    return best;
}

static struct pubkey *kept_ak(const struct registry_state *s, struct hash32 id)
{
    const struct kept_identity *k = registry_state_find(s, id);
    struct identity as_identity = {.present = true, .algo = k->ak.algo, .params = k->ak.params, .scheme = ALG_RSASSA, .key = k->ak.data};
    if (k->ak.algo == ALG_ECC)
        as_identity.key = bytes_sub(k->ak.data, 1, 64);
    return identity_pubkey(&as_identity, NULL);
}

static void prepare_checks(struct work *w, const struct registry_state *after)
{
    struct bundle *b = &w->bundle;
    if (!bundle_from_calldata(b, w->call.calldata, NULL))
        exit(4);
    for (size_t i = 0; i < b->num_ak_certs && i < 4; i++)
        if (!cert_parse(&w->cert[i], b->ak_certs[i], NULL))
            exit(4);
    for (size_t i = 0; i + 1 < b->num_ak_certs && i < 3; i++)
        w->issuer[i] = cert_pubkey(&w->cert[i + 1], NULL);
    w->quote_sha256 = sha256(b->quote);
    w->ak = kept_ak(after, identity_hash(&b->identity, PROFILE_G1B));
    w->message = (struct message){.kind = MSG_REATTEST, .profile = PROFILE_G1B, .wide_chain_id = true, .chain_id = w->call.chain_id,
                                  .registry = w->call.registry, .quote_sha256 = w->quote_sha256};
    if (!w->ak)
        exit(4);
}

int main(int argc, char **argv)
{
    struct work w = {.call = {.profile = PROFILE_G1B, .tee = TEE_ACCEPTS, .report_id_pcr = 15, .answer_alone = true}};
    struct registry_state before = registry_state_new(), after = registry_state_new();
    struct buf root, registration, calldata;
    struct prediction p = {0};
    if (argc != 7)
        return 2;
    w.call.chain_id = strtoull(argv[1], NULL, 10);
    if (!addr_parse(&w.call.registry, bytes_str(argv[2]), NULL))
        return 2;
    w.call.block_time_s = strtoull(argv[3], NULL, 10);
    load(&root, argv[4]);
    load(&calldata, argv[6]);
    struct bytes root_der = buf_view(&root);
    w.call.ak_roots = &root_der;
    w.call.num_ak_roots = 1;
    if (strcmp(argv[5], "-") != 0) {
        load(&registration, argv[5]);
        w.call.calldata = buf_view(&registration);
        if (!predict(&p, &before, &w.call, NULL) || p.answer != PREDICT_SUCCESS)
            return 5;
        prediction_done(&p);
    }
    for (size_t i = 0; i < before.num_ids; i++)
        registry_state_put(&after, &before.ids[i]);
    w.call.calldata = buf_view(&calldata);
    if (!predict(&p, &after, &w.call, NULL) || p.answer != PREDICT_SUCCESS)
        return 5;
    w.before = &before;
    prepare_checks(&w, &after);
    double predictions = rate(predict_once, &w), checks = rate(check_once, &w);
    printf("%.1f %.1f %ld\n", predictions, checks, peak_kb());
    return 0;
}
