/* The outcome of a call as a document. */
#include "relayer/relay.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/status.h"
#include "relayer/wei.h"

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

static json_t *tx_json(const struct tx_status *tx)
{
    char cost[WEI_TEXT_SIZE], when[21];
    json_t *doc = json_pack("{s:I, s:s, s:b, s:i}", "intent", (json_int_t)tx->id, "state", txm_phase_name(tx->phase), "joined", tx->joined,
                            "attempts", (int)tx->num_attempts);
    if (tx->has_hash)
        json_object_set_new(doc, "hash", hex_json(BYTES_OF(tx->hash)));
    if (tx->has_nonce)
        json_object_set_new(doc, "nonce", json_integer((json_int_t)tx->nonce));
    if (tx->block) {
        json_object_set_new(doc, "block", json_integer((json_int_t)tx->block));
        json_object_set_new(doc, "block_time", json_string(time_format(when, tx->block_time_s)));
        json_object_set_new(doc, "gas_used", json_integer((json_int_t)tx->gas_used));
        json_object_set_new(doc, "cost", json_string(wei_format(cost, tx->cost_wei)));
    }
    if (tx->note[0])
        json_object_set_new(doc, "note", json_string(tx->note));
    return doc;
}

static const char *result_name(const struct relay_outcome *out, const struct err *error)
{
    if (error)
        return error->code == ERR_REFUSED || error->code == ERR_FORMAT || error->code == ERR_CRYPTO ? "refused" : "failed";
    switch (out->result) {
    case RELAY_ALREADY:
        return "already";
    case RELAY_DRY_RUN:
        return "dry_run";
    case RELAY_SENT:
        return "done";
    }
    return "failed";
}

json_t *relay_answers_json(const char *predicted, const char *answered, bool differs)
{
    return json_pack("{s:s, s:s, s:b}", "predicted", predicted, "node", answered, "differs", differs);
}

json_t *relay_outcome_json(const struct relay *r, const struct relay_outcome *out, enum call_kind call, const struct err *error)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:o}", "format", "cvm-outcome/1", "outcome", result_name(out, error), "call", call_name(call),
                            "identity_hash", hex_json(BYTES_OF(out->id)));
    if (!doc)
        return NULL;
    if (error)
        json_object_set_new(doc, "error", json_pack("{s:s, s:s, s:b}", "code", err_name(error->code), "message", error->text, "retry",
                                                    err_retry(error->code)));
    if (out->words[0])
        json_object_set_new(doc, "words", json_string(out->words));
    if (!hash32_is_zero(out->old_id) && !hash32_eq(out->old_id, out->id))
        json_object_set_new(doc, "old_identity_hash", hex_json(BYTES_OF(out->old_id)));
    if (out->verdict)
        json_object_set(doc, "verdict", out->verdict);
    if (out->predicted[0])
        json_object_set_new(doc, "registry", relay_answers_json(out->predicted, out->answered, out->differs));
    if (out->has_tx)
        json_object_set_new(doc, "transaction", tx_json(&out->tx));
    if (out->has_row)
        json_object_set_new(doc, "status", status_row_json(&r->session, &out->read.after, (int64_t)out->read.block.time_s));
    return doc;
}
