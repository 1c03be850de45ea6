/* Bundle JSON to the bundle. Every object says which members it may have; the first failure sticks and names its member. */
#include "crypto/base/auto.h"
#include "crypto/base/near.h"
#include "crypto/base/text.h"
#include "relayer/evidence/bundle_names.h"

#include <stdlib.h>

struct loader {
    struct bundle *b;
    struct err *err;
    bool failed;
};

static void fail(struct loader *l, const char *path, const char *what)
{
    if (!l->failed)
        err_set(l->err, ERR_FORMAT, "%s: %s", path, what);
    l->failed = true;
}

static const char *path_of(char *out, size_t size, const char *path, const char *member)
{
    snprintf(out, size, "%s%s%s", path, *path ? "." : "", member);
    return out;
}

static bool among(const char *key, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, key) == 0)
            return true;
    return false;
}

static void unknown_member(struct loader *l, const char *path, const char *key, const char *const *names)
{
    struct near_word best = {0};
    char where[120], hint[120], what[160];
    for (; *names; names++)
        near_try(&best, key, *names);
    snprintf(what, sizeof what, "unknown member%s", near_hint(hint, sizeof hint, &best, ""));
    fail(l, path_of(where, sizeof where, path, key), what);
}

/* The object itself, its members all among the names; NULL when absent or wrong. */
static const json_t *object(struct loader *l, const char *path, const json_t *j, const char *const *names)
{
    if (!j || l->failed)
        return NULL;
    if (!json_is_object(j)) {
        fail(l, path, "want an object");
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)j, key, value) {
        if (!among(key, names)) {
            unknown_member(l, path, key, names);
            return NULL;
        }
    }
    return j;
}
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct bytes copied(struct loader *l, struct bytes in)
{
    bool ok = true;
    struct bytes out = arena_copy(&l->b->mem, in, &ok);
    if (!ok)
        fail(l, "bundle", "more than 16 MiB, or no memory");
    return out;
}

static struct bytes from_hex(struct loader *l, const char *where, struct bytes text)
{
    struct err why = {0};
    size_t len = (text.len - 2) / 2;
    uint8_t *p = arena_alloc(&l->b->mem, len ? len : 1, 1);
    if (!p)
        fail(l, where, "more than 16 MiB, or no memory");
    else if (text.len % 2)
        fail(l, where, "hex: odd number of digits");
    else if (!hex_decode_fixed(p, len, text, &why))
        fail(l, where, why.text);
    return l->failed ? (struct bytes){0} : bytes_from(p, len);
}

static struct bytes from_base64(struct loader *l, const char *where, struct bytes text)
{
    AUTO(buf_done) struct buf b = buf_new(text.len);
    struct err why = {0};
    if (!base64_decode(&b, text, &why)) {
        fail(l, where, why.text);
        return (struct bytes){0};
    }
    return copied(l, buf_view(&b));
}

/* "0x" and hex digits, else base64; present says whether there is such a member at all. */
static struct bytes binary_value(struct loader *l, const char *where, const json_t *j)
{
    if (!j || l->failed)
        return (struct bytes){0};
    if (!json_is_string(j)) {
        fail(l, where, "want 0x hex or base64 text");
        return (struct bytes){0};
    }
    struct bytes text = bytes_from(json_string_value(j), json_string_length(j));
    if (text.len >= 2 && text.p[0] == '0' && text.p[1] == 'x')
        return from_hex(l, where, text);
    return from_base64(l, where, text);
}

static struct bytes binary(struct loader *l, const char *path, const json_t *o, const char *member)
{
    char where[120];
    return binary_value(l, path_of(where, sizeof where, path, member), json_object_get(o, member));
}

/* A number from 0 to max; 0 where it is absent. */
static uint64_t number(struct loader *l, const char *path, const json_t *o, const char *member, uint64_t max)
{
    const json_t *j = json_object_get(o, member);
    if (!j || l->failed)
        return 0;
    char where[120], what[80];
    path_of(where, sizeof where, path, member);
    uint64_t v = 0;
    bool ok = json_is_integer(j) && json_integer_value(j) >= 0;
    if (ok)
        v = (uint64_t)json_integer_value(j);
    else if (json_is_string(j)) /* what JSON's own numbers cannot hold */
        ok = u64_parse(&v, bytes_from(json_string_value(j), json_string_length(j)), UINT64_MAX, NULL);
    if (!ok || v > max) {
        snprintf(what, sizeof what, "want a whole number, at most %llu", (unsigned long long)max);
        fail(l, where, what);
        return 0;
    }
    return v;
}

