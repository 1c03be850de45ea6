#include "relayer/tx/task.h"

#include "crypto/base/auto.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MACHINE_VERSION 2 /* 1 knew no data fee */

/* --- the machine as bytes --- */

static void put_u256(struct buf *out, struct u256 v)
{
    uint8_t be[32];
    u256_to_be32(be, v);
    buf_put(out, BYTES(be));
}

static struct u256 get_u256(struct reader *r)
{
    uint8_t be[32];
    rd_copy(r, be, sizeof be, "amount");
    return u256_from_be32(be);
}

bool machine_write(struct buf *out, const struct txm *m, unsigned seq_base, struct err *err)
{
    buf_u8(out, MACHINE_VERSION);
    buf_u32be(out, seq_base);
    buf_u8(out, (uint8_t)m->phase);
    buf_u8(out, m->has_nonce);
    buf_u64be(out, m->nonce);
    buf_u8(out, (uint8_t)m->wait);
    buf_u8(out, (uint8_t)(m->cancel_wanted | (unsigned)m->bump_wanted << 1 | (unsigned)m->legacy_wanted << 2));
    buf_u64be(out, (uint64_t)m->priced_at_s);
    buf_u64be(out, m->priced_at_block);
    buf_u64be(out, m->head_block);
    buf_u32be(out, m->foreign_looks);
    put_u256(out, m->data_fee_wei);
    buf_u32be(out, m->mined_attempt);
    buf_u64be(out, m->mined_block);
    buf_put(out, BYTES_OF(m->mined_hash));
    buf_u8(out, m->mined_ok);
    buf_u8(out, (uint8_t)m->readback);
    buf_u8(out, (uint8_t)m->num_attempts);
    for (unsigned i = 0; i < m->num_attempts; i++) {
        const struct txm_attempt *a = &m->attempt[i];
        buf_u8(out, (uint8_t)((unsigned)a->kind | (unsigned)a->fees.legacy << 1 | (unsigned)a->is_signed << 2));
        put_u256(out, a->fees.max_fee_wei);
        put_u256(out, a->fees.max_tip_wei);
        buf_u64be(out, a->gas_limit);
        buf_u32be(out, a->sends);
        buf_u64be(out, (uint64_t)a->last_send_s);
    }
    return buf_finish(out, err);
}

static void read_attempt(struct txm_attempt *a, struct reader *r)
{
    uint8_t flags = rd_u8(r, "flags");
    a->kind = flags & 1 ? TXM_CANCEL : TXM_CALL;
    a->fees.legacy = flags >> 1 & 1;
    a->is_signed = flags >> 2 & 1;
    a->fees.max_fee_wei = get_u256(r);
    a->fees.max_tip_wei = get_u256(r);
    a->gas_limit = rd_u64be(r, "gas limit");
    a->sends = rd_u32be(r, "sends");
    a->last_send_s = (int64_t)rd_u64be(r, "last send");
}

bool machine_read(struct txm *out, unsigned *seq_base, struct bytes in, struct err *err)
{
    struct reader r = rd_from(in);
    struct txm m = {0};
    uint8_t version = rd_u8(&r, "version");
    unsigned base = rd_u32be(&r, "first transaction");
    uint8_t phase = rd_u8(&r, "phase");
    m.has_nonce = rd_u8(&r, "has nonce");
    m.nonce = rd_u64be(&r, "nonce");
    uint8_t wait = rd_u8(&r, "wait"), wishes = rd_u8(&r, "wishes");
    m.priced_at_s = (int64_t)rd_u64be(&r, "priced at");
    m.priced_at_block = rd_u64be(&r, "priced at block");
    m.head_block = rd_u64be(&r, "head");
    m.foreign_looks = rd_u32be(&r, "foreign looks");
    if (version > 1)
        m.data_fee_wei = get_u256(&r);
    m.mined_attempt = rd_u32be(&r, "mined transaction");
    m.mined_block = rd_u64be(&r, "mined block");
    m.mined_hash = rd_hash32(&r, "mined block's hash");
    m.mined_ok = rd_u8(&r, "mined ok");
    uint8_t readback = rd_u8(&r, "read back");
    m.num_attempts = (unsigned)rd_count(&r, rd_u8(&r, "transactions"), TXM_MAX_ATTEMPTS, "transactions");
    for (unsigned i = 0; i < m.num_attempts; i++)
        read_attempt(&m.attempt[i], &r);
    if (!rd_finish(&r, err))
        return err_wrap(err, "journal: an intent's state");
    m.phase = (enum txm_phase)phase;
    m.wait = (enum txm_wait)wait;
    m.readback = (enum txm_readback)readback;
    m.cancel_wanted = wishes & 1;
    m.bump_wanted = wishes >> 1 & 1;
    m.legacy_wanted = wishes >> 2 & 1;
    const char *fault = txm_fault(&m);
    if (version < 1 || version > MACHINE_VERSION || wait > TXM_WAIT_FOREIGN || readback > TXM_READ_FAILED || fault)
        return err_set(err, ERR_STORE, "journal: an intent's state makes no sense: %s",
                       fault ? fault : "unknown version or value");
    *out = m;
    *seq_base = base;
    return true;
}

/* --- tasks --- */

void task_free(struct task *task)
{
    if (task)
        journal_intent_done(&task->row);
    free(task);
}

void task_freep(struct task **task)
{
    task_free(*task);
}

