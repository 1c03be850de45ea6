#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/rpc/errors.h"
#include "tests/support/vectors.h"

#include <ctype.h>
#include <stdlib.h>

enum change { AS_IS, UPPER, LOWER, PREFIXED, OTHER_NUMBERS, NUM_CHANGES };

static void change_text(struct buf *out, const char *text, enum change how)
{
    if (how == PREFIXED)
        buf_text(out, "RPC error response: call failed: ");
    for (; *text; text++) {
        int c = (unsigned char)*text;
        if (how == UPPER)
            c = toupper(c);
        else if (how == LOWER)
            c = tolower(c);
        else if (how == OTHER_NUMBERS && c >= '0' && c <= '9')
            c = '0' + (c - '0' + 3) % 10;
        buf_u8(out, (uint8_t)c);
    }
}

static void every_text_is_classified(void **state)
{
    json_auto_t *all = vectors_json("rpc/errors.json");
    size_t i, wrong = 0;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry) {
        for (enum change how = AS_IS; how < NUM_CHANGES; how++) {
            AUTO(buf_done) struct buf text = buf_new(10000);
            change_text(&text, vector_str(entry, "message"), how);
            enum rpc_class got = rpc_classify((int)json_integer_value(json_object_get(entry, "http_status")),
                                              json_integer_value(json_object_get(entry, "code")), buf_view(&text),
                                              json_object_get(entry, "data"));
            if (strcmp(rpc_class_name(got), vector_str(entry, "class")) == 0)
                continue;
            print_error("%s (change %d): %s: want %s, got %s\n", vector_str(entry, "id"), how, vector_str(entry, "message"),
                        vector_str(entry, "class"), rpc_class_name(got));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Texts of ethereumjs 0.10, by its sources (src/service/txpool, src/rpc/modules/eth). */
static void texts_of_one_more_client_are_classified(void **state)
{
    static const struct {
        const char *text;
        enum rpc_class want;
    } rows[] = {
        {"0xab12: this transaction is already in the TxPool", RPC_ALREADY_KNOWN},
        {"replacement gas too low, got tip 11, min: 12, got fee 20, min: 22", RPC_REPLACEMENT_UNDERPRICED},
        {"Cannot add tx: pool is full", RPC_POOL_FULL},
        {"Cannot add tx for 0xf39f: already have max amount of txs for this account", RPC_POOL_FULL},
        {"Tx does not pay the minimum gas price of 100000000", RPC_UNDERPRICED},
        {"Tx cannot pay basefee of 875000000, have 1000 (not within 50% range of current basefee)", RPC_FEE_BELOW_BASE},
        {"Tx gaslimit of 40000000 exceeds block gas limit of 30000000 (exceeds last block gas limit)", RPC_GAS_TOO_HIGH},
        {"0xf39f tries to send a tx with nonce 0, but account has nonce 1 (tx nonce too low)", RPC_NONCE_TOO_LOW},
        {"0xf39f does not have enough balance to cover transaction costs, need 2, but have 1 (insufficient balance)", RPC_INSUFFICIENT_FUNDS},
        {"no peer connection available", RPC_TRANSIENT},
        {"client is not aware of the current chain height yet (give sync some more time)", RPC_TRANSIENT},
        {"block range limit is 2500 blocks", RPC_RANGE_TOO_LARGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rpc_classify(200, -32603, bytes_str(rows[i].text), NULL) != rows[i].want)
            fail_msg("%s: %s", rows[i].text, rpc_class_name(rpc_classify(200, -32603, bytes_str(rows[i].text), NULL)));
}

static void http_statuses_count_where_the_text_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(rpc_classify(429, 0, BYTES_LIT("<html>slow down</html>"), NULL), RPC_RATE_LIMITED);
    assert_int_equal(rpc_classify(429, -32000, BYTES_LIT("execution reverted"), NULL), RPC_RATE_LIMITED);
    assert_int_equal(rpc_classify(429, -32000, BYTES_LIT("already known"), NULL), RPC_ALREADY_KNOWN);
    assert_int_equal(rpc_classify(503, 0, BYTES_LIT("<html>"), NULL), RPC_TRANSIENT);
    assert_int_equal(rpc_classify(402, 0, BYTES_LIT("payment required"), NULL), RPC_UNKNOWN);
    assert_int_equal(rpc_classify(0, -32000, BYTES_LIT("429 Too Many Requests: {\"jsonrpc\":\"2.0\"}"), NULL), RPC_RATE_LIMITED);
}

static void revert_bytes_are_found_in_every_wrapping(void **state)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"\"0x46f25422\"", "46f25422"},
        {"\"Reverted 0x7a933234\"", "7a933234"},
        {"{\"message\": \"x\", \"data\": \"0x46f2\"}", "46f2"},
        {"{\"reason\": \"x\", \"data\": \"0x\", \"transactionHash\": \"0x12\"}", ""},
        {"{\"originalError\": {\"code\": 3, \"data\": \"0xabcd\"}}", "abcd"},
        {"{\"message\": \"x\", \"data\": {\"data\": \"0x01\"}}", "01"},
        {"\"revert\"", NULL},
        {"\"0x123\"", NULL},
        {"null", NULL},
        {"{}", NULL},
        {"[1]", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf_done) struct buf out = buf_new(1000);
        json_auto_t *data = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        assert_int_equal(rpc_revert_data(&out, data), cases[i].want != NULL);
        if (!cases[i].want)
            continue;
        AUTO(auto_free) char *hex = hex_plain(buf_view(&out));
        assert_string_equal(hex, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_is_classified),
        cmocka_unit_test(texts_of_one_more_client_are_classified),
        cmocka_unit_test(http_statuses_count_where_the_text_says_nothing),
        cmocka_unit_test(revert_bytes_are_found_in_every_wrapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
