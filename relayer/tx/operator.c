/* What the operator asks of the journal: lists, a higher price, a cancellation, an outside signature, foreign nonces.
 */
#include "relayer/tx/task.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "relayer/clock.h"

#include <stdio.h>
#include <stdlib.h>

void tx_list_done(struct tx_list *list)
{
    free(list->row);
    *list = (struct tx_list){0};
}

static bool load_status(struct db *db, struct tx_status *out, int64_t id, struct err *err)
{
    AUTO(task_freep) struct task *t = NULL;
    if (!task_load(db, &t, id, err))
        return false;
    task_status(out, db, t);
    return true;
}

bool tx_journal_list(struct db *db, struct tx_list *out, bool open_only, const struct hash32 *identity, size_t max,
                     struct err *err)
{
    AUTO(id_list_done) struct id_list ids = {0};
    AUTO(tx_list_done) struct tx_list list = {0};
    if (!journal_ids(db, &ids, open_only, identity, max, err))
        return false;
    if (ids.count && !(list.row = calloc(ids.count, sizeof *list.row)))
        return err_set(err, ERR_NOMEM, "journal: no memory");
    for (; list.count < ids.count; list.count++)
        if (!load_status(db, &list.row[list.count], ids.id[list.count], err))
            return false;
    *out = list;
    list = (struct tx_list){0};
    return true;
}

bool tx_journal_get(struct db *db, struct tx_status *out, bool *found, int64_t id, struct err *err)
{
    AUTO(journal_intent_done) struct journal_intent row = {0};
    return journal_load(db, &row, found, id, false, err) && (!*found || load_status(db, out, id, err));
}

bool tx_journal_find(struct db *db, struct tx_status *out, bool *found, struct hash32 tx_hash, struct err *err)
{
    int64_t id = 0;
    return journal_find_hash(db, &id, found, tx_hash, err) && (!*found || load_status(db, out, id, err));
}

/* --- wishes --- */

static bool take(struct txe *txe, struct task **t, int64_t id, struct err *err)
{
    char have[ADDR_TEXT_SIZE], want[ADDR_TEXT_SIZE];
    if (!txe->signer)
        return err_set(err, ERR_USAGE, "no account to sign with: give --keystore");
    if (!txe_claim(txe, t, id, err))
        return false;
    if (!*t)
        return err_set(err, ERR_STORE, "another process is at work on transaction %lld", (long long)id);
    if (!addr20_eq((*t)->row.account.account, txe->account.account) || (*t)->row.account.chain_id != txe->chain_id)
        return err_set(err, ERR_USAGE, "transaction %lld is of account %s on chain %llu, not of %s on %llu",
                       (long long)id, addr_text(have, (*t)->row.account.account),
                       (unsigned long long)(*t)->row.account.chain_id, addr_text(want, txe->account.account),
                       (unsigned long long)txe->chain_id);
    return true;
}

static bool wish(struct txe *txe, struct tx_status *out, int64_t id, enum txm_event_type type, struct err *err)
{
    struct task *t = NULL;
    struct err here = {0};
    err = err ? err : &here;
    if (!take(txe, &t, id, err))
        return false;
    struct txm_event ev = {.type = type};
    if (txm_is_over(t->m.phase) || t->m.phase == TXM_MINED)
        return err_set(err, ERR_USAGE, "transaction %lld is %s: too late for that", (long long)id,
                       txm_phase_name(t->m.phase));
    if (type == TXM_EV_SPEED_UP && !txm_any_signed(&t->m))
        return err_set(err, ERR_USAGE, "transaction %lld is not signed yet: there is nothing to speed up",
                       (long long)id);
    bool ok = txe_apply(txe, t, &ev, err) && txe_round(txe, err);
    if (ok && t->next.type == TXM_DO_WAIT && t->m.phase < TXM_MINED)
        ok = txe_round(txe, err);
    task_status(out, txe->db, t);
    if (ok && t->trouble.code != ERR_NONE) {
        *err = t->trouble;
        ok = false;
    }
    return ok;
}

bool txe_speed_up(struct txe *txe, struct tx_status *out, int64_t id, struct err *err)
{
    return wish(txe, out, id, TXM_EV_SPEED_UP, err);
}

bool txe_cancel(struct txe *txe, struct tx_status *out, int64_t id, struct err *err)
{
    return wish(txe, out, id, TXM_EV_CANCEL, err);
}

bool txe_adopt_nonces(struct txe *txe, uint64_t *num_adopted, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    uint64_t on_chain, next_known = 0;
    bool known;
    *num_adopted = 0;
    if (!txe->signer)
        return err_set(err, ERR_USAGE, "no account: give --keystore");
    if (!eth_nonce(txe->rpc, &on_chain, txe->account.account, ETH_AT_LATEST, err) ||
        !db_begin(&tx, txe->db, DB_DURABLE, err) ||
        !journal_nonce_next(txe->db, &next_known, &known, txe->account, err))
        return false;
    /* one mark is enough: the journal asks for the highest that it knows */
    if (known && on_chain > next_known) {
        if (!journal_nonce_set(txe->db, txe->account, on_chain - 1, NONCE_FOREIGN, err))
            return false;
        *num_adopted = on_chain - next_known;
    }
    return db_commit(&tx, err);
}
