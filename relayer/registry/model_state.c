#include "relayer/registry/model_state.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMAT    "cvm-registry-state/1"
#define STATE_MAX (256u << 20)
#define MAX_IDS   100000

struct registry_state registry_state_new(void)
{
    return (struct registry_state){.mem = arena_new(STATE_MAX)};
}

void registry_state_done(struct registry_state *s)
{
    arena_done(&s->mem);
    free(s->ids);
    free(s->used);
    *s = (struct registry_state){0};
}

const struct kept_identity *registry_state_find(const struct registry_state *s, struct hash32 id)
{
    for (size_t i = 0; i < s->num_ids; i++)
        if (hash32_eq(s->ids[i].id, id))
            return &s->ids[i];
    return NULL;
}

bool registry_state_is_used(const struct registry_state *s, struct hash32 report)
{
    for (size_t i = 0; i < s->num_used; i++)
        if (hash32_eq(s->used[i], report))
            return true;
    return false;
}

/* Room for one more; *items is malloc'd. */
static bool grow(void *items, size_t *cap, size_t count, size_t size)
{
    void **p = items;
    if (count < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = realloc(*p, more * size);
    if (!grown)
        return false;
    *p = grown;
    *cap = more;
    return true;
}

static void keep(struct registry_state *s, struct bytes *b, const struct bytes *old, bool *ok)
{
    if (!old || b->p != old->p) /* what is kept already stays where it is */
        *b = arena_copy(&s->mem, *b, ok);
}

bool registry_state_put(struct registry_state *s, const struct kept_identity *id)
{
    const struct kept_identity *found = registry_state_find(s, id->id);
    struct kept_identity copy = *id;
    bool ok = true;
    keep(s, &copy.key.data, found ? &found->key.data : NULL, &ok);
    keep(s, &copy.ak.data, found ? &found->ak.data : NULL, &ok);
    keep(s, &copy.tee_output, found ? &found->tee_output : NULL, &ok);
    if (!ok || (!found && !grow(&s->ids, &s->cap_ids, s->num_ids, sizeof *s->ids)))
        return false;
    size_t at = found ? (size_t)(found - s->ids) : s->num_ids++;
    s->ids[at] = copy;
    return true;
}

bool registry_state_mark_used(struct registry_state *s, struct hash32 report)
{
    if (!grow(&s->used, &s->cap_used, s->num_used, sizeof *s->used))
        return false;
    s->used[s->num_used++] = report;
    return true;
}

/* --- JSON --- */

static json_t *hex(struct bytes b)
{
    AUTO(auto_free) char *text = hex_0x(b);
    return text ? json_string(text) : NULL;
}

/* Numbers above 2^63 - 1 (a TTL may be) as decimal text. */
static json_t *number(uint64_t v)
{
    char text[24];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    return json_string(text);
}

static json_t *key_to_json(const struct kept_key *k)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:o}", "algo", k->algo, "params", k->params, "scheme", k->scheme, "hash",
                     k->hash_algo, "data", hex(k->data));
}

static json_t *identity_to_json(const struct kept_identity *id)
{
    json_t *o = json_object();
    json_object_set_new(o, "registered", json_boolean(kept_is_registered(id)));
    json_object_set_new(o, "nonce", number(id->nonce));
    if (!kept_is_registered(id))
        return o;
    json_object_set_new(o, "tee_type", json_integer(id->tee_type));
    json_object_set_new(o, "cloud_type", json_integer(id->cloud_type));
    json_object_set_new(o, "tee_ttl", number(id->tee_ttl_s));
    json_object_set_new(o, "tpm_ttl", number(id->tpm_ttl_s));
    json_object_set_new(o, "tee_recent", number(id->tee_recent_s));
    json_object_set_new(o, "tpm_recent", number(id->tpm_recent_s));
    json_object_set_new(o, "measurement_hash", hex(BYTES_OF(id->measurement_hash)));
    json_object_set_new(o, "identity", key_to_json(&id->key));
    json_object_set_new(o, "tpm_ak", key_to_json(&id->ak));
    json_object_set_new(o, "tee_output", hex(id->tee_output));
    return o;
}

