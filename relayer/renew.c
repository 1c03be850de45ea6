/* A renewal, in order:
 *   1. claim the identity, so that nobody else renews it at the same time
 *   2. an earlier transaction of ours that is not mined yet? then wait for that one
 *   3. read the chain; ask the planner what is due
 *   4. limits, and the pre hook
 *   5. fresh evidence, with a challenge made for this attempt; it must be this identity's. Another attestation key than the
 *      registry keeps: then a full attestation, with evidence for that
 *   6. relay: verdict, model, simulation, transaction, what the registry says afterwards
 *   7. note how it went and when the next try is; tell the hooks */
#include "relayer/renew_steps.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/log.h"
#include "relayer/readback.h"
#include "relayer/source/source.h"
#include "relayer/status.h"
#include "relayer/store/renewals.h"

#include <stdio.h>

#define DAY_S 86400 /* the longest time for which a limit puts off */

static void work_done(struct work *w)
{
    onchain_identity_done(&w->on);
    buf_done(&w->raw);
    bundle_done(&w->bundle);
}

static const struct {
    const char *name;
    int exit_status;
} results[] = {
    [RENEWAL_DONE] = {"renewed", 0},   [RENEWAL_NOT_DUE] = {"not_due", 0}, [RENEWAL_BUSY] = {"busy", 0},       [RENEWAL_HELD] = {"held", 3},       [RENEWAL_UNDERWAY] = {"underway", 3},
    [RENEWAL_LIMITED] = {"limited", 3}, [RENEWAL_WAITING] = {"waiting", 3}, [RENEWAL_REFUSED] = {"refused", 1}, [RENEWAL_FAILED] = {"failed", 3},
};

const char *renewal_result_name(enum renewal_result r)
{
    return results[r].name;
}

int renewal_exit_status(enum renewal_result r)
{
    return results[r].exit_status;
}

static const struct config *cfg_of(const struct renewer *n)
{
    return n->relay->session.cfg;
}

/* --- settings --- */

bool renewer_init(struct renewer *out, struct relay *relay, struct err *err)
{
    const struct config *cfg = relay->session.cfg;
    struct renewer n = {
        .relay = relay,
        .wait = TX_WAIT_MINED,
        .hooks = {.path = {[HOOK_PRE] = cfg->hook_pre, [HOOK_RENEWED] = cfg->hook_renewed, [HOOK_FAILED] = cfg->hook_failed,
                           [HOOK_EXPIRING] = cfg->hook_expiring, [HOOK_MEASUREMENT_CHANGED] = cfg->hook_measurement_changed,
                           [HOOK_UNEXPLAINED_UPDATE] = cfg->hook_unexplained_update},
                  .timeout_s = cfg->hook_timeout_s},
    };
    owner_self(n.owner);
    struct source_settings source = source_settings_of(cfg, NULL);
    if (!hooks_check(&n.hooks, err) || (source.spec && !source_check(&source, err)))
        return false;
    *out = n;
    return true;
}

/* --- hooks --- */

static json_t *facts_of(const struct renewer *n, const struct identity_row *row, int64_t now_s)
{
    json_t *doc = status_row_json(&n->relay->session, row, now_s);
    char when[21];
    if (doc)
        json_object_set_new(doc, "chain_time", json_string(time_format(when, now_s)));
    return doc;
}

/* Takes facts. Only the pre hook's answer counts; a failure of the others is said. */
static bool tell(const struct renewer *n, enum hook h, json_t *facts, struct err *err)
{
    struct err why = {0};
    bool ok = hook_run(&n->hooks, h, facts, &why);
    json_decref(facts);
    if (ok)
        return true;
    if (h != HOOK_PRE)
        log_warn("%s", why.text);
    return err_set(err, why.code, "%s", why.text);
}

