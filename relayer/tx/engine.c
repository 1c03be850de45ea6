/* From an intent to its end. The pieces: task.c (an intent in hand, and its bytes in the journal), txm.c (what to do
 * next), act.c and look.c (doing it), locks.c (who may). Here: opening, waiting, joining, reporting. */
#include "relayer/tx/engine.h"

#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "relayer/clock.h"
#include "relayer/hooks.h"
#include "relayer/tx/locks.h"
#include "relayer/tx/task.h"

#include <stdio.h>
#include <stdlib.h>

#define JOIN_POLL_MS   100
#define FIRST_PAUSE_MS 4
#define MAX_ROUNDS     3 /* times that an intent starts anew in one call because somebody else spent its nonce */

struct tx_settings tx_settings_resolve(const struct tx_settings *settings)
{
    struct tx_settings s = *settings;
    if (!s.tip_percentile)
        s.tip_percentile = 50;
    if (!s.gas_margin_percent)
        s.gas_margin_percent = 10;
    if (!s.confirmations)
        s.confirmations = 12;
    if (!s.stuck_after_s)
        s.stuck_after_s = 60;
    if (!s.stuck_after_blocks)
        s.stuck_after_blocks = 5;
    if (!s.resend_after_s)
        s.resend_after_s = 15;
    if (!s.poll_ms)
        s.poll_ms = 1000;
    return s;
}

bool txe_use_account(struct txe *txe, struct addr20 account, struct err *err)
{
    txe->account.account = account;
    return locks_open(&txe->lock_fd, db_dir(txe->db), txe->chain_id, account, err);
}

bool txe_open(struct txe **out, struct db *db, struct rpc *rpc, struct signer *signer,
              const struct tx_settings *settings, const struct txe_hooks *hooks, struct err *err)
{
    AUTO(txe_closep) struct txe *txe = calloc(1, sizeof *txe);
    if (!txe)
        return err_set(err, ERR_NOMEM, "tx: no memory");
    *txe =
        (struct txe){.db = db, .rpc = rpc, .signer = signer, .settings = tx_settings_resolve(settings), .lock_fd = -1};
    if (hooks)
        txe->hooks = *hooks;
    if (!rpc_chain_id(rpc, &txe->chain_id, err))
        return false;
    txe->account.chain_id = txe->chain_id;
    if (signer && !txe_use_account(txe, signer_address(signer), err))
        return false;
    *out = STEAL(txe);
    return true;
}

void txe_close(struct txe *txe)
{
    if (!txe)
        return;
    for (size_t i = 0; i < txe->num_tasks; i++)
        task_free(txe->task[i]);
    free(txe->task);
    auto_close(&txe->lock_fd); /* and with it every lock */
    free(txe);
}

void txe_closep(struct txe **txe)
{
    txe_close(*txe);
}

struct hash32 txe_intent_key(uint64_t chain_id, const struct tx_intent *intent)
{
    uint8_t chain[32];
    u256_to_be32(chain, u256_from(chain_id));
    struct bytes parts[] = {BYTES_LIT("cvm-relayer/intent/1"), BYTES(chain),
                            BYTES_OF(intent->target),          bytes_str(intent->call),
                            BYTES_OF(intent->identity),        BYTES_OF(intent->digest)};
    struct digest d = hash_parts(HASH_SHA256, parts, sizeof parts / sizeof *parts);
    struct hash32 key;
    memcpy(key.b, d.b, sizeof key.b);
    return key;
}

struct hash32 txe_text_digest(const char *idempotency_key)
{
    return sha256(bytes_str(idempotency_key));
}

static const char *const wait_names[] = {"none", "sent", "mined", "final"};

bool tx_wait_parse(enum tx_wait *out, const char *text)
{
    for (int i = TX_WAIT_NONE; i <= TX_WAIT_FINAL; i++)
        if (strcmp(text, wait_names[i]) == 0) {
            *out = (enum tx_wait)i;
            return true;
        }
    return false;
}

