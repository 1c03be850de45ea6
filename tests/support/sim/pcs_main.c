/* sim-pcs FOLDER: the simulated Intel's PCS until standard input ends. Writes root.pem, quote.bin (TDX), quote_sgx.bin and
 * quote_v5.bin there, prints its URL, then obeys lines on standard input, each answered by "ok":
 *   fault NAME PART COUNT    the next COUNT requests whose path contains PART meet this fault ("none" ends it)
 *   timing SLOW_MS RETRY_AFTER_S */
#include "crypto/base/auto.h"
#include "tests/support/sim/pcs.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void write_file(const char *folder, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0)
        sim_die(path);
}

static void write_evidence(const char *folder, const struct sim_intel *v)
{
    struct sim_td td = {.attributes = 1u << 28, .xfam = 0xe7};
    struct sim_enclave enclave = {.flags = 5, .xfrm = 0xe7};
    AUTO(auto_free) char *root = sim_pem((const struct sim_cert *const[]){&v->root}, 1);
    AUTO(buf_done) struct buf v4 = buf_new(1 << 20);
    AUTO(buf_done) struct buf v5 = buf_new(1 << 20);
    AUTO(buf_done) struct buf sgx = buf_new(1 << 20);
    memcpy(td.tcb_svn2, v->tcb.tdx, sizeof td.tcb_svn2);
    sim_td_quote(&v4, v, SIM_QUOTE_V4, &td);
    sim_td_quote(&v5, v, SIM_QUOTE_V5_TD15, &td);
    sim_sgx_quote(&sgx, v, &enclave);
    write_file(folder, "root.pem", bytes_str(root));
    write_file(folder, "quote.bin", buf_view(&v4));
    write_file(folder, "quote_v5.bin", buf_view(&v5));
    write_file(folder, "quote_sgx.bin", buf_view(&sgx));
}

static void obey(struct sim_pcs *pcs, const char *line)
{
    char name[32], part[64];
    unsigned count, slow_ms, retry_after_s;
    if (sscanf(line, "fault %31s %63s %u", name, part, &count) == 3) {
        for (enum sim_fault f = SIM_NO_FAULT; f < SIM_NUM_FAULTS; f++)
            if (strcmp(name, sim_fault_name(f)) == 0)
                sim_pcs_fault(pcs, f, part, f == SIM_NO_FAULT ? 0 : count);
    } else if (sscanf(line, "timing %u %u", &slow_ms, &retry_after_s) == 2) {
        sim_pcs_timing(pcs, slow_ms, retry_after_s);
    }
    printf("ok %u\n", sim_pcs_requests(pcs));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const struct sim_world world = {.now_s = (int64_t)time(NULL)};
    struct sim_intel v;
    char line[256];
    if (argc != 2)
        sim_die("usage: sim-pcs FOLDER");
    sim_intel_init(&v, &world);
    write_evidence(argv[1], &v);
    struct sim_pcs *pcs = sim_pcs_start(&v, NULL);
    printf("%s\n", sim_pcs_url(pcs));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        obey(pcs, line);
    sim_pcs_stop(pcs);
    sim_intel_done(&v);
    return 0;
}
