/* The golden measurement as JSON, and the difference of two. */
#include "relayer/registry/golden.h"

#include "abi/u256.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *hex(struct bytes b)
{
    AUTO(auto_free) char *text = hex_0x(b);
    return text ? json_string(text) : NULL;
}

/* A number where JSON can hold it, else its decimal text. */
static json_t *number(const struct hash32 *v)
{
    char text[U256_DEC_SIZE];
    struct u256 n = u256_from_be32(v->b);
    uint64_t small;
    if (u256_to_u64(&small, n) && small <= INT64_MAX)
        return json_integer((json_int_t)small);
    return json_string(u256_dec(text, n));
}

static json_t *pcr_to_json(const struct golden_pcr *p)
{
    json_auto_t *events = json_array();
    for (size_t i = 0; i < p->num_events; i++)
        json_array_append_new(
            events, json_pack("{s:o, s:o}", "index", number(&p->indices[i]), "digest", hex(BYTES_OF(p->events[i]))));
    return json_pack("{s:o, s:o, s:O}", "index", number(&p->index), "value", hex(BYTES_OF(p->value)), "events", events);
}

static bool is_snp(const struct golden *g)
{
    return !bytes_is_zero(BYTES_OF(g->snp));
}

json_t *golden_to_json(const struct golden *g)
{
    json_auto_t *doc = json_object(), *pcrs = json_array(), *tee = json_object();
    for (size_t i = 0; i < g->num_pcrs; i++)
        json_array_append_new(pcrs, pcr_to_json(&g->pcrs[i]));
    if (is_snp(g))
        json_object_set_new(tee, "measurement", hex(BYTES_OF(g->snp)));
    for (size_t i = 0; !is_snp(g) && i < TDX_NUM_VALUES; i++)
        json_object_set_new(tee, tdx_value_names[i], hex(BYTES_OF(g->tdx[i])));
    json_object_set_new(doc, "hash", hex(BYTES_OF(g->hash)));
    json_object_set(doc, "pcrs", pcrs);
    json_object_set(doc, is_snp(g) ? "snp" : "tdx", tee);
    return json_incref(doc);
}

/* --- reading --- */

static bool take_hex(void *out, size_t len, const json_t *json, const char *what, struct err *err)
{
    const char *text = json_string_value(json);
    if (!text)
        return err_set(err, ERR_FORMAT, "%s: not there, or no text", what);
    return hex_decode_fixed(out, len, bytes_str(text), err) || err_wrap(err, "%s", what);
}

static bool take_number(struct hash32 *out, const json_t *json, const char *what, struct err *err)
{
    const char *text = json_string_value(json);
    struct u256 v;
    if (json_is_integer(json) && json_integer_value(json) >= 0)
        v = u256_from((uint64_t)json_integer_value(json));
    else if (!text || !u256_parse(&v, bytes_str(text), NULL))
        return err_set(err, ERR_FORMAT, "%s: no number", what);
    u256_to_be32(out->b, v);
    return true;
}

static bool pcr_from_json(struct golden_pcr *out, struct arena *mem, const json_t *json, struct err *err)
{
    const json_t *events = json_object_get(json, "events");
    struct golden_pcr p = {.num_events = json_array_size(events)};
    if (p.num_events > BUNDLE_MAX_EVENTS)
        return err_set(err, ERR_FORMAT, "more than %d events", BUNDLE_MAX_EVENTS);
    p.events = arena_alloc(mem, p.num_events + 1, sizeof *p.events);
    p.indices = arena_alloc(mem, p.num_events + 1, sizeof *p.indices);
    if (!p.events || !p.indices)
        return err_set(err, ERR_NOMEM, "no memory");
    if (!take_number(&p.index, json_object_get(json, "index"), "index", err) ||
        !take_hex(p.value.b, sizeof p.value.b, json_object_get(json, "value"), "value", err))
        return false;
    for (size_t i = 0; i < p.num_events; i++) {
        const json_t *event = json_array_get(events, i);
        if (!take_number(&p.indices[i], json_object_get(event, "index"), "event index", err) ||
            !take_hex(p.events[i].b, sizeof p.events[i].b, json_object_get(event, "digest"), "event digest", err))
            return false;
    }
    *out = p;
    return true;
}

static bool tee_from_json(struct golden *g, const json_t *json, struct err *err)
{
    const json_t *tdx = json_object_get(json, "tdx"), *snp = json_object_get(json, "snp");
    if (!tdx == !snp)
        return err_set(err, ERR_FORMAT, "want \"tdx\" or \"snp\"");
    if (snp)
        return take_hex(g->snp.b, sizeof g->snp.b, json_object_get(snp, "measurement"), "snp.measurement", err);
    for (size_t i = 0; i < TDX_NUM_VALUES; i++)
        if (!take_hex(g->tdx[i].b, sizeof g->tdx[i].b, json_object_get(tdx, tdx_value_names[i]), tdx_value_names[i],
                      err))
            return false;
    return true;
}

