/* Any bytes as what a PCCS answers with: an issuer chain in a header, and a URL to be taken apart. */
#include "crypto/base/auto.h"
#include "relayer/collateral/pcs_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf_done) struct buf chain = buf_new(1 << 16);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    char base[128], url[256];
    if (pcs_url_decode(&chain, bytes_from(data, size), NULL)) {
        if (chain.len > size || (chain.len && memchr(chain.p, 0, chain.len)))
            abort();
        collateral_add(&pool, "header", buf_view(&chain), COLLATERAL_POOLED, NULL);
    }
    size_t n = size < sizeof url - 1 ? size : sizeof url - 1;
    memcpy(url, data, n);
    url[n] = 0;
    int version = pcs_base_url(base, sizeof base, url);
    if (version != 3 && version != 4)
        abort();
    return 0;
}