/* --- how far it is --- */

static bool reached(const struct tx_status *s, enum tx_wait wait)
{
    if (txm_is_over(s->phase))
        return true;
    switch (wait) {
    case TX_WAIT_NONE:
        return s->phase >= TXM_SIGNED && s->wait != TXM_WAIT_NONE;
    case TX_WAIT_SENT:
        return s->phase == TXM_MINED || (s->phase == TXM_SENT && s->wait == TXM_WAIT_CHAIN);
    case TX_WAIT_MINED:
        return s->phase == TXM_MINED && (s->readback == TXM_READ_OK || s->readback == TXM_READ_DIFFERS);
    case TX_WAIT_FINAL:
        return false;
    }
    return false;
}

/* What a status at its end (or where the caller stops waiting) means for the caller. */
static bool verdict(const struct tx_status *s, struct err *err)
{
    const char *note = s->note[0] ? s->note : txm_phase_name(s->phase);
    switch (s->phase) {
    case TXM_FINAL:
    case TXM_MINED:
        if (s->readback == TXM_READ_DIFFERS)
            return err_set(err, ERR_REFUSED,
                           "transaction %lld was mined, but the contract does not say what was asked for: %s",
                           (long long)s->id, note);
        return true;
    case TXM_REVERTED:
    case TXM_REFUSED:
        return err_set(err, ERR_REFUSED, "%s", note);
    case TXM_CANCELLED:
        return err_set(err, ERR_REFUSED, "transaction %lld was cancelled", (long long)s->id);
    case TXM_REPLACED:
        return err_set(err, ERR_CHAIN, "transaction %lld: nonce %llu was spent by a transaction that is not ours",
                       (long long)s->id, (unsigned long long)s->nonce);
    case TXM_GIVEN_UP:
        return err_set(err, ERR_CHAIN, "transaction %lld was given up: %s", (long long)s->id, note);
    case TXM_NEW:
    case TXM_RESERVED:
    case TXM_SIGNED:
    case TXM_SENT:
        return true;
    }
    return true;
}

static bool not_yet(const struct tx_status *s, const char *why, struct err *err)
{
    return err_set(err, ERR_CHAIN,
                   "%s: transaction %lld is %s%s%s; it stays in the journal, run the command again to go on with it",
                   why, (long long)s->id, txm_phase_name(s->phase), s->note[0] ? ": " : "", s->note);
}

static void report(struct txe *txe, struct tx_status *out, const struct task *t, bool joined)
{
    task_status(out, txe->db, t);
    out->joined = joined;
    if (txe->head.number > out->head_block)
        out->head_block = txe->head.number;
    if (txe->hooks.progress)
        txe->hooks.progress(txe->hooks.user, out);
}

/* --- submitting --- */

static bool add_intent(struct txe *txe, int64_t *id, bool *existed, const struct tx_intent *intent, struct err *err)
{
    AUTO(journal_intent_done)
    struct journal_intent row = {.key = txe_intent_key(txe->chain_id, intent),
                                 .account = txe->account,
                                 .target = intent->target,
                                 .identity = intent->identity,
                                 .open = true,
                                 .machine = buf_new(64 * 1024),
                                 .calldata = buf_new(TX_MAX_SIZE)};
    row.created_at_s = row.updated_at_s = clock_now_s();
    snprintf(row.call, sizeof row.call, "%s", intent->call);
    snprintf(row.label, sizeof row.label, "%s", intent->label ? intent->label : "");
    buf_put(&row.calldata, intent->calldata);
    if (!buf_finish(&row.calldata, err) || !machine_write(&row.machine, &(struct txm){0}, 0, err))
        return false;
    HOOK("journal.intent");
    if (!journal_add(txe->db, id, existed, &row, err))
        return false;
    HOOK("journal.intended");
    return true;
}

