/* Performing what the machine asks for. The order of things: the journal first, then the wire. */
#include "relayer/tx/task.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/hooks.h"
#include "relayer/tx/locks.h"
#include "relayer/tx/look.h"
#include "relayer/wei.h"

#include <stdio.h>
#include <stdlib.h>

#define SENDER_WAIT_MS 120000
#define DAY_S          86400
#define MAX_STEPS      64 /* of one task in one round: more is a loop */

struct txm_rules txe_rules(const struct txe *txe)
{
    const struct tx_settings *s = &txe->settings;
    /* without a key nothing can be replaced */
    int64_t stuck_after_s = txe->signer ? s->stuck_after_s : INT64_MAX / 2;
    return (struct txm_rules){.finality = s->finality,
                              .confirmations = s->confirmations,
                              .stuck_after_s = stuck_after_s,
                              .stuck_after_blocks = s->stuck_after_blocks,
                              .resend_after_s = s->resend_after_s,
                              .poll_s = s->poll_ms >= 2000 ? s->poll_ms / 1000 : 1,
                              .fees = s->fees};
}

/* --- the sender --- */

bool txe_become_sender(struct txe *txe, struct err *err)
{
    if (txe->is_sender)
        return true;
    if (!locks_take_sender(txe->lock_fd, SENDER_WAIT_MS, err))
        return false;
    txe->is_sender = true;
    return true;
}

void txe_stop_sending(struct txe *txe)
{
    if (txe->is_sender)
        locks_drop_sender(txe->lock_fd);
    txe->is_sender = false;
}

/* --- the journal --- */

static void nonce_state_at_end(const struct txm *m, enum nonce_state *state)
{
    if (m->phase == TXM_REPLACED)
        *state = NONCE_FOREIGN;
    else
        *state = txm_any_signed(m) ? NONCE_SPENT : NONCE_RELEASED;
}

static bool save_scope(struct txe *txe, struct task *t, enum db_sync sync, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    enum nonce_state state;
    if (!db_begin(&tx, txe->db, sync, err) || !task_save(txe->db, t, clock_now_s(), err))
        return false;
    nonce_state_at_end(&t->m, &state);
    if (txm_is_over(t->m.phase) && t->m.has_nonce && !journal_nonce_set(txe->db, txe->account, t->m.nonce, state, err))
        return false;
    return db_commit(&tx, err);
}

/* What a power cut must not take back: a nonce, bytes, a wish, and an end of which the chain knows nothing. The rest is
 * found out again by looking; each forced write costs as much as the rest of a transaction. */
static bool matters(const struct txm *before, const struct txm *after)
{
    return before->num_attempts != after->num_attempts || before->cancel_wanted != after->cancel_wanted ||
           txm_any_signed(before) != txm_any_signed(after) || (txm_is_over(after->phase) && !txm_any_signed(after));
}

static bool differs(const struct txm *before, const struct txm *after)
{
    struct txm a = *before, b = *after;
    a.head_block = b.head_block = 0; /* each look moves it */
    return memcmp(&a, &b, sizeof a) != 0;
}

bool txe_apply(struct txe *txe, struct task *t, const struct txm_event *ev, struct err *err)
{
    struct txm before = t->m;
    struct txm_rules rules = txe_rules(txe);
    t->next = txm_step(&t->m, ev, &rules, clock_now_s());
    if (!differs(&before, &t->m) && !t->dirty)
        return true;
    if (t->m.wait != before.wait && t->m.wait != TXM_WAIT_NONE && t->m.wait != TXM_WAIT_NODE)
        task_note(t, "%s", txm_wait_text(t->m.wait));
    else if (t->m.phase != before.phase && t->m.phase <= TXM_SENT)
        task_note(t, "%s", txm_wait_text(t->m.wait));
    return save_scope(txe, t, matters(&before, &t->m) ? DB_DURABLE : DB_RELAXED, err);
}

/* Words that were found after the last save. */
static void flush_note(struct txe *txe, struct task *t)
{
    if (t->dirty)
        save_scope(txe, t, DB_RELAXED, &(struct err){0});
}

/* --- reserving and signing --- */

