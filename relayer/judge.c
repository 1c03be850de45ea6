#include "relayer/judge.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/golden.h"
#include "relayer/files.h"
#include "relayer/forecast.h"
#include "relayer/registry/calldata.h"
#include "relayer/log.h"
#include "relayer/registry/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_COLLATERAL_FILE (16 * 1024 * 1024)
#define MAX_GOLDEN_FILE     (1024 * 1024)
#define MAX_POLICY_FILE     (256 * 1024)
#define MAX_ROOT_FILE       (256 * 1024)
#define FOLDER_DEPTH        3

/* --- what to judge with --- */

static bool load_policy(struct policy *out, const char *name, struct err *err)
{
    if (strcmp(name, "strict") == 0 || strcmp(name, "authentic") == 0)
        return policy_parse(out, name, bytes_str(name), err);
    AUTO(buf_done) struct buf text = buf_new(MAX_POLICY_FILE);
    if (!file_read_private(&text, name, false, err))
        return err_wrap(err, "policy");
    return policy_parse(out, name, buf_view(&text), err) || err_wrap(err, "policy %s", name);
}

/* Read once here, so that a mistake in it is said before anything is judged. */
static bool load_golden(struct buf *out, const char *path, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(4 << 20);
    struct golden_file file;
    *out = buf_new(MAX_GOLDEN_FILE);
    if (!path || !*path)
        return true;
    return (file_read_private(out, path, false, err) && golden_file_parse(&file, &mem, buf_view(out), err)) || err_wrap(err, "%s", path);
}

static bool add_root(struct roots *roots, const char *path, struct err *err)
{
    AUTO(buf_done) struct buf data = buf_new(MAX_ROOT_FILE);
    return (file_read(&data, path, err) && roots_add(roots, buf_view(&data), err)) || err_wrap(err, "trust root %s", path);
}

static bool add_file(struct judge *j, const char *path, enum collateral_order order, struct err *err)
{
    AUTO(buf_done) struct buf data = buf_new(MAX_COLLATERAL_FILE);
    return (file_read(&data, path, err) && collateral_add(&j->collateral, path, buf_view(&data), order, err)) ||
           err_wrap(err, "collateral");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool add_path(struct judge *j, const char *path, enum collateral_order order, int depth, struct err *err);

static bool add_folder(struct judge *j, const char *path, int depth, struct err *err)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, not_hidden, by_name);
    if (n < 0)
        return err_set(err, ERR_USAGE, "collateral: cannot list %s", path);
    bool ok = true;
    for (int i = 0; i < n; i++) {
        AUTO(auto_free) char *entry = path_join(path, names[i]->d_name);
        ok = ok && (entry ? add_path(j, entry, COLLATERAL_POOLED, depth - 1, err)
                          : err_set(err, ERR_NOMEM, "no memory for a path"));
        free(names[i]);
    }
    free(names);
    return ok;
}

static bool add_path(struct judge *j, const char *path, enum collateral_order order, int depth, struct err *err)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return depth <= 0 || add_folder(j, path, depth, err);
    return add_file(j, path, order, err);
}

bool judge_add_collateral(struct judge *j, const char *path, struct err *err)
{
    return add_path(j, path, COLLATERAL_LISTED, FOLDER_DEPTH, err);
}

bool judge_init(struct judge *out, const struct config *cfg, char *const *extra_collateral, struct err *err)
{
    AUTO(judge_done) struct judge j = {.collateral = collateral_new()};
    if (!load_policy(&j.policy, cfg->policy, err) || !roots_init(&j.roots, err))
        return false;
    if (!load_golden(&j.golden, cfg->golden, err))
        return false;
    if (cfg->allow_foreign_evidence)
        j.policy.allow_foreign_evidence = true;
    if (cfg->max_evidence_age_s)
        j.policy.max_evidence_age_s = cfg->max_evidence_age_s;
    for (size_t i = 0; i < cfg->root.count; i++)
        if (!add_root(&j.roots, cfg->root.item[i], err))
            return false;
    for (size_t i = 0; i < cfg->collateral.count; i++)
        if (!judge_add_collateral(&j, cfg->collateral.item[i], err))
            return false;
    for (; extra_collateral && *extra_collateral; extra_collateral++)
        if (!judge_add_collateral(&j, *extra_collateral, err))
            return false;
    *out = j;
    j = (struct judge){0};
    return true;
}

void judge_done(struct judge *j)
{
    buf_done(&j->golden);
    roots_done(&j->roots);
    collateral_done(&j->collateral);
    *j = (struct judge){0};
}

enum profile judge_profile(const struct config *cfg)
{
    enum profile p = PROFILE_NONE;
    return profile_from_name(&p, cfg->profile) ? p : PROFILE_NONE;
}

struct expected judge_expected(const struct config *cfg, enum call_kind call)
{
    return (struct expected){
        .profile = judge_profile(cfg),
        .has_place = cfg->chain_id && cfg->has_registry,
        .chain_id = cfg->chain_id,
        .registry = cfg->registry,
        .call = call,
        .report_id_pcr = (uint32_t)cfg->report_id_pcr,
    };
}

/* --- judging --- */