/* Nobody has begun it anew meanwhile, from another account and so under another lock? Asked inside the transaction. */
static bool still_over(struct txe *txe, const struct task *t, struct err *err)
{
    AUTO(task_freep) struct task *now = NULL;
    if (!task_load(txe->db, &now, t->row.id, err))
        return false;
    return (txm_is_over(now->m.phase) && now->m.phase != TXM_FINAL) ||
           err_set(err, ERR_STORE, "another process has begun transaction %lld anew, from another account",
                   (long long)t->row.id);
}

/* It came to an end without happening: begin anew, under the same key, perhaps from another account. */
static bool begin_anew(struct txe *txe, struct task *t, struct bytes calldata, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    unsigned base;
    struct txm_event start = {.type = TXM_EV_START};
    if (!db_begin(&tx, txe->db, DB_DURABLE, err) || !still_over(txe, t, err) ||
        !journal_attempt_count(txe->db, &base, t->row.id, err) ||
        !journal_begin_anew(txe->db, t->row.id, txe->account, calldata, err))
        return false;
    t->row.account = txe->account;
    buf_done(&t->row.calldata);
    t->row.calldata = buf_new(TX_MAX_SIZE);
    buf_put(&t->row.calldata, calldata);
    memset(t->has_hash, 0, sizeof t->has_hash);
    t->m = (struct txm){0};
    t->seq_base = base;
    t->dirty = true;
    task_note(t, "%s", "");
    return buf_finish(&t->row.calldata, err) && txe_apply(txe, t, &start, err) && db_commit(&tx, err);
}

/* A failure before anything was signed: the intent is closed, so that nobody sends it long after its caller was told.
 */
static bool give_up(struct txe *txe, struct task *t, const struct err *why)
{
    struct txm_event ev = {.type = TXM_EV_GIVE_UP};
    struct err ignored = {0};
    task_note(t, "%.390s", why->text);
    return txe_apply(txe, t, &ev, &ignored);
}

static bool is_stopped(const struct txe *txe)
{
    return txe->hooks.stopped && txe->hooks.stopped(txe->hooks.user);
}

static unsigned num_sends(const struct task *t)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->m.num_attempts; i++)
        n += t->m.attempt[i].sends;
    return n;
}

/* The node says no, now, for a reason that waiting alone will not mend. */
static bool node_refuses(const struct task *t, unsigned sends_before)
{
    return (t->m.wait == TXM_WAIT_NODE || t->m.wait == TXM_WAIT_FUNDS) && num_sends(t) > sends_before;
}

struct waiter {
    enum tx_wait wait;
    uint64_t deadline_ms; /* clock_mono_ms; 0: none */
    bool joined;
    struct bytes calldata;
    const struct tx_signed *adopt; /* an outside signature for it; may be NULL */
    struct bytes adopt_raw;
    unsigned rounds;
    uint64_t pause_ms; /* short after each change, up to poll_ms */
};

static bool timed_out(const struct waiter *w)
{
    return w->deadline_ms && clock_mono_ms() >= w->deadline_ms;
}

/* Another process has it in hand: watch the journal until it is done, or until that process is gone. */
static bool watch_other(struct txe *txe, struct task **mine, struct tx_status *out, int64_t id, struct waiter *w,
                        struct err *err)
{
    for (;;) {
        AUTO(task_freep) struct task *t = NULL;
        if (!txe_claim(txe, mine, id, err))
            return false;
        if (*mine)
            return true;
        if (!task_load(txe->db, &t, id, err))
            return false;
        report(txe, out, t, true);
        if (reached(out, w->wait))
            return true;
        if (timed_out(w) || is_stopped(txe))
            return not_yet(out, "another process (or account) is at work on it", err);
        clock_sleep_ms(JOIN_POLL_MS);
    }
}

