/* Bundle JSON to the bundle, in place: evidence is mostly long hex strings, which a tree would copy twice. Every object
 * says which members it may have; the first failure sticks and names its member. */
#include "crypto/base/auto.h"
#include "crypto/base/json_scan.h"
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

/* An object taken apart in one walk: its members, by the place of their names. */
#define MAX_NAMES 11
struct object {
    const char *const *names;
    struct json_range value[MAX_NAMES];
};

/* MAX_NAMES where it is none of them. */
static size_t place_of(struct bytes key, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (bytes_eq(bytes_str(names[i]), key))
            return i;
    return MAX_NAMES;
}

static void unknown_member(struct loader *l, const char *path, struct bytes name, const char *const *names)
{
    struct near_word best = {0};
    char where[120], hint[120], what[160], key[60];
    snprintf(key, sizeof key, "%.*s", (int)(name.len < sizeof key ? name.len : sizeof key - 1), (const char *)name.p);
    for (; *names; names++)
        near_try(&best, key, *names);
    snprintf(what, sizeof what, "unknown member%s", near_hint(hint, sizeof hint, &best, ""));
    fail(l, path_of(where, sizeof where, path, key), what);
}

/* Is it an object with members among the names alone? Absent and wrong are both no. */
static bool object(struct loader *l, struct object *out, const char *path, struct json_range j,
                   const char *const *names)
{
    if (j.kind == JSON_NONE || l->failed)
        return false;
    if (j.kind != JSON_OBJ) {
        fail(l, path, "want an object");
        return false;
    }
    *out = (struct object){.names = names};
    for (struct json_walk w = json_walk(j); json_next(&w);) {
        size_t i = place_of(w.name, names);
        if (i == MAX_NAMES) {
            unknown_member(l, path, w.name, names);
            return false;
        }
        out->value[i] = w.value;
    }
    return true;
}

static struct json_range member_of(const struct object *o, const char *name)
{
    return o->value[place_of(bytes_str(name), o->names)];
}

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

/* The string's characters: in place, or resolved into mem where it has escapes. */
static bool characters(struct loader *l, struct bytes *out, struct json_range j)
{
    AUTO(buf_done) struct buf b = buf_new(j.raw.len);
    if (json_plain(out, j))
        return true;
    if (!json_text(&b, j, NULL))
        return false;
    *out = copied(l, buf_view(&b));
    return !l->failed;
}

/* "0x" and hex digits, else base64. Empty where it is absent. */
static struct bytes binary_value(struct loader *l, const char *where, struct json_range j)
{
    struct bytes text;
    if (j.kind == JSON_NONE || l->failed)
        return (struct bytes){0};
    if (!characters(l, &text, j)) {
        fail(l, where, "want 0x hex or base64 text");
        return (struct bytes){0};
    }
    if (text.len >= 2 && text.p[0] == '0' && text.p[1] == 'x')
        return from_hex(l, where, text);
    return from_base64(l, where, text);
}

static struct bytes binary(struct loader *l, const char *path, const struct object *o, const char *member)
{
    char where[120];
    return binary_value(l, path_of(where, sizeof where, path, member), member_of(o, member));
}

/* A number from 0 to max; 0 where it is absent. */
static uint64_t number(struct loader *l, const char *path, const struct object *o, const char *member, uint64_t max)
{
    struct json_range j = member_of(o, member);
    struct bytes text;
    uint64_t v = 0;
    if (j.kind == JSON_NONE || l->failed)
        return 0;
    if (json_u64(&v, j, max) ||
        (json_plain(&text, j) && u64_parse(&v, text, max, NULL))) /* text: what others' numbers cannot hold */
        return v;
    char where[120], what[80];
    snprintf(what, sizeof what, "want a whole number, at most %llu", (unsigned long long)max);
    fail(l, path_of(where, sizeof where, path, member), what);
    return 0;
}

