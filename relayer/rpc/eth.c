#include "relayer/rpc/eth.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_AHEAD_S 900
#define MAX_LOGS    1000000

bool eth_is_devnet(uint64_t chain_id)
{
    return chain_id == 1337 || chain_id == 31337;
}

/* --- values --- */

static struct bytes text_of(const json_t *v)
{
    return bytes_from(json_string_value(v), json_string_length(v));
}

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

static json_t *u64_json(uint64_t v)
{
    char hex[U256_HEX_SIZE];
    return json_string(u256_hex(hex, u256_from(v)));
}

json_t *eth_at_json(struct eth_at at)
{
    switch (at.tag) {
    case ETH_LATEST:
        return json_string("latest");
    case ETH_PENDING:
        return json_string("pending");
    case ETH_SAFE:
        return json_string("safe");
    case ETH_FINALIZED:
        return json_string("finalized");
    case ETH_NUMBER:
        return u64_json(at.number);
    case ETH_HASH: /* EIP-1898 */
        return json_pack("{s:o}", "blockHash", hex_json(BYTES_OF(at.hash)));
    }
    return NULL;
}

json_t *eth_params_hash(struct hash32 hash)
{
    return json_pack("[o]", hex_json(BYTES_OF(hash)));
}

json_t *eth_params_account(struct addr20 account, struct eth_at at)
{
    return json_pack("[o, o]", hex_json(BYTES_OF(account)), eth_at_json(at));
}

json_t *eth_params_block(struct eth_at at)
{
    return json_pack("[o, b]", at.tag == ETH_HASH ? hex_json(BYTES_OF(at.hash)) : eth_at_json(at), 0);
}

bool eth_read_quantity(struct u256 *out, const json_t *v, const char *what, struct err *err)
{
    struct bytes text = text_of(v);
    if (!json_is_string(v) || text.len < 3 || text.p[0] != '0' || text.p[1] != 'x')
        return err_set(err, ERR_NET, "%s: want a hex quantity in the node's answer", what);
    if (!u256_parse(out, text, NULL))
        return err_set(err, ERR_NET, "%s: no hex quantity: %.80s", what, json_string_value(v));
    return true;
}

bool eth_read_u64(uint64_t *out, const json_t *v, const char *what, struct err *err)
{
    struct u256 wide;
    if (!eth_read_quantity(&wide, v, what, err))
        return false;
    return u256_to_u64(out, wide) || err_set(err, ERR_NET, "%s: more than 64 bits: %.80s", what, json_string_value(v));
}

static bool read_fixed(void *out, size_t len, const json_t *v, const char *what, struct err *err)
{
    if (!json_is_string(v) || !hex_decode_fixed(out, len, text_of(v), NULL))
        return err_set(err, ERR_NET, "%s: want %zu bytes of hex in the node's answer", what, len);
    return true;
}

bool eth_read_hash(struct hash32 *out, const json_t *v, const char *what, struct err *err)
{
    return read_fixed(out->b, sizeof out->b, v, what, err);
}

bool eth_read_block(struct eth_block *out, bool *missing, const json_t *v, struct err *err)
{
    struct eth_block b = {0};
    const json_t *base_fee = json_object_get(v, "baseFeePerGas");
    *missing = json_is_null(v);
    if (*missing)
        return true;
    if (!eth_read_u64(&b.number, json_object_get(v, "number"), "block number", err) ||
        !eth_read_hash(&b.hash, json_object_get(v, "hash"), "block hash", err) ||
        !eth_read_hash(&b.parent, json_object_get(v, "parentHash"), "block's parent", err) ||
        !eth_read_u64(&b.time_s, json_object_get(v, "timestamp"), "block time", err) ||
        !eth_read_u64(&b.gas_limit, json_object_get(v, "gasLimit"), "block gas limit", err))
        return false;
    b.has_base_fee = base_fee && !json_is_null(base_fee);
    if (b.has_base_fee && !eth_read_quantity(&b.base_fee_wei, base_fee, "base fee", err))
        return false;
    *out = b;
    return true;
}

static void optional_quantity(struct u256 *out, bool *has, const json_t *v)
{
    *has = json_is_string(v) && eth_read_quantity(out, v, "", NULL);
}

bool eth_read_receipt(struct eth_receipt *out, bool *missing, const json_t *v, struct err *err)
{
    struct eth_receipt r = {0};
    uint64_t status = 0;
    bool has_data_fee;
    *missing = json_is_null(v) || json_is_null(json_object_get(v, "blockHash")); /* some answer for pending ones */
    if (*missing)
        return true;
    if (!eth_read_hash(&r.tx_hash, json_object_get(v, "transactionHash"), "receipt: transaction hash", err) ||
        !eth_read_hash(&r.block_hash, json_object_get(v, "blockHash"), "receipt: block hash", err) ||
        !eth_read_u64(&r.block_number, json_object_get(v, "blockNumber"), "receipt: block number", err) ||
        !eth_read_u64(&r.gas_used, json_object_get(v, "gasUsed"), "receipt: gas used", err))
        return false;
    r.succeeded = eth_read_u64(&status, json_object_get(v, "status"), "", NULL) && status == 1;
    optional_quantity(&r.gas_price_wei, &r.has_gas_price, json_object_get(v, "effectiveGasPrice"));
    optional_quantity(&r.data_fee_wei, &has_data_fee, json_object_get(v, "l1Fee"));
    *out = r;
    return true;
}

