#include "relayer/evidence/golden.h"

#include "crypto/base/auto.h"
#include "crypto/base/near.h"
#include "crypto/base/text.h"
#include "relayer/evidence/tpm_part.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>

static const char *key_name(char out[static 16], enum golden_key key)
{
    static const char *const fixed[] = {"hash", "mr_td", "mr_seam", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "measurement"};
    if (key < GOLDEN_PCR0)
        snprintf(out, 16, "%s", fixed[key]);
    else
        snprintf(out, 16, "pcr%u", (unsigned)(key - GOLDEN_PCR0) % 32);
    return out;
}

static size_t key_size(enum golden_key key)
{
    return key == GOLDEN_HASH || key >= GOLDEN_PCR0 ? 32 : 48;
}

struct golden_values golden_values_of(const struct ev *ev)
{
    struct golden_values v = {0};
    if (ev->expected->has_measurement_hash)
        v.value[GOLDEN_HASH] = BYTES_OF(ev->expected->measurement_hash);
    if (ev->tee.present && ev->tee.type == TEE_TDX) {
        v.value[GOLDEN_MR_TD] = ev->tee.mr_td;
        v.value[GOLDEN_MR_SEAM] = ev->tee.mr_seam;
        for (size_t i = 0; i < 4; i++)
            v.value[GOLDEN_RTMR0 + i] = ev->tee.rtmr[i];
    }
    if (ev->tee.present && ev->tee.type == TEE_SNP)
        v.value[GOLDEN_MEASUREMENT] = ev->tee.measurement;
    for (uint32_t n = 0; n < TPM_MAX_PCR; n++) {
        const struct bundle_pcr *pcr = tpm_find_pcr(ev, HASH_SHA256, n);
        if (pcr)
            v.value[GOLDEN_PCR0 + n] = pcr->value;
    }
    return v;
}

/* --- reading --- */

struct loading {
    struct golden_file file;
    struct arena *mem;
    struct err err;
};

static bool find_key(enum golden_key *out, const char *name, struct err *err)
{
    struct near_word best = {0};
    char words[GOLDEN_KEYS][16], hint[80];
    for (unsigned k = 0; k < GOLDEN_KEYS; k++) {
        if (strcmp(key_name(words[k], (enum golden_key)k), name) == 0) {
            *out = (enum golden_key)k;
            return true;
        }
        near_try(&best, name, words[k]);
    }
    return err_set(err, ERR_USAGE, "unknown key '%s'%s", name, near_hint(hint, sizeof hint, &best, ""));
}

static bool take_value(struct loading *l, const char *section, const char *name, const char *value)
{
    struct golden_file *f = &l->file;
    enum golden_key key;
    uint8_t *bytes;
    if (!find_key(&key, name, &l->err))
        return false;
    if (f->num_entries == 0 || strcmp(f->names[f->num_entries - 1], section) != 0) {
        if (f->num_entries == GOLDEN_MAX_ENTRIES)
            return err_set(&l->err, ERR_USAGE, "more than %d entries", GOLDEN_MAX_ENTRIES);
        if (!section[0] || !(f->names[f->num_entries] = arena_str(l->mem, bytes_str(section))))
            return err_set(&l->err, ERR_USAGE, section[0] ? "no memory" : "a value in front of the first [name]");
        f->num_entries++;
    }
    if (f->num_lines == GOLDEN_MAX_LINES || !(bytes = arena_alloc(l->mem, key_size(key), 1)))
        return err_set(&l->err, ERR_USAGE, "more than %d values", GOLDEN_MAX_LINES);
    if (!hex_decode_fixed(bytes, key_size(key), bytes_str(value), &l->err))
        return err_wrap(&l->err, "%s", name);
    f->lines[f->num_lines++] = (struct golden_line){f->num_entries - 1, key, bytes_from(bytes, key_size(key))};
    return true;
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct loading *l = user;
    return l->err.code == ERR_NONE && take_value(l, section, name, value ? value : "");
}

bool golden_file_parse(struct golden_file *out, struct arena *mem, struct bytes text, struct err *err)
{
    struct loading l = {.mem = mem};
    if (text.len > 1 << 20 || bytes_find(text, BYTES_LIT("\0"), 0) != SIZE_MAX)
        return err_set(err, ERR_USAGE, "golden file: no text file");
    AUTO(auto_free) char *s = strndup((const char *)text.p, text.len);
    l.file.lines = arena_alloc(mem, GOLDEN_MAX_LINES, sizeof *l.file.lines);
    l.file.names = arena_alloc(mem, GOLDEN_MAX_ENTRIES, sizeof *l.file.names);
    if (!s || !l.file.lines || !l.file.names)
        return err_set(err, ERR_NOMEM, "golden file: no memory");
    int line = ini_parse_string(s, on_key, &l);
    if (line != 0) {
        if (l.err.code == ERR_NONE)
            err_set(&l.err, ERR_USAGE, "not a [name], a key = value or a comment");
        return err_set(err, ERR_USAGE, "golden file: line %d: %s", line, l.err.text);
    }
    if (l.file.num_entries == 0)
        return err_set(err, ERR_USAGE, "golden file: no entry");
    *out = l.file;
    return true;
}

/* --- matching --- */

/* Does the entry take what is there under this key? True too where it does not name the key. */
static bool takes(const struct golden_file *f, size_t entry, enum golden_key key, struct bytes have)
{
    bool named = false;
    for (size_t i = 0; i < f->num_lines; i++) {
        if (f->lines[i].entry != entry || f->lines[i].key != key)
            continue;
        named = true;
        if (bytes_eq(f->lines[i].value, have))
            return true;
    }
    return !named;
}

const char *golden_file_match(const struct golden_file *file, const struct golden_values *have, struct err *why)
{
    size_t fewest = GOLDEN_KEYS + 1;
    for (size_t e = 0; e < file->num_entries; e++) {
        size_t misses = 0;
        enum golden_key first = GOLDEN_HASH;
        for (unsigned k = 0; k < GOLDEN_KEYS; k++)
            if (!takes(file, e, (enum golden_key)k, have->value[k]) && misses++ == 0)
                first = (enum golden_key)k;
        if (misses == 0)
            return file->names[e];
        if (misses < fewest) {
            char name[16];
            fewest = misses;
            err_set(why, ERR_REFUSED, "none of %zu entries; nearest is '%.60s', %zu short of it, first %s",
                    file->num_entries, file->names[e], misses, key_name(name, first));
        }
    }
    return NULL;
}

bool golden_file_write(struct buf *out, const char *name, const struct golden_values *values, struct err *err)
{
    char key[16];
    if (!name[0] || strpbrk(name, "[];\n\r"))
        return err_set(err, ERR_USAGE, "'%s' is no name for a golden entry", name);
    buf_printf(out, "[%s]\n", name);
    for (unsigned k = 0; k < GOLDEN_KEYS; k++) {
        if (!values->value[k].len)
            continue;
        buf_printf(out, "%s = ", key_name(key, (enum golden_key)k));
        buf_hex(out, values->value[k]);
        buf_text(out, "\n");
    }
    return buf_finish(out, err);
}
