/* Looking at the chain for all tasks at once: head, the block that counts as final, the account's nonce, and a receipt
 * for every hash that was ever signed. */
#include "relayer/tx/task.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/hooks.h"
#include "relayer/tx/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* A head that falls by more than this behind what was seen is a node that lags or another chain, not a reorganisation.
 */
#define MAX_FALL_BLOCKS 128
/* How far back a node that is no archive still answers for. */
#define MAX_HISTORY_BLOCKS 100

/* What one endpoint saw of one task. */
struct sight {
    bool complete, found;
    unsigned attempt;
    struct eth_receipt receipt;
};

struct view_of_one {
    struct eth_block head;
    bool has_final;
    uint64_t final_block;
    uint64_t nonce;
    struct sight *sight; /* one per task */
};

static size_t num_hashes(const struct task *t)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->m.num_attempts; i++)
        n += t->has_hash[i];
    return n;
}

static void read_sight(struct sight *s, const struct task *t, struct rpc_item *items)
{
    *s = (struct sight){.complete = true};
    for (unsigned i = 0; i < t->m.num_attempts; i++) {
        struct eth_receipt r;
        bool missing;
        if (!t->has_hash[i])
            continue;
        const struct rpc_item *item = items++;
        if (!item->result || !eth_read_receipt(&r, &missing, item->result, NULL)) {
            s->complete = false;
        } else if (!missing && hash32_eq(r.tx_hash, t->hash[i])) {
            s->found = true;
            s->attempt = i;
            s->receipt = r;
        }
    }
}

static bool read_heads(const struct txe *txe, struct view_of_one *v, const struct rpc_item *items, struct err *err)
{
    bool missing = false;
    struct eth_block final;
    for (size_t i = 0; i < 2; i++)
        if (!items[i].result)
            return err_set(err, ERR_NET, "%s: %s", items[i].method, items[i].fault.text);
    if (!eth_read_block(&v->head, &missing, items[0].result, err) || missing)
        return missing ? err_set(err, ERR_NET, "the node has no latest block") : false;
    if (!eth_read_u64(&v->nonce, items[1].result, "account nonce", err))
        return false;
    if (v->head.number + MAX_FALL_BLOCKS < txe->head.number)
        return err_set(err, ERR_CHAIN,
                       "the head fell from block %llu to %llu; undecided: the node lags, or shows another chain",
                       (unsigned long long)txe->head.number, (unsigned long long)v->head.number);
    if (txe->settings.finality != TXM_CONFIRMATIONS && items[2].result &&
        eth_read_block(&final, &missing, items[2].result, NULL)) {
        v->has_final = !missing;
        v->final_block = missing ? 0 : final.number;
    }
    return true;
}

/* One endpoint's view of everything. */
static bool ask(struct txe *txe, struct view_of_one *v, struct task **tasks, size_t n, size_t nth, size_t *used,
                struct err *err)
{
    size_t num = 3, at = 3;
    for (size_t i = 0; i < n; i++)
        num += num_hashes(tasks[i]);
    struct rpc_item *items = calloc(num, sizeof *items);
    if (!items)
        return err_set(err, ERR_NOMEM, "tx: no memory");
    struct eth_at final = txe->settings.finality == TXM_SAFE ? (struct eth_at){.tag = ETH_SAFE} : ETH_AT_FINALIZED;
    items[0] = (struct rpc_item){.method = "eth_getBlockByNumber", .params = eth_params_block(ETH_AT_LATEST)};
    items[1] = (struct rpc_item){.method = "eth_getTransactionCount",
                                 .params = eth_params_account(txe->account.account, ETH_AT_LATEST)};
    items[2] = (struct rpc_item){.method = "eth_getBlockByNumber", .params = eth_params_block(final)};
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < tasks[i]->m.num_attempts; k++)
            if (tasks[i]->has_hash[k])
                items[at++] = (struct rpc_item){.method = "eth_getTransactionReceipt",
                                                .params = eth_params_hash(tasks[i]->hash[k])};
    HOOK("wire.look");
    bool ok = rpc_batch(txe->rpc, items, num, nth, used, err) && read_heads(txe, v, items, err);
    at = 3;
    for (size_t i = 0; ok && i < n; i++) {
        read_sight(&v->sight[i], tasks[i], items + at);
        at += num_hashes(tasks[i]);
    }
    rpc_items_done(items, num);
    free(items);
    return ok;
}

