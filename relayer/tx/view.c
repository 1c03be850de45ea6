#include "relayer/tx/task.h"

#include "abi/addr.h"
#include "abi/errors.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define HISTORY_BLOCKS 20
#define MAX_CODE       (512 * 1024)
/* OP stack predeploy GasPriceOracle: getL1Fee(bytes), getOperatorFee(uint256) */
static const struct addr20 gas_price_oracle = {{0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f}};
#define GET_L1_FEE       "\x49\x94\x8e\x0e"
#define GET_OPERATOR_FEE "\x27\x5a\xed\xd2"

void explain_revert(const struct txe_hooks *hooks, char *out, size_t size, struct bytes revert)
{
    if (hooks && hooks->explain) {
        hooks->explain(hooks->user, out, size, revert);
        return;
    }
    AUTO(auto_free) char *words = abi_error_words(revert);
    snprintf(out, size, "%s", words ? words : "reverted");
}

/* --- one batch for all that is asked before signing --- */

enum { Q_BLOCK, Q_NONCE, Q_PENDING, Q_BALANCE, Q_HISTORY, Q_TIP, Q_GAS_PRICE, Q_CALL, Q_ESTIMATE, NUM_Q };

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

static json_t *msg_params(const struct eth_msg *msg, bool with_block)
{
    json_t *o = json_pack("{s:o, s:o, s:o}", "from", hex_json(BYTES_OF(msg->from)), "to", hex_json(BYTES_OF(msg->to)),
                          "data", hex_json(msg->data));
    return with_block ? json_pack("[o, s]", o, "latest") : json_pack("[o]", o);
}

static size_t fill_items(struct rpc_item *items, const struct tx_settings *settings, struct addr20 account,
                         const struct eth_msg *msg)
{
    items[Q_BLOCK] = (struct rpc_item){.method = "eth_getBlockByNumber", .params = eth_params_block(ETH_AT_LATEST)};
    items[Q_NONCE] =
        (struct rpc_item){.method = "eth_getTransactionCount", .params = eth_params_account(account, ETH_AT_LATEST)};
    items[Q_PENDING] =
        (struct rpc_item){.method = "eth_getTransactionCount", .params = eth_params_account(account, ETH_AT_PENDING)};
    items[Q_BALANCE] =
        (struct rpc_item){.method = "eth_getBalance", .params = eth_params_account(account, ETH_AT_LATEST)};
    items[Q_HISTORY] =
        (struct rpc_item){.method = "eth_feeHistory",
                          .params = json_pack("[s, s, [i]]", "0x14", "latest", (int)settings->tip_percentile)};
    items[Q_TIP] = (struct rpc_item){.method = "eth_maxPriorityFeePerGas", .params = json_array()};
    items[Q_GAS_PRICE] = (struct rpc_item){.method = "eth_gasPrice", .params = json_array()};
    if (!msg)
        return Q_CALL;
    items[Q_CALL] = (struct rpc_item){.method = "eth_call", .params = msg_params(msg, true)};
    items[Q_ESTIMATE] = (struct rpc_item){.method = "eth_estimateGas", .params = msg_params(msg, false)};
    return NUM_Q;
}

/* What others pay: their tips of late, else the node's suggestion, else what its gas price leaves above the base fee.
 * Any of the three may be missing at some node; all zero on a quiet chain. */
static void read_prices(struct fee_view *out, const struct eth_block *head, const struct rpc_item *items)
{
    const json_t *history = items[Q_HISTORY].result, *reward = json_object_get(history, "reward"),
                 *base = json_object_get(history, "baseFeePerGas");
    struct u256 tips[HISTORY_BLOCKS], next_base;
    size_t n = 0;
    out->has_base_fee = head->has_base_fee;
    out->base_fee_wei = head->base_fee_wei;
    if (head->has_base_fee && json_array_size(base) &&
        eth_read_quantity(&next_base, json_array_get(base, json_array_size(base) - 1), "", NULL) &&
        !u256_is_zero(next_base))
        out->base_fee_wei = next_base;
    for (size_t i = 0; i < json_array_size(reward) && n < HISTORY_BLOCKS; i++)
        n += eth_read_quantity(&tips[n], json_array_get(json_array_get(reward, i), 0), "", NULL);
    out->tip_wei = fees_median_tip(tips, n);
    eth_read_quantity(&out->gas_price_wei, items[Q_GAS_PRICE].result, "", NULL);
    if (u256_is_zero(out->tip_wei) && !eth_read_quantity(&out->tip_wei, items[Q_TIP].result, "", NULL))
        u256_sub(&out->tip_wei, out->gas_price_wei, out->base_fee_wei);
}

