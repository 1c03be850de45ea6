#include "relayer/cli/measure_golden.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/golden.h"

/* Zero stands for "not measured" in the registry's measurement. */
static void put(struct golden_values *v, unsigned key, struct bytes value)
{
    if (key < GOLDEN_KEYS && !bytes_is_zero(value))
        v->value[key] = value;
}

static struct golden_values values_of(const struct golden *g)
{
    struct golden_values v = {0};
    put(&v, GOLDEN_HASH, BYTES_OF(g->hash));
    put(&v, GOLDEN_MR_TD, BYTES_OF(g->tdx[TDX_MRTD]));
    put(&v, GOLDEN_MR_SEAM, BYTES_OF(g->tdx[TDX_MRSEAM]));
    for (unsigned i = 0; i < 4; i++)
        put(&v, GOLDEN_RTMR0 + i, BYTES_OF(g->tdx[TDX_RTMR0 + i]));
    put(&v, GOLDEN_MEASUREMENT, BYTES_OF(g->snp));
    for (size_t i = 0; i < g->num_pcrs; i++) {
        const uint8_t *index = g->pcrs[i].index.b;
        if (bytes_is_zero(bytes_from(index, 31)) && index[31] < 32)
            put(&v, GOLDEN_PCR0 + index[31], BYTES_OF(g->pcrs[i].value));
    }
    return v;
}

bool measure_golden_entry(struct buf *out, const char *name, const struct golden *golden, struct err *err)
{
    struct golden_values v = values_of(golden);
    return golden_file_write(out, name, &v, err);
}

bool measure_against_golden(json_t **list, const struct golden *golden, struct bytes text)
{
    AUTO(arena_done) struct arena mem = arena_new(4 << 20);
    struct golden_file file;
    struct golden_values v = values_of(golden);
    struct err why = {0};
    if (!golden_file_parse(&file, &mem, text, NULL))
        return false;
    *list = golden_file_match(&file, &v, &why) ? json_array() : json_pack("[{s:s}]", "what", why.text);
    return true;
}

json_t *measure_event_changes(const struct bundle *have, const struct bundle *want)
{
    AUTO(arena_done) struct arena mem = arena_new(32 << 20);
    struct event_log a, b;
    if (!eventlog_parse(&a, &mem, have->event_log, EVENTLOG_TCG, NULL) ||
        !eventlog_parse(&b, &mem, want->event_log, EVENTLOG_TCG, NULL))
        return NULL;
    return eventlog_diff(&a, &b, a.agile && b.agile ? HASH_SHA256 : HASH_SHA1);
}