/* A word of the list, or (numbers) a number; absent: what stands for it. */
static unsigned word(struct loader *l, const char *path, const struct object *o, const char *member,
                     const struct bundle_word *words, bool numbers, unsigned absent)
{
    struct json_range j = member_of(o, member);
    struct bytes text = {0};
    if (j.kind == JSON_NONE || l->failed)
        return absent;
    if (numbers && j.kind == JSON_NUM)
        return (unsigned)number(l, path, o, member, UINT16_MAX);
    bool plain = json_plain(&text, j);
    for (const struct bundle_word *w = words; plain && w->word; w++)
        if (bytes_eq(bytes_str(w->word), text))
            return w->value;
    char where[120], what[160] = "want one of";
    for (const struct bundle_word *w = words; w->word; w++) {
        size_t n = strlen(what);
        snprintf(what + n, sizeof what - n, "%s %s", w == words ? "" : ",", w->word);
    }
    fail(l, path_of(where, sizeof where, path, member), what);
    return absent;
}

static bool flag(struct loader *l, const char *path, const struct object *o, const char *member)
{
    struct json_range j = member_of(o, member);
    char where[120];
    if (j.kind != JSON_NONE && j.kind != JSON_YES && j.kind != JSON_NO)
        fail(l, path_of(where, sizeof where, path, member), "want true or false");
    return j.kind == JSON_YES;
}

/* How many items the array has, which *out walks; 0 where it is absent or wrong. */
static size_t array(struct loader *l, const char *path, const struct object *o, const char *member, size_t max,
                    struct json_walk *out)
{
    struct json_range j = member_of(o, member);
    char where[120], what[60];
    size_t n = 0;
    *out = (struct json_walk){0};
    if (j.kind == JSON_NONE || l->failed)
        return 0;
    path_of(where, sizeof where, path, member);
    if (j.kind != JSON_ARR) {
        fail(l, where, "want an array");
        return 0;
    }
    for (struct json_walk w = json_walk(j); json_next(&w);)
        n++;
    if (n > max) {
        snprintf(what, sizeof what, "%zu items, at most %zu", n, max);
        fail(l, where, what);
        return 0;
    }
    *out = json_walk(j);
    return n;
}

static void *space(struct loader *l, size_t n, size_t size)
{
    void *p = n ? arena_alloc(&l->b->mem, n, size) : NULL;
    if (n && !p)
        fail(l, "bundle", "more than 16 MiB, or no memory");
    return p;
}

static struct bytes *binaries(struct loader *l, const char *path, const struct object *o, const char *member,
                              size_t max, size_t *count)
{
    struct json_walk list;
    size_t n = array(l, path, o, member, max, &list);
    struct bytes *out = space(l, n, sizeof *out);
    char where[120];
    for (size_t i = 0; i < n && !l->failed && json_next(&list); i++) {
        snprintf(where, sizeof where, "%s.%s[%zu]", path, member, i);
        out[i] = binary_value(l, where, list.value);
    }
    *count = l->failed ? 0 : n;
    return out;
}

/* --- the parts --- */

static void read_identity(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"scheme", "curve", "hash", "public_key", "raw", "algo", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "identity", j, names))
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

static void read_report(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"type", "data", "proof", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "tee_report", j, names))
        return;
    l->b->has_report = true;
    l->b->report_type = (enum report_type)word(l, "tee_report", o, "type", bundle_report_types, false, REPORT_NATIVE);
    l->b->report = binary(l, "tee_report", o, "data");
    l->b->zk_proof = binary(l, "tee_report", o, "proof");
}

static void read_events(struct loader *l, struct bundle_pcr *p, const char *path, const struct object *o)
{
    struct json_walk list;
    char where[120];
    size_t n = array(l, path, o, "events", BUNDLE_MAX_EVENTS, &list);
    p->events = space(l, n, sizeof *p->events);
    for (size_t i = 0; i < n && !l->failed && json_next(&list); i++) {
        snprintf(where, sizeof where, "%s.events[%zu]", path, i);
        struct bytes v = binary_value(l, where, list.value);
        if (v.len != 32)
            fail(l, where, "want 32 bytes");
        else
            memcpy(p->events[i].b, v.p, 32);
    }
    p->num_events = n;
}

