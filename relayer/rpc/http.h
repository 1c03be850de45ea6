/* One HTTP exchange at a time over libcurl, shared by JSON-RPC, collateral services and agents' endpoints.
 * Every exchange has a deadline and a ceiling on the body; redirects are never followed, only http and https are
 * spoken, nothing is decompressed. An answer with any status is an answer; false means that there was none. Knows no
 * JSON. */
#ifndef CVM_RPC_HTTP_H
#define CVM_RPC_HTTP_H

#include "crypto/base/bytes.h"

struct http; /* a client with its kept connections; one thread at a time */

struct http_endpoint {
    const char *url;         /* http:// or https:// */
    const char *ca_file;     /* PEM roots instead of the system's; NULL: the system's */
    const char *header_file; /* "Name: value" lines to add (credentials); readable by the owner alone; NULL: none */
    const char *token_file;  /* the same for a bearer token alone (RFC 6750 2.1); NULL: none */
    const char *header;      /* one more "Name: value" that is no secret; NULL: none */
    bool insecure_tls;       /* https: whoever answers is believed to be the one; not with credentials */
};

struct http_limits {
    long deadline_ms; /* for the whole exchange */
    size_t max_body;  /* bytes */
};

struct http_reply {
    int status;
    struct buf body;
    struct buf headers;  /* lines as they came, separated by LF, without the status line */
    bool new_connection; /* a connection was opened for it: whoever is behind may have changed */
};

struct http *http_new(struct err *err); /* NULL on failure */
void http_free(struct http *http);
void http_freep(struct http **http);
void http_reply_done(struct http_reply *reply);

/* path: appended to the endpoint's URL; NULL or "" for the URL as it stands.
 * ERR_USAGE: URL or header file unusable. ERR_NET: no answer within the deadline, TLS refused, body above the ceiling.
 * Messages name the endpoint by its origin alone. *out is untouched on failure. */
bool http_get(struct http *http, struct http_reply *out, const struct http_endpoint *endpoint, const char *path,
              const struct http_limits *limits, struct err *err);
bool http_post(struct http *http, struct http_reply *out, const struct http_endpoint *endpoint,
               const char *content_type, struct bytes body, const struct http_limits *limits, struct err *err);

/* First value of a response header (name in any case), copied as text into out. False where there is none or it does
 * not fit. */
bool http_header(char *out, size_t size, const struct http_reply *reply, const char *name);
/* Retry-After in seconds (RFC 9110 10.2.3; both forms, against now_s); -1 where absent or nonsense. Capped at a day. */
int64_t http_retry_after_s(const struct http_reply *reply, int64_t now_s);

/* Scheme, host and port of a URL, for logs: user, path and query may hold keys. Returns out. */
char *http_origin(char *out, size_t size, const char *url);
/* %-escape everything but unreserved characters (RFC 3986 2.3), appended. */
void http_escape(struct buf *out, struct bytes text);

#endif
