#include "relayer/onchain.h"

#include "abi/addr.h"
#include "abi/calls.h"
#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/keccak.h"
#include "relayer/clock.h"
#include "relayer/evidence/identity.h"
#include "relayer/registry/calldata.h"

#include <stdio.h>

#define MAX_CODE   (512 * 1024)
#define MAX_ANSWER (4 << 20)

/* keccak256("eip1967.proxy.implementation") - 1 */
static const struct hash32 implementation_slot = {{0x36, 0x08, 0x94, 0xa1, 0x3b, 0xa1, 0xa3, 0x21, 0x06, 0x67, 0xc8,
                                                   0x28, 0x49, 0x2d, 0xb9, 0x8d, 0xca, 0x3e, 0x20, 0x76, 0xcc, 0x37,
                                                   0x35, 0xa9, 0x20, 0xa3, 0xca, 0x50, 0x5d, 0x38, 0x2b, 0xbc}};

/* Where each generation keeps its nonces (registry-v1 2, storage). */
static const uint8_t nonces_slot[] = {[PROFILE_G1A] = 1, [PROFILE_G1B] = 2, [PROFILE_G1C] = 1};

/* --- which contract --- */

/* Does the code push this selector? (PUSH4: 0x63) */
static bool code_has(struct bytes code, uint32_t selector)
{
    uint8_t push[5] = {0x63, (uint8_t)(selector >> 24), (uint8_t)(selector >> 16), (uint8_t)(selector >> 8),
                       (uint8_t)selector};
    return bytes_find(code, BYTES(push), 0) != SIZE_MAX;
}

static bool has_generation(struct bytes code, unsigned generation)
{
    const struct abi_call *attest = abi_call_find("attestCvm", generation);
    return attest && code_has(code, attest->selector);
}

/* The first function of another generation that the code has, be it a view; for the message. */
static const struct abi_call *foreign_call(struct bytes code)
{
    for (size_t i = 0; i < num_abi_calls; i++)
        if (!(abi_calls[i].generations & ABI_G1) && abi_calls[i].generations != 0 &&
            strcmp(abi_calls[i].name, "upgradeToAndCall") != 0 && code_has(code, abi_calls[i].selector))
            return &abi_calls[i];
    return NULL;
}

static bool find_profile(struct onchain *out, struct bytes code, enum profile wanted, struct err *err)
{
    char at[ADDR_TEXT_SIZE];
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        if (has_generation(code, profile_generation(p)) && (wanted == PROFILE_NONE || wanted == p)) {
            out->profile = p;
            out->wide_chain_id = message_default_width(p);
            return true;
        }
    addr_text(at, out->registry);
    const struct abi_call *foreign = foreign_call(code);
    if (foreign)
        return err_set(err, ERR_REFUSED, "the registry at %s speaks %s (%s), which is an unsupported profile", at,
                       abi_generation_name(foreign->generations), foreign->name);
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        if (has_generation(code, profile_generation(p)))
            return err_set(err, ERR_REFUSED, "the registry at %s is %s, and %s is configured", at, profile_name(p),
                           profile_name(wanted));
    return err_set(err, ERR_REFUSED, "the contract at %s is no CVM registry of generation 1: it has none of its calls",
                   at);
}

static bool read_code(struct buf *out, struct onchain *chain, struct err *err)
{
    char at[ADDR_TEXT_SIZE];
    struct hash32 slot;
    if (!eth_code(chain->rpc, out, chain->registry, ETH_AT_LATEST, err))
        return false;
    if (!out->len)
        return err_set(err, ERR_CHAIN, "there is no contract at %s on chain %llu", addr_text(at, chain->registry),
                       (unsigned long long)chain->chain_id);
    chain->code.code_hash = keccak256(buf_view(out));
    if (!eth_storage(chain->rpc, &slot, chain->registry, implementation_slot, ETH_AT_LATEST, err))
        return false;
    if (hash32_is_zero(slot))
        return true;
    chain->code.is_proxy = true;
    memcpy(chain->code.implementation.b, slot.b + 12, 20);
    out->len = 0;
    if (!eth_code(chain->rpc, out, chain->code.implementation, ETH_AT_LATEST, err))
        return false;
    chain->code.implementation_code_hash = keccak256(buf_view(out));
    return true;
}

bool onchain_open(struct onchain *out, struct rpc *rpc, uint64_t chain_id, struct addr20 registry, enum profile wanted,
                  struct err *err)
{
    struct onchain chain = {.rpc = rpc, .chain_id = chain_id, .registry = registry};
    AUTO(buf_done) struct buf code = buf_new(MAX_CODE);
    if ((!chain_id && !rpc_chain_id(rpc, &chain.chain_id, err)) || !read_code(&code, &chain, err) ||
        !find_profile(&chain, buf_view(&code), wanted, err))
        return err_wrap(err, "registry");
    *out = chain;
    return true;
}

