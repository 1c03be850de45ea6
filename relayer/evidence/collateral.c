#include "relayer/evidence/collateral.h"

#include "crypto/base/auto.h"
#include "crypto/base/der.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "relayer/evidence/snp_certs.h"

#include <stdio.h>
#include <stdlib.h>

#define POOL_MAX      ((size_t)64 << 20)
#define TEXT_MAX      ((size_t)16 << 20) /* of a string inside JSON */
#define MAX_NESTING   4                  /* an export in an export in .. */

/* What is being added; the first failure (of memory, never of content) sticks. */
struct adding {
    struct collateral *pool;
    const char *origin;
    enum collateral_order order;
    bool early;
    int depth;
    struct err *err;
    bool failed;
};

struct collateral collateral_new(void)
{
    return (struct collateral){.mem = arena_new(POOL_MAX)};
}

void collateral_done(struct collateral *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        for (size_t k = 0; !pool->items[i].borrowed && k < pool->items[i].num_certs; k++)
            pubkey_free(pool->items[i].keys[k]);
    free(pool->items);
    arena_done(&pool->mem);
    *pool = (struct collateral){0};
}

/* --- items --- */

static bool no_memory(struct adding *a)
{
    if (!a->failed)
        err_set(a->err, ERR_NOMEM, "collateral: more than %d items, or no memory for them", COLLATERAL_MAX_ITEMS);
    a->failed = true;
    return false;
}

/* A new item, not yet readable; NULL when a failed. */
static struct collateral_item *item_new(struct adding *a, struct bytes raw)
{
    struct collateral *pool = a->pool;
    if (pool->count == pool->cap) {
        size_t cap = pool->cap ? 2 * pool->cap : 16;
        void *grown = cap > COLLATERAL_MAX_ITEMS ? NULL : realloc(pool->items, cap * sizeof *pool->items);
        if (!grown)
            no_memory(a);
        if (!grown)
            return NULL;
        pool->items = grown;
        pool->cap = cap;
    }
    struct collateral_item *item = &pool->items[pool->count++];
    *item = (struct collateral_item){.origin = a->origin, .raw = raw, .order = a->order, .early = a->early,
                                     .chain = COLLATERAL_NONE};
    return item;
}

static void add_unreadable(struct adding *a, struct bytes raw, enum collateral_kind guess, enum signed_kind guess_signed,
                           const char *why)
{
    struct collateral_item *item = item_new(a, raw);
    if (!item)
        return;
    item->guess = guess;
    item->guess_signed = guess_signed;
    snprintf(item->why, sizeof item->why, "%.*s", (int)sizeof item->why - 1, why);
}

/* Several certificates of one file are one item: their order and their being together mean something. */
static void add_certs(struct adding *a, struct bytes raw, const struct der_list *list)
{
    struct arena *mem = &a->pool->mem;
    struct cert *certs = arena_alloc(mem, list->count, sizeof *certs);
    struct pubkey **keys = arena_alloc(mem, list->count, sizeof(struct pubkey *));
    if (!certs || !keys) {
        no_memory(a);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        bool ok = true;
        struct err why = {0};
        struct bytes der = arena_copy(mem, list->item[i], &ok);
        if (!ok) {
            no_memory(a);
            return;
        }
        if (!cert_parse(&certs[i], der, &why)) {
            add_unreadable(a, raw, COLLATERAL_CERTS, SIGNED_NONE, why.text);
            return;
        }
    }
    struct collateral_item *item = item_new(a, raw);
    if (!item)
        return;
    for (size_t i = 0; i < list->count; i++)
        keys[i] = cert_pubkey(&certs[i], NULL);
    item->kind = COLLATERAL_CERTS;
    item->certs = certs;
    item->keys = keys;
    item->num_certs = list->count;
}

static void add_crl(struct adding *a, struct bytes der)
{
    bool ok = true;
    struct err why = {0};
    struct crl crl;
    struct bytes kept = arena_copy(&a->pool->mem, der, &ok);
    if (!ok) {
        no_memory(a);
        return;
    }
    if (!crl_parse(&crl, kept, &why)) {
        add_unreadable(a, kept, COLLATERAL_CRL, SIGNED_NONE, why.text);
        return;
    }
    struct collateral_item *item = item_new(a, kept);
    if (!item)
        return;
    item->kind = COLLATERAL_CRL;
    item->crl = crl;
}

/* A CRL's tbs begins with its version (INTEGER 1) or an algorithm and, two elements on, a time; a certificate's with
 * [0] or a serial number and an algorithm. */
