#include "tests/support/sim/amd.h"

#include <stdio.h>
#include <stdlib.h>

#define AMD_OID "1.3.6.1.4.1.3704.1"
#define YEAR_S  ((int64_t)365 * 86400)

static const struct {
    const char *name, *product_name, *vlek_name;
    uint8_t family, model, stepping;
} products[] = {
    [SIM_MILAN] = {"Milan", "Milan-B0", "Milan", 0x19, 0x01, 0x01},
    [SIM_GENOA] = {"Genoa", "Genoa", "Genoa", 0x19, 0x11, 0x01},
    [SIM_SIENA] = {"Genoa", "Genoa", "Genoa", 0x19, 0xa0, 0x02},
    [SIM_TURIN] = {"Turin", "Turin", "Turin", 0x1a, 0x02, 0x01},
};

const char *sim_product_name(enum sim_product product)
{
    return products[product].name;
}

static size_t hwid_len(const struct sim_amd *amd)
{
    return amd->product == SIM_TURIN ? 8 : 64;
}

/* --- certificates --- */

#define MAX_LEAF_EXTS 16

struct leaf_exts {
    struct sim_ext ext[MAX_LEAF_EXTS];
    struct buf value[MAX_LEAF_EXTS];
    size_t count;
};

static struct buf *next_ext(struct leaf_exts *e, const char *oid)
{
    e->ext[e->count].oid = oid;
    e->value[e->count] = buf_new(256);
    return &e->value[e->count++];
}

static void leaf_exts(struct leaf_exts *e, const struct sim_amd *amd, bool vlek)
{
    const struct sim_spl *t = &amd->tcb;
    bool turin = amd->product == SIM_TURIN;
    const char *name = amd->product_name ? amd->product_name
                       : vlek            ? products[amd->product].vlek_name
                                         : products[amd->product].product_name;
    sim_der_uint(next_ext(e, AMD_OID ".1"), turin);
    sim_der(next_ext(e, AMD_OID ".2"), 0x16, bytes_str(name));
    sim_der_uint(next_ext(e, AMD_OID ".3.1"), t->boot_loader);
    sim_der_uint(next_ext(e, AMD_OID ".3.2"), t->tee);
    sim_der_uint(next_ext(e, AMD_OID ".3.3"), t->snp);
    if (!turin)
        sim_der_uint(next_ext(e, AMD_OID ".3.4"), 0);
    sim_der_uint(next_ext(e, AMD_OID ".3.5"), 0);
    sim_der_uint(next_ext(e, AMD_OID ".3.6"), 0);
    sim_der_uint(next_ext(e, AMD_OID ".3.7"), 0);
    sim_der_uint(next_ext(e, AMD_OID ".3.8"), t->microcode);
    if (turin)
        sim_der_uint(next_ext(e, AMD_OID ".3.9"), t->fmc);
    if (vlek)
        sim_der(next_ext(e, AMD_OID ".5"), 0x16, bytes_str("CN=cc-sim-1.example.com"));
    else
        buf_put(next_ext(e, AMD_OID ".4"), bytes_from(amd->hwid, hwid_len(amd)));
    for (size_t i = 0; i < e->count; i++)
        e->ext[i].value = buf_view(&e->value[i]);
}

static void issue_leaf(struct sim_cert *out, const struct sim_amd *amd, bool vlek)
{
    struct leaf_exts e = {0};
    leaf_exts(&e, amd, vlek);
    EVP_PKEY *key = out->key;
    const struct sim_spec spec = {
        .cn = vlek ? "SEV-VLEK" : "SEV-VCEK",
        .o = "Advanced Micro Devices (simulated)",
        .issuer = vlek ? &amd->asvk : &amd->ask,
        .kind = SIM_P384,
        .public_key = key,
        .not_before_s = amd->leaf_not_before_s ? amd->leaf_not_before_s : amd->world.now_s - 86400,
        .not_after_s = amd->leaf_not_after_s ? amd->leaf_not_after_s : amd->world.now_s + (vlek ? 1 : 7) * YEAR_S,
        .path_len = -1,
        .pss = true,
        .ext = e.ext,
        .num_ext = e.count};
    struct sim_cert anew = sim_issue(&amd->world, &spec);
    sim_cert_done(out);
    *out = anew;
    for (size_t i = 0; i < e.count; i++)
        buf_done(&e.value[i]);
}

static struct sim_cert issue_ca(const struct sim_amd *amd, const char *prefix, const struct sim_cert *issuer,
                                uint64_t serial, int path_len)
{
    char cn[64], file[80];
    snprintf(cn, sizeof cn, "%s%s", prefix, sim_product_name(amd->product));
    snprintf(file, sizeof file, "amd-%s", cn);
    const struct sim_spec spec = {.cn = cn,
                                  .o = "Advanced Micro Devices (simulated)",
                                  .issuer = issuer,
                                  .kind = amd->world.rsa_4096 ? SIM_RSA4096 : SIM_RSA2048,
                                  .serial = serial,
                                  .not_before_s = amd->world.now_s - YEAR_S,
                                  .not_after_s = amd->world.now_s + 20 * YEAR_S,
                                  .is_ca = true,
                                  .path_len = path_len,
                                  .key_usage = issuer ? "critical,keyCertSign" : "critical,keyCertSign,cRLSign",
                                  .pss = true};
    return sim_keep(&amd->world, file, &spec);
}

