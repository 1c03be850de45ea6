/* track, forget, import: which identities are watched. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/events.h"
#include "relayer/log.h"
#include "relayer/source/source.h"
#include "relayer/status.h"
#include "relayer/stop.h"

#include <stdio.h>
#include <unistd.h>

static const struct opt_row track_opts[] = {
    {"label", 0, "TEXT", false, "a name for it"},
    {"source", 0, "SOURCE", false, "where its fresh evidence comes from; without it the configured source"},
    {0},
};

static bool check_source(const char *source, const struct cmd_env *env, struct err *err)
{
    struct source_settings s = {.spec = source, .timeout_s = env->config.source_timeout_s, .max_bytes = env->config.source_max_bytes};
    if (source && strlen(source) >= sizeof((struct identity_row *)0)->source)
        return err_set(err, ERR_USAGE, "--source is too long");
    return !source || source_check(&s, err);
}

static bool track_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(session_done) struct session s = {0};
    struct hash32 id;
    struct read_back r = {0};
    const char *label = opt_text(&env->opts, "label"), *source = opt_text(&env->opts, "source");
    if (!hash32_parse(&id, env->opts.args[0], err) || !check_source(source, env, err) || !session_open_store(&s, &env->config, err) || !session_open_chain(&s, err) ||
        !session_refresh(&s, &r, id, ETH_AT_LATEST, NULL, true, err))
        return false;
    if (label)
        snprintf(r.after.label, sizeof r.after.label, "%s", label);
    if (source)
        snprintf(r.after.source, sizeof r.after.source, "%s", source);
    if (!identities_put(s.db, &r.after, err))
        return false;
    cmd_say(env, "tracking %s: %s", env->opts.args[0], r.after.registered ? "registered" : "not registered yet");
    return !env->json || cmd_print_json(status_row_json(&s, &r.after, (int64_t)r.block.time_s), err);
}

const struct cmd cmd_track = {
    .name = "track",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .help = "start to watch an identity that someone else registered",
    .opts = track_opts,
    .keys = KEYS_STORE | KEYS_CHAIN | KEYS_FRESHNESS,
    .run = track_run,
};

static bool forget_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(session_done) struct session s = {0};
    struct identity_row row;
    bool found = false;
    if (!session_open_store(&s, &env->config, err) || !status_find(&s, &row, env->opts.args[0], err) ||
        !identities_forget(s.db, &row.key, &found, err))
        return false;
    cmd_say(env, "no longer tracked: %s", env->opts.args[0]);
    return !env->json || cmd_print_json(json_pack("{s:b}", "forgotten", found), err);
}

const struct cmd cmd_forget = {
    .name = "forget",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .help = "stop watching an identity",
    .keys = KEYS_STORE | KEYS_CHAIN,
    .run = forget_run,
};

/* --- import --- */

static const struct opt_row import_opts[] = {
    {"from-block", 0, "N", false, "read logs from this block; the registry's first block otherwise"},
    {"source", 0, "SOURCE", false, "where the found identities' fresh evidence comes from; without it the configured source"},
    {0},
};

struct bar {
    bool on, drawn;
};

static void draw(void *user, uint64_t done_block, uint64_t first_block, uint64_t head_block, uint64_t found)
{
    struct bar *bar = user;
    enum { WIDTH = 40 };
    if (!bar->on)
        return;
    uint64_t total = head_block - first_block + 1, done = done_block - first_block + 1;
    int filled = (int)((double)done / (double)total * WIDTH);
    fprintf(stderr, "\r[%.*s%*s] block %llu of %llu, %llu events ", filled, "========================================", WIDTH - filled, "",
            (unsigned long long)done_block, (unsigned long long)head_block, (unsigned long long)found);
    bar->drawn = true;
}

static bool on_stop(void *user)
{
    (void)user;
    return stop_wanted();
}