json_t *registry_state_to_json(const struct registry_state *s)
{
    json_auto_t *doc = json_pack("{s:s, s:{}}", "format", FORMAT, "identities");
    json_t *ids = json_object_get(doc, "identities");
    for (size_t i = 0; i < s->num_ids; i++) {
        AUTO(auto_free) char *key = hex_0x(BYTES_OF(s->ids[i].id));
        if (key)
            json_object_set_new(ids, key, identity_to_json(&s->ids[i]));
    }
    if (s->num_used)
        json_object_set_new(doc, "used_reports", json_array());
    for (size_t i = 0; i < s->num_used; i++)
        json_array_append_new(json_object_get(doc, "used_reports"), hex(BYTES_OF(s->used[i])));
    return json_incref(doc);
}

/* A member that is being read: what it is called, and that it was. */
struct members {
    const json_t *object;
    size_t taken;
    struct err *err;
};

static const json_t *take(struct members *m, const char *name)
{
    const json_t *v = json_object_get(m->object, name);
    if (v)
        m->taken++;
    return v;
}

static bool take_u64(struct members *m, uint64_t *out, const char *name, uint64_t max, bool needed)
{
    const json_t *v = take(m, name);
    const char *text = json_string_value(v);
    if (!v)
        return !needed || err_set(m->err, ERR_FORMAT, "%s: not there", name);
    if (text)
        return u64_parse(out, bytes_str(text), max, m->err) || err_wrap(m->err, "%s", name);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
        return err_set(m->err, ERR_FORMAT, "%s: want a number of 0 to %llu", name, (unsigned long long)max);
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool take_u16(struct members *m, uint16_t *out, const char *name)
{
    uint64_t v = 0;
    if (!take_u64(m, &v, name, UINT16_MAX, false))
        return false;
    *out = (uint16_t)v;
    return true;
}

static bool take_hash(struct members *m, struct hash32 *out, const char *name)
{
    const char *text = json_string_value(take(m, name));
    if (!text)
        return err_set(m->err, ERR_FORMAT, "%s: not there, or no text", name);
    return hex_decode_fixed(out->b, sizeof out->b, bytes_str(text), m->err) || err_wrap(m->err, "%s", name);
}

static bool take_bytes(struct members *m, struct bytes *out, struct arena *mem, const char *name)
{
    AUTO(buf_done) struct buf raw = buf_new(1 << 22);
    const json_t *v = take(m, name);
    bool ok = true;
    *out = (struct bytes){0};
    if (!v)
        return true;
    if (!json_is_string(v))
        return err_set(m->err, ERR_FORMAT, "%s: no text", name);
    if (!hex_decode(&raw, bytes_str(json_string_value(v)), m->err))
        return err_wrap(m->err, "%s", name);
    *out = arena_copy(mem, buf_view(&raw), &ok);
    return ok || err_set(m->err, ERR_NOMEM, "%s: no memory", name);
}

static bool finish(const struct members *m)
{
    if (m->taken == json_object_size(m->object))
        return true;
    return err_set(m->err, ERR_FORMAT, "%zu members that mean nothing here", json_object_size(m->object) - m->taken);
}

static bool take_key(struct members *m, struct kept_key *out, struct arena *mem, const char *name)
{
    struct members k = {.object = take(m, name), .err = m->err};
    if (!k.object)
        return true;
    if (!json_is_object(k.object))
        return err_set(m->err, ERR_FORMAT, "%s: no object", name);
    return (take_u16(&k, &out->algo, "algo") && take_u16(&k, &out->params, "params") &&
            take_u16(&k, &out->scheme, "scheme") && take_u16(&k, &out->hash_algo, "hash") &&
            take_bytes(&k, &out->data, mem, "data") && finish(&k)) ||
           err_wrap(m->err, "%s", name);
}

static bool take_registered(struct members *m, bool *out)
{
    const json_t *v = take(m, "registered");
    *out = json_is_true(v);
    return json_is_boolean(v) || err_set(m->err, ERR_FORMAT, "registered: want true or false");
}

static bool take_types(struct members *m, struct kept_identity *id)
{
    uint64_t tee = 0, cloud = 0;
    if (!take_u64(m, &tee, "tee_type", TEE_SNP, true) || !take_u64(m, &cloud, "cloud_type", CLOUD_AZURE, true))
        return false;
    id->tee_type = (unsigned)tee;
    id->cloud_type = (unsigned)cloud;
    return cloud != 0 || err_set(m->err, ERR_FORMAT, "cloud_type: 0 means not registered");
}

static bool identity_from_json(struct kept_identity *id, struct arena *mem, const json_t *json, struct err *err)
{
    struct members m = {.object = json, .err = err};
    bool registered;
    if (!json_is_object(json))
        return err_set(err, ERR_FORMAT, "no object");
    if (!take_registered(&m, &registered) || !take_u64(&m, &id->nonce, "nonce", UINT64_MAX, true))
        return false;
    if (!registered)
        return finish(&m);
    return take_types(&m, id) && take_u64(&m, &id->tee_ttl_s, "tee_ttl", UINT64_MAX, true) &&
           take_u64(&m, &id->tpm_ttl_s, "tpm_ttl", UINT64_MAX, true) &&
           take_u64(&m, &id->tee_recent_s, "tee_recent", UINT64_MAX, true) &&
           take_u64(&m, &id->tpm_recent_s, "tpm_recent", UINT64_MAX, true) &&
           take_hash(&m, &id->measurement_hash, "measurement_hash") && take_key(&m, &id->key, mem, "identity") &&
           take_key(&m, &id->ak, mem, "tpm_ak") && take_bytes(&m, &id->tee_output, mem, "tee_output") && finish(&m);
}

static bool ids_from_json(struct registry_state *s, const json_t *ids, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(ids) || json_object_size(ids) > MAX_IDS)
        return err_set(err, ERR_FORMAT, "identities: want an object of at most %d", MAX_IDS);
    json_object_foreach((json_t *)(uintptr_t)ids, key, value)
    {
        struct kept_identity id = {0};
        if (!hex_decode_fixed(id.id.b, sizeof id.id.b, bytes_str(key), err) ||
            !identity_from_json(&id, &s->mem, value, err))
            return err_wrap(err, "identities: %s", key);
        if (!registry_state_put(s, &id))
            return err_set(err, ERR_NOMEM, "identities: no memory");
    }
    return true;
}

static bool used_from_json(struct registry_state *s, const json_t *list, struct err *err)
{
    if (list && !json_is_array(list))
        return err_set(err, ERR_FORMAT, "used_reports: no array");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct hash32 report;
        if (!text || !hex_decode_fixed(report.b, sizeof report.b, bytes_str(text), err))
            return err_set(err, ERR_FORMAT, "used_reports[%zu]: want 32 bytes as hex", i);
        if (!registry_state_mark_used(s, report))
            return err_set(err, ERR_NOMEM, "used_reports: no memory");
    }
    return true;
}

bool registry_state_from_json(struct registry_state *out, const json_t *json, struct err *err)
{
    AUTO(registry_state_done) struct registry_state s = registry_state_new();
    struct members m = {.object = json, .err = err};
    const char *format = json_string_value(take(&m, "format"));
    if (!format || strcmp(format, FORMAT) != 0)
        return err_set(err, ERR_FORMAT, "state: format is not %s", FORMAT);
    if (!ids_from_json(&s, take(&m, "identities"), err) || !used_from_json(&s, take(&m, "used_reports"), err) ||
        !finish(&m))
        return err_wrap(err, "state");
    *out = s;
    s = (struct registry_state){0};
    return true;
}