static bool same_code(const struct pin_row *a, const struct pin_row *b)
{
    return hash32_eq(a->code_hash, b->code_hash) && a->is_proxy == b->is_proxy &&
           addr20_eq(a->implementation, b->implementation) &&
           hash32_eq(a->implementation_code_hash, b->implementation_code_hash);
}

bool onchain_check_pin(const struct onchain *chain, struct db *db, bool accept, int64_t now_s, struct err *err)
{
    struct pin_row pin = {0}, now = chain->code;
    bool found = false;
    char was[ADDR_TEXT_SIZE], is[ADDR_TEXT_SIZE];
    if (!pins_get(db, &pin, &found, chain->chain_id, chain->registry, err))
        return false;
    if (found && same_code(&pin, &now))
        return true;
    now.pinned_at_s = now_s;
    if (!found || accept)
        return pins_put(db, chain->chain_id, chain->registry, &now, err);
    addr_text(was, pin.implementation);
    addr_text(is, now.implementation);
    return err_set(
        err, ERR_REFUSED,
        "the registry's code has changed since it was pinned (implementation %s, was %s); nothing is written until "
        "somebody has looked: --accept-implementation takes it",
        is, was);
}

/* --- one identity --- */

void onchain_identity_done(struct onchain_identity *id)
{
    arena_done(&id->mem);
    *id = (struct onchain_identity){0};
}

bool onchain_view(const struct onchain *chain, struct abi_value *out, struct arena *mem, struct addr20 to, const char *name,
                  const struct abi_value *args, struct eth_at at, struct err *err)
{
    const struct abi_call *call = abi_call_find(name, profile_generation(chain->profile));
    AUTO(buf_done) struct buf data = buf_new(256), answer = buf_new(MAX_ANSWER);
    struct rpc_fault fault = {0};
    const struct abi_type *type;
    if (!call)
        return err_set(err, ERR_BUG, "%s: no such view", name);
    struct eth_msg msg = {.to = to};
    if (!abi_encode_call(&data, call, args, err))
        return false;
    msg.data = buf_view(&data);
    if (!eth_call(chain->rpc, &answer, &msg, at, true, &fault, err))
        return err_wrap(err, "%s", name);
    bool ok = true;
    struct bytes kept = arena_copy(mem, buf_view(&answer), &ok);
    if (!ok)
        return err_set(err, ERR_NOMEM, "%s: no memory", name);
    if (!abi_type_parse(&type, mem, bytes_str(call->returns), err) || !abi_decode_strict(out, mem, type, kept, err)) {
        err->code = ERR_CHAIN;
        return err_wrap(err, "%s: unusable answer", name);
    }
    return true;
}

/* name(bytes32 id) of the registry at a block. */
static bool ask(const struct onchain *chain, struct abi_value *out, struct arena *mem, const char *name, struct hash32 id,
                struct eth_at at, struct err *err)
{
    struct abi_value args = abi_new_list(mem, 1);
    if (!args.item)
        return err_set(err, ERR_NOMEM, "%s: no memory", name);
    args.item[0] = abi_from_word(mem, id.b);
    return onchain_view(chain, out, mem, chain->registry, name, &args, at, err);
}

static void take_identity(struct identity *out, struct onchain_key *ak, const struct abi_value *config,
                          enum profile profile)
{
    const struct abi_value *v = config->item[8].item;
    out->present = true;
    if (profile == PROFILE_G1A) {
        out->scheme = (uint16_t)abi_low_u64(&v[0]);
        out->params = (uint16_t)abi_low_u64(&v[1]);
        out->hash_algo = (uint16_t)abi_low_u64(&v[2]);
        out->algo = out->scheme == ALG_ECDSA ? ALG_ECC : ALG_RSA;
        out->key = v[3].data;
        return;
    }
    const struct abi_value *key = v[0].item, *alg = v[1].item;
    out->algo = (uint16_t)abi_low_u64(&key[0]);
    out->params = (uint16_t)abi_low_u64(&key[1]);
    out->key = key[2].data;
    out->scheme = (uint16_t)abi_low_u64(&alg[0]);
    out->hash_algo = (uint16_t)abi_low_u64(&alg[1]);
    /* inside the program a P-256 key is x then y */
    if (out->algo == ALG_ECC && out->key.len == 65 && out->key.p[0] == 4)
        out->key = bytes_sub(out->key, 1, 64);
    const struct abi_value *a = config->item[9].item;
    *ak = (struct onchain_key){(uint16_t)abi_low_u64(&a[0]), (uint16_t)abi_low_u64(&a[1]), a[2].data};
}

