/* Any bytes as a collateral file: recognised or kept as unreadable, and what was taken survives an export and back. */
#include "crypto/base/auto.h"
#include "relayer/evidence/collateral.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t readable(const struct collateral *pool)
{
    size_t n = 0;
    for (size_t i = 0; i < pool->count; i++)
        n += pool->items[i].kind == COLLATERAL_SIGNED || pool->items[i].kind == COLLATERAL_CRL;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(collateral_done) struct collateral pool = collateral_new(), again = collateral_new();
    AUTO(buf_done) struct buf text = buf_new((size_t)64 << 20);
    if (!collateral_add(&pool, "fuzz", bytes_from(data, size), COLLATERAL_LISTED, NULL))
        return 0;
    for (size_t i = 0; i < pool.count; i++)
        collateral_chain(&pool, &pool.items[i], 0);
    if (!collateral_export(&text, &pool, NULL))
        abort();
    if (collateral_add(&again, "again", buf_view(&text), COLLATERAL_LISTED, NULL) && readable(&again) != readable(&pool))
        abort();
    return 0;
}
