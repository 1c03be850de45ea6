#include "tests/support/sim/web.h"

#include "tests/support/sim/ca.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sim_web {
    struct MHD_Daemon *daemon;
    sim_web_fn *answer;
    void *ctx;
};

/* The target as the client sent it: libmicrohttpd hands it out before it takes the query apart. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
    (void)cls, (void)connection;
    return strdup(uri);
}

static ssize_t cut_short(void *cls, uint64_t pos, char *out, size_t max)
{
    const struct buf *body = cls;
    if (pos >= body->len)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = body->len - (size_t)pos < max ? body->len - (size_t)pos : max;
    memcpy(out, body->p + pos, n);
    return (ssize_t)n;
}

static void free_buf(void *cls)
{
    buf_done(cls);
    free(cls);
}

static struct MHD_Response *make(struct sim_answer *a)
{
    if (!a->cut)
        return MHD_create_response_from_buffer(a->body.len, a->body.p, MHD_RESPMEM_MUST_COPY);
    struct buf *body = malloc(sizeof *body);
    if (!body)
        sim_die("memory");
    *body = a->body;
    a->body = (struct buf){0};
    return MHD_create_response_from_callback(body->len + 100, 4096, cut_short, body, free_buf);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **target)
{
    struct sim_web *web = cls;
    (void)url, (void)method, (void)version, (void)upload, (void)upload_len;
    struct sim_answer a = {.status = 200, .body = buf_new((size_t)4 << 20)};
    web->answer(web->ctx, &a, *target);
    if (a.delay_ms)
        usleep(a.delay_ms * 1000);
    struct MHD_Response *response = make(&a);
    if (a.header_name)
        MHD_add_response_header(response, a.header_name, a.header_value);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)a.status, response);
    MHD_destroy_response(response);
    buf_done(&a.body);
    return result;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **target,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)connection, (void)why;
    free(*target);
}

struct sim_web *sim_web_start(char *url, size_t url_size, sim_web_fn *answer, void *ctx)
{
    struct sim_web *web = calloc(1, sizeof *web);
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!web)
        sim_die("memory");
    web->answer = answer;
    web->ctx = ctx;
    web->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, web,
                                   MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
                                   MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = web->daemon ? MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        sim_die("web server");
    snprintf(url, url_size, "http://127.0.0.1:%u", info->port);
    return web;
}

void sim_web_stop(struct sim_web *web)
{
    if (web)
        MHD_stop_daemon(web->daemon);
    free(web);
}
