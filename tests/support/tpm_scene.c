#include "tests/support/tpm_scene.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const uint32_t pcr_list[NUM_PCRS] = {0, 1, 4, 10, 15, 23};

struct scene_world world = {.sim = {.now_s = 1780000000}};
static const uint8_t report_id[16] = {0x1d};
static const char workload_text[] = "workload";

void must(bool ok, const char *what)
{
    if (!ok)
        fail_msg("%s", what);
}

struct bytes scene_keep(struct scene *s, struct bytes in)
{
    bool ok = true;
    struct bytes out = arena_copy(&s->b.mem, in, &ok);
    must(ok, "memory");
    return out;
}

/* --- the logs of this boot --- */

static struct hash32 event_digest(uint32_t pcr, unsigned n)
{
    char text[32];
    snprintf(text, sizeof text, "event %u %u", pcr, n);
    return sha256(bytes_str(text));
}

static void put_event(struct buf *b, uint32_t pcr, uint32_t type, uint16_t alg, struct bytes digest, struct bytes data)
{
    buf_u32le(b, pcr);
    buf_u32le(b, type);
    buf_u32le(b, 1);
    buf_u16le(b, alg);
    buf_put(b, digest);
    buf_u32le(b, (uint32_t)data.len);
    buf_put(b, data);
}

static void put_header(struct buf *b, uint16_t alg, uint16_t size)
{
    buf_u32le(b, 0);
    buf_u32le(b, 3);
    buf_zero(b, 20);
    buf_u32le(b, 16 + 8 + 4 + 4 + 1);
    buf_put(b, BYTES_LIT("Spec ID Event03\0"));
    buf_zero(b, 8);
    buf_u32le(b, 1);
    buf_u16le(b, alg);
    buf_u16le(b, size);
    buf_u8(b, 0);
}

/* PCR 0, 1 and 4 in a TCG log */
static void make_tcg(struct scene *s)
{
    AUTO(buf_done) struct buf b = buf_new(4096);
    put_header(&b, ALG_SHA256, 32);
    for (size_t i = 0; i < 3; i++)
        for (unsigned n = 0; n < NUM_EVENTS; n++) {
            struct hash32 d = event_digest(pcr_list[i], n);
            put_event(&b, pcr_list[i], 13, ALG_SHA256, BYTES_OF(d), BYTES_LIT("event"));
            s->pcr[i] = sha256_2(BYTES_OF(s->pcr[i]), BYTES_OF(d));
        }
    s->b.event_log = scene_keep(s, buf_view(&b));
}

/* RTMR0 and RTMR1 in a CCEL */
static void make_ccel(struct scene *s)
{
    AUTO(buf_done) struct buf b = buf_new(4096);
    put_header(&b, ALG_SHA384, 48);
    for (uint32_t reg = 1; reg <= 2; reg++) {
        struct hash48 d = sha384(BYTES_OF(reg));
        put_event(&b, reg, 13, ALG_SHA384, BYTES_OF(d), BYTES_LIT("event"));
        struct hash48 r = sha384_2(BYTES(s->td.rtmr[reg - 1]), BYTES_OF(d));
        memcpy(s->td.rtmr[reg - 1], r.b, sizeof r.b);
    }
    buf_put(&b, BYTES_LIT("\xff\xff\xff\xff"));
    s->b.ccel = scene_keep(s, buf_view(&b));
}

static void put_tlv(struct buf *b, uint8_t type, struct bytes value)
{
    buf_u8(b, type);
    buf_u32be(b, (uint32_t)value.len);
    buf_put(b, value);
}

