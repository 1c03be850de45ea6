#include "relayer/agent/agent.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/agent/keys.h"
#include "relayer/clock.h"
#include "relayer/input.h"
#include "relayer/judge.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/golden.h"
#include "relayer/source/source.h"

#include <stdlib.h>

struct agent {
    const struct config *cfg;
    struct source_settings source;
    struct agent_keys keys;
};

struct agent *agent_new(const struct config *cfg, struct err *err)
{
    if (!cfg->source) {
        err_set(err, ERR_USAGE, "no evidence source is set; set [source] source, for example exec:/usr/local/bin/make-evidence");
        return NULL;
    }
    AUTO(agent_freep) struct agent *a = calloc(1, sizeof *a);
    if (!a) {
        err_set(err, ERR_NOMEM, "agent: no memory");
        return NULL;
    }
    a->cfg = cfg;
    a->source = source_settings_of(cfg, NULL);
    if (!source_check(&a->source, err) || !agent_keys_open(&a->keys, cfg, err))
        return NULL;
    return STEAL(a);
}

void agent_free(struct agent *agent)
{
    if (agent)
        agent_keys_done(&agent->keys);
    free(agent);
}

void agent_freep(struct agent **agent)
{
    agent_free(*agent);
}

/* --- evidence --- */

/* Fresh evidence for the challenge, with the identity of key in it. */
static bool make_bundle(struct bundle *out, const struct agent *a, const struct challenge *c, const struct key_file *key, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(a->source.max_bytes);
    AUTO(input_done) struct input in = {0};
    if (!source_fetch(&raw, NULL, &a->source, c, err) || !input_open(&in, buf_view(&raw), INPUT_UNKNOWN, err) || !input_bundle(out, &in, err))
        return false;
    bool ok = true;
    out->identity = key->identity;
    out->identity.key = arena_copy(&out->mem, key->identity.key, &ok);
    out->identity.raw = (struct bytes){0};
    return ok || err_set(err, ERR_NOMEM, "agent: no memory");
}

/* A call of ours in the bundle, signed by the key that the registry knows. */
static bool sign_call(struct bundle *b, const struct agent *a, const struct challenge *c, struct err *err)
{
    const struct key_file *signer = &a->keys.current;
    b->call = (struct bundle_call){.kind = c->call, .profile = c->profile};
    if (c->call != CALL_REATTEST && c->profile != PROFILE_G1C)
        return true;
    struct message msg = {.kind = c->call == CALL_REATTEST ? MSG_REATTEST : MSG_IDENTITY_CHECK, .profile = c->profile,
                          .wide_chain_id = message_default_width(c->profile), .chain_id = c->chain_id, .registry = c->registry,
                          .nonce = c->nonce, .quote_sha256 = sha256(b->quote)};
    AUTO(buf_done) struct buf text = buf_new(1024), sig = buf_new(2048);
    AUTO(private_key_freep) struct private_key *key = keys_unlock(signer, a->cfg, err);
    if (!key || !message_build(&text, &msg, err) || !private_key_sign_sha256(&sig, key, buf_view(&text), err))
        return false;
    bool ok = true;
    b->call.id = identity_hash(&signer->identity, c->profile);
    b->call.signatures[0] = arena_copy(&b->mem, buf_view(&sig), &ok);
    b->call.num_signatures = 1;
    return ok || err_set(err, ERR_NOMEM, "agent: no memory");
}

/* The key that a challenge means; ERR_REFUSED: it is not here. */
static const struct key_file *key_for(const struct agent *a, const struct challenge *c, struct err *err)
{
    const struct key_file *mine[] = {&a->keys.current, a->keys.has_pending ? &a->keys.pending : NULL};
    for (size_t i = 0; i < 2; i++)
        if (mine[i] && hash32_eq(identity_hash(&mine[i]->identity, c->profile), c->identity_hash))
            return mine[i];
    err_set(err, ERR_REFUSED, "identity_hash: this agent holds another identity");
    return NULL;
}

