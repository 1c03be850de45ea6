/* Policies: the two built in, and files that start from one of them. A file is read twice, first for its base, then for
 * what it changes, so that the order of its lines does not matter. */
#include "relayer/evidence/policy.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/near.h"
#include "crypto/base/text.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>

/* The policy's own section: rows like any other, but for the base, which is taken first. */
static const struct policy_key own_keys[] = {
    {"policy", "allow_foreign_evidence", POLICY_BOOL, offsetof(struct policy, allow_foreign_evidence), 0,
     "evidence without our binding tail"},
    {"policy", "max_evidence_age", POLICY_DURATION, offsetof(struct policy, max_evidence_age_s), 0,
     "how old the tail's time may be"},
};

const struct policy_area policy_areas[] = {
    {own_keys, &(const size_t){sizeof own_keys / sizeof own_keys[0]}},
    {tdx_policy_keys, &num_tdx_policy_keys},
    {snp_policy_keys, &num_snp_policy_keys},
    {tpm_policy_keys, &num_tpm_policy_keys},
};
const size_t num_policy_areas = sizeof policy_areas / sizeof policy_areas[0];

static bool waive(struct policy *p, const char *id)
{
    if (p->num_waived == POLICY_MAX_WAIVED || strlen(id) >= sizeof p->waived[0])
        return false;
    snprintf(p->waived[p->num_waived++], sizeof p->waived[0], "%s", id);
    return true;
}

static void start_from(struct policy *out, bool authentic)
{
    *out = (struct policy){.authentic = authentic, .max_evidence_age_s = 600};
    snprintf(out->name, sizeof out->name, "%s", authentic ? "authentic" : "strict");
    if (authentic) {
        waive(out, "tail.*");
        waive(out, "snp.crl");
    }
    tdx_policy_defaults(&out->tdx, authentic);
    snp_policy_defaults(&out->snp, authentic);
    tpm_policy_defaults(&out->tpm, authentic);
}

void policy_strict(struct policy *out)
{
    start_from(out, false);
}

void policy_authentic(struct policy *out)
{
    start_from(out, true);
}

bool policy_waives(const struct policy *policy, const char *check_id)
{
    for (size_t i = 0; i < policy->num_waived; i++) {
        const char *w = policy->waived[i];
        size_t n = strlen(w);
        if (n >= 2 && strcmp(w + n - 2, ".*") == 0 ? strncmp(w, check_id, n - 1) == 0 : strcmp(w, check_id) == 0)
            return true;
    }
    return false;
}

bool policy_hex_allows(const struct policy_hex_list *list, struct bytes value)
{
    for (size_t i = 0; i < list->count; i++)
        if (bytes_eq(bytes_from(list->item[i], list->len[i]), value))
            return true;
    return list->count == 0;
}

bool policy_words_allow(const struct policy_word_list *list, struct bytes value)
{
    for (size_t i = 0; i < list->count; i++)
        if (bytes_eq(bytes_str(list->item[i]), value))
            return true;
    return list->count == 0;
}

/* --- values --- */

static bool parse_bool(bool *out, struct bytes text, struct err *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"true", true}, {"no", false}, {"false", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bytes_eq(text, bytes_str(words[i].word))) {
            *out = words[i].value;
            return true;
        }
    return err_set(err, ERR_USAGE, "want yes or no");
}

/* Decimal, or 0x and up to 16 hex digits. */
static bool parse_number(uint64_t *out, struct bytes text, uint64_t max, struct err *err)
{
    if (text.len < 3 || text.p[0] != '0' || text.p[1] != 'x')
        return u64_parse(out, text, max, err);
    uint8_t raw[8] = {0};
    char digits[17];
    size_t n = text.len - 2;
    if (n > 16)
        return err_set(err, ERR_USAGE, "a number of more than 64 bits");
    memset(digits, '0', 16);
    memcpy(digits + 16 - n, text.p + 2, n);
    if (!hex_decode_fixed(raw, sizeof raw, bytes_from(digits, 16), err))
        return false;
    if (be64(raw) > max)
        return err_set(err, ERR_USAGE, "at most %llu", (unsigned long long)max);
    *out = be64(raw);
    return true;
}

