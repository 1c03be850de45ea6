/* The dry run: what would be sent and what it would cost, for people, programs, `cast` and Safe. */
#include "relayer/tx/task.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/wei.h"

#include <stdio.h>
#include <stdlib.h>

static struct tx quote_tx(const struct tx_quote *q, const struct tx_intent *intent)
{
    return (struct tx){.type = q->fees.legacy ? TX_LEGACY : TX_DYNAMIC_FEE,
                       .chain_id = q->chain_id,
                       .nonce = q->nonce,
                       .gas_limit = q->gas_limit,
                       .max_fee_wei = q->fees.max_fee_wei,
                       .max_tip_wei = q->fees.max_tip_wei,
                       .to = intent->target,
                       .data = intent->calldata};
}

bool txe_quote(struct rpc *rpc, struct tx_quote *out, const struct tx_intent *intent, struct addr20 from,
               const struct tx_settings *given, const struct txe_hooks *hooks, struct err *err)
{
    struct tx_settings settings = tx_settings_resolve(given);
    struct eth_msg msg = {.has_from = true, .from = from, .to = intent->target, .data = intent->calldata};
    struct chain_view view;
    struct tx_quote q = {0};
    if (!rpc_chain_id(rpc, &q.chain_id, err) || !view_read(rpc, &view, &settings, hooks, from, &msg, err) ||
        !gas_limit_for(&q.gas_limit, &settings, &view, intent->calldata, err))
        return false;
    q.nonce = view.nonce_pending;
    q.gas_estimate = view.gas_estimate;
    q.base_fee_wei = view.fees.base_fee_wei;
    q.balance_wei = view.balance_wei;
    struct tx shape = quote_tx(&q, intent);
    if (!data_fee_for(rpc, &q.data_fee_wei, &settings, &shape, err))
        return false;
    enum fee_verdict verdict = fees_first(&q.fees, &settings.fees, &view.fees, q.gas_limit, q.data_fee_wei);
    if (!fees_worst_case(&q.worst_case_wei, &q.fees, q.gas_limit, q.data_fee_wei))
        return err_set(err, ERR_CHAIN, "a cost of more than 256 bits");
    if (verdict == FEE_BELOW_BASE)
        snprintf(q.note, sizeof q.note, "the configured caps lie below the base fee: it would not be mined now");
    else if (u256_cmp(q.balance_wei, q.worst_case_wei) < 0)
        snprintf(q.note, sizeof q.note, "the account does not hold what it may cost");
    else if (verdict == FEE_AT_CAP)
        snprintf(q.note, sizeof q.note, "the configured caps bind");
    else if (!settings.gas_limit_max)
        snprintf(q.note, sizeof q.note, "the chain's gas limit per transaction is not known (gas_limit_max)");
    *out = q;
    return true;
}

static void as_text(struct buf *out, const struct tx_quote *q, const struct tx_intent *intent, struct addr20 from,
                    const char *unsigned_hex)
{
    char to[ADDR_TEXT_SIZE], who[ADDR_TEXT_SIZE], a[WEI_TEXT_SIZE], b[WEI_TEXT_SIZE];
    buf_printf(out, "call        %s\nto          %s\nfrom        %s\nchain id    %llu\nnonce       %llu\n",
               intent->call, addr_text(to, intent->target), addr_text(who, from), (unsigned long long)q->chain_id,
               (unsigned long long)q->nonce);
    buf_printf(out, "gas         %llu (estimate %llu)\n", (unsigned long long)q->gas_limit,
               (unsigned long long)q->gas_estimate);
    if (q->fees.legacy)
        buf_printf(out, "gas price   %s\n", wei_format(a, q->fees.max_fee_wei));
    else
        buf_printf(out, "fee         at most %s per gas, of it %s tip (base fee now %s)\n",
                   wei_format(a, q->fees.max_fee_wei), wei_format(b, q->fees.max_tip_wei),
                   wei_format((char[WEI_TEXT_SIZE]){0}, q->base_fee_wei));
    if (!u256_is_zero(q->data_fee_wei))
        buf_printf(out, "data fee    %s\n", wei_format(a, q->data_fee_wei));
    buf_printf(out, "costs       at most %s (the account holds %s)\n", wei_format(a, q->worst_case_wei),
               wei_format(b, q->balance_wei));
    if (q->note[0])
        buf_printf(out, "note        %s\n", q->note);
    buf_text(out, "calldata    0x");
    buf_hex(out, intent->calldata);
    buf_printf(out, "\nunsigned    %s\n", unsigned_hex);
}

