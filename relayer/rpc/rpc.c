#include "relayer/rpc/rpc.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/rpc/jsonrpc.h"

#include "abi/u256.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_BODY   (16u << 20)
#define MAX_BATCH          50
/* A breaker opens after this many failures in a row, for 1 s, 2 s, 4 s .. 64 s. */
#define BREAK_AFTER  3
#define MAX_BREAK_MS 64000

struct endpoint {
    struct http_endpoint at;
    struct http *http;
    bool for_send;
    bool verified;
    bool no_batch;
    unsigned failures;
    uint64_t open_until_ms; /* clock_mono_ms */
    uint64_t requests;
    char last_error[200];
};

struct rpc {
    struct rpc_settings settings;
    struct endpoint *ep; /* the reading ones, then the sending ones */
    size_t num_read, num_send;
    uint64_t next_id;
    uint64_t chain_id; /* 0: not known yet */
    bool has_genesis;
    struct hash32 genesis;
};

static void endpoint_init(struct endpoint *ep, const struct http_endpoint *at, bool for_send)
{
    ep->at = *at;
    ep->for_send = for_send;
}

struct rpc *rpc_new(const struct rpc_settings *settings, struct err *err)
{
    if (settings->num_endpoints == 0) {
        err_set(err, ERR_USAGE, "no RPC endpoint: give --rpc-url, or rpc_url in the configuration");
        return NULL;
    }
    struct rpc *rpc = calloc(1, sizeof *rpc);
    size_t n = settings->num_endpoints + settings->num_send_endpoints;
    if (!rpc || !(rpc->ep = calloc(n, sizeof *rpc->ep))) {
        rpc_free(rpc);
        err_set(err, ERR_NOMEM, "rpc: no memory");
        return NULL;
    }
    rpc->settings = *settings;
    rpc->num_read = settings->num_endpoints;
    rpc->num_send = settings->num_send_endpoints;
    rpc->next_id = 1;
    rpc->chain_id = settings->chain_id;
    for (size_t i = 0; i < n; i++)
        endpoint_init(&rpc->ep[i],
                      i < rpc->num_read ? &settings->endpoints[i] : &settings->send_endpoints[i - rpc->num_read],
                      i >= rpc->num_read);
    for (size_t i = 0; i < n; i++)
        if (!(rpc->ep[i].http = http_new(err))) {
            rpc_free(rpc);
            return NULL;
        }
    return rpc;
}

void rpc_free(struct rpc *rpc)
{
    if (!rpc)
        return;
    for (size_t i = 0; rpc->ep && i < rpc->num_read + rpc->num_send; i++)
        http_free(rpc->ep[i].http);
    free(rpc->ep);
    free(rpc);
}

void rpc_freep(struct rpc **rpc)
{
    rpc_free(*rpc);
}

void rpc_items_done(struct rpc_item *items, size_t num_items)
{
    for (size_t i = 0; i < num_items; i++) {
        json_decref(items[i].params);
        json_decref(items[i].result);
        items[i].params = items[i].result = NULL;
    }
}

unsigned rpc_quorum(const struct rpc *rpc)
{
    return rpc->settings.read_quorum > 1 ? rpc->settings.read_quorum : 1;
}

/* --- health --- */

static void note_failure(struct endpoint *ep, int64_t retry_after_s, const char *why)
{
    uint64_t now_ms = clock_mono_ms(), wait_ms = 0;
    ep->failures++;
    ep->verified = false;
    snprintf(ep->last_error, sizeof ep->last_error, "%.190s", why);
    if (ep->failures >= BREAK_AFTER) {
        unsigned steps = ep->failures - BREAK_AFTER;
        wait_ms = steps < 6 ? 1000u << steps : MAX_BREAK_MS;
    }
    if (retry_after_s > 0 && (uint64_t)retry_after_s * 1000 > wait_ms)
        wait_ms = (uint64_t)retry_after_s * 1000;
    ep->open_until_ms = wait_ms ? now_ms + wait_ms : 0;
}

