/* The codec for the differential test. One request per line on stdin, one answer per line on stdout:
 *   TYPES HEX      decode strictly: "ok VALUES" (JSON), encoded again to the same bytes, or "no"
 *   TYPES [VALUES] encode: "ok HEX", or "no" */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/abi_json.h"

#include <stdio.h>
#include <stdlib.h>

static bool decode(const struct abi_type *type, struct arena *mem, const char *hex)
{
    AUTO(buf_done) struct buf data = buf_new(1 << 24), again = buf_new(1 << 24);
    struct abi_value v;
    if (!hex_decode(&data, bytes_str(hex), NULL) || !abi_decode_strict(&v, mem, type, buf_view(&data), NULL))
        return false;
    if (!abi_encode(&again, type, &v, NULL) || !bytes_eq(buf_view(&again), buf_view(&data))) {
        puts("differs");
        exit(1);
    }
    json_auto_t *values = abi_to_json(type, &v);
    AUTO(auto_free) char *text = json_dumps(values, JSON_COMPACT);
    printf("ok %s\n", text);
    return true;
}

static bool encode(const struct abi_type *type, struct arena *mem, const char *text)
{
    AUTO(buf_done) struct buf out = buf_new(1 << 24);
    json_auto_t *values = json_loads(text, JSON_ALLOW_NUL, NULL);
    struct abi_value v;
    if (!values || !abi_from_json(&v, mem, type, values) || !abi_encode(&out, type, &v, NULL))
        return false;
    AUTO(auto_free) char *hex = hex_0x(buf_view(&out));
    printf("ok %s\n", hex);
    return true;
}

int main(void)
{
    AUTO(auto_free) char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        AUTO(arena_done) struct arena mem = arena_new(1 << 24);
        char *what = strchr(line, ' ');
        const struct abi_type *type;
        if (!what)
            return 2;
        *what++ = '\0';
        what[strcspn(what, "\n")] = '\0';
        bool ok = abi_type_parse(&type, &mem, bytes_str(line), NULL) &&
                  (*what == '[' ? encode : decode)(type, &mem, what);
        if (!ok)
            puts("no");
        fflush(stdout);
    }
    return 0;
}