static bool read_logs(struct session *s, struct events_report *out, const struct cmd_env *env, struct err *err)
{
    struct bar bar = {.on = !env->quiet && !env->json && isatty(STDERR_FILENO)};
    struct events_query q = {.has_from = opt_given(&env->opts, "from-block"), .progress = draw, .stopped = on_stop, .user = &bar};
    struct registry_key key = session_registry(s);
    struct checkpoint first;
    bool begun;
    if (!opt_u64(&q.from_block, &env->opts, "from-block", INT64_MAX, err) || !events_begin(s->db, &first, &begun, &key, err))
        return false;
    if (!q.has_from) {
        if (!events_birth(s, &q.from_block, err))
            return false;
        /* renewals may have begun to follow the logs later than the registry's first block */
        q.has_from = !begun || first.block >= (int64_t)q.from_block;
    }
    bool ok = events_follow(s, out, &q, err);
    if (bar.drawn)
        fputc('\n', stderr);
    return ok;
}

struct imported {
    size_t seen, added, refreshed, gone;
};

/* An identity that the logs name: tracked from now on when it is registered; read again where it changed since it was read. */
static bool take_identity(struct session *s, struct imported *n, const struct event_row *event, const char *source, struct err *err)
{
    struct identity_key key = session_key(s, event->id);
    struct identity_row row;
    struct read_back r = {0};
    bool found;
    if (!identities_get(s->db, &row, &found, &key, err))
        return false;
    if (found && row.read_block >= event->block)
        return true;
    AUTO(onchain_identity_done) struct onchain_identity on = {0};
    if (!onchain_read(&s->chain, &on, event->id, ETH_AT_LATEST, err))
        return false;
    n->gone += !on.registered;
    if (!session_store(s, &r, event->id, &on, NULL, on.registered, err))
        return false;
    n->refreshed += found;
    n->added += !found && on.registered;
    if (found || !on.registered || !source)
        return true;
    snprintf(r.after.source, sizeof r.after.source, "%s", source);
    return identities_put(s->db, &r.after, err);
}

static bool take_identities(struct session *s, struct imported *n, const char *source, struct err *err)
{
    AUTO(event_list_done) struct event_list list = {0};
    struct registry_key key = session_registry(s);
    if (!events_identities(s->db, &list, &key, err))
        return false;
    for (size_t i = 0; i < list.count && !stop_wanted(); i++, n->seen++)
        if (!take_identity(s, n, &list.row[i], source, err))
            return false;
    return n->seen == list.count || err_set(err, ERR_STORE, "stopped after %zu of %zu identities; run it again to go on", n->seen, list.count);
}

static bool import_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(session_done) struct session s = {0};
    struct events_report report = {0};
    struct imported n = {0};
    const char *source = opt_text(&env->opts, "source");
    stop_install();
    if (!session_open_store(&s, &env->config, err) || !check_source(source, env, err) || !session_open_chain(&s, err) ||
        !read_logs(&s, &report, env, err) || !take_identities(&s, &n, source, err))
        return false;
    cmd_say(env, "block %llu: %llu new events; %zu identities seen, %zu tracked from now on, %zu read again, %zu no longer registered",
            (unsigned long long)report.head_block, (unsigned long long)report.found, n.seen, n.added, n.refreshed, n.gone);
    return !env->json || cmd_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "format", "cvm-import/1", "head_block",
                                                  (json_int_t)report.head_block, "new_events", (json_int_t)report.found, "identities",
                                                  (json_int_t)n.seen, "added", (json_int_t)n.added, "refreshed", (json_int_t)n.refreshed,
                                                  "unregistered", (json_int_t)n.gone, "reorganised", report.rolled_back), err);
}

const struct cmd cmd_import = {
    .name = "import",
    .help = "find the registry's identities from its events, and watch them",
    .about = "Resumes where an earlier run ended; a reorganisation since then is taken back first.",
    .opts = import_opts,
    .keys = KEYS_STORE | KEYS_CHAIN | KEYS_FRESHNESS | KEYS_SOURCE,
    .run = import_run,
};
