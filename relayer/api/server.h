/* A small HTTP server of JSON, on libmicrohttpd: routes as a table, and every limit (body, time, connections, who may ask) in
 * one place. Handlers run one at a time. What a route means is the table owner's business. */
#ifndef CVM_API_SERVER_H
#define CVM_API_SERVER_H

#include "crypto/base/bytes.h"

#include <jansson.h>

struct api_request {
    struct bytes body;
    const char *tail; /* what follows the path of a route that ends in '/' */
};

/* Fill *reply (a new reference) and return true: 200. False: err's code gives the status, its text the body's "error". */
typedef bool api_handler(void *ctx, json_t **reply, const struct api_request *request, struct err *err);

struct api_route {
    const char *method, *path; /* a path that ends in '/' takes what follows it as the tail */
    api_handler *handler;
    const char *help;
    bool open; /* answered without the bearer token */
};

struct api_settings {
    const char *listen; /* "127.0.0.1:7999", "[::1]:7999"; port 0: any free one */
    struct bytes token; /* bearer token that clients must show; empty: none, then only a loopback address is listened on */
    size_t max_body;    /* bytes */
    unsigned timeout_s; /* of an idle connection */
    unsigned max_connections;
};

struct api_server;
/* routes: ended by a NULL method; they and ctx outlive the server. ERR_USAGE: address, or no token for an address that others
 * can reach. ERR_NET: it cannot be listened on. NULL on failure. */
struct api_server *api_start(const struct api_settings *settings, const struct api_route *routes, void *ctx, struct err *err);
unsigned api_port(const struct api_server *server);
/* Answers requests until *stop is set (looked at four times a second, and on a signal). */
void api_run(struct api_server *server, const volatile int *stop);
void api_stop(struct api_server *server);

/* The request's body as a JSON object (duplicate members refused); an empty body is an empty object. ERR_FORMAT. */
json_t *api_body(const struct api_request *request, struct err *err);

#endif
