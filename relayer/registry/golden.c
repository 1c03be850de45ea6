#include "relayer/registry/golden.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/keccak.h"
#include "relayer/registry/calldata.h"

#include <stdio.h>

#define WORD 32

/* --- encoding --- */

static void put_number(struct buf *out, uint64_t v)
{
    buf_zero(out, WORD - 8);
    buf_u64be(out, v);
}

static void put_bytes48(struct buf *out, const struct hash48 *v)
{
    buf_put(out, BYTES_OF(*v));
    buf_zero(out, 2 * WORD - sizeof v->b);
}

static size_t entry_words(const struct golden_pcr *p)
{
    return 6 + 2 * p->num_events;
}

static void put_words(struct buf *out, const struct hash32 *words, size_t n)
{
    put_number(out, n);
    if (n)
        buf_put(out, bytes_from(words, n * sizeof *words));
}

static void put_entry(struct buf *out, const struct golden_pcr *p)
{
    buf_put(out, BYTES_OF(p->index));
    buf_put(out, BYTES_OF(p->value));
    put_number(out, 4 * WORD);
    put_number(out, (5 + p->num_events) * WORD);
    put_words(out, p->events, p->num_events);
    put_words(out, p->indices, p->num_events);
}

void golden_encode(struct buf *out, const struct golden *g)
{
    put_number(out, WORD);
    put_number(out, (1 + 2 * (TDX_NUM_VALUES + 1)) * WORD);
    for (size_t i = 0; i < TDX_NUM_VALUES; i++)
        put_bytes48(out, &g->tdx[i]);
    put_bytes48(out, &g->snp);
    put_number(out, g->num_pcrs);
    size_t at = g->num_pcrs * WORD;
    for (size_t i = 0; i < g->num_pcrs; i++) {
        put_number(out, at);
        at += entry_words(&g->pcrs[i]) * WORD;
    }
    for (size_t i = 0; i < g->num_pcrs; i++)
        put_entry(out, &g->pcrs[i]);
}

bool golden_seal(struct golden *g, struct err *err)
{
    AUTO(buf_done) struct buf data = buf_new(16 << 20);
    golden_encode(&data, g);
    if (!buf_finish(&data, err))
        return err_wrap(err, "measurement");
    g->hash = keccak256(buf_view(&data));
    return true;
}

/* --- from evidence --- */

static bool report_values(struct tee_values *out, const struct bundle *b, struct err *err)
{
    bool zk = b->report_type == REPORT_ZK_SUCCINCT || b->report_type == REPORT_ZK_RISC0;
    if (!b->has_report)
        return err_set(err, ERR_USAGE,
                       "no TEE report in it: a re-attestation is measured with the report that the registry keeps");
    if (b->tee == TEE_SNP) {
        struct snp_journal journal = {.raw_report = b->report};
        if (zk && !snp_journal_decode(&journal, b->report, err))
            return false;
        struct bytes report = journal.raw_report;
        if (report.len < SNP_REPORT_MIN)
            return err_set(err, ERR_FORMAT, "SNP report: want %d bytes, have %zu", SNP_REPORT_MIN, report.len);
        tee_values_from_snp_report(out, report);
        return true;
    }
    size_t at = zk ? TDX_OUTPUT_BODY : TDX_QUOTE_BODY;
    struct bytes body = bytes_sub(b->report, at, TDX_BODY_LEN);
    if (b->tee != TEE_TDX)
        return err_set(err, ERR_USAGE, "neither TDX nor SEV-SNP evidence");
    if (body.len == 0)
        return err_set(err, ERR_FORMAT, "TDX %s: want %zu bytes, have %zu", zk ? "output" : "quote", at + TDX_BODY_LEN,
                       b->report.len);
    tee_values_from_tdx_body(out, body);
    return true;
}

static void put_u32(struct hash32 *out, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        out->b[28 + i] = (uint8_t)(v >> (24 - 8 * i));
}

static bool entry_from_bundle(struct golden_pcr *out, struct arena *mem, const struct bundle_pcr *p, struct err *err)
{
    struct golden_pcr g = {.num_events = p->num_measured};
    g.events = arena_alloc(mem, p->num_measured + 1, sizeof *g.events);
    g.indices = arena_alloc(mem, p->num_measured + 1, sizeof *g.indices);
    if (!g.events || !g.indices)
        return err_set(err, ERR_NOMEM, "no memory");
    put_u32(&g.index, p->index);
    if (p->measure_value && p->value.len == sizeof g.value.b)
        memcpy(g.value.b, p->value.p, sizeof g.value.b);
    for (size_t i = 0; i < p->num_measured; i++) {
        if (p->measured[i] >= p->num_events)
            return err_set(err, ERR_FORMAT, "pcr %u: measured event %u, there are %zu", p->index, p->measured[i],
                           p->num_events);
        g.events[i] = p->events[p->measured[i]];
        put_u32(&g.indices[i], p->measured[i]);
    }
    *out = g;
    return true;
}

bool golden_from_bundle(struct golden *out, struct arena *mem, const struct bundle *b, enum profile profile,
                        struct err *err)
{
    struct tee_values tee;
    struct golden g = {.num_pcrs = b->num_pcrs};
    if (profile == PROFILE_NONE)
        profile = b->call.profile ? b->call.profile : PROFILE_G1B;
    if (!report_values(&tee, b, err))
        return false;
    memcpy(g.tdx, tee.tdx, sizeof g.tdx);
    g.snp = tee.snp_measurement;
    if (profile != PROFILE_G1A) /* it carries the VM's UUID, which changes with each boot */
        g.tdx[TDX_RTMR3] = (struct hash48){{0}};
    g.pcrs = arena_alloc(mem, b->num_pcrs + 1, sizeof *g.pcrs);
    if (!g.pcrs)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < b->num_pcrs; i++)
        if (!entry_from_bundle(&g.pcrs[i], mem, &b->pcrs[i], err))
            return false;
    if (!golden_seal(&g, err))
        return false;
    *out = g;
    return true;
}
