#include "crypto/hash.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/ct.h"
#include "tests/support/vectors.h"

static void known_answers(void **state)
{
    (void)state;
    /* FIPS 180-4 examples: "abc" */
    static const struct {
        enum hash_alg alg;
        const char *name, *want;
    } cases[] = {
        {HASH_SHA1, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HASH_SHA256, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HASH_SHA384, "sha384",
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
        {HASH_SHA512, "sha512",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce"
         "80e2a9a"
         "c94fa54ca49f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest d = hash_of(cases[i].alg, BYTES_LIT("abc"));
        AUTO(auto_free) char *hex = hex_plain(digest_view(&d));
        assert_string_equal(hex, cases[i].want);
        assert_int_equal(d.len, hash_size(cases[i].alg));
        assert_string_equal(hash_name(cases[i].alg), cases[i].name);
        assert_int_equal(hash_from_name(cases[i].name), cases[i].alg);
    }
    assert_int_equal(hash_from_name("md5"), HASH_NONE);
    assert_int_equal(hash_from_name("none"), HASH_NONE);
    assert_int_equal(hash_size(HASH_NONE), 0);
}

static void parts_are_one_message(void **state)
{
    (void)state;
    struct hash32 whole = sha256(BYTES_LIT("abc"));
    assert_true(hash32_eq(sha256_2(BYTES_LIT("a"), BYTES_LIT("bc")), whole));
    assert_true(hash32_eq(sha256_2((struct bytes){0}, BYTES_LIT("abc")), whole));
    struct digest d = hash_parts(HASH_SHA384, (struct bytes[]){BYTES_LIT("a"), BYTES_LIT("b"), BYTES_LIT("c")}, 3);
    struct hash48 want = sha384(BYTES_LIT("abc")), two = sha384_2(BYTES_LIT("ab"), BYTES_LIT("c"));
    assert_true(bytes_eq(digest_view(&d), BYTES_OF(want)));
    assert_true(hash48_eq(two, want));
    struct digest none = hash_parts(HASH_SHA256, NULL, 0), empty = hash_of(HASH_SHA256, (struct bytes){0});
    assert_true(bytes_eq(digest_view(&none), digest_view(&empty)));
}

static void secrets_compare_and_vanish(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    assert_true(ct_random(a, sizeof a));
    memcpy(b, a, sizeof b);
    assert_true(ct_eq(a, b, sizeof a));
    for (size_t bit = 0; bit < 256; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ct_eq(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ct_wipe(a, sizeof a);
    assert_true(bytes_is_zero(BYTES(a)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(parts_are_one_message),
        cmocka_unit_test(secrets_compare_and_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
