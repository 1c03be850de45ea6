#include "crypto/private_key.h"

#include "crypto/base/auto.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct bytes words = BYTES_LIT("a message");

static bool fits(const struct private_key *key, const struct buf *sig)
{
    struct hash32 digest = sha256(words);
    return sig->len == 64 && pubkey_verify_ecdsa(private_key_public(key), BYTES_OF(digest), bytes_from(sig->p, 32),
                                                 bytes_from(sig->p + 32, 32));
}

static void survives_the_way_through_pem(struct bytes passphrase)
{
    struct err err = {0};
    AUTO(private_key_freep) struct private_key *made = private_key_new_p256(&err);
    assert_non_null(made);
    AUTO(buf_done) struct buf pem = buf_new(4096), sig = buf_new(1024);
    assert_true(private_key_to_pem(&pem, made, passphrase, &err));
    AUTO(private_key_freep) struct private_key *read = private_key_from_pem(buf_view(&pem), passphrase, &err);
    assert_non_null(read);
    assert_true(pubkey_eq(private_key_public(made), private_key_public(read)));
    assert_true(private_key_sign_sha256(&sig, read, words, &err));
    assert_true(fits(made, &sig));
}

static void plain_key_survives_pem(void **state)
{
    (void)state;
    survives_the_way_through_pem((struct bytes){0});
}

static void encrypted_key_survives_pem(void **state)
{
    (void)state;
    survives_the_way_through_pem(BYTES_LIT("correct horse"));
}

static void rsa_keys_sign_with_their_modulus_length(void **state)
{
    (void)state;
    struct err err = {0};
    for (unsigned bits = 2048; bits <= 4096; bits += 1024) {
        AUTO(private_key_freep) struct private_key *made = private_key_new_rsa(bits, &err);
        assert_non_null(made);
        AUTO(buf_done) struct buf pem = buf_new(8192), sig = buf_new(1024);
        assert_true(private_key_to_pem(&pem, made, BYTES_LIT("correct horse"), &err));
        AUTO(private_key_freep) struct private_key *read = private_key_from_pem(buf_view(&pem), BYTES_LIT("correct horse"), &err);
        assert_non_null(read);
        assert_true(private_key_sign_sha256(&sig, read, words, &err));
        struct hash32 digest = sha256(words);
        assert_int_equal(sig.len, bits / 8);
        assert_true(pubkey_verify_pkcs1(private_key_public(made), HASH_SHA256, BYTES_OF(digest), buf_view(&sig)));
    }
}

static void rsa_sizes_that_the_registry_refuses_are_not_made(void **state)
{
    (void)state;
    static const unsigned sizes[] = {0, 1024, 2047, 2052, 4104, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct err err = {0};
        assert_null(private_key_new_rsa(sizes[i], &err));
        assert_int_equal(err.code, ERR_CRYPTO);
    }
}

static void wrong_or_missing_passphrase_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(private_key_freep) struct private_key *made = private_key_new_p256(&err);
    AUTO(buf_done) struct buf pem = buf_new(4096);
    assert_true(private_key_to_pem(&pem, made, BYTES_LIT("right"), &err));
    assert_null(private_key_from_pem(buf_view(&pem), BYTES_LIT("wrong"), &err));
    assert_int_equal(err.code, ERR_CRYPTO);
    assert_null(private_key_from_pem(buf_view(&pem), (struct bytes){0}, &err));
    assert_non_null(strstr(err.text, "no passphrase"));
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(private_key_from_pem(BYTES_LIT("not a key"), (struct bytes){0}, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_null(private_key_from_pem((struct bytes){0}, (struct bytes){0}, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_key_survives_pem),
        cmocka_unit_test(encrypted_key_survives_pem),
        cmocka_unit_test(rsa_keys_sign_with_their_modulus_length),
        cmocka_unit_test(rsa_sizes_that_the_registry_refuses_are_not_made),
        cmocka_unit_test(wrong_or_missing_passphrase_is_refused),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
