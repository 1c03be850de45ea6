/* The story of one call, in order:
 *   1. whose identity is it, and what does the registry say of it now?
 *   2. is there anything to do at all? (registered and fresh is success; a call that was begun earlier is joined)
 *   3. rules: what is refused whatever the evidence says
 *   4. signatures of the identity, over bytes that we built
 *   5. verdict: every check on the evidence, for this registry, this chain, this call
 *   6. model: what the contract would answer, held against what a node answers
 *   7. simulation: what it does answer, as the paying account
 *   8. engine: journal, nonce, fees, signature, wire, receipt, finality
 *   9. read back at the receipt's block: only what the registry says is success */
#include "relayer/relay.h"

#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/kept_ak.h"
#include "relayer/log.h"
#include "relayer/payer.h"
#include "relayer/readback.h"
#include "relayer/relay_steps.h"
#include "relayer/store/renewals.h"

#include <stdio.h>

bool relay_open(struct relay *out, const struct config *cfg, bool accept_implementation, bool need_account, struct err *err)
{
    struct relay *r = out;
    *r = (struct relay){0};
    if (!session_open_store(&r->session, cfg, err) || !session_open_chain(&r->session, err) ||
        !onchain_check_pin(&r->session.chain, r->session.db, accept_implementation, clock_now_s(), err) ||
        !judge_init(&r->judge, cfg, NULL, err) || !gather_init(&r->gather, cfg, r->session.db, false, err) ||
        !forecaster_init(&r->forecaster, &r->judge, cfg, err) ||
        !payer_settings(&r->tx, cfg, err) || !payer_open(&r->signer, cfg, need_account, err))
        return false;
    size_t open_rotations;
    if (!relay_settle_rotations(&r->session, &open_rotations, err))
        return err_wrap(err, "rotations that are not final yet");
    r->memory = memory_of(r->session.db);
    r->judge.memory = &r->memory;
    r->judge.gather = &r->gather;
    r->forecaster.profile = r->session.chain.profile;
    r->forecaster.chain_id = r->session.chain.chain_id;
    if (r->signer)
        r->from = signer_address(r->signer);
    return true;
}

void relay_done(struct relay *r)
{
    signer_free(r->signer);
    forecaster_done(&r->forecaster);
    judge_done(&r->judge);
    gather_done(&r->gather);
    session_done(&r->session);
    *r = (struct relay){0};
}

void relay_outcome_done(struct relay_outcome *out)
{
    json_decref(out->verdict);
    buf_done(&out->dry_run);
    *out = (struct relay_outcome){0};
}

static void relaying_done(struct relaying *w)
{
    onchain_identity_done(&w->on);
    onchain_identity_done(&w->on_new);
    buf_done(&w->signatures[0]);
    buf_done(&w->signatures[1]);
    buf_done(&w->calldata);
    pubkey_free(w->ak);
}

/* --- 1. whose identity --- */

static bool find_ids(struct relaying *w, struct err *err)
{
    const struct relay_request *q = w->q;
    enum profile profile = w->r->session.chain.profile;
    w->id = q->id;
    w->new_id = q->id;
    if (q->call == CALL_SET_TTL)
        return true;
    if (!w->bundle.identity.present)
        return err_set(err, ERR_REFUSED, "the evidence names no identity key");
    if (w->bundle.call.kind && w->bundle.call.kind != q->call)
        return err_set(err, ERR_USAGE, "the evidence is calldata of %s, and this is %s", call_name(w->bundle.call.kind), call_name(q->call));
    w->new_id = identity_hash(&w->bundle.identity, profile);
    if (q->call == CALL_ATTEST || !q->has_id)
        w->id = w->bundle.call.kind == CALL_REATTEST ? w->bundle.call.id : w->new_id;
    return true;
}

static void fill_call(struct relaying *w)
{
    struct bundle_call *c = &w->bundle.call;
    c->kind = w->q->call;
    c->profile = w->r->session.chain.profile;
    c->id = w->id;
    if (w->q->call == CALL_SET_TTL) {
        /* the one that is not given stays as it is */
        c->tee_ttl_s = w->q->has_tee_ttl ? w->q->tee_ttl_s : w->on.tee_ttl_s;
        c->tpm_ttl_s = w->q->has_tpm_ttl ? w->q->tpm_ttl_s : w->on.tpm_ttl_s;
    }
}