/* RTMR2 in a CEL */
static void make_cel(struct scene *s)
{
    AUTO(buf_done) struct buf b = buf_new(4096), content = buf_new(64), digests = buf_new(128);
    put_tlv(&content, 80, BYTES_LIT("image"));
    struct hash48 d = sha384(buf_view(&content)), r = sha384_2(BYTES(s->td.rtmr[2]), BYTES_OF(d));
    put_tlv(&digests, ALG_SHA384, BYTES_OF(d));
    put_tlv(&b, 0, BYTES_LIT("\0\0\0\0\0\0\0\0"));
    put_tlv(&b, 108, BYTES_LIT("\3"));
    put_tlv(&b, 3, buf_view(&digests));
    buf_put(&b, buf_view(&content));
    memcpy(s->td.rtmr[2], r.b, sizeof r.b);
    s->b.cel = scene_keep(s, buf_view(&b));
}

/* PCR 10 in an IMA list of one entry */
static void make_ima(struct scene *s)
{
    AUTO(buf_done) struct buf data = buf_new(256), text = buf_new(512);
    struct hash32 file = sha256(BYTES_LIT("init"));
    buf_u32le(&data, 8 + 32);
    buf_put(&data, BYTES_LIT("sha256:\0"));
    buf_put(&data, BYTES_OF(file));
    buf_u32le(&data, 6);
    buf_put(&data, BYTES_LIT("/init\0"));
    struct digest sha1 = hash_of(HASH_SHA1, buf_view(&data));
    struct hash32 d = sha256(buf_view(&data));
    buf_text(&text, "10 ");
    buf_hex(&text, digest_view(&sha1));
    buf_text(&text, " ima-ng sha256:");
    buf_hex(&text, BYTES_OF(file));
    buf_text(&text, " /init\n");
    s->pcr[3] = sha256_2(BYTES_OF(s->pcr[3]), BYTES_OF(d));
    s->b.ima_log = scene_keep(s, buf_view(&text));
}

/* --- the quote --- */

void put_2b(struct buf *b, struct bytes v)
{
    buf_u16be(b, (uint16_t)v.len);
    buf_put(b, v);
}

static void make_quote(struct scene *s, struct buf *b)
{
    uint32_t select = 0;
    struct bytes parts[NUM_PCRS];
    for (size_t i = 0; i < NUM_PCRS; i++) {
        select |= 1u << pcr_list[i];
        parts[i] = BYTES_OF(s->pcr[i]);
    }
    struct digest digest = hash_parts(HASH_SHA256, parts, NUM_PCRS);
    buf_u32be(b, s->magic);
    buf_u16be(b, s->type);
    put_2b(b, BYTES_LIT("\0\x0b signer"));
    put_2b(b, bytes_from(s->extra, s->extra_len));
    buf_u64be(b, 5000);
    buf_u32be(b, 3);
    buf_u32be(b, 0);
    buf_u8(b, s->safe);
    buf_u64be(b, 0x2026);
    buf_u32be(b, 1);
    buf_u16be(b, s->bank);
    buf_u8(b, 3);
    buf_u8(b, (uint8_t)select);
    buf_u8(b, (uint8_t)(select >> 8));
    buf_u8(b, (uint8_t)(select >> 16));
    put_2b(b, digest_view(&digest));
}

static void sign_ecdsa(struct buf *b, struct bytes quote)
{
    uint8_t rs[64];
    sim_sign_raw(rs, world.ak_leaf.key, quote);
    buf_u16be(b, ALG_ECDSA);
    buf_u16be(b, ALG_SHA256);
    put_2b(b, bytes_from(rs, 32));
    put_2b(b, bytes_from(rs + 32, 32));
}

static void sign_rsa(struct buf *b, struct bytes quote)
{
    uint8_t sig[256];
    size_t len = sizeof sig;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, world.rsa_ak.key) == 1 && EVP_DigestSign(ctx, sig, &len, quote.p, quote.len) == 1,
         "RSA signature");
    EVP_MD_CTX_free(ctx);
    buf_u16be(b, ALG_RSASSA);
    buf_u16be(b, ALG_SHA256);
    put_2b(b, bytes_from(sig, len));
}

/* --- scenes --- */

