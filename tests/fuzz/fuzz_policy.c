/* Policy files, any bytes. */
#include "relayer/evidence/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy *p = malloc(sizeof *p);
    struct err err;
    if (p && policy_parse(p, "fuzz", bytes_from(data, size), &err))
        policy_waives(p, "tail.present");
    free(p);
    return 0;
}
