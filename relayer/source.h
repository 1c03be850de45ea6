/* Where fresh evidence comes from: a file, a folder, a program, an agent over HTTP. One row per kind. A source is asked anew for
 * every attempt and told our challenge; those that can bind it into their TPM quote do. What comes back is bytes from outside:
 * whoever asked verifies every one of them. */
#ifndef CVM_RELAYER_SOURCE_H
#define CVM_RELAYER_SOURCE_H

#include "relayer/evidence/identity.h"

struct challenge {
    enum call_kind call;
    enum profile profile;
    uint64_t chain_id;
    struct addr20 registry;
    uint64_t nonce; /* the identity's, on chain */
    struct hash32 identity_hash;
    struct bytes public_key; /* of the identity to bind: P-256 x y, or RSA DER; empty where only the hash is known */
    uint8_t extra_data[EXTRA_DATA_LEN]; /* what the TPM quote should carry */
};

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

/* The challenge as JSON (what an agent's POST /evidence is sent): a new reference. */
json_t *challenge_to_json(const struct challenge *c);

#endif
