/* Where fresh evidence comes from: a file, a folder, a program, an agent over HTTP. One row per kind. A source is asked anew for
 * every attempt and told our challenge; those that can bind it into their TPM quote do. What comes back is bytes from outside:
 * whoever asked verifies every one of them. */
#ifndef CVM_SOURCE_SOURCE_H
#define CVM_SOURCE_SOURCE_H

#include "relayer/config.h"
#include "relayer/source/challenge.h"

struct source_settings {
    const char *spec; /* "file:PATH", "dir:PATH", "exec:PATH ARG...", "http(s)://HOST:PORT" */
    int64_t timeout_s;
    size_t max_bytes;
    const char *ca_file;    /* https: PEM roots instead of the system's; NULL */
    bool insecure_tls;      /* https: an agent's certificate is not checked; said in the log each time */
    const char *token_file; /* http: the bearer token, alone in a private file; NULL */
};

/* As configured; own: an identity's own source in place of the configured one, NULL or "" where it has none. spec is NULL
 * where there is no source at all. */
struct source_settings source_settings_of(const struct config *cfg, const char *own);

/* Is it well formed, and may what it names be used? For configuration time. ERR_USAGE. */
bool source_check(const struct source_settings *s, struct err *err);
/* Evidence for this challenge appended to out, as it came: a bundle, or calldata as agents give it.
 * made_for: the call that it is good for. That is the challenge's, but where a re-attestation was asked for from an agent that can only
 * register or rotate (cvm-agent-api section 3): then it is the full attestation of the same identity. NULL: nothing but the
 * challenge's call will do.
 * ERR_USAGE: the specification, the program may not be run. ERR_NET: nobody answers, too late, too much. ERR_FORMAT: an answer
 * that is no evidence. ERR_REFUSED: the program or agent says no; the text ends with its words. */
bool source_fetch(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const struct challenge *c, struct err *err);

#endif
