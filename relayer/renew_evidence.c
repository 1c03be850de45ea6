/* Evidence is made anew for every attempt, with our challenge in it where the source can. */
#include "relayer/renew_steps.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/files.h"
#include "relayer/input.h"
#include "relayer/kept_ak.h"
#include "relayer/log.h"
#include "relayer/source/source.h"

#include <stdio.h>

bool renew_may_change_its_mind(struct err *err)
{
    if (err->code == ERR_REFUSED)
        err->code = ERR_STALE;
    return false;
}

static bool ask_source(struct work *w, struct err *err)
{
    const struct onchain *chain = &w->n->relay->session.chain;
    struct source_settings source = source_settings_of(w->n->relay->session.cfg, w->out->row.source);
    struct challenge c = {
        .call = w->out->call,
        .profile = chain->profile,
        .chain_id = chain->chain_id,
        .registry = chain->registry,
        .nonce = w->on.nonce,
        .identity_hash = w->out->row.key.id,
        .public_key = w->on.identity.key,
    };
    if (!source.spec)
        return err_set(err, ERR_USAGE, "no evidence source: --source, source in [source], or track --source names one");
    extra_data_build(c.extra_data, &(struct tail_binding){.time_s = clock_now_s(), .chain_id = c.chain_id, .registry = c.registry,
                                                          .identity_hash = c.identity_hash, .call = c.call});
    if (!source_fetch(&w->raw, &w->out->call, &source, &c, err))
        return renew_may_change_its_mind(err);
    if (w->out->call != c.call) {
        w->out->note = "the agent cannot re-attest the identity that it has, so it is attested in full";
        log_warn("%s", w->out->note);
    }
    return true;
}

static bool get_evidence(struct work *w, struct err *err)
{
    AUTO(input_done) struct input in = {0};
    w->raw = buf_new(INPUT_MAX);
    if (w->n->evidence_file ? !file_read(&w->raw, w->n->evidence_file, err) : !ask_source(w, err))
        return false;
    if (!input_open(&in, buf_view(&w->raw), INPUT_UNKNOWN, err) || !input_bundle(&w->bundle, &in, err))
        return err_wrap(err, "evidence");
    if (!w->bundle.identity.present)
        return err_set(err, ERR_REFUSED, "the evidence names no identity key");
    struct hash32 theirs = identity_hash(&w->bundle.identity, w->n->relay->session.chain.profile);
    char hex[65];
    return hash32_eq(theirs, w->out->row.key.id) ||
           err_set(err, ERR_REFUSED, "the evidence is another identity's (0x%s)", hex_encode(hex, BYTES_OF(theirs)));
}

/* A VM that was made anew, or moved, has another attestation key than the registry keeps: a re-attestation is judged by that
 * one and would fail for ever, a full attestation brings the new one in. Its evidence is made for that call. */
static bool attest_where_ak_changed(struct work *w, struct err *err)
{
    AUTO(pubkey_freep) struct pubkey *kept = NULL;
    if (w->out->call != CALL_REATTEST || w->n->evidence_file)
        return true; /* the file holds what it holds: relay says what is wrong with it */
    if (!kept_ak(&kept, &w->on, err))
        return false;
    if (!kept_ak_is_other(kept, &w->bundle))
        return true;
    w->out->note = "the VM has another attestation key than the registry keeps, so it is attested in full";
    log_warn("%s", w->out->note);
    w->out->call = CALL_ATTEST;
    buf_done(&w->raw);
    bundle_done(&w->bundle);
    return get_evidence(w, err);
}

bool renew_get_evidence(struct work *w, struct err *err)
{
    return get_evidence(w, err) && attest_where_ak_changed(w, err);
}
