/* A command is one row and one function. The table is cmd_table.c; main finds the row, reads options and configuration, calls
 * the function, prints what went wrong and turns it into the exit status. */
#ifndef CVM_CLI_CMD_H
#define CVM_CLI_CMD_H

#include "relayer/cli/opts.h"
#include "relayer/config.h"

#include <jansson.h>

/* exit statuses, design section 2 */
enum { EXIT_DONE = 0, EXIT_REJECTED = 1, EXIT_USAGE = 2, EXIT_LATER = 3, EXIT_ATTENTION = 4 };

struct cmd_env {
    struct opts opts;
    struct config config;
    bool json, verbose, quiet;
};

struct cmd {
    const char *name;  /* "verify"; two words where there is a family: "identity new" */
    const char *args;  /* "FILE..." for the usage line; NULL: none */
    int min_args, max_args; /* max_args -1: any number */
    const char *help;  /* one line, for the list of commands */
    const char *about; /* more, for --help of this command; may be NULL */
    const struct opt_row *opts; /* its own options, ended by a NULL name; NULL: none */
    unsigned keys;     /* KEYS_*: the settings that are flags here */
    /* True: *status is the exit status. False: main prints err, whose code gives the status. */
    bool (*run)(struct cmd_env *env, int *status, struct err *err);
};
extern const struct cmd *const cmd_table[]; /* NULL-terminated, in the order of the help */

/* The commands' functions live in relayer/cli/cmd_*.c; each file exports its rows. */

/* The one JSON document of this run. Takes the reference. ERR_NOMEM when doc is NULL or cannot be written. */
bool cmd_print_json(json_t *doc, struct err *err);
/* The worse of two exit statuses, in the order 0, 4, 3, 1 (design section 2). */
int cmd_worse(int a, int b);
/* A line on standard output, unless --json or --quiet. */
void cmd_say(const struct cmd_env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Colour on standard output? Never without a terminal, with NO_COLOR or with TERM=dumb. */
enum tint { TINT_NONE, TINT_GOOD, TINT_WARN, TINT_BAD, TINT_DIM, TINT_BOLD };
bool tint_on(void);
const char *tint(enum tint t); /* the escape that starts it, or "" */
const char *tint_end(void);

#endif
