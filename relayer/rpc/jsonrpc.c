#include "relayer/rpc/jsonrpc.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"

#include <stdio.h>
#include <stdlib.h>

static void free_str(char **s)
{
    free(*s);
}

static json_t *request(uint64_t id, const char *method, const json_t *params)
{
    /* json_pack takes a reference of its own with "O" */
    return json_pack("{s:s, s:I, s:s, s:O}", "jsonrpc", "2.0", "id", (json_int_t)id, "method", method, "params",
                     params);
}

static void set_text(struct rpc_fault *fault, const char *text, size_t len)
{
    snprintf(fault->text, sizeof fault->text, "%.*s", (int)(len < sizeof fault->text ? len : sizeof fault->text - 1),
             text);
    for (char *c = fault->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

/* Some put a number, some a text, some nothing where the code belongs; the message too may be missing. */
static void read_error(struct rpc_fault *fault, const json_t *error, int http_status)
{
    const json_t *message = json_object_get(error, "message"), *data = json_object_get(error, "data");
    struct bytes text = bytes_from(json_string_value(message), json_string_length(message));
    if (json_is_string(error))
        text = bytes_from(json_string_value(error), json_string_length(error));
    *fault = (struct rpc_fault){
        .from_node = true, .http_status = http_status, .code = json_integer_value(json_object_get(error, "code"))};
    fault->class = rpc_classify(http_status, fault->code, text, data);
    set_text(fault, text.p ? (const char *)text.p : "(no message)", text.p ? text.len : 12);
    AUTO(buf_done) struct buf revert = buf_new(RPC_MAX_REVERT);
    fault->has_revert = rpc_revert_data(&revert, data);
    if (fault->has_revert && revert.len) {
        fault->revert_len = revert.len;
        memcpy(fault->revert, revert.p, revert.len);
    }
}

/* True: a result (reference of its own). False: fault filled, or err when the reply itself is unusable. */
static bool read_reply(json_t **out, const json_t *reply, uint64_t id, int http_status, struct rpc_fault *fault,
                       struct err *err)
{
    const json_t *version = json_object_get(reply, "jsonrpc"), *got_id = json_object_get(reply, "id");
    json_t *result = json_object_get(reply, "result"), *error = json_object_get(reply, "error");
    if (json_is_null(error))
        error = NULL;
    /* errors that are raised before a request is understood carry id null */
    if (error && (!got_id || json_is_null(got_id) || json_is_integer(got_id))) {
        read_error(fault, error, http_status);
        return false;
    }
    if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        return err_set(err, ERR_NET, "no JSON-RPC 2.0 reply");
    if (!json_is_integer(got_id) || (uint64_t)json_integer_value(got_id) != id)
        return err_set(err, ERR_NET, "reply to another request: want id %llu", (unsigned long long)id);
    if (!result)
        return err_set(err, ERR_NET, "reply with neither result nor error");
    *out = json_incref(result);
    return true;
}

static bool unusable(const struct http_reply *reply, struct rpc_fault *fault, const char *what, struct err *err)
{
    char type[64] = "no content type";
    http_header(type, sizeof type, reply, "Content-Type");
    type[strcspn(type, ";")] = 0;
    *fault = (struct rpc_fault){.http_status = reply->status,
                                .class = rpc_classify(reply->status, 0, (struct bytes){0}, NULL)};
    snprintf(fault->text, sizeof fault->text, "HTTP %d, %s, %zu bytes: %s", reply->status, type, reply->body.len, what);
    return err_set(err, ERR_NET, "%s", fault->text);
}

/* Does a NUL cut one of its texts short? An error's words may hold any: anvil puts there what a contract's error says. */
static bool is_cut(const json_t *v)
{
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_string(v))
        return strlen(json_string_value(v)) != json_string_length(v);
    json_array_foreach((json_t *)(uintptr_t)v, i, item) {
        if (is_cut(item))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        if (strcmp(key, "message") != 0 && is_cut(item))
            return true;
    }
    return false;
}

static json_t *post(struct jsonrpc_exchange *x, struct http_reply *reply, const json_t *body, struct rpc_fault *fault,
                    struct err *err)
{
    AUTO(free_str) char *text = json_dumps(body, JSON_COMPACT);
    if (!text) {
        err_set(err, ERR_NOMEM, "json-rpc: no memory");
        return NULL;
    }
    *fault = (struct rpc_fault){0};
    x->retry_after_s = -1;
    x->new_connection = false;
    if (!http_post(x->http, reply, x->endpoint, "application/json", bytes_str(text), &x->limits, err)) {
        fault->class = RPC_TRANSIENT;
        snprintf(fault->text, sizeof fault->text, "%.390s", err ? err->text : "no answer");
        return NULL;
    }
    x->retry_after_s = http_retry_after_s(reply, clock_now_s());
    x->new_connection = reply->new_connection;
    json_t *json = json_loadb(reply->body.len ? (const char *)reply->body.p : "", reply->body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json && is_cut(json)) {
        json_decref(json);
        json = NULL;
    }
    if (!json)
        unusable(reply, fault, "not JSON", err);
    return json;
}

static bool origin_wrap(const struct jsonrpc_exchange *x, struct err *err)
{
    char origin[200];
    http_origin(origin, sizeof origin, x->endpoint->url);
    return err && strncmp(err->text, origin, strlen(origin)) == 0 ? false : err_wrap(err, "%s", origin);
}

bool jsonrpc_call(struct jsonrpc_exchange *x, json_t **out, const char *method, const json_t *params,
                  struct rpc_fault *fault, struct err *err)
{
    uint64_t id = (*x->next_id)++;
    json_auto_t *body = request(id, method, params);
    AUTO(http_reply_done) struct http_reply reply = {0};
    if (!body)
        return err_set(err, ERR_BUG, "%s: parameters cannot be written", method);
    json_auto_t *json = post(x, &reply, body, fault, err);
    if (!json)
        return origin_wrap(x, err);
    if (!json_is_object(json))
        return unusable(&reply, fault, "not a JSON-RPC reply", err), origin_wrap(x, err);
    if (read_reply(out, json, id, reply.status, fault, err))
        return true;
    return fault->from_node ? false : origin_wrap(x, err);
}

static struct rpc_item *find_item(struct rpc_item *items, size_t num_items, uint64_t first_id, const json_t *reply)
{
    const json_t *id = json_object_get(reply, "id");
    uint64_t n = json_is_integer(id) ? (uint64_t)json_integer_value(id) - first_id : UINT64_MAX;
    return n < num_items ? &items[n] : NULL;
}

static void drop_results(struct rpc_item *items, size_t num_items)
{
    for (size_t i = 0; i < num_items; i++) {
        json_decref(items[i].result);
        items[i].result = NULL;
        items[i].fault = (struct rpc_fault){0};
    }
}

/* Items may come in any order; each must come once. */
static bool read_batch(struct rpc_item *items, size_t num_items, uint64_t first_id, const json_t *replies,
                       int http_status, struct err *err)
{
    size_t i;
    json_t *reply;
    drop_results(items, num_items);
    json_array_foreach(replies, i, reply)
    {
        struct rpc_item *item = find_item(items, num_items, first_id, reply);
        if (!item || item->result || item->fault.from_node)
            return err_set(err, ERR_NET, "batch: reply to no request, or twice to one");
        if (!read_reply(&item->result, reply, first_id + (uint64_t)(item - items), http_status, &item->fault, err) &&
            !item->fault.from_node)
            return err_wrap(err, "batch");
    }
    if (json_array_size(replies) != num_items)
        return err_set(err, ERR_NET, "batch: %zu replies to %zu requests", json_array_size(replies), num_items);
    return true;
}

bool jsonrpc_batch(struct jsonrpc_exchange *x, struct rpc_item *items, size_t num_items, bool *no_batch,
                   struct err *err)
{
    uint64_t first_id = *x->next_id;
    struct rpc_fault fault;
    AUTO(http_reply_done) struct http_reply reply = {0};
    json_auto_t *body = json_array();
    *no_batch = false;
    for (size_t i = 0; i < num_items; i++)
        json_array_append_new(body, request((*x->next_id)++, items[i].method, items[i].params));
    if (json_array_size(body) != num_items)
        return err_set(err, ERR_BUG, "batch: parameters cannot be written");
    json_auto_t *json = post(x, &reply, body, &fault, err);
    if (!json)
        return origin_wrap(x, err);
    if (!json_is_array(json)) {
        /* one object for all: refused as a whole */
        *no_batch = json_is_object(json) && reply.status != 429 && reply.status < 500;
        return unusable(&reply, &fault, "no batch reply", err), origin_wrap(x, err);
    }
    if (read_batch(items, num_items, first_id, json, reply.status, err))
        return true;
    drop_results(items, num_items);
    return origin_wrap(x, err);
}
