#include "relayer/collateral/memory.h"

#include "relayer/clock.h"
#include "relayer/store/collateral.h"

#include <stdio.h>

/* The kinds under which one mark's three values are kept. A CRL number counts as far as 63 bits go; Intel's and AMD's do. */
#define NUMBER "evaluation number"
#define ISSUED "issued"
#define CRL    "crl number"

static void full_name(char out[static 300], const char *issuer, const char *subject)
{
    snprintf(out, 300, "%s %s", issuer, subject);
}

static bool get(struct db *db, const char *kind, const char *name, int64_t *value)
{
    bool found = false;
    *value = 0;
    return marks_get(db, value, &found, kind, name, NULL) && found;
}

static bool mark(void *ctx, const char *issuer, const char *subject, struct mark *out)
{
    char name[300];
    int64_t number, issued, crl;
    full_name(name, issuer, subject);
    bool any = get(ctx, NUMBER, name, &number);
    any |= get(ctx, ISSUED, name, &issued);
    any |= get(ctx, CRL, name, &crl);
    if (!any)
        return false;
    *out = (struct mark){.evaluation_number = (uint64_t)number, .issued_s = issued};
    size_t len = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)((uint64_t)crl >> shift);
        if (len > 0 || byte)
            out->crl_number_mem[len++] = byte;
    }
    out->crl_number = bytes_from(out->crl_number_mem, len);
    return true;
}

static void raise_mark(void *ctx, const char *issuer, const char *subject, const struct mark *seen)
{
    char name[300];
    uint64_t crl = 0;
    int64_t now_s = clock_now_s();
    full_name(name, issuer, subject);
    for (size_t i = 0; i < seen->crl_number.len && seen->crl_number.len <= 8; i++)
        crl = crl << 8 | seen->crl_number.p[i];
    marks_raise(ctx, NUMBER, name, (int64_t)seen->evaluation_number, now_s, NULL);
    marks_raise(ctx, ISSUED, name, seen->issued_s, now_s, NULL);
    if (crl && crl <= INT64_MAX)
        marks_raise(ctx, CRL, name, (int64_t)crl, now_s, NULL);
}

static bool clock_of(void *ctx, struct hash32 ak, struct tpm_clock *out)
{
    struct tpm_clock_row row = {0};
    bool found = false;
    if (!tpm_clocks_get(ctx, &row, &found, ak, NULL) || !found)
        return false;
    *out = (struct tpm_clock){row.reset_count, row.restart_count, row.clock_ms, true, row.seen_at_s};
    return true;
}

static void keep_clock(void *ctx, struct hash32 ak, const struct tpm_clock *seen)
{
    struct tpm_clock_row row = {seen->reset_count, seen->restart_count, seen->clock_ms, seen->seen_s};
    tpm_clocks_put(ctx, ak, &row, NULL);
}

struct memory memory_of(struct db *db)
{
    return (struct memory){.ctx = db, .mark = mark, .clock = clock_of, .raise_mark = raise_mark, .keep_clock = keep_clock};
}