static bool evidence(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    json_auto_t *body = api_body(request, err);
    AUTO(arena_done) struct arena mem = arena_new(1 << 12);
    struct challenge c;
    if (!body || !challenge_from_json(&c, &mem, body, err))
        return false;
    const struct key_file *key = key_for(a, &c, err);
    AUTO(bundle_done) struct bundle b = {0};
    if (!key || !make_bundle(&b, a, &c, key, err) || !sign_call(&b, a, &c, err))
        return false;
    *reply = bundle_to_json(&b);
    return *reply || err_set(err, ERR_NOMEM, "agent: no memory");
}

/* --- the endpoints of generation 1 --- */

static bool reply_base64(json_t **reply, const char *member, struct bytes value, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(value.len * 2 + 8);
    base64_encode(&text, value);
    *reply = json_pack("{s:s%}", member, (const char *)text.p, text.len);
    return *reply || err_set(err, ERR_NOMEM, "agent: no memory");
}

static enum profile profile_of(const struct agent *a)
{
    enum profile p = judge_profile(a->cfg);
    return p ? p : PROFILE_G1B;
}

/* Our own challenge: the settings' chain and registry, this key, now. */
static struct challenge own_challenge(const struct agent *a, enum call_kind call, const struct key_file *key)
{
    struct challenge c = {.call = call, .profile = profile_of(a), .chain_id = a->cfg->chain_id, .registry = a->cfg->registry,
                          .public_key = key->identity.key};
    c.identity_hash = identity_hash(&key->identity, c.profile);
    return c;
}

static void bind(struct challenge *c)
{
    extra_data_build(c->extra_data, &(struct tail_binding){.time_s = clock_now_s(), .chain_id = c->chain_id, .registry = c->registry,
                                                           .identity_hash = c->identity_hash, .call = c->call});
}

static bool calldata_reply(json_t **reply, struct agent *a, struct challenge *c, const struct key_file *key, struct err *err)
{
    bind(c);
    AUTO(bundle_done) struct bundle b = {0};
    AUTO(buf_done) struct buf call = buf_new(INPUT_MAX);
    return make_bundle(&b, a, c, key, err) && sign_call(&b, a, c, err) && bundle_to_calldata(&call, &b, c->call, c->profile, err) &&
           reply_base64(reply, "calldata", buf_view(&call), err);
}

static bool registration(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    json_auto_t *body = api_body(request, err);
    if (!body)
        return false;
    if (!a->cfg->chain_id || !a->cfg->has_registry)
        return err_set(err, ERR_USAGE, "set chain_id and registry, so that the evidence can be bound to them");
    struct challenge c = own_challenge(a, CALL_ATTEST, &a->keys.current);
    return calldata_reply(reply, a, &c, &a->keys.current, err);
}

/* {"nonce": "0", "chain_id": 31337, "contract_address": "0x.."}: a new key, and the call that moves the registration to it. */
static bool new_identity(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    json_auto_t *body = api_body(request, err);
    const char *nonce = json_string_value(json_object_get(body, "nonce"));
    const char *contract = json_string_value(json_object_get(body, "contract_address"));
    const json_t *chain = json_object_get(body, "chain_id");
    struct challenge c = {.call = CALL_REATTEST, .profile = profile_of(a)};
    if (!body)
        return false;
    if (!nonce || !contract || !json_is_integer(chain) || json_integer_value(chain) <= 0)
        return err_set(err, ERR_FORMAT, "want nonce (text), chain_id (number) and contract_address (text)");
    c.chain_id = (uint64_t)json_integer_value(chain);
    if (!u64_parse(&c.nonce, bytes_str(nonce), UINT64_MAX, err) || !hex_decode_fixed(c.registry.b, sizeof c.registry.b, bytes_str(contract), err))
        return false;
    if (!agent_keys_make_pending(&a->keys, err))
        return false;
    c.identity_hash = identity_hash(&a->keys.pending.identity, c.profile);
    c.public_key = a->keys.pending.identity.key;
    return calldata_reply(reply, a, &c, &a->keys.pending, err);
}

