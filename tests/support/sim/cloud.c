#include "tests/support/sim/cloud.h"

#include "crypto/base/text.h"
#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned gcp_pcrs[] = {0, 1, 2, 4, 7, 9, 11, 15, 16, 23};
static const unsigned azure_pcrs[] = {0, 4, 5, 7, 9, 11, 15, 16, 23};

enum { REPORT_ID_PCR = 15, VERSION_PCR = 11, EVENTS_PCR = 1, NUM_EVENTS = 7 };

static struct hash32 label_digest(const char *what, unsigned a, unsigned b)
{
    char text[64];
    snprintf(text, sizeof text, "%s %u %u", what, a, b);
    return sha256(bytes_str(text));
}

/* --- boot --- */

static void boot_pcrs(struct sim_vm *vm, unsigned version)
{
    for (unsigned pcr = 0; pcr <= 9; pcr++) {
        if (pcr == EVENTS_PCR)
            continue;
        sim_tpm_extend(&vm->tpm, pcr, label_digest("boot", pcr, 0));
    }
    for (unsigned i = 0; i < NUM_EVENTS; i++)
        sim_tpm_extend(&vm->tpm, EVENTS_PCR, label_digest("event", EVENTS_PCR, i));
    sim_tpm_extend(&vm->tpm, VERSION_PCR, label_digest("version", VERSION_PCR, version));
    sim_tpm_extend(&vm->tpm, 23, label_digest("workload", 23, 0));
    if (vm->cloud == CLOUD_GCP)
        sim_tpm_extend(&vm->tpm, REPORT_ID_PCR, sha256(BYTES(vm->report_id)));
}

static void put_base64url(struct buf *out, struct bytes in)
{
    size_t from = out->len, to = from;
    base64_encode(out, in);
    for (size_t i = from; i < out->len; i++) {
        uint8_t c = out->p[i];
        if (c != '=')
            out->p[to++] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    out->len = to;
}

static void put_jwk(struct buf *out, const char *kid, const char *ops, EVP_PKEY *key)
{
    BIGNUM *n = NULL;
    uint8_t modulus[256];
    if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) || BN_bn2binpad(n, modulus, sizeof modulus) != sizeof modulus)
        sim_die("RSA-2048 key wanted");
    BN_free(n);
    buf_printf(out, "{\"kid\":\"%s\",\"key_ops\":[\"%s\"],\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"", kid, ops);
    put_base64url(out, BYTES(modulus));
    buf_text(out, "\"}");
}

/* The runtime claims as Azure's paravisor writes them. */
static char *make_var_data(const struct sim_world *world, EVP_PKEY *ak)
{
    struct sim_cert ek = sim_keep(world, "azure-ek", &(struct sim_spec){.cn = "simulated EK", .kind = SIM_RSA2048, .serial = 0x7100});
    struct buf b = buf_new(1 << 16);
    buf_text(&b, "{\"keys\":[");
    put_jwk(&b, "HCLAkPub", "sign", ak);
    buf_text(&b, ",");
    put_jwk(&b, "HCLEkPub", "encrypt", ek.key);
    buf_text(&b, "],\"vm-configuration\":{\"console-enabled\":true,\"secure-boot\":true,\"tpm-enabled\":true,"
                 "\"vmUniqueId\":\"00000000-0000-4000-8000-000000000001\"},\"user-data\":\"");
    for (int i = 0; i < 128; i++)
        buf_u8(&b, '0');
    buf_text(&b, "\"}");
    sim_cert_done(&ek);
    return buf_steal_str(&b);
}

static const char *const ca_usage = "critical,keyCertSign,cRLSign";

static struct sim_cert ak_root(const struct sim_world *world)
{
    return sim_keep(world, "ak-root", &(struct sim_spec){.cn = "EK/AK CA Root (simulated)", .o = "Simulated Cloud",
        .kind = SIM_RSA2048, .serial = 0x7000, .is_ca = true, .path_len = 1, .key_usage = ca_usage});
}

