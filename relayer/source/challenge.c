#include "relayer/source/challenge.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>

json_t *challenge_to_json(const struct challenge *c)
{
    AUTO(auto_free) char *registry = hex_0x(BYTES_OF(c->registry)), *id = hex_0x(BYTES_OF(c->identity_hash));
    AUTO(auto_free) char *key = hex_0x(c->public_key), *extra = hex_0x(BYTES(c->extra_data));
    if (!registry || !id || !key || !extra)
        return NULL;
    char chain_id[24], nonce[24];
    snprintf(chain_id, sizeof chain_id, "%llu", (unsigned long long)c->chain_id);
    snprintf(nonce, sizeof nonce, "%llu", (unsigned long long)c->nonce);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", "cvm-challenge/1", "call", call_name(c->call), "profile",
                     profile_name(c->profile), "chain_id", chain_id, "registry", registry, "nonce", nonce, "identity_hash", id,
                     "public_key", key, "extra_data", extra);
}

bool challenge_to_env(struct challenge_env *out, const struct challenge *c, struct err *err)
{
    json_auto_t *doc = challenge_to_json(c);
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach(doc, name, value) {
        if (strcmp(name, "format") == 0 || n == CHALLENGE_VARS)
            continue;
        char upper[32];
        size_t i = 0;
        for (; name[i] && i < sizeof upper - 1; i++)
            upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
        upper[i] = '\0';
        snprintf(out->text[n], sizeof out->text[0], "CVM_%s=%s", upper, json_string_value(value));
        out->env[n] = out->text[n];
        n++;
    }
    out->env[n] = NULL;
    return doc ? true : err_set(err, ERR_NOMEM, "challenge: no memory");
}

/* --- back --- */

static const char *member(const json_t *doc, const char *name, struct err *err)
{
    const char *text = json_string_value(json_object_get(doc, name));
    if (!text)
        err_set(err, ERR_FORMAT, "challenge: %s: want text", name);
    return text;
}

static bool read_number(uint64_t *out, const json_t *doc, const char *name, struct err *err)
{
    const char *text = member(doc, name, err);
    return text && (u64_parse(out, bytes_str(text), UINT64_MAX, err) || err_wrap(err, "challenge: %s", name));
}

static bool read_fixed(void *out, size_t len, const json_t *doc, const char *name, struct err *err)
{
    const char *text = member(doc, name, err);
    return text && (hex_decode_fixed(out, len, bytes_str(text), err) || err_wrap(err, "challenge: %s", name));
}

static bool read_call(enum call_kind *out, const json_t *doc, struct err *err)
{
    const char *text = member(doc, "call", err);
    for (enum call_kind c = CALL_ATTEST; text && c <= CALL_REATTEST; c++)
        if (strcmp(text, call_name(c)) == 0) {
            *out = c;
            return true;
        }
    return text ? err_set(err, ERR_FORMAT, "challenge: call '%.40s': want attestCvm or reattestCvmWithTpm", text) : false;
}

static bool read_profile(enum profile *out, const json_t *doc, struct err *err)
{
    const char *text = member(doc, "profile", err);
    return text && (profile_from_name(out, text) || err_set(err, ERR_FORMAT, "challenge: profile '%.20s': want g1a, g1b or g1c", text));
}

static bool read_key(struct bytes *out, struct arena *mem, const json_t *doc, struct err *err)
{
    const char *text = member(doc, "public_key", err);
    AUTO(buf_done) struct buf key = buf_new(600);
    if (!text || !hex_decode(&key, bytes_str(text), err))
        return text ? err_wrap(err, "challenge: public_key") : false;
    bool ok = true;
    *out = arena_copy(mem, buf_view(&key), &ok);
    return ok || err_set(err, ERR_NOMEM, "challenge: no memory");
}

bool challenge_from_json(struct challenge *out, struct arena *mem, const json_t *doc, struct err *err)
{
    struct challenge c = {0};
    const char *format = member(doc, "format", err);
    if (!format)
        return false;
    if (strcmp(format, "cvm-challenge/1") != 0)
        return err_set(err, ERR_FORMAT, "challenge: format '%.40s': want cvm-challenge/1", format);
    if (!read_call(&c.call, doc, err) || !read_profile(&c.profile, doc, err) || !read_number(&c.chain_id, doc, "chain_id", err) ||
        !read_fixed(c.registry.b, sizeof c.registry.b, doc, "registry", err) || !read_number(&c.nonce, doc, "nonce", err) ||
        !read_fixed(c.identity_hash.b, sizeof c.identity_hash.b, doc, "identity_hash", err) || !read_key(&c.public_key, mem, doc, err) ||
        !read_fixed(c.extra_data, sizeof c.extra_data, doc, "extra_data", err))
        return false;
    *out = c;
    return true;
}
