/* What we refuse before anything is sent. The contract would refuse some of it as well (its error stands in the row); the rest is
 * ours alone, because the chain takes it and somebody is sorry afterwards. registry-v1 5 and 11. */
#include "relayer/relay_steps.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/kept_ak.h"

#include <stdio.h>

#define BIT(x) (1u << (x))
#define G1A    BIT(PROFILE_G1A)
#define G1B    BIT(PROFILE_G1B)
#define G1C    BIT(PROFILE_G1C)
#define ATTEST   BIT(CALL_ATTEST)
#define REATTEST BIT(CALL_REATTEST)
#define SET_TTL  BIT(CALL_SET_TTL)
#define ROTATE   RELAY_ROTATE

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
static bool either_over(const struct relaying *w)
{
    return tee_over(w) || tpm_over(w);
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
    return !hash32_eq(w->id, w->new_id);
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
    /* the label is outside the hash: whoever replays the calldata can change it, and then nothing verifies any more (G1c asks
     * for the key's signature first) */
    return w->on.registered && w->on.identity.algo != (w->on.identity.scheme == ALG_RSASSA ? ALG_RSA : ALG_ECC);
}
static bool no_counter(const struct relaying *w)
{
    return w->on.no_nonce || (w->q->rotate && w->on_new.no_nonce);
}

const struct relay_rule relay_rules[] = {
    {.id = "rule.not_registered", .calls = REATTEST | ROTATE | SET_TTL, .profiles = G1A | G1B | G1C,
     .contract = "CVM_NOT_REGISTERED()", .raised_in = G1A | G1B | G1C, .broken = not_registered,
     .words = "the identity is not registered; register it first"},
    {.id = "rule.no_counter", .calls = ATTEST | REATTEST | ROTATE, .profiles = G1C, .broken = no_counter,
     .words = "what stands in the place of the identity's counter is no nonce, as an upgrade that moved the registry's storage leaves it; "
              "this key cannot sign there any more: make a new one (identity new)"},
    {.id = "rule.tee_over", .calls = REATTEST | ROTATE, .profiles = G1A | G1B | G1C, .contract = "TEE_COLLATERAL_EXPIRED()", .raised_in = G1C,
     .broken = tee_over, .words = "the TEE evidence has run out: only a full attestation (register) makes the identity fresh again"},
    {.id = "rule.relabelled", .calls = REATTEST | ROTATE | SET_TTL, .profiles = G1B,
     .contract = "NotEcPublicKey(), NotRsaPublicKey()", .raised_in = G1B, .broken = wrong_algo,
     .words = "the registered key's algorithm label was changed by somebody else's replay, so no signature verifies; register again first"},
    {.id = "rule.other_ak", .calls = REATTEST | ROTATE, .profiles = G1B | G1C, .contract = "TpmSignatureVerificationFailed()",
     .raised_in = G1B | G1C, .broken = other_ak,
     .words = "the evidence's attestation key is not the one that the registry keeps; only a full attestation (register) brings in another"},
    {.id = "rule.rotates", .calls = REATTEST, .profiles = G1A | G1B | G1C, .broken = is_rotation,
     .words = "the evidence carries another identity key than the registered one; rotate moves a registration to a new key"},
    {.id = "rule.onto_itself", .calls = ROTATE, .profiles = G1A | G1B | G1C, .broken = onto_itself,
     .words = "the evidence carries the key that is registered already; nothing to rotate to"},
    {.id = "rule.onto_registered", .calls = ROTATE, .profiles = G1A | G1B | G1C,
     .contract = "CVM_IDENTITY_ALREADY_REGISTERED()", .raised_in = G1C, .broken = onto_registered,
     .words = "the new identity is registered already; a rotation onto it would overwrite it"},
    {.id = "rule.ttl_tee_over", .calls = SET_TTL, .profiles = G1B | G1C, .contract = "TEE_COLLATERAL_EXPIRED()", .raised_in = G1B | G1C,
     .broken = tee_over, .words = "the TEE evidence has run out; register again first"},
    {.id = "rule.ttl_tpm_over", .calls = SET_TTL, .profiles = G1B | G1C, .contract = "TPM_COLLATERAL_EXPIRED()", .raised_in = G1B | G1C,
     .broken = tpm_over, .words = "the TPM evidence has run out; reattest first"},
    {.id = "rule.ttl_revives", .calls = SET_TTL, .profiles = G1A, .forced = true, .broken = either_over,
     .words = "evidence that has run out would count again without being made anew; --force takes it"},
    {.id = "rule.ttl_zero", .calls = SET_TTL, .profiles = G1B | G1C, .broken = ttl_zero,
     .words = "a TTL of 0 ends the identity for good: it could never be changed again"},
    {.id = "rule.ttl_below_age", .calls = SET_TTL, .profiles = G1B | G1C, .broken = ttl_below_age,
     .words = "a TTL below the evidence's present age ends the identity at once, and it could not be changed any more"},
    {.id = "rule.ttl_ends", .calls = SET_TTL, .profiles = G1A, .forced = true, .broken = ttl_below_age,
     .words = "a TTL of 0, or below the evidence's present age, ends the identity at once; --force takes it"},
    {.id = "rule.ttl_too_long", .calls = SET_TTL, .profiles = G1A | G1B | G1C, .forced = true, .broken = ttl_too_long,
     .words = "the TTL is longer than max_ttl; --force takes it"},
};
const size_t num_relay_rules = sizeof relay_rules / sizeof *relay_rules;

bool relay_check_rules(struct relaying *w, struct err *err)
{
    unsigned profile = BIT(w->r->session.chain.profile), call = w->q->rotate ? ROTATE : BIT(w->q->call);
    for (size_t i = 0; i < num_relay_rules; i++) {
        const struct relay_rule *r = &relay_rules[i];
        if (!(r->calls & call) || !(r->profiles & profile) || (r->forced && w->q->force) || !r->broken(w))
            continue;
        bool raised = r->raised_in & profile;
        return err_set(err, ERR_REFUSED, "%s%s%s%s", r->words, raised ? " (the contract: " : "", raised ? r->contract : "",
                       raised ? ")" : "");
    }
    return true;
}
