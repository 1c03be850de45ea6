/* Event logs: the first byte says whether TCG's, CCEL, CEL or IMA's. What parses is replayed, described and compared. */
#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/eventlog_cel.h"
#include "relayer/evidence/eventlog_ima.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_firmware(struct arena *mem, struct bytes in, enum eventlog_kind kind)
{
    struct event_log log;
    struct digest d;
    struct err err;
    char words[120];
    if (!eventlog_parse(&log, mem, in, kind, &err))
        return;
    for (uint32_t pcr = 0; pcr < 4; pcr++)
        eventlog_replay(&d, &log, HASH_SHA256, pcr);
    for (size_t i = 0; i < log.count && i < 64; i++) {
        event_describe(words, sizeof words, &log.events[i]);
        event_data_proven(&log.events[i]);
    }
    struct event_log shorter = log;
    shorter.count /= 2;
    if (log.count < 64)
        json_decref(eventlog_diff(&log, &shorter, HASH_SHA1));
}

static void try_cel(struct arena *mem, struct bytes in)
{
    struct cel cel;
    struct digest d;
    struct err err;
    if (cel_parse(&cel, mem, in, &err))
        cel_replay(&d, &cel, HASH_SHA384, true, 4);
}

static void try_ima(struct arena *mem, struct bytes in)
{
    struct ima_log log;
    struct err err;
    if (ima_parse(&log, mem, in, &err)) {
        ima_replay(&log, HASH_SHA1, 10, false);
        ima_replay(&log, HASH_SHA256, 10, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena mem = arena_new(1 << 24);
    struct bytes in = bytes_from(data + 1, size - 1);
    if (data[0] < 2)
        try_firmware(&mem, in, data[0] == 0 ? EVENTLOG_TCG : EVENTLOG_CCEL);
    else if (data[0] == 2)
        try_cel(&mem, in);
    else
        try_ima(&mem, in);
    arena_done(&mem);
    return 0;
}
