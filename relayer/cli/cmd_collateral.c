/* collateral fetch|import|export|list: what evidence is judged with, fetched ahead of need, carried to machines without a
 * network, and looked at. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/collateral/gather.h"
#include "relayer/evidence/snp_certs.h"
#include "relayer/files.h"
#include "relayer/input.h"
#include "relayer/judge.h"
#include "relayer/store/collateral.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_EXPORT ((size_t)64 << 20)

/* The store, the roots and the sources. */
struct desk {
    struct db *db;
    struct judge judge; /* for its roots; and collateral to import */
    struct gather gather;
    int64_t now_s;
};

static void desk_done(struct desk *d)
{
    gather_done(&d->gather);
    judge_done(&d->judge);
    db_close(d->db);
}

static bool desk_open(struct desk *d, struct cmd_env *env, bool offline, struct err *err)
{
    d->now_s = clock_now_s();
    return db_open(&d->db, env->config.state_dir, err) && judge_init(&d->judge, &env->config, NULL, err) &&
           gather_init(&d->gather, &env->config, d->db, offline, err);
}

/* --- fetch --- */

static const struct opt_row fetch_opts[] = {
    {"amd", 0, "PRODUCT", true, "AMD's chains and CRLs of milan, genoa or turin"},
    {"fmspc", 0, "HEX", true, "the platform's FMSPC (6 bytes)"},
    {"tee", 0, "tdx|sgx", false, "what --fmspc is meant for (tdx)"},
    {"ca", 0, "platform|processor", false, "the CA that issued the platform's PCK certificate (platform)"},
    {"early", 0, NULL, false, "Intel's next TCB evaluation data too"},
    {"force", 0, NULL, false, "fetch even what is kept and good"},
    {0},
};

struct row {
    char name[128]; /* as it is kept */
    struct pcs_outcome outcome;
};
struct rows {
    struct row *row;
    size_t count, failed;
};

static void rows_done(struct rows *rows)
{
    free(rows->row);
}

static bool already(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->row[i].name, name) == 0)
            return true;
    return false;
}

static bool add_row(struct rows *rows, const char *name, const struct pcs_outcome *outcome, struct err *err)
{
    struct row *grown = realloc(rows->row, (rows->count + 1) * sizeof *grown);
    if (!grown)
        return err_set(err, ERR_NOMEM, "no memory for the list");
    rows->row = grown;
    struct row *row = &rows->row[rows->count++];
    *row = (struct row){.outcome = *outcome};
    snprintf(row->name, sizeof row->name, "%s", name);
    rows->failed += outcome->from == PCS_NOWHERE;
    return true;
}

/* Those of the wants that were not had before in this run. */
static bool fetch(struct rows *rows, struct desk *d, const struct pcs_want *wants, size_t n, bool force, struct err *err)
{
    AUTO(collateral_done) struct collateral pool = collateral_new();
    struct pcs pcs = {.db = d->db, .roots = &d->judge.roots, .sources = d->gather.pcs, .num_sources = d->gather.num_pcs,
                      .now_s = d->now_s, .refresh = force};
    struct pcs_want ask[PCS_MAX_WANTS];
    struct pcs_outcome outcome[PCS_MAX_WANTS] = {0};
    char name[128];
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!already(rows, pcs_want_name(name, sizeof name, &wants[i])))
            ask[count++] = wants[i];
    if (count == 0)
        return true;
    if (!pcs_get(&pool, &pcs, ask, count, outcome, err) && err->code == ERR_STORE)
        return false;
    err_clear(err); /* each row has its own reason */
    for (size_t i = 0; i < count; i++)
        if (!add_row(rows, pcs_want_name(name, sizeof name, &ask[i]), &outcome[i], err))
            return false;
    return true;
}

/* One chain or CRL of AMD's. */
static bool fetch_amd_thing(struct rows *rows, const struct kds *kds, enum snp_product product, enum kds_branch branch, bool crl, struct err *err)
{
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(buf_done) struct buf name = buf_new(127);
    struct pcs_outcome outcome = {0};
    buf_text(&name, "amd");
    (crl ? kds_crl_path : kds_chain_path)(&name, product, branch);
    buf_u8(&name, 0);
    if (!buf_finish(&name, err) || already(rows, (const char *)name.p))
        return name.failed ? false : true;
    if ((crl ? kds_crl : kds_chain)(&pool, kds, product, branch, &outcome.why))
        outcome.from = PCS_FETCHED;
    for (size_t i = 0; i < pool.count; i++)
        if (pool.items[i].kind == COLLATERAL_CRL)
            outcome.expires_s = pool.items[i].crl.next_update_s;
    return add_row(rows, (const char *)name.p, &outcome, err);
}