static bool read_config(const struct onchain *chain, struct onchain_identity *out, struct hash32 id, struct eth_at at,
                        struct err *err)
{
    struct abi_value answer, nonce;
    if (!ask(chain, &answer, &out->mem, "getCvmConfig", id, at, err) ||
        !ask(chain, &nonce, &out->mem, "nonces", id, at, err))
        return false;
    const struct abi_value *c = &answer.item[0], *f = c->item;
    out->tee_type = (uint8_t)abi_low_u64(&f[0]);
    out->cloud_type = (uint8_t)abi_low_u64(&f[1]);
    out->tee_ttl_s = abi_low_u64(&f[2]);
    out->tpm_ttl_s = abi_low_u64(&f[3]);
    uint64_t tee = abi_low_u64(&f[4]), tpm = abi_low_u64(&f[5]);
    if (tee > INT64_MAX || tpm > INT64_MAX || !abi_u64(&out->nonce, abi_word(&nonce.item[0], 0)))
        return err_set(err, ERR_CHAIN, "getCvmConfig: a time or nonce that cannot be");
    out->tee_recent_s = (int64_t)tee;
    out->tpm_recent_s = (int64_t)tpm;
    out->measurement_hash = abi_hash32(&f[6]);
    out->tee_output = f[7].data;
    take_identity(&out->identity, &out->ak, c, chain->profile);
    return true;
}

/* The view refuses for an identity that is not registered; the counter outlives a registration all the same. */
static bool read_nonce_slot(const struct onchain *chain, struct onchain_identity *out, struct hash32 id,
                            struct eth_at at, struct err *err)
{
    uint8_t place[64] = {0};
    struct hash32 value;
    memcpy(place, id.b, sizeof id.b);
    place[63] = nonces_slot[chain->profile];
    if (!eth_storage(chain->rpc, &value, chain->registry, keccak256(BYTES(place)), at, err))
        return false;
    out->no_nonce = !abi_u64(&out->nonce, value.b);
    return true;
}

static bool read_once(const struct onchain *chain, struct onchain_identity *out, struct hash32 id, struct eth_at at,
                      struct err *err)
{
    AUTO(onchain_identity_done) struct onchain_identity r = {.mem = arena_new(8 << 20)};
    struct abi_value known;
    bool missing = false;
    if (!eth_block(chain->rpc, &r.block, at, &missing, err))
        return false;
    struct eth_at block = ETH_AT_BLOCK(r.block.number);
    if (!ask(chain, &known, &r.mem, "hasRegistered", id, block, err))
        return false;
    r.registered = abi_bool(&known.item[0]);
    if (!(r.registered ? read_config(chain, &r, id, block, err) : read_nonce_slot(chain, &r, id, block, err)))
        return false;
    *out = r;
    r = (struct onchain_identity){0};
    return true;
}

/* A view that reverts although hasRegistered said yes at the same block: the node answered from two states, as some do
 * in the moment in which a block arrives. Asked once more, then it is the node that cannot be believed, not the
 * registry that refuses. */
bool onchain_read(const struct onchain *chain, struct onchain_identity *out, struct hash32 id, struct eth_at at,
                  struct err *err)
{
    struct err first = {0};
    if (read_once(chain, out, id, at, &first))
        return true;
    if (first.code == ERR_REFUSED) {
        clock_sleep_ms(250);
        err_clear(&first);
        if (read_once(chain, out, id, at, &first))
            return true;
    }
    return err_set(err, first.code == ERR_REFUSED ? ERR_CHAIN : first.code, "%s", first.text);
}

static bool valid(bool registered, int64_t recent_s, uint64_t ttl_s, int64_t at_s)
{
    return registered && (at_s <= recent_s ? ttl_s > 0 : (uint64_t)(at_s - recent_s) < ttl_s);
}

bool onchain_tee_valid(const struct onchain_identity *id, int64_t at_s)
{
    return valid(id->registered, id->tee_recent_s, id->tee_ttl_s, at_s);
}

bool onchain_tpm_valid(const struct onchain_identity *id, int64_t at_s)
{
    return valid(id->registered, id->tpm_recent_s, id->tpm_ttl_s, at_s);
}

/* --- what a call would do --- */

bool onchain_simulate(const struct onchain *chain, bool has_from, struct addr20 from, struct bytes calldata,
                      struct err *err)
{
    AUTO(buf_done) struct buf answer = buf_new(MAX_ANSWER);
    struct rpc_fault fault = {0};
    struct eth_msg msg = {.has_from = has_from, .from = from, .to = chain->registry, .data = calldata};
    if (eth_call(chain->rpc, &answer, &msg, ETH_AT_LATEST, true, &fault, err))
        return true;
    if (!fault.has_revert)
        return err_wrap(err, "simulation");
    AUTO(auto_free) char *words = abi_error_words(bytes_from(fault.revert, fault.revert_len));
    return err_set(err, ERR_REFUSED, "the registry refuses: %s", words ? words : "(no memory for the words)");
}
