#include "relayer/evidence/eventlog_ima.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/eventlog.h"

/* --- lines --- */

static struct bytes next_line(struct bytes text, size_t *at)
{
    size_t end = bytes_find(text, BYTES_LIT("\n"), *at);
    if (end == SIZE_MAX)
        end = text.len;
    struct bytes line = bytes_sub(text, *at, end - *at);
    *at = end + 1;
    return line;
}

/* The word up to the next blank; the line goes on behind it. */
static struct bytes next_word(struct bytes *line)
{
    size_t end = bytes_find(*line, BYTES_LIT(" "), 0);
    if (end == SIZE_MAX)
        end = line->len;
    struct bytes word = bytes_sub(*line, 0, end);
    *line = end < line->len ? bytes_sub(*line, end + 1, line->len - end - 1) : (struct bytes){0};
    return word;
}

static bool hex_word(struct bytes *out, struct arena *mem, struct bytes word)
{
    uint8_t *p = arena_alloc(mem, word.len / 2 + 1, 1);
    if (!p || word.len % 2 || !hex_decode_fixed(p, word.len / 2, word, NULL))
        return false;
    *out = bytes_from(p, word.len / 2);
    return true;
}

/* u32 length, little-endian, and the field */
static void put_field(struct buf *b, struct bytes field, bool with_nul)
{
    buf_u32le(b, (uint32_t)(field.len + with_nul));
    buf_put(b, field);
    if (with_nul)
        buf_u8(b, 0);
}

/* d-ng: "alg:", NUL, digest */
static bool put_digest(struct buf *b, struct bytes alg, struct bytes digest)
{
    buf_u32le(b, (uint32_t)(alg.len + 2 + digest.len));
    buf_put(b, alg);
    buf_put(b, BYTES_LIT(":\0"));
    buf_put(b, digest);
    return !b->failed;
}

/* ima-ng is digest and path; ima-sig has a signature behind it, which may be absent. */
static bool rebuild(struct ima_entry *e, struct arena *mem, struct bytes name, struct bytes alg, struct bytes rest)
{
    AUTO(buf_done) struct buf b = buf_new(1 << 16);
    struct bytes sig = {0};
    bool ok = true;
    e->path = rest;
    if (bytes_eq(name, BYTES_LIT("ima-sig"))) {
        size_t blank = SIZE_MAX;
        for (size_t i = 0; i < rest.len; i++)
            if (rest.p[i] == ' ')
                blank = i;
        if (blank != SIZE_MAX && hex_word(&sig, mem, bytes_sub(rest, blank + 1, rest.len - blank - 1)))
            e->path = bytes_sub(rest, 0, blank);
    } else if (!bytes_eq(name, BYTES_LIT("ima-ng"))) {
        return true; /* its data cannot be rebuilt */
    }
    put_digest(&b, alg, e->file_digest);
    put_field(&b, e->path, true);
    if (bytes_eq(name, BYTES_LIT("ima-sig")))
        put_field(&b, sig, false);
    if (b.failed)
        return false;
    e->data = arena_copy(mem, buf_view(&b), &ok);
    return ok;
}

/* The logged template hash is SHA-1 as a rule; a TD's kernel logs what it extended. */
static bool hash_fits(const struct ima_entry *e)
{
    for (enum hash_alg alg = HASH_SHA1; alg <= HASH_SHA512; alg++)
        if (hash_size(alg) == e->template_hash.len) {
            struct digest d = hash_of(alg, e->data);
            return bytes_eq(e->template_hash, digest_view(&d));
        }
    return false;
}

