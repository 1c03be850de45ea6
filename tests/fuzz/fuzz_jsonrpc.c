/* Any bytes as what a node sends: replies, blocks, receipts, errors in every wrapping. */
#include "crypto/base/auto.h"
#include "relayer/rpc/errors.h"
#include "relayer/rpc/eth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct eth_block block;
    struct eth_receipt receipt;
    struct u256 number;
    struct hash32 hash;
    bool missing;
    AUTO(buf_done) struct buf revert = buf_new(RPC_MAX_REVERT);
    json_auto_t *v = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    rpc_classify((int)(size % 600), (int64_t)size, bytes_from(data, size), v);
    if (!v)
        return 0;
    rpc_revert_data(&revert, v);
    eth_read_block(&block, &missing, v, &err);
    eth_read_receipt(&receipt, &missing, v, &err);
    eth_read_quantity(&number, v, "number", &err);
    eth_read_hash(&hash, v, "hash", &err);
    return 0;
}
