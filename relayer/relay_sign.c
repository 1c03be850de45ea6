/* The identity's signatures over a call (registry-v1 4): made here from bytes that we built, or, where the evidence brings its
 * own, verified before they are used. */
#include "relayer/relay_steps.h"

#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "relayer/forecast_chain.h"
#include "relayer/keys.h"
#include "relayer/log.h"

static struct message message_for(const struct relaying *w, enum message_kind kind, uint64_t nonce)
{
    const struct onchain *chain = &w->r->session.chain;
    return (struct message){
        .kind = kind,
        .profile = chain->profile,
        .wide_chain_id = chain->wide_chain_id,
        .chain_id = chain->chain_id,
        .registry = chain->registry,
        .nonce = nonce,
        .quote_sha256 = sha256(w->bundle.quote),
        .tee_ttl_s = w->bundle.call.tee_ttl_s,
        .tpm_ttl_s = w->bundle.call.tpm_ttl_s,
    };
}

/* Somebody else's signature: over our message, by the registered key? Until the contract was asked, G1a's other form is as good. */
static bool fits(const struct relaying *w, const struct message *msg, const struct identity *id, struct bytes signature)
{
    struct message other = *msg;
    other.wide_chain_id = !msg->wide_chain_id;
    return message_verify(msg, id, signature) ||
           (msg->profile == PROFILE_G1A && !w->width_known && message_verify(&other, id, signature));
}

static bool sign_here(struct relaying *w, struct buf *out, const struct message *msg, struct hash32 id, struct err *err)
{
    AUTO(key_file_done) struct key_file file = {0};
    AUTO(buf_done) struct buf bytes = buf_new(4096);
    const struct config *cfg = w->r->session.cfg;
    if (!keys_find(&file, cfg, id, msg->profile, err) || !message_build(&bytes, msg, err))
        return false;
    AUTO(private_key_freep) struct private_key *key = keys_unlock(&file, cfg, err);
    return key && private_key_sign_sha256(out, key, buf_view(&bytes), err);
}

/* Signature i of the call, for this message by this identity (whose key is id_key, registered under id). */
static bool take(struct relaying *w, size_t i, const struct message *msg, const struct identity *id_key, struct hash32 id, struct err *err)
{
    struct bytes theirs = w->q->bundle && i < w->q->bundle->call.num_signatures ? w->q->bundle->call.signatures[i] : (struct bytes){0};
    bool for_this = w->q->bundle && w->q->bundle->call.kind == w->q->call;
    if (for_this && theirs.len && fits(w, msg, id_key, theirs)) {
        w->bundle.call.signatures[i] = theirs;
        return true;
    }
    buf_done(&w->signatures[i]);
    w->signatures[i] = buf_new(4096);
    if (!sign_here(w, &w->signatures[i], msg, id, err)) {
        if (for_this && theirs.len)
            return err_set(err, ERR_REFUSED, "the evidence's signature is not the registered identity's over nonce %llu of this registry "
                                             "on this chain, and its key is not here to make another",
                           (unsigned long long)msg->nonce);
        return err_wrap(err, "signing for the identity");
    }
    w->bundle.call.signatures[i] = buf_view(&w->signatures[i]);
    return true;
}

bool relay_sign(struct relaying *w, struct err *err)
{
    struct message msg;
    bool g1c = w->r->session.chain.profile == PROFILE_G1C;
    switch (w->q->call) {
    case CALL_NONE:
        break;
    case CALL_ATTEST:
        if (!g1c)
            return true;
        msg = message_for(w, MSG_IDENTITY_CHECK, w->on.nonce);
        w->bundle.call.num_signatures = 1;
        return take(w, 0, &msg, &w->bundle.identity, w->id, err);
    case CALL_REATTEST:
        msg = message_for(w, MSG_REATTEST, w->on.nonce);
        w->bundle.call.num_signatures = g1c ? 2 : 1;
        if (!take(w, 0, &msg, &w->on.identity, w->id, err))
            return false;
        if (!g1c || !w->q->rotate)
            return true;
        msg = message_for(w, MSG_IDENTITY_CHECK, w->on_new.nonce);
        return take(w, 1, &msg, &w->bundle.identity, w->new_id, err);
    case CALL_SET_TTL:
        msg = message_for(w, MSG_TTL, w->on.nonce);
        w->bundle.call.num_signatures = 1;
        return take(w, 0, &msg, &w->on.identity, w->id, err);
    }
    return err_set(err, ERR_BUG, "a call without a kind");
}

/* --- G1a's two forms --- */

/* Does the contract refuse the call for its signature? */
static bool refuses_signature(struct relaying *w, bool *yes, struct err *err)
{
    AUTO(node_answer_done) struct node_answer node = {0};
    char name[64];
    if (!forecast_ask_node(&node, &w->r->session.chain, buf_view(&w->calldata), ETH_AT_BLOCK(w->on.block.number), err))
        return false;
    *yes = node.reverts && strcmp(abi_error_name(name, sizeof name, buf_view(&node.data)), "INVALID_SIGNATURE()") == 0;
    return true;
}

static bool sign_again(struct relaying *w, bool wide, struct err *err)
{
    w->r->session.chain.wide_chain_id = wide;
    return relay_sign(w, err) && relay_encode(w, err);
}

/* False in *yes also where nobody here can sign the other form. */
static bool other_form_passes(struct relaying *w, bool *yes, bool wide, struct err *err)
{
    struct err why = {0};
    bool refused = true;
    *yes = false;
    if (!sign_again(w, wide, &why))
        return true;
    if (!refuses_signature(w, &refused, err))
        return false;
    *yes = !refused;
    return true;
}

bool relay_find_width(struct relaying *w, struct err *err)
{
    struct onchain *chain = &w->r->session.chain;
    bool wide = chain->wide_chain_id, refused = false, passes = false;
    if (chain->profile != PROFILE_G1A || w->q->call == CALL_ATTEST)
        return true;
    if (!refuses_signature(w, &refused, err))
        return false;
    w->width_known = true;
    if (refused && !other_form_passes(w, &passes, !wide, err))
        return false;
    if (refused && !passes && !sign_again(w, wide, err))
        return false;
    if (passes)
        log_info("this registry's messages carry %s of the chain's id", wide ? "two bytes" : "all 32 bytes");
    w->r->forecaster.wide_chain_id = chain->wide_chain_id;
    return true;
}
