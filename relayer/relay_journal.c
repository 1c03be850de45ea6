/* The call as the journal knows it: its bytes, the digest that makes it this intent and no other, and what an earlier run has
 * begun for the same identity. */
#include "relayer/relay_steps.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/log.h"
#include "relayer/readback.h"
#include "relayer/registry/calldata.h"

#define MAX_CALLDATA TX_MAX_SIZE
#define PUMP_PAUSE_MS 200

/* Evidence is good for one call, so its bytes are the intent. The same TTLs may be wanted again some day: there the nonce
 * tells one wish from another. */
static struct hash32 digest_of(const struct relaying *w, struct bytes unsigned_call)
{
    uint8_t nonce[8];
    for (int i = 0; i < 8; i++)
        nonce[i] = (uint8_t)(w->on.nonce >> (56 - 8 * i));
    return w->q->call == CALL_SET_TTL ? sha256_2(unsigned_call, BYTES(nonce)) : sha256(unsigned_call);
}

struct tx_intent relay_intent(const struct relaying *w)
{
    return (struct tx_intent){
        .target = w->r->session.chain.registry,
        .call = call_name(w->q->call),
        .identity = w->id,
        .calldata = buf_view(&w->calldata),
        .digest = w->digest,
        .label = w->q->label,
    };
}

bool relay_name_intent(struct relaying *w, struct err *err)
{
    AUTO(buf_done) struct buf unsigned_call = buf_new(MAX_CALLDATA);
    struct bundle bare = w->bundle;
    bare.call.num_signatures = 0;
    bare.call.signatures[0] = bare.call.signatures[1] = (struct bytes){0};
    if (w->q->idempotency_key)
        w->digest = txe_text_digest(w->q->idempotency_key);
    else if (bundle_to_calldata(&unsigned_call, &bare, w->q->call, w->r->session.chain.profile, err))
        w->digest = digest_of(w, buf_view(&unsigned_call));
    else
        return err_wrap(err, "encoding the call");
    return true;
}

bool relay_encode(struct relaying *w, struct err *err)
{
    buf_done(&w->calldata);
    w->calldata = buf_new(MAX_CALLDATA);
    return bundle_to_calldata(&w->calldata, &w->bundle, w->q->call, w->r->session.chain.profile, err) || err_wrap(err, "encoding the call");
}

/* Sent and not over; or over with success, and the registry still shows it. What has run out since is begun anew. */
static bool still_counts(const struct relaying *w, const struct tx_status *row)
{
    const struct onchain_identity *on = w->on_new.registered ? &w->on_new : &w->on;
    if (row->phase == TXM_FINAL)
        return on->registered && on->tpm_recent_s == row->block_time_s;
    return row->phase >= TXM_SIGNED && row->phase < TXM_FINAL;
}

/* This call's own row counts as begun from the moment at which something is signed; others of the identity must end first. */
static bool look_into(struct relaying *w, size_t *others, struct err *err)
{
    AUTO(tx_list_done) struct tx_list list = {0};
    struct tx_intent intent = relay_intent(w);
    struct hash32 key = txe_intent_key(w->r->session.chain.chain_id, &intent);
    w->begun = false;
    *others = 0;
    if (!tx_journal_list(w->r->session.db, &list, false, &w->id, 64, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        const struct tx_status *row = &list.row[i];
        bool mine = hash32_eq(row->key, key);
        bool here = row->chain_id == w->r->session.chain.chain_id && addr20_eq(row->target, w->r->session.chain.registry);
        w->begun |= mine && still_counts(w, row);
        *others += !mine && here && !txm_is_over(row->phase);
    }
    return true;
}

static bool stop_wanted(const struct relaying *w)
{
    return w->q->stopped && w->q->stopped(w->q->user);
}

bool relay_finish_earlier(struct relaying *w, bool *moved, struct err *err)
{
    AUTO(txe_closep) struct txe *txe = NULL;
    struct relay *r = w->r;
    struct readback registry = {.rpc = r->session.rpc, .chain = r->session.chain};
    struct txe_hooks hooks = {.readback = readback_ask, .registry = &registry};
    uint64_t until_ms = clock_mono_ms() + (uint64_t)r->session.cfg->wait_timeout_s * 1000;
    size_t others = 0, open = 0;
    *moved = false;
    if (!look_into(w, &others, err) || !others || w->q->dry_run)
        return err->code == ERR_NONE;
    log_info("an earlier run began a transaction for this identity; it is finished first");
    *moved = true;
    if (!txe_open(&txe, r->session.db, r->session.rpc, r->signer, &r->tx, &hooks, err))
        return false;
    for (;;) {
        if (!txe_pump(txe, &open, err))
            return err_wrap(err, "an earlier transaction");
        if (!look_into(w, &others, err))
            return false;
        if (!others)
            return true;
        if (clock_mono_ms() >= until_ms || stop_wanted(w))
            return err_set(err, ERR_CHAIN, "an earlier transaction for this identity is not done yet; tx list shows it");
        clock_sleep_ms(PUMP_PAUSE_MS);
    }
}