/* Two views as one: only what both say holds. */
static void merge(struct view_of_one *a, const struct view_of_one *b, size_t n)
{
    if (b->head.number < a->head.number)
        a->head = b->head;
    a->has_final &= b->has_final;
    if (b->final_block < a->final_block)
        a->final_block = b->final_block;
    bool nonces_differ = a->nonce != b->nonce;
    if (b->nonce < a->nonce)
        a->nonce = b->nonce;
    for (size_t i = 0; i < n; i++) {
        struct sight *s = &a->sight[i];
        const struct sight *o = &b->sight[i];
        bool same = s->found == o->found &&
                    (!s->found || (s->attempt == o->attempt && s->receipt.succeeded == o->receipt.succeeded &&
                                   hash32_eq(s->receipt.block_hash, o->receipt.block_hash)));
        s->complete &= o->complete && same && !nonces_differ;
        s->found &= same;
    }
}

static bool ask_quorum(struct txe *txe, struct view_of_one *v, struct task **tasks, size_t n, struct err *err)
{
    size_t used = 0;
    uint64_t asked = 0;
    if (!ask(txe, v, tasks, n, 0, &used, err))
        return false;
    asked |= UINT64_C(1) << (used & 63);
    for (size_t nth = 1; nth < rpc_quorum(txe->rpc); nth++) {
        struct view_of_one other = {.sight = calloc(n ? n : 1, sizeof *other.sight)};
        bool ok = other.sight && ask(txe, &other, tasks, n, nth, &used, err);
        if (ok && asked & UINT64_C(1) << (used & 63))
            ok = err_set(err, ERR_NET, "fewer endpoints answer than have to agree (read_quorum)");
        if (ok)
            merge(v, &other, n);
        asked |= UINT64_C(1) << (used & 63);
        free(other.sight);
        if (!ok)
            return false;
    }
    return true;
}

/* --- from a view to what the machine is told --- */

/* A block that we asked for is not there: it was thrown away if it lies above the head, and no less if the account's nonce at the
 * head does not count our transaction (one node was seen to lose a block in a reorganisation for good, and never to say another).
 * Sending the same bytes again does no harm; anything else cannot be told. */
static bool is_gone(const struct txm_look *look, const struct task *t, uint64_t block)
{
    return block > look->head_block || look->account_nonce <= t->m.nonce;
}

/* A mined one whose receipt a node does not show for the moment: its block tells whether it is still there. */
static void mined_but_null(struct txe *txe, struct txm_look *look, const struct task *t)
{
    struct eth_block block;
    bool missing = false;
    struct err why = {0};
    if (!eth_block(txe->rpc, &block, ETH_AT_BLOCK(t->m.mined_block), &missing, &why)) {
        look->complete &= missing && is_gone(look, t, t->m.mined_block);
        return;
    }
    if (!hash32_eq(block.hash, t->m.mined_hash))
        return;
    look->found = true;
    look->found_attempt = t->m.mined_attempt;
    look->found_block = t->m.mined_block;
    look->found_hash = t->m.mined_hash;
    look->found_ok = t->m.mined_ok;
}

static void final_nonce(struct txe *txe, struct txm_look *look)
{
    uint64_t depth = txe->settings.confirmations, block = look->head_block >= depth ? look->head_block - depth + 1 : 0;
    if (txe->settings.finality != TXM_CONFIRMATIONS && look->has_final_block)
        block = look->final_block;
    look->has_final_nonce =
        eth_nonce(txe->rpc, &look->final_account_nonce, txe->account.account, ETH_AT_BLOCK(block), NULL);
}

/* The block at which the account's nonce went past ours, by halving. False where the node does not have it. */
static bool spending_block(struct txe *txe, uint64_t *out, const struct task *t, uint64_t head)
{
    uint64_t low = head > MAX_HISTORY_BLOCKS ? head - MAX_HISTORY_BLOCKS : 0, high = head, nonce; /* spent at high */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (!eth_nonce(txe->rpc, &nonce, txe->account.account, ETH_AT_BLOCK(middle), NULL))
            return false;
        if (nonce > t->m.nonce)
            high = middle;
        else
            low = middle + 1;
    }
    *out = high;
    return true;
}

static bool is_ours(const struct task *t, const json_t *tx)
{
    struct hash32 hash;
    if (!eth_read_hash(&hash, json_object_get(tx, "hash"), "", NULL))
        return true; /* cannot tell: no proof against us */
    for (unsigned i = 0; i < t->m.num_attempts; i++)
        if (t->has_hash[i] && hash32_eq(hash, t->hash[i]))
            return true;
    return false;
}

