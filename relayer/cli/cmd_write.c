/* register, reattest, rotate, set-ttl: the commands that write to the registry. The story is relay.c's; here options become a
 * request, and the outcome becomes text, JSON and an exit status. */
#include "relayer/cli/cmd_evidence.h"
#include "relayer/cli/live.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/log.h"
#include "relayer/relay.h"
#include "relayer/rotate.h"
#include "relayer/status.h"
#include "relayer/stop.h"
#include "relayer/wei.h"

#include <stdio.h>

#define SENDING_OPTS                                                                                                   \
    {"dry-run", 0, NULL, false, "print the call and the unsigned transaction, send nothing"},                          \
        {"format", 0, "text|json|cast|safe", false, "how --dry-run prints"},                                           \
        {"wait", 0, "none|sent|mined|final", false, "how far to follow the transaction (final)"},                      \
        {"idempotency-key", 0, "TEXT", false, "the same text is the same intent, whatever the calldata"},              \
        {"accept-implementation", 0, NULL, false, "take the registry's code as it stands now, although it changed"}, \
        {"accept-difference", 0, NULL, false, "write although the registry answers otherwise than its model"}

#define EVIDENCE_OPTS                                                                                                  \
    {"kind", 0, "KIND", false, "take the input for this kind: " INPUT_KINDS},                                          \
        {"offline", 0, NULL, false, "fetch no collateral; what is at hand or kept decides"},                              \
        {"accept-measurement", 0, NULL, false, "take a measurement other than the one on record"}

static const struct opt_row register_opts[] = {
    SENDING_OPTS,
    EVIDENCE_OPTS,
    {"early", 0, NULL, false, "attest also when the registration is fresh"},
    {0},
};
static const struct opt_row reattest_opts[] = {
    SENDING_OPTS,
    EVIDENCE_OPTS,
    {0},
};
static const struct opt_row rotate_opts[] = {
    SENDING_OPTS,
    EVIDENCE_OPTS,
    {"from", 0, "ID", false, "the registered identity; the only tracked one otherwise"},
    {0},
};
static const struct opt_row ttl_opts[] = {
    SENDING_OPTS,
    {"tee-ttl", 0, "DURATION", false, "how long TEE evidence counts as fresh; unchanged otherwise"},
    {"tpm-ttl", 0, "DURATION", false, "how long TPM evidence counts as fresh; unchanged otherwise"},
    {"force", 0, NULL, false, "take a TTL that only we refuse: above max_ttl; in G1a also one that ends or revives the identity"},
    {0},
};

static bool on_stop(void *user)
{
    (void)user;
    return stop_wanted();
}

static bool base_request(struct relay_request *out, const struct cmd_env *env, enum call_kind call, struct live *live, struct err *err)
{
    const struct opts *o = &env->opts;
    const char *wait = opt_text(o, "wait"), *format = opt_text(o, "format");
    *out = (struct relay_request){
        .call = call,
        .early = opt_given(o, "early"),
        .force = opt_given(o, "force"),
        .accept_measurement = opt_given(o, "accept-measurement"),
        .accept_difference = opt_given(o, "accept-difference"),
        .idempotency_key = opt_text(o, "idempotency-key"),
        .wait = TX_WAIT_FINAL,
        .dry_run = opt_given(o, "dry-run") ? format ? format : env->json ? "json" : "text" : NULL,
        .progress = live_progress,
        .stopped = on_stop,
        .user = live,
    };
    if (format && !out->dry_run)
        return err_set(err, ERR_USAGE, "--format goes with --dry-run");
    return !wait || tx_wait_parse(&out->wait, wait) || err_set(err, ERR_USAGE, "--wait %s is none of none, sent, mined, final", wait);
}

/* --- the outcome --- */

static void say_row(const struct relay *r, const struct relay_outcome *out)
{
    struct status_row s = status_of_row(&out->read.after, r->session.cfg, (int64_t)out->read.block.time_s);
    char tee[DURATION_TEXT_SIZE], tpm[DURATION_TEXT_SIZE], hex[65];
    if (!s.tee.known)
        return;
    duration_short(tee, s.tee.left_s);
    duration_short(tpm, s.tpm.left_s);
    printf("state        %s; TEE %s left, TPM %s left\n", freshness_state_name(s.state), s.tee.expires_s == INT64_MAX ? "for ever" : tee,
           s.tpm.expires_s == INT64_MAX ? "for ever" : tpm);
    printf("measurement  0x%s\n", hex_encode(hex, BYTES_OF(out->read.after.measurement_hash)));
}

static void say_outcome(const struct relay *r, const struct relay_outcome *out)
{
    char hex[65], cost[WEI_TEXT_SIZE];
    printf("identity     0x%s\n", hex_encode(hex, BYTES_OF(out->id)));
    if (out->result == RELAY_ALREADY)
        printf("nothing to do: %s\n", out->words);
    if (out->has_tx && out->tx.has_hash)
        printf("transaction  0x%s %s\n", hex_encode(hex, BYTES_OF(out->tx.hash)), out->words);
    if (out->has_tx && out->tx.block)
        printf("block        %llu, %llu gas, %s\n", (unsigned long long)out->tx.block, (unsigned long long)out->tx.gas_used,
               wei_format(cost, out->tx.cost_wei));
    if (out->has_row)
        say_row(r, out);
}

