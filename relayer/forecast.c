#include "relayer/forecast.h"

#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "relayer/registry/calldata.h"

void forecaster_done(struct forecaster *f)
{
    for (size_t i = 0; i < f->num_roots; i++)
        buf_done(&f->roots[i]);
    *f = (struct forecaster){0};
}

bool forecaster_init(struct forecaster *out, const struct judge *judge, const struct config *cfg, struct err *err)
{
    if (cfg->report_id_pcr > UINT32_MAX)
        return err_set(err, ERR_USAGE, "report_id_pcr: no such PCR");
    *out = (struct forecaster){.judge = judge,
                               .profile = judge_profile(cfg),
                               .chain_id = cfg->chain_id,
                               .registry = cfg->registry,
                               .report_id_pcr = (unsigned)cfg->report_id_pcr};
    return true;
}

bool forecaster_add_root(struct forecaster *f, struct bytes cert, struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    if (!der_list_parse(&list, cert, "CERTIFICATE", FORECAST_MAX_ROOTS, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        if (f->num_roots == FORECAST_MAX_ROOTS)
            return err_set(err, ERR_USAGE, "more than %d AK roots", FORECAST_MAX_ROOTS);
        struct buf *root = &f->roots[f->num_roots++];
        *root = buf_new(1 << 20);
        buf_put(root, list.item[i]);
        if (!buf_finish(root, err))
            return false;
    }
    return list.count || err_set(err, ERR_USAGE, "no certificate in it");
}

enum profile forecast_profile(struct bytes calldata)
{
    static const enum profile order[] = {PROFILE_G1B, PROFILE_G1A, PROFILE_G1C};
    const struct abi_call *call = abi_call_by_selector(calldata);
    for (size_t i = 0; call && call->write && i < sizeof order / sizeof *order; i++)
        if (call->generations & profile_generation(order[i]))
            return order[i];
    return PROFILE_NONE;
}

static bool of_the_tee(const char *check_id)
{
    static const char *const prefixes[] = {"tdx.", "sgx.", "snp.", "zk."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(check_id, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static enum tee_answer answer_of(const json_t *checks)
{
    enum tee_answer answer = TEE_ANSWER_NONE;
    size_t i;
    json_t *check;
    json_array_foreach((json_t *)(uintptr_t)checks, i, check) {
        const char *id = json_string_value(json_object_get(check, "id"));
        const char *outcome = json_string_value(json_object_get(check, "outcome"));
        if (!id || !outcome || !of_the_tee(id))
            continue;
        if (strcmp(outcome, outcome_name(FAIL)) == 0)
            return TEE_REFUSES;
        if (strcmp(outcome, outcome_name(NOT_RUN)) == 0)
            return TEE_ANSWER_NONE;
        answer = TEE_ACCEPTS;
    }
    return answer;
}

enum tee_answer forecast_tee(const struct judge *judge, struct bytes calldata, int64_t at_s)
{
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(judgement_done) struct judgement j = {0};
    struct expected expected = {0};
    struct judge lenient = *judge;
    policy_authentic(&lenient.policy);
    if (!bundle_from_calldata(&bundle, calldata, NULL) || !bundle.has_report ||
        !judge_bundle(&j, &lenient, &bundle, &expected, at_s, NULL))
        return TEE_ANSWER_NONE;
    return answer_of(json_object_get(j.doc, "checks"));
}

bool forecast(struct prediction *out, struct registry_state *state, const struct forecaster *f,
              const struct forecast_question *q, struct err *err)
{
    struct bytes roots[FORECAST_MAX_ROOTS];
    struct pinned_root pinned[ROOTS_MAX];
    for (size_t i = 0; i < f->num_roots; i++)
        roots[i] = buf_view(&f->roots[i]);
    struct predict_call call = {
        .profile = f->profile ? f->profile : forecast_profile(q->calldata),
        .chain_id = f->chain_id,
        .registry = f->registry,
        .block_time_s = (uint64_t)q->at_s,
        .calldata = q->calldata,
        .with_value = q->with_value,
        .wide_chain_id = f->wide_chain_id,
        .answer_alone = q->answer_alone,
        .tee = q->tee_given ? q->tee : forecast_tee(f->judge, q->calldata, q->at_s),
        .report_id_pcr = f->report_id_pcr,
        .ak_roots = roots,
        .num_ak_roots = f->num_roots,
        .pinned = pinned,
        .num_pinned = f->judge ? roots_for(&f->judge->roots, ROOT_TPM_GOOGLE, pinned) : 0,
    };
    if (q->at_s < 0)
        return err_set(err, ERR_USAGE, "predict: a block's time is not before 1970");
    return predict(out, state, &call, err);
}

/* --- in a verdict --- */

/* Authenticity and freshness are what the DCAP and SNP contracts judge; what we accept beyond is our policy's. */
static enum tee_answer answer_in(const struct verdict *v)
{
    enum tee_answer answer = TEE_ANSWER_NONE;
    for (size_t i = 0; i < v->num_results; i++) {
        const struct result *r = &v->results[i];
        if (!of_the_tee(r->check->id) || r->check->stage > FRESH)
            continue;
        if (r->finding.outcome == FAIL)
            return TEE_REFUSES;
        if (r->finding.outcome == NOT_RUN)
            return TEE_ANSWER_NONE;
        answer = TEE_ACCEPTS;
    }
    return answer;
}

static void put(json_t *doc, const char *accepts, const char *reason)
{
    json_object_set_new(doc, "registry", json_pack("{s:s, s:s}", "accepts", accepts, "reason", reason));
}

static void put_success(json_t *doc, const struct prediction *p)
{
    AUTO(buf_done) struct buf text = buf_new(1 << 12);
    for (size_t i = 0; i < LAX_COUNT; i++)
        if (p->lax >> i & 1)
            buf_printf(&text, "%s%s", text.len ? " " : "although these would fail here: ", model_laxities[i].check);
    AUTO(auto_free) char *reason = buf_steal_str(&text);
    put(doc, "yes", reason ? reason : "");
}

static void put_prediction(json_t *doc, const struct prediction *p)
{
    AUTO(auto_free) char *words = NULL;
    switch (p->answer) {
    case PREDICT_SUCCESS:
        put_success(doc, p);
        return;
    case PREDICT_REVERT:
        words = abi_error_words(buf_view(&p->revert));
        put(doc, "no", words ? words : "");
        return;
    case PREDICT_UNKNOWN:
        put(doc, "unknown", p->unknown ? p->unknown : "");
        return;
    }
}

void forecast_add(json_t *doc, const struct judge *judge, const struct verdict *verdict, const struct bundle *bundle,
                  const struct expected *expected, int64_t now_s)
{
    AUTO(buf_done) struct buf calldata = buf_new(16 << 20);
    AUTO(prediction_done) struct prediction p = {0};
    AUTO(registry_state_done) struct registry_state state = registry_state_new();
    enum call_kind kind = expected->call ? expected->call : bundle->call.kind ? bundle->call.kind : CALL_ATTEST;
    enum profile profile = expected->profile ? expected->profile : bundle->call.profile ? bundle->call.profile : PROFILE_G1B;
    struct forecaster f = {.judge = judge, .profile = profile, .chain_id = expected->chain_id, .registry = expected->registry,
                           .report_id_pcr = expected->report_id_pcr ? expected->report_id_pcr : 15};
    enum tee_answer tee = answer_in(verdict);
    /* what fails although the TEE's verifier says yes fails in any case */
    struct forecast_question q = {.at_s = now_s, .tee_given = true, .tee = tee == TEE_REFUSES ? TEE_REFUSES : TEE_ACCEPTS};
    struct err err = {0};
    if (bundle->bare)
        return; /* half of what a registration is made of: nothing can be said */
    if (kind != CALL_ATTEST) {
        put(doc, "unknown", "what the registry keeps of this identity");
        return;
    }
    if (profile == PROFILE_G1C && bundle->call.num_signatures == 0) {
        put(doc, "unknown", "the identity's signature");
        return;
    }
    if (!bundle_to_calldata(&calldata, bundle, kind, profile, &err)) {
        put(doc, err.code == ERR_USAGE ? "unknown" : "no", err.text);
        return;
    }
    q.calldata = buf_view(&calldata);
    if (!forecast(&p, &state, &f, &q, &err))
        return;
    if (p.answer == PREDICT_SUCCESS && tee == TEE_ANSWER_NONE)
        put(doc, "unknown", "the TEE verifier's answer; all else fits");
    else
        put_prediction(doc, &p);
}