bool txe_describe(struct txe *txe, struct task *t, unsigned attempt, const struct tx *tx, struct err *err)
{
    AUTO(buf_done) struct buf payload = buf_new(TX_MAX_SIZE);
    struct journal_attempt row = {
        .seq = t->seq_base + attempt, .kind = (int)t->m.attempt[attempt].kind, .nonce = t->m.nonce};
    if (!tx_signing_payload(&payload, tx, err) || !tx_signing_hash(&row.signing_hash, tx, err))
        return false;
    row.unsigned_payload = buf_view(&payload);
    return journal_attempt_add(txe->db, t->row.id, &row, clock_now_s(), err);
}

static bool describe_ours(struct txe *txe, struct task *t, unsigned attempt, struct err *err)
{
    struct tx tx = task_tx(t, attempt);
    return txe_describe(txe, t, attempt, &tx, err);
}

/* The bytes into the journal, and the machine told, in one transaction. */
static bool keep_bytes(struct txe *txe, struct task *t, unsigned attempt, struct bytes raw, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    struct hash32 hash = tx_hash(raw);
    if (!db_begin(&tx, txe->db, DB_DURABLE, err) ||
        !journal_attempt_sign(txe->db, t->row.id, t->seq_base + attempt, hash, raw, err))
        return false;
    t->hash[attempt] = hash;
    t->has_hash[attempt] = true;
    struct txm_event ev = {.type = TXM_EV_SIGNED, .attempt = attempt};
    return txe_apply(txe, t, &ev, err) && db_commit(&tx, err);
}

static bool do_sign(struct txe *txe, struct task *t, unsigned attempt, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    struct tx tx = task_tx(t, attempt);
    if (!txe->signer)
        return err_set(err, ERR_USAGE, "no account to sign with: give --keystore");
    if (!txe_become_sender(txe, err))
        return false;
    HOOK("wire.sign");
    if (!signer_sign(txe->signer, &raw, &tx, err))
        return false;
    HOOK("journal.sign");
    if (!keep_bytes(txe, t, attempt, buf_view(&raw), err))
        return false;
    HOOK("journal.signed");
    return true;
}

/* Other unfinished ones may each cost their highest price yet. */
static bool open_worst_case(struct txe *txe, struct u256 *sum, int64_t except, const struct hash32 *identity,
                            struct err *err)
{
    AUTO(id_list_done) struct id_list open = {0};
    if (!journal_open_ids(txe->db, &open, txe->account, err))
        return false;
    for (size_t i = 0; i < open.count; i++) {
        AUTO(task_freep) struct task *t = NULL;
        struct u256 cost;
        if (open.id[i] == except)
            continue;
        if (!task_load(txe->db, &t, open.id[i], err))
            return false;
        struct fees high = txm_highest(&t->m);
        if (t->m.num_attempts == 0 || (identity && !hash32_eq(*identity, t->row.identity)))
            continue;
        if (!fees_worst_case(&cost, &high, t->m.attempt[0].gas_limit, t->m.data_fee_wei) || !u256_add(sum, *sum, cost))
            return err_set(err, ERR_STORE, "journal: costs add up to more than 256 bits");
    }
    return true;
}

static bool check_budget(struct txe *txe, const struct task *t, struct u256 limit, const struct hash32 *identity,
                         struct u256 cost, const char *what, struct err *err)
{
    struct u256 sum;
    char have[WEI_TEXT_SIZE], want[WEI_TEXT_SIZE], most[WEI_TEXT_SIZE];
    if (u256_is_zero(limit))
        return true;
    if (!journal_spent(txe->db, &sum, txe->chain_id, (int64_t)txe->head.time_s - DAY_S, identity, err) ||
        !open_worst_case(txe, &sum, t->row.id, identity, err))
        return false;
    struct u256 total;
    if (u256_add(&total, sum, cost) && u256_cmp(total, limit) <= 0)
        return true;
    return err_set(err, ERR_CHAIN, "%s: %s spent or under way in 24 hours, this one may cost %s, the limit is %s", what,
                   wei_format(have, sum), wei_format(want, cost), wei_format(most, limit));
}

