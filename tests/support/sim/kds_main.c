/* sim-kds DIR: a simulated KDS on loopback for end-to-end tests. Writes into DIR what a relying party would have: the
 * roots (PRODUCT.ark.pem), PRODUCT.report.bin, PRODUCT.extended.bin (with its certificate table), and prints its URL.
 * "fault STATUS" on standard input makes every answer that status (0: none), "requests" prints how many came; the end
 * of input ends it. */
#include "tests/support/sim/amd.h"
#include "tests/support/sim/web.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct sim_amd amds[4];
static atomic_int fault, requests;

static const struct sim_amd *amd_of(const char *target)
{
    return strstr(target, "/Turin/")   ? &amds[SIM_TURIN]
           : strstr(target, "/Genoa/") ? &amds[SIM_GENOA]
                                       : &amds[SIM_MILAN];
}

static void answer(void *ctx, struct sim_answer *out, const char *target)
{
    const struct sim_amd *amd = amd_of(target);
    (void)ctx;
    requests++;
    if (fault) {
        out->status = fault;
        return;
    }
    if (strstr(target, "/cert_chain")) {
        char *pem = sim_amd_chain(amd, strncmp(target, "/vlek/", 6) == 0);
        buf_text(&out->body, pem);
        free(pem);
    } else if (strstr(target, "/crl")) {
        struct bytes crl = sim_amd_crl(amd, amd->world.now_s - 86400, amd->world.now_s + 30 * 86400, 1, NULL, 0);
        buf_put(&out->body, crl);
        free((void *)crl.p);
    } else {
        buf_put(&out->body, amd->vcek.der);
    }
}

static void save(const char *dir, const char *product, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", dir, product, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0)
        sim_die(path);
}

static void write_evidence(const char *dir, const struct sim_amd *amd)
{
    uint8_t report[SIM_REPORT_LEN];
    struct buf extended = buf_new(1 << 16);
    const char *product = sim_product_name(amd->product);
    const struct sim_cert *ark = &amd->ark;
    sim_report(report, amd, 5, false);
    sim_report_sign(report, amd->vcek.key);
    save(dir, product, ".report.bin", BYTES(report));
    sim_report(report, amd, 3, true);
    sim_report_sign(report, amd->vlek.key);
    buf_put(&extended, BYTES(report));
    sim_table_put(&extended, &(struct sim_table){.vlek = amd->vlek.der});
    save(dir, product, ".extended.bin", buf_view(&extended));
    char *pem = sim_pem(&ark, 1);
    save(dir, product, ".ark.pem", bytes_str(pem));
    free(pem);
    buf_done(&extended);
}

int main(int argc, char **argv)
{
    static const enum sim_product made[] = {SIM_MILAN, SIM_GENOA, SIM_TURIN};
    const struct sim_world world = {.now_s = time(NULL)};
    char url[64], line[128];
    if (argc != 2)
        sim_die("usage: sim-kds DIR");
    for (size_t i = 0; i < 3; i++) {
        sim_amd_init(&amds[made[i]], &world, made[i]);
        write_evidence(argv[1], &amds[made[i]]);
    }
    struct sim_web *web = sim_web_start(url, sizeof url, answer, NULL);
    printf("%s\n", url);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        int status;
        if (sscanf(line, "fault %d", &status) == 1)
            fault = status;
        printf("requests %d\n", requests);
        fflush(stdout);
    }
    sim_web_stop(web);
    for (size_t i = 0; i < 3; i++)
        sim_amd_done(&amds[made[i]]);
    return 0;
}
