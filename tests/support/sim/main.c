/* cvm-sim: evidence of a VM that does not exist, for trying cvm-relayer out and for tests.
 *
 *   cvm-sim evidence DIR --cloud gcp|azure --public-key 0xXY|0xDER [--call NAME --chain-id N --registry 0xADDR [--time T]]
 *                        [--profile g1b] [--extra-data HEX] [--version N] [--machine N] [--level N]   the bundle on standard output
 *   cvm-sim collateral DIR --out FOLDER [--time T] [--level N] [--evaluation-number N]
 *                        [--recovery T]
 *                        TCB info, QE identity, CRLs, chains and the roots, as files; with --recovery also the next TCB evaluation
 *                        data, in force from T, under which the platform is OutOfDate
 *
 * --version: of the software that booted. --machine: that it runs on, with a TPM of its own. --level: how often that machine's
 * microcode was updated, or which level Intel has come to: machines below are OutOfDate.
 *
 * DIR keeps the simulated vendors' keys and the software TPM; the same DIR is the same VM. Everything chains to roots made
 * in DIR, which cvm-relayer trusts only when told to (--root FOLDER/roots.pem). */
#include "crypto/base/text.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/identity.h"
#include "tests/support/sim/cloud.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_LEVEL 15

struct args {
    const char *dir, *out, *call, *profile;
    enum cloud cloud;
    struct buf public_key, extra_data;
    uint64_t chain_id, version, machine, level, evaluation_number;
    struct addr20 registry;
    int64_t time_s, recovery_s;
};

_Noreturn static void usage(const char *why)
{
    fprintf(stderr,
            "cvm-sim: %s\n"
            "usage: cvm-sim evidence DIR --cloud gcp|azure --public-key 0xXY|0xDER [--call NAME --chain-id N --registry 0xADDR\n"
            "                        [--time T]] [--profile g1b] [--extra-data HEX] [--version N] [--machine N] [--level N]\n"
            "       cvm-sim collateral DIR --out FOLDER [--time T] [--level N] [--evaluation-number N] [--recovery T]\n",
            why);
    exit(2);
}

static void parse(struct args *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"cloud", required_argument, NULL, 'c'},    {"public-key", required_argument, NULL, 'k'},
        {"call", required_argument, NULL, 'f'},     {"chain-id", required_argument, NULL, 'i'},
        {"registry", required_argument, NULL, 'r'}, {"time", required_argument, NULL, 't'},
        {"profile", required_argument, NULL, 'p'},  {"extra-data", required_argument, NULL, 'x'},
        {"version", required_argument, NULL, 'v'},  {"out", required_argument, NULL, 'o'},
        {"recovery", required_argument, NULL, 'R'},
        {"machine", required_argument, NULL, 'm'},  {"level", required_argument, NULL, 'l'},
        {"evaluation-number", required_argument, NULL, 'e'},
        {0},
    };
    struct err err = {0};
    bool ok = true;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        struct bytes text = bytes_str(optarg ? optarg : "");
        switch (o) {
        case 'c':
            ok = strcmp(optarg, "gcp") == 0 || strcmp(optarg, "azure") == 0;
            a->cloud = strcmp(optarg, "azure") == 0 ? CLOUD_AZURE : CLOUD_GCP;
            break;
        case 'k':
            ok = hex_decode(&a->public_key, text, &err);
            break;
        case 'f':
            a->call = optarg;
            break;
        case 'i':
            ok = u64_parse(&a->chain_id, text, UINT64_MAX, &err);
            break;
        case 'r':
            ok = hex_decode_fixed(a->registry.b, sizeof a->registry.b, text, &err);
            break;
        case 't':
            ok = time_parse(&a->time_s, text, &err);
            break;
        case 'p':
            a->profile = optarg;
            break;
        case 'x':
            ok = hex_decode(&a->extra_data, text, &err);
            break;
        case 'v':
            ok = u64_parse(&a->version, text, UINT32_MAX, &err);
            break;
        case 'R':
            ok = time_parse(&a->recovery_s, text, &err);
            break;
        case 'm':
            ok = u64_parse(&a->machine, text, UINT32_MAX, &err);
            break;
        case 'l':
            ok = u64_parse(&a->level, text, MAX_LEVEL, &err);
            break;
        case 'e':
            ok = u64_parse(&a->evaluation_number, text, UINT32_MAX, &err);
            break;
        case 'o':
            a->out = optarg;
            break;
        default:
            usage("unknown option");
        }
        if (!ok)
            usage(err.text[0] ? err.text : "an option's value is not what it should be");
    }
    if (argc - optind != 1)
        usage("want one folder");
    a->dir = argv[optind];
}