static bool read_chain(struct relaying *w, struct err *err)
{
    const struct onchain *chain = &w->r->session.chain;
    onchain_identity_done(&w->on);
    onchain_identity_done(&w->on_new);
    if (!onchain_read(chain, &w->on, w->id, ETH_AT_LATEST, err))
        return false;
    bool rotates = !hash32_eq(w->id, w->new_id);
    return !rotates || onchain_read(chain, &w->on_new, w->new_id, ETH_AT_BLOCK(w->on.block.number), err);
}

/* --- 2. anything to do? --- */

/* A store that cannot be read is no reason to leave it be. */
static bool is_fresh(const struct relaying *w)
{
    enum freshness_state state;
    return session_read_state(&w->r->session, &state, w->id, &w->on, NULL) && state == STATE_FRESH;
}

static bool same_ttls(const struct relaying *w)
{
    return w->on.registered && w->on.tee_ttl_s == w->bundle.call.tee_ttl_s && w->on.tpm_ttl_s == w->bundle.call.tpm_ttl_s;
}

/* A rotation that is done already: the chain names the new key and no longer the old one. */
static bool is_rotated(const struct relaying *w)
{
    return w->q->rotate && !hash32_eq(w->id, w->new_id) && !w->on.registered && w->on_new.registered;
}

static bool nothing_to_do(struct relaying *w, struct err *err)
{
    struct relay_outcome *out = w->out;
    const struct onchain_identity *on = is_rotated(w) ? &w->on_new : &w->on;
    const char *words = w->q->call == CALL_SET_TTL ? "the TTLs are set already" : is_rotated(w) ? "rotated already" : "registered already, and fresh";
    out->result = RELAY_ALREADY;
    out->id = is_rotated(w) ? w->new_id : w->id;
    snprintf(out->words, sizeof out->words, "%s", words);
    out->has_row = session_store(&w->r->session, &out->read, out->id, on, NULL, true, err);
    return out->has_row;
}

/* --- 5. the verdict --- */

static bool pass_judgement(struct relaying *w, struct err *err)
{
    AUTO(judgement_done) struct judgement j = {0};
    const struct onchain *chain = &w->r->session.chain;
    struct expected expected = judge_expected(w->r->session.cfg, w->q->call);
    if (w->q->call == CALL_SET_TTL)
        return true; /* no evidence in it */
    expected.profile = chain->profile;
    expected.has_place = expected.has_nonce = true;
    expected.chain_id = chain->chain_id;
    expected.nonce = w->on.nonce;
    expected.has_new_nonce = !hash32_eq(w->id, w->new_id);
    expected.new_nonce = expected.has_new_nonce ? w->on_new.nonce : 0;
    expected.registered = w->on.registered;
    expected.signer = w->on.registered ? &w->on.identity : NULL;
    expected.ak = w->ak;
    if (!judge_bundle(&j, &w->r->judge, &w->bundle, &expected, clock_now_s(), err))
        return false;
    w->out->verdict = json_incref(j.doc);
    w->until = (struct judged_until){j.v->tee_collateral_expires_s, j.v->tcb_refused_s};
    if (j.verdict == VERIFIED)
        return true;
    return err_set(err, j.verdict == REJECTED ? ERR_REFUSED : ERR_STALE, "the evidence is %s: %s", verdict_name(j.verdict), j.reason);
}

/* --- 9. what the registry says afterwards --- */

static struct readback readback_of(const struct relaying *w, const struct tx_intent *intent)
{
    const struct onchain *chain = &w->r->session.chain;
    return (struct readback){.rpc = chain->rpc, .chain = *chain, .key = txe_intent_key(chain->chain_id, intent), .measurement = w->measurement};
}

static void explain(void *user, char *out, size_t size, struct bytes revert)
{
    (void)user;
    AUTO(auto_free) char *words = abi_error_words(revert);
    snprintf(out, size, "%s", words ? words : "(no memory for the words)");
}