static void put_base64url(char *out, size_t size, struct bytes in)
{
    AUTO(buf_done) struct buf b = buf_new(1024);
    base64_encode(&b, in);
    size_t n = 0;
    for (size_t i = 0; i < b.len && n + 1 < size; i++)
        if (b.p[i] != '=')
            out[n++] = b.p[i] == '+' ? '-' : b.p[i] == '/' ? '_' : (char)b.p[i];
    out[n] = '\0';
}

void scene_var_data(struct scene *s, const char *colon)
{
    char n[400];
    struct cert c;
    must(cert_parse(&c, world.rsa_ak.der, NULL), "RSA certificate");
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&c, NULL);
    put_base64url(n, sizeof n, pubkey_rsa_n(key));
    snprintf(s->var_data, sizeof s->var_data,
             "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\"%s\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"},"
             "{\"kid\":\"HCLEkPub\",\"key_ops\":[\"encrypt\"],\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}],"
             "\"vm-configuration\":{\"vmUniqueId\":\"vm-1\"},\"user-data\":\"\"}",
             colon, n, n);
    struct hash32 h = sha256(bytes_str(s->var_data));
    memset(s->td.report_data, 0, sizeof s->td.report_data);
    memcpy(s->td.report_data, h.b, sizeof h.b);
}

static void make_identity(struct scene *s)
{
    must(identity_from_pubkey(&s->b.identity, &s->b.mem, private_key_public(world.identity_key), NULL), "identity");
    s->expected = (struct expected){.profile = PROFILE_G1B, .has_place = true, .chain_id = 31337, .has_nonce = true, .call = CALL_ATTEST};
    memset(s->expected.registry.b, 0xaa, 20);
    struct tail_binding t = {.time_s = s->now_s - 5, .chain_id = 31337, .registry = s->expected.registry,
                             .identity_hash = identity_hash(&s->b.identity, PROFILE_G1B), .call = CALL_ATTEST};
    extra_data_build(s->extra, &t);
    s->extra_len = EXTRA_DATA_LEN;
}

static void make_report_id(struct scene *s)
{
    struct hash32 id = sha256(BYTES(report_id));
    struct hash48 inner = sha384(BYTES(report_id)), r = sha384_2(BYTES(s->td.rtmr[3]), BYTES_OF(inner));
    s->pcr[4] = sha256_2(BYTES_OF(s->pcr[4]), BYTES_OF(id));
    memcpy(s->td.rtmr[3], r.b, sizeof r.b);
    s->b.report_id = scene_keep(s, BYTES(report_id));
}

/* Good evidence, up to what is signed. */
void scene_begin(struct scene *s, enum cloud cloud)
{
    *s = (struct scene){.b = bundle_new(), .pool = collateral_new(), .now_s = world.sim.now_s, .magic = 0xff544347, .type = 0x8018, .bank = ALG_SHA256, .safe = true};
    s->b.cloud = cloud;
    s->b.tee = TEE_TDX;
    s->td.attributes = UINT64_C(1) << 28;
    policy_strict(&s->policy);
    must(roots_init(&s->roots, NULL) && roots_add(&s->roots, world.vendor.root.der, NULL) && roots_add(&s->roots, world.ak_root.der, NULL), "roots");
    make_identity(s);
    make_tcg(s);
    make_ccel(s);
    make_cel(s);
    make_ima(s);
    s->pcr[5] = sha256(bytes_str(workload_text));
    if (cloud == CLOUD_GCP)
        make_report_id(s);
    else
        scene_var_data(s, ":");
}

