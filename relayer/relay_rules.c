/* What we refuse before anything is sent. The contract would refuse some of it as well (its error stands in the row); the rest is
 * ours alone, because the chain takes it and somebody is sorry afterwards. registry-v1 5 and 11. */
#include "relayer/relay_steps.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/kept_ak.h"

#include <stdio.h>

#define BIT(call) (1u << (call))

struct rule {
    unsigned calls;        /* BIT(CALL_...) */
    bool rotation_alone;
    bool forced;           /* --force passes it */
    const char *contract;  /* the error that the contract would raise; NULL: it takes it */
    bool (*broken)(const struct relaying *w);
    const char *words;
};

static int64_t block_time(const struct relaying *w)
{
    return (int64_t)w->on.block.time_s;
}

static uint64_t age(const struct relaying *w, int64_t recent_s)
{
    return block_time(w) > recent_s ? (uint64_t)(block_time(w) - recent_s) : 0;
}

static bool not_registered(const struct relaying *w)
{
    return !w->on.registered;
}
static bool tee_over(const struct relaying *w)
{
    return w->on.registered && !onchain_tee_valid(&w->on, block_time(w));
}
static bool tpm_over(const struct relaying *w)
{
    return w->on.registered && !onchain_tpm_valid(&w->on, block_time(w));
}
static bool onto_registered(const struct relaying *w)
{
    return w->on_new.registered;
}
static bool onto_itself(const struct relaying *w)
{
    return hash32_eq(w->id, w->new_id);
}
static bool is_rotation(const struct relaying *w)
{
    return !w->q->rotate && !hash32_eq(w->id, w->new_id);
}
static bool other_ak(const struct relaying *w)
{
    return kept_ak_is_other(w->ak, &w->bundle);
}
static bool ttl_zero(const struct relaying *w)
{
    return w->bundle.call.tee_ttl_s == 0 || w->bundle.call.tpm_ttl_s == 0;
}
static bool ttl_too_long(const struct relaying *w)
{
    uint64_t most = (uint64_t)w->r->session.cfg->max_ttl_s;
    return w->bundle.call.tee_ttl_s > most || w->bundle.call.tpm_ttl_s > most;
}
static bool ttl_below_age(const struct relaying *w)
{
    return w->bundle.call.tee_ttl_s <= age(w, w->on.tee_recent_s) || w->bundle.call.tpm_ttl_s <= age(w, w->on.tpm_recent_s);
}
static bool wrong_algo(const struct relaying *w)
{
    /* the label is outside the hash: whoever replays the calldata can change it, and then nothing verifies any more */
    return w->on.registered && w->r->session.chain.profile != PROFILE_G1A && w->on.identity.scheme == ALG_ECDSA &&
           w->on.identity.algo != ALG_ECC;
}

static const struct rule rules[] = {
    {BIT(CALL_REATTEST) | BIT(CALL_SET_TTL), false, false, "CVM_NOT_REGISTERED()", not_registered,
     "the identity is not registered; register it first"},
    {BIT(CALL_REATTEST), false, false, NULL, tee_over,
     "the TEE evidence has run out: only a full attestation (register) makes the identity fresh again"},
    {BIT(CALL_REATTEST) | BIT(CALL_SET_TTL), false, false, "INVALID_SIGNATURE()", wrong_algo,
     "the registered key's algorithm label was changed by somebody else's replay, so no signature verifies; register again first"},
    {BIT(CALL_REATTEST), false, false, NULL, other_ak,
     "the evidence's attestation key is not the one that the registry keeps; only a full attestation (register) brings in another"},
    {BIT(CALL_REATTEST), false, false, NULL, is_rotation,
     "the evidence carries another identity key than the registered one; rotate moves a registration to a new key"},
    {BIT(CALL_REATTEST), true, false, NULL, onto_itself, "the evidence carries the key that is registered already; nothing to rotate to"},
    {BIT(CALL_REATTEST), true, false, "CVM_IDENTITY_ALREADY_REGISTERED()", onto_registered,
     "the new identity is registered already; a rotation onto it would overwrite it"},
    {BIT(CALL_SET_TTL), false, false, "TEE_COLLATERAL_EXPIRED()", tee_over, "the TEE evidence has run out; register again first"},
    {BIT(CALL_SET_TTL), false, false, "TPM_COLLATERAL_EXPIRED()", tpm_over, "the TPM evidence has run out; reattest first"},
    {BIT(CALL_SET_TTL), false, false, NULL, ttl_zero, "a TTL of 0 ends the identity for good: it could never be changed again"},
    {BIT(CALL_SET_TTL), false, false, NULL, ttl_below_age,
     "a TTL below the evidence's present age ends the identity at once, and it could not be changed any more"},
    {BIT(CALL_SET_TTL), false, true, NULL, ttl_too_long, "the TTL is longer than max_ttl; --force takes it"},
};

bool relay_check_rules(struct relaying *w, struct err *err)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *r = &rules[i];
        if (!(r->calls & BIT(w->q->call)) || (r->rotation_alone && !w->q->rotate) || (r->forced && w->q->force) || !r->broken(w))
            continue;
        return err_set(err, ERR_REFUSED, "%s%s%s%s", r->words, r->contract ? " (the contract: " : "", r->contract ? r->contract : "",
                       r->contract ? ")" : "");
    }
    return true;
}
