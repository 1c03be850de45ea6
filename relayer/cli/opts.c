#include "relayer/cli/opts.h"

#include "crypto/base/duration.h"
#include "crypto/base/near.h"
#include "crypto/base/text.h"

#include <string.h>

static const struct opt_row *find_row(const struct opts *opts, const char *name, size_t len)
{
    for (size_t s = 0; s < opts->num_sets; s++)
        for (const struct opt_row *row = opts->sets[s]; row->name; row++)
            if (strncmp(row->name, name, len) == 0 && row->name[len] == '\0')
                return row;
    return NULL;
}

static const struct opt_row *find_short(const struct opts *opts, char c)
{
    for (size_t s = 0; s < opts->num_sets; s++)
        for (const struct opt_row *row = opts->sets[s]; row->name; row++)
            if (row->short_name == c)
                return row;
    return NULL;
}

static bool unknown(const struct opts *opts, const char *name, int len, struct err *err)
{
    char typed[64], hint[100];
    struct near_word best = {0};
    snprintf(typed, sizeof typed, "%.*s", len, name);
    for (size_t s = 0; s < opts->num_sets; s++)
        for (const struct opt_row *row = opts->sets[s]; row->name; row++)
            near_try(&best, typed, row->name);
    return err_set(err, ERR_USAGE, "unknown option --%s%s", typed, near_hint(hint, sizeof hint, &best, "--"));
}

static bool take(struct opts *opts, const struct opt_row *row, const char *value, struct err *err)
{
    if (!row->many && row->arg && opt_given(opts, row->name))
        return err_set(err, ERR_USAGE, "--%s is given twice", row->name);
    if (opts->num_given == OPTS_MAX_GIVEN)
        return err_set(err, ERR_USAGE, "more than %d options", OPTS_MAX_GIVEN);
    opts->given[opts->num_given].row = row;
    opts->given[opts->num_given++].value = value;
    return true;
}

/* One option at argv[*i]; *i moves on when it takes the next word as its value. */
static bool take_option(struct opts *opts, int argc, char **argv, int *i, struct err *err)
{
    const char *word = argv[*i];
    const struct opt_row *row;
    const char *value = NULL;
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        row = find_row(opts, word + 2, len);
        if (!row)
            return unknown(opts, word + 2, (int)len, err);
        value = word[2 + len] == '=' ? word + 3 + len : NULL;
    } else {
        row = find_short(opts, word[1]);
        if (!row)
            return err_set(err, ERR_USAGE, "unknown option -%c", word[1]);
        if (word[2] && !row->arg)
            return err_set(err, ERR_USAGE, "-%c takes no value, and short options stand alone", word[1]);
        value = word[2] ? word + 2 : NULL;
    }
    if (!row->arg && value)
        return err_set(err, ERR_USAGE, "--%s takes no value", row->name);
    if (row->arg && !value) {
        if (*i + 1 == argc)
            return err_set(err, ERR_USAGE, "--%s wants a value: %s", row->name, row->arg);
        value = argv[++*i];
    }
    return take(opts, row, value, err);
}

bool opts_parse(struct opts *opts, int argc, char **argv, struct err *err)
{
    opts->args = argv;
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        if (only_args || word[0] != '-' || word[1] == '\0')
            opts->args[opts->num_args++] = word;
        else if (strcmp(word, "--") == 0)
            only_args = true;
        else if (!take_option(opts, argc, argv, &i, err))
            return false;
    }
    return true;
}

const char *opt_nth(const struct opts *opts, const char *name, size_t n)
{
    for (size_t i = 0; i < opts->num_given; i++)
        if (strcmp(opts->given[i].row->name, name) == 0 && n-- == 0)
            return opts->given[i].value;
    return NULL;
}

const char *opt_text(const struct opts *opts, const char *name)
{
    return opt_nth(opts, name, 0);
}

bool opt_given(const struct opts *opts, const char *name)
{
    for (size_t i = 0; i < opts->num_given; i++)
        if (strcmp(opts->given[i].row->name, name) == 0)
            return true;
    return false;
}

/* A value that does not parse is a usage error, whatever the parser calls it. */
static bool bad_value(const char *name, struct err *err)
{
    if (err && err->code == ERR_FORMAT)
        err->code = ERR_USAGE;
    return err_wrap(err, "--%s", name);
}

bool opt_u64(uint64_t *out, const struct opts *opts, const char *name, uint64_t max, struct err *err)
{
    const char *text = opt_text(opts, name);
    return !text || u64_parse(out, bytes_str(text), max, err) || bad_value(name, err);
}

bool opt_duration(int64_t *out_s, const struct opts *opts, const char *name, struct err *err)
{
    const char *text = opt_text(opts, name);
    return !text || duration_parse(out_s, bytes_str(text), err) || bad_value(name, err);
}

bool opt_time(int64_t *out_s, const struct opts *opts, const char *name, struct err *err)
{
    const char *text = opt_text(opts, name);
    return !text || time_parse(out_s, bytes_str(text), err) || bad_value(name, err);
}

bool opt_hex(struct buf *out, const struct opts *opts, const char *name, struct err *err)
{
    const char *text = opt_text(opts, name);
    return !text || hex_decode(out, bytes_str(text), err) || bad_value(name, err);
}

bool hash32_parse(struct hash32 *out, const char *text, struct err *err)
{
    if (hex_decode_fixed(out, sizeof *out, bytes_str(text), err))
        return true;
    if (err && err->code == ERR_FORMAT)
        err->code = ERR_USAGE;
    return err_wrap(err, "\"%.80s\" is no 32-byte hash", text);
}

#define HELP_COLUMN 34

void opts_print_help(FILE *to, const struct opt_row *rows)
{
    for (const struct opt_row *row = rows; row->name; row++) {
        char left[120];
        char dash[4] = {row->short_name ? '-' : ' ', row->short_name ? row->short_name : ' ', row->short_name ? ',' : ' ', '\0'};
        int len = snprintf(left, sizeof left, "  %s --%s%s%s%s", dash, row->name, row->arg ? " " : "", row->arg ? row->arg : "",
                           row->many ? " .." : "");
        if (len > HELP_COLUMN)
            fprintf(to, "%s\n%*s %s\n", left, HELP_COLUMN, "", row->help);
        else
            fprintf(to, "%-*s %s\n", HELP_COLUMN, left, row->help);
    }
}
