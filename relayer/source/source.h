/* Where fresh evidence comes from: a file, a folder, a program, an agent over HTTP. One row per kind. A source is asked anew for
 * every attempt and told our challenge; those that can bind it into their TPM quote do. What comes back is bytes from outside:
 * whoever asked verifies every one of them. */
#ifndef CVM_SOURCE_SOURCE_H
#define CVM_SOURCE_SOURCE_H

#include "relayer/source/challenge.h"

struct source_settings {
    const char *spec; /* "file:PATH", "dir:PATH", "exec:PATH ARG...", "http(s)://HOST:PORT" */
    int64_t timeout_s;
    size_t max_bytes;
    const char *ca_file;    /* https: PEM roots instead of the system's; NULL */
    const char *token_file; /* http: "Authorization: Bearer .." lines in a private file; NULL */
};

/* Is it well formed, and may what it names be used? For configuration time. ERR_USAGE. */
bool source_check(const struct source_settings *s, struct err *err);
/* Evidence for this challenge appended to out, as it came: a bundle, or calldata as agents give it.
 * ERR_USAGE: the specification, the program may not be run. ERR_NET: nobody answers, too late, too much. ERR_FORMAT: an answer
 * that is no evidence. ERR_REFUSED: the program or agent says no; the text ends with its words. */
bool source_fetch(struct buf *out, const struct source_settings *s, const struct challenge *c, struct err *err);

#endif