/* Who spent it? True only when a transaction of this account under this nonce was seen that is not ours. */
static bool spent_by_other(struct txe *txe, struct task *t, uint64_t head)
{
    uint64_t block, nonce;
    json_auto_t *v = NULL;
    size_t i;
    json_t *tx;
    char from[43];
    if (!spending_block(txe, &block, t, head) ||
        !rpc_call(txe->rpc, &v, "eth_getBlockByNumber", json_pack("[o, b]", eth_at_json(ETH_AT_BLOCK(block)), 1), NULL,
                  NULL))
        return false;
    snprintf(from, sizeof from, "0x%s", hex_encode((char[41]){0}, BYTES_OF(txe->account.account)));
    json_array_foreach(json_object_get(v, "transactions"), i, tx)
    {
        const char *sender = json_string_value(json_object_get(tx, "from"));
        if (!sender || strcasecmp(sender, from) != 0 || !eth_read_u64(&nonce, json_object_get(tx, "nonce"), "", NULL) ||
            nonce != t->m.nonce)
            continue;
        if (is_ours(t, tx))
            return false; /* ours: the receipt will come */
        task_note(t, "nonce %llu was spent by transaction %.66s, which is not ours", (unsigned long long)nonce,
                  json_string_value(json_object_get(tx, "hash")));
        return true;
    }
    return false;
}

/* Before a receipt ends anything: is its block still the one at its height, and does the account's nonce count it? Some nodes
 * go on serving receipts of blocks that a reorganisation has thrown away. What cannot be told leaves the look incomplete. */
static bool is_stale(struct txe *txe, struct txm_look *look, const struct task *t, const struct eth_receipt *r)
{
    struct txm_rules rules = txe_rules(txe);
    struct eth_block block;
    bool missing = false;
    struct err why = {0};
    if (!txm_is_final(&rules, look, r->block_number))
        return false;
    if (look->account_nonce <= t->m.nonce)
        return true;
    if (hash32_eq(txe->head.hash, r->block_hash))
        return false;
    if (!eth_block(txe->rpc, &block, ETH_AT_BLOCK(r->block_number), &missing, &why)) {
        look->complete &= missing && is_gone(look, t, r->block_number);
        return true;
    }
    return !hash32_eq(block.hash, r->block_hash);
}

static struct txm_look look_of(struct txe *txe, const struct view_of_one *v, const struct sight *s, struct task *t)
{
    struct txm_look look = {.head_block = v->head.number,
                            .has_final_block = v->has_final,
                            .final_block = v->final_block,
                            .account_nonce = v->nonce,
                            .complete = s->complete};
    if (s->found && is_stale(txe, &look, t, &s->receipt))
        return look;
    if (s->found) {
        look.found = true;
        look.found_attempt = s->attempt;
        look.found_block = s->receipt.block_number;
        look.found_hash = s->receipt.block_hash;
        look.found_ok = s->receipt.succeeded;
        return look;
    }
    if (t->m.phase == TXM_MINED)
        mined_but_null(txe, &look, t);
    if (look.found || !look.complete)
        return look;
    if (look.account_nonce > t->m.nonce && (look.foreign = spent_by_other(txe, t, look.head_block)))
        final_nonce(txe, &look);
    else if (look.account_nonce < t->m.nonce)
        journal_nonce_gap(txe->db, &look.gap, txe->account, look.account_nonce, t->m.nonce, NULL);
    return look;
}

/* --- receipts --- */

static int64_t block_time(struct txe *txe, const struct eth_receipt *r)
{
    struct eth_block block;
    if (hash32_eq(txe->head.hash, r->block_hash))
        return (int64_t)txe->head.time_s;
    return eth_block(txe->rpc, &block, ETH_AT_HASH(r->block_hash), NULL, NULL) ? (int64_t)block.time_s : clock_now_s();
}

/* What else is to be asked about a receipt, before the journal is opened for it. */
struct mined {
    int64_t time_s;
    struct u256 operators_fee_wei; /* for the budget; 0 where it cannot be had */
};

static struct mined ask_mined(struct txe *txe, const struct eth_receipt *r)
{
    struct mined m = {.time_s = block_time(txe, r)};
    if (!operator_fee_for(txe->rpc, &m.operators_fee_wei, &txe->settings, r->gas_used, NULL))
        m.operators_fee_wei = (struct u256){0};
    return m;
}

