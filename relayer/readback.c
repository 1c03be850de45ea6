#include "relayer/readback.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "relayer/evidence/identity.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/golden.h"

#include <stdio.h>

/* One question. */
struct asking {
    struct readback *rb;
    const struct tx_status *tx;
    struct bundle bundle; /* the call */
    struct onchain_identity on;
    char *note;
    size_t note_size;
};

static void asking_done(struct asking *q)
{
    bundle_done(&q->bundle);
    onchain_identity_done(&q->on);
}

static enum txm_readback say(struct asking *q, enum txm_readback answer, const char *words)
{
    snprintf(q->note, q->note_size, "read back: %.300s", words);
    return answer;
}

static bool open_chain(struct asking *q, struct err *err)
{
    struct readback *rb = q->rb;
    if (rb->chain.rpc && addr20_eq(rb->chain.registry, q->tx->target))
        return true;
    return onchain_open(&rb->chain, rb->rpc, q->tx->chain_id, q->tx->target, q->bundle.call.profile, err);
}

/* Who is registered afterwards. */
static struct hash32 identity_after(const struct asking *q)
{
    bool names_key = q->bundle.call.kind != CALL_SET_TTL && q->bundle.identity.present;
    return names_key ? identity_hash(&q->bundle.identity, q->rb->chain.profile) : q->bundle.call.id;
}

/* Zero where it is not known. */
static struct hash32 measurement_wanted(const struct asking *q)
{
    AUTO(arena_done) struct arena mem = arena_new(16 << 20);
    struct golden golden;
    if (hash32_eq(q->tx->key, q->rb->key))
        return q->rb->measurement;
    if (q->bundle.call.kind == CALL_ATTEST && golden_from_bundle(&golden, &mem, &q->bundle, q->rb->chain.profile, NULL))
        return golden.hash;
    return (struct hash32){{0}};
}

/* What is not as the call would have left it; NULL where all is. */
static const char *what_differs(const struct asking *q)
{
    const struct onchain_identity *on = &q->on;
    const struct bundle_call *call = &q->bundle.call;
    if (!on->registered)
        return "the identity is not registered there";
    if (call->kind == CALL_SET_TTL)
        return on->tee_ttl_s == call->tee_ttl_s && on->tpm_ttl_s == call->tpm_ttl_s ? NULL : "the TTLs are others";
    if (on->tpm_recent_s < q->tx->block_time_s || (call->kind == CALL_ATTEST && on->tee_recent_s < q->tx->block_time_s))
        return "its timestamps have not moved";
    struct hash32 wanted = measurement_wanted(q);
    if (!hash32_is_zero(wanted) && !hash32_eq(on->measurement_hash, wanted))
        return "its measurement hash is another than computed here";
    return NULL;
}

enum txm_readback readback_ask(void *registry, const struct tx_status *status, struct bytes calldata, char *note, size_t note_size)
{
    AUTO(asking_done) struct asking q = {.rb = registry, .tx = status, .bundle = bundle_new(), .note = note, .note_size = note_size};
    struct err err = {0};
    *note = '\0';
    if (!bundle_from_calldata(&q.bundle, calldata, &err))
        return TXM_READ_OK;
    if (!open_chain(&q, &err))
        return say(&q, err.code == ERR_REFUSED ? TXM_READ_DIFFERS : TXM_READ_FAILED, err.text);
    if (!onchain_read(&q.rb->chain, &q.on, identity_after(&q), ETH_AT_BLOCK(status->block), &err))
        return say(&q, TXM_READ_FAILED, err.text);
    const char *what = what_differs(&q);
    return what ? say(&q, TXM_READ_DIFFERS, what) : TXM_READ_OK;
}
