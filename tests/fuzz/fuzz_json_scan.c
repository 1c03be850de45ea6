/* Judges any text as JSON and walks all of what was taken: ranges stay inside, strings decode, the walk ends. */
#include "crypto/base/json_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct json_range v, struct bytes text)
{
    if (v.raw.p < text.p || v.raw.p + v.raw.len > text.p + text.len || v.raw.len == 0)
        abort();
    struct buf out = buf_new(text.len);
    json_text(&out, v, NULL);
    buf_done(&out);
    for (struct json_walk w = json_walk(v); json_next(&w);)
        walk(w.value, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_from(data, size);
    struct json_range doc;
    struct err err;
    if (json_scan(&doc, text, &err))
        walk(doc, text);
    return 0;
}