static enum call_kind call_from_name(const char *name)
{
    for (enum call_kind c = CALL_ATTEST; c <= CALL_SET_TTL; c++)
        if (strcmp(name, call_name(c)) == 0)
            return c;
    usage("unknown call");
}

/* ff and the identity's hash, and our tail where chain and registry were named. */
static void make_extra_data(struct args *a, const struct identity *id)
{
    enum profile profile = PROFILE_G1B;
    if (a->profile && !profile_from_name(&profile, a->profile))
        usage("unknown profile");
    struct hash32 hash = identity_hash(id, profile);
    uint8_t extra[EXTRA_DATA_LEN];
    extra_data_build(extra, &(struct tail_binding){.time_s = a->time_s, .chain_id = a->chain_id, .registry = a->registry,
                                                   .identity_hash = hash, .call = call_from_name(a->call ? a->call : "attestCvm")});
    buf_put(&a->extra_data, bytes_from(extra, a->call ? sizeof extra : sizeof extra - TAIL_LEN));
}

/* 64 bytes are a P-256 point, anything else an RSA key's DER. */
static struct identity identity_of(struct bytes key)
{
    struct identity id = {.present = true, .algo = ALG_RSA, .scheme = ALG_RSASSA, .hash_algo = ALG_SHA256, .key = key};
    if (key.len == 64) {
        id.algo = ALG_ECC;
        id.params = CURVE_P256;
        id.scheme = ALG_ECDSA;
    }
    return id;
}

static int evidence(struct args *a, const struct sim_world *world)
{
    if (!a->cloud || a->public_key.len == 0)
        usage("evidence wants --cloud and --public-key");
    struct identity id = identity_of(buf_view(&a->public_key));
    if (a->extra_data.len == 0)
        make_extra_data(a, &id);
    struct sim_vm vm;
    sim_vm_start(&vm, world, &(struct sim_boot){.cloud = a->cloud, .version = (unsigned)a->version, .machine = (unsigned)a->machine,
                                                .level = (unsigned)a->level});
    struct bundle b = sim_vm_evidence(&vm, &id, buf_view(&a->extra_data));
    json_t *doc = bundle_to_json(&b);
    if (!doc || json_dumpf(doc, stdout, JSON_INDENT(2)) != 0)
        sim_die("output");
    putchar('\n');
    json_decref(doc);
    bundle_done(&b);
    sim_vm_stop(&vm);
    return 0;
}

static void write_file(const char *folder, const char *name, struct bytes data)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0)
        sim_die(path);
}

static void write_text(const char *folder, const char *name, char *text)
{
    write_file(folder, name, bytes_str(text));
    free(text);
}

/* Best first: the level that Intel has come to, and those that it has left behind. */
static void put_levels(struct sim_level *out, unsigned newest)
{
    for (unsigned i = 0; i <= newest; i++)
        out[i] = (struct sim_level){.tcb = sim_intel_level(newest - i), .status = i ? "OutOfDate" : "UpToDate", .date = "2026-01-01T00:00:00Z"};
}