static bool looks_like_crl(struct bytes der)
{
    struct der outer = der_from(der);
    struct der seq = der_enter(&outer, DER_SEQUENCE, "outer");
    struct der tbs = der_enter(&seq, DER_SEQUENCE, "tbs");
    if (der_peek(&tbs) == DER_INTEGER)
        der_raw(&tbs, DER_INTEGER, "version");
    der_raw(&tbs, DER_SEQUENCE, "algorithm");
    der_raw(&tbs, DER_SEQUENCE, "issuer");
    int next = der_peek(&tbs);
    return next == DER_UTC_TIME || next == DER_GENERALIZED_TIME;
}

/* --- DER, PEM, hex --- */

static void add_der_list(struct adding *a, struct bytes raw, const struct der_list *list)
{
    if (list->count > 0 && looks_like_crl(list->item[0])) {
        for (size_t i = 0; i < list->count; i++)
            add_crl(a, list->item[i]);
        return;
    }
    add_certs(a, raw, list);
}

/* Damaged DER still shows what it was, mostly: dates come early in a CRL and late in a certificate. */
static enum collateral_kind guess_der(struct bytes in)
{
    size_t at = bytes_find(in, BYTES_LIT("\xa0\x03\x02\x01"), 0);
    return at != SIZE_MAX && at < 16 ? COLLATERAL_CERTS : COLLATERAL_CRL;
}

static void add_der(struct adding *a, struct bytes data)
{
    AUTO(der_list_done) struct der_list list = {0};
    struct err why = {0};
    if (der_list_parse(&list, data, "CERTIFICATE", COLLATERAL_MAX_CERTS, &why))
        add_der_list(a, data, &list);
    else
        add_unreadable(a, data, guess_der(data), SIGNED_NONE, why.text);
}

static void add_pem(struct adding *a, struct bytes text)
{
    static const struct {
        const char *label;
        enum collateral_kind kind;
    } labels[] = {{"CERTIFICATE", COLLATERAL_CERTS}, {"X509 CRL", COLLATERAL_CRL}};
    bool found = false;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        AUTO(der_list_done) struct der_list list = {0};
        struct err why = {0};
        if (!pem_parse(&list, text, labels[i].label, COLLATERAL_MAX_CERTS, &why)) {
            add_unreadable(a, text, labels[i].kind, SIGNED_NONE, why.text);
            found = true;
        } else if (list.count > 0) {
            found = true;
            for (size_t k = 0; labels[i].kind == COLLATERAL_CRL && k < list.count; k++)
                add_crl(a, list.item[k]);
            if (labels[i].kind == COLLATERAL_CERTS)
                add_certs(a, text, &list);
        }
    }
    if (!found)
        add_unreadable(a, text, COLLATERAL_CERTS, SIGNED_NONE, "PEM without a certificate or CRL");
}

/* AMD's certificate table is kept whole: what a damaged one means is for the check that reads it to say. */
static void add_table(struct adding *a, struct bytes table)
{
    struct collateral_item *item = item_new(a, table);
    if (item)
        item->kind = COLLATERAL_TABLE;
}

/* --- JSON --- */

static void add_any(struct adding *a, struct bytes data);

/* The contents of a string member kept in the pool; empty where it is absent or no string. */
static struct bytes kept_text(struct adding *a, struct json_range obj, const char *name)
{
    struct json_range value = json_member(obj, name);
    AUTO(buf_done) struct buf text = buf_new(TEXT_MAX);
    bool ok = true;
    if (value.kind != JSON_STR || !json_text(&text, value, NULL))
        return (struct bytes){0};
    struct bytes kept = arena_copy(&a->pool->mem, buf_view(&text), &ok);
    if (!ok)
        no_memory(a);
    return kept;
}

/* A nested document as one more piece of the same source. */
static void add_nested(struct adding *a, struct bytes data)
{
    if (data.len == 0)
        return;
    a->depth++;
    add_any(a, data);
    a->depth--;
}

/* The item that add(data) makes first becomes the chain of the signed item at. */
static void add_chain_of(struct adding *a, size_t at, struct bytes chain)
{
    size_t next = a->pool->count;
    add_nested(a, chain);
    if (a->pool->count > next && at < next)
        a->pool->items[at].chain = next;
}

static void add_signed_json(struct adding *a, struct json_range doc)
{
    struct signed_json json;
    struct err why = {0};
    if (!signed_json_parse(&json, &a->pool->mem, doc, &why)) {
        if (why.code == ERR_NOMEM)
            no_memory(a);
        add_unreadable(a, doc.raw, COLLATERAL_SIGNED, signed_json_kind(doc), why.text);
        return;
    }
    struct collateral_item *item = item_new(a, doc.raw);
    if (!item)
        return;
    item->kind = COLLATERAL_SIGNED;
    item->json = json;
}