static bool fetch_amd(struct rows *rows, struct desk *d, enum snp_product product, bool crls_alone, struct err *err)
{
    struct kds kds = gather_kds(&d->gather, &d->judge.roots, d->now_s);
    kds.refresh = true;
    for (enum kds_branch branch = KDS_VCEK; branch <= KDS_VLEK; branch++)
        if ((!crls_alone && !fetch_amd_thing(rows, &kds, product, branch, false, err)) ||
            !fetch_amd_thing(rows, &kds, product, branch, true, err))
            return false;
    return true;
}

static bool take_product(enum snp_product *out, const char *text, struct err *err)
{
    for (*out = SNP_MILAN; *out <= SNP_TURIN; (*out)++)
        if (strcasecmp(text, snp_product_name(*out)) == 0)
            return true;
    return err_set(err, ERR_USAGE, "--amd %s: want milan, genoa (Bergamo and Siena too) or turin", text);
}

static bool take_tee(bool *tdx, const struct opts *o, struct err *err)
{
    const char *tee = opt_text(o, "tee");
    *tdx = !tee || strcmp(tee, "tdx") == 0;
    return *tdx || strcmp(tee, "sgx") == 0 || err_set(err, ERR_USAGE, "--tee %s: want tdx or sgx", tee);
}

static bool take_ca(bool *processor, const struct opts *o, struct err *err)
{
    const char *ca = opt_text(o, "ca");
    *processor = ca && strcmp(ca, "processor") == 0;
    return !ca || *processor || strcmp(ca, "platform") == 0 || err_set(err, ERR_USAGE, "--ca %s: want platform or processor", ca);
}

static bool take_fmspc(uint8_t out[static 6], const char *text, struct err *err)
{
    return hex_decode_fixed(out, 6, bytes_str(text), NULL) || err_set(err, ERR_USAGE, "--fmspc %s: want 6 bytes of hex", text);
}

static bool fetch_for_file(struct rows *rows, struct desk *d, const char *path, bool early, bool force, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX);
    AUTO(input_done) struct input in = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(collateral_done) struct collateral pool = collateral_new();
    if (!file_read(&raw, path, err) || !input_open(&in, buf_view(&raw), INPUT_UNKNOWN, err) || !input_bundle(&bundle, &in, err))
        return err_wrap(err, "%s", path);
    if (bundle.tee == TEE_SNP)
        return gather_for(&d->gather, &pool, &d->judge.roots, &bundle, d->now_s, err) || err_wrap(err, "%s", path);
    struct pcs_want wants[PCS_MAX_WANTS];
    size_t n = pcs_wants_of_quote(wants, bundle.report, early);
    if (n == 0)
        return err_set(err, ERR_FORMAT, "%s: no quote with a PCK chain, which would say whose collateral is wanted", path);
    return fetch(rows, d, wants, n, force, err);
}

/* What is kept, asked for again where it is due. */
static bool fetch_known(struct rows *rows, struct desk *d, bool force, struct err *err)
{
    AUTO(collateral_done) struct collateral pool = collateral_new();
    if (!pcs_add_kept(&pool, d->db, err) || !kds_add_kept(&pool, d->db, err))
        return false;
    for (size_t i = 0; i < pool.count; i++) {
        struct pcs_want want;
        enum snp_product product;
        if (pool.items[i].kind == COLLATERAL_CRL && snp_name_kind(pool.items[i].crl.issuer, &product) == SNP_CERT_ARK &&
            !fetch_amd(rows, d, product, true, err))
            return false;
        if (pcs_want_of_item(&want, &pool.items[i]) && !fetch(rows, d, &want, 1, force, err))
            return false;
    }
    return true;
}

static json_t *row_json(const struct row *r)
{
    static const char *const from[] = {[PCS_NOWHERE] = "nowhere", [PCS_KEPT] = "store", [PCS_FETCHED] = "fetched"};
    char when[21];
    json_t *o = json_pack("{s:s, s:s}", "name", r->name, "from", from[r->outcome.from]);
    if (r->outcome.expires_s)
        json_object_set_new(o, "expires_at", json_string(time_format(when, r->outcome.expires_s)));
    if (r->outcome.why.code != ERR_NONE)
        json_object_set_new(o, "error", json_string(r->outcome.why.text));
    return o;
}

