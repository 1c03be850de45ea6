/* agent serve: evidence on request, inside a CVM. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "relayer/agent/agent.h"
#include "relayer/files.h"
#include "relayer/log.h"
#include "relayer/stop.h"

/* The token's file without its line end. */
static bool read_token(struct buf *out, const struct config *cfg, struct err *err)
{
    if (!cfg->api_token_file)
        return true;
    if (!file_read_private(out, cfg->api_token_file, true, err))
        return false;
    while (out->len && (out->p[out->len - 1] == '\n' || out->p[out->len - 1] == '\r'))
        out->len--;
    return out->len > 0 || err_set(err, ERR_USAGE, "%s: empty", cfg->api_token_file);
}

static void list_routes(const struct cmd_env *env)
{
    for (const struct api_route *r = agent_routes; r->method; r++)
        cmd_say(env, "  %-4s %-34s %s", r->method, r->path, r->help);
}

static bool run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(buf_wipe) struct buf token = buf_new(4096);
    AUTO(agent_freep) struct agent *agent = agent_new(&env->config, err);
    if (!agent || !read_token(&token, &env->config, err))
        return false;
    const struct api_settings settings = {.listen = env->config.listen, .token = buf_view(&token), .max_body = 1 << 20, .timeout_s = 330,
                                          .max_connections = 16};
    struct api_server *server = api_start(&settings, agent_routes, agent, err);
    if (!server)
        return false;
    stop_install();
    cmd_say(env, "listening on port %u", api_port(server));
    list_routes(env);
    fflush(stdout);
    api_run(server, &stop_flag);
    api_stop(server);
    log_info("agent: asked to end");
    return true;
}

const struct cmd cmd_agent_serve = {
    .name = "agent serve",
    .help = "inside a CVM: evidence on request, over HTTP",
    .about = "Takes fresh evidence from the configured source, puts the identity in, signs what the registry wants signed, and\n"
             "answers POST /evidence and the endpoints of the CVM agent. Without a bearer token it listens on loopback alone.",
    .keys = KEYS_STORE | KEYS_CHAIN | KEYS_IDENTITY | KEYS_SOURCE | KEYS_API,
    .run = run,
};
