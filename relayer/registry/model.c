#include "relayer/registry/model_run.h"

#include "abi/calls.h"
#include "abi/errors.h"
#include "abi/events.h"
#include "abi/lax.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/keccak.h"
#include "relayer/registry/calldata.h"

#include <stdlib.h>

#define VALUES_MAX (32u << 20)

void prediction_done(struct prediction *p)
{
    buf_done(&p->revert);
    buf_done(&p->returned);
    for (size_t i = 0; i < p->num_events; i++)
        buf_done(&p->events[i].data);
    *p = (struct prediction){0};
}

static void run_done(struct run *r)
{
    arena_done(&r->mem);
    buf_done(&r->x.revert);
}

/* --- arguments --- */

/* Which parameter the contract copies to memory before it uses it: the identity. */
static uint32_t memory_args(enum profile profile, enum call_kind kind)
{
    if (profile == PROFILE_G1A || kind == CALL_SET_TTL)
        return 0;
    return kind == CALL_ATTEST ? 1u << 4 : 1u << 2;
}

static enum call_kind kind_of(const struct abi_call *call)
{
    for (enum call_kind k = CALL_ATTEST; k <= CALL_SET_TTL; k++)
        if (strcmp(call_name(k), call->name) == 0)
            return k;
    return CALL_NONE;
}

static bool read_args(struct run *r, const struct abi_call *call)
{
    const struct abi_type *type;
    struct err err = {0};
    if (!abi_type_parse(&type, &r->mem, bytes_str(call->args), &err) ||
        !abi_decode_lax_as_solidity(&r->args, &r->mem, type, r->call->calldata,
                                    memory_args(r->call->profile, r->out->kind), &err))
        return stop_unknown(&r->x, "more values than a prediction holds");
    return true;
}

/* --- the end of a run --- */

/* The state after: the identity as it is now; after a rotation the old one, which keeps its nonce alone, and the new
 * one. */
static bool commit(struct run *r)
{
    if (r->rotates) {
        const struct kept_identity *target = registry_state_find(r->state, r->id);
        struct kept_identity old = {.id = r->id_arg, .nonce = r->kept.nonce}, new_ = r->kept;
        new_.id = r->id;
        new_.nonce = (target ? target->nonce : 0) + is_g1c(r);
        new_.key = (struct kept_key){.algo = r->identity.algo,
                                     .params = r->identity.params,
                                     .scheme = r->identity.scheme,
                                     .hash_algo = r->identity.hash_algo,
                                     .data = r->identity.data};
        return registry_state_put(r->state, &new_) && registry_state_put(r->state, &old);
    }
    if (r->out->kind == CALL_ATTEST && is_g1c(r) && !registry_state_mark_used(r->state, keccak256(r->report)))
        return false;
    return registry_state_put(r->state, &r->kept);
}

static const struct model_row *row_of(const struct run *r, const struct model_step *step)
{
    char name[160];
    abi_error_name(name, sizeof name, buf_view(&r->x.revert));
    for (const struct model_row *row = step->rows; row->error; row++)
        if (strcmp(row->error, name) == 0 && (!row->text || (r->x.text && strcmp(row->text, r->x.text) == 0)))
            return row;
    return NULL;
}

static void reverted(struct run *r, const struct model_step *step)
{
    r->out->answer = PREDICT_REVERT;
    r->out->step = step;
    r->out->row = step ? row_of(r, step) : NULL;
    r->out->revert = r->x.revert;
    r->x.revert = (struct buf){0};
    r->out->returned.len = 0;
    for (size_t i = 0; i < r->out->num_events; i++)
        buf_done(&r->out->events[i].data);
    r->out->num_events = 0;
    r->out->measurement_hash = (struct hash32){{0}};
}

static void fill_topics(struct prediction *p)
{
    for (size_t i = 0; i < p->num_events; i++) {
        const struct abi_event *e = abi_event_find(p->events[i].name);
        if (e)
            p->events[i].topics[0] = e->topic0;
    }
}

static void walk(struct run *r)
{
    const struct model_step *const *steps = model_steps(r->call->profile, r->out->kind);
    for (; *steps; steps++) {
        if ((*steps)->run(r))
            continue;
        if (r->x.unknown)
            r->out->unknown = r->x.unknown;
        else
            reverted(r, *steps);
        return;
    }
    r->out->answer = PREDICT_SUCCESS;
}

/* The call that these bytes make at a contract of this profile; NULL where it has no such function. */
static const struct abi_call *call_of(const struct predict_call *call)
{
    for (size_t i = 0; call->calldata.len >= 4 && i < num_abi_calls; i++)
        if (abi_calls[i].selector == be32(call->calldata.p) &&
            (abi_calls[i].generations & profile_generation(call->profile)))
            return &abi_calls[i];
    return NULL;
}