/* What update=early gives, as our export: only there it is told apart from today's. */
static void write_next_tcb(const struct args *a, const struct sim_intel *intel)
{
    const int64_t day = 86400, year = 365 * day;
    struct sim_level levels[MAX_LEVEL + 2];
    const unsigned number = (unsigned)a->evaluation_number + 1;
    put_levels(levels, (unsigned)a->level + 1);
    const struct sim_collateral next = {.issued_s = a->time_s - day, .next_update_s = a->time_s + 29 * day, .evaluation_number = number,
                                        .levels = levels, .num_levels = a->level + 2};
    struct collateral pool = collateral_new();
    struct buf out = buf_new(1 << 20);
    char *info = sim_tcb_info(intel, &next), *qe = sim_qe_identity(intel, &next), *chain = sim_tcb_chain(intel);
    char *numbers = sim_evaluation_numbers(intel, &next, number, a->recovery_s - year);
    if (!collateral_add_signed(&pool, "early", bytes_str(info), bytes_str(chain), true, NULL) ||
        !collateral_add_signed(&pool, "early", bytes_str(qe), bytes_str(chain), true, NULL) ||
        !collateral_add_signed(&pool, "numbers", bytes_str(numbers), bytes_str(chain), false, NULL) || !collateral_export(&out, &pool, NULL))
        sim_die("the next TCB evaluation data");
    write_file(a->out, "next_tcb.json", buf_view(&out));
    buf_done(&out);
    collateral_done(&pool);
    free(info);
    free(qe);
    free(chain);
    free(numbers);
}

static int collateral(struct args *a, const struct sim_world *world)
{
    if (!a->out)
        usage("collateral wants --out");
    mkdir(a->out, 0755);
    struct sim_intel intel;
    sim_intel_init(&intel, world);
    const int64_t day = 86400;
    struct sim_level levels[MAX_LEVEL + 1];
    put_levels(levels, (unsigned)a->level);
    const struct sim_collateral c = {.issued_s = a->time_s - day, .next_update_s = a->time_s + 29 * day, .levels = levels,
                                     .evaluation_number = (unsigned)a->evaluation_number, .num_levels = a->level + 1};
    write_text(a->out, "tcb_info.json", sim_tcb_info(&intel, &c));
    write_text(a->out, "qe_identity.json", sim_qe_identity(&intel, &c));
    write_text(a->out, "tcb_chain.pem", sim_tcb_chain(&intel));
    write_text(a->out, "pck_ca_chain.pem", sim_pck_ca_chain(&intel));
    struct bytes root_crl = sim_crl(&intel.root, c.issued_s, c.next_update_s, 1, NULL, 0, false);
    struct bytes pck_crl = sim_crl(&intel.platform_ca, c.issued_s, c.next_update_s, 1, NULL, 0, false);
    write_file(a->out, "root_crl.der", root_crl);
    write_file(a->out, "pck_crl.der", pck_crl);
    if (a->recovery_s)
        write_next_tcb(a, &intel);
    free((void *)root_crl.p);
    free((void *)pck_crl.p);
    write_text(a->out, "roots.pem", sim_roots(world, &intel));
    sim_intel_done(&intel);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        usage("want a command");
    struct args a = {.public_key = buf_new(4096), .extra_data = buf_new(4096), .time_s = (int64_t)time(NULL), .evaluation_number = 20};
    parse(&a, argc - 1, argv + 1);
    if (mkdir(a.dir, 0700) != 0 && access(a.dir, W_OK) != 0)
        usage("the folder cannot be written");
    const struct sim_world world = {.dir = a.dir, .now_s = a.time_s};
    int status;
    if (strcmp(argv[1], "evidence") == 0)
        status = evidence(&a, &world);
    else if (strcmp(argv[1], "collateral") == 0)
        status = collateral(&a, &world);
    else
        usage("unknown command");
    buf_done(&a.public_key);
    buf_done(&a.extra_data);
    return status;
}