/* It was over when we came, without having happened. */
static bool ended_before(const struct task *t)
{
    return txm_is_over(t->m.phase) && t->m.phase != TXM_FINAL;
}

/* Somebody else spent its nonce under our eyes: another one, a few times. */
static bool lost_its_nonce(const struct task *t, struct waiter *w)
{
    return t->m.phase == TXM_REPLACED && ++w->rounds < MAX_ROUNDS;
}

static void pause_until_next(const struct txe *txe, struct waiter *w)
{
    uint64_t most = (uint64_t)txe->settings.poll_ms, now_ms = clock_mono_ms();
    w->pause_ms = w->pause_ms ? w->pause_ms * 2 : FIRST_PAUSE_MS;
    if (w->pause_ms > most)
        w->pause_ms = most;
    uint64_t ms = w->pause_ms;
    if (w->deadline_ms && now_ms + ms > w->deadline_ms)
        ms = w->deadline_ms > now_ms ? w->deadline_ms - now_ms : 0;
    clock_sleep_ms(ms);
}

static bool follow(struct txe *txe, struct task *t, struct tx_status *out, struct waiter *w, struct err *err)
{
    unsigned sends_before = num_sends(t);
    if (ended_before(t) && !begin_anew(txe, t, w->calldata, err))
        return false;
    for (;;) {
        struct err round_err = {0};
        if (t->next.type == TXM_DO_WAIT && t->m.phase >= TXM_SIGNED)
            t->next.type = TXM_DO_LOOK; /* we look as often as we poll, whatever the machine would be content with */
        bool ok = txe_round(txe, &round_err);
        if (!ok)
            task_note(t, "%.390s", round_err.text);
        report(txe, out, t, w->joined);
        if (lost_its_nonce(t, w)) {
            if (!begin_anew(txe, t, w->calldata, err))
                return false;
            continue;
        }
        if (reached(out, w->wait))
            return verdict(out, err);
        const struct err *why = ok ? &t->trouble : &round_err;
        if (why->code != ERR_NONE && !txm_any_signed(&t->m)) {
            *err = *why;
            give_up(txe, t, why);
            report(txe, out, t, w->joined);
            return false;
        }
        if (why->code == ERR_STORE || why->code == ERR_BUG || why->code == ERR_REFUSED || why->code == ERR_USAGE) {
            *err = *why;
            return false;
        }
        if (node_refuses(t, sends_before))
            return not_yet(out, "refused for now", err);
        if (timed_out(w) || is_stopped(txe))
            return not_yet(out, timed_out(w) ? "not done in time" : "stopped", err);
        pause_until_next(txe, w);
    }
}

/* Outside bytes into the journal, for an intent for which nothing has been signed yet. */
static bool adopt(struct txe *txe, struct task *t, struct waiter *w, struct err *err)
{
    const struct tx *tx = &w->adopt->tx;
    if (ended_before(t) && !begin_anew(txe, t, w->calldata, err))
        return false;
    if (txm_any_signed(&t->m) && t->has_hash[0] && hash32_eq(t->hash[0], w->adopt->hash))
        return true;
    if (t->m.phase != TXM_NEW)
        return err_set(err, ERR_USAGE, "transaction %lld is %s already: an outside signature comes too late",
                       (long long)t->row.id, txm_phase_name(t->m.phase));
    AUTO(db_scope_done) struct db_scope scope = {0};
    struct txm_event ev = {.type = TXM_EV_ADOPTED,
                           .nonce = tx->nonce,
                           .gas_limit = tx->gas_limit,
                           .fees = {tx->type != TX_DYNAMIC_FEE, tx->max_fee_wei, tx->max_tip_wei}};
    if (!txe_become_sender(txe, err) || !db_begin(&scope, txe->db, DB_DURABLE, err) ||
        !journal_nonce_hold(txe->db, txe->account, tx->nonce, t->row.id, err))
        return false;
    t->hash[0] = w->adopt->hash;
    t->has_hash[0] = true;
    return txe_apply(txe, t, &ev, err) && txe_describe(txe, t, 0, tx, err) &&
           journal_attempt_sign(txe->db, t->row.id, t->seq_base, w->adopt->hash, w->adopt_raw, err) &&
           db_commit(&scope, err);
}

