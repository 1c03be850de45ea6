#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/secp256k1_sign.h"
#include "tests/support/vectors.h"

static void rfc6979_vectors_hold(void **state)
{
    json_auto_t *all = vectors_json("chain/secp256k1_rfc6979.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry) {
        struct secp_key key;
        struct hash32 digest;
        struct secp_sig sig, want;
        struct addr20 signer, address;
        assert_true(hex_decode_fixed(key.b, 32, bytes_str(vector_str(entry, "key")), NULL));
        assert_true(hex_decode_fixed(digest.b, 32, bytes_str(vector_str(entry, "digest")), NULL));
        assert_true(hex_decode_fixed(want.r, 32, bytes_str(vector_str(entry, "r")), NULL));
        assert_true(hex_decode_fixed(want.s, 32, bytes_str(vector_str(entry, "s")), NULL));
        assert_true(secp_sign(&sig, &key, digest, NULL));
        assert_memory_equal(sig.r, want.r, 32);
        assert_memory_equal(sig.s, want.s, 32);
        assert_int_equal(sig.y_parity, json_integer_value(json_object_get(entry, "recovery")));
        assert_true(secp_recover(&signer, &sig, digest, NULL));
        assert_true(secp_address(&address, &key, NULL));
        assert_true(addr20_eq(signer, address));
        assert_true(secp_is_low_s(sig.s));
    }
}

static void keys_out_of_range_are_refused(void **state)
{
    struct secp_key zero = {{0}}, order;
    struct secp_sig sig;
    (void)state;
    assert_true(hex_decode_fixed(order.b, 32, BYTES_LIT("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"), NULL));
    assert_false(secp_key_check(&zero, NULL));
    assert_false(secp_key_check(&order, NULL));
    assert_false(secp_sign(&sig, &order, (struct hash32){{1}}, NULL));
    order.b[31]--;
    assert_true(secp_key_check(&order, NULL));
}

static void the_half_order_is_low_and_one_more_is_high(void **state)
{
    uint8_t s[32];
    (void)state;
    assert_true(hex_decode_fixed(s, 32, BYTES_LIT("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"), NULL));
    assert_true(secp_is_low_s(s));
    s[31]++;
    assert_false(secp_is_low_s(s));
}

static void nothing_is_recovered_from_nonsense(void **state)
{
    struct secp_sig zero = {0}, wrapped = {.r = {1}, .s = {1}, .y_parity = 2};
    struct addr20 addr;
    (void)state;
    assert_false(secp_recover(&addr, &zero, (struct hash32){{1}}, NULL));
    assert_false(secp_recover(&addr, &wrapped, (struct hash32){{1}}, NULL));
}

static void new_keys_are_usable_and_differ(void **state)
{
    struct secp_key a, b;
    (void)state;
    assert_true(secp_key_new(&a, NULL) && secp_key_new(&b, NULL));
    assert_memory_not_equal(a.b, b.b, 32);
    secp_key_wipe(&a);
    assert_true(bytes_is_zero(BYTES_OF(a)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc6979_vectors_hold),
        cmocka_unit_test(keys_out_of_range_are_refused),
        cmocka_unit_test(the_half_order_is_low_and_one_more_is_high),
        cmocka_unit_test(nothing_is_recovered_from_nonsense),
        cmocka_unit_test(new_keys_are_usable_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