static bool item_failed(const struct rpc_item *item, struct err *err)
{
    return err_set(err,
                   item->fault.class == RPC_TRANSIENT || item->fault.class == RPC_RATE_LIMITED ? ERR_NET : ERR_CHAIN,
                   "%s: %s", item->method, item->fault.text);
}

static bool refused_call(const struct txe_hooks *hooks, const struct rpc_item *item, struct err *err)
{
    char words[400];
    if (item->fault.class != RPC_REVERTED && !item->fault.has_revert)
        return item_failed(item, err);
    if (!item->fault.has_revert)
        return err_set(err, ERR_REFUSED, "the call would revert: %s", item->fault.text);
    explain_revert(hooks, words, sizeof words, bytes_from(item->fault.revert, item->fault.revert_len));
    return err_set(err, ERR_REFUSED, "the call would revert: %s", words);
}

static bool read_view(struct chain_view *v, const struct rpc_item *items, size_t n, const struct txe_hooks *hooks,
                      struct err *err)
{
    bool missing;
    for (size_t i = Q_BLOCK; i <= Q_BALANCE; i++)
        if (!items[i].result && i != Q_PENDING)
            return item_failed(&items[i], err);
    if (!eth_read_block(&v->head, &missing, items[Q_BLOCK].result, err) ||
        !eth_read_u64(&v->nonce_latest, items[Q_NONCE].result, "account nonce", err) ||
        !eth_read_quantity(&v->balance_wei, items[Q_BALANCE].result, "balance", err))
        return false;
    if (missing)
        return err_set(err, ERR_CHAIN, "the node has no latest block");
    /* the pool's count may lag behind the chain's, or fail */
    if (!eth_read_u64(&v->nonce_pending, items[Q_PENDING].result, "", NULL) || v->nonce_pending < v->nonce_latest)
        v->nonce_pending = v->nonce_latest;
    read_prices(&v->fees, &v->head, items);
    if (n <= Q_CALL)
        return true;
    if (!items[Q_CALL].result)
        return refused_call(hooks, &items[Q_CALL], err);
    if (!items[Q_ESTIMATE].result)
        return refused_call(hooks, &items[Q_ESTIMATE], err) || err_wrap(err, "gas estimate");
    return eth_read_u64(&v->gas_estimate, items[Q_ESTIMATE].result, "gas estimate", err);
}

bool view_read(struct rpc *rpc, struct chain_view *out, const struct tx_settings *settings,
               const struct txe_hooks *hooks, struct addr20 account, const struct eth_msg *msg, struct err *err)
{
    struct rpc_item *items = calloc(NUM_Q, sizeof *items);
    struct chain_view v = {0};
    if (!items)
        return err_set(err, ERR_NOMEM, "tx: no memory");
    size_t n = fill_items(items, settings, account, msg);
    bool ok = rpc_batch(rpc, items, n, 0, NULL, err) && read_view(&v, items, n, hooks, err);
    rpc_items_done(items, n);
    free(items);
    if (!ok)
        return false;
    if (msg && rpc_quorum(rpc) > 1) {
        AUTO(buf_done) struct buf answer = buf_new(1 << 20);
        struct rpc_fault fault;
        if (!eth_call(rpc, &answer, msg, ETH_AT_BLOCK(v.head.number), true, &fault, err))
            return false;
    }
    *out = v;
    return true;
}

/* --- gas --- */

