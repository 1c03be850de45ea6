/* Any bytes as a certificate table: what is handed out lies inside it, behind the header, apart from each other. */
#include "relayer/evidence/snp_certs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct snp_table t;
    if (!snp_table_parse(&t, bytes_from(data, size), &err))
        return 0;
    const uint8_t *behind = data + (t.num_entries + 1) * 24;
    for (size_t i = 0; i < SNP_TABLE_KINDS; i++) {
        struct bytes a = t.entry[i];
        if (a.len && (a.p < behind || a.p + a.len > data + size))
            abort();
        for (size_t k = 0; k < i; k++) {
            struct bytes b = t.entry[k];
            if (a.len && b.len && a.p < b.p + b.len && b.p < a.p + a.len)
                abort();
        }
    }
    return 0;
}
