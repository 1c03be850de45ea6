/* The bundle to its JSON: parts that are empty are left out, numbers that have a word are written as that word. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/bundle_names.h"

/* Values that are NULL for want of memory are refused by jansson; one of them makes the whole document NULL. */
struct writer {
    bool failed;
};

static void put(struct writer *w, json_t *o, const char *member, json_t *value)
{
    if (!o || json_object_set_new(o, member, value) != 0)
        w->failed = true;
}

static json_t *hex_json(struct bytes v)
{
    AUTO(auto_free) char *s = hex_0x(v);
    return s ? json_string(s) : NULL;
}

static void put_bytes(struct writer *w, json_t *o, const char *member, struct bytes v)
{
    if (v.len)
        put(w, o, member, hex_json(v));
}

static void put_word(struct writer *w, json_t *o, const char *member, const struct bundle_word *words, unsigned v)
{
    const char *word = bundle_word_of(words, v);
    put(w, o, member, word ? json_string(word) : json_integer(v));
}

static void put_list(struct writer *w, json_t *o, const char *member, const struct bytes *v, size_t n)
{
    if (n == 0)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, hex_json(v[i])) != 0)
            w->failed = true;
    put(w, o, member, list);
}

/* A part goes in when it has members (always: even then). */
static void put_part(struct writer *w, json_t *o, const char *member, json_t *part, bool always)
{
    if (always || json_object_size(part))
        put(w, o, member, part);
    else
        json_decref(part);
}

static json_t *identity_json(struct writer *w, const struct identity *id)
{
    json_t *o = json_object();
    put_word(w, o, "scheme", bundle_schemes, id->scheme);
    put_word(w, o, "curve", bundle_curves, id->params);
    put_word(w, o, "hash", bundle_hashes, id->hash_algo);
    unsigned usual = id->scheme == ALG_ECDSA ? ALG_ECC : id->scheme == ALG_RSASSA ? ALG_RSA : 0;
    if (id->algo != usual)
        put_word(w, o, "algo", bundle_algos, id->algo);
    put_bytes(w, o, "public_key", id->key);
    put_bytes(w, o, "raw", id->raw);
    return o;
}

static json_t *report_json(struct writer *w, const struct bundle *b)
{
    json_t *o = json_object();
    put_word(w, o, "type", bundle_report_types, b->report_type);
    put_bytes(w, o, "data", b->report);
    put_bytes(w, o, "proof", b->zk_proof);
    return o;
}

static json_t *pcr_json(struct writer *w, const struct bundle_pcr *p)
{
    json_t *o = json_object(), *events = json_array(), *measured = json_array();
    put(w, o, "index", json_integer(p->index));
    if (p->bank != HASH_SHA256)
        put(w, o, "bank", json_string(hash_name(p->bank)));
    put_bytes(w, o, "value", p->value);
    for (size_t i = 0; i < p->num_events; i++)
        w->failed |= json_array_append_new(events, hex_json(BYTES_OF(p->events[i]))) != 0;
    for (size_t i = 0; i < p->num_measured; i++)
        w->failed |= json_array_append_new(measured, json_integer(p->measured[i])) != 0;
    put(w, o, "events", events);
    put(w, o, "measured_events", measured);
    put(w, o, "measure_value", json_boolean(p->measure_value));
    return o;
}

static json_t *tpm_json(struct writer *w, const struct bundle *b)
{
    json_t *o = json_object();
    if (b->quote.p) /* an empty one is not the same as none */
        put(w, o, "quote", hex_json(b->quote));
    put_bytes(w, o, "signature", b->signature);
    if (b->num_pcrs) {
        json_t *list = json_array();
        for (size_t i = 0; i < b->num_pcrs; i++)
            w->failed |= json_array_append_new(list, pcr_json(w, &b->pcrs[i])) != 0;
        put(w, o, "pcrs", list);
    }
    return o;
}

static json_t *ak_json(struct writer *w, const struct bundle *b)
{
    json_t *o = json_object();
    put_bytes(w, o, "var_data", b->ak_var_data);
    put_list(w, o, "certs", b->ak_certs, b->num_ak_certs);
    put_bytes(w, o, "public", b->ak_public);
    return o;
}

static json_t *logs_json(struct writer *w, const struct bundle *b)
{
    json_t *o = json_object();
    put_bytes(w, o, "tcg", b->event_log);
    put_bytes(w, o, "ccel", b->ccel);
    put_bytes(w, o, "ima", b->ima_log);
    put_bytes(w, o, "cel", b->cel);
    return o;
}

static json_t *collateral_json(struct writer *w, const struct bundle *b)
{
    json_t *o = json_object(), *snp = json_object();
    if (b->tdx_collateral)
        put(w, o, "tdx", json_deep_copy(b->tdx_collateral));
    put_list(w, snp, "certs", b->snp_certs, b->num_snp_certs);
    put_part(w, o, "snp", snp, false);
    return o;
}

static void put_u64(struct writer *w, json_t *o, const char *member, uint64_t v)
{
    char text[21];
    snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    put(w, o, member, v > INT64_MAX ? json_string(text) : json_integer((json_int_t)v));
}

static json_t *call_json(struct writer *w, const struct bundle_call *c)
{
    json_t *o = json_object();
    put_word(w, o, "name", bundle_calls, c->kind);
    if (c->profile != PROFILE_NONE)
        put_word(w, o, "profile", bundle_profiles, c->profile);
    if (c->kind == CALL_REATTEST || c->kind == CALL_SET_TTL)
        put_bytes(w, o, "id", BYTES_OF(c->id));
    put_list(w, o, "signatures", c->signatures, c->num_signatures);
    if (c->kind == CALL_SET_TTL) {
        put_u64(w, o, "tee_ttl", c->tee_ttl_s);
        put_u64(w, o, "tpm_ttl", c->tpm_ttl_s);
    }
    return o;
}

json_t *bundle_to_json(const struct bundle *b)
{
    struct writer w = {0};
    json_auto_t *o = json_pack("{s:s}", "format", "cvm-evidence/1");
    if (b->cloud != CLOUD_UNSET)
        put_word(&w, o, "cloud", bundle_clouds, b->cloud);
    if (b->tee != TEE_NONE)
        put_word(&w, o, "tee", bundle_tees, b->tee);
    if (b->identity.present)
        put(&w, o, "identity", identity_json(&w, &b->identity));
    if (b->has_report)
        put(&w, o, "tee_report", report_json(&w, b));
    put_part(&w, o, "tpm", tpm_json(&w, b), false);
    put_bytes(&w, o, "report_id", b->report_id);
    put_part(&w, o, "ak", ak_json(&w, b), false);
    put_part(&w, o, "logs", logs_json(&w, b), false);
    put_part(&w, o, "collateral", collateral_json(&w, b), false);
    if (b->call.kind != CALL_NONE)
        put(&w, o, "call", call_json(&w, &b->call));
    return w.failed ? NULL : json_incref(o);
}
