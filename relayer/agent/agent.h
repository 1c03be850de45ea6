/* Inside a CVM: evidence on request over HTTP, with the identity key that lives here. It speaks our own POST /evidence (a challenge
 * in, a bundle out) and the endpoints of the CVM agent of generation 1 (cvm-agent-api sections 2 and 3). The evidence itself
 * comes from the configured source; the client verifies every byte of it, so that nothing here needs to be trusted.
 * Which key is current, and which one is waiting for its rotation to become final, is kept in STATE/agent.json. */
#ifndef CVM_AGENT_AGENT_H
#define CVM_AGENT_AGENT_H

#include "relayer/api/server.h"
#include "relayer/config.h"

struct agent; /* opaque */

/* ERR_USAGE: no source is configured, no identity key and none can be chosen. NULL on failure. */
struct agent *agent_new(const struct config *cfg, struct err *err);
void agent_free(struct agent *agent);
void agent_freep(struct agent **agent);
/* The routes for api_start, whose ctx is the agent. */
extern const struct api_route agent_routes[];

#endif
