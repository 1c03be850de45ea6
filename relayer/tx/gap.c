/* A nonce that nobody holds, below others that wait for it: filled with a transfer of nothing to ourselves. */
#include "relayer/tx/task.h"

#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "relayer/clock.h"

#include <stdio.h>

#define TRANSFER_GAS 21000

static bool filler_row(struct txe *txe, struct journal_intent *row, uint64_t nonce, struct err *err)
{
    int64_t now_s = clock_now_s();
    uint8_t salt[16];
    memcpy(salt, &nonce, 8);
    memcpy(salt + 8, &now_s, 8);
    struct tx_intent intent = {.target = txe->account.account, .call = "fill-nonce", .digest = sha256(BYTES(salt))};
    *row = (struct journal_intent){.key = txe_intent_key(txe->chain_id, &intent),
                                   .account = txe->account,
                                   .target = intent.target,
                                   .created_at_s = now_s,
                                   .updated_at_s = now_s,
                                   .open = true,
                                   .machine = buf_new(64 * 1024)};
    snprintf(row->call, sizeof row->call, "%s", intent.call);
    snprintf(row->label, sizeof row->label, "fills nonce %llu", (unsigned long long)nonce);
    return machine_write(&row->machine, &(struct txm){0}, 0, err);
}

static bool describe(struct txe *txe, struct task *t, struct err *err)
{
    struct tx tx = task_tx(t, 0);
    return task_save(txe->db, t, clock_now_s(), err) && txe_describe(txe, t, 0, &tx, err);
}

static bool begin_filler(struct txe *txe, struct task *t, const struct txm_event *reserved, struct err *err)
{
    if (!journal_nonce_hold(txe->db, txe->account, reserved->nonce, t->row.id, err))
        return false;
    t->m.cancel_wanted = true;
    if (!txe_apply(txe, t, reserved, err))
        return false;
    t->m.attempt[0].kind = TXM_CANCEL;
    return describe(txe, t, err);
}

static bool fill_one(struct txe *txe, uint64_t nonce, const struct chain_view *view, struct err *err)
{
    AUTO(journal_intent_done) struct journal_intent row = {0};
    AUTO(db_scope_done) struct db_scope tx = {0};
    struct txm_event ev = {.type = TXM_EV_RESERVED, .nonce = nonce, .gas_limit = TRANSFER_GAS};
    struct task *t = NULL;
    int64_t id;
    bool existed;
    struct tx shape = {.type = TX_LEGACY,
                       .chain_id = txe->chain_id,
                       .nonce = nonce,
                       .gas_limit = TRANSFER_GAS,
                       .max_fee_wei = view->fees.gas_price_wei,
                       .to = txe->account.account};
    if (!data_fee_for(txe->rpc, &ev.data_fee_wei, &txe->settings, &shape, err))
        return false;
    if (fees_first(&ev.fees, &txe->settings.fees, &view->fees, TRANSFER_GAS, ev.data_fee_wei) == FEE_BELOW_BASE)
        return true; /* not now */
    if (!filler_row(txe, &row, nonce, err) || !db_begin(&tx, txe->db, DB_DURABLE, err) ||
        !journal_add(txe->db, &id, &existed, &row, err) || !txe_claim(txe, &t, id, err))
        return false;
    if (t && begin_filler(txe, t, &ev, err) && db_commit(&tx, err))
        return true;
    if (t)
        txe_unclaim(txe, t);
    return false;
}

bool txe_fill_gap(struct txe *txe, uint64_t below, struct err *err)
{
    struct chain_view view;
    if (!txe_become_sender(txe, err)) /* now nobody is between reserving and sending */
        return false;
    if (!view_read(txe->rpc, &view, &txe->settings, &txe->hooks, txe->account.account, NULL, err))
        return false;
    for (uint64_t nonce = view.nonce_pending; nonce < below; nonce++) {
        uint64_t free_nonce;
        if (!journal_nonce_free(txe->db, &free_nonce, txe->account, nonce, err))
            return false;
        if (free_nonce >= below)
            return true;
        if (!fill_one(txe, free_nonce, &view, err))
            return false;
        nonce = free_nonce;
    }
    return true;
}
