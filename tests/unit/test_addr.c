#include "abi/addr.h"
#include "tests/support/vectors.h"

static void eip55_vectors_hold(void **state)
{
    json_auto_t *list = vectors_json("chain/eip55.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (list, i, entry) {
        struct addr20 from_lower, from_checksum, untouched = {{7}};
        char text[ADDR_TEXT_SIZE];
        assert_true(addr_parse(&from_lower, bytes_str(vector_str(entry, "lower")), NULL));
        assert_true(addr_parse(&from_checksum, bytes_str(vector_str(entry, "checksum")), NULL));
        assert_true(addr20_eq(from_lower, from_checksum));
        assert_string_equal(addr_text(text, from_lower), vector_str(entry, "checksum"));
        if (json_object_get(entry, "wrong_case"))
            assert_false(addr_parse(&untouched, bytes_str(vector_str(entry, "wrong_case")), NULL));
        assert_int_equal(untouched.b[0], 7);
    }
}

static void wrong_shapes_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "0x", "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedd", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
    };
    struct addr20 addr;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(addr_parse(&addr, bytes_str(bad[i]), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eip55_vectors_hold),
        cmocka_unit_test(wrong_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