static bool price_first(struct txe *txe, const struct task *t, struct fees *fees, const struct chain_view *view,
                        uint64_t gas_limit, struct u256 data_fee_wei, struct err *err)
{
    char base[WEI_TEXT_SIZE], cap[WEI_TEXT_SIZE];
    enum fee_verdict verdict = fees_first(fees, &txe->settings.fees, &view->fees, gas_limit, data_fee_wei);
    if (verdict == FEE_BELOW_BASE)
        return err_set(err, ERR_CHAIN,
                       "the base fee is %s per gas, the configured caps allow %s (max_fee, max_cost): not now",
                       wei_format(base, view->fees.base_fee_wei), wei_format(cap, fees->max_fee_wei));
    if (verdict == FEE_AT_CAP && fees->legacy)
        return err_set(err, ERR_CHAIN, "the gas price is %s, the configured caps allow %s: not now",
                       wei_format(base, view->fees.gas_price_wei), wei_format(cap, fees->max_fee_wei));
    struct u256 cost;
    if (!fees_worst_case(&cost, fees, gas_limit, data_fee_wei))
        return err_set(err, ERR_CHAIN, "a cost of more than 256 bits");
    if (u256_cmp(view->balance_wei, cost) < 0)
        return err_set(err, ERR_CHAIN, "the account holds %s, the transaction may cost %s: fund it",
                       wei_format(base, view->balance_wei), wei_format(cap, cost));
    return check_budget(txe, t, txe->settings.max_day_wei, NULL, cost, "max_daily_cost", err) &&
           check_budget(txe, t, txe->settings.max_identity_day_wei, &t->row.identity, cost, "the identity's daily cost",
                        err);
}

/* Which nonce comes next, by the chain and the journal together. */
static bool choose_nonce(struct txe *txe, uint64_t *out, const struct chain_view *view, struct err *err)
{
    uint64_t next_known, candidate;
    bool known;
    char account[ADDR_TEXT_SIZE];
    if (!journal_nonce_next(txe->db, &next_known, &known, txe->account, err))
        return false;
    if (known && view->nonce_latest > next_known)
        return err_set(err, ERR_STORE,
                       "account %s: nonces up to %llu are spent on chain, the journal knows up to %llu: another program "
                       "sends from it, or the state folder is an old copy; look at its transactions, then `tx adopt`",
                       addr_text(account, txe->account.account), (unsigned long long)view->nonce_latest - 1,
                       (unsigned long long)next_known - 1);
    if (!journal_nonce_free(txe->db, &candidate, txe->account, view->nonce_latest, err))
        return false;
    /* a foreign transaction waits in the pool at that nonce: go behind it */
    if (candidate < view->nonce_pending &&
        !journal_nonce_free(txe->db, &candidate, txe->account, view->nonce_pending, err))
        return false;
    *out = candidate;
    return true;
}

/* ev: TXM_EV_RESERVED, all but its nonce. */
static bool reserve(struct txe *txe, struct task *t, const struct chain_view *view, struct txm_event *ev,
                    struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    HOOK("journal.reserve");
    if (!db_begin(&tx, txe->db, DB_DURABLE, err) || !choose_nonce(txe, &ev->nonce, view, err) ||
        !journal_nonce_hold(txe->db, txe->account, ev->nonce, t->row.id, err) || !txe_apply(txe, t, ev, err) ||
        !describe_ours(txe, t, 0, err))
        return false;
    /* A key in memory signs before the commit: one visit to the disk less, and nothing on the wire in between. */
    if (txe->signer && !signer_is_remote(txe->signer) && !do_sign(txe, t, 0, err))
        return false;
    if (!db_commit(&tx, err))
        return false;
    HOOK("journal.reserved");
    return true;
}