/* The registry's measurement of it, as JSON too; NULL where there is nothing to measure, or nothing that can be: the checks
 * say so. */
static json_t *measure(struct expected *expected, const struct bundle *bundle)
{
    AUTO(arena_done) struct arena mem = arena_new(8 << 20);
    struct golden golden = {0};
    if (bundle->bare || !golden_from_bundle(&golden, &mem, bundle, expected->profile, NULL))
        return NULL;
    expected->has_measurement_hash = true;
    expected->measurement_hash = golden.hash;
    return golden_to_json(&golden);
}

static void first_reason(char *out, size_t size, const struct verdict *v)
{
    static const enum outcome order[] = {FAIL, NOT_RUN};
    out[0] = '\0';
    for (size_t o = 0; o < 2; o++)
        for (size_t i = 0; i < v->num_results; i++) {
            const struct result *r = &v->results[i];
            if (r->finding.outcome != order[o] || (v->verdict == REJECTED && r->check->on_fail != REJECTS))
                continue;
            snprintf(out, size, "%s %s%s%s", r->check->id, o ? "could not be checked" : "failed", r->finding.detail[0] ? ": " : "",
                     r->finding.detail);
            return;
        }
}

/* What the settings bring, what the bundle brings, and what can be had of the rest. */
static bool complete(struct collateral *pool, const struct judge *j, const struct bundle *bundle, int64_t now_s, struct err *err)
{
    struct err why = {0};
    if (!collateral_join(pool, &j->collateral, err))
        return false;
    if (bundle->tdx_collateral) {
        AUTO(auto_free) char *text = json_dumps(bundle->tdx_collateral, JSON_COMPACT);
        if (!text)
            return err_set(err, ERR_NOMEM, "no memory for the bundle's collateral");
        if (!collateral_add(pool, "the bundle", bytes_str(text), COLLATERAL_POOLED, err))
            return false;
    }
    if (j->gather && !gather_for(j->gather, pool, &j->roots, bundle, now_s, &why))
        log_info("collateral: %s", why.text);
    return true;
}

bool judge_bundle(struct judgement *out, const struct judge *j, const struct bundle *bundle, const struct expected *expected,
                  int64_t now_s, struct err *err)
{
    struct snp_journal journal;
    bool zk = bundle->report_type == REPORT_ZK_SUCCINCT || bundle->report_type == REPORT_ZK_RISC0;
    bool has_journal = zk && bundle->tee == TEE_SNP && snp_journal_decode(&journal, bundle->report, NULL); /* if not, a check says so */
    struct expected full = *expected;
    json_auto_t *measurement = measure(&full, bundle);
    full.golden = buf_view(&j->golden);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    bool as_it_is = !bundle->tdx_collateral && !j->gather;
    if (!as_it_is && !complete(&pool, j, bundle, now_s, err))
        return false;
    AUTO(evidence_done) struct ev ev = {
        .bundle = bundle,
        .collateral = as_it_is ? &j->collateral : &pool,
        .policy = &j->policy,
        .roots = &j->roots,
        .expected = &full,
        .memory = j->memory,
        .snp_journal = has_journal ? &journal : NULL,
        .now_s = now_s,
    };
    AUTO(auto_free) struct verdict *v = calloc(1, sizeof *v);
    if (!v)
        return err_set(err, ERR_NOMEM, "no memory for a verdict");
    evidence_judge(&ev, v);
    struct judgement result = {.verdict = v->verdict, .doc = verdict_to_json(&ev, v)};
    if (!result.doc)
        return err_set(err, ERR_NOMEM, "no memory for a verdict");
    if (measurement)
        json_object_set(result.doc, "measurement", measurement);
    if (snp_journal_takes(&ev))
        forecast_add(result.doc, j, v, bundle, expected, now_s);
    else
        json_object_set_new(result.doc, "registry", json_pack("{s:s, s:s}", "accepts", "no", "reason",
                                                              "its SNP verifier's journal has no word for Turin"));
    first_reason(result.reason, sizeof result.reason, v);
    result.v = STEAL(v);
    *out = result;
    return true;
}

bool judge_unreadable(struct judgement *out, const struct judge *j, const char *why, int64_t now_s, struct err *err)
{
    char when[21];
    struct judgement result = {.verdict = REJECTED};
    result.doc = json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s}], s:[]}", "format", "cvm-verdict/1", "verdict",
                           verdict_name(REJECTED), "policy", j->policy.name, "evaluated_at", time_format(when, now_s), "checks",
                           "id", "input.format", "outcome", outcome_name(FAIL), "detail", why, "trust_roots");
    if (!result.doc)
        return err_set(err, ERR_NOMEM, "no memory for a verdict");
    snprintf(result.reason, sizeof result.reason, "input.format failed: %s", why);
    *out = result;
    return true;
}

void judgement_text(struct buf *out, const struct judgement *j, bool all, bool colour)
{
    if (j->v)
        verdict_to_text(out, j->v, j->doc, all, colour);
    else
        buf_printf(out, "%s: %s\n", verdict_name(j->verdict), j->reason);
}

void judgement_done(struct judgement *out)
{
    json_decref(out->doc);
    free(out->v);
    *out = (struct judgement){0};
}
