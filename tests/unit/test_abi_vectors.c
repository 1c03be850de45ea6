/* The published ABI cases: what is canonical goes both ways, what is not is refused. */
#include "crypto/base/auto.h"
#include "tests/support/abi_json.h"
#include "tests/support/vectors.h"

#include <ctype.h>

/* "uint256 a, (bytes b)[] c" to "(uint256,(bytes)[])" */
static const struct abi_type *type_of(struct arena *mem, const char *text)
{
    AUTO(buf_done) struct buf out = buf_new(1 << 12);
    buf_u8(&out, '(');
    for (const char *p = text; *p; p++) {
        if (*p == ' ')
            while (p[1] && (isalnum((unsigned char)p[1]) || p[1] == '_') && (p == text || p[-1] != ','))
                p++;
        else
            buf_u8(&out, (uint8_t)*p);
    }
    buf_u8(&out, ')');
    const struct abi_type *type;
    struct err err = {0};
    if (!abi_type_parse(&type, mem, buf_view(&out), &err))
        fail_msg("%s: %s", text, err.text);
    return type;
}

static void canonical_vectors_go_both_ways(void **state)
{
    json_auto_t *list = vectors_json("chain/abi/canonical.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (list, i, entry) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(buf_done) struct buf want = buf_new(1 << 20), out = buf_new(1 << 20);
        struct bytes encoded = vector_hex(&want, entry, "encoded");
        const struct abi_type *type = type_of(&mem, vector_str(entry, "types"));
        struct abi_value given, back;
        struct err err = {0};
        if (!abi_from_json(&given, &mem, type, json_object_get(entry, "values")))
            fail_msg("%s: values", vector_str(entry, "id"));
        if (!abi_encode(&out, type, &given, &err) || !bytes_eq(buf_view(&out), encoded))
            fail_msg("%s: encoding differs %s", vector_str(entry, "id"), err.text);
        if (!abi_decode_strict(&back, &mem, type, encoded, &err))
            fail_msg("%s: %s", vector_str(entry, "id"), err.text);
        json_auto_t *a = abi_to_json(type, &given), *b = abi_to_json(type, &back);
        assert_true(json_equal(a, b));
    }
}

static void adversarial_vectors_are_refused(void **state)
{
    json_auto_t *list = vectors_json("chain/abi/adversarial.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (list, i, entry) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(buf_done) struct buf data = buf_new(1 << 24);
        struct bytes in = vector_hex(&data, entry, "data");
        struct abi_value v;
        if (abi_decode_strict(&v, &mem, type_of(&mem, vector_str(entry, "types")), in, NULL))
            fail_msg("%s: accepted", vector_str(entry, "id"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_vectors_go_both_ways),
        cmocka_unit_test(adversarial_vectors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