/* --- calls --- */

/* --- when two nodes say the same: spelling aside --- */

static bool same_result(const json_t *a, const json_t *b)
{
    return json_equal(a, b);
}

/* Some leave out leading zeros, some do not. */
static bool same_quantity(const json_t *a, const json_t *b)
{
    struct u256 x, y;
    return eth_read_quantity(&x, a, "", NULL) && eth_read_quantity(&y, b, "", NULL) && u256_cmp(x, y) == 0;
}

/* Each client adds members of its own; the hash stands for all that counts, and the time is what we go by. */
static bool same_block(const json_t *a, const json_t *b)
{
    struct eth_block x, y;
    bool no_x, no_y;
    if (!eth_read_block(&x, &no_x, a, NULL) || !eth_read_block(&y, &no_y, b, NULL) || no_x != no_y)
        return false;
    return no_x || (x.number == y.number && hash32_eq(x.hash, y.hash) && x.time_s == y.time_s);
}

/* Nodes are a block or two apart at any moment: the lowest of as many heads as have to agree. */
static bool lowest_head(struct rpc *rpc, struct eth_at *at, struct err *err)
{
    struct eth_at low = *at;
    for (size_t nth = 0; nth < rpc_quorum(rpc); nth++) {
        struct rpc_item item = {.method = "eth_getBlockByNumber", .params = eth_params_block(*at)};
        struct eth_block b = {0};
        bool missing = false;
        bool ok = rpc_batch(rpc, &item, 1, nth, NULL, err) &&
                  (item.result ? eth_read_block(&b, &missing, item.result, err)
                               : err_set(err, ERR_NET, "%s: %s", item.method, item.fault.text));
        rpc_items_done(&item, 1);
        if (!ok)
            return false;
        if (missing)
            return err_set(err, ERR_CHAIN, "a node does not have the block that was asked for");
        if (nth == 0 || b.number < low.number)
            low = ETH_AT_BLOCK(b.number);
    }
    *at = low;
    return true;
}

bool eth_block(struct rpc *rpc, struct eth_block *out, struct eth_at at, bool *missing, struct err *err)
{
    json_auto_t *v = NULL;
    struct eth_block b;
    bool none, moves = at.tag != ETH_NUMBER && at.tag != ETH_HASH;
    const char *method = at.tag == ETH_HASH ? "eth_getBlockByHash" : "eth_getBlockByNumber";
    if (missing)
        *missing = false;
    if (moves && rpc_quorum(rpc) > 1 && !lowest_head(rpc, &at, err))
        return false;
    if (!rpc_call_quorum(rpc, &v, method, eth_params_block(at), same_block, NULL, err) || !eth_read_block(&b, &none, v, err))
        return false;
    if (none) {
        if (missing)
            *missing = true;
        return err_set(err, ERR_CHAIN, "the node does not have the block that was asked for");
    }
    uint64_t chain_id = 0;
    int64_t now_s = clock_now_s();
    if (rpc_chain_id(rpc, &chain_id, err) && !eth_is_devnet(chain_id) && (int64_t)b.time_s > now_s + MAX_AHEAD_S)
        return err_set(err, ERR_CHAIN, "block %llu is %lld s ahead of our clock; undecided: one of the two is wrong",
                       (unsigned long long)b.number, (long long)((int64_t)b.time_s - now_s));
    *out = b;
    return true;
}

bool eth_nonce(struct rpc *rpc, uint64_t *out, struct addr20 account, struct eth_at at, struct err *err)
{
    json_auto_t *v = NULL;
    return rpc_call_quorum(rpc, &v, "eth_getTransactionCount", eth_params_account(account, at), same_quantity, NULL, err) &&
           eth_read_u64(out, v, "account nonce", err);
}

bool eth_balance(struct rpc *rpc, struct u256 *out, struct addr20 account, struct eth_at at, struct err *err)
{
    json_auto_t *v = NULL;
    return rpc_call(rpc, &v, "eth_getBalance", eth_params_account(account, at), NULL, err) &&
           eth_read_quantity(out, v, "balance", err);
}

static bool read_bytes(struct buf *out, const json_t *v, const char *what, struct err *err)
{
    struct bytes text = text_of(v);
    if (!json_is_string(v) || text.len < 2 || text.p[0] != '0' || text.p[1] != 'x' || !hex_decode(out, text, NULL))
        return err_set(err, ERR_NET, "%s: want hex bytes in the node's answer", what);
    return buf_finish(out, err);
}

bool eth_code(struct rpc *rpc, struct buf *out, struct addr20 account, struct eth_at at, struct err *err)
{
    json_auto_t *v = NULL;
    return rpc_call_quorum(rpc, &v, "eth_getCode", eth_params_account(account, at), same_result, NULL, err) &&
           read_bytes(out, v, "code", err);
}

