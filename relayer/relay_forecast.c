/* The registry's answer before anything is sent: from the model, and from a node at the very block that the model was given. The
 * two must be the same, byte for byte. Where they are not, the contract is not the one that we know: that is said, kept, and
 * stops every write to it until somebody has looked. What the chain's TEE verifier thinks is no part of the contract, and may differ. */
#include "relayer/relay_steps.h"

#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/forecast_chain.h"
#include "relayer/log.h"

#include <stdio.h>

static struct surprise_key key_of(const struct onchain *chain)
{
    const struct pin_row *code = &chain->code;
    return (struct surprise_key){chain->chain_id, chain->registry, code->is_proxy ? code->implementation_code_hash : code->code_hash};
}

/* --- what happened before --- */

static bool check_surprises(struct relaying *w, struct err *err)
{
    struct db *db = w->r->session.db;
    struct surprise_key key = key_of(&w->r->session.chain);
    struct surprise_row row;
    bool found = false;
    char when[21];
    if (w->q->dry_run)
        return true;
    if (w->q->accept_difference)
        return surprises_accept(db, &key, err);
    if (!surprises_open(db, &row, &found, &key, err) || !found)
        return !found;
    w->out->differs = true;
    memcpy(w->out->predicted, row.predicted, sizeof row.predicted);
    memcpy(w->out->answered, row.answered, sizeof row.answered);
    return err_set(err, ERR_REFUSED,
                   "at %s the registry answered %s otherwise than its model (predicted: %s; answered: %s); nothing is written until "
                   "somebody has looked: --accept-difference takes it",
                   time_format(when, row.seen_at_s), row.call, row.predicted, row.answered);
}

/* --- both answers --- */

static bool predict_call(struct relaying *w, struct prediction *p, enum tee_answer tee, struct err *err)
{
    AUTO(registry_state_done) struct registry_state state = registry_state_new();
    const struct onchain *chain = &w->r->session.chain;
    struct bytes calldata = buf_view(&w->calldata);
    bool rotates = !hash32_eq(w->id, w->new_id);
    struct forecast_question question = {
        .calldata = calldata,
        .at_s = (int64_t)w->on.block.time_s,
        .answer_alone = true,
        .tee_given = true,
        .tee = tee,
    };
    return forecast_keep(&state, &w->on, w->id, chain->profile, err) &&
           (!rotates || forecast_keep(&state, &w->on_new, w->new_id, chain->profile, err)) &&
           forecast_read_used(&state, chain, calldata, ETH_AT_BLOCK(w->on.block.number), err) &&
           forecast(p, &state, &w->r->forecaster, &question, err);
}

static void say_revert(char *out, size_t size, struct bytes revert)
{
    AUTO(auto_free) char *words = abi_error_words(revert);
    snprintf(out, size, "revert: %s", words ? words : "");
}

static void say_answers(struct relay_outcome *out, const struct prediction *p, const struct node_answer *node)
{
    switch (p->answer) {
    case PREDICT_SUCCESS:
        snprintf(out->predicted, sizeof out->predicted, "success");
        break;
    case PREDICT_REVERT:
        say_revert(out->predicted, sizeof out->predicted, buf_view(&p->revert));
        break;
    case PREDICT_UNKNOWN:
        snprintf(out->predicted, sizeof out->predicted, "unknown");
        break;
    }
    if (node->reverts)
        say_revert(out->answered, sizeof out->answered, buf_view(&node->data));
    else
        snprintf(out->answered, sizeof out->answered, "success%s",
                 p->answer == PREDICT_SUCCESS && !forecast_agrees(p, node) ? ", with other data returned" : "");
}

/* The verdict stands here, but the chain's own collateral may be older: its TEE verifier may refuse. */
static bool tee_refuses_there(struct relaying *w, bool *yes, const struct node_answer *node, struct err *err)
{
    AUTO(prediction_done) struct prediction p = {0};
    *yes = false;
    if (w->q->call != CALL_ATTEST || !node->reverts)
        return true;
    if (!predict_call(w, &p, TEE_REFUSES, err))
        return false;
    *yes = forecast_agrees(&p, node);
    return true;
}

