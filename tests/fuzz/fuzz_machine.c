/* Any bytes as an intent's state from the journal: what is taken holds the machine's promises and is written again alike. */
#include "crypto/base/auto.h"
#include "relayer/tx/task.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct txm m, again;
    unsigned base, base_again;
    struct err err;
    AUTO(buf_done) struct buf out = buf_new(64 * 1024);
    if (!machine_read(&m, &base, bytes_from(data, size), &err))
        return 0;
    if (txm_fault(&m) || !machine_write(&out, &m, base, &err) || !machine_read(&again, &base_again, buf_view(&out), &err) || base != base_again)
        abort();
    struct txm_rules rules = {.confirmations = 1, .poll_s = 1, .resend_after_s = 1};
    struct txm_event ev = {.type = TXM_EV_LOOKED, .look = {.head_block = 5, .complete = true}};
    txm_step(&m, &ev, &rules, 1);
    if (txm_fault(&m))
        abort();
    return 0;
}
