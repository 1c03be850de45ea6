/* predict: what the registry would answer, without a chain; and beside a node's answer where that is asked for. */
#include "relayer/cli/cmd_evidence.h"

#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/files.h"
#include "relayer/forecast_chain.h"
#include "relayer/log.h"
#include "relayer/registry/calldata.h"
#include "relayer/session.h"
#include "relayer/wei.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_CALLS 1000

static const struct opt_row opts[] = {
    {"state", 0, "FILE|chain", false, "what the registry keeps: the state that an earlier predict printed, or read at one block"},
    {"at", 0, "TIME", false, "the block's time: unix seconds or RFC 3339"},
    {"ak-root", 0, "FILE", true, "an AK root that the registry's owner has added; without any, the pinned ones"},
    {"assume-tee", 0, "accept|refuse", false, "the TEE verifier's answer, instead of the local verdict"},
    {"value", 0, "WEI", false, "wei sent along (the registry takes none)"},
    {"wide-chain-id", 0, NULL, false, "a G1a contract whose messages carry all 32 bytes of the chain's id"},
    {"compare", 0, NULL, false, "ask the node as well (eth_call), and show both"},
    {0},
};

struct oracle {
    struct judge judge;
    struct forecaster forecaster;
    struct registry_state state;
    struct forecast_question question; /* what a call does not say for itself */
    bool from_chain, compare;
    struct session session; /* of the chain, where it is asked */
    struct eth_block block;
};

static void oracle_done(struct oracle *s)
{
    forecaster_done(&s->forecaster);
    registry_state_done(&s->state);
    judge_done(&s->judge);
    session_done(&s->session);
}

/* --- what the options say --- */

static bool take_tee(bool *given, enum tee_answer *out, const char *text, struct err *err)
{
    if (!text)
        return true;
    *given = true;
    *out = strcmp(text, "accept") == 0 ? TEE_ACCEPTS : TEE_REFUSES;
    return *out == TEE_ACCEPTS || strcmp(text, "refuse") == 0 ||
           err_set(err, ERR_USAGE, "--assume-tee %s: want accept or refuse", text);
}

static bool take_value(bool *out, const char *text, struct err *err)
{
    struct u256 wei;
    if (!text)
        return true;
    if (!u256_parse(&wei, bytes_str(text), err) && !wei_parse(&wei, bytes_str(text), err))
        return err_wrap(err, "--value");
    err_clear(err);
    *out = !u256_is_zero(wei);
    return true;
}

static bool take_roots(struct forecaster *f, const struct opts *o, struct err *err)
{
    const char *path;
    for (size_t i = 0; (path = opt_nth(o, "ak-root", i)); i++) {
        AUTO(buf_done) struct buf cert = buf_new(1 << 20);
        if (!file_read(&cert, path, err) || !forecaster_add_root(f, buf_view(&cert), err))
            return err_wrap(err, "--ak-root %s", path);
    }
    return true;
}

static bool take_state(struct registry_state *out, const char *path, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(64 << 20);
    json_error_t why;
    *out = registry_state_new();
    if (!path)
        return true;
    if (!file_read(&text, path, err))
        return err_wrap(err, "--state");
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!doc)
        return err_set(err, ERR_FORMAT, "--state %s: %s", path, why.text);
    const json_t *inner = json_object_get(doc, "state"); /* a whole prediction is as good */
    registry_state_done(out);
    return registry_state_from_json(out, inner ? inner : doc, err) || err_wrap(err, "--state %s", path);
}

static bool open_chain(struct oracle *s, struct cmd_env *env, struct err *err)
{
    const char *state = opt_text(&env->opts, "state");
    s->from_chain = state && strcmp(state, "chain") == 0;
    s->compare = opt_given(&env->opts, "compare");
    if (!s->from_chain && !s->compare)
        return true;
    s->session.cfg = &env->config;
    if (!session_open_chain(&s->session, err) || !eth_block(s->session.rpc, &s->block, ETH_AT_LATEST, NULL, err))
        return false;
    s->forecaster.profile = s->session.chain.profile;
    s->forecaster.chain_id = s->session.chain.chain_id;
    s->question.at_s = (int64_t)s->block.time_s;
    return true;
}

