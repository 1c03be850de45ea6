#include "relayer/rpc/http.h"

#include "crypto/base/auto.h"
#include "relayer/files.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_HEADERS     (64 * 1024)
#define MAX_HEADER_FILE (16 * 1024)
#define MAX_RETRY_S     86400
#define USER_AGENT      "cvm-relayer/" CVM_VERSION

struct http {
    CURL *curl;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http *http_new(struct err *err)
{
    pthread_once(&curl_once, curl_start);
    struct http *http = calloc(1, sizeof *http);
    if (http)
        http->curl = curl_easy_init();
    if (!http || !http->curl) {
        http_free(http);
        err_set(err, ERR_NOMEM, "http: no memory");
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (http && http->curl)
        curl_easy_cleanup(http->curl);
    free(http);
}

void http_freep(struct http **http)
{
    http_free(*http);
}

void http_reply_done(struct http_reply *reply)
{
    buf_done(&reply->body);
    buf_done(&reply->headers);
    *reply = (struct http_reply){0};
}

char *http_origin(char *out, size_t size, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    const char *name = at ? at + 1 : host;
    snprintf(out, size, "%.*s%.*s", (int)(host - url), url, (int)(authority - (size_t)(name - host)), name);
    return out;
}

void http_escape(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        bool plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
        if (plain)
            buf_u8(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* --- headers that carry credentials --- */

static void wipe_list(struct curl_slist **list)
{
    for (struct curl_slist *l = *list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(*list);
    *list = NULL;
}

static bool add_header(struct curl_slist **list, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return err_set(err, ERR_NOMEM, "http: no memory");
    *list = longer;
    return true;
}

static bool add_header_file(struct curl_slist **list, const char *path, struct err *err)
{
    AUTO(buf_wipe) struct buf text = buf_new(MAX_HEADER_FILE + 1);
    if (!file_read_private(&text, path, true, err))
        return err_wrap(err, "header file");
    buf_u8(&text, 0);
    if (!buf_finish(&text, err))
        return false;
    char *rest = (char *)text.p, *line;
    while ((line = strsep(&rest, "\n"))) {
        line[strcspn(line, "\r")] = 0;
        if (!*line)
            continue;
        const char *colon = strchr(line, ':');
        if (!colon || colon == line)
            return err_set(err, ERR_USAGE, "header file %s: want lines of \"Name: value\"", path);
        if (!add_header(list, line, err))
            return false;
    }
    return true;
}

static bool add_token_file(struct curl_slist **list, const char *path, struct err *err)
{
    AUTO(buf_wipe) struct buf token = buf_new(MAX_HEADER_FILE), line = buf_new(MAX_HEADER_FILE + 32);
    if (!file_read_private(&token, path, true, err))
        return err_wrap(err, "token file");
    while (token.len && (token.p[token.len - 1] == '\n' || token.p[token.len - 1] == '\r'))
        token.len--;
    for (size_t i = 0; i < token.len; i++)
        if (token.p[i] <= ' ' || token.p[i] >= 0x7f)
            return err_set(err, ERR_USAGE, "token file %s: want the bearer token alone", path);
    if (!token.len)
        return err_set(err, ERR_USAGE, "token file %s: empty", path);
    buf_text(&line, "Authorization: Bearer ");
    buf_put(&line, buf_view(&token));
    buf_u8(&line, 0);
    return buf_finish(&line, err) && add_header(list, (const char *)line.p, err);
}

/* What the endpoint adds to every request. */
static bool add_endpoint_headers(struct curl_slist **list, const struct http_endpoint *endpoint, struct err *err)
{
    return (!endpoint->header || add_header(list, endpoint->header, err)) &&
           (!endpoint->header_file || add_header_file(list, endpoint->header_file, err)) &&
           (!endpoint->token_file || add_token_file(list, endpoint->token_file, err));
}

/* --- one exchange --- */

struct exchange {
    struct buf body, headers;
    bool too_long;
    char curl_text[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    buf_put(&x->body, bytes_from(p, size * n));
    x->too_long |= x->body.failed;
    return x->body.failed ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    size_t len = size * n;
    if (len >= 5 && strncmp(p, "HTTP/", 5) == 0) {
        buf_done(&x->headers); /* a new message begins: what came before was an interim one (100) */
        x->headers = buf_new(MAX_HEADERS);
        return len;
    }
    while (len && (p[len - 1] == '\n' || p[len - 1] == '\r'))
        len--;
    if (len) {
        buf_put(&x->headers, bytes_from(p, len));
        buf_u8(&x->headers, '\n');
    }
    x->too_long |= x->headers.failed;
    return x->headers.failed ? 0 : size * n;
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

static bool is_loopback(const char *url)
{
    char origin[256];
    http_origin(origin, sizeof origin, url);
    const char *host = strstr(origin, "://");
    host = host ? host + 3 : origin;
    size_t len = strncmp(host, "[", 1) == 0 ? strcspn(host, "]") + 1 : strcspn(host, ":");
    bool in_127 = strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
    return in_127 || (len == 5 && strncmp(host, "[::1]", 5) == 0) ||
           (len == 9 && strncasecmp(host, "localhost", 9) == 0);
}

static bool check_endpoint(const struct http_endpoint *endpoint, struct err *err)
{
    char origin[256];
    http_origin(origin, sizeof origin, endpoint->url);
    if (!is_https(endpoint->url) && strncasecmp(endpoint->url, "http://", 7) != 0)
        return err_set(err, ERR_USAGE, "%s: want a URL that begins with https:// or http://", origin);
    bool secret = endpoint->header_file || endpoint->token_file;
    if (secret && !is_https(endpoint->url) && !is_loopback(endpoint->url))
        return err_set(err, ERR_USAGE, "%s: credentials go over https alone", origin);
    if (secret && endpoint->insecure_tls && is_https(endpoint->url))
        return err_set(err, ERR_USAGE, "%s: credentials go to those alone whose certificate is checked", origin);
    return true;
}

static bool set_options(CURL *curl, struct exchange *x, const struct http_endpoint *endpoint, const char *url,
                        const struct curl_slist *headers, const struct http_limits *limits)
{
    bool ok = true;
#define SET(option, value) ok &= curl_easy_setopt(curl, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, limits->deadline_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, limits->deadline_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_USERAGENT, USER_AGENT);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_ERRORBUFFER, x->curl_text);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, x);
    if (endpoint->ca_file) {
        SET(CURLOPT_CAINFO, endpoint->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (endpoint->insecure_tls) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
#undef SET
    return ok;
}

static bool transfer_error(const struct exchange *x, CURLcode code, const char *url, const struct http_limits *limits,
                           struct err *err)
{
    char origin[256];
    http_origin(origin, sizeof origin, url);
    if (x->too_long)
        return err_set(err, ERR_NET, "%s: answer is longer than %zu bytes", origin, limits->max_body);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_NET, "%s: no complete answer within %ld ms", origin, limits->deadline_ms);
    /* libcurl's own texts name host and port at most; the URL's path stays out of them */
    return err_set(err, ERR_NET, "%s: %s", origin, x->curl_text[0] ? x->curl_text : curl_easy_strerror(code));
}

static void exchange_done(struct exchange *x)
{
    buf_done(&x->body);
    buf_done(&x->headers);
}

static bool perform(struct http *http, struct http_reply *out, const struct http_endpoint *endpoint, const char *url,
                    struct curl_slist *headers, const struct http_limits *limits, struct err *err)
{
    AUTO(exchange_done) struct exchange x = {.body = buf_new(limits->max_body), .headers = buf_new(MAX_HEADERS)};
    if (!set_options(http->curl, &x, endpoint, url, headers, limits))
        return err_set(err, ERR_NOMEM, "http: libcurl refuses an option");
    CURLcode code = curl_easy_perform(http->curl);
    long status = 0, connects = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(http->curl, CURLINFO_NUM_CONNECTS, &connects);
    if (code != CURLE_OK)
        return transfer_error(&x, code, url, limits, err);
    *out = (struct http_reply){(int)status, x.body, x.headers, connects > 0};
    x.body = x.headers = (struct buf){0};
    return true;
}

bool http_get(struct http *http, struct http_reply *out, const struct http_endpoint *endpoint, const char *path,
              const struct http_limits *limits, struct err *err)
{
    AUTO(wipe_list) struct curl_slist *headers = NULL;
    AUTO(buf_done) struct buf url = buf_new(16384);
    if (!check_endpoint(endpoint, err) || !add_endpoint_headers(&headers, endpoint, err))
        return false;
    buf_text(&url, endpoint->url);
    buf_text(&url, path ? path : "");
    buf_u8(&url, 0);
    if (!buf_finish(&url, err))
        return false;
    curl_easy_reset(http->curl); /* options alone: connections stay */
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    return perform(http, out, endpoint, (const char *)url.p, headers, limits, err);
}

bool http_post(struct http *http, struct http_reply *out, const struct http_endpoint *endpoint,
               const char *content_type, struct bytes body, const struct http_limits *limits, struct err *err)
{
    AUTO(wipe_list) struct curl_slist *headers = NULL;
    char type[128];
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    /* an empty Expect: no round trip to be allowed to send the body */
    if (!check_endpoint(endpoint, err) || !add_header(&headers, type, err) || !add_header(&headers, "Expect:", err) ||
        !add_endpoint_headers(&headers, endpoint, err))
        return false;
    curl_easy_reset(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body.len ? (const char *)body.p : "");
    curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    return perform(http, out, endpoint, endpoint->url, headers, limits, err);
}

/* --- response headers --- */

bool http_header(char *out, size_t size, const struct http_reply *reply, const char *name)
{
    struct bytes all = buf_view(&reply->headers);
    size_t name_len = strlen(name);
    for (size_t at = 0, end; at < all.len; at = end + 1) {
        end = bytes_find(all, BYTES_LIT("\n"), at);
        const char *line = (const char *)all.p + at;
        size_t len = end - at;
        if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
            continue;
        line += name_len + 1;
        len -= name_len + 1;
        while (len && (*line == ' ' || *line == '\t'))
            line++, len--;
        while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
            len--;
        if (len >= size || memchr(line, 0, len))
            return false;
        memcpy(out, line, len);
        out[len] = 0;
        return true;
    }
    return false;
}

int64_t http_retry_after_s(const struct http_reply *reply, int64_t now_s)
{
    char text[64], *end;
    if (!http_header(text, sizeof text, reply, "Retry-After") || !*text)
        return -1;
    errno = 0;
    long long wait_s = strtoll(text, &end, 10);
    if (*end || errno) {
        time_t at = curl_getdate(text, NULL);
        if (at < 0)
            return -1;
        wait_s = (long long)at - now_s;
    }
    if (wait_s < 0)
        return 0;
    return wait_s > MAX_RETRY_S ? MAX_RETRY_S : wait_s;
}