void sim_amd_init(struct sim_amd *amd, const struct sim_world *world, enum sim_product product)
{
    *amd = (struct sim_amd){
        .world = *world, .product = product, .tcb = {.boot_loader = 4, .tee = 1, .snp = 24, .microcode = 0xdb}};
    if (product == SIM_TURIN)
        amd->tcb.fmc = 1;
    for (size_t i = 0; i < sizeof amd->hwid && i < hwid_len(amd); i++)
        amd->hwid[i] = (uint8_t)(0xa0 + i);
    amd->ark = issue_ca(amd, "ARK-", NULL, 0x10000, -1);
    amd->ask = issue_ca(amd, "SEV-", &amd->ark, SIM_ASK_SERIAL, 0);
    amd->asvk = issue_ca(amd, "SEV-VLEK-", &amd->ark, SIM_ASVK_SERIAL, 0);
    sim_amd_reissue(amd);
}

void sim_amd_reissue(struct sim_amd *amd)
{
    issue_leaf(&amd->vcek, amd, false);
    issue_leaf(&amd->vlek, amd, true);
}

void sim_amd_done(struct sim_amd *amd)
{
    sim_cert_done(&amd->vlek);
    sim_cert_done(&amd->vcek);
    sim_cert_done(&amd->asvk);
    sim_cert_done(&amd->ask);
    sim_cert_done(&amd->ark);
}

struct bytes sim_amd_crl(const struct sim_amd *amd, int64_t this_update_s, int64_t next_update_s, uint64_t number,
                         const uint64_t *serials, size_t num_serials)
{
    return sim_crl(&amd->ark, this_update_s, next_update_s, number, serials, num_serials, true);
}

char *sim_amd_chain(const struct sim_amd *amd, bool vlek)
{
    const struct sim_cert *certs[] = {vlek ? &amd->asvk : &amd->ask, &amd->ark};
    return sim_pem(certs, 2);
}

/* --- reports --- */

static void put_le(uint8_t *at, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

void sim_tcb_put(uint8_t out[static 8], const struct sim_amd *amd, struct sim_spl spl)
{
    memset(out, 0, 8);
    if (amd->product == SIM_TURIN) {
        out[0] = spl.fmc;
        out[1] = spl.boot_loader;
        out[2] = spl.tee;
        out[3] = spl.snp;
    } else {
        out[0] = spl.boot_loader;
        out[1] = spl.tee;
        out[6] = spl.snp;
    }
    out[7] = spl.microcode;
}

void sim_report(uint8_t out[static SIM_REPORT_LEN], const struct sim_amd *amd, uint32_t version, bool vlek)
{
    static const uint16_t tcbs[] = {0x038, 0x180, 0x1e0, 0x1f0};
    memset(out, 0, SIM_REPORT_LEN);
    put_le(out, 4, version);
    put_le(out + 0x008, 8, 0x30000);
    put_le(out + 0x034, 4, 1);
    put_le(out + 0x040, 8, 0x25);
    put_le(out + 0x048, 4, vlek ? 1u << 2 : 0);
    memset(out + 0x050, 0x5a, 64);
    memset(out + 0x090, 0x33, 48);
    memset(out + 0x140, 0x77, 32);
    memset(out + 0x160, 0xff, 32);
    for (size_t i = 0; i < 4; i++)
        sim_tcb_put(out + tcbs[i], amd, amd->tcb);
    if (version >= 3) {
        out[0x188] = products[amd->product].family;
        out[0x189] = products[amd->product].model;
        out[0x18a] = products[amd->product].stepping;
    }
    if (!vlek)
        memcpy(out + 0x1a0, amd->hwid, hwid_len(amd));
    static const uint8_t firmware[] = {40, 55, 1, 0, 40, 55, 1, 0}; /* 1.55.40, twice */
    memcpy(out + 0x1e8, firmware, sizeof firmware);
    if (version >= 5) {
        put_le(out + 0x1f8, 8, 0x0b);
        put_le(out + 0x200, 8, 0x0b);
    }
}

void sim_report_sign(uint8_t report[static SIM_REPORT_LEN], EVP_PKEY *key)
{
    uint8_t rs[96];
    sim_sign_raw(rs, key, bytes_from(report, 0x2a0));
    memset(report + 0x2a0, 0, SIM_REPORT_LEN - 0x2a0);
    for (size_t i = 0; i < 48; i++) {
        report[0x2a0 + i] = rs[47 - i];
        report[0x2a0 + 72 + i] = rs[95 - i];
    }
}

/* --- certificate table --- */

void sim_table_put(struct buf *out, const struct sim_table *t)
{
    static const char *const guids[] = {"\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae",
                                        "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82",
                                        "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd",
                                        "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1",
                                        "\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea"};
    const struct bytes parts[] = {t->ark, t->ask, t->vcek, t->vlek, t->crl};
    size_t n = 0;
    for (size_t i = 0; i < 5; i++)
        n += parts[i].len > 0;
    size_t at = (n + 1) * 24;
    for (size_t i = 0; i < 5; i++) {
        if (parts[i].len == 0)
            continue;
        buf_put(out, bytes_from(guids[i], 16));
        buf_u32le(out, (uint32_t)at);
        buf_u32le(out, (uint32_t)parts[i].len);
        at += parts[i].len;
    }
    buf_zero(out, 24);
    for (size_t i = 0; i < 5; i++)
        buf_put(out, parts[i]);
}