static bool prepare(struct oracle *s, struct cmd_env *env, struct err *err)
{
    const char *state = opt_text(&env->opts, "state");
    s->question.at_s = clock_now_s();
    if (!judge_init(&s->judge, &env->config, NULL, err) || !forecaster_init(&s->forecaster, &s->judge, &env->config, err))
        return false;
    s->forecaster.wide_chain_id = opt_given(&env->opts, "wide-chain-id");
    return open_chain(s, env, err) && opt_time(&s->question.at_s, &env->opts, "at", err) &&
           take_tee(&s->question.tee_given, &s->question.tee, opt_text(&env->opts, "assume-tee"), err) &&
           take_value(&s->question.with_value, opt_text(&env->opts, "value"), err) &&
           take_roots(&s->forecaster, &env->opts, err) && take_state(&s->state, s->from_chain ? NULL : state, err);
}

/* --- one call --- */

static void say(const struct cmd_env *env, const json_t *doc, const struct prediction *p)
{
    const char *id = json_string_value(json_object_get(doc, "identity_hash"));
    size_t i;
    json_t *item;
    cmd_say(env, "answer       %s", json_string_value(json_object_get(doc, "answer")));
    if (id)
        cmd_say(env, "identity     %s", id);
    if (p->answer == PREDICT_UNKNOWN)
        cmd_say(env, "hangs on     %s", p->unknown);
    if (p->answer == PREDICT_REVERT)
        cmd_say(env, "revert       %s", json_string_value(json_object_get(doc, "words")));
    if (json_object_get(doc, "measurement_hash"))
        cmd_say(env, "measurement  %s", json_string_value(json_object_get(doc, "measurement_hash")));
    json_array_foreach(json_object_get(doc, "caught_by"), i, item)
        cmd_say(env, "caught by    %s", json_string_value(item));
    json_array_foreach(json_object_get(doc, "lax"), i, item)
        cmd_say(env, "lax          %s", json_string_value(item));
}

static int status_of(const struct prediction *p)
{
    switch (p->answer) {
    case PREDICT_SUCCESS:
        return EXIT_DONE;
    case PREDICT_REVERT:
        return EXIT_REJECTED;
    case PREDICT_UNKNOWN:
        break;
    }
    return EXIT_LATER;
}

/* What the node says, beside what we said; a difference means that the contract is not the one we know. */
static bool add_node(json_t *doc, const struct oracle *s, const struct cmd_env *env, const struct prediction *p, struct bytes calldata,
                     int *status, struct err *err)
{
    AUTO(node_answer_done) struct node_answer node = {0};
    if (!forecast_ask_node(&node, &s->session.chain, calldata, ETH_AT_BLOCK(s->block.number), err))
        return false;
    bool agrees = forecast_agrees(p, &node);
    AUTO(auto_free) char *data = hex_0x(buf_view(&node.data));
    json_object_set_new(doc, "node", json_pack("{s:s, s:s, s:b, s:I}", "answer", node.reverts ? "revert" : "success", "data", data,
                                               "agrees", agrees, "block", (json_int_t)s->block.number));
    AUTO(auto_free) char *words = node.reverts ? abi_error_words(buf_view(&node.data)) : NULL;
    cmd_say(env, "node         %s", words ? words : "success");
    if (!agrees) {
        log_warn("the node's answer differs from the prediction: the contract is not the one we know");
        *status = cmd_worse(*status, EXIT_ATTENTION);
    }
    return true;
}

static bool one_call(json_t **out, struct oracle *s, struct cmd_env *env, const struct forecast_question *q, int *status,
                     struct err *err)
{
    AUTO(prediction_done) struct prediction p = {0};
    enum profile profile = s->forecaster.profile ? s->forecaster.profile : forecast_profile(q->calldata);
    const struct abi_call *call = abi_call_by_selector(q->calldata);
    if (profile == PROFILE_NONE && call && !(call->generations & ABI_G1))
        return err_set(err, ERR_REFUSED, "%s is a call of %s, whose rules are not known here", call->name, abi_generation_name(call->generations));
    if (profile == PROFILE_NONE)
        return err_set(err, ERR_USAGE, "no call that a known generation has: say which with --profile");
    if (s->from_chain) {
        registry_state_done(&s->state);
        if (!forecast_read(&s->state, &s->block, &s->session.chain, q->calldata, err))
            return false;
    }
    if (!forecast(&p, &s->state, &s->forecaster, q, err))
        return false;
    *out = prediction_to_json(&p, profile);
    if (!*out)
        return err_set(err, ERR_NOMEM, "no memory");
    json_object_set_new(*out, "state", registry_state_to_json(&s->state));
    say(env, *out, &p);
    *status = cmd_worse(*status, status_of(&p));
    return !s->compare || add_node(*out, s, env, &p, q->calldata, status, err);
}