/* A time, or a day alone: its first second. */
static bool parse_date(int64_t *out, struct bytes text, struct err *err)
{
    char day[32];
    if (text.len != 10 || text.p[4] != '-')
        return time_parse(out, text, err);
    snprintf(day, sizeof day, "%.10sT00:00:00Z", (const char *)text.p);
    return time_parse(out, bytes_str(day), err);
}

static bool add_hex(struct policy_hex_list *list, struct bytes text, size_t want, struct err *err)
{
    AUTO(buf_done) struct buf b = buf_new(sizeof list->item[0]);
    if (!hex_decode(&b, text, err))
        return false;
    if (want && b.len != want)
        return err_set(err, ERR_USAGE, "want %zu bytes of hex, have %zu", want, b.len);
    if (list->count == POLICY_LIST_MAX)
        return err_set(err, ERR_USAGE, "more than %d values", POLICY_LIST_MAX);
    memcpy(list->item[list->count], b.p, b.len);
    list->len[list->count++] = b.len;
    return true;
}

static bool add_word(struct policy_word_list *list, struct bytes text, struct err *err)
{
    if (text.len >= sizeof list->item[0])
        return err_set(err, ERR_USAGE, "a word of %zu characters, at most %zu", text.len, sizeof list->item[0] - 1);
    if (list->count == POLICY_LIST_MAX)
        return err_set(err, ERR_USAGE, "more than %d values", POLICY_LIST_MAX);
    memcpy(list->item[list->count++], text.p, text.len);
    return true;
}

static bool is_gap(uint8_t c)
{
    return c == ' ' || c == ',' || c == '\t';
}

/* Next word of a list that is parted by commas or blanks; empty at its end. */
static struct bytes next_word(struct bytes text, size_t *at)
{
    while (*at < text.len && is_gap(text.p[*at]))
        (*at)++;
    size_t from = *at;
    while (*at < text.len && !is_gap(text.p[*at]))
        (*at)++;
    return bytes_sub(text, from, *at - from);
}