static bool current_hash(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    const struct agent *a = ctx;
    (void)request;
    struct hash32 hash = identity_hash(&a->keys.current.identity, profile_of(a));
    return reply_base64(reply, "cvm_identity_hash", BYTES_OF(hash), err);
}

static bool golden(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    (void)request;
    struct challenge c = own_challenge(a, CALL_ATTEST, &a->keys.current);
    bind(&c);
    AUTO(bundle_done) struct bundle b = {0};
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    struct golden g;
    return make_bundle(&b, a, &c, &a->keys.current, err) && golden_from_bundle(&g, &mem, &b, c.profile, err) &&
           reply_base64(reply, "golden_measurement", BYTES_OF(g.hash), err);
}

static bool platform(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    (void)request;
    struct challenge c = own_challenge(a, CALL_ATTEST, &a->keys.current);
    bind(&c);
    AUTO(bundle_done) struct bundle b = {0};
    if (!make_bundle(&b, a, &c, &a->keys.current, err))
        return false;
    *reply = json_pack("{s:i, s:s, s:i, s:s}", "tee_type", b.tee, "tee_name", tee_name(b.tee), "cloud_type", b.cloud, "cloud_name", cloud_name(b.cloud));
    return *reply || err_set(err, ERR_NOMEM, "agent: no memory");
}

/* {"message": base64, "purge-old-keys": bool}. Only what the registry's contracts would look at is signed: whoever can ask here
 * must not get signatures for other protocols out of the identity key. Purging makes the waiting key the current one. */
static bool sign_message(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    struct agent *a = ctx;
    json_auto_t *body = api_body(request, err);
    const char *text = json_string_value(json_object_get(body, "message"));
    if (!body)
        return false;
    AUTO(buf_done) struct buf message = buf_new(1 << 16), sig = buf_new(2048);
    if (!text || !base64_decode(&message, bytes_str(text), err))
        return text ? err_wrap(err, "message") : err_set(err, ERR_FORMAT, "message: want base64");
    static const struct bytes prefix = BYTES_LIT("CVM_WORKLOAD_");
    if (!bytes_eq(bytes_sub(buf_view(&message), 0, prefix.len), prefix))
        return err_set(err, ERR_REFUSED, "message: does not begin with CVM_WORKLOAD_");
    if (json_is_true(json_object_get(body, "purge-old-keys")) && !agent_keys_promote(&a->keys, err))
        return false;
    AUTO(private_key_freep) struct private_key *key = keys_unlock(&a->keys.current, a->cfg, err);
    if (!key || !private_key_sign_sha256(&sig, key, buf_view(&message), err))
        return false;
    json_auto_t *signature = NULL;
    if (!current_hash(ctx, reply, request, err) || !reply_base64(&signature, "signature", buf_view(&sig), err))
        return false;
    return json_object_update(*reply, signature) == 0 || err_set(err, ERR_NOMEM, "agent: no memory");
}

static bool healthy(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    (void)ctx;
    (void)request;
    *reply = json_pack("{s:b, s:s}", "ok", 1, "version", CVM_VERSION);
    return *reply || err_set(err, ERR_NOMEM, "agent: no memory");
}

const struct api_route agent_routes[] = {
    {"GET", "/healthz", healthy, "is it alive", true},
    {"POST", "/evidence", evidence, "a challenge in, an evidence bundle out", false},
    {"GET", "/platform", platform, "which TEE on which cloud", false},
    {"GET", "/current-cvm-identity-hash", current_hash, "the identity in use", false},
    {"POST", "/sign-message", sign_message, "a registry message signed by the identity key", false},
    {"POST", "/onchain/registration-collaterals", registration, "attestCvm calldata", false},
    {"POST", "/onchain/new-cvm-identity", new_identity, "a new key and the calldata that rotates to it", false},
    {"GET", "/onchain/golden-measurement", golden, "the measurement hash", false},
    {"POST", "/onchain/golden-measurement", golden, "the measurement hash", false},
    {0},
};
