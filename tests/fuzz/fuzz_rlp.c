/* Any bytes as RLP: what is canonical all the way down is written again byte for byte. */
#include "abi/rlp.h"
#include "crypto/base/auto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_items(struct buf *out, struct rlp *r)
{
    while (rlp_more(r)) {
        if (!rlp_at_list(r)) {
            struct rlp probe = *r;
            struct u256 v = rlp_uint(&probe, "integer");
            if (probe.failed) {
                rlp_put_bytes(out, rlp_bytes(r, "string"));
            } else {
                *r = probe;
                rlp_put_uint(out, v);
            }
            continue;
        }
        AUTO(buf_done) struct buf items = buf_new(out->max);
        struct rlp members = rlp_list(r, "list");
        copy_items(&items, &members);
        rlp_put_list(out, &items);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_from(data, size);
    struct err err;
    if (!rlp_check(in, &err))
        return 0;
    AUTO(buf_done) struct buf out = buf_new(size + 64);
    struct rlp r = rlp_from(in);
    copy_items(&out, &r);
    if (!bytes_eq(buf_view(&out), in))
        abort();
    return 0;
}
