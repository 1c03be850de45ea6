#include "crypto/base/auto.h"
#include "relayer/rpc/eth.h"
#include "relayer/rpc/http.h"
#include "tests/support/vectors.h"

#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void urls_are_cut_to_their_origin(void **state)
{
    static const char *const cases[][2] = {
        {"https://user:secret@rpc.example:8545/v3/key?x=y", "https://rpc.example:8545"},
        {"https://rpc.example/v3/key", "https://rpc.example"},
        {"https://rpc.example?apikey=1", "https://rpc.example"},
        {"https://rpc.example#x@y", "https://rpc.example"},
        {"http://[::1]:8545/", "http://[::1]:8545"},
        {"rpc.example/key", "rpc.example"},
    };
    char out[100];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(http_origin(out, sizeof out, cases[i][0]), cases[i][1]);
}

static struct http_reply reply_with(const char *headers)
{
    struct http_reply r = {.headers = buf_new(1000)};
    buf_text(&r.headers, headers);
    return r;
}

static void headers_are_found_in_any_case(void **state)
{
    AUTO(http_reply_done) struct http_reply r = reply_with("Content-Type: text/html\nRETRY-AFTER:  7 \nX: 1\n");
    char value[16];
    (void)state;
    assert_true(http_header(value, sizeof value, &r, "content-type"));
    assert_string_equal(value, "text/html");
    assert_false(http_header(value, sizeof value, &r, "content"));
    assert_false(http_header(value, 3, &r, "Content-Type"));
    assert_int_equal(http_retry_after_s(&r, 0), 7);
}

static void retry_after_takes_both_forms_and_no_nonsense(void **state)
{
    static const struct {
        const char *header;
        int64_t want;
    } cases[] = {
        {"Retry-After: 120\n", 120},
        {"Retry-After: Thu, 01 Jan 1970 00:01:40 GMT\n", 90},
        {"Retry-After: Thu, 01 Jan 1970 00:00:01 GMT\n", 0},
        {"Retry-After: -5\n", 0},
        {"Retry-After: 99999999999999999999\n", -1},
        {"Retry-After: soon\n", -1},
        {"Retry-After: 1e9\n", -1},
        {"Retry-After: 999999\n", 86400},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(http_reply_done) struct http_reply r = reply_with(cases[i].header);
        int64_t got = http_retry_after_s(&r, 10);
        if (got != cases[i].want)
            fail_msg("%s: %lld", cases[i].header, (long long)got);
    }
}

static void texts_are_escaped(void **state)
{
    AUTO(buf_done) struct buf out = buf_new(100);
    (void)state;
    http_escape(&out, BYTES_LIT("a-Z_0.~ /%\x00\xff"));
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("a-Z_0.~%20%2F%25%00%FF")));
}

static void credentials_stay_on_safe_paths(void **state)
{
    AUTO(http_freep) struct http *http = http_new(NULL);
    char path[] = "/tmp/cvm-header-XXXXXX";
    int fd = mkstemp(path);
    struct http_limits limits = {500, 1000};
    struct http_reply reply = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(write(fd, "Authorization: Bearer x\n", 24), 24);
    close(fd);
    struct http_endpoint plain = {.url = "http://rpc.example/", .header_file = path};
    assert_false(http_get(http, &reply, &plain, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
    struct http_endpoint tricky = {.url = "http://127.evil.example/", .header_file = path};
    assert_false(http_get(http, &reply, &tricky, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
    /* loopback is fine; nobody listens there */
    struct http_endpoint local = {.url = "http://127.0.0.1:9/", .header_file = path};
    assert_false(http_get(http, &reply, &local, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_NET);
    struct http_endpoint unchecked = {.url = "https://127.0.0.1:9/", .header_file = path, .insecure_tls = true};
    assert_false(http_get(http, &reply, &unchecked, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
    struct http_endpoint no_token = {.url = "http://127.0.0.1:9/", .token_file = path}; /* a header line is none */
    assert_false(http_get(http, &reply, &no_token, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
    chmod(path, 0644);
    assert_false(http_get(http, &reply, &local, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
    unlink(path);
    struct http_endpoint file = {.url = "file:///etc/passwd"};
    assert_false(http_get(http, &reply, &file, NULL, &limits, &err));
    assert_int_equal(err.code, ERR_USAGE);
}

static void receipts_without_a_status_are_no_success(void **state)
{
    static const char text[] = "{\"transactionHash\":\"0xabababababababababababababababababababababababababababababababab\","
                               "\"blockHash\":\"0xabababababababababababababababababababababababababababababababab\","
                               "\"blockNumber\":\"0x01\",\"gasUsed\":\"0x5208\",\"blockTimestamp\":5,\"effectiveGasPrice\":null}";
    json_auto_t *v = json_loads(text, 0, NULL);
    struct eth_receipt r;
    bool missing;
    (void)state;
    assert_true(eth_read_receipt(&r, &missing, v, NULL) && !missing);
    assert_false(r.succeeded || r.has_gas_price);
    assert_int_equal(r.block_number, 1);
    json_object_set_new(v, "status", json_string("0x1"));
    assert_true(eth_read_receipt(&r, &missing, v, NULL) && r.succeeded);
    json_object_set_new(v, "gasUsed", json_integer(21000));
    assert_false(eth_read_receipt(&r, &missing, v, NULL));
    json_object_set_new(v, "blockHash", json_null());
    assert_true(eth_read_receipt(&r, &missing, v, NULL) && missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_cut_to_their_origin),
        cmocka_unit_test(headers_are_found_in_any_case),
        cmocka_unit_test(retry_after_takes_both_forms_and_no_nonsense),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(credentials_stay_on_safe_paths),
        cmocka_unit_test(receipts_without_a_status_are_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
