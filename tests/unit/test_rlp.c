#include "abi/rlp.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/vectors.h"

static void encode(struct buf *out, const json_t *value)
{
    AUTO(buf_done) struct buf part = buf_new(1 << 20);
    if (json_is_string(value)) {
        assert_true(hex_decode(&part, bytes_str(json_string_value(value)), NULL));
        rlp_put_bytes(out, buf_view(&part));
        return;
    }
    size_t i;
    json_t *member;
    json_array_foreach (value, i, member)
        encode(&part, member);
    rlp_put_list(out, &part);
}

static json_t *decode(struct rlp *r)
{
    if (!rlp_at_list(r)) {
        AUTO(auto_free) char *hex = hex_0x(rlp_bytes(r, "item"));
        return json_string(hex);
    }
    json_t *list = json_array();
    struct rlp members = rlp_list(r, "list");
    while (rlp_more(&members))
        json_array_append_new(list, decode(&members));
    assert_true(rlp_finish(&members, NULL));
    return list;
}

static void canonical_vectors_go_both_ways(void **state)
{
    json_auto_t *list = vectors_json("chain/rlp/canonical.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (list, i, entry) {
        AUTO(buf_done) struct buf out = buf_new(1 << 20), want = buf_new(1 << 20);
        struct bytes rlp = vector_hex(&want, entry, "rlp");
        encode(&out, json_object_get(entry, "decoded"));
        assert_true(bytes_eq(buf_view(&out), rlp));
        assert_true(rlp_check(rlp, NULL));

        struct rlp r = rlp_from(rlp);
        json_auto_t *back = decode(&r);
        assert_true(rlp_finish(&r, NULL));
        assert_true(json_equal(back, json_object_get(entry, "decoded")));
    }
}

static void malformed_vectors_are_refused(void **state)
{
    json_auto_t *list = vectors_json("chain/rlp/malformed.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (list, i, entry) {
        AUTO(buf_done) struct buf in = buf_new(1 << 20);
        struct err err = {0};
        if (rlp_check(vector_hex(&in, entry, "rlp"), &err))
            fail_msg("%s was taken", vector_str(entry, "id"));
        assert_int_equal(err.code, ERR_FORMAT);
    }
}

static void every_truncation_is_refused(void **state)
{
    AUTO(buf_done) struct buf items = buf_new(1000), list = buf_new(1000);
    uint8_t data[80] = {1};
    (void)state;
    rlp_put_bytes(&items, BYTES(data));
    rlp_put_u64(&items, 1u << 20);
    rlp_put_list(&list, &items);
    assert_true(rlp_check(buf_view(&list), NULL));
    for (size_t len = 0; len < list.len; len++)
        assert_false(rlp_check(bytes_from(list.p, len), NULL));
}

static void deep_nesting_is_refused(void **state)
{
    AUTO(buf_done) struct buf deep = buf_new(1 << 20);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        AUTO(buf_done) struct buf outer = buf_new(1 << 20);
        rlp_put_list(&outer, &deep);
        struct buf inner = deep;
        deep = outer;
        outer = inner;
    }
    assert_false(rlp_check(buf_view(&deep), NULL));
}

static void integers_are_minimal(void **state)
{
    struct rlp zero_byte = rlp_from(BYTES_LIT("\x00")), padded = rlp_from(BYTES_LIT("\x82\x00\x01"));
    struct rlp wide = rlp_from(BYTES_LIT("\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00"));
    struct err err = {0};
    (void)state;
    rlp_uint(&zero_byte, "value");
    assert_false(rlp_finish(&zero_byte, &err));
    assert_string_equal(err.text, "value: integer with a leading zero at offset 0");
    rlp_u64(&padded, "value");
    assert_true(padded.failed);
    rlp_u64(&wide, "nonce");
    assert_false(rlp_finish(&wide, &err));
    assert_string_equal(err.text, "nonce: integer of more than 64 bits at offset 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_vectors_go_both_ways), cmocka_unit_test(malformed_vectors_are_refused),
        cmocka_unit_test(every_truncation_is_refused),    cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(integers_are_minimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