static json_t *hex_value(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

static json_t *addr_value(struct addr20 a)
{
    char text[ADDR_TEXT_SIZE];
    return json_string(addr_text(text, a));
}

static json_t *wei_value(struct u256 v)
{
    char text[U256_DEC_SIZE];
    return json_string(u256_dec(text, v));
}

/* Amounts are decimal texts in wei: they exceed what JSON numbers carry. */
static json_t *as_json(const struct tx_quote *q, const struct tx_intent *intent, struct addr20 from,
                       const char *unsigned_hex)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:s}",
                     "format", "cvm-tx-quote/1", "call", intent->call, "to", addr_value(intent->target), "from",
                     addr_value(from), "chain_id", (json_int_t)q->chain_id, "nonce", (json_int_t)q->nonce, "gas_limit",
                     (json_int_t)q->gas_limit, "gas_estimate", (json_int_t)q->gas_estimate, "type",
                     q->fees.legacy ? "legacy" : "eip1559", "max_fee_wei", wei_value(q->fees.max_fee_wei),
                     "max_tip_wei", wei_value(q->fees.max_tip_wei), "base_fee_wei", wei_value(q->base_fee_wei),
                     "data_fee_wei", wei_value(q->data_fee_wei), "worst_case_wei", wei_value(q->worst_case_wei),
                     "balance_wei", wei_value(q->balance_wei), "note", q->note, "calldata", hex_value(intent->calldata),
                     "unsigned", unsigned_hex);
}

static void as_cast(struct buf *out, const struct tx_quote *q, const struct tx_intent *intent, struct addr20 from)
{
    char to[ADDR_TEXT_SIZE], who[ADDR_TEXT_SIZE], fee[U256_DEC_SIZE], tip[U256_DEC_SIZE];
    buf_printf(out, "cast send --from %s --chain %llu --nonce %llu --gas-limit %llu --gas-price %s",
               addr_text(who, from), (unsigned long long)q->chain_id, (unsigned long long)q->nonce,
               (unsigned long long)q->gas_limit, u256_dec(fee, q->fees.max_fee_wei));
    if (q->fees.legacy)
        buf_text(out, " --legacy");
    else
        buf_printf(out, " --priority-gas-price %s", u256_dec(tip, q->fees.max_tip_wei));
    buf_printf(out, " %s 0x", addr_text(to, intent->target));
    buf_hex(out, intent->calldata);
    buf_text(out, "\n");
}

/* The file format of Safe's transaction builder, version 1.0. */
static json_t *as_safe(const struct tx_quote *q, const struct tx_intent *intent)
{
    char chain[24];
    snprintf(chain, sizeof chain, "%llu", (unsigned long long)q->chain_id);
    return json_pack("{s:s, s:s, s:{s:s}, s:[{s:o, s:s, s:o}]}", "version", "1.0", "chainId", chain, "meta", "name",
                     intent->call, "transactions", "to", addr_value(intent->target), "value", "0", "data",
                     hex_value(intent->calldata));
}

static bool put_json(struct buf *out, json_t *doc, struct err *err)
{
    json_auto_t *owned = doc;
    AUTO(auto_free) char *text = owned ? json_dumps(owned, JSON_INDENT(2)) : NULL;
    if (!text)
        return err_set(err, ERR_NOMEM, "dry run: no memory");
    buf_text(out, text);
    buf_text(out, "\n");
    return buf_finish(out, err);
}

bool txe_quote_format(struct buf *out, const struct tx_quote *q, const struct tx_intent *intent, struct addr20 from,
                      const char *format, struct err *err)
{
    AUTO(buf_done) struct buf payload = buf_new(TX_MAX_SIZE);
    struct tx tx = quote_tx(q, intent);
    if (!tx_signing_payload(&payload, &tx, err))
        return false;
    AUTO(auto_free) char *unsigned_hex = hex_0x(buf_view(&payload));
    if (!unsigned_hex)
        return err_set(err, ERR_NOMEM, "dry run: no memory");
    if (strcmp(format, "json") == 0)
        return put_json(out, as_json(q, intent, from, unsigned_hex), err);
    if (strcmp(format, "safe") == 0)
        return put_json(out, as_safe(q, intent), err);
    if (strcmp(format, "text") == 0)
        as_text(out, q, intent, from, unsigned_hex);
    else if (strcmp(format, "cast") == 0)
        as_cast(out, q, intent, from);
    else
        return err_set(err, ERR_USAGE, "--format %s: want text, json, cast or safe", format);
    return buf_finish(out, err);
}
