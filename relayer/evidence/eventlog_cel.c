#include "relayer/evidence/eventlog_cel.h"

#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/tpm_quote.h"

enum { CEL_RECNUM = 0, CEL_PCR = 1, CEL_DIGESTS = 3, CEL_RTMR = 108 };

struct tlv {
    uint8_t type;
    struct bytes whole, value;
};

static struct tlv take_tlv(struct reader *r, const char *field)
{
    size_t from = r->pos;
    struct tlv t = {.type = rd_u8(r, field)};
    t.value = rd_bytes(r, rd_u32be(r, field), field);
    t.whole = r->failed ? (struct bytes){0} : bytes_sub(r->in, from, r->pos - from);
    return t;
}

static bool take_digests(struct cel_record *rec, struct bytes in, struct err *err)
{
    struct reader r = rd_from(in);
    while (rd_left(&r) > 0) {
        struct tlv d = take_tlv(&r, "digest");
        enum hash_alg alg = tpm_hash_alg(d.type);
        if (!r.failed && alg != HASH_NONE && d.value.len != hash_size(alg))
            return err_set(err, ERR_FORMAT, "%s digest of %zu bytes", hash_name(alg), d.value.len);
        if (alg != HASH_NONE)
            rec->digest[alg] = d.value.p;
    }
    return rd_finish(&r, err);
}

static bool digests_fit(const struct cel_record *rec, struct err *err)
{
    bool any = false;
    for (enum hash_alg alg = HASH_SHA1; alg <= HASH_SHA512; alg++) {
        if (!rec->digest[alg])
            continue;
        struct digest d = hash_of(alg, rec->content);
        if (memcmp(d.b, rec->digest[alg], d.len) != 0)
            return err_set(err, ERR_FORMAT, "the %s digest is not its content's", hash_name(alg));
        any = true;
    }
    return any || err_set(err, ERR_FORMAT, "no digest that we know");
}

static bool take_record(struct cel_record *out, struct reader *r, size_t number, struct err *err)
{
    struct cel_record rec = {0};
    struct tlv num = take_tlv(r, "record number"), reg = take_tlv(r, "register"), digests = take_tlv(r, "digests"),
               content = take_tlv(r, "content");
    if (!rd_ok(r, err))
        return false;
    if (num.type != CEL_RECNUM || num.value.len != 8 || be64(num.value.p) != number)
        return err_set(err, ERR_FORMAT, "its number is another one");
    if ((reg.type != CEL_PCR && reg.type != CEL_RTMR) || reg.value.len != 1)
        return err_set(err, ERR_FORMAT, "register of type %u and %zu bytes", reg.type, reg.value.len);
    if (digests.type != CEL_DIGESTS)
        return err_set(err, ERR_FORMAT, "type %u where the digests should be", digests.type);
    rec.is_rtmr = reg.type == CEL_RTMR;
    rec.index = reg.value.p[0];
    rec.content_type = content.type;
    rec.content = content.whole;
    rec.value = content.value;
    if (!take_digests(&rec, digests.value, err) || !digests_fit(&rec, err))
        return false;
    *out = rec;
    return true;
}

bool cel_parse(struct cel *out, struct arena *mem, struct bytes in, struct err *err)
{
    struct cel cel = {0};
    struct cel_record rec;
    struct reader r = rd_from(in), count = rd_from(in);
    size_t n = 0;
    for (; rd_left(&count) > 0 && n <= CEL_MAX_RECORDS; n++) /* four elements each */
        for (int i = 0; i < 4; i++)
            take_tlv(&count, "element");
    if (in.len == 0 || n > CEL_MAX_RECORDS)
        return err_set(err, ERR_FORMAT, "CEL: %s", in.len ? "too many records" : "empty");
    if (!(cel.records = arena_alloc(mem, n, sizeof *cel.records)))
        return err_set(err, ERR_NOMEM, "CEL: no memory");
    while (rd_left(&r) > 0) {
        if (!take_record(&rec, &r, cel.count, err))
            return err_wrap(err, "CEL: record %zu", cel.count);
        cel.records[cel.count++] = rec;
    }
    *out = cel;
    return true;
}

bool cel_covers(const struct cel *cel, bool is_rtmr, uint8_t index)
{
    for (size_t i = 0; i < cel->count; i++)
        if (cel->records[i].is_rtmr == is_rtmr && cel->records[i].index == index)
            return true;
    return false;
}

bool cel_replay(struct digest *out, const struct cel *cel, enum hash_alg bank, bool is_rtmr, uint8_t index)
{
    struct digest d = {.len = hash_size(bank)};
    for (size_t i = 0; i < cel->count; i++) {
        const struct cel_record *rec = &cel->records[i];
        if (rec->is_rtmr != is_rtmr || rec->index != index)
            continue;
        if (!rec->digest[bank])
            return false;
        eventlog_extend(&d, bank, bytes_from(rec->digest[bank], d.len));
    }
    *out = d;
    return true;
}