static void read_measured(struct loader *l, struct bundle_pcr *p, const char *path, const struct object *o)
{
    struct json_walk list;
    char where[120];
    uint64_t v;
    size_t n = array(l, path, o, "measured_events", BUNDLE_MAX_EVENTS, &list);
    p->measured = space(l, n, sizeof *p->measured);
    for (size_t i = 0; i < n && !l->failed && json_next(&list); i++) {
        snprintf(where, sizeof where, "%s.measured_events[%zu]", path, i);
        if (!json_u64(&v, list.value, UINT32_MAX))
            fail(l, where, "want a whole number");
        else
            p->measured[i] = (uint32_t)v;
    }
    p->num_measured = n;
}

static void read_pcr(struct loader *l, struct bundle_pcr *p, const char *path, struct json_range j)
{
    static const char *const names[] = {"index", "bank", "value", "events", "measured_events", "measure_value", NULL};
    struct object members, *o = &members;
    if (!object(l, o, path, j, names))
        return;
    char where[120], what[60];
    if (member_of(o, "index").kind == JSON_NONE)
        fail(l, path_of(where, sizeof where, path, "index"), "missing");
    p->index = (uint32_t)number(l, path, o, "index", UINT32_MAX);
    p->bank = (enum hash_alg)word(l, path, o, "bank", bundle_banks, false, HASH_SHA256);
    p->value = binary(l, path, o, "value");
    if (!l->failed && p->value.len != hash_size(p->bank)) {
        snprintf(what, sizeof what, "want %zu bytes, have %zu", hash_size(p->bank), p->value.len);
        fail(l, path_of(where, sizeof where, path, "value"), what);
    }
    read_events(l, p, path, o);
    read_measured(l, p, path, o);
    p->measure_value = flag(l, path, o, "measure_value");
}

static void read_tpm(struct loader *l, struct json_range j)
{
    struct json_walk list;
    static const char *const names[] = {"quote", "signature", "pcrs", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "tpm", j, names))
        return;
    struct bundle *b = l->b;
    b->quote = binary(l, "tpm", o, "quote");
    b->signature = binary(l, "tpm", o, "signature");
    size_t n = array(l, "tpm", o, "pcrs", BUNDLE_MAX_PCRS, &list);
    b->pcrs = space(l, n, sizeof *b->pcrs);
    char path[40];
    for (size_t i = 0; i < n && !l->failed && json_next(&list); i++) {
        snprintf(path, sizeof path, "tpm.pcrs[%zu]", i);
        read_pcr(l, &b->pcrs[i], path, list.value);
    }
    b->num_pcrs = l->failed ? 0 : n;
}

/* ak.public may be PEM as it stands */
static struct bytes public_key(struct loader *l, const struct object *o)
{
    struct json_range j = member_of(o, "public");
    struct bytes text;
    if (j.kind == JSON_STR && bytes_find(j.raw, BYTES_LIT("-----BEGIN "), 0) == 1)
        return characters(l, &text, j) ? copied(l, text) : (struct bytes){0};
    return binary(l, "ak", o, "public");
}

static void read_ak(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"var_data", "certs", "public", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "ak", j, names))
        return;
    l->b->ak_var_data = binary(l, "ak", o, "var_data");
    l->b->ak_certs = binaries(l, "ak", o, "certs", BUNDLE_MAX_CERTS, &l->b->num_ak_certs);
    l->b->ak_public = public_key(l, o);
}

static void read_logs(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"tcg", "ccel", "ima", "cel", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "logs", j, names))
        return;
    l->b->event_log = binary(l, "logs", o, "tcg");
    l->b->ccel = binary(l, "logs", o, "ccel");
    l->b->ima_log = binary(l, "logs", o, "ima");
    l->b->cel = binary(l, "logs", o, "cel");
}