static json_t *renewal_facts(const struct work *w)
{
    const struct renewal *r = w->out;
    json_t *doc = facts_of(w->n, &r->row, w->now_s);
    char when[21];
    AUTO(auto_free) char *tx = r->has_tx ? hex_0x(BYTES_OF(r->tx_hash)) : NULL;
    if (doc && r->call)
        json_object_set_new(doc, "call", json_string(call_name(r->call)));
    if (doc && r->due_for)
        json_object_set_new(doc, "due_for", json_string(due_for_name(r->due_for)));
    if (doc && tx)
        json_object_set_new(doc, "transaction", json_string(tx));
    if (doc && r->note)
        json_object_set_new(doc, "note", json_string(r->note));
    if (doc && r->why.code != ERR_NONE) {
        json_object_set_new(doc, "error", json_string(r->why.text));
        json_object_set_new(doc, "code", json_string(err_name(r->why.code)));
    }
    if (doc && r->differs)
        json_object_set_new(doc, "answers", relay_answers_json(r->predicted, r->answered, true));
    if (doc && r->next_try_s)
        json_object_set_new(doc, "next_try_at", json_string(time_format(when, r->next_try_s)));
    return doc;
}

static void tell_measurement(const struct work *w, const struct hash32 *was)
{
    json_t *facts = renewal_facts(w);
    AUTO(auto_free) char *hex = hex_0x(BYTES_OF(*was));
    if (facts && hex)
        json_object_set_new(facts, "previous_measurement_hash", json_string(hex));
    tell(w->n, HOOK_MEASUREMENT_CHANGED, facts, NULL);
}

static void on_progress(void *user, const struct tx_status *status)
{
    struct work *w = user;
    bool ours;
    struct err ignored = {0};
    (void)status;
    claims_renew(w->n->relay->session.db, &ours, &w->out->row.key, w->token, clock_now_s(), w->lease_s, &ignored);
}

static bool on_stop(void *user)
{
    struct work *w = user;
    return w->n->stopped && w->n->stopped(w->n->user);
}

/* --- 2. what was begun --- */

bool renew_finish_begun(struct renewer *n, struct err *err)
{
    AUTO(txe_closep) struct txe *txe = NULL;
    struct relay *r = n->relay;
    size_t num_open;
    struct readback registry = {.rpc = r->session.rpc, .chain = r->session.chain};
    struct txe_hooks hooks = {.readback = readback_ask, .registry = &registry};
    return !r->signer || (txe_open(&txe, r->session.db, r->session.rpc, r->signer, &r->tx, &hooks, err) &&
                          txe_pump(txe, &num_open, err));
}

static bool is_underway(struct work *w, struct err *err)
{
    AUTO(tx_list_done) struct tx_list list = {0};
    char hex[65];
    if (!tx_journal_list(w->n->relay->session.db, &list, true, &w->out->row.key.id, 16, err))
        return true;
    for (size_t i = 0; i < list.count; i++) {
        const struct tx_status *tx = &list.row[i];
        if (tx->phase >= TXM_MINED || tx->chain_id != w->out->row.key.chain_id || !addr20_eq(tx->target, w->out->row.key.registry))
            continue;
        w->out->has_tx = tx->has_hash;
        w->out->tx_hash = tx->hash;
        err_set(err, ERR_CHAIN, "%s%s of an earlier run is %s%s%s", tx->has_hash ? "transaction 0x" : "a transaction",
                tx->has_hash ? hex_encode(hex, BYTES_OF(tx->hash)) : "", txm_phase_name(tx->phase), tx->note[0] ? ": " : "", tx->note);
        return true;
    }
    return false;
}

/* --- 3. what is due --- */

struct plan_decision renew_decide(const struct renewer *n, const struct identity_row *row, int64_t chain_now_s)
{
    return planning_decide(cfg_of(n), row, chain_now_s, chain_now_s + n->within_s);
}

bool renew_waits(const struct renewer *n, const struct identity_row *row, int64_t chain_now_s)
{
    int64_t longest_s = cfg_of(n)->retry_max_s > DAY_S ? cfg_of(n)->retry_max_s : DAY_S;
    return plan_waits(row->retry_at_s, chain_now_s, longest_s);
}

