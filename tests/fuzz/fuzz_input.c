/* Whatever is handed over: recognised, and where it is evidence, made a bundle, which as JSON is the same bundle again. */
#include "crypto/base/auto.h"
#include "relayer/input.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(input_done) struct input in = {0};
    AUTO(bundle_done) struct bundle bundle = {0}, again = {0};
    struct err err = {0};
    if (!input_open(&in, bytes_from(data, size), INPUT_UNKNOWN, &err) || !input_bundle(&bundle, &in, &err) || bundle.bare)
        return 0;
    json_auto_t *doc = bundle_to_json(&bundle);
    AUTO(auto_free) char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    if (text && !bundle_from_json(&again, bytes_str(text), &err) && err.code != ERR_NOMEM)
        abort();
    return 0;
}