static void note_success(struct endpoint *ep)
{
    ep->failures = 0;
    ep->open_until_ms = 0;
}

static bool is_open(const struct endpoint *ep)
{
    return ep->open_until_ms > clock_mono_ms();
}

/* The nth endpoint to try: those that the breaker lets through by priority, then the others, soonest first. */
static struct endpoint *pick(struct rpc *rpc, bool for_send, size_t nth)
{
    struct endpoint *ep = for_send && rpc->num_send ? rpc->ep + rpc->num_read : rpc->ep;
    size_t n = for_send && rpc->num_send ? rpc->num_send : rpc->num_read;
    uint64_t held_after = 0;
    if (nth >= n)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_open(&ep[i]) && nth-- == 0)
            return &ep[i];
    /* all that are left are held back: rather ask one of them than nobody */
    for (;; nth--) {
        struct endpoint *soonest = NULL;
        for (size_t i = 0; i < n; i++)
            if (is_open(&ep[i]) && ep[i].open_until_ms > held_after &&
                (!soonest || ep[i].open_until_ms < soonest->open_until_ms))
                soonest = &ep[i];
        if (!soonest || nth == 0)
            return soonest;
        held_after = soonest->open_until_ms;
    }
}

/* --- one endpoint --- */

static struct jsonrpc_exchange exchange(struct rpc *rpc, struct endpoint *ep)
{
    ep->requests++;
    return (struct jsonrpc_exchange){
        .http = ep->http,
        .endpoint = &ep->at,
        .limits = {rpc->settings.timeout_ms ? rpc->settings.timeout_ms : DEFAULT_TIMEOUT_MS,
                   rpc->settings.max_body ? rpc->settings.max_body : DEFAULT_MAX_BODY},
        .next_id = &rpc->next_id,
    };
}

/* Nothing usable, or the node says that it cannot now: somebody else may. */
static bool try_elsewhere(const struct rpc_fault *fault)
{
    return !fault->from_node || fault->class == RPC_TRANSIENT || fault->class == RPC_RATE_LIMITED;
}

static bool node_error(const struct rpc_fault *fault, const struct endpoint *ep, const char *method, struct err *err)
{
    char origin[200];
    http_origin(origin, sizeof origin, ep->at.url);
    return err_set(err, try_elsewhere(fault) ? ERR_NET : ERR_CHAIN, "%s: %s: %s", origin, method, fault->text);
}

/* One call to one endpoint, whoever it is. */
static bool call_raw(struct rpc *rpc, struct endpoint *ep, json_t **out, const char *method, const json_t *params,
                     bool *new_connection, struct rpc_fault *fault, struct err *err)
{
    struct jsonrpc_exchange x = exchange(rpc, ep);
    bool ok = jsonrpc_call(&x, out, method, params, fault, err);
    *new_connection = x.new_connection;
    if (!ok && fault->from_node)
        node_error(fault, ep, method, err);
    if (!ok && try_elsewhere(fault))
        note_failure(ep, x.retry_after_s, err ? err->text : "");
    else
        note_success(ep);
    return ok;
}

static bool call_once(struct rpc *rpc, struct endpoint *ep, json_t **out, const char *method, json_t *params,
                      struct err *err)
{
    struct rpc_fault fault;
    bool fresh;
    bool ok = params && call_raw(rpc, ep, out, method, params, &fresh, &fault, err);
    json_decref(params);
    return ok;
}

static bool wrong_chain(struct endpoint *ep, struct err *err)
{
    ep->verified = false;
    snprintf(ep->last_error, sizeof ep->last_error, "%.190s", err ? err->text : "wrong chain");
    return false;
}

