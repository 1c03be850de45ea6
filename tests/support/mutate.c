#include "tests/support/mutate.h"

#include "crypto/base/text.h"
#include "tests/support/vectors.h"

#include <stdio.h>

static size_t number(const json_t *m, const char *member)
{
    const json_t *v = json_object_get(m, member);
    assert_true(json_is_integer(v));
    return (size_t)json_integer_value(v);
}

static void apply(struct buf *data, const json_t *m)
{
    const char *op = vector_str(m, "op");
    if (strcmp(op, "flip") == 0) {
        size_t at = number(m, "offset");
        assert_true(at < data->len);
        data->p[at] ^= (uint8_t)(1u << number(m, "bit"));
    } else if (strcmp(op, "truncate") == 0) {
        size_t len = number(m, "length");
        assert_true(len <= data->len);
        data->len = len;
    } else if (strcmp(op, "append") == 0) {
        vector_hex(data, m, "hex");
    } else if (strcmp(op, "set") == 0) {
        struct buf value = buf_new(1 << 16);
        size_t at = number(m, "offset");
        vector_hex(&value, m, "hex");
        assert_true(at + value.len <= data->len);
        memcpy(data->p + at, value.p, value.len);
        buf_done(&value);
    } else {
        fail_msg("unknown mutation %s", op);
    }
}

void vectors_read_mutated(struct buf *out, const char *folder, const char *name, const json_t *kase, const char *input)
{
    char path[512];
    size_t i;
    json_t *m;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    vectors_read(out, path);
    json_array_foreach(json_object_get(kase, "mutate"), i, m)
    {
        if (strcmp(vector_str(m, "input"), input) == 0)
            apply(out, m);
    }
}
