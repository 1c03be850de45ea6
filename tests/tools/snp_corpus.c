/* Seeds for the SNP fuzz targets, from the simulated vendor: snp_corpus tests/fuzz/corpus. */
#include "crypto/base/auto.h"
#include "tests/support/sim/amd.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW 1767225600

static const char *top;

static void save(const char *target, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0)
        sim_die(path);
}

static void word(struct buf *out, uint64_t v)
{
    buf_zero(out, 24);
    buf_u64be(out, v);
}

/* registry-v1 1: (uint8,uint64,uint8,bytes,bytes32[],uint160[],uint8) as one dynamic tuple */
static void journal(const uint8_t report[static SIM_REPORT_LEN])
{
    AUTO(buf_done) struct buf b = buf_new(1 << 16);
    word(&b, 32);
    word(&b, 0);
    word(&b, NOW - 60);
    word(&b, 0);
    word(&b, 0xe0);
    word(&b, 0xe0 + 32 + 1184);
    word(&b, 0xe0 + 32 + 1184 + 4 * 32);
    word(&b, 2);
    word(&b, 1184);
    buf_put(&b, bytes_from(report, SIM_REPORT_LEN));
    word(&b, 3);
    buf_zero(&b, 3 * 32);
    word(&b, 3);
    word(&b, 0x10000);
    word(&b, 0x10001);
    word(&b, 0);
    save("snp_journal", "milan", buf_view(&b));
}

static void product(enum sim_product p, uint32_t version, bool vlek, const char *name)
{
    struct sim_amd amd;
    const struct sim_world world = {.now_s = NOW};
    uint8_t report[SIM_REPORT_LEN];
    AUTO(buf_done) struct buf table = buf_new(1 << 16);
    AUTO(buf_done) struct buf whole = buf_new(1 << 16);
    AUTO(buf_done) struct buf answer = buf_new(1 << 16);
    sim_amd_init(&amd, &world, p);
    sim_report(report, &amd, version, vlek);
    sim_report_sign(report, vlek ? amd.vlek.key : amd.vcek.key);
    struct bytes crl = sim_amd_crl(&amd, NOW - 86400, NOW + 86400, 1, NULL, 0);
    AUTO(auto_free) char *chain = sim_amd_chain(&amd, vlek);
    const struct sim_table parts = {.ark = amd.ark.der,
                                    .ask = vlek ? amd.asvk.der : amd.ask.der,
                                    .vcek = vlek ? (struct bytes){0} : amd.vcek.der,
                                    .vlek = vlek ? amd.vlek.der : (struct bytes){0},
                                    .crl = crl};
    sim_table_put(&table, &parts);
    buf_put(&whole, bytes_from(report, sizeof report));
    buf_put(&whole, buf_view(&table));
    save("snp_table", name, buf_view(&table));
    save("snp_report", name, buf_view(&whole));
    buf_u8(&answer, (uint8_t)(p == SIM_TURIN ? 2 : p != SIM_MILAN));
    buf_text(&answer, chain);
    save("kds", name, buf_view(&answer));
    answer.len = 1;
    buf_put(&answer, crl);
    save("kds", vlek ? "crl-vlek" : "crl", buf_view(&answer));
    answer.len = 1;
    buf_put(&answer, amd.vcek.der);
    save("kds", "leaf", buf_view(&answer));
    if (p == SIM_MILAN)
        journal(report);
    free((void *)crl.p);
    sim_amd_done(&amd);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        sim_die("usage: snp_corpus tests/fuzz/corpus");
    top = argv[1];
    product(SIM_GENOA, 3, true, "genoa-v3-vlek");
    product(SIM_TURIN, 5, false, "turin-v5");
    product(SIM_MILAN, 2, false, "milan-v2");
    return 0;
}