bool task_load(struct db *db, struct task **out, int64_t id, struct err *err)
{
    bool found;
    AUTO(task_freep) struct task *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(err, ERR_NOMEM, "tx: no memory");
    if (!journal_load(db, &t->row, &found, id, true, err))
        return false;
    if (!found)
        return err_set(err, ERR_USAGE, "the journal has no transaction %lld", (long long)id);
    if (!machine_read(&t->m, &t->seq_base, buf_view(&t->row.machine), err) ||
        !journal_attempt_hashes(db, t->hash, t->has_hash, TXM_MAX_ATTEMPTS, id, t->seq_base, err))
        return err_wrap(err, "transaction %lld", (long long)id);
    *out = STEAL(t);
    return true;
}

bool task_save(struct db *db, struct task *t, int64_t now_s, struct err *err)
{
    buf_done(&t->row.machine);
    t->row.machine = buf_new(64 * 1024);
    if (!machine_write(&t->row.machine, &t->m, t->seq_base, err))
        return false;
    t->row.phase = (int)t->m.phase;
    t->row.open = !txm_is_over(t->m.phase);
    t->row.has_nonce = t->m.has_nonce;
    t->row.nonce = t->m.nonce;
    t->row.updated_at_s = now_s;
    if (!journal_save(db, &t->row, err))
        return false;
    t->dirty = false;
    return true;
}

void task_note(struct task *t, const char *fmt, ...)
{
    va_list ap;
    char text[sizeof t->row.note];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    t->dirty |= strcmp(text, t->row.note) != 0;
    memcpy(t->row.note, text, sizeof text);
}

static struct tx attempt_tx(const struct task *t, const struct txm_attempt *a)
{
    bool is_call = a->kind == TXM_CALL;
    return (struct tx){
        .type = a->fees.legacy ? TX_LEGACY : TX_DYNAMIC_FEE,
        .chain_id = t->row.account.chain_id,
        .nonce = t->m.nonce,
        .gas_limit = a->gas_limit,
        .max_fee_wei = a->fees.max_fee_wei,
        .max_tip_wei = a->fees.max_tip_wei,
        .to = is_call ? t->row.target : t->row.account.account,
        .data = is_call ? buf_view(&t->row.calldata) : (struct bytes){0},
    };
}

struct tx task_tx(const struct task *t, unsigned attempt)
{
    return attempt_tx(t, &t->m.attempt[attempt]);
}

struct tx task_replacement_tx(const struct task *t)
{
    struct txm_attempt next = t->m.attempt[t->m.num_attempts - 1];
    next.kind = t->m.cancel_wanted ? TXM_CANCEL : TXM_CALL;
    return attempt_tx(t, &next);
}

bool task_raw(struct db *db, struct buf *out, const struct task *t, unsigned attempt, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    struct tx_signed got;
    struct hash32 want_hash, got_hash;
    struct tx want = task_tx(t, attempt);
    if (!journal_attempt_bytes(db, NULL, &raw, t->row.id, t->seq_base + attempt, err))
        return false;
    if (!tx_parse(&got, buf_view(&raw), err))
        return err_wrap(err, "journal: transaction %lld", (long long)t->row.id);
    /* an outside signature may name storage to warm up, which changes nothing but the gas */
    want.access_list = got.tx.access_list;
    if (want.type == TX_LEGACY && got.tx.type == TX_ACCESS_LIST)
        want.type = TX_ACCESS_LIST;
    if (!tx_signing_hash(&got_hash, &got.tx, err) || !tx_signing_hash(&want_hash, &want, err))
        return err_wrap(err, "journal: transaction %lld", (long long)t->row.id);
    if (!hash32_eq(want_hash, got_hash) || !addr20_eq(got.from, t->row.account.account) ||
        !hash32_eq(got.hash, t->hash[attempt]))
        return err_set(err, ERR_STORE,
                       "journal: the stored bytes of transaction %lld are not those of its intent; not sent",
                       (long long)t->row.id);
    buf_put(out, buf_view(&raw));
    return buf_finish(out, err);
}

static int shown_attempt(const struct task *t)
{
    if (t->m.phase == TXM_MINED || t->m.phase == TXM_FINAL || t->m.phase == TXM_REVERTED)
        return (int)t->m.mined_attempt;
    for (unsigned i = t->m.num_attempts; i-- > 0;)
        if (t->m.attempt[i].is_signed)
            return (int)i;
    return (int)t->m.num_attempts - 1;
}

void task_status(struct tx_status *out, struct db *db, const struct task *t)
{
    struct tx_status s = {.id = t->row.id,
                          .key = t->row.key,
                          .chain_id = t->row.account.chain_id,
                          .account = t->row.account.account,
                          .target = t->row.target,
                          .identity = t->row.identity,
                          .phase = t->m.phase,
                          .wait = t->m.wait,
                          .readback = t->m.readback,
                          .has_nonce = t->m.has_nonce,
                          .nonce = t->m.nonce,
                          .num_attempts = t->m.num_attempts,
                          .created_at_s = t->row.created_at_s,
                          .updated_at_s = t->row.updated_at_s,
                          .head_block = t->m.head_block};
    int shown = shown_attempt(t);
    memcpy(s.call, t->row.call, sizeof s.call);
    memcpy(s.label, t->row.label, sizeof s.label);
    memcpy(s.note, t->row.note, sizeof s.note);
    if (shown >= 0) {
        s.fees = t->m.attempt[shown].fees;
        s.gas_limit = t->m.attempt[shown].gas_limit;
        s.has_hash = t->has_hash[shown];
        s.hash = t->hash[shown];
    }
    struct journal_receipt r;
    bool found = false;
    if (journal_receipt_get(db, &r, &found, t->row.id, NULL) && found) {
        s.block = r.block;
        s.block_hash = r.block_hash;
        s.block_time_s = r.block_time_s;
        s.gas_used = r.gas_used;
        s.cost_wei = r.cost_wei;
    }
    *out = s;
}