/* dcap-qvl's QuoteCollateralV3: documents and signatures apart, CRLs as hex. */
static void add_dcap_qvl_part(struct adding *a, struct json_range doc, enum signed_kind kind, const char *body,
                              const char *sig, const char *chain)
{
    struct bytes text = kept_text(a, doc, body);
    if (text.len == 0)
        return;
    struct bytes hex = kept_text(a, doc, sig);
    AUTO(buf_done) struct buf whole = buf_new(TEXT_MAX);
    buf_printf(&whole, "{\"%s\":", signed_kind_member(kind));
    buf_put(&whole, text);
    buf_text(&whole, ",\"signature\":\"");
    buf_put(&whole, hex);
    buf_text(&whole, "\"}");
    bool ok = !whole.failed;
    struct bytes kept = arena_copy(&a->pool->mem, buf_view(&whole), &ok);
    if (!ok)
        no_memory(a);
    size_t at = a->pool->count;
    struct json_range joined;
    struct err why = {0};
    if (json_scan(&joined, kept, &why))
        add_signed_json(a, joined);
    else
        add_unreadable(a, text, COLLATERAL_SIGNED, kind, why.text);
    add_chain_of(a, at, kept_text(a, doc, chain));
}

static void add_dcap_qvl(struct adding *a, struct json_range doc)
{
    add_dcap_qvl_part(a, doc, SIGNED_TCB_INFO, "tcb_info", "tcb_info_signature", "tcb_info_issuer_chain");
    add_dcap_qvl_part(a, doc, SIGNED_QE_IDENTITY, "qe_identity", "qe_identity_signature", "qe_identity_issuer_chain");
    static const char *const rest[] = {"root_ca_crl", "pck_crl", "pck_crl_issuer_chain", "pck_certificate_chain"};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        add_nested(a, kept_text(a, doc, rest[i]));
}

/* Azure's IMDS hands AMD certificates out as {"vcekCert", "certificateChain", ..}. */
static void add_thim(struct adding *a, struct json_range doc)
{
    AUTO(buf_done) struct buf pem = buf_new(TEXT_MAX);
    buf_put(&pem, kept_text(a, doc, "vcekCert"));
    buf_u8(&pem, '\n');
    buf_put(&pem, kept_text(a, doc, "certificateChain"));
    add_nested(a, buf_view(&pem));
}

static void add_export(struct adding *a, struct json_range doc)
{
    for (struct json_walk w = json_walk(json_member(doc, "items")); json_next(&w);) {
        struct bytes update = {0}, origin = kept_text(a, w.value, "origin");
        json_plain(&update, json_member(w.value, "update"));
        struct adding part = *a;
        part.order = COLLATERAL_POOLED;
        part.early = bytes_eq(update, BYTES_LIT("early"));
        char *name = origin.len ? arena_str(&a->pool->mem, origin) : NULL;
        part.origin = name ? name : a->origin;
        size_t at = a->pool->count;
        add_nested(&part, kept_text(a, w.value, "data"));
        add_chain_of(&part, at, kept_text(a, w.value, "chain"));
        a->failed |= part.failed;
    }
}

static bool is_export(struct json_range doc)
{
    struct bytes format = {0};
    return json_plain(&format, json_member(doc, "format")) && bytes_eq(format, BYTES_LIT("cvm-collateral/1"));
}

/* Which signed document a damaged text was, by the name of its member. */
static enum signed_kind guess_signed(struct bytes text)
{
    for (enum signed_kind k = SIGNED_TCB_INFO; k <= SIGNED_EVALUATION_NUMBERS; k++)
        if (bytes_find(text, bytes_str(signed_kind_member(k)), 0) != SIZE_MAX)
            return k;
    return SIGNED_NONE;
}

static void add_json(struct adding *a, struct bytes text)
{
    struct json_range doc;
    struct err why = {0};
    enum signed_kind guess = guess_signed(text);
    if (!json_scan(&doc, text, &why))
        add_unreadable(a, text, guess ? COLLATERAL_SIGNED : COLLATERAL_UNREADABLE, guess, why.text);
    else if (signed_json_kind(doc) != SIGNED_NONE)
        add_signed_json(a, doc);
    else if (is_export(doc))
        add_export(a, doc);
    else if (json_member(doc, "tcb_info").kind == JSON_STR)
        add_dcap_qvl(a, doc);
    else if (json_member(doc, "vcekCert").kind == JSON_STR)
        add_thim(a, doc);
    else
        add_unreadable(a, text, COLLATERAL_UNREADABLE, SIGNED_NONE, "JSON of no kind that is known here");
}