/* A word of the list, or (numbers) a number; absent: what stands for it. */
static unsigned word(struct loader *l, const char *path, const json_t *o, const char *member, const struct bundle_word *words,
                     bool numbers, unsigned absent)
{
    const json_t *j = json_object_get(o, member);
    if (!j || l->failed)
        return absent;
    if (numbers && json_is_integer(j))
        return (unsigned)number(l, path, o, member, UINT16_MAX);
    for (const struct bundle_word *w = words; json_is_string(j) && w->word; w++)
        if (strcmp(w->word, json_string_value(j)) == 0 && json_string_length(j) == strlen(w->word))
            return w->value;
    char where[120], what[160] = "want one of";
    for (const struct bundle_word *w = words; w->word; w++) {
        size_t n = strlen(what);
        snprintf(what + n, sizeof what - n, "%s %s", w == words ? "" : ",", w->word);
    }
    fail(l, path_of(where, sizeof where, path, member), what);
    return absent;
}

static bool flag(struct loader *l, const char *path, const json_t *o, const char *member)
{
    const json_t *j = json_object_get(o, member);
    char where[120];
    if (j && !json_is_boolean(j))
        fail(l, path_of(where, sizeof where, path, member), "want true or false");
    return json_is_true(j);
}

/* Its length; 0 where it is absent or wrong. */
static size_t array(struct loader *l, const char *path, const json_t *o, const char *member, size_t max, const json_t **out)
{
    const json_t *j = json_object_get(o, member);
    *out = j;
    if (!j || l->failed)
        return 0;
    char where[120], what[60];
    path_of(where, sizeof where, path, member);
    if (!json_is_array(j))
        fail(l, where, "want an array");
    if (!l->failed && json_array_size(j) > max) {
        snprintf(what, sizeof what, "%zu items, at most %zu", json_array_size(j), max);
        fail(l, where, what);
    }
    return l->failed ? 0 : json_array_size(j);
}

static void *space(struct loader *l, size_t n, size_t size)
{
    void *p = n ? arena_alloc(&l->b->mem, n, size) : NULL;
    if (n && !p)
        fail(l, "bundle", "more than 16 MiB, or no memory");
    return p;
}

static struct bytes *binaries(struct loader *l, const char *path, const json_t *o, const char *member, size_t max, size_t *count)
{
    const json_t *list;
    size_t n = array(l, path, o, member, max, &list);
    struct bytes *out = space(l, n, sizeof *out);
    char where[120];
    for (size_t i = 0; i < n && !l->failed; i++) {
        snprintf(where, sizeof where, "%s.%s[%zu]", path, member, i);
        out[i] = binary_value(l, where, json_array_get(list, i));
    }
    *count = l->failed ? 0 : n;
    return out;
}

/* --- the parts --- */

static void read_identity(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "identity", j, NAMES("scheme", "curve", "hash", "public_key", "raw", "algo"));
    if (!o)
        return;
    struct identity *id = &l->b->identity;
    id->present = true;
    id->scheme = (uint16_t)word(l, "identity", o, "scheme", bundle_schemes, true, 0);
    id->params = (uint16_t)word(l, "identity", o, "curve", bundle_curves, true, 0);
    id->hash_algo = (uint16_t)word(l, "identity", o, "hash", bundle_hashes, true, 0);
    unsigned usual = id->scheme == ALG_ECDSA ? ALG_ECC : id->scheme == ALG_RSASSA ? ALG_RSA : 0;
    id->algo = (uint16_t)word(l, "identity", o, "algo", bundle_algos, true, usual);
    id->key = binary(l, "identity", o, "public_key");
    id->raw = binary(l, "identity", o, "raw");
}