bool eth_storage(struct rpc *rpc, struct hash32 *out, struct addr20 account, struct hash32 slot, struct eth_at at,
                 struct err *err)
{
    json_auto_t *v = NULL;
    struct u256 word;
    json_t *params = json_pack("[o, o, o]", hex_json(BYTES_OF(account)), hex_json(BYTES_OF(slot)), eth_at_json(at));
    /* 32 bytes by the specification; some leave out leading zeros */
    if (!rpc_call_quorum(rpc, &v, "eth_getStorageAt", params, same_quantity, NULL, err) || !eth_read_quantity(&word, v, "storage", err))
        return false;
    u256_to_be32(out->b, word);
    return true;
}

static json_t *msg_json(const struct eth_msg *msg)
{
    /* "data" alone: every client takes it, and one refuses both names together */
    json_t *o = json_pack("{s:o, s:o}", "to", hex_json(BYTES_OF(msg->to)), "data", hex_json(msg->data));
    if (o && msg->has_from)
        json_object_set_new(o, "from", hex_json(BYTES_OF(msg->from)));
    if (o && msg->gas)
        json_object_set_new(o, "gas", u64_json(msg->gas));
    return o;
}

/* A revert is the contract's answer, not a failure of the node. */
static bool refused(const struct rpc_fault *fault, struct err *err)
{
    if (fault->from_node && fault->class == RPC_REVERTED && err)
        err->code = ERR_REFUSED;
    return false;
}

bool eth_call(struct rpc *rpc, struct buf *out, const struct eth_msg *msg, struct eth_at at, bool decides,
              struct rpc_fault *fault, struct err *err)
{
    json_auto_t *v = NULL;
    struct rpc_fault here;
    fault = fault ? fault : &here;
    json_t *params = json_pack("[o, o]", msg_json(msg), eth_at_json(at));
    bool ok = decides ? rpc_call_quorum(rpc, &v, "eth_call", params, same_result, fault, err)
                      : rpc_call(rpc, &v, "eth_call", params, fault, err);
    return ok ? read_bytes(out, v, "eth_call", err) : refused(fault, err);
}

/* --- logs --- */

void eth_logs_done(struct eth_logs *logs)
{
    free(logs->item);
    *logs = (struct eth_logs){0};
}

static bool read_log(struct eth_log *out, const json_t *v, struct err *err)
{
    const json_t *topics = json_object_get(v, "topics");
    struct eth_log log = {.removed = json_is_true(json_object_get(v, "removed")),
                          .num_topics = json_array_size(topics)};
    if (log.num_topics > 4)
        return err_set(err, ERR_NET, "log with %zu topics", log.num_topics);
    for (size_t i = 0; i < log.num_topics; i++)
        if (!eth_read_hash(&log.topic[i], json_array_get(topics, i), "log topic", err))
            return false;
    if (!read_fixed(log.address.b, sizeof log.address.b, json_object_get(v, "address"), "log address", err) ||
        !eth_read_hash(&log.tx_hash, json_object_get(v, "transactionHash"), "log: transaction", err) ||
        !eth_read_hash(&log.block_hash, json_object_get(v, "blockHash"), "log: block", err) ||
        !eth_read_u64(&log.block_number, json_object_get(v, "blockNumber"), "log: block number", err) ||
        !eth_read_u64(&log.index, json_object_get(v, "logIndex"), "log index", err))
        return false;
    *out = log;
    return true;
}

static json_t *filter_json(struct addr20 contract, const struct hash32 *topics, size_t num_topics, uint64_t from_block,
                           uint64_t to_block)
{
    json_t *list = json_array();
    for (size_t i = 0; i < num_topics; i++)
        json_array_append_new(list, hex_json(BYTES_OF(topics[i])));
    return json_pack("[{s:o, s:o, s:o, s:o}]", "address", hex_json(BYTES_OF(contract)), "topics", list, "fromBlock",
                     u64_json(from_block), "toBlock", u64_json(to_block));
}

bool eth_logs(struct rpc *rpc, struct eth_logs *out, struct addr20 contract, const struct hash32 *topics,
              size_t num_topics, uint64_t from_block, uint64_t to_block, struct rpc_fault *fault, struct err *err)
{
    json_auto_t *v = NULL;
    AUTO(eth_logs_done) struct eth_logs logs = {0};
    if (!rpc_call(rpc, &v, "eth_getLogs", filter_json(contract, topics, num_topics, from_block, to_block), fault, err))
        return false;
    if (!json_is_array(v) || json_array_size(v) > MAX_LOGS)
        return err_set(err, ERR_NET, "eth_getLogs: no list, or more than %d logs", MAX_LOGS);
    if (json_array_size(v) && !(logs.item = calloc(json_array_size(v), sizeof *logs.item)))
        return err_set(err, ERR_NOMEM, "eth_getLogs: no memory");
    for (; logs.count < json_array_size(v); logs.count++)
        if (!read_log(&logs.item[logs.count], json_array_get(v, logs.count), err))
            return false;
    *out = logs;
    logs = (struct eth_logs){0};
    return true;
}