static bool store_receipt(struct txe *txe, struct task *t, const struct sight *s, const struct mined *mined,
                          struct err *err)
{
    const struct eth_receipt *r = &s->receipt;
    struct journal_receipt row = {.hash = r->tx_hash,
                                  .block_hash = r->block_hash,
                                  .block = r->block_number,
                                  .block_time_s = mined->time_s,
                                  .succeeded = r->succeeded,
                                  .gas_used = r->gas_used,
                                  .data_fee_wei = r->data_fee_wei};
    row.gas_price_wei = r->has_gas_price ? r->gas_price_wei : t->m.attempt[s->attempt].fees.max_fee_wei;
    if (!u256_add(&row.data_fee_wei, row.data_fee_wei, mined->operators_fee_wei) ||
        !u256_mul(&row.cost_wei, row.gas_price_wei, u256_from(row.gas_used)) ||
        !u256_add(&row.cost_wei, row.cost_wei, row.data_fee_wei))
        return err_set(err, ERR_NET, "receipt: a cost of more than 256 bits");
    return journal_receipt_put(txe->db, t->row.id, &row, clock_now_s(), err);
}

/* Why it failed: the call replayed on the state that it met (or the nearest that can be had). */
static void explain_failure(struct txe *txe, struct task *t, const struct eth_receipt *r)
{
    AUTO(buf_done) struct buf answer = buf_new(1 << 20);
    struct rpc_fault fault = {0};
    struct err why = {0};
    char words[300];
    struct eth_msg msg = {
        .has_from = true, .from = t->row.account.account, .to = t->row.target, .data = buf_view(&t->row.calldata)};
    if (r->gas_used >= t->m.attempt[t->m.mined_attempt].gas_limit)
        task_note(t, "mined, but it ran out of gas (limit %llu)", (unsigned long long)r->gas_used);
    else
        task_note(t, "mined, but the contract reverted; the reason cannot be found");
    if (r->block_number == 0 ||
        eth_call(txe->rpc, &answer, &msg, ETH_AT_BLOCK(r->block_number - 1), false, &fault, &why) || !fault.from_node)
        return;
    if (fault.has_revert)
        explain_revert(&txe->hooks, words, sizeof words, bytes_from(fault.revert, fault.revert_len));
    else
        snprintf(words, sizeof words, "%.290s", fault.text);
    task_note(t, "mined, but the contract reverted: %s", words);
}

static bool tell(struct txe *txe, struct task *t, const struct view_of_one *v, const struct sight *s, struct err *err)
{
    struct txm_event ev = {.type = TXM_EV_LOOKED, .look = look_of(txe, v, s, t)};
    bool new_receipt = ev.look.found && s->found &&
                       !(t->m.phase == TXM_MINED && hash32_eq(t->m.mined_hash, s->receipt.block_hash) &&
                         t->m.mined_attempt == s->attempt);
    bool lost = t->m.phase == TXM_MINED && ev.look.complete && !ev.look.found;
    struct mined mined = new_receipt ? ask_mined(txe, &s->receipt) : (struct mined){0};
    HOOK("journal.look");
    AUTO(db_scope_done) struct db_scope tx = {0};
    if (new_receipt || lost) {
        if (!db_begin(&tx, txe->db, DB_RELAXED, err))
            return false;
        if (new_receipt ? !store_receipt(txe, t, s, &mined, err) : !journal_receipt_drop(txe->db, t->row.id, err))
            return false;
    }
    if (!txe_apply(txe, t, &ev, err) || (tx.db && !db_commit(&tx, err)))
        return false;
    HOOK("journal.looked");
    if (new_receipt && !s->receipt.succeeded && t->m.attempt[s->attempt].kind == TXM_CALL)
        explain_failure(txe, t, &s->receipt);
    else if (lost)
        task_note(t, "a reorganisation took it out of block %llu; sending the same bytes again",
                  (unsigned long long)t->m.mined_block);
    return true;
}

static bool look_with(struct txe *txe, struct view_of_one *v, struct task **tasks, size_t n, uint64_t *gap_below,
                      struct err *err)
{
    if (!ask_quorum(txe, v, tasks, n, err))
        return false;
    txe->head = v->head;
    for (size_t i = 0; i < n; i++) {
        if (!tell(txe, tasks[i], v, &v->sight[i], err))
            return false;
        if (tasks[i]->m.wait == TXM_WAIT_GAP && tasks[i]->m.nonce > *gap_below)
            *gap_below = tasks[i]->m.nonce;
    }
    return true;
}

bool txe_look(struct txe *txe, struct task **tasks, size_t n, uint64_t *gap_below, struct err *err)
{
    struct view_of_one v = {.sight = calloc(n ? n : 1, sizeof *v.sight)};
    *gap_below = 0;
    bool ok = v.sight ? look_with(txe, &v, tasks, n, gap_below, err) : err_set(err, ERR_NOMEM, "tx: no memory");
    free(v.sight);
    return ok;
}