static bool note_difference(struct relaying *w, struct err *err)
{
    struct relay_outcome *out = w->out;
    struct surprise_key key = key_of(&w->r->session.chain);
    struct surprise_row row = {.id = w->id, .seen_at_s = clock_now_s(), .accepted = w->q->accept_difference};
    out->differs = true;
    snprintf(row.call, sizeof row.call, "%s", call_name(w->q->call));
    memcpy(row.predicted, out->predicted, sizeof row.predicted);
    memcpy(row.answered, out->answered, sizeof row.answered);
    log_error("the registry is not the one we know: its model predicts %s, and the node answers %s", out->predicted, out->answered);
    if (!surprises_put(w->r->session.db, &key, &row, err))
        return false;
    return row.accepted || w->q->dry_run ||
           err_set(err, ERR_REFUSED,
                   "the registry answers otherwise than its model (predicted: %s; answered: %s); nothing is written until somebody has "
                   "looked: --accept-difference takes it",
                   out->predicted, out->answered);
}

/* --- what follows --- */

static bool judge_prediction(struct relaying *w, const struct prediction *p, struct err *err)
{
    if (p->answer == PREDICT_REVERT) {
        AUTO(auto_free) char *words = abi_error_words(buf_view(&p->revert));
        return err_set(err, ERR_REFUSED, "the registry would refuse: %s%s%s", words ? words : "", p->row && p->row->caught_by[0] ? "; see " : "",
                       p->row ? p->row->caught_by : "");
    }
    /* where it hangs on something that is not known here, the simulation asks the node */
    if (p->answer == PREDICT_SUCCESS)
        w->measurement = p->measurement_hash;
    return true;
}

static bool check_measurement(const struct relaying *w, struct err *err)
{
    char now[65], was[65];
    if (!w->on.registered || hash32_is_zero(w->measurement) || w->q->accept_measurement || w->q->call == CALL_SET_TTL ||
        hash32_eq(w->measurement, w->on.measurement_hash))
        return true;
    return err_set(err, ERR_REFUSED,
                   "the measurement would change from 0x%s to 0x%s; measure --against says what differs, --accept-measurement takes it",
                   hex_encode(was, BYTES_OF(w->on.measurement_hash)), hex_encode(now, BYTES_OF(w->measurement)));
}

bool relay_ask_model(struct relaying *w, struct err *err)
{
    AUTO(prediction_done) struct prediction p = {0};
    AUTO(node_answer_done) struct node_answer node = {0};
    bool refused_there = false;
    if (!check_surprises(w, err) || !predict_call(w, &p, TEE_ACCEPTS, err) ||
        !forecast_ask_node(&node, &w->r->session.chain, buf_view(&w->calldata), ETH_AT_BLOCK(w->on.block.number), err))
        return false;
    say_answers(w->out, &p, &node);
    if (forecast_agrees(&p, &node))
        return judge_prediction(w, &p, err) && check_measurement(w, err);
    return tee_refuses_there(w, &refused_there, &node, err) && (refused_there || note_difference(w, err));
}

/* --- side by side --- */

static bool add_to_document(struct relay_outcome *out, struct err *err)
{
    json_auto_t *doc = json_loadb((const char *)out->dry_run.p, out->dry_run.len, 0, NULL);
    if (!doc || json_object_set_new(doc, "registry", relay_answers_json(out->predicted, out->answered, out->differs)) != 0)
        return err_set(err, ERR_NOMEM, "dry run: no memory");
    AUTO(auto_free) char *text = json_dumps(doc, JSON_INDENT(2));
    if (!text)
        return err_set(err, ERR_NOMEM, "dry run: no memory");
    out->dry_run.len = 0;
    buf_text(&out->dry_run, text);
    buf_text(&out->dry_run, "\n");
    return buf_finish(&out->dry_run, err);
}

bool relay_show_answers(struct relaying *w, struct err *err)
{
    struct relay_outcome *out = w->out;
    if (!out->predicted[0])
        return true;
    if (strcmp(w->q->dry_run, "json") == 0)
        return add_to_document(out, err);
    if (strcmp(w->q->dry_run, "text") != 0) {
        log_info("the model predicts %s; the node answers %s", out->predicted, out->answered);
        return true;
    }
    buf_printf(&out->dry_run, "predicted   %s\nnode        %s\n", out->predicted, out->answered);
    return buf_finish(&out->dry_run, err);
}