static bool look(struct work *w, struct plan_decision *decision, struct err *err)
{
    struct session *s = &w->n->relay->session;
    struct read_back read = {0};
    if (!onchain_read(&s->chain, &w->on, w->out->row.key.id, ETH_AT_LATEST, err) ||
        !session_store(s, &read, w->out->row.key.id, &w->on, NULL, false, err))
        return false;
    w->out->row = read.after;
    w->now_s = (int64_t)read.block.time_s;
    w->out->chain_time_s = w->now_s;
    if (read.measurement_changed)
        tell_measurement(w, &read.before.measurement_hash);
    *decision = renew_decide(w->n, &read.after, w->now_s);
    w->out->due_for = decision->why;
    return true;
}

/* --- 4. limits --- */

static bool is_limited(struct work *w, struct err *err)
{
    const struct config *cfg = cfg_of(w->n);
    struct renewal_limits limits = {cfg->max_per_block, cfg->max_per_hour, cfg->max_renewals_per_day};
    const char *which;
    char when[21];
    /* counted by our own clock: a node that lies about the time cannot begin a new day */
    int64_t not_before_s, here_s = clock_now_s();
    if (!renewals_begin(w->n->relay->session.db, &not_before_s, &which, &w->out->row.key, call_name(w->out->call), here_s,
                        w->on.block.number, &limits, err))
        return true;
    if (!not_before_s)
        return false;
    w->out->next_try_s = w->now_s + (not_before_s - here_s);
    err_set(err, ERR_STALE, "%s forbids more before %s", which, time_format(when, w->out->next_try_s));
    return true;
}

/* --- 6. the call --- */

static bool bring(struct work *w, struct hash32 *was, struct err *err)
{
    AUTO(relay_outcome_done) struct relay_outcome o = {0};
    struct relay_request q = {
        .call = w->out->call,
        .bundle = &w->bundle,
        .has_id = true,
        .id = w->out->row.key.id,
        .early = true, /* the planner has decided */
        .accept_measurement = w->n->accept_measurement,
        .accept_difference = w->n->accept_difference,
        .label = "renewal",
        .wait = w->n->wait,
        .progress = on_progress,
        .stopped = on_stop,
        .user = w,
    };
    *was = w->out->row.measurement_hash;
    bool ok = relay_call(w->n->relay, &o, &q, err);
    w->out->differs = o.differs;
    memcpy(w->out->predicted, o.predicted, sizeof o.predicted);
    memcpy(w->out->answered, o.answered, sizeof o.answered);
    w->out->has_tx = o.has_tx && o.tx.has_hash;
    if (w->out->has_tx)
        w->out->tx_hash = o.tx.hash;
    if (o.has_row)
        w->out->row = o.read.after;
    if (o.has_row && o.read.block.time_s > 0)
        w->now_s = w->out->chain_time_s = (int64_t)o.read.block.time_s;
    return ok;
}

/* --- 7. how it went --- */

static int64_t time_left(const struct work *w)
{
    int64_t ends_s = planning_ends_s(cfg_of(w->n), &w->out->row, w->now_s);
    return ends_s == INT64_MAX ? INT64_MAX : ends_s - w->now_s;
}

static void note(struct work *w, uint32_t failures, int64_t retry_at_s, const char *error)
{
    struct identity_row *row = &w->out->row;
    struct err why = {0};
    row->failures = failures;
    row->retry_at_s = retry_at_s;
    snprintf(row->last_error, sizeof row->last_error, "%.255s", error);
    if (!identities_note_try(w->n->relay->session.db, &row->key, failures, retry_at_s, row->last_error, &why))
        log_warn("%s", why.text);
}