static void run_call(struct run *r)
{
    const struct abi_call *call = call_of(r->call);
    if (!call) {
        reverted(r, NULL);
        return;
    }
    r->out->kind = kind_of(call);
    if (r->out->kind == CALL_NONE)
        r->out->unknown = "a function that is not attestCvm, reattestCvmWithTpm or setCollateralTTL";
    else if (read_args(r, call))
        walk(r);
    else
        r->out->unknown = r->x.unknown;
}

bool predict(struct prediction *out, struct registry_state *state, const struct predict_call *call, struct err *err)
{
    AUTO(prediction_done) struct prediction p = {.returned = buf_new(VALUES_MAX)};
    if (call->profile == PROFILE_NONE)
        return err_set(err, ERR_USAGE, "predict: which profile? g1a, g1b or g1c");
    AUTO(run_done)
    struct run r = {.call = call,
                    .out = &p,
                    .state = state,
                    .x = {.legacy = call->profile == PROFILE_G1A, .revert = buf_new(VALUES_MAX)},
                    .mem = arena_new(VALUES_MAX)};
    run_call(&r);
    if (p.answer == PREDICT_SUCCESS) {
        if (!call->answer_alone)
            note_laxities(&r);
        fill_topics(&p);
        r.x.no_memory |= !commit(&r);
    }
    if (r.x.no_memory)
        return err_set(err, ERR_NOMEM, "predict: no memory");
    *out = p;
    p = (struct prediction){0};
    return true;
}

/* --- JSON --- */

static json_t *hex(struct bytes b)
{
    AUTO(auto_free) char *text = hex_0x(b);
    return text ? json_string(text) : NULL;
}

static json_t *words(const char *text)
{
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, " ");
        json_array_append_new(list, json_stringn(text, n));
        text += n + strspn(text + n, " ");
    }
    return list;
}

static void revert_to_json(json_t *doc, const struct prediction *p)
{
    char name[160];
    AUTO(abi_error_args_done) struct abi_error_args args = {0};
    AUTO(auto_free) char *text = abi_error_words(buf_view(&p->revert));
    json_t *list = json_array();
    abi_error_args(&args, buf_view(&p->revert), NULL);
    for (size_t i = 0; i < args.count; i++)
        json_array_append_new(list, json_string(args.text[i]));
    json_object_set_new(doc, "error", json_string(abi_error_name(name, sizeof name, buf_view(&p->revert))));
    json_object_set_new(doc, "args", list);
    json_object_set_new(doc, "revert_data", hex(buf_view(&p->revert)));
    json_object_set_new(doc, "caught_by", words(p->row ? p->row->caught_by : ""));
    if (text)
        json_object_set_new(doc, "words", json_string(text));
    if (p->step)
        json_object_set_new(doc, "step", json_string(p->step->id));
    if (p->row)
        json_object_set_new(doc, "clause", json_string(p->row->clause));
}

static json_t *event_to_json(const struct predicted_event *e)
{
    json_t *topics = json_array();
    for (size_t i = 0; i < 2; i++)
        json_array_append_new(topics, hex(BYTES_OF(e->topics[i])));
    return json_pack("{s:s, s:o, s:o}", "name", e->name, "topics", topics, "data", hex(buf_view(&e->data)));
}

static void success_to_json(json_t *doc, const struct prediction *p)
{
    json_t *events = json_array(), *lax_list = json_array();
    if (p->kind != CALL_SET_TTL)
        json_object_set_new(doc, "measurement_hash", hex(BYTES_OF(p->measurement_hash)));
    json_object_set_new(doc, "return_data", hex(buf_view(&p->returned)));
    for (size_t i = 0; i < p->num_events; i++)
        json_array_append_new(events, event_to_json(&p->events[i]));
    json_object_set_new(doc, "events", events);
    for (size_t i = 0; i < LAX_COUNT; i++)
        if (p->lax >> i & 1)
            json_array_append_new(lax_list, json_string(model_laxities[i].check));
    json_object_set_new(doc, "lax", lax_list);
}

json_t *prediction_to_json(const struct prediction *p, enum profile profile)
{
    static const char *const answers[] = {"unknown", "success", "revert"};
    json_auto_t *doc = json_pack("{s:s, s:s, s:s}", "format", "cvm-prediction/1", "profile", profile_name(profile),
                                 "answer", answers[p->answer]);
    if (!doc)
        return NULL;
    if (p->kind != CALL_NONE)
        json_object_set_new(doc, "call", json_string(call_name(p->kind)));
    if (!hash32_is_zero(p->id))
        json_object_set_new(doc, "identity_hash", hex(BYTES_OF(p->id)));
    switch (p->answer) {
    case PREDICT_SUCCESS:
        success_to_json(doc, p);
        break;
    case PREDICT_REVERT:
        revert_to_json(doc, p);
        break;
    case PREDICT_UNKNOWN:
        json_object_set_new(doc, "hangs_on", json_string(p->unknown ? p->unknown : ""));
        break;
    }
    return json_incref(doc);
}
