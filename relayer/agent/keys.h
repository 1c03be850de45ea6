/* Which identity key the agent uses: the current one, and the one made for a rotation that is not final yet. Durable before
 * anybody is told of it. */
#ifndef CVM_AGENT_KEYS_H
#define CVM_AGENT_KEYS_H

#include "relayer/keys.h"

struct agent_keys {
    const struct config *cfg;
    char *state_path; /* STATE/agent.json */
    struct key_file current, pending;
    bool has_pending;
};

/* What agent.json says; without it the configured key, or the only one in the state folder. ERR_USAGE: there is no such key. */
bool agent_keys_open(struct agent_keys *out, const struct config *cfg, struct err *err);
void agent_keys_done(struct agent_keys *k);
/* A new key becomes pending; one that was pending before is replaced (its file stays, until it is purged by name). */
bool agent_keys_make_pending(struct agent_keys *k, struct err *err);
/* The pending key becomes current and the old file is overwritten and removed. Without a pending key nothing happens. */
bool agent_keys_promote(struct agent_keys *k, struct err *err);

#endif