static bool verify_chain_id(struct rpc *rpc, struct endpoint *ep, const char *origin, struct err *err)
{
    json_auto_t *answer = NULL;
    struct u256 id;
    uint64_t id64;
    if (!call_once(rpc, ep, &answer, "eth_chainId", json_array(), err))
        return false;
    struct bytes text = bytes_from(json_string_value(answer), json_string_length(answer));
    if (!json_is_string(answer) || !u256_parse(&id, text, NULL) || !u256_to_u64(&id64, id) || id64 == 0)
        return err_set(err, ERR_NET, "%s: eth_chainId: no chain id in the answer", origin);
    if (rpc->chain_id && id64 != rpc->chain_id) {
        err_set(err, ERR_CHAIN, "%s: wrong chain: it answers chain id %llu, want %llu", origin,
                (unsigned long long)id64, (unsigned long long)rpc->chain_id);
        return wrong_chain(ep, err);
    }
    rpc->chain_id = id64;
    return true;
}

/* Block 0 (or the pinned one) must be the same everywhere. A node that has thrown it away answers null: no word against
 * it, unless the block was pinned by configuration. */
static bool verify_block(struct rpc *rpc, struct endpoint *ep, const char *origin, struct err *err)
{
    char number[32];
    struct hash32 hash;
    json_auto_t *block = NULL;
    snprintf(number, sizeof number, "0x%llx", rpc->settings.has_pin ? (unsigned long long)rpc->settings.pin_block : 0);
    if (!call_once(rpc, ep, &block, "eth_getBlockByNumber", json_pack("[s, b]", number, 0), err))
        return false;
    const json_t *text = json_object_get(block, "hash");
    if (!text && !rpc->settings.has_pin)
        return true;
    if (!hex_decode_fixed(hash.b, sizeof hash.b, bytes_from(json_string_value(text), json_string_length(text)), NULL))
        return err_set(err, ERR_NET, "%s: block %s has no hash", origin, number);
    bool known = rpc->settings.has_pin || rpc->has_genesis;
    struct hash32 want = rpc->settings.has_pin ? rpc->settings.pin_hash : rpc->genesis;
    if (known && !hash32_eq(hash, want)) {
        err_set(err, ERR_CHAIN, "%s: another chain of the same id: block %s is not the %s", origin, number,
                rpc->settings.has_pin ? "pinned one" : "other endpoints' one");
        return wrong_chain(ep, err);
    }
    rpc->genesis = hash;
    rpc->has_genesis = true;
    return true;
}

static bool verify(struct rpc *rpc, struct endpoint *ep, struct err *err)
{
    char origin[200];
    http_origin(origin, sizeof origin, ep->at.url);
    /* A sending endpoint need not serve blocks; its chain id is enough: what is sent is bound to it. */
    ep->verified = verify_chain_id(rpc, ep, origin, err) && (ep->for_send || verify_block(rpc, ep, origin, err));
    return ep->verified;
}

/* Before the first use, and when the connection is not the one that was verified. */
static bool call_on(struct rpc *rpc, struct endpoint *ep, json_t **out, const char *method, const json_t *params,
                    struct rpc_fault *fault, struct err *err)
{
    bool fresh = false;
    *fault = (struct rpc_fault){.class = RPC_TRANSIENT};
    if (!ep->verified && !verify(rpc, ep, err))
        return false;
    if (!call_raw(rpc, ep, out, method, params, &fresh, fault, err))
        return false;
    if (!fresh || verify(rpc, ep, err))
        return true;
    json_decref(*out);
    *out = NULL;
    *fault = (struct rpc_fault){.class = RPC_TRANSIENT};
    return false;
}

static bool call_any(struct rpc *rpc, json_t **out, const char *method, const json_t *params, size_t skip,
                     struct rpc_fault *fault, struct err *err)
{
    struct endpoint *ep;
    /* who is nth changes when a breaker opens, so each is tried once by remembering whom */
    bool tried[64] = {false};
    size_t left = rpc->num_read;
    for (size_t nth = skip; left && (ep = pick(rpc, false, nth)); left--) {
        size_t index = (size_t)(ep - rpc->ep);
        if (index < 64 && tried[index]) {
            nth++;
            continue;
        }
        if (index < 64)
            tried[index] = true;
        if (call_on(rpc, ep, out, method, params, fault, err))
            return true;
        if (!try_elsewhere(fault))
            return false;
        if (!is_open(ep))
            nth++;
    }
    return false;
}

