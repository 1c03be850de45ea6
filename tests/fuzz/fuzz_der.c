/* Walks any bytes as DER, two levels deep, with every typed read. */
#include "crypto/base/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct der d, int depth)
{
    while (der_more(&d)) {
        int tag = der_peek(&d);
        struct der probe = d;
        der_u64(&probe, "u64");
        probe = d;
        der_time(&probe, "time");
        probe = d;
        der_bits(&probe, "bits");
        probe = d;
        der_bool(&probe, "bool");
        struct bytes inner = der_take(&d, tag, "element");
        if (depth < 8 && (tag & 0x20))
            walk(der_from(inner), depth + 1);
    }
    struct err err;
    der_finish(&d, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(der_from(bytes_from(data, size)), 0);
    return 0;
}