static bool do_simulate(struct txe *txe, struct task *t, struct err *err)
{
    struct eth_msg msg = {
        .has_from = true, .from = txe->account.account, .to = t->row.target, .data = buf_view(&t->row.calldata)};
    struct chain_view view;
    struct txm_event ev = {.type = TXM_EV_RESERVED};
    HOOK("wire.simulate");
    bool ok = view_read(txe->rpc, &view, &txe->settings, &txe->hooks, txe->account.account, &msg, err) &&
              gas_limit_for(&ev.gas_limit, &txe->settings, &view, msg.data, err);
    if (!ok && err->code == ERR_REFUSED) {
        task_note(t, "%s", err->text);
        ev.type = TXM_EV_REFUSED;
        return txe_apply(txe, t, &ev, err);
    }
    if (!ok)
        return false;
    txe->head = view.head;
    struct txm before = t->m;
    struct tx shape = {.type = TX_LEGACY,
                       .chain_id = txe->chain_id,
                       .nonce = view.nonce_pending,
                       .gas_limit = ev.gas_limit,
                       .max_fee_wei = view.fees.gas_price_wei,
                       .to = t->row.target,
                       .data = msg.data};
    if (!data_fee_for(txe->rpc, &ev.data_fee_wei, &txe->settings, &shape, err) || !txe_become_sender(txe, err) ||
        !price_first(txe, t, &ev.fees, &view, ev.gas_limit, ev.data_fee_wei, err))
        return false;
    if (reserve(txe, t, &view, &ev, err))
        return true;
    /* rolled back on disk, so in memory as well */
    t->m = before;
    t->next = (struct txm_action){.type = TXM_DO_SIMULATE};
    memset(t->has_hash, 0, sizeof t->has_hash);
    return false;
}

/* --- the wire --- */

static bool do_send(struct txe *txe, struct task *t, unsigned attempt, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    struct rpc_fault fault = {0};
    struct err why = {0};
    if (!task_raw(txe->db, &raw, t, attempt, err) || !txe_become_sender(txe, err))
        return false;
    HOOK("wire.send");
    bool taken = rpc_send_raw(txe->rpc, buf_view(&raw), &fault, &why);
    HOOK("wire.sent");
    struct txm_event ev = {
        .type = TXM_EV_SENT, .attempt = attempt, .taken = taken, .from_node = fault.from_node, .class = fault.class};
    if (!txe_apply(txe, t, &ev, err))
        return false;
    if (!taken && why.text[0])
        task_note(t, "%s%s%.300s", txm_wait_text(t->m.wait), t->m.wait == TXM_WAIT_NONE ? "" : ": ", why.text);
    HOOK("journal.sent");
    return true;
}

static bool do_price(struct txe *txe, struct task *t, struct err *err)
{
    struct chain_view view;
    struct txm_event ev = {.type = TXM_EV_PRICED};
    struct tx shape = task_replacement_tx(t);
    HOOK("wire.price");
    if (!view_read(txe->rpc, &view, &txe->settings, &txe->hooks, txe->account.account, NULL, err) ||
        !data_fee_for(txe->rpc, &ev.data_fee_wei, &txe->settings, &shape, err) || !txe_become_sender(txe, err))
        return false;
    AUTO(db_scope_done) struct db_scope tx = {0};
    struct txm before = t->m;
    ev.view = view.fees;
    HOOK("journal.price");
    bool ok = db_begin(&tx, txe->db, DB_DURABLE, err) && txe_apply(txe, t, &ev, err) &&
              (t->m.num_attempts == before.num_attempts || describe_ours(txe, t, t->m.num_attempts - 1, err)) &&
              db_commit(&tx, err);
    if (!ok)
        t->m = before;
    HOOK("journal.priced");
    return ok;
}

static bool do_read(struct txe *txe, struct task *t, struct err *err)
{
    struct txm_event ev = {.type = TXM_EV_READ, .readback = TXM_READ_OK};
    char note[sizeof t->row.note] = "";
    if (txe->hooks.readback) {
        struct tx_status status;
        task_status(&status, txe->db, t);
        HOOK("wire.read");
        ev.readback = txe->hooks.readback(txe->hooks.registry, &status, buf_view(&t->row.calldata), note, sizeof note);
    }
    if (ev.readback == TXM_READ_FAILED && !note[0])
        snprintf(note, sizeof note, "mined, but its effect cannot be read back now");
    task_note(t, "%s", note);
    return txe_apply(txe, t, &ev, err);
}

/* --- a round --- */

