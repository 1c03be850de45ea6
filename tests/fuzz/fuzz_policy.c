/* What operators write: policy files and golden files. */
#include "relayer/evidence/golden.h"
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
    struct arena mem = arena_new(4 << 20);
    struct golden_file file;
    struct golden_values none = {0};
    if (golden_file_parse(&file, &mem, bytes_from(data, size), &err))
        golden_file_match(&file, &none, &err);
    arena_done(&mem);
    return 0;
}