/* --- recognition --- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0;
}

static struct bytes trimmed(struct bytes in)
{
    while (in.len > 0 && is_blank(in.p[0]))
        in = bytes_sub(in, 1, in.len - 1);
    while (in.len > 0 && is_blank(in.p[in.len - 1]))
        in.len--;
    return in;
}

static void add_hex(struct adding *a, struct bytes text)
{
    AUTO(buf_done) struct buf der = buf_new(text.len);
    bool ok = true;
    bool table = hex_decode(&der, text, NULL) && snp_table_recognise(buf_view(&der));
    if (!table && (der.failed || der.len == 0 || der.p[0] != DER_SEQUENCE)) {
        add_unreadable(a, text, COLLATERAL_UNREADABLE, SIGNED_NONE, "of no kind that is known here");
        return;
    }
    struct bytes kept = arena_copy(&a->pool->mem, buf_view(&der), &ok);
    if (!ok)
        no_memory(a);
    else if (table)
        add_table(a, kept);
    else
        add_der(a, kept);
}

/* data lives as long as the pool. */
static void add_any(struct adding *a, struct bytes data)
{
    struct bytes text = trimmed(data);
    if (a->failed)
        return;
    if (a->depth > MAX_NESTING)
        add_unreadable(a, data, COLLATERAL_UNREADABLE, SIGNED_NONE, "nested too deeply");
    else if (text.len == 0)
        add_unreadable(a, data, COLLATERAL_UNREADABLE, SIGNED_NONE, "empty");
    else if (text.p[0] == '{' || text.p[0] == '[')
        add_json(a, text);
    else if (snp_table_recognise(data)) /* its entries may be PEM */
        add_table(a, data);
    else if (bytes_find(text, BYTES_LIT("-----BEGIN "), 0) != SIZE_MAX)
        add_pem(a, text);
    else if (data.p[0] == DER_SEQUENCE && !(data.len > 2 && (data.p[1] | 0x20) == 'x'))
        add_der(a, data);
    else
        add_hex(a, text);
}

static bool add_source(struct adding *a, struct bytes data)
{
    bool ok = true;
    struct bytes kept = arena_copy(&a->pool->mem, data, &ok);
    char *origin = arena_str(&a->pool->mem, bytes_str(a->origin));
    if (!ok || !origin)
        return no_memory(a);
    a->origin = origin;
    add_any(a, kept);
    return !a->failed;
}

bool collateral_add(struct collateral *pool, const char *origin, struct bytes data, enum collateral_order order,
                    struct err *err)
{
    struct adding a = {.pool = pool, .origin = origin, .order = order, .err = err};
    return add_source(&a, data);
}

bool collateral_add_signed(struct collateral *pool, const char *origin, struct bytes json, struct bytes chain_pem,
                           bool early, struct err *err)
{
    struct adding a = {.pool = pool, .origin = origin, .order = COLLATERAL_POOLED, .early = early, .err = err};
    size_t at = pool->count;
    bool ok = true;
    if (!add_source(&a, json))
        return false;
    struct bytes chain = arena_copy(&pool->mem, chain_pem, &ok);
    if (!ok)
        return no_memory(&a);
    add_chain_of(&a, at, chain);
    return !a.failed;
}

bool collateral_join(struct collateral *pool, const struct collateral *more, struct err *err)
{
    struct adding a = {.pool = pool, .err = err};
    size_t base = pool->count;
    for (size_t i = 0; i < more->count; i++) {
        struct collateral_item *item = item_new(&a, more->items[i].raw);
        if (!item)
            return false;
        *item = more->items[i];
        item->borrowed = true;
        if (item->chain != COLLATERAL_NONE)
            item->chain += base;
    }
    return true;
}

/* --- use --- */

const char *collateral_item_name(const struct collateral_item *item)
{
    enum collateral_kind kind = item->kind == COLLATERAL_UNREADABLE ? item->guess : item->kind;
    switch (kind) {
    case COLLATERAL_SIGNED:
        return signed_kind_name(item->kind == COLLATERAL_SIGNED ? item->json.kind : item->guess_signed);
    case COLLATERAL_CERTS:
        return "certificates";
    case COLLATERAL_CRL:
        return "CRL";
    case COLLATERAL_TABLE:
        return "AMD certificate table";
    case COLLATERAL_UNREADABLE:
        break;
    }
    return "unknown";
}

static bool is_certs(const struct collateral_item *item)
{
    return item->kind == COLLATERAL_CERTS || (item->kind == COLLATERAL_UNREADABLE && item->guess == COLLATERAL_CERTS);
}

const struct collateral_item *collateral_chain(const struct collateral *pool, const struct collateral_item *item,
                                               size_t candidate)
{
    size_t at = (size_t)(item - pool->items);
    if (item->chain != COLLATERAL_NONE)
        return candidate == 0 ? &pool->items[item->chain] : NULL;
    if (item->order == COLLATERAL_LISTED) {
        const struct collateral_item *next = at + 1 < pool->count ? &pool->items[at + 1] : NULL;
        return candidate == 0 && next && next->order == COLLATERAL_LISTED && is_certs(next) ? next : NULL;
    }
    for (size_t i = 0; i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_CERTS && candidate-- == 0)
            return &pool->items[i];
    return NULL;
}
