/* The identity key and what it signed. A re-attestation is signed by the identity that the registry has stored, of
 * which calldata shows the hash alone; but it may be known otherwise, and a P-256 signature leads back to its key, whose
 * hash can be compared. */
#include "crypto/base/auto.h"
#include "crypto/ecdsa_recover.h"
#include "relayer/evidence/binding_part.h"

struct finding identity_check_key(struct ev *ev)
{
    const struct identity *id = &ev->bundle->identity;
    AUTO(pubkey_freep) struct pubkey *key = NULL;
    struct err why;
    if (!id->present)
        return ev->bundle->call.kind == CALL_SET_TTL ? check_note("this call carries no key")
                                                     : check_not_run("no identity given");
    if (id->raw.len)
        return check_fail("the key's bytes are not in the form that %s stores", profile_name(binding_profile(ev)));
    if (id->hash_algo != ALG_SHA256)
        return check_fail("hash %04x, want SHA-256", id->hash_algo);
    if (!(key = identity_pubkey(id, &why)))
        return check_fail("%s", why.text);
    if (id->scheme != (pubkey_type(key) == KEY_RSA ? ALG_RSASSA : ALG_ECDSA))
        return check_fail("scheme %04x does not go with this key", id->scheme);
    return check_pass();
}

/* --- signatures --- */

static struct message message_of(const struct ev *ev, enum message_kind kind)
{
    struct message m = {.kind = kind,
                        .profile = binding_profile(ev),
                        .wide_chain_id = message_default_width(binding_profile(ev)),
                        .chain_id = ev->expected->chain_id,
                        .registry = ev->expected->registry,
                        .nonce = ev->expected->nonce,
                        .tee_ttl_s = ev->bundle->call.tee_ttl_s,
                        .tpm_ttl_s = ev->bundle->call.tpm_ttl_s};
    if (kind == MSG_REATTEST)
        m.quote_sha256 = sha256(ev->bundle->quote);
    return m;
}

/* Could the identity of this hash have signed it? By the keys that the signature leads back to. */
static bool signed_by_hash(const struct message *m, struct hash32 want, struct bytes sig)
{
    AUTO(buf_done) struct buf b = buf_new(512);
    if (sig.len != 64 || !message_build(&b, m, NULL))
        return false;
    struct pubkey64 keys[4];
    size_t n = ecdsa_p256_recover(keys, sha256(buf_view(&b)), sig.p, sig.p + 32);
    for (size_t i = 0; i < n; i++) {
        struct identity id = {.present = true,
                              .algo = ALG_ECC,
                              .params = CURVE_P256,
                              .scheme = ALG_ECDSA,
                              .hash_algo = ALG_SHA256,
                              .key = BYTES_OF(keys[i])};
        if (hash32_eq(identity_hash(&id, m->profile), want))
            return true;
    }
    return false;
}

/* The identity of this hash (NULL: the call's own), where its key is at hand. */
static const struct identity *at_hand(const struct ev *ev, const struct hash32 *want)
{
    const struct identity *ids[] = {&ev->bundle->identity, want ? ev->expected->signer : NULL};
    for (size_t i = 0; i < 2; i++)
        if (ids[i] && ids[i]->present && (!want || hash32_eq(identity_hash(ids[i], binding_profile(ev)), *want)))
            return ids[i];
    return NULL;
}

static bool signed_by(const struct ev *ev, struct message m, const struct hash32 *want, struct bytes sig)
{
    const struct identity *id = at_hand(ev, want);
    for (int i = 0; i < 2; i++) {
        if (id ? message_verify(&m, id, sig) : want && signed_by_hash(&m, *want, sig))
            return true;
        if (m.profile != PROFILE_G1A) /* its deployments differ in the chain id's width */
            return false;
        m.wide_chain_id = !m.wide_chain_id;
    }
    return false;
}

static bool lacks_place(const struct ev *ev, struct finding *f)
{
    if (!ev->expected->has_place)
        *f = check_not_run("chain id and registry are not known, and the signed message names them");
    else if (!ev->expected->has_nonce)
        *f = check_not_run("the identity's nonce is not known, and the signed message names it");
    else
        return false;
    return true;
}

static struct finding judge(const struct ev *ev, enum message_kind kind, const struct hash32 *signer, struct bytes sig)
{
    struct finding f;
    if (lacks_place(ev, &f))
        return f;
    if (sig.len > 64 && !at_hand(ev, signer))
        return check_not_run("an RSA signature of an identity whose key is not at hand");
    if (!signed_by(ev, message_of(ev, kind), signer, sig))
        return check_fail("not the identity's signature over chain %llu, nonce %llu and this call",
                          (unsigned long long)ev->expected->chain_id, (unsigned long long)ev->expected->nonce);
    return check_pass();
}

struct finding identity_check_signature(struct ev *ev)
{
    const struct bundle_call *call = &ev->bundle->call;
    if (call->kind != CALL_NONE && call->num_signatures == 0 &&
        !(call->kind == CALL_ATTEST && binding_profile(ev) != PROFILE_G1C))
        return check_note("the call is not signed yet");
    switch (call->kind) {
    case CALL_NONE:
        return check_note("nothing signed yet: this is evidence, not a call");
    case CALL_ATTEST:
        if (binding_profile(ev) != PROFILE_G1C)
            return check_note("%s asks for no signature here", profile_name(binding_profile(ev)));
        return judge(ev, MSG_IDENTITY_CHECK, NULL, call->signatures[0]);
    case CALL_REATTEST:
        return judge(ev, MSG_REATTEST, &call->id, call->signatures[0]);
    case CALL_SET_TTL:
        return judge(ev, MSG_TTL, &call->id, call->signatures[0]);
    }
    return check_not_run("no such call");
}

/* G1c: a rotation is signed by the new identity as well, with a nonce of its own. */
struct finding identity_check_new_signature(struct ev *ev)
{
    const struct bundle_call *call = &ev->bundle->call;
    const struct identity *id = &ev->bundle->identity;
    if (call->kind != CALL_REATTEST || binding_profile(ev) != PROFILE_G1C || call->num_signatures == 0)
        return check_note("not asked for in this call");
    if (id->present && hash32_eq(identity_hash(id, PROFILE_G1C), call->id))
        return check_note("no rotation, so there is nothing to be signed");
    struct finding f;
    if (lacks_place(ev, &f))
        return f;
    struct message m = message_of(ev, MSG_IDENTITY_CHECK);
    m.nonce = ev->expected->new_nonce; /* where it is not known: that of an identity which was never used */
    if (signed_by(ev, m, NULL, call->signatures[1]))
        return check_pass();
    if (ev->expected->has_new_nonce)
        return check_fail("not the new identity's signature over chain %llu and its nonce %llu",
                          (unsigned long long)m.chain_id, (unsigned long long)m.nonce);
    return check_not_run("does not verify with nonce 0, and the new identity's nonce is not known");
}