/* Google's kind of chain: RSA CAs, the TPM's own P-256 key at its end. */
static void issue_ak(struct sim_vm *vm, const struct sim_world *world, unsigned machine)
{
    char name[32];
    snprintf(name, sizeof name, machine ? "ak-gcp-%u" : "ak-gcp", machine);
    vm->root = ak_root(world);
    vm->intermediate = sim_keep(world, "ak-intermediate", &(struct sim_spec){.cn = "EK/AK CA Intermediate (simulated)",
        .o = "Simulated Cloud", .issuer = &vm->root, .kind = SIM_RSA2048, .serial = 0x7001, .is_ca = true, .path_len = 0,
        .key_usage = ca_usage});
    EVP_PKEY *key = sim_tpm_key(&vm->tpm);
    vm->ak = sim_keep(world, name, &(struct sim_spec){.cn = "simulated instance", .o = "Simulated Cloud",
        .issuer = &vm->intermediate, .public_key = key, .serial = 0x7002 + machine, .key_usage = "critical,digitalSignature"});
    EVP_PKEY_free(key);
}

void sim_vm_start(struct sim_vm *vm, const struct sim_world *world, const struct sim_boot *boot)
{
    *vm = (struct sim_vm){.cloud = boot->cloud};
    memset(vm->report_id, 0x1d, sizeof vm->report_id);
    sim_intel_init(&vm->intel, world);
    if (boot->level) {
        vm->intel.tcb = sim_intel_level(boot->level);
        sim_intel_reissue_pck(&vm->intel);
    }
    char dir[4096];
    int n = snprintf(dir, sizeof dir, "%s/tpm-%s", world->dir, cloud_name(boot->cloud));
    if (boot->machine)
        snprintf(dir + n, sizeof dir - (size_t)n, "-%u", boot->machine);
    sim_tpm_start(&vm->tpm, dir, boot->cloud == CLOUD_AZURE);
    boot_pcrs(vm, boot->version);
    if (boot->cloud == CLOUD_AZURE) {
        EVP_PKEY *key = sim_tpm_key(&vm->tpm);
        vm->var_data = make_var_data(world, key);
        EVP_PKEY_free(key);
    } else {
        issue_ak(vm, world, boot->machine);
    }
}

void sim_vm_stop(struct sim_vm *vm)
{
    sim_tpm_stop(&vm->tpm);
    sim_intel_done(&vm->intel);
    sim_cert_done(&vm->root);
    sim_cert_done(&vm->intermediate);
    sim_cert_done(&vm->ak);
    free(vm->var_data);
}

/* --- evidence --- */

static struct bytes keep(struct bundle *b, struct bytes in)
{
    bool ok = true;
    struct bytes copy = arena_copy(&b->mem, in, &ok);
    if (!ok)
        sim_die("memory");
    return copy;
}

static void td_evidence(struct bundle *b, const struct sim_vm *vm)
{
    struct sim_td td = {.attributes = UINT64_C(1) << 28 /* SEPT_VE_DISABLE */, .xfam = 0xe7};
    memset(td.mr_td, 0x7d, sizeof td.mr_td);
    memset(td.mr_seam, 0x5e, sizeof td.mr_seam);
    if (vm->cloud == CLOUD_AZURE) {
        struct hash32 claims = sha256(bytes_str(vm->var_data));
        memcpy(td.report_data, claims.b, sizeof claims.b);
    } else {
        for (unsigned i = 0; i < 3; i++) {
            char text[32];
            snprintf(text, sizeof text, "rtmr %u", i);
            struct hash48 h = sha384(bytes_str(text));
            memcpy(td.rtmr[i], h.b, sizeof h.b);
        }
        struct hash48 id = sha384(BYTES(vm->report_id)), rtmr3 = sha384_2(BYTES(((uint8_t[48]){0})), BYTES(id.b));
        memcpy(td.rtmr[3], rtmr3.b, sizeof rtmr3.b);
    }
    struct buf quote = buf_new(1 << 16);
    sim_td_quote(&quote, &vm->intel, SIM_QUOTE_V4, &td);
    b->has_report = true;
    b->report_type = REPORT_NATIVE;
    b->report = keep(b, buf_view(&quote));
    buf_done(&quote);
}