static void succeed(struct work *w, const struct hash32 *was)
{
    struct err why = {0};
    w->out->result = RENEWAL_DONE;
    note(w, 0, 0, "");
    if (!identities_note_warned(w->n->relay->session.db, &w->out->row.key, STATE_FRESH, &why))
        log_warn("%s", why.text);
    tell(w->n, HOOK_RENEWED, renewal_facts(w), NULL);
    if (!hash32_eq(*was, w->out->row.measurement_hash))
        tell_measurement(w, was);
}

static void fail(struct work *w)
{
    struct renewal *r = w->out;
    const struct config *cfg = cfg_of(w->n);
    bool refused = r->why.code == ERR_REFUSED || r->why.code == ERR_FORMAT || r->why.code == ERR_CRYPTO;
    uint32_t failures = r->row.failures < UINT32_MAX ? r->row.failures + 1 : UINT32_MAX;
    r->result = refused ? RENEWAL_REFUSED : RENEWAL_FAILED;
    r->next_try_s = w->now_s + plan_backoff_s(failures, cfg->retry_min_s, cfg->retry_max_s, time_left(w), r->row.key.id);
    note(w, failures, r->next_try_s, r->why.text);
    tell(w->n, HOOK_FAILED, renewal_facts(w), NULL);
}

/* Put off without blame. */
static void put_off(struct work *w, enum renewal_result result)
{
    w->out->result = result;
    if (!w->out->next_try_s)
        w->out->next_try_s = w->now_s + cfg_of(w->n)->retry_min_s;
    note(w, w->out->row.failures, w->out->next_try_s, w->out->why.text);
}

/* With the claim in hand. */
static void renew_claimed(struct work *w)
{
    struct err *err = &w->out->why;
    struct plan_decision decision;
    struct hash32 was;
    if (!look(w, &decision, err))
        return fail(w);
    if (decision.action == PLAN_NOTHING) {
        w->out->result = RENEWAL_NOT_DUE;
        return;
    }
    w->out->call = decision.action == PLAN_ATTEST ? CALL_ATTEST : CALL_REATTEST;
    if (is_underway(w, err))
        return put_off(w, RENEWAL_UNDERWAY);
    if (is_limited(w, err))
        return put_off(w, RENEWAL_LIMITED);
    bool ok = (tell(w->n, HOOK_PRE, renewal_facts(w), err) || renew_may_change_its_mind(err)) && renew_get_evidence(w, err) &&
              bring(w, &was, err);
    return ok ? succeed(w, &was) : fail(w);
}

void renew_one(struct renewer *n, struct renewal *out, const struct identity_row *row)
{
    *out = (struct renewal){.row = *row, .result = RENEWAL_FAILED, .chain_time_s = clock_now_s()};
    AUTO(work_done) struct work w = {.n = n, .out = out, .now_s = out->chain_time_s};
    bool got = false;
    if (!renew_claim(&w, &got, &out->why))
        out->result = RENEWAL_FAILED;
    if (!got)
        return;
    renew_claimed(&w);
    struct err ignored = {0};
    claims_release(n->relay->session.db, &row->key, w.token, &ignored);
}

/* --- warnings --- */

bool renew_warn(struct renewer *n, int64_t chain_now_s, size_t *left, struct err *err)
{
    AUTO(identity_list_done) struct identity_list list = {0};
    struct session *s = &n->relay->session;
    *left = 0;
    if (!identities_expiring_here(s->db, &list, s->chain.chain_id, s->chain.registry, chain_now_s, SIZE_MAX, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct identity_row *row = &list.row[i];
        enum freshness_state state = planning_state(s->cfg, row, chain_now_s);
        bool late = state == STATE_EXPIRING || state == STATE_EXPIRED;
        *left += late;
        if (!late || row->warned_state == (int)state)
            continue;
        tell(n, HOOK_EXPIRING, facts_of(n, row, chain_now_s), NULL);
        if (!identities_note_warned(s->db, &row->key, (int)state, err))
            return false;
    }
    return true;
}