bool golden_from_json(struct golden *out, struct arena *mem, const json_t *json, struct err *err)
{
    const json_t *pcrs = json_object_get(json, "pcrs");
    struct golden g = {.num_pcrs = json_array_size(pcrs)};
    struct hash32 said;
    if (!json_is_array(pcrs) || g.num_pcrs > BUNDLE_MAX_PCRS)
        return err_set(err, ERR_FORMAT, "measurement: \"pcrs\" is no array of at most %d", BUNDLE_MAX_PCRS);
    g.pcrs = arena_alloc(mem, g.num_pcrs + 1, sizeof *g.pcrs);
    if (!g.pcrs)
        return err_set(err, ERR_NOMEM, "measurement: no memory");
    for (size_t i = 0; i < g.num_pcrs; i++)
        if (!pcr_from_json(&g.pcrs[i], mem, json_array_get(pcrs, i), err))
            return err_wrap(err, "measurement: pcrs[%zu]", i);
    if (!tee_from_json(&g, json, err) || !take_hex(said.b, sizeof said.b, json_object_get(json, "hash"), "hash", err))
        return err_wrap(err, "measurement");
    if (!golden_seal(&g, err))
        return false;
    if (!hash32_eq(said, g.hash))
        return err_set(err, ERR_FORMAT, "measurement: its hash is not that of its values");
    *out = g;
    return true;
}

/* --- difference --- */

static void differ(json_t *list, const char *what, json_t *have, json_t *want)
{
    json_t *row = json_pack("{s:s}", "what", what);
    if (have)
        json_object_set_new(row, "have", have);
    if (want)
        json_object_set_new(row, "want", want);
    json_array_append_new(list, row);
}

static void diff48(json_t *list, const char *what, const struct hash48 *have, const struct hash48 *want)
{
    if (!hash48_eq(*have, *want))
        differ(list, what, hex(BYTES_OF(*have)), hex(BYTES_OF(*want)));
}

static char *pcr_name(char *out, size_t size, const struct golden_pcr *p)
{
    char index[U256_DEC_SIZE];
    snprintf(out, size, "pcr %s", u256_dec(index, u256_from_be32(p->index.b)));
    return out;
}

static void diff_events(json_t *list, const char *pcr, const struct golden_pcr *have, const struct golden_pcr *want)
{
    size_t n = have->num_events > want->num_events ? have->num_events : want->num_events;
    for (size_t i = 0; i < n; i++) {
        char what[200];
        const struct hash32 *h = i < have->num_events ? &have->events[i] : NULL;
        const struct hash32 *w = i < want->num_events ? &want->events[i] : NULL;
        bool moved = h && w && !hash32_eq(have->indices[i], want->indices[i]);
        if (h && w && hash32_eq(*h, *w) && !moved)
            continue;
        snprintf(what, sizeof what, "%s measured event %zu%s", pcr, i, moved ? " (another position in the log)" : "");
        differ(list, what, h ? hex(BYTES_OF(*h)) : NULL, w ? hex(BYTES_OF(*w)) : NULL);
    }
}

static const struct golden_pcr *find_pcr(const struct golden *g, const struct golden_pcr *like)
{
    for (size_t i = 0; i < g->num_pcrs; i++)
        if (hash32_eq(g->pcrs[i].index, like->index))
            return &g->pcrs[i];
    return NULL;
}

static void diff_pcrs(json_t *list, const struct golden *have, const struct golden *want)
{
    for (size_t i = 0; i < have->num_pcrs; i++) {
        const struct golden_pcr *h = &have->pcrs[i], *w = find_pcr(want, h);
        char name[100], what[120];
        pcr_name(name, sizeof name, h);
        snprintf(what, sizeof what, "%s value", name);
        if (!w || !hash32_eq(h->value, w->value))
            differ(list, w ? what : name, hex(BYTES_OF(h->value)), w ? hex(BYTES_OF(w->value)) : NULL);
        if (w)
            diff_events(list, name, h, w);
    }
    for (size_t i = 0; i < want->num_pcrs; i++) {
        char name[100];
        if (!find_pcr(have, &want->pcrs[i]))
            differ(list, pcr_name(name, sizeof name, &want->pcrs[i]), NULL, hex(BYTES_OF(want->pcrs[i].value)));
    }
}

json_t *golden_diff(const struct golden *have, const struct golden *want)
{
    json_t *list = json_array();
    if (!list || hash32_eq(have->hash, want->hash))
        return list;
    for (size_t i = 0; i < TDX_NUM_VALUES; i++)
        diff48(list, tdx_value_names[i], &have->tdx[i], &want->tdx[i]);
    diff48(list, "measurement", &have->snp, &want->snp);
    diff_pcrs(list, have, want);
    if (json_array_size(list) == 0) /* the same entries in another order, or one twice */
        differ(list, "order of pcrs", NULL, NULL);
    return list;
}