static void read_report(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "tee_report", j, NAMES("type", "data", "proof"));
    if (!o)
        return;
    l->b->has_report = true;
    l->b->report_type = (enum report_type)word(l, "tee_report", o, "type", bundle_report_types, false, REPORT_NATIVE);
    l->b->report = binary(l, "tee_report", o, "data");
    l->b->zk_proof = binary(l, "tee_report", o, "proof");
}

static void read_events(struct loader *l, struct bundle_pcr *p, const char *path, const json_t *o)
{
    const json_t *list;
    char where[120];
    size_t n = array(l, path, o, "events", BUNDLE_MAX_EVENTS, &list);
    p->events = space(l, n, sizeof *p->events);
    for (size_t i = 0; i < n && !l->failed; i++) {
        snprintf(where, sizeof where, "%s.events[%zu]", path, i);
        struct bytes v = binary_value(l, where, json_array_get(list, i));
        if (v.len != 32)
            fail(l, where, "want 32 bytes");
        else
            memcpy(p->events[i].b, v.p, 32);
    }
    p->num_events = n;
}

static void read_measured(struct loader *l, struct bundle_pcr *p, const char *path, const json_t *o)
{
    const json_t *list;
    char where[120];
    size_t n = array(l, path, o, "measured_events", BUNDLE_MAX_EVENTS, &list);
    p->measured = space(l, n, sizeof *p->measured);
    for (size_t i = 0; i < n && !l->failed; i++) {
        const json_t *v = json_array_get(list, i);
        snprintf(where, sizeof where, "%s.measured_events[%zu]", path, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX)
            fail(l, where, "want a whole number");
        else
            p->measured[i] = (uint32_t)json_integer_value(v);
    }
    p->num_measured = n;
}

static void read_pcr(struct loader *l, struct bundle_pcr *p, const char *path, const json_t *j)
{
    const json_t *o = object(l, path, j, NAMES("index", "bank", "value", "events", "measured_events", "measure_value"));
    if (!o)
        return;
    char where[120], what[60];
    if (!json_object_get(o, "index"))
        fail(l, path_of(where, sizeof where, path, "index"), "missing");
    p->index = (uint32_t)number(l, path, o, "index", UINT32_MAX);
    p->bank = HASH_SHA256;
    const json_t *bank = json_object_get(o, "bank");
    if (bank) {
        p->bank = json_is_string(bank) ? hash_from_name(json_string_value(bank)) : HASH_NONE;
        if (p->bank == HASH_NONE)
            fail(l, path_of(where, sizeof where, path, "bank"), "want sha1, sha256, sha384 or sha512");
    }
    p->value = binary(l, path, o, "value");
    if (!l->failed && p->value.len != hash_size(p->bank)) {
        snprintf(what, sizeof what, "want %zu bytes, have %zu", hash_size(p->bank), p->value.len);
        fail(l, path_of(where, sizeof where, path, "value"), what);
    }
    read_events(l, p, path, o);
    read_measured(l, p, path, o);
    p->measure_value = flag(l, path, o, "measure_value");
}

static void read_tpm(struct loader *l, const json_t *j)
{
    const json_t *list, *o = object(l, "tpm", j, NAMES("quote", "signature", "pcrs"));
    if (!o)
        return;
    struct bundle *b = l->b;
    b->quote = binary(l, "tpm", o, "quote");
    b->signature = binary(l, "tpm", o, "signature");
    size_t n = array(l, "tpm", o, "pcrs", BUNDLE_MAX_PCRS, &list);
    b->pcrs = space(l, n, sizeof *b->pcrs);
    char path[40];
    for (size_t i = 0; i < n && !l->failed; i++) {
        snprintf(path, sizeof path, "tpm.pcrs[%zu]", i);
        read_pcr(l, &b->pcrs[i], path, json_array_get(list, i));
    }
    b->num_pcrs = l->failed ? 0 : n;
}

/* ak.public may be PEM as it stands */
static struct bytes public_key(struct loader *l, const json_t *o)
{
    const json_t *j = json_object_get(o, "public");
    if (json_is_string(j) && strncmp(json_string_value(j), "-----BEGIN ", 11) == 0)
        return copied(l, bytes_from(json_string_value(j), json_string_length(j)));
    return binary(l, "ak", o, "public");
}

