#include "relayer/evidence/eventlog.h"

#include "relayer/evidence/tpm_quote.h"

#define SPEC_ID BYTES_LIT("Spec ID Event03\0")

struct parser {
    struct reader r;
    struct event_log *log;
    size_t cap;
    struct arena *mem;
    struct err *err;
};

static bool add(struct parser *p, struct log_event e)
{
    if (p->log->count == EVENTLOG_MAX_EVENTS)
        return err_set(p->err, ERR_FORMAT, "more than %d events", EVENTLOG_MAX_EVENTS);
    if (p->log->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct log_event *grown = arena_alloc(p->mem, cap, sizeof *grown);
        if (!grown)
            return err_set(p->err, ERR_NOMEM, "no memory");
        if (p->log->count)
            memcpy(grown, p->log->events, p->log->count * sizeof *grown);
        p->log->events = grown;
        p->cap = cap;
    }
    p->log->events[p->log->count++] = e;
    return true;
}

/* --- the header --- */

static bool take_algs(struct parser *p, struct reader *r)
{
    size_t n = rd_count(r, rd_u32le(r, "algorithm count"), EVENTLOG_MAX_ALGS, "algorithm count");
    for (size_t i = 0; i < n; i++) {
        uint16_t alg = rd_u16le(r, "algorithm"), size = rd_u16le(r, "digest size");
        enum hash_alg known = tpm_hash_alg(alg);
        if (!r->failed && (size == 0 || size > HASH_MAX || (known != HASH_NONE && size != hash_size(known))))
            return err_set(p->err, ERR_FORMAT, "header: algorithm %04x with digests of %u bytes", alg, size);
        p->log->algs[i].alg = alg;
        p->log->algs[i].size = size;
    }
    if (!r->failed && n == 0)
        return err_set(p->err, ERR_FORMAT, "header: no digest algorithm listed");
    p->log->num_algs = n;
    return true;
}

static bool take_spec_id(struct parser *p, struct bytes data)
{
    if (memcmp(data.p, SPEC_ID.p, SPEC_ID.len) != 0)
        return err_set(p->err, ERR_FORMAT, "spec id: '%.15s', want 'Spec ID Event03'", (const char *)data.p);
    struct reader r = rd_from(data);
    rd_skip(&r, SPEC_ID.len, "signature");
    rd_skip(&r, 8, "platform class, version, errata, word size"); /* td-shim writes errata 105 */
    if (!take_algs(p, &r))
        return false;
    rd_skip(&r, rd_u8(&r, "vendor info size"), "vendor info");
    if (!rd_finish(&r, p->err))
        return err_wrap(p->err, "header");
    p->log->agile = true;
    return true;
}

static bool is_spec_id(const struct log_event *e)
{
    return e->type == EV_NO_ACTION && e->data.len >= SPEC_ID.len && memcmp(e->data.p, "Spec ID Event", 13) == 0;
}

/* --- events --- */

static struct log_event take_old(struct reader *r)
{
    struct log_event e = {.pcr = rd_u32le(r, "pcr"), .type = rd_u32le(r, "type")};
    e.digest[HASH_SHA1] = rd_bytes(r, 20, "digest").p;
    e.data = rd_bytes(r, rd_u32le(r, "data size"), "data");
    return e;
}

static uint16_t size_of_alg(const struct event_log *log, uint16_t alg)
{
    for (size_t i = 0; i < log->num_algs; i++)
        if (log->algs[i].alg == alg)
            return log->algs[i].size;
    return 0;
}

static bool take_agile(struct parser *p, struct log_event *e)
{
    struct reader *r = &p->r;
    *e = (struct log_event){.pcr = rd_u32le(r, "pcr"), .type = rd_u32le(r, "type")};
    size_t n = rd_count(r, rd_u32le(r, "digest count"), p->log->num_algs, "digest count");
    for (size_t i = 0; i < n; i++) {
        uint16_t alg = rd_u16le(r, "algorithm"), size = size_of_alg(p->log, alg);
        if (!r->failed && size == 0)
            return err_set(p->err, ERR_FORMAT, "event %zu: digest of algorithm %04x, which the header does not list",
                           p->log->count, alg);
        struct bytes d = rd_bytes(r, size, "digest");
        enum hash_alg known = tpm_hash_alg(alg);
        if (known != HASH_NONE)
            e->digest[known] = d.p;
    }
    e->data = rd_bytes(r, rd_u32le(r, "data size"), "data");
    return true;
}

/* In a CCEL area: is all that is left one padding byte, over and over? */
static bool only_padding(const struct reader *r)
{
    struct bytes left = bytes_sub(r->in, r->pos, r->in.len - r->pos);
    if (left.len == 0 || (left.p[0] != 0x00 && left.p[0] != 0xff))
        return false;
    for (size_t i = 1; i < left.len; i++)
        if (left.p[i] != left.p[0])
            return false;
    return true;
}

static void note_locality(struct event_log *log, const struct log_event *e)
{
    static const char name[] = "StartupLocality"; /* with its NUL */
    if (e->type == EV_NO_ACTION && e->pcr == 0 && e->data.len == sizeof name + 1 &&
        memcmp(e->data.p, name, sizeof name) == 0)
        log->locality = e->data.p[sizeof name];
}

static bool take_event(struct parser *p)
{
    struct log_event e;
    if (!p->log->agile)
        e = take_old(&p->r);
    else if (!take_agile(p, &e))
        return false;
    if (!rd_ok(&p->r, p->err))
        return err_wrap(p->err, "event %zu", p->log->count);
    if (p->log->count == 0 && is_spec_id(&e) && !take_spec_id(p, e.data))
        return false;
    note_locality(p->log, &e);
    return add(p, e);
}

bool eventlog_parse(struct event_log *out, struct arena *mem, struct bytes in, enum eventlog_kind kind, struct err *err)
{
    struct event_log log = {0};
    struct parser p = {.r = rd_from(in), .log = &log, .mem = mem, .err = err};
    if (in.len == 0)
        return err_set(err, ERR_FORMAT, "event log: empty");
    while (rd_left(&p.r) > 0 && !(kind == EVENTLOG_CCEL && only_padding(&p.r)))
        if (!take_event(&p))
            return err_wrap(err, "event log");
    if (kind == EVENTLOG_CCEL && !log.agile)
        return err_set(err, ERR_FORMAT, "event log: a CCEL begins with a Spec ID event");
    log.used = p.r.pos;
    *out = log;
    return true;
}

/* --- replay --- */

void eventlog_extend(struct digest *reg, enum hash_alg bank, struct bytes digest)
{
    struct bytes parts[] = {digest_view(reg), digest};
    *reg = hash_parts(bank, parts, 2);
}

bool eventlog_replay(struct digest *out, const struct event_log *log, enum hash_alg bank, uint32_t pcr)
{
    struct digest d = {.len = hash_size(bank)};
    if (pcr == 0 && d.len)
        d.b[d.len - 1] = log->locality;
    for (size_t i = 0; i < log->count; i++) {
        const struct log_event *e = &log->events[i];
        if (e->pcr != pcr || e->type == EV_NO_ACTION)
            continue;
        if (!e->digest[bank])
            return false;
        eventlog_extend(&d, bank, bytes_from(e->digest[bank], d.len));
    }
    *out = d;
    return true;
}