/* --- several in a row: {"calls": [{"calldata": "..", "at": TIME, "assume_tee": "accept"}]} --- */

static bool take_call(struct forecast_question *q, struct buf *data, const json_t *call, struct err *err)
{
    const char *calldata = json_string_value(json_object_get(call, "calldata"));
    const json_t *at = json_object_get(call, "at");
    if (!calldata || !calldata_from_file(data, bytes_str(calldata), err))
        return err_set(err, ERR_FORMAT, "calldata: not there, or no calldata");
    if (json_is_string(at) && !time_parse(&q->at_s, bytes_str(json_string_value(at)), err))
        return err_wrap(err, "at");
    if (json_is_integer(at))
        q->at_s = json_integer_value(at);
    q->calldata = buf_view(data);
    return take_tee(&q->tee_given, &q->tee, json_string_value(json_object_get(call, "assume_tee")), err);
}

static bool many_calls(json_t **out, struct oracle *s, struct cmd_env *env, const json_t *calls, int *status, struct err *err)
{
    size_t i;
    json_t *call;
    *out = json_array();
    if (json_array_size(calls) == 0 || json_array_size(calls) > MAX_CALLS)
        return err_set(err, ERR_FORMAT, "calls: want 1 to %d", MAX_CALLS);
    json_array_foreach((json_t *)(uintptr_t)calls, i, call) {
        AUTO(buf_done) struct buf data = buf_new(INPUT_MAX);
        struct forecast_question q = s->question;
        json_t *doc = NULL;
        if (!take_call(&q, &data, call, err) || !one_call(&doc, s, env, &q, status, err))
            return err_wrap(err, "calls[%zu]", i);
        json_array_append_new(*out, doc);
    }
    return true;
}

/* Bytes that no known function is called with are a question, too: the answer is a revert. */
static void take_calldata(struct buf *out, struct bytes file)
{
    if (calldata_from_file(out, file, NULL))
        return;
    out->len = 0;
    buf_put(out, file);
}

static bool run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(oracle_done) struct oracle s = {0};
    AUTO(buf_done) struct buf file = buf_new(INPUT_MAX);
    AUTO(buf_done) struct buf calldata = buf_new(INPUT_MAX);
    json_t *doc = NULL;
    if (!prepare(&s, env, err) || !file_read(&file, env->opts.args[0], err))
        return false;
    json_auto_t *script = file.len && file.p[0] == '{' ? json_loadb((const char *)file.p, file.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *calls = json_object_get(script, "calls");
    bool ok;
    if (calls) {
        ok = many_calls(&doc, &s, env, calls, status, err);
    } else {
        take_calldata(&calldata, buf_view(&file));
        s.question.calldata = buf_view(&calldata);
        ok = one_call(&doc, &s, env, &s.question, status, err);
    }
    if (!ok || !env->json) {
        json_decref(doc);
        return ok;
    }
    return cmd_print_json(doc, err);
}

const struct cmd cmd_predict = {
    .name = "predict",
    .args = "CALLDATA",
    .min_args = 1,
    .max_args = 1,
    .help = "what the registry would answer, without a chain",
    .about = "CALLDATA is a file (\"-\": standard input) with registry calldata: raw, hex, base64, an agent's JSON, or a script\n"
             "{\"calls\": [{\"calldata\": \"0x..\", \"at\": TIME}]} of calls that follow each other.\n"
             "The TEE verifier's answer is the local verdict on the report, for which collateral is needed, or --assume-tee's.\n"
             "Exit status: 0 success, 1 revert, 3 where the answer hangs on something that is not given.",
    .opts = opts,
    .keys = KEYS_EVIDENCE | KEYS_CHAIN,
    .run = run,
};