static void read_ak(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "ak", j, NAMES("var_data", "certs", "public"));
    if (!o)
        return;
    l->b->ak_var_data = binary(l, "ak", o, "var_data");
    l->b->ak_certs = binaries(l, "ak", o, "certs", BUNDLE_MAX_CERTS, &l->b->num_ak_certs);
    l->b->ak_public = public_key(l, o);
}

static void read_logs(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "logs", j, NAMES("tcg", "ccel", "ima", "cel"));
    if (!o)
        return;
    l->b->event_log = binary(l, "logs", o, "tcg");
    l->b->ccel = binary(l, "logs", o, "ccel");
    l->b->ima_log = binary(l, "logs", o, "ima");
    l->b->cel = binary(l, "logs", o, "cel");
}

static void read_collateral(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "collateral", j, NAMES("tdx", "snp"));
    if (!o)
        return;
    json_t *tdx = json_object_get(o, "tdx");
    if (tdx && !json_is_object(tdx))
        fail(l, "collateral.tdx", "want an object");
    else if (tdx)
        l->b->tdx_collateral = json_incref(tdx);
    const json_t *snp = object(l, "collateral.snp", json_object_get(o, "snp"), NAMES("certs"));
    if (snp)
        l->b->snp_certs = binaries(l, "collateral.snp", snp, "certs", BUNDLE_MAX_CERTS, &l->b->num_snp_certs);
}

static void read_call(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "call", j, NAMES("name", "profile", "id", "signatures", "tee_ttl", "tpm_ttl"));
    if (!o)
        return;
    struct bundle_call *c = &l->b->call;
    c->kind = (enum call_kind)word(l, "call", o, "name", bundle_calls, false, CALL_NONE);
    c->profile = (enum profile)word(l, "call", o, "profile", bundle_profiles, false, PROFILE_NONE);
    struct bytes id = binary(l, "call", o, "id");
    if (id.len == 32)
        memcpy(c->id.b, id.p, 32);
    else if (json_object_get(o, "id"))
        fail(l, "call.id", "want 32 bytes");
    size_t n;
    struct bytes *sigs = binaries(l, "call", o, "signatures", 2, &n);
    for (size_t i = 0; i < n; i++)
        c->signatures[i] = sigs[i];
    c->num_signatures = n;
    c->tee_ttl_s = number(l, "call", o, "tee_ttl", UINT64_MAX);
    c->tpm_ttl_s = number(l, "call", o, "tpm_ttl", UINT64_MAX);
}

static void read_bundle(struct loader *l, const json_t *j)
{
    const json_t *o = object(l, "", j,
                             NAMES("format", "cloud", "tee", "identity", "tee_report", "tpm", "report_id", "ak", "logs",
                                   "collateral", "call"));
    if (!o)
        return;
    const char *format = json_string_value(json_object_get(o, "format"));
    if (!format || strcmp(format, "cvm-evidence/1") != 0)
        fail(l, "format", "want \"cvm-evidence/1\"");
    l->b->cloud = (enum cloud)word(l, "", o, "cloud", bundle_clouds, false, CLOUD_UNSET);
    l->b->tee = (enum tee_type)word(l, "", o, "tee", bundle_tees, false, TEE_NONE);
    read_identity(l, json_object_get(o, "identity"));
    read_report(l, json_object_get(o, "tee_report"));
    read_tpm(l, json_object_get(o, "tpm"));
    l->b->report_id = binary(l, "", o, "report_id");
    read_ak(l, json_object_get(o, "ak"));
    read_logs(l, json_object_get(o, "logs"));
    read_collateral(l, json_object_get(o, "collateral"));
    read_call(l, json_object_get(o, "call"));
}

bool bundle_from_json(struct bundle *out, struct bytes text, struct err *err)
{
    json_error_t why;
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!doc)
        return err_set(err, ERR_FORMAT, "bundle: line %d: %s", why.line, why.text);
    AUTO(bundle_done) struct bundle b = bundle_new();
    struct loader l = {.b = &b, .err = err};
    read_bundle(&l, doc);
    if (l.failed)
        return err_wrap(err, "bundle");
    *out = b;
    b = (struct bundle){0};
    return true;
}
