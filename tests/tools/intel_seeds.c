/* Write the seeds of the fuzz targets for Intel evidence, from the simulated vendor: intel_seeds CORPUS_DIR. Keys are new each
 * time, so the bytes are too; the files that are kept need not be made again. */
#include "crypto/base/auto.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/tdx_pck.h"
#include "tests/support/sim/intel.h"

#include <stdio.h>
#include <stdlib.h>

static void write_file(const char *dir, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_quotes(const char *dir, const struct sim_intel *v)
{
    static const struct {
        enum sim_quote form;
        const char *name;
    } forms[] = {{SIM_QUOTE_V4, "tdx_quote/v4"}, {SIM_QUOTE_V5_TD10, "tdx_quote/v5_td10"}, {SIM_QUOTE_V5_TD15, "tdx_quote/v5_td15"}};
    struct sim_td td = {.attributes = 1u << 28, .xfam = 0xe7};
    struct sim_enclave enclave = {.flags = 5, .xfrm = 0xe7};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        AUTO(buf_done) struct buf quote = buf_new(1 << 20);
        sim_td_quote(&quote, v, forms[i].form, &td);
        write_file(dir, forms[i].name, buf_view(&quote));
    }
    AUTO(buf_done) struct buf quote = buf_new(1 << 20);
    sim_sgx_quote(&quote, v, &enclave);
    write_file(dir, "tdx_quote/v3", buf_view(&quote));
}

static void write_collateral(const char *dir, const struct sim_intel *v)
{
    struct sim_collateral c = {.issued_s = v->world.now_s, .next_update_s = v->world.now_s + 1, .evaluation_number = 1};
    AUTO(auto_free) char *tdx = sim_tcb_info(v, &c);
    AUTO(auto_free) char *qe = sim_qe_identity(v, &c);
    AUTO(auto_free) char *chain = sim_tcb_chain(v);
    c.sgx = true;
    AUTO(auto_free) char *sgx = sim_tcb_info(v, &c);
    write_file(dir, "intel_json/tcb_info_tdx", bytes_str(tdx));
    write_file(dir, "intel_json/tcb_info_sgx", bytes_str(sgx));
    write_file(dir, "intel_json/qe_identity", bytes_str(qe));
    write_file(dir, "collateral/chain", bytes_str(chain));
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(buf_done) struct buf export = buf_new(1 << 20);
    AUTO(buf_done) struct buf escaped = buf_new(1 << 20);
    if (!collateral_add_signed(&pool, "seed", bytes_str(qe), bytes_str(chain), true, NULL) || !collateral_export(&export, &pool, NULL))
        exit(1);
    write_file(dir, "collateral/signed", buf_view(&export));
    for (const char *p = chain; *p; p++)
        buf_printf(&escaped, *p == '\n' ? "%%0A" : *p == ' ' ? "%%20" : "%c", *p);
    write_file(dir, "pcs_header/chain", buf_view(&escaped));
    write_file(dir, "pcs_header/url", BYTES_LIT("https://pccs:8081/sgx/certification/v4/"));
}

int main(int argc, char **argv)
{
    struct sim_world world = {.now_s = 1780000000};
    struct sim_intel v;
    struct cert cert;
    if (argc != 2) {
        fprintf(stderr, "usage: intel_seeds CORPUS_DIR\n");
        return 2;
    }
    sim_intel_init(&v, &world);
    write_quotes(argv[1], &v);
    write_collateral(argv[1], &v);
    if (!cert_parse(&cert, v.pck.der, NULL))
        return 1;
    write_file(argv[1], "tdx_pck/certificate", v.pck.der);
    for (size_t i = 0; i < cert.num_ext; i++)
        if (cert.ext[i].value.len > 200)
            write_file(argv[1], "tdx_pck/extension", cert.ext[i].value);
    sim_intel_done(&v);
    return 0;
}
