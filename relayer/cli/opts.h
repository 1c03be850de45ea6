/* A command line against rows: options and their values, positional arguments, usage text from the same rows.
 * A row says what it takes; an unknown option names the nearest known one. */
#ifndef CVM_CLI_OPTS_H
#define CVM_CLI_OPTS_H

#include "crypto/base/bytes.h"

#include <stdio.h>

struct opt_row {
    const char *name; /* without its dashes; NULL ends a list of rows */
    char short_name;  /* or 0 */
    const char *arg;  /* what stands for its value in the help; NULL: a flag */
    bool many;        /* may be given several times */
    const char *help;
};

#define OPTS_MAX_GIVEN 256
#define OPTS_MAX_SETS  4

struct opts {
    const struct opt_row *sets[OPTS_MAX_SETS]; /* lists of rows, each ended by a NULL name */
    size_t num_sets;
    struct {
        const struct opt_row *row;
        const char *value; /* NULL for a flag */
    } given[OPTS_MAX_GIVEN];
    size_t num_given;
    char **args; /* positional, in order; borrowed from argv, which is reordered */
    int num_args;
};

/* argv[0..argc): what stands behind the command's name. ERR_USAGE. */
bool opts_parse(struct opts *opts, int argc, char **argv, struct err *err);

/* name must be that of a row. */
bool opt_given(const struct opts *opts, const char *name);
/* The value; NULL where the option was not given. */
const char *opt_text(const struct opts *opts, const char *name);
/* The i-th value of an option that may be given several times; NULL behind the last. */
const char *opt_nth(const struct opts *opts, const char *name, size_t i);
/* Typed values. True and *out untouched where the option was not given; ERR_USAGE names the option. */
bool opt_u64(uint64_t *out, const struct opts *opts, const char *name, uint64_t max, struct err *err);
bool opt_duration(int64_t *out_s, const struct opts *opts, const char *name, struct err *err);
bool opt_time(int64_t *out_s, const struct opts *opts, const char *name, struct err *err);
bool opt_hex(struct buf *out, const struct opts *opts, const char *name, struct err *err); /* appended */
/* 32 bytes of hex: an identity's hash, a measurement. */
bool hash32_parse(struct hash32 *out, const char *text, struct err *err);

/* "  --name ARG   help" for every row, aligned. */
void opts_print_help(FILE *to, const struct opt_row *rows);

#endif
