/* Taking charge of intents: the lock, the row, and where the machine stands. */
#include "relayer/tx/task.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/tx/locks.h"

#include <stdlib.h>

static bool add_task(struct txe *txe, struct task *t)
{
    struct task **more = reallocarray(txe->task, txe->num_tasks + 1, sizeof *more);
    if (!more)
        return false;
    txe->task = more;
    txe->task[txe->num_tasks++] = t;
    return true;
}

bool txe_claim(struct txe *txe, struct task **out, int64_t id, struct err *err)
{
    AUTO(task_freep) struct task *t = NULL;
    *out = NULL;
    for (size_t i = 0; i < txe->num_tasks; i++)
        if (txe->task[i]->row.id == id) {
            *out = txe->task[i];
            return true;
        }
    if (!locks_try_intent(txe->lock_fd, id))
        return true;
    if (!task_load(txe->db, &t, id, err)) {
        locks_drop_intent(txe->lock_fd, id);
        return false;
    }
    /* Under way from another account: its lock is in another file, and it is not ours to touch. */
    bool is_ours = addr20_eq(t->row.account.account, txe->account.account) && t->row.account.chain_id == txe->chain_id;
    if (!is_ours && !txm_is_over(t->m.phase)) {
        locks_drop_intent(txe->lock_fd, id);
        return true;
    }
    if (!add_task(txe, t)) {
        locks_drop_intent(txe->lock_fd, id);
        return err_set(err, ERR_NOMEM, "tx: no memory");
    }
    struct txm_rules rules = txe_rules(txe);
    struct txm_event start = {.type = TXM_EV_START};
    t->next = txm_step(&t->m, &start, &rules, clock_now_s());
    *out = STEAL(t);
    return true;
}

bool txe_claim_open(struct txe *txe, struct err *err)
{
    AUTO(id_list_done) struct id_list open = {0};
    struct task *t;
    if (!journal_open_ids(txe->db, &open, txe->account, err))
        return false;
    for (size_t i = 0; i < open.count; i++)
        if (!txe_claim(txe, &t, open.id[i], err))
            return false;
    return true;
}

void txe_unclaim(struct txe *txe, struct task *task)
{
    for (size_t i = 0; i < txe->num_tasks; i++) {
        if (txe->task[i] != task)
            continue;
        txe->task[i] = txe->task[--txe->num_tasks];
        locks_drop_intent(txe->lock_fd, task->row.id);
        task_free(task);
        return;
    }
}