static bool perform(struct txe *txe, struct task *t, struct err *err)
{
    switch (t->next.type) {
    case TXM_DO_SIMULATE:
        return do_simulate(txe, t, err);
    case TXM_DO_SIGN:
        return do_sign(txe, t, t->next.attempt, err);
    case TXM_DO_SEND:
        return do_send(txe, t, t->next.attempt, err);
    case TXM_DO_PRICE:
        return do_price(txe, t, err);
    case TXM_DO_READ:
        return do_read(txe, t, err);
    case TXM_DO_LOOK:
    case TXM_DO_WAIT:
    case TXM_DO_FINISH:
        return true;
    }
    return true;
}

static bool stands(const struct task *t)
{
    return t->next.type == TXM_DO_LOOK || t->next.type == TXM_DO_WAIT || t->next.type == TXM_DO_FINISH;
}

/* What an earlier run left unsigned, and what cannot be simulated now, is nobody's hurry: whoever waits for it has been told. */
static int64_t pause_s(const struct txe *txe, const struct task *t)
{
    return t->m.phase == TXM_NEW ? txe->settings.resend_after_s : 1;
}

static void drive_steps(struct txe *txe, struct task *t)
{
    for (int steps = 0; !stands(t); steps++) {
        struct err err = {0};
        if (steps < MAX_STEPS && perform(txe, t, &err))
            continue;
        t->trouble = err;
        t->next = (struct txm_action){.type = TXM_DO_WAIT, .wait_until_s = clock_now_s() + pause_s(txe, t)};
        return;
    }
    t->trouble = (struct err){0};
}

static void drive(struct txe *txe, struct task *t)
{
    drive_steps(txe, t);
    flush_note(txe, t);
}

static bool due(const struct task *t, int64_t now_s)
{
    return t->next.type == TXM_DO_LOOK ||
           (t->next.type == TXM_DO_WAIT && t->m.phase >= TXM_SIGNED && now_s >= t->next.wait_until_s);
}

/* Those that wait for their turn (a signer that did not answer) begin where they stood. */
static void restart_unsigned(struct txe *txe, struct task *t)
{
    struct txm_rules rules = txe_rules(txe);
    struct txm_event start = {.type = TXM_EV_START};
    bool is_unsigned = t->m.phase == TXM_NEW || t->m.phase == TXM_RESERVED;
    if (is_unsigned && t->next.type == TXM_DO_WAIT && clock_now_s() >= t->next.wait_until_s)
        t->next = txm_step(&t->m, &start, &rules, clock_now_s());
}

static bool look_at_due(struct txe *txe, uint64_t *gap_below, struct err *err)
{
    struct task **list = calloc(txe->num_tasks + 1, sizeof *list);
    size_t n = 0;
    *gap_below = 0;
    if (!list)
        return err_set(err, ERR_NOMEM, "tx: no memory");
    for (size_t i = 0; i < txe->num_tasks; i++)
        if (due(txe->task[i], clock_now_s()))
            list[n++] = txe->task[i];
    bool ok = n == 0 || txe_look(txe, list, n, gap_below, err);
    free(list);
    return ok;
}

static void by_nonce(struct txe *txe)
{
    for (size_t i = 1; i < txe->num_tasks; i++) {
        struct task *t = txe->task[i];
        size_t at = i;
        uint64_t nonce = t->m.has_nonce ? t->m.nonce : UINT64_MAX;
        for (; at > 0 && (txe->task[at - 1]->m.has_nonce ? txe->task[at - 1]->m.nonce : UINT64_MAX) > nonce; at--)
            txe->task[at] = txe->task[at - 1];
        txe->task[at] = t;
    }
}

bool txe_round(struct txe *txe, struct err *err)
{
    uint64_t gap_below;
    bool ok = look_at_due(txe, &gap_below, err);
    by_nonce(txe);
    for (size_t i = 0; ok && i < txe->num_tasks; i++) {
        restart_unsigned(txe, txe->task[i]);
        drive(txe, txe->task[i]);
    }
    if (ok && gap_below)
        ok = txe_fill_gap(txe, gap_below, err);
    txe_stop_sending(txe);
    return ok;
}