bool rpc_call(struct rpc *rpc, json_t **out, const char *method, json_t *params, struct rpc_fault *fault,
              struct err *err)
{
    struct rpc_fault here;
    json_auto_t *owned = params;
    if (!owned)
        return err_set(err, ERR_BUG, "%s: parameters cannot be written", method);
    return call_any(rpc, out, method, owned, 0, fault ? fault : &here, err);
}

/* Both refused for the same reason. */
static bool same_refusal(const struct rpc_fault *a, const struct rpc_fault *b)
{
    bool same_bytes = a->revert_len == b->revert_len && memcmp(a->revert, b->revert, a->revert_len) == 0;
    return a->class == b->class && (!a->has_revert || !b->has_revert || same_bytes);
}

static bool disagree(const char *method, struct rpc_fault *fault, struct err *err)
{
    *fault = (struct rpc_fault){.class = RPC_TRANSIENT};
    return err_set(err, ERR_CHAIN, "%s: the endpoints disagree; undecided", method);
}

bool rpc_call_quorum(struct rpc *rpc, json_t **out, const char *method, json_t *params,
                     bool (*same)(const json_t *a, const json_t *b), struct rpc_fault *fault, struct err *err)
{
    struct rpc_fault here, now;
    struct err refusal = {0}, silent = {0};
    json_auto_t *owned = params, *first = NULL;
    size_t agreed = 0;
    fault = fault ? fault : &here;
    if (!owned)
        return err_set(err, ERR_BUG, "%s: parameters cannot be written", method);
    if (rpc_quorum(rpc) == 1)
        return call_any(rpc, out, method, owned, 0, fault, err);
    for (size_t i = 0; i < rpc->num_read && agreed < rpc_quorum(rpc); i++) {
        json_auto_t *answer = NULL;
        struct err why = {0};
        bool ok = call_on(rpc, &rpc->ep[i], &answer, method, owned, &now, &why);
        if (!ok && try_elsewhere(&now)) {
            silent = why;
            continue;
        }
        if (agreed && (ok != (first != NULL) || (ok ? !same(first, answer) : !same_refusal(fault, &now))))
            return disagree(method, fault, err);
        if (!agreed && ok)
            first = json_incref(answer);
        if (!agreed && !ok) {
            *fault = now;
            refusal = why;
        }
        agreed++;
    }
    if (agreed < rpc_quorum(rpc)) {
        *fault = (struct rpc_fault){.class = RPC_TRANSIENT};
        return err_set(err, ERR_NET, "%s: %zu of the %u endpoints that must agree have answered%s%s", method, agreed,
                       rpc_quorum(rpc), silent.text[0] ? "; " : "", silent.text);
    }
    if (!first)
        return err_set(err, refusal.code, "%s", refusal.text);
    *out = json_incref(first);
    return true;
}

/* --- batches --- */

static bool singles(struct rpc *rpc, struct endpoint *ep, struct rpc_item *items, size_t num_items, struct err *err)
{
    for (size_t i = 0; i < num_items; i++)
        if (!call_on(rpc, ep, &items[i].result, items[i].method, items[i].params, &items[i].fault, err) &&
            !items[i].fault.from_node)
            return false;
    return true;
}

static bool part_batch(struct rpc *rpc, struct endpoint *ep, struct rpc_item *items, size_t num_items, bool *fresh,
                       struct err *err)
{
    bool no_batch = false;
    struct jsonrpc_exchange x = exchange(rpc, ep);
    bool ok = jsonrpc_batch(&x, items, num_items, &no_batch, err);
    *fresh |= x.new_connection;
    if (!ok && no_batch) {
        ep->no_batch = true;
        return singles(rpc, ep, items, num_items, err);
    }
    if (ok)
        note_success(ep);
    else
        note_failure(ep, x.retry_after_s, err ? err->text : "");
    return ok;
}