static bool submit_id(struct txe *txe, struct tx_status *out, int64_t id, struct waiter *w, struct err *err)
{
    struct task *mine = NULL;
    if (!txe_claim_open(txe, err) || !watch_other(txe, &mine, out, id, w, err))
        return false;
    if (!mine)
        return verdict(out, err);
    bool ok = (!w->adopt || adopt(txe, mine, w, err)) && follow(txe, mine, out, w, err);
    task_status(out, txe->db, mine);
    out->joined = w->joined;
    txe_unclaim(txe, mine);
    return ok;
}

bool txe_submit(struct txe *txe, struct tx_status *out, const struct tx_intent *intent, enum tx_wait wait,
                int64_t timeout_s, struct err *err)
{
    struct waiter w = {.wait = wait, .calldata = intent->calldata};
    struct err here = {0};
    int64_t id;
    err = err ? err : &here;
    *out = (struct tx_status){0};
    if (!txe->signer)
        return err_set(err, ERR_USAGE, "no account to send from: give --keystore");
    if (timeout_s > 0)
        w.deadline_ms = clock_mono_ms() + (uint64_t)timeout_s * 1000;
    return add_intent(txe, &id, &w.joined, intent, err) && submit_id(txe, out, id, &w, err);
}

static bool check_outside(struct txe *txe, const struct tx_signed *got, const struct tx_intent *intent, struct err *err)
{
    const struct tx *tx = &got->tx;
    const char *what = NULL;
    if (tx->chain_id != txe->chain_id)
        what = "it is for another chain";
    else if (tx->creates || !addr20_eq(tx->to, intent->target))
        what = "it goes to another contract";
    else if (!u256_is_zero(tx->value_wei))
        what = "it carries value, and no call of ours does";
    else if (!bytes_eq(tx->data, intent->calldata))
        what = "its calldata is not that of the intent";
    else if (txe->signer && !addr20_eq(got->from, signer_address(txe->signer)))
        what = "another account has signed it than the configured one";
    return !what || err_set(err, ERR_USAGE, "signed transaction: %s", what);
}

bool txe_submit_signed(struct txe *txe, struct tx_status *out, const struct tx_intent *intent, struct bytes raw,
                       enum tx_wait wait, int64_t timeout_s, struct err *err)
{
    struct tx_signed got;
    struct waiter w = {.wait = wait, .calldata = intent->calldata, .adopt = &got, .adopt_raw = raw};
    struct err here = {0};
    int64_t id;
    err = err ? err : &here;
    *out = (struct tx_status){0};
    if (!tx_parse(&got, raw, err) || !check_outside(txe, &got, intent, err) ||
        (!txe->signer && txe->lock_fd < 0 && !txe_use_account(txe, got.from, err)))
        return false;
    if (timeout_s > 0)
        w.deadline_ms = clock_mono_ms() + (uint64_t)timeout_s * 1000;
    return add_intent(txe, &id, &w.joined, intent, err) && submit_id(txe, out, id, &w, err);
}

bool txe_pump(struct txe *txe, size_t *num_open, struct err *err)
{
    struct err here = {0};
    err = err ? err : &here;
    *num_open = 0;
    if (!txe->signer)
        return true;
    bool ok = txe_claim_open(txe, err) && txe_round(txe, err);
    for (size_t i = txe->num_tasks; i-- > 0;) {
        struct task *t = txe->task[i];
        struct tx_status status;
        report(txe, &status, t, false);
        if (txm_is_over(t->m.phase))
            txe_unclaim(txe, t);
        else
            (*num_open)++;
    }
    return ok;
}
