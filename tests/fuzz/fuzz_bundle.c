/* Bundle JSON: what is taken is written and read again, and both bundles write the same text. */
#include "relayer/evidence/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const struct bundle *b)
{
    json_auto_t *doc = bundle_to_json(b);
    return doc ? json_dumps(doc, JSON_COMPACT) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle a, b;
    struct err err;
    if (!bundle_from_json(&a, bytes_from(data, size), &err))
        return 0;
    char *first = text_of(&a), *second = NULL;
    if (first && !bundle_from_json(&b, bytes_str(first), &err))
        abort();
    if (first) {
        second = text_of(&b);
        if (!second || strcmp(first, second) != 0)
            abort();
        bundle_done(&b);
    }
    free(first);
    free(second);
    bundle_done(&a);
    return 0;
}
