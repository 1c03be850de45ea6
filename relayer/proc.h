/* Run a program of the operator's: an evidence source or a hook. No shell; a minimal environment; its own process group, which
 * is killed as a whole at the deadline; should we be killed ourselves, it ends with us. What it prints is bounded. Only executables that nobody else may change are run. */
#ifndef CVM_RELAYER_PROC_H
#define CVM_RELAYER_PROC_H

#include "crypto/base/bytes.h"

struct proc {
    const char *const *argv; /* NULL-terminated; argv[0] is an absolute path */
    const char *const *env;  /* "NAME=value", NULL-terminated; PATH, LANG and nothing else are added. NULL: none */
    struct bytes input;      /* its standard input */
    size_t max_output;       /* ceiling of standard output in bytes */
    int64_t timeout_ms;
};

struct proc_result {
    int exit_status; /* 0..255; 128 + signal where a signal ended it */
    bool timed_out, too_much;
    struct buf output;    /* standard output */
    char last_words[240]; /* end of standard error, printable, for messages */
};

/* ERR_USAGE: no absolute path, not owned by root or by us, writable by others (the file or its folder), not executable.
 * ERR_STORE: it could not be started. That it failed or ran out of time is a result, not an error. */
bool proc_run(struct proc_result *out, const struct proc *proc, struct err *err);
void proc_result_done(struct proc_result *r);
/* The checks of proc_run alone, for configuration time. */
bool proc_check(const char *path, struct err *err);

#endif