static void progress(void *user, const struct tx_status *status)
{
    struct relaying *w = user;
    if (w->q->progress)
        w->q->progress(w->q->user, status);
}

static bool stopped(void *user)
{
    struct relaying *w = user;
    return w->q->stopped && w->q->stopped(w->q->user);
}

/* The verdict on the TEE evidence that now stands there holds so long. A call that an earlier run began was judged there. */
static bool note_judged(struct relaying *w, struct err *err)
{
    if (w->q->call != CALL_ATTEST || w->begun)
        return true;
    return session_note_judged(&w->r->session, &w->out->read.after, w->until, (int64_t)w->out->read.block.time_s, err);
}

/* What the chain says now goes into the store: at the receipt's block, and of a rotation both identities. */
static bool store_outcome(struct relaying *w, struct err *err)
{
    struct relay_outcome *out = w->out;
    struct session *s = &w->r->session;
    bool mined = out->tx.phase == TXM_MINED || out->tx.phase == TXM_FINAL;
    struct eth_at at = mined ? ETH_AT_BLOCK(out->tx.block) : ETH_AT_LATEST;
    const struct hash32 *tx_hash = mined ? &out->tx.hash : NULL;
    bool rotates = !hash32_eq(w->id, w->new_id);
    if (rotates && mined)
        return out->has_row = relay_take_place(s, &out->read, w->id, w->new_id, at, tx_hash, err);
    /* a rotation that is not mined yet has no new identity to look after */
    out->has_row = session_refresh(s, &out->read, w->new_id, at, tx_hash, !rotates, err);
    return out->has_row && (rotates || note_judged(w, err));
}

/* --- 7 and 8 --- */

static bool send(struct relaying *w, struct err *err)
{
    AUTO(txe_closep) struct txe *txe = NULL;
    struct relay *r = w->r;
    struct tx_intent intent = relay_intent(w);
    struct readback registry = readback_of(w, &intent);
    struct txe_hooks hooks = {.user = w, .progress = progress, .readback = readback_ask, .registry = &registry, .explain = explain, .stopped = stopped};
    if (!relay_note_rotation(w, ROTATION_SENT, err))
        return false;
    if (!txe_open(&txe, r->session.db, r->session.rpc, r->signer, &r->tx, &hooks, err))
        return false;
    bool ok = txe_submit(txe, &w->out->tx, &intent, w->q->wait, r->session.cfg->wait_timeout_s, err);
    w->out->has_tx = w->out->tx.id != 0;
    w->out->result = RELAY_SENT;
    if (!ok)
        return false;
    snprintf(w->out->words, sizeof w->out->words, "%s%s", w->out->tx.joined ? "joined an earlier run: " : "", txm_phase_name(w->out->tx.phase));
    /* closed last: until then the next run looks whether all of it is in the store */
    return store_outcome(w, err) && (w->out->tx.phase != TXM_FINAL || relay_note_rotation(w, ROTATION_FINAL, err));
}

static bool dry_run(struct relaying *w, struct err *err)
{
    struct relay *r = w->r;
    struct tx_quote quote = {0};
    struct tx_intent intent = relay_intent(w);
    struct txe_hooks hooks = {.user = w, .explain = explain};
    w->out->result = RELAY_DRY_RUN;
    w->out->dry_run = buf_new(1 << 20);
    return txe_quote(r->session.rpc, &quote, &intent, r->from, &r->tx, &hooks, err) &&
           txe_quote_format(&w->out->dry_run, &quote, &intent, r->from, w->q->dry_run, err) && relay_show_answers(w, err);
}

/* A re-attestation is verified with the key that the registry keeps. */
static bool recall_ak(struct relaying *w, struct err *err)
{
    pubkey_free(w->ak);
    w->ak = NULL;
    return w->q->call != CALL_REATTEST || kept_ak(&w->ak, &w->on, err);
}

static bool look(struct relaying *w, struct err *err)
{
    if (!read_chain(w, err) || !recall_ak(w, err))
        return false;
    fill_call(w);
    return relay_name_intent(w, err);
}