static bool report_rows(struct cmd_env *env, const struct rows *rows, struct err *err)
{
    json_auto_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *r = &rows->row[i];
        char when[21] = "for ever";
        json_array_append_new(list, row_json(r));
        if (r->outcome.expires_s)
            time_format(when, r->outcome.expires_s);
        if (r->outcome.from == PCS_NOWHERE) {
            cmd_say(env, "%-40s %s", r->name, r->outcome.why.text);
            continue;
        }
        cmd_say(env, "%-40s %-8s until %s%s%s", r->name, r->outcome.from == PCS_FETCHED ? "fetched" : "kept", when, r->outcome.why.code ? "; not refreshed: " : "",
                r->outcome.why.code ? r->outcome.why.text : "");
    }
    return !env->json || cmd_print_json(json_pack("{s:s, s:O}", "format", "cvm-collateral-fetch/1", "items", list), err);
}

static bool run_fetch(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(desk_done) struct desk d = {0};
    AUTO(rows_done) struct rows rows = {0};
    bool tdx, processor, early = opt_given(&env->opts, "early"), force = opt_given(&env->opts, "force");
    struct pcs_want wants[PCS_MAX_WANTS];
    if (!take_tee(&tdx, &env->opts, err) || !take_ca(&processor, &env->opts, err) || !desk_open(&d, env, false, err))
        return false;
    const char *text;
    for (size_t i = 0; (text = opt_nth(&env->opts, "fmspc", i)); i++) {
        uint8_t fmspc[6];
        if (!take_fmspc(fmspc, text, err) ||
            !fetch(&rows, &d, wants, pcs_wants(wants, tdx, fmspc, processor, early), force, err))
            return false;
    }
    for (size_t i = 0; (text = opt_nth(&env->opts, "amd", i)); i++) {
        enum snp_product product;
        if (!take_product(&product, text, err) || !fetch_amd(&rows, &d, product, false, err))
            return false;
    }
    for (int i = 0; i < env->opts.num_args; i++)
        if (!fetch_for_file(&rows, &d, env->opts.args[i], early, force, err))
            return false;
    if (!opt_given(&env->opts, "fmspc") && !opt_given(&env->opts, "amd") && env->opts.num_args == 0 && !fetch_known(&rows, &d, force, err))
        return false;
    *status = rows.failed ? EXIT_LATER : EXIT_DONE;
    return report_rows(env, &rows, err);
}

const struct cmd cmd_collateral_fetch = {
    .name = "collateral fetch",
    .args = "[EVIDENCE...]",
    .max_args = -1,
    .help = "fetch what judging these platforms needs, check it and keep it",
    .about = "The platforms are those of the evidence files, of --fmspc and of --amd; without any, what is kept is refreshed where less\n"
             "than a third of its window is left. What does not hold against the pinned roots is not kept. Exit 3 when something\n"
             "could not be had.",
    .opts = fetch_opts,
    .keys = KEYS_STORE | KEYS_COLLATERAL | KEYS_EVIDENCE,
    .run = run_fetch,
};

/* --- import --- */

static bool run_import(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(desk_done) struct desk d = {0};
    size_t kept = 0, kept_amd = 0, unreadable = 0;
    if (!desk_open(&d, env, true, err))
        return false;
    for (int i = 0; i < env->opts.num_args; i++)
        if (!judge_add_collateral(&d.judge, env->opts.args[i], err))
            return false;
    const struct collateral *pool = &d.judge.collateral;
    struct pcs pcs = {.db = d.db, .roots = &d.judge.roots, .now_s = d.now_s};
    struct kds kds = gather_kds(&d.gather, &d.judge.roots, d.now_s);
    if (!pcs_keep_pool(&kept, &pcs, pool, err) || !kds_keep_pool(&kept_amd, &kds, pool, err))
        return false;
    kept += kept_amd;
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->items[i].kind != COLLATERAL_UNREADABLE)
            continue;
        unreadable++;
        cmd_say(env, "%s: %s, unreadable: %s", pool->items[i].origin, collateral_item_name(&pool->items[i]), pool->items[i].why);
    }
    cmd_say(env, "%zu documents kept", kept);
    *status = kept == 0 || unreadable ? EXIT_LATER : EXIT_DONE;
    return !env->json || cmd_print_json(json_pack("{s:s, s:I, s:I}", "format", "cvm-collateral-import/1", "kept", (json_int_t)kept,
                                                  "unreadable", (json_int_t)unreadable), err);
}

const struct cmd cmd_collateral_import = {
    .name = "collateral import",
    .args = "FILE|DIR...",
    .min_args = 1,
    .max_args = -1,
    .help = "check collateral from files and keep it, for machines without a network",
    .about = "Files are recognised by content: Intel's JSON, certificates, CRLs, AMD's certificate tables, dcap-qvl's JSON, our own export. What does not hold\n"
             "against the pinned roots now, or is older than what was seen before, is left out.",
    .keys = KEYS_STORE | KEYS_EVIDENCE,
    .run = run_import,
};