/* The call, and its outcome told, whichever it is. */
static bool perform(struct cmd_env *env, struct relay *r, const struct relay_request *request, int *status, struct err *err)
{
    AUTO(relay_outcome_done) struct relay_outcome out = {0};
    bool ok = relay_call(r, &out, request, err);
    live_end(request->user);
    if (!ok) {
        *status = err_exit_status(err->code);
        if (!env->json)
            return false;
        log_error("%s", err->text);
        return cmd_print_json(relay_outcome_json(r, &out, request->call, err), &(struct err){0}) || false;
    }
    if (out.result == RELAY_DRY_RUN)
        return fwrite(out.dry_run.p, 1, out.dry_run.len, stdout) == out.dry_run.len || err_set(err, ERR_STORE, "standard output");
    if (env->json)
        return cmd_print_json(relay_outcome_json(r, &out, request->call, NULL), err);
    if (!env->quiet)
        say_outcome(r, &out);
    return true;
}

static bool open_all(struct relay *r, const struct cmd_env *env, struct err *err)
{
    stop_install();
    if (!relay_open(r, &env->config, opt_given(&env->opts, "accept-implementation"), !opt_given(&env->opts, "dry-run"), err))
        return false;
    r->gather.offline = opt_given(&env->opts, "offline");
    return true;
}

static bool with_evidence(struct cmd_env *env, enum call_kind call, int *status, struct err *err)
{
    AUTO(relay_done) struct relay r = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(live_end) struct live live = live_start(env);
    enum input_kind kind = INPUT_UNKNOWN;
    struct relay_request request;
    if (!base_request(&request, env, call, &live, err) || !cmd_take_kind(&kind, &env->opts, err) ||
        !cmd_open_bundle(&bundle, env->opts.args[0], kind, err) || !open_all(&r, env, err))
        return false;
    request.bundle = &bundle;
    return perform(env, &r, &request, status, err);
}

static bool register_run(struct cmd_env *env, int *status, struct err *err)
{
    return with_evidence(env, CALL_ATTEST, status, err);
}

static bool reattest_run(struct cmd_env *env, int *status, struct err *err)
{
    return with_evidence(env, CALL_REATTEST, status, err);
}

/* Which registered identity moves: the calldata's, else the one that --from names, else the only one there is. */
static bool rotate_from(struct relay *r, struct relay_request *request, const struct bundle *bundle, const char *from, struct err *err)
{
    struct identity_row row;
    if (bundle->call.kind == CALL_REATTEST)
        return true;
    if (!status_find(&r->session, &row, from, err))
        return err_wrap(err, "which identity is to be rotated (--from)");
    request->has_id = true;
    request->id = row.key.id;
    return true;
}

static bool rotate_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(relay_done) struct relay r = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(live_end) struct live live = live_start(env);
    enum input_kind kind = INPUT_UNKNOWN;
    struct relay_request request;
    bool has_file = env->opts.num_args > 0;
    if (!base_request(&request, env, CALL_REATTEST, &live, err) || !cmd_take_kind(&kind, &env->opts, err) ||
        (has_file && !cmd_open_bundle(&bundle, env->opts.args[0], kind, err)) || !open_all(&r, env, err) ||
        !rotate_from(&r, &request, &bundle, opt_text(&env->opts, "from"), err) ||
        (!has_file && !rotate_begin(&r, &bundle, request.id, err)))
        return false;
    request.bundle = &bundle;
    request.rotate = true;
    return perform(env, &r, &request, status, err);
}

static bool take_ttl(uint64_t *out, bool *has, const struct opts *o, const char *name, struct err *err)
{
    int64_t s = 0;
    *has = opt_given(o, name);
    if (!opt_duration(&s, o, name, err))
        return false;
    *out = (uint64_t)s;
    return true;
}

static bool ttl_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(relay_done) struct relay r = {0};
    AUTO(live_end) struct live live = live_start(env);
    struct relay_request request;
    if (!base_request(&request, env, CALL_SET_TTL, &live, err) || !hash32_parse(&request.id, env->opts.args[0], err) ||
        !take_ttl(&request.tee_ttl_s, &request.has_tee_ttl, &env->opts, "tee-ttl", err) ||
        !take_ttl(&request.tpm_ttl_s, &request.has_tpm_ttl, &env->opts, "tpm-ttl", err))
        return false;
    request.has_id = true;
    if (!request.has_tee_ttl && !request.has_tpm_ttl)
        return err_set(err, ERR_USAGE, "set-ttl wants --tee-ttl, --tpm-ttl or both");
    return open_all(&r, env, err) && perform(env, &r, &request, status, err);
}

#define WRITE_KEYS (KEYS_WRITE | KEYS_FRESHNESS)

const struct cmd cmd_register = {
    .name = "register",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .help = "verify, simulate, sign, submit and follow attestCvm",
    .about = "FILE is an evidence bundle or an agent's calldata. What is registered and fresh already is left alone: exit 0.\n"
             "Exit 1 the evidence or the registry says no, 3 not now (network, collateral, timeout): run it again.",
    .opts = register_opts,
    .keys = WRITE_KEYS,
    .run = register_run,
};
const struct cmd cmd_reattest = {
    .name = "reattest",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .help = "the same for reattestCvmWithTpm with an unchanged identity",
    .opts = reattest_opts,
    .keys = WRITE_KEYS,
    .run = reattest_run,
};
const struct cmd cmd_rotate = {
    .name = "rotate",
    .args = "[FILE]",
    .max_args = 1,
    .help = "the same, moving the registration to a new identity key",
    .about = "FILE is evidence that carries the new key (identity new makes one). Without it a new key is made, and the evidence\n"
             "source is asked for evidence with that key in it. The old key is kept until identity purge.",
    .opts = rotate_opts,
    .keys = WRITE_KEYS | KEYS_SOURCE,
    .run = rotate_run,
};
const struct cmd cmd_set_ttl = {
    .name = "set-ttl",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .help = "how long the identity's evidence counts as fresh",
    .opts = ttl_opts,
    .keys = WRITE_KEYS,
    .run = ttl_run,
};
