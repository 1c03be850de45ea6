/* verify: a verdict on evidence, no chain needed. */
#include "relayer/cli/cmd_evidence.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/collateral/memory.h"
#include "relayer/files.h"
#include "relayer/input.h"
#include "relayer/judge.h"
#include "relayer/log.h"

#include <stdio.h>

static const struct opt_row opts[] = {
    {"kind", 0, "KIND", false, "take the input for this kind: " INPUT_KINDS},
    {"at", 0, "TIME", false, "judge as of this time: unix seconds or RFC 3339"},
    {"certs", 0, "FILE", true, "certificates that belong to the evidence (AMD's, the AK's)"},
    {"extra-data", 0, "HEX", false, "what the TPM quote's extra data must be, exactly"},
    {"report-data", 0, "HEX", false, "what the TEE's report data must be, exactly"},
    {"nonce", 0, "N", false, "the identity's nonce on chain"},
    {"offline", 0, NULL, false, "ask nobody; what is at hand or kept decides"},
    {"early", 0, NULL, false, "judge with Intel's next TCB evaluation data beside today's"},
    {"all", 0, NULL, false, "list the checks that passed as well"},
    {0},
};

struct question {
    struct judge judge;
    struct db *db; /* NULL: there is no store yet, or it cannot be opened */
    struct memory memory;
    struct gather gather;
    struct expected expected;
    enum input_kind kind;
    int64_t now_s;
    struct buf extra_data, report_data;
};

static void question_done(struct question *q)
{
    judge_done(&q->judge);
    gather_done(&q->gather);
    db_close(q->db);
    buf_done(&q->extra_data);
    buf_done(&q->report_data);
}

static bool take_hex(struct buf *out, struct bytes *view, bool *has, const struct opts *o, const char *name, struct err *err)
{
    *out = buf_new(4096);
    if (!opt_hex(out, o, name, err))
        return false;
    *has = opt_given(o, name);
    *view = buf_view(out);
    return true;
}

bool cmd_take_kind(enum input_kind *out, const struct opts *o, struct err *err)
{
    const char *kind = opt_text(o, "kind");
    return !kind || input_kind_from_name(out, kind) ||
           err_set(err, ERR_USAGE, "--kind %s is none of %s", kind, INPUT_KINDS);
}

/* The store and the network help where they can: a verdict does not need them. Judged as of another time (--at), nobody is
 * asked, since what is served is of today. */
static bool open_helpers(struct question *q, struct cmd_env *env, struct err *err)
{
    bool offline = opt_given(&env->opts, "offline") || opt_given(&env->opts, "at");
    struct err why = {0};
    if (!(offline ? db_open_readonly(&q->db, env->config.state_dir, &why) : db_open(&q->db, env->config.state_dir, &why)))
        log_info("verifying without the store: %s", why.text);
    if (q->db) {
        q->memory = memory_of(q->db);
        q->judge.memory = &q->memory;
    }
    q->judge.gather = &q->gather;
    if (!gather_init(&q->gather, &env->config, q->db, offline, err))
        return false;
    q->gather.early |= opt_given(&env->opts, "early");
    return true;
}

static bool prepare(struct question *q, struct cmd_env *env, struct err *err)
{
    char *certs[OPTS_MAX_GIVEN + 1] = {0};
    for (size_t i = 0; opt_nth(&env->opts, "certs", i); i++)
        certs[i] = (char *)opt_nth(&env->opts, "certs", i);
    q->expected = judge_expected(&env->config, CALL_NONE);
    q->now_s = clock_now_s();
    q->expected.has_nonce = opt_given(&env->opts, "nonce");
    return cmd_take_kind(&q->kind, &env->opts, err) && opt_time(&q->now_s, &env->opts, "at", err) &&
           opt_u64(&q->expected.nonce, &env->opts, "nonce", UINT64_MAX, err) &&
           take_hex(&q->extra_data, &q->expected.extra_data, &q->expected.has_extra_data, &env->opts, "extra-data", err) &&
           take_hex(&q->report_data, &q->expected.report_data, &q->expected.has_report_data, &env->opts, "report-data", err) &&
           judge_init(&q->judge, &env->config, certs, err) && open_helpers(q, env, err);
}

/* What cannot be read as evidence is rejected evidence; only our own trouble is an error. */
static bool judge_file(struct judgement *out, const struct question *q, const char *path, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX);
    AUTO(input_done) struct input in = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    if (!file_read(&raw, path, err) && err->code != ERR_FORMAT)
        return false;
    if (err->code == ERR_NONE && input_open(&in, buf_view(&raw), q->kind, err) && input_bundle(&bundle, &in, err))
        return judge_bundle(out, &q->judge, &bundle, &q->expected, q->now_s, err);
    if (err->code != ERR_FORMAT && err->code != ERR_CRYPTO)
        return err_wrap(err, "%s", path);
    struct err why = *err;
    err_clear(err);
    return judge_unreadable(out, &q->judge, why.text, q->now_s, err);
}

static int status_of(enum verdict_kind v)
{
    static const int status[] = {[UNDECIDED] = EXIT_LATER, [REJECTED] = EXIT_REJECTED, [VERIFIED] = EXIT_DONE};
    return status[v];
}

static bool run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(question_done) struct question q = {0};
    if (!prepare(&q, env, err))
        return false;
    int n = env->opts.num_args;
    json_auto_t *docs = json_array();
    bool all = opt_given(&env->opts, "all") || env->verbose;
    for (int i = 0; i < n; i++) {
        AUTO(judgement_done) struct judgement j = {0};
        const char *path = env->opts.args[i];
        if (!judge_file(&j, &q, path, err))
            return false;
        if (n > 1)
            json_object_set_new(j.doc, "file", json_string(path));
        *status = cmd_worse(*status, status_of(j.verdict));
        json_array_append(docs, j.doc);
        AUTO(buf_done) struct buf text = buf_new(1 << 20);
        if (!env->json && !env->quiet) {
            judgement_text(&text, &j, all, tint_on());
            printf("%s%s%.*s", n > 1 ? path : "", n > 1 ? ": " : "", (int)text.len, (const char *)text.p);
        }
    }
    if (!env->json)
        return true;
    return cmd_print_json(json_incref(n > 1 ? docs : json_array_get(docs, 0)), err);
}

const struct cmd cmd_verify = {
    .name = "verify",
    .args = "FILE...",
    .min_args = 1,
    .max_args = -1,
    .help = "verdict on evidence, no chain needed",
    .about = "FILE (- is standard input) is an evidence bundle, a TDX or SGX quote, an SNP report, an HCL report, a TPM quote or\n"
             "registry calldata; raw, hex or base64. Exit 0 verified, 1 rejected, 3 undecided; of several files the worst.",
    .opts = opts,
    .keys = KEYS_EVIDENCE | KEYS_STORE | KEYS_COLLATERAL,
    .run = run,
};
