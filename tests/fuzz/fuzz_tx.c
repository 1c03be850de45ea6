/* Any bytes as a raw transaction: what is taken is written again byte for byte. */
#include "abi/tx.h"
#include "crypto/base/auto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_from(data, size);
    struct err err;
    struct tx_signed parsed;
    struct tx unsigned_one;
    AUTO(buf_done) struct buf out = buf_new(TX_MAX_SIZE), payload = buf_new(TX_MAX_SIZE);
    if (tx_parse(&parsed, in, &err)) {
        if (!tx_encode(&out, &parsed.tx, &parsed.sig, &err) || !bytes_eq(buf_view(&out), in))
            abort();
    }
    if (tx_parse_unsigned(&unsigned_one, in, &err)) {
        if (!tx_signing_payload(&payload, &unsigned_one, &err) || !bytes_eq(buf_view(&payload), in))
            abort();
    }
    return 0;
}