/* --- export --- */

static const struct opt_row export_opts[] = {
    {"format", 0, "own|dcap-qvl", false, "our own document (own), or one platform's as dcap-qvl reads it"},
    {"fmspc", 0, "HEX", false, "dcap-qvl: the platform's FMSPC (6 bytes)"},
    {"tee", 0, "tdx|sgx", false, "dcap-qvl: tdx or sgx (tdx)"},
    {"ca", 0, "platform|processor", false, "dcap-qvl: the CA of the platform's PCK certificate (platform)"},
    {0},
};

static bool write_dcap_qvl(struct buf *out, const struct collateral *pool, struct cmd_env *env, struct err *err)
{
    uint8_t fmspc[6];
    bool tdx, processor;
    const char *text = opt_text(&env->opts, "fmspc");
    if (!text)
        return err_set(err, ERR_USAGE, "--format dcap-qvl is about one platform: --fmspc names it");
    return take_fmspc(fmspc, text, err) && take_tee(&tdx, &env->opts, err) && take_ca(&processor, &env->opts, err) &&
           collateral_export_dcap_qvl(out, pool, tdx, fmspc, processor, err);
}

static bool run_export(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(buf_done) struct buf out = buf_new(MAX_EXPORT);
    const char *format = opt_text(&env->opts, "format");
    bool own = !format || strcmp(format, "own") == 0;
    if (!own && strcmp(format, "dcap-qvl") != 0)
        return err_set(err, ERR_USAGE, "--format %s: want own or dcap-qvl", format);
    if (!db_open(&db, env->config.state_dir, err) || !pcs_add_kept(&pool, db, err) || (own && !kds_add_kept(&pool, db, err)) ||
        !(own ? collateral_export(&out, &pool, err) : write_dcap_qvl(&out, &pool, env, err)))
        return false;
    *status = EXIT_DONE;
    if (fwrite(out.p, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        return err_set(err, ERR_STORE, "standard output: cannot be written");
    return true;
}

const struct cmd cmd_collateral_export = {
    .name = "collateral export",
    .max_args = 0,
    .help = "write what is kept to standard output, for import elsewhere",
    .opts = export_opts,
    .keys = KEYS_STORE,
    .run = run_export,
};

/* --- list --- */

struct listing {
    struct cmd_env *env;
    json_t *list;
    int64_t now_s;
    int status;
};

static bool list_row(void *user, const char *name, struct cache_row row, size_t body_len)
{
    struct listing *l = user;
    if (strncmp(name, "patience/", 9) == 0)
        return true; /* how long a source wants to be left alone: nothing to judge with */
    char until[21] = "for ever", left[DURATION_TEXT_SIZE] = "", fetched[21];
    int64_t left_s = row.expires_at_s - l->now_s;
    const char *state = row.expires_at_s == 0 || left_s > 7 * 86400 ? "good" : left_s > 0 ? "expiring" : "expired";
    if (row.expires_at_s) {
        time_format(until, row.expires_at_s);
        duration_short(left, left_s < 0 ? -left_s : left_s);
    }
    json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "name", name, "state", state, "fetched_at", time_format(fetched, row.fetched_at_s),
                          "bytes", (json_int_t)body_len);
    if (row.expires_at_s)
        json_object_set_new(o, "expires_at", json_string(until));
    json_array_append_new(l->list, o);
    if (row.expires_at_s && left_s <= 0)
        l->status = cmd_worse(l->status, EXIT_ATTENTION);
    cmd_say(l->env, "%-44s %s%-8s%s %s%s%s", name, tint(left_s > 0 || !row.expires_at_s ? TINT_GOOD : TINT_BAD), state, tint_end(), until,
            left[0] ? (left_s > 0 ? ", left " : ", over for ") : "", left);
    return true;
}

static bool run_list(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    json_auto_t *list = json_array();
    struct listing l = {.env = env, .list = list, .now_s = clock_now_s()};
    if (!db_open(&db, env->config.state_dir, err) || !cache_list(db, list_row, &l, err))
        return false;
    if (json_array_size(list) == 0)
        cmd_say(env, "nothing is kept; collateral fetch or import changes that");
    *status = l.status;
    return !env->json || cmd_print_json(json_pack("{s:s, s:O}", "format", "cvm-collateral-list/1", "items", list), err);
}

const struct cmd cmd_collateral_list = {
    .name = "collateral list",
    .max_args = 0,
    .help = "what is kept, and until when it is good",
    .about = "Exit 4 when something has expired.",
    .keys = KEYS_STORE,
    .run = run_list,
};
