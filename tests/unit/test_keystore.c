#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/tx/keystore.h"
#include "tests/support/vectors.h"

static bool decrypt_entry(struct secp_key *key, const json_t *entry, struct err *err)
{
    const json_t *body = json_object_get(entry, "json");
    AUTO(auto_free) char *text = json_is_string(body) ? strdup(json_string_value(body)) : json_dumps(body, JSON_ENCODE_ANY);
    return keystore_decrypt(key, bytes_str(text), bytes_str(vector_str(entry, "password")), err);
}

static void good_vectors_open(void **state)
{
    json_auto_t *all = vectors_json("chain/keystore/good.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry) {
        struct secp_key key, want;
        struct err err = {0};
        if (!decrypt_entry(&key, entry, &err))
            fail_msg("%s: %s", vector_str(entry, "id"), err.text);
        const json_t *k = json_object_get(entry, "private_key");
        assert_true(hex_decode_fixed(want.b, 32, bytes_str(json_string_value(k)), NULL));
        assert_memory_equal(key.b, want.b, 32);
    }
}

static void bad_vectors_are_refused(void **state)
{
    json_auto_t *all = vectors_json("chain/keystore/bad.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry) {
        struct secp_key key = {{7}};
        struct err err = {0};
        if (decrypt_entry(&key, entry, &err))
            fail_msg("%s was opened", vector_str(entry, "id"));
        assert_int_equal(key.b[0], 7);
        assert_true(err.code == ERR_FORMAT || err.code == ERR_CRYPTO);
    }
}

static void what_is_written_opens_again(void **state)
{
    struct secp_key key, back;
    struct addr20 address, in_file;
    AUTO(buf_wipe) struct buf text = buf_new(10000);
    struct err err = {0};
    (void)state;
    assert_true(secp_key_new(&key, NULL) && secp_address(&address, &key, NULL));
    assert_true(keystore_encrypt(&text, &key, BYTES_LIT("pass phrase \xc3\xa4"), true, &err));
    assert_true(keystore_address(&in_file, buf_view(&text), &err));
    assert_true(addr20_eq(address, in_file));
    assert_true(keystore_decrypt(&back, buf_view(&text), BYTES_LIT("pass phrase \xc3\xa4"), &err));
    assert_memory_equal(back.b, key.b, 32);
    assert_false(keystore_decrypt(&back, buf_view(&text), BYTES_LIT("pass phrase"), &err));
    assert_int_equal(err.code, ERR_CRYPTO);
    assert_false(keystore_decrypt(&back, BYTES_LIT("[]"), BYTES_LIT(""), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_vectors_open),
        cmocka_unit_test(bad_vectors_are_refused),
        cmocka_unit_test(what_is_written_opens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
