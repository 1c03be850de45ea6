#include "relayer/api/server.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool echo(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    json_auto_t *body = api_body(request, err);
    if (!body)
        return false;
    *reply = json_pack("{s:O, s:s, s:s}", "body", body, "tail", request->tail, "ctx", (const char *)ctx);
    return true;
}

static bool refuse(void *ctx, json_t **reply, const struct api_request *request, struct err *err)
{
    (void)ctx;
    (void)reply;
    (void)request;
    return err_set(err, ERR_REFUSED, "a rule says no");
}

static const struct api_route routes[] = {
    {"POST", "/echo", echo, "gives back", false},
    {"GET", "/items/", echo, "one item", false},
    {"GET", "/no", refuse, "refuses", false},
    {"GET", "/open", echo, "for everybody", true},
    {0},
};

static struct api_server *server;
static volatile int stop;
static pthread_t thread;

static void *serve(void *arg)
{
    (void)arg;
    api_run(server, &stop);
    return NULL;
}

static int start(void **state)
{
    (void)state;
    static const struct api_settings settings = {.listen = "127.0.0.1:0", .token = BYTES_LIT("t0ken"), .max_body = 1000, .timeout_s = 5,
                                                 .max_connections = 8};
    static char ctx[] = "ctx";
    struct err err = {0};
    server = api_start(&settings, routes, ctx, &err);
    return server ? pthread_create(&thread, NULL, serve, NULL) : -1;
}

static int end(void **state)
{
    (void)state;
    stop = 1;
    pthread_join(thread, NULL);
    api_stop(server);
    return 0;
}

/* The status of one exchange; the answer's text in reply. */
static int ask(const char *head, const char *token, const char *body, char reply[4096])
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)api_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    static char request[8192];
    int n = snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", head,
                     token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "", strlen(body), body);
    assert_int_equal(write(fd, request, (size_t)n), n);
    size_t have = 0;
    for (ssize_t got; have < 4095 && (got = read(fd, reply + have, 4095 - have)) > 0;)
        have += (size_t)got;
    reply[have] = '\0';
    close(fd);
    int status = 0;
    sscanf(reply, "HTTP/1.1 %d", &status);
    return status;
}

static void a_route_answers_json(void **state)
{
    (void)state;
    char reply[4096];
    assert_int_equal(ask("POST /echo", "t0ken", "{\"a\":1}", reply), 200);
    assert_non_null(strstr(reply, "\"body\":{\"a\":1}"));
    assert_non_null(strstr(reply, "\"ctx\":\"ctx\""));
    assert_int_equal(ask("GET /items/42", "t0ken", "", reply), 200);
    assert_non_null(strstr(reply, "\"tail\":\"42\""));
}

static void who_has_no_token_learns_nothing(void **state)
{
    (void)state;
    char reply[4096];
    assert_int_equal(ask("POST /echo", NULL, "{}", reply), 401);
    assert_int_equal(ask("POST /echo", "t0kem", "{}", reply), 401);
    assert_int_equal(ask("GET /nowhere", "t0ken2", "", reply), 401);
    assert_int_equal(ask("GET /open", NULL, "", reply), 200);
}

static void errors_have_their_status_and_words(void **state)
{
    (void)state;
    char reply[4096];
    assert_int_equal(ask("GET /no", "t0ken", "", reply), 422);
    assert_non_null(strstr(reply, "{\"error\":\"a rule says no\"}"));
    assert_int_equal(ask("GET /echo", "t0ken", "", reply), 405);
    assert_int_equal(ask("GET /nowhere", "t0ken", "", reply), 404);
    assert_int_equal(ask("POST /echo", "t0ken", "{\"a\":1,\"a\":2}", reply), 400);
    assert_int_equal(ask("POST /echo", "t0ken", "[]", reply), 400);
}

static void a_large_body_is_refused(void **state)
{
    (void)state;
    char reply[4096], big[2001];
    memset(big, ' ', 2000);
    big[2000] = '\0';
    assert_int_equal(ask("POST /echo", "t0ken", big, reply), 413);
}

static void others_are_not_served_without_a_token(void **state)
{
    (void)state;
    struct err err = {0};
    const char *const bad[] = {"0.0.0.0:0", "[::]:0", "localhost:1", "127.0.0.1", "127.0.0.1:65536", "[::1:5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct api_settings s = {.listen = bad[i], .max_body = 10, .timeout_s = 1, .max_connections = 1};
        assert_null(api_start(&s, routes, NULL, &err));
        assert_int_equal(err.code, ERR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_answers_json),
        cmocka_unit_test(who_has_no_token_learns_nothing),
        cmocka_unit_test(errors_have_their_status_and_words),
        cmocka_unit_test(a_large_body_is_refused),
        cmocka_unit_test(others_are_not_served_without_a_token),
    };
    return cmocka_run_group_tests(tests, start, end);
}