static void fill_pcrs(struct scene *s)
{
    s->b.num_pcrs = NUM_PCRS;
    s->b.pcrs = arena_alloc(&s->b.mem, NUM_PCRS, sizeof *s->b.pcrs);
    for (size_t i = 0; i < NUM_PCRS; i++)
        s->b.pcrs[i] = (struct bundle_pcr){.index = pcr_list[i], .bank = HASH_SHA256, .value = scene_keep(s, BYTES_OF(s->pcr[i])), .measure_value = true};
    struct bundle_pcr *p = &s->b.pcrs[1];
    p->events = arena_alloc(&s->b.mem, NUM_EVENTS, sizeof *p->events);
    p->measured = arena_alloc(&s->b.mem, 1, sizeof *p->measured);
    p->num_events = NUM_EVENTS;
    p->num_measured = 1;
    for (unsigned n = 0; n < NUM_EVENTS; n++)
        p->events[n] = event_digest(1, n);
}

/* Sign, and put the rest together. */
void scene_finish(struct scene *s)
{
    AUTO(buf_done) struct buf quote = buf_new(1024), sig = buf_new(1024), td = buf_new(1 << 16);
    make_quote(s, &quote);
    if (s->b.cloud == CLOUD_GCP)
        sign_ecdsa(&sig, buf_view(&quote));
    else
        sign_rsa(&sig, buf_view(&quote));
    sim_td_quote(&td, &world.vendor, SIM_QUOTE_V4, &s->td);
    s->b.quote = scene_keep(s, buf_view(&quote));
    s->b.signature = scene_keep(s, buf_view(&sig));
    s->b.has_report = true;
    s->b.report_type = REPORT_NATIVE;
    s->b.report = scene_keep(s, buf_view(&td));
    fill_pcrs(s);
    if (s->b.cloud == CLOUD_AZURE) {
        s->b.ak_var_data = scene_keep(s, bytes_str(s->var_data));
        return;
    }
    s->b.ak_certs = arena_alloc(&s->b.mem, 3, sizeof *s->b.ak_certs);
    s->b.num_ak_certs = 3;
    s->b.ak_certs[0] = world.ak_leaf.der;
    s->b.ak_certs[1] = world.ak_ca.der;
    s->b.ak_certs[2] = world.ak_root.der;
}

void scene_done(struct scene *s)
{
    collateral_done(&s->pool);
    roots_done(&s->roots);
    bundle_done(&s->b);
}

/* --- who signs --- */

int scene_world_make(void **state)
{
    (void)state;
    setenv("TSS2_LOG", "all+none", 1);
    const char *ca = "critical,keyCertSign,cRLSign";
    sim_intel_init(&world.vendor, &world.sim);
    world.ak_root = sim_issue(&world.sim, &(struct sim_spec){.cn = "AK root", .kind = SIM_P256, .serial = 1, .is_ca = true, .path_len = 1, .key_usage = ca});
    world.ak_ca = sim_issue(&world.sim, &(struct sim_spec){.cn = "AK CA", .issuer = &world.ak_root, .kind = SIM_P256, .serial = 2, .is_ca = true, .key_usage = ca});
    world.ak_leaf = sim_issue(&world.sim, &(struct sim_spec){.cn = "AK", .issuer = &world.ak_ca, .kind = SIM_P256, .serial = 3, .key_usage = "critical,digitalSignature"});
    world.ak_wrong_use = sim_issue(&world.sim, &(struct sim_spec){.cn = "AK", .issuer = &world.ak_ca, .public_key = world.ak_leaf.key, .serial = 4,
                                                        .key_usage = "critical,keyEncipherment"});
    world.rsa_ak = sim_issue(&world.sim, &(struct sim_spec){.cn = "RSA AK", .kind = SIM_RSA2048, .serial = 5});
    world.identity_key = private_key_new_p256(NULL);
    return world.identity_key ? 0 : -1;
}

int scene_world_drop(void **state)
{
    (void)state;
    sim_intel_done(&world.vendor);
    sim_cert_done(&world.ak_wrong_use);
    sim_cert_done(&world.ak_leaf);
    sim_cert_done(&world.ak_ca);
    sim_cert_done(&world.ak_root);
    sim_cert_done(&world.rsa_ak);
    private_key_free(world.identity_key);
    return 0;
}