static bool parse_line(struct ima_entry *e, struct arena *mem, struct bytes line, struct err *err)
{
    uint64_t pcr;
    struct bytes hash, digest, name;
    if (line.len && line.p[0] == ' ') /* the kernel writes two columns */
        line = bytes_sub(line, 1, line.len - 1);
    if (!u64_parse(&pcr, next_word(&line), 23, err))
        return err_wrap(err, "PCR");
    e->pcr = (uint32_t)pcr;
    hash = next_word(&line);
    name = next_word(&line);
    digest = next_word(&line);
    if (!hex_word(&e->template_hash, mem, hash) || e->template_hash.len < 20 || e->template_hash.len > HASH_MAX)
        return err_set(err, ERR_FORMAT, "template hash");
    size_t colon = bytes_find(digest, BYTES_LIT(":"), 0);
    struct bytes alg = colon == SIZE_MAX ? (struct bytes){0} : bytes_sub(digest, 0, colon);
    if (colon != SIZE_MAX)
        digest = bytes_sub(digest, colon + 1, digest.len - colon - 1);
    if (line.len == 0 || !hex_word(&e->file_digest, mem, digest) || !rebuild(e, mem, name, alg, line))
        return err_set(err, ERR_FORMAT, "file digest or path");
    e->violation = bytes_is_zero(e->template_hash);
    return e->violation || !e->data.len || hash_fits(e) ||
           err_set(err, ERR_FORMAT, "the template hash is not that of its fields");
}

bool ima_parse(struct ima_log *out, struct arena *mem, struct bytes text, struct err *err)
{
    struct ima_log log = {0};
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.p[i] == '\n';
    if (text.len == 0 || lines >= IMA_MAX_ENTRIES)
        return err_set(err, ERR_FORMAT, "IMA log: %s", text.len ? "too many lines" : "empty");
    if (!(log.entries = arena_alloc(mem, lines + 1, sizeof *log.entries)))
        return err_set(err, ERR_NOMEM, "IMA log: no memory");
    for (size_t at = 0; at < text.len;) {
        struct ima_entry *e = &log.entries[log.count];
        struct bytes line = next_line(text, &at);
        if (line.len == 0 && at >= text.len)
            break;
        if (!parse_line(e, mem, line, err))
            return err_wrap(err, "IMA log: line %zu", log.count + 1);
        log.violations += e->violation;
        log.count++;
    }
    *out = log;
    return true;
}

/* --- replay --- */

/* What this kernel extends for an entry; false where it cannot be told. */
static bool extended(struct digest *out, const struct ima_entry *e, enum hash_alg bank, bool padded)
{
    struct digest d = {.len = hash_size(bank)};
    if (e->violation)
        memset(d.b, 0xff, d.len);
    else if (padded || (bank == HASH_SHA1 && e->template_hash.len == d.len))
        memcpy(d.b, e->template_hash.p, e->template_hash.len < d.len ? e->template_hash.len : d.len);
    else if (e->data.len)
        d = hash_of(bank, e->data);
    else
        return false;
    *out = d;
    return true;
}

bool ima_leads_to(size_t *entries, const struct ima_log *log, enum hash_alg bank, uint32_t pcr, struct bytes start,
                  struct bytes want)
{
    for (int padded = 0; padded < 2; padded++) {
        struct digest reg = {.len = start.len}, d;
        memcpy(reg.b, start.p, start.len);
        for (size_t i = 0; i < log->count; i++) {
            if (log->entries[i].pcr != pcr)
                continue;
            if (!extended(&d, &log->entries[i], bank, padded))
                break;
            eventlog_extend(&reg, bank, digest_view(&d));
            if (bytes_eq(digest_view(&reg), want)) {
                *entries = i + 1;
                return true;
            }
        }
    }
    return false;
}

struct digest ima_replay(const struct ima_log *log, enum hash_alg bank, uint32_t pcr, bool padded)
{
    struct digest reg = {.len = hash_size(bank)}, d;
    for (size_t i = 0; i < log->count; i++)
        if (log->entries[i].pcr == pcr && extended(&d, &log->entries[i], bank, padded))
            eventlog_extend(&reg, bank, digest_view(&d));
    return reg;
}
