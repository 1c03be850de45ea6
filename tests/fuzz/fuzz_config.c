/* The values of settings: durations, amounts, leads, addresses, words; what is taken prints as what is taken again. */
#include "crypto/base/duration.h"
#include "relayer/config.h"
#include "relayer/wei.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[200], again[WEI_TEXT_SIZE];
    if (size < 1 || size > sizeof text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    struct config cfg = {0};
    struct err err = {0};
    config_set(&cfg, &config_keys[data[0] % num_config_keys], text, ORIGIN_FLAG, &err);
    config_done(&cfg);

    struct u256 wei, wei2;
    if (wei_parse(&wei, bytes_str(text), NULL) && (!wei_parse(&wei2, bytes_str(wei_format(again, wei)), NULL) || !u256_eq(wei, wei2)))
        abort();
    int64_t s, s2;
    char duration[DURATION_TEXT_SIZE];
    if (duration_parse(&s, bytes_str(text), NULL) && (!duration_parse(&s2, bytes_str(duration_format(duration, s)), NULL) || s != s2))
        abort();
    return 0;
}