static bool batch_on(struct rpc *rpc, struct endpoint *ep, struct rpc_item *items, size_t num_items, struct err *err)
{
    bool fresh = false;
    if (!ep->verified && !verify(rpc, ep, err))
        return false;
    if (ep->no_batch || num_items == 1)
        return singles(rpc, ep, items, num_items, err);
    for (size_t at = 0; at < num_items; at += MAX_BATCH)
        if (!part_batch(rpc, ep, items + at, num_items - at < MAX_BATCH ? num_items - at : MAX_BATCH, &fresh, err))
            return false;
    return !fresh || verify(rpc, ep, err);
}

static void drop_results(struct rpc_item *items, size_t num_items)
{
    for (size_t i = 0; i < num_items; i++) {
        json_decref(items[i].result);
        items[i].result = NULL;
        items[i].fault = (struct rpc_fault){0};
    }
}

bool rpc_batch(struct rpc *rpc, struct rpc_item *items, size_t num_items, size_t nth, size_t *used, struct err *err)
{
    struct endpoint *ep;
    bool tried = false;
    for (size_t i = 0; i < rpc->num_read && (ep = pick(rpc, false, nth)); i++) {
        tried = true;
        if (batch_on(rpc, ep, items, num_items, err)) {
            if (used)
                *used = (size_t)(ep - rpc->ep);
            return true;
        }
        drop_results(items, num_items);
        if (!is_open(ep))
            nth++;
    }
    return tried ? false : err_set(err, ERR_NET, "no endpoint number %zu to ask", nth + 1);
}

/* --- the rest --- */

bool rpc_send_raw(struct rpc *rpc, struct bytes raw, struct rpc_fault *fault, struct err *err)
{
    AUTO(auto_free) char *hex = hex_0x(raw);
    json_auto_t *params = hex ? json_pack("[s]", hex) : NULL;
    bool taken = false, refused = false;
    size_t n = rpc->num_send ? rpc->num_send : rpc->num_read;
    struct endpoint *ep = rpc->num_send ? rpc->ep + rpc->num_read : rpc->ep;
    if (!params)
        return err_set(err, ERR_NOMEM, "eth_sendRawTransaction: no memory");
    for (size_t i = 0; i < n && !taken; i++) {
        json_auto_t *answer = NULL;
        struct rpc_fault now;
        struct err why = {0};
        bool ok = call_on(rpc, &ep[i], &answer, "eth_sendRawTransaction", params, &now, &why);
        taken = ok || (now.from_node && now.class == RPC_ALREADY_KNOWN);
        /* a node's word stands until another node says otherwise; silence does not overrule it */
        if (!ok && (now.from_node || !refused)) {
            *fault = now;
            if (err)
                *err = why;
        }
        refused |= !ok && now.from_node;
        if (refused && !try_elsewhere(fault))
            break;
    }
    return taken;
}

bool rpc_chain_id(struct rpc *rpc, uint64_t *out, struct err *err)
{
    for (size_t i = 0; rpc->chain_id == 0 && i < rpc->num_read; i++)
        verify(rpc, &rpc->ep[i], err);
    if (rpc->chain_id == 0)
        return false;
    *out = rpc->chain_id;
    return true;
}

size_t rpc_num_endpoints(const struct rpc *rpc)
{
    return rpc->num_read + rpc->num_send;
}

struct rpc_health rpc_health(const struct rpc *rpc, size_t index)
{
    const struct endpoint *ep = &rpc->ep[index];
    struct rpc_health h = {
        .verified = ep->verified, .open = is_open(ep), .failures = ep->failures, .requests = ep->requests};
    http_origin(h.origin, sizeof h.origin, ep->at.url);
    memcpy(h.last_error, ep->last_error, sizeof h.last_error);
    return h;
}

void rpc_probe(struct rpc *rpc)
{
    struct err why;
    for (size_t i = 0; i < rpc_num_endpoints(rpc); i++)
        verify(rpc, &rpc->ep[i], &why);
}