static bool is_done(const struct relaying *w)
{
    if (w->q->dry_run)
        return false;
    return is_rotated(w) || (w->q->call == CALL_ATTEST && !w->q->early && is_fresh(w)) || (w->q->call == CALL_SET_TTL && same_ttls(w));
}

/* Whatever has been sent for this very call is followed up, however old the evidence has become meanwhile; anything else has
 * to pass every gate. */
static bool pass_gates(struct relaying *w, struct err *err)
{
    return w->begun || (pass_judgement(w, err) && relay_find_width(w, err) && relay_ask_model(w, err) &&
                        onchain_simulate(&w->r->session.chain, w->r->signer != NULL, w->r->from, buf_view(&w->calldata), err));
}

static bool try_once(struct relaying *w, struct err *err)
{
    bool moved = false;
    if (!find_ids(w, err) || !look(w, err) || !relay_finish_earlier(w, &moved, err) || (moved && !look(w, err)))
        return false;
    if (is_done(w))
        return nothing_to_do(w, err);
    w->out->id = w->new_id;
    w->out->old_id = w->id;
    if (!relay_check_rules(w, err) || !relay_sign(w, err) || !relay_encode(w, err) || !pass_gates(w, err))
        return false;
    return w->q->dry_run ? dry_run(w, err) : send(w, err);
}

/* The identity's nonce moved under our call: somebody else's transaction came first. The new identity of a rotation is not
 * signed, so that whoever sees the call can send it first as a plain re-attestation (registry-v1 11). What an earlier run signed
 * over is not known here; the gates will tell. */
static bool was_overtaken(const struct relaying *w)
{
    AUTO(onchain_identity_done) struct onchain_identity now = {0};
    bool signs_nonce = w->q->call == CALL_REATTEST || w->q->call == CALL_SET_TTL;
    if (!signs_nonce || !w->out->has_tx || w->out->tx.phase != TXM_REVERTED ||
        !onchain_read(&w->r->session.chain, &now, w->id, ETH_AT_LATEST, NULL))
        return false;
    return w->begun || now.nonce != w->on.nonce;
}

static void start_anew(struct relaying *w)
{
    struct relay_outcome *out = w->out;
    for (size_t i = 0; i < 2; i++)
        buf_done(&w->signatures[i]);
    buf_done(&w->calldata);
    if (w->q->bundle)
        w->bundle = *w->q->bundle;
    relay_outcome_done(out);
    out->id = w->q->id;
}

/* Once: whoever overtakes us again and again pays for it as we do. */
static bool relay_it(struct relaying *w, struct err *err)
{
    if (try_once(w, err))
        return true;
    if (!was_overtaken(w))
        return false;
    log_warn("%s: somebody else's call came first and moved the identity's nonce; the call is built anew", call_name(w->q->call));
    err_clear(err);
    start_anew(w);
    return try_once(w, err);
}

/* What the measurement was computed from, for whoever asks later what changed. */
static void keep_measurement(const struct relaying *w)
{
    const json_t *measurement = json_object_get(w->out->verdict, "measurement");
    const char *text = json_string_value(json_object_get(measurement, "hash"));
    AUTO(auto_free) char *doc = json_dumps(measurement, JSON_COMPACT);
    struct hash32 hash;
    struct err why = {0};
    if (!text || !doc || !hex_decode_fixed(hash.b, sizeof hash.b, bytes_str(text), &why))
        return;
    if (!goldens_put(w->r->session.db, hash, doc, &why))
        log_warn("%s", why.text);
}

bool relay_call(struct relay *r, struct relay_outcome *out, const struct relay_request *request, struct err *err)
{
    AUTO(relaying_done) struct relaying w = {.r = r, .q = request, .out = out};
    *out = (struct relay_outcome){.id = request->id};
    if (request->bundle)
        w.bundle = *request->bundle;
    bool ok = relay_it(&w, err);
    if (ok && out->result == RELAY_SENT)
        log_info("%s: %s", call_name(request->call), out->words);
    if (ok && out->verdict)
        keep_measurement(&w);
    return ok;
}
