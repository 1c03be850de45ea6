#include "relayer/forecast_chain.h"

#include "abi/calls.h"
#include "crypto/base/auto.h"
#include "crypto/keccak.h"
#include "relayer/evidence/identity.h"
#include "relayer/registry/calldata.h"

#define MAX_ANSWER      (16 << 20)
#define USED_REPORTS_G1C 2 /* slot of _usedTeeReports, registry-v1 2 */

static struct kept_key kept_key(const struct onchain_key *k)
{
    return (struct kept_key){.algo = k->algo, .params = k->params, .data = k->data};
}

bool forecast_keep(struct registry_state *state, const struct onchain_identity *on, struct hash32 id, enum profile profile,
                   struct err *err)
{
    AUTO(buf_done) struct buf key = buf_new(1 << 16);
    struct kept_identity kept = {.id = id, .nonce = on->nonce};
    if (on->registered) {
        if (!identity_chain_data(&key, &on->identity, profile, err))
            return false;
        kept.tee_type = on->tee_type;
        kept.cloud_type = on->cloud_type;
        kept.tee_ttl_s = on->tee_ttl_s;
        kept.tpm_ttl_s = on->tpm_ttl_s;
        kept.tee_recent_s = (uint64_t)on->tee_recent_s;
        kept.tpm_recent_s = (uint64_t)on->tpm_recent_s;
        kept.measurement_hash = on->measurement_hash;
        kept.tee_output = on->tee_output;
        kept.ak = kept_key(&on->ak);
        kept.key = (struct kept_key){on->identity.algo, on->identity.params, on->identity.scheme, on->identity.hash_algo, buf_view(&key)};
    }
    return registry_state_put(state, &kept) || err_set(err, ERR_NOMEM, "no memory for the registry's state");
}

/* Which identities a call is about: the one it names, and the one in it. */
static size_t identities_of(struct hash32 out[2], struct bytes calldata, enum profile profile)
{
    AUTO(bundle_done) struct bundle bundle = {0};
    const struct abi_call *call = abi_call_by_selector(calldata);
    size_t n = 0;
    if (call && calldata.len >= 36 && strncmp(call->args, "(bytes32", 8) == 0)
        memcpy(out[n++].b, calldata.p + 4, sizeof out->b);
    if (bundle_from_calldata(&bundle, calldata, NULL) && bundle.identity.present) {
        out[n] = identity_hash(&bundle.identity, profile);
        n += n == 0 || !hash32_eq(out[0], out[n]);
    }
    return n;
}

bool forecast_read_used(struct registry_state *state, const struct onchain *chain, struct bytes calldata, struct eth_at at,
                        struct err *err)
{
    struct abi_value args;
    AUTO(arena_done) struct arena mem = arena_new(16 << 20);
    const struct abi_call *call = abi_call_find(call_name(CALL_ATTEST), ABI_G1C);
    if (chain->profile != PROFILE_G1C || !abi_decode_call(&args, &mem, call, calldata, NULL))
        return true;
    struct hash32 report = keccak256(args.item[3].data), value;
    uint8_t place[64] = {0};
    memcpy(place, report.b, sizeof report.b);
    place[63] = USED_REPORTS_G1C;
    if (!eth_storage(chain->rpc, &value, chain->registry, keccak256(BYTES(place)), at, err))
        return false;
    return hash32_is_zero(value) || registry_state_mark_used(state, report) || err_set(err, ERR_NOMEM, "no memory");
}

bool forecast_read(struct registry_state *out, struct eth_block *block, const struct onchain *chain, struct bytes calldata,
                   struct err *err)
{
    AUTO(registry_state_done) struct registry_state state = registry_state_new();
    struct hash32 ids[2];
    size_t n = identities_of(ids, calldata, chain->profile);
    if (!eth_block(chain->rpc, block, ETH_AT_LATEST, NULL, err))
        return false;
    struct eth_at at = ETH_AT_BLOCK(block->number);
    for (size_t i = 0; i < n; i++) {
        AUTO(onchain_identity_done) struct onchain_identity on = {0};
        if (!onchain_read(chain, &on, ids[i], at, err) || !forecast_keep(&state, &on, ids[i], chain->profile, err))
            return err_wrap(err, "state");
    }
    if (!forecast_read_used(&state, chain, calldata, at, err))
        return err_wrap(err, "state");
    *out = state;
    state = (struct registry_state){0};
    return true;
}

void node_answer_done(struct node_answer *a)
{
    buf_done(&a->data);
}

bool forecast_ask_node(struct node_answer *out, const struct onchain *chain, struct bytes calldata, struct eth_at at, struct err *err)
{
    AUTO(buf_done) struct buf answer = buf_new(MAX_ANSWER);
    struct rpc_fault fault = {0};
    struct eth_msg msg = {.to = chain->registry, .data = calldata};
    bool reverts = !eth_call(chain->rpc, &answer, &msg, at, true, &fault, err);
    if (reverts && err->code != ERR_REFUSED)
        return err_wrap(err, "the node's answer");
    if (reverts) {
        err_clear(err);
        answer.len = 0;
        buf_put(&answer, bytes_from(fault.revert, fault.revert_len));
    }
    *out = (struct node_answer){reverts, answer};
    answer = (struct buf){0};
    return true;
}

bool forecast_agrees(const struct prediction *p, const struct node_answer *node)
{
    switch (p->answer) {
    case PREDICT_UNKNOWN:
        return true;
    case PREDICT_SUCCESS:
        return !node->reverts && bytes_eq(buf_view(&node->data), buf_view(&p->returned));
    case PREDICT_REVERT:
        return node->reverts && bytes_eq(buf_view(&node->data), buf_view(&p->revert));
    }
    return false;
}