static bool set_list(const struct policy_key *key, void *field, struct bytes text, struct err *err)
{
    size_t at = 0;
    for (struct bytes w; (w = next_word(text, &at)).len > 0;) {
        bool ok = key->type == POLICY_HEX_LIST ? add_hex(field, w, key->size, err) : add_word(field, w, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool set_field(struct policy *p, const struct policy_key *key, struct bytes text, struct err *err)
{
    void *field = (char *)p + key->offset;
    uint64_t u;
    switch (key->type) {
    case POLICY_BOOL:
        return parse_bool(field, text, err);
    case POLICY_U32:
        if (!parse_number(&u, text, UINT32_MAX, err))
            return false;
        *(uint32_t *)field = (uint32_t)u;
        return true;
    case POLICY_U64:
        return parse_number(field, text, UINT64_MAX, err);
    case POLICY_DURATION:
        return duration_parse(field, text, err);
    case POLICY_DATE:
        return parse_date(field, text, err);
    case POLICY_HEX:
        return hex_decode_fixed(field, key->size, text, err);
    case POLICY_HEX_LIST:
    case POLICY_WORD_LIST:
        return set_list(key, field, text, err);
    }
    return err_set(err, ERR_BUG, "policy key without a type");
}

/* --- the file --- */

struct loading {
    struct policy *policy;
    bool base_only;    /* first reading */
    uint8_t seen[512]; /* per key, over all areas: a second value of a key that is no list is a mistake */
    struct err err;
};

static bool take_base(struct loading *l, const char *value)
{
    if (strcmp(value, "strict") == 0)
        policy_strict(l->policy);
    else if (strcmp(value, "authentic") == 0)
        policy_authentic(l->policy);
    else
        return err_set(&l->err, ERR_USAGE, "base: '%s', want strict or authentic", value);
    return true;
}

static bool take_waived(struct loading *l, struct bytes text)
{
    size_t at = 0;
    for (struct bytes w; (w = next_word(text, &at)).len > 0;) {
        char id[64];
        snprintf(id, sizeof id, "%.*s", (int)w.len, (const char *)w.p);
        if (!waive(l->policy, id))
            return err_set(&l->err, ERR_USAGE, "waive: more than %d names, or one too long", POLICY_MAX_WAIVED);
    }
    return true;
}

static bool unknown_key(struct loading *l, const char *section, const char *name)
{
    struct near_word best = {0};
    char typed[120], hint[120];
    snprintf(typed, sizeof typed, "%s.%s", section, name);
    near_try(&best, typed, "policy.name");
    near_try(&best, typed, "policy.base");
    near_try(&best, typed, "policy.waive");
    char full[512][80]; /* near_word keeps pointers to the candidates */
    size_t n = 0;
    for (size_t a = 0; a < num_policy_areas; a++)
        for (size_t i = 0; i < *policy_areas[a].count && n < sizeof full / sizeof full[0]; i++, n++) {
            snprintf(full[n], sizeof full[n], "%s.%s", policy_areas[a].keys[i].section, policy_areas[a].keys[i].name);
            near_try(&best, typed, full[n]);
        }
    return err_set(&l->err, ERR_USAGE, "unknown key '%s'%s", typed, near_hint(hint, sizeof hint, &best, ""));
}

static bool take(struct loading *l, const char *section, const char *name, const char *value)
{
    bool own = strcmp(section, "policy") == 0;
    if (own && strcmp(name, "base") == 0)
        return !l->base_only || take_base(l, value);
    if (l->base_only)
        return true;
    if (own && strcmp(name, "waive") == 0)
        return take_waived(l, bytes_str(value));
    if (own && strcmp(name, "name") == 0) {
        snprintf(l->policy->name, sizeof l->policy->name, "%s", value);
        return true;
    }
    for (size_t a = 0, n = 0; a < num_policy_areas; a++)
        for (size_t i = 0; i < *policy_areas[a].count; i++, n++) {
            const struct policy_key *key = &policy_areas[a].keys[i];
            if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
                continue;
            bool list = key->type == POLICY_HEX_LIST || key->type == POLICY_WORD_LIST;
            if (n < sizeof l->seen && l->seen[n]++ && !list)
                return err_set(&l->err, ERR_USAGE, "%s.%s given twice", section, name);
            return set_field(l->policy, key, bytes_str(value), &l->err) || err_wrap(&l->err, "%s.%s", section, name);
        }
    return unknown_key(l, section, name);
}

/* libinih's handler: 1 is good; its first 0 gives the line number that ini_parse_string returns. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct loading *l = user;
    if (l->err.code != ERR_NONE)
        return 0;
    return take(l, section, name, value ? value : "");
}

static bool read_file(struct loading *l, const char *text)
{
    int line = ini_parse_string(text, on_key, l);
    if (line == 0)
        return true;
    if (l->err.code == ERR_NONE)
        err_set(&l->err, ERR_USAGE, "not a [section], a key = value or a comment, or longer than 199 characters");
    l->err.code = ERR_USAGE;
    return line > 0 ? err_wrap(&l->err, "line %d", line) : err_set(&l->err, ERR_NOMEM, "no memory");
}

bool policy_parse(struct policy *out, const char *name, struct bytes text, struct err *err)
{
    if (bytes_eq(text, BYTES_LIT("strict")) || bytes_eq(text, BYTES_LIT("authentic"))) {
        start_from(out, text.len == strlen("authentic"));
        return true;
    }
    if (text.len > 1 << 20 || bytes_find(text, BYTES_LIT("\0"), 0) != SIZE_MAX)
        return err_set(err, ERR_USAGE, "policy %s: no text file", name);
    AUTO(auto_free) char *s = strndup((const char *)text.p, text.len);
    AUTO(auto_free) struct policy *p = malloc(sizeof *p);
    if (!s || !p)
        return err_set(err, ERR_NOMEM, "policy %s: no memory", name);
    policy_strict(p);
    struct loading l = {.policy = p, .base_only = true};
    bool ok = read_file(&l, s);
    if (ok) {
        snprintf(p->name, sizeof p->name, "%s", name);
        l.base_only = false;
        ok = read_file(&l, s);
    }
    if (!ok) {
        if (err)
            *err = l.err;
        return err_wrap(err, "policy %s", name);
    }
    *out = *p;
    return true;
}