bool gas_limit_for(uint64_t *out, const struct tx_settings *settings, const struct chain_view *view,
                   struct bytes calldata, struct err *err)
{
    uint64_t floor = settings->no_calldata_floor ? 21000 : fees_calldata_floor(calldata);
    uint64_t need = view->gas_estimate > floor ? view->gas_estimate : floor;
    uint64_t limit = need + need / 100 * settings->gas_margin_percent;
    uint64_t cap = view->head.gas_limit;
    const char *whose = "the block's gas limit";
    if (settings->gas_limit_max && settings->gas_limit_max < cap) {
        cap = settings->gas_limit_max;
        whose = "the limit per transaction (gas_limit_max; EIP-7825)";
    }
    if (need > cap)
        return err_set(err, ERR_REFUSED, "the call needs %llu gas, %s is %llu", (unsigned long long)need, whose,
                       (unsigned long long)cap);
    *out = limit < cap ? limit : cap;
    return true;
}

/* --- the OP stack's fees --- */

static bool ask_oracle(struct rpc *rpc, struct u256 *out, struct bytes call, const char *view, struct err *err)
{
    AUTO(buf_done) struct buf answer = buf_new(64);
    struct eth_msg msg = {.to = gas_price_oracle, .data = call};
    if (!eth_call(rpc, &answer, &msg, ETH_AT_LATEST, false, NULL, err))
        return err_wrap(err, "GasPriceOracle.%s", view);
    if (answer.len != 32)
        return err_set(err, ERR_CHAIN, "GasPriceOracle.%s answered %zu bytes, want 32; is this an OP-stack chain?", view,
                       answer.len);
    *out = u256_from_be32(answer.p);
    return true;
}

static void put_word(struct buf *out, uint64_t v)
{
    uint8_t word[32];
    u256_to_be32(word, u256_from(v));
    buf_put(out, BYTES(word));
}

static bool l1_fee(struct rpc *rpc, struct u256 *out, const struct tx *tx, struct err *err)
{
    AUTO(buf_done) struct buf payload = buf_new(TX_MAX_SIZE), call = buf_new(TX_MAX_SIZE + 128);
    if (!tx_signing_payload(&payload, tx, err))
        return false;
    buf_put(&call, BYTES_LIT(GET_L1_FEE));
    put_word(&call, 32);
    put_word(&call, payload.len);
    buf_put(&call, buf_view(&payload));
    buf_zero(&call, (32 - payload.len % 32) % 32);
    return buf_finish(&call, err) && ask_oracle(rpc, out, buf_view(&call), "getL1Fee", err);
}

/* Asked once, then known. */
static bool is_op_stack(struct rpc *rpc, bool *yes, struct tx_settings *settings, struct err *err)
{
    AUTO(buf_done) struct buf code = buf_new(MAX_CODE);
    if (settings->op_stack == TX_OP_STACK_ASK) {
        if (!eth_code(rpc, &code, gas_price_oracle, ETH_AT_LATEST, err))
            return err_wrap(err, "is this an OP-stack chain");
        settings->op_stack = code.len ? TX_OP_STACK_YES : TX_OP_STACK_NO;
    }
    *yes = settings->op_stack == TX_OP_STACK_YES;
    return true;
}

bool operator_fee_for(struct rpc *rpc, struct u256 *out, struct tx_settings *settings, uint64_t gas, struct err *err)
{
    AUTO(buf_done) struct buf call = buf_new(64);
    struct err why = {0};
    bool applies = false;
    *out = (struct u256){0};
    if (!is_op_stack(rpc, &applies, settings, err))
        return false;
    if (!applies)
        return true;
    buf_put(&call, BYTES_LIT(GET_OPERATOR_FEE));
    put_word(&call, gas);
    if (!buf_finish(&call, err))
        return false;
    /* an oracle from before Isthmus does not know it, and there is none to pay */
    if (ask_oracle(rpc, out, buf_view(&call), "getOperatorFee", &why) || why.code == ERR_REFUSED)
        return true;
    return err_set(err, why.code, "%s", why.text);
}

bool data_fee_for(struct rpc *rpc, struct u256 *out, struct tx_settings *settings, const struct tx *tx, struct err *err)
{
    struct u256 data = {0}, operators = {0};
    bool applies = false;
    *out = (struct u256){0};
    if (!is_op_stack(rpc, &applies, settings, err))
        return false;
    if (!applies)
        return true;
    if (!l1_fee(rpc, &data, tx, err) || !operator_fee_for(rpc, &operators, settings, tx->gas_limit, err))
        return err_wrap(err, "data fee");
    return u256_add(out, data, operators) || err_set(err, ERR_CHAIN, "data fee: more than 256 bits");
}