static struct bundle_pcr pcr_evidence(struct bundle *b, struct sim_vm *vm, unsigned index)
{
    struct hash32 value = sim_tpm_read(&vm->tpm, index);
    struct bundle_pcr pcr = {.index = index, .bank = HASH_SHA256, .value = keep(b, BYTES_OF(value)),
                             .measure_value = index != EVENTS_PCR && index != REPORT_ID_PCR};
    if (index == EVENTS_PCR) {
        static const uint32_t measured[] = {3, 4, 5, 6};
        pcr.num_events = NUM_EVENTS;
        pcr.events = arena_alloc(&b->mem, NUM_EVENTS, sizeof *pcr.events);
        pcr.num_measured = sizeof measured / sizeof measured[0];
        pcr.measured = arena_alloc(&b->mem, pcr.num_measured, sizeof *pcr.measured);
        if (!pcr.events || !pcr.measured)
            sim_die("memory");
        for (unsigned i = 0; i < NUM_EVENTS; i++)
            pcr.events[i] = label_digest("event", EVENTS_PCR, i);
        memcpy(pcr.measured, measured, sizeof measured);
    }
    return pcr;
}

static void tpm_evidence(struct bundle *b, struct sim_vm *vm, struct bytes extra_data)
{
    const unsigned *list = vm->cloud == CLOUD_AZURE ? azure_pcrs : gcp_pcrs;
    b->num_pcrs = vm->cloud == CLOUD_AZURE ? sizeof azure_pcrs / sizeof azure_pcrs[0] : sizeof gcp_pcrs / sizeof gcp_pcrs[0];
    b->pcrs = arena_alloc(&b->mem, b->num_pcrs, sizeof *b->pcrs);
    if (!b->pcrs)
        sim_die("memory");
    uint32_t select = 0;
    for (size_t i = 0; i < b->num_pcrs; i++) {
        b->pcrs[i] = pcr_evidence(b, vm, list[i]);
        select |= 1u << list[i];
    }
    struct buf attest = buf_new(4096), sig = buf_new(4096);
    sim_tpm_quote(&vm->tpm, &attest, &sig, extra_data, select);
    b->quote = keep(b, buf_view(&attest));
    b->signature = keep(b, buf_view(&sig));
    buf_done(&attest);
    buf_done(&sig);
}

static void ak_evidence(struct bundle *b, struct sim_vm *vm)
{
    if (vm->cloud == CLOUD_AZURE) {
        b->ak_var_data = keep(b, bytes_str(vm->var_data));
        return;
    }
    b->report_id = keep(b, BYTES(vm->report_id));
    b->num_ak_certs = 3;
    b->ak_certs = arena_alloc(&b->mem, 3, sizeof *b->ak_certs);
    if (!b->ak_certs)
        sim_die("memory");
    b->ak_certs[0] = keep(b, vm->ak.der);
    b->ak_certs[1] = keep(b, vm->intermediate.der);
    b->ak_certs[2] = keep(b, vm->root.der);
}

struct bundle sim_vm_evidence(struct sim_vm *vm, const struct identity *identity, struct bytes extra_data)
{
    struct bundle b = bundle_new();
    b.cloud = vm->cloud;
    b.tee = TEE_TDX;
    b.identity = *identity;
    b.identity.key = keep(&b, identity->key);
    td_evidence(&b, vm);
    tpm_evidence(&b, vm, extra_data);
    ak_evidence(&b, vm);
    return b;
}

char *sim_roots(const struct sim_world *world, const struct sim_intel *intel)
{
    struct sim_cert root = ak_root(world);
    char *pem = sim_pem((const struct sim_cert *const[]){&intel->root, &root}, 2);
    sim_cert_done(&root);
    return pem;
}
