#include "crypto/keccak.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/vectors.h"

static struct hash32 hash_hex(const char *text)
{
    struct hash32 h;
    assert_true(hex_decode_fixed(h.b, sizeof h.b, bytes_str(text), NULL));
    return h;
}

static void known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
        {"transfer(address,uint256)", "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(hash32_eq(keccak256(bytes_str(cases[i].in)), hash_hex(cases[i].want)));
}

static void vectors_around_the_block_edge(void **state)
{
    (void)state;
    json_auto_t *all = vectors_json("chain/keccak256.json");
    size_t i, n = 0;
    json_t *entry;
    json_array_foreach(json_object_get(all, "patterned"), i, entry)
    {
        uint8_t in[8192];
        size_t len = (size_t)json_integer_value(json_object_get(entry, "length"));
        assert_true(len <= sizeof in);
        for (size_t k = 0; k < len; k++)
            in[k] = (uint8_t)(7 * k + len);
        assert_true(hash32_eq(keccak256(bytes_from(in, len)), hash_hex(vector_str(entry, "keccak256"))));
        n++;
    }
    json_array_foreach(json_object_get(all, "literal"), i, entry)
    {
        assert_true(
            hash32_eq(keccak256(bytes_str(vector_str(entry, "text"))), hash_hex(vector_str(entry, "keccak256"))));
        n++;
    }
    assert_true(n > 10);
}

static void a_million_letters(void **state)
{
    (void)state;
    struct keccak k;
    keccak_init(&k);
    char chunk[997];
    memset(chunk, 'a', sizeof chunk);
    for (size_t left = 1000000; left > 0;) {
        size_t n = left < sizeof chunk ? left : sizeof chunk;
        keccak_update(&k, bytes_from(chunk, n));
        left -= n;
    }
    assert_true(
        hash32_eq(keccak_final(&k), hash_hex("fadae6b49f129bbb812be8407b7b2894f34aecf6dbd1f9b0f0c7e9853098fc96")));
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    uint8_t in[500];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    struct hash32 whole = keccak256(BYTES(in));
    for (size_t cut = 0; cut <= sizeof in; cut++) {
        struct keccak k;
        keccak_init(&k);
        keccak_update(&k, bytes_sub(BYTES(in), 0, cut));
        keccak_update(&k, bytes_sub(BYTES(in), cut, sizeof in - cut));
        assert_true(hash32_eq(keccak_final(&k), whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(vectors_around_the_block_edge),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(pieces_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