static void read_collateral(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"tdx", "snp", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "collateral", j, names))
        return;
    struct json_range tdx = member_of(o, "tdx"), snp = member_of(o, "snp");
    if (tdx.kind != JSON_NONE && tdx.kind != JSON_OBJ)
        fail(l, "collateral.tdx", "want an object");
    else if (tdx.kind == JSON_OBJ &&
             !(l->b->tdx_collateral = json_loadb((const char *)tdx.raw.p, tdx.raw.len, JSON_REJECT_DUPLICATES, NULL)))
        fail(l, "collateral.tdx", "a number, or a text, that no program takes");
    static const char *const inner_names[] = {"certs", NULL};
    struct object inner;
    if (object(l, &inner, "collateral.snp", snp, inner_names))
        l->b->snp_certs = binaries(l, "collateral.snp", &inner, "certs", BUNDLE_MAX_CERTS, &l->b->num_snp_certs);
}

static void read_call(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"name", "profile", "id", "signatures", "tee_ttl", "tpm_ttl", NULL};
    struct object members, *o = &members;
    if (!object(l, o, "call", j, names))
        return;
    struct bundle_call *c = &l->b->call;
    c->kind = (enum call_kind)word(l, "call", o, "name", bundle_calls, false, CALL_NONE);
    c->profile = (enum profile)word(l, "call", o, "profile", bundle_profiles, false, PROFILE_NONE);
    struct bytes id = binary(l, "call", o, "id");
    if (id.len == 32)
        memcpy(c->id.b, id.p, 32);
    else if (member_of(o, "id").kind != JSON_NONE)
        fail(l, "call.id", "want 32 bytes");
    size_t n;
    struct bytes *sigs = binaries(l, "call", o, "signatures", 2, &n);
    for (size_t i = 0; i < n; i++)
        c->signatures[i] = sigs[i];
    c->num_signatures = n;
    c->tee_ttl_s = number(l, "call", o, "tee_ttl", UINT64_MAX);
    c->tpm_ttl_s = number(l, "call", o, "tpm_ttl", UINT64_MAX);
}

static void read_bundle(struct loader *l, struct json_range j)
{
    static const char *const names[] = {"format",    "cloud", "tee",  "identity",   "tee_report", "tpm",
                                        "report_id", "ak",    "logs", "collateral", "call",       NULL};
    struct object members, *o = &members;
    if (!object(l, o, "", j, names))
        return;
    struct bytes format;
    if (!json_plain(&format, member_of(o, "format")) || !bytes_eq(format, BYTES_LIT("cvm-evidence/1")))
        fail(l, "format", "want \"cvm-evidence/1\"");
    l->b->cloud = (enum cloud)word(l, "", o, "cloud", bundle_clouds, false, CLOUD_UNSET);
    l->b->tee = (enum tee_type)word(l, "", o, "tee", bundle_tees, false, TEE_NONE);
    read_identity(l, member_of(o, "identity"));
    read_report(l, member_of(o, "tee_report"));
    read_tpm(l, member_of(o, "tpm"));
    l->b->report_id = binary(l, "", o, "report_id");
    read_ak(l, member_of(o, "ak"));
    read_logs(l, member_of(o, "logs"));
    read_collateral(l, member_of(o, "collateral"));
    read_call(l, member_of(o, "call"));
}

bool bundle_from_json(struct bundle *out, struct bytes text, struct err *err)
{
    struct json_range doc;
    if (!json_scan(&doc, text, err))
        return err_wrap(err, "bundle");
    AUTO(bundle_done) struct bundle b = bundle_new();
    struct loader l = {.b = &b, .err = err};
    read_bundle(&l, doc);
    if (l.failed)
        return err_wrap(err, "bundle");
    *out = b;
    b = (struct bundle){0};
    return true;
}
