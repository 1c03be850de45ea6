#include "relayer/api/server.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/ct.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>

struct api_server {
    struct MHD_Daemon *daemon;
    const struct api_route *routes;
    void *ctx;
    size_t max_body;
    uint8_t *token;
    size_t token_len;
};

/* --- one request --- */

struct exchange {
    struct buf body;
};

static enum MHD_Result send_json(struct MHD_Connection *c, int status, json_t *doc)
{
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    json_decref(doc);
    if (!text)
        return MHD_NO;
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    enum MHD_Result queued = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result send_error(struct MHD_Connection *c, int status, const char *text)
{
    return send_json(c, status, json_pack("{s:s}", "error", text));
}

static bool token_shown(const struct api_server *s, struct MHD_Connection *c)
{
    if (s->token_len == 0)
        return true;
    const char *given = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    static const char scheme[] = "Bearer ";
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0)
        return false;
    given += sizeof scheme - 1;
    return strlen(given) == s->token_len && ct_eq(given, s->token, s->token_len);
}

/* The route, or NULL; *path_known tells a wrong method from a wrong path. */
static const struct api_route *find_route(const struct api_server *s, const char *method, const char *url, const char **tail, bool *path_known)
{
    for (const struct api_route *r = s->routes; r->method; r++) {
        size_t n = strlen(r->path);
        bool prefix = n > 1 && r->path[n - 1] == '/';
        if (prefix ? strncmp(url, r->path, n) != 0 || url[n] == '\0' : strcmp(url, r->path) != 0)
            continue;
        *path_known = true;
        *tail = url + n;
        if (strcmp(method, r->method) == 0)
            return r;
    }
    return NULL;
}

static enum MHD_Result answer(struct api_server *s, struct MHD_Connection *c, const char *url, const char *method, const struct exchange *x)
{
    bool path_known = false;
    const char *tail = "";
    const struct api_route *route = find_route(s, method, url, &tail, &path_known);
    if ((!route || !route->open) && !token_shown(s, c))
        return send_error(c, MHD_HTTP_UNAUTHORIZED, "want a bearer token");
    if (!route)
        return path_known ? send_error(c, MHD_HTTP_METHOD_NOT_ALLOWED, "another method is wanted here")
                          : send_error(c, MHD_HTTP_NOT_FOUND, "no such path");
    if (x->body.failed)
        return send_error(c, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    struct err err = {0};
    json_t *reply = NULL;
    const struct api_request request = {.body = buf_view(&x->body), .tail = tail};
    if (route->handler(s->ctx, &reply, &request, &err))
        return send_json(c, MHD_HTTP_OK, reply);
    return send_error(c, err_http_status(err.code), err.text);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                  const char *data, size_t *data_len, void **state)
{
    (void)version;
    struct api_server *s = cls;
    struct exchange *x = *state;
    if (!x) {
        x = calloc(1, sizeof *x);
        if (!x)
            return MHD_NO;
        x->body = buf_new(s->max_body);
        *state = x;
        return MHD_YES;
    }
    if (*data_len) {
        buf_put(&x->body, bytes_from(data, *data_len)); /* too much: the rest is read and dropped, the answer says so */
        *data_len = 0;
        return MHD_YES;
    }
    return answer(s, c, url, method, x);
}

static void on_end(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how)
{
    (void)cls;
    (void)c;
    (void)how;
    struct exchange *x = *state;
    if (x)
        buf_wipe(&x->body);
    free(x);
    *state = NULL;
}

json_t *api_body(const struct api_request *request, struct err *err)
{
    if (request->body.len == 0)
        return json_object();
    json_error_t e;
    json_t *doc = json_loadb((const char *)request->body.p, request->body.len, JSON_REJECT_DUPLICATES, &e);
    if (!json_is_object(doc)) {
        json_decref(doc);
        err_set(err, ERR_FORMAT, "the body: want a JSON object: %s", doc ? "it is another value" : e.text);
        return NULL;
    }
    return doc;
}

/* --- start and stop --- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool address_parse(union address *out, const char *text, struct err *err)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || (size_t)(colon - text) >= sizeof host || !u64_parse(&port, bytes_str(colon + 1), 65535, NULL))
        return err_set(err, ERR_USAGE, "listen address '%s': want HOST:PORT with a numeric host, such as 127.0.0.1:7999", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *out = (union address){0};
    size_t n = strlen(host);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        if (inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) == 1)
            return true;
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1)
        return true;
    return err_set(err, ERR_USAGE, "listen address '%s': want a numeric host, such as 127.0.0.1:7999 or [::1]:7999", text);
}

static bool is_loopback(const union address *a)
{
    if (a->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
    return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
}

struct api_server *api_start(const struct api_settings *settings, const struct api_route *routes, void *ctx, struct err *err)
{
    union address address;
    if (!address_parse(&address, settings->listen, err))
        return NULL;
    if (settings->token.len == 0 && !is_loopback(&address)) {
        err_set(err, ERR_USAGE, "listen address '%s' can be reached by others: set a bearer token, or listen on 127.0.0.1", settings->listen);
        return NULL;
    }
    struct api_server *s = calloc(1, sizeof *s);
    uint8_t *token = malloc(settings->token.len + 1);
    if (!s || !token) {
        free(s);
        free(token);
        err_set(err, ERR_NOMEM, "HTTP server: no memory");
        return NULL;
    }
    if (settings->token.len)
        memcpy(token, settings->token.p, settings->token.len);
    *s = (struct api_server){.routes = routes, .ctx = ctx, .max_body = settings->max_body, .token = token, .token_len = settings->token.len};
    unsigned flags = MHD_NO_FLAG | (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_CONNECTION_LIMIT,
                                 settings->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, settings->timeout_s,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
    if (!s->daemon) {
        err_set(err, ERR_NET, "%s: cannot be listened on; is something else there?", settings->listen);
        api_stop(s);
        return NULL;
    }
    return s;
}

unsigned api_port(const struct api_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void api_run(struct api_server *server, const volatile int *stop)
{
    while (!*stop)
        MHD_run_wait(server->daemon, 250);
}

void api_stop(struct api_server *server)
{
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    ct_wipe(server->token, server->token_len);
    free(server->token);
    free(server);
}
