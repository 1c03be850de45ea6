#include "relayer/source/source.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/files.h"
#include "relayer/log.h"
#include "relayer/proc.h"
#include "relayer/rpc/http.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- file and folder --- */

static bool fetch_file(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const char *path,
                       const struct challenge *c, struct err *err)
{
    (void)made_for;
    (void)s;
    (void)c;
    return file_read(out, path, err);
}

/* The newest regular file that does not begin with a dot. */
static bool fetch_dir(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const char *path,
                      const struct challenge *c, struct err *err)
{
    (void)made_for;
    (void)s;
    (void)c;
    DIR *dir = opendir(path);
    if (!dir)
        return err_set(err, ERR_NET, "%s: %s", path, strerror(errno));
    AUTO(auto_free) char *newest = NULL;
    struct timespec best = {0};
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        char *name = e->d_name[0] == '.' ? NULL : path_join(path, e->d_name);
        bool newer = name && stat(name, &st) == 0 && S_ISREG(st.st_mode) &&
                     (!newest || st.st_mtim.tv_sec > best.tv_sec ||
                      (st.st_mtim.tv_sec == best.tv_sec && st.st_mtim.tv_nsec > best.tv_nsec));
        if (newer) {
            free(newest);
            newest = STEAL(name);
            best = st.st_mtim;
        }
        free(name);
    }
    closedir(dir);
    return newest ? file_read(out, newest, err) : err_set(err, ERR_NET, "%s: no evidence in this folder yet", path);
}

static bool check_path(const struct source_settings *s, const char *path, struct err *err)
{
    (void)s;
    return path[0] == '/' || err_set(err, ERR_USAGE, "%s: want an absolute path", path);
}

/* --- program --- */

enum { MAX_ARGV = 32 };

/* Split at spaces, in place: no quoting, no shell. */
static bool split_argv(const char **argv, char *text, struct err *err)
{
    size_t n = 0;
    char *save = NULL;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        if (n == MAX_ARGV)
            return err_set(err, ERR_USAGE, "more than %d words", MAX_ARGV);
        argv[n++] = word;
    }
    argv[n] = NULL;
    return n > 0 || err_set(err, ERR_USAGE, "no program");
}

static bool judge_exec(const struct proc_result *r, struct err *err)
{
    if (r->timed_out)
        return err_set(err, ERR_NET, "did not end in time and was killed: %s", r->last_words);
    if (r->too_much)
        return err_set(err, ERR_NET, "said more than %zu bytes and was killed", r->output.max);
    if (r->exit_status != 0)
        return err_set(err, ERR_REFUSED, "exit %d: %s", r->exit_status, r->last_words);
    return r->output.len > 0 || err_set(err, ERR_FORMAT, "printed nothing");
}

static bool fetch_exec(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const char *command,
                       const struct challenge *c, struct err *err)
{
    (void)made_for;
    AUTO(auto_free) char *words = strdup(command);
    const char *argv[MAX_ARGV + 1];
    struct challenge_env env;
    if (!words || !split_argv(argv, words, err) || !challenge_to_env(&env, c, err))
        return false;
    const struct proc p = {.argv = argv, .env = env.env, .max_output = s->max_bytes, .timeout_ms = s->timeout_s * 1000};
    struct proc_result r;
    if (!proc_run(&r, &p, err))
        return false;
    bool ok = judge_exec(&r, err);
    if (ok)
        buf_put(out, buf_view(&r.output));
    proc_result_done(&r);
    return ok ? buf_finish(out, err) : err_wrap(err, "%s", argv[0]);
}

static bool check_exec(const struct source_settings *s, const char *command, struct err *err)
{
    (void)s;
    AUTO(auto_free) char *words = strdup(command);
    const char *argv[MAX_ARGV + 1];
    return words && split_argv(argv, words, err) && proc_check(argv[0], err);
}

/* --- agent over HTTP: ours (POST /evidence), else the CVM agent of generation 1 (cvm-agent-api section 3) --- */

struct agent {
    struct http *http;
    struct http_endpoint endpoint;
    struct http_limits limits;
};

/* The body of a 200; *status is the answer's in any case. Bodies of failures are kept short, for words. */
static bool agent_post(struct buf *out, int *status, const struct agent *a, const char *path, const json_t *doc, struct err *err)
{
    AUTO(auto_free) char *body = json_dumps(doc, JSON_COMPACT);
    if (!body)
        return err_set(err, ERR_NOMEM, "agent: no memory");
    char url[1024];
    snprintf(url, sizeof url, "%s%s", a->endpoint.url, path);
    struct http_endpoint endpoint = a->endpoint;
    endpoint.url = url;
    struct http_reply reply = {0};
    if (!http_post(a->http, &reply, &endpoint, "application/json", bytes_str(body), &a->limits, err))
        return false;
    *status = reply.status;
    bool ok = reply.status == 200;
    if (ok)
        buf_put(out, buf_view(&reply.body));
    else
        err_set(err, reply.status >= 500 || reply.status == 429 ? ERR_NET : ERR_REFUSED, "agent: %s answers %d: %.*s", path, reply.status,
                (int)(reply.body.len < 200 ? reply.body.len : 200), (const char *)reply.body.p);
    http_reply_done(&reply);
    return ok ? buf_finish(out, err) : false;
}

/* G1 registers, and rotates to a key of its own making: it has nothing for a re-attestation of the identity that it keeps. Its
 * endpoint for a new identity is not asked: it would leave a key behind that nobody wants. */
static bool agent_g1(struct buf *out, enum call_kind *made_for, const struct agent *a, const struct challenge *c, struct err *err)
{
    int status;
    if (c->call != CALL_ATTEST && !made_for)
        return err_set(err, ERR_REFUSED, "agent: it rotates to keys that it makes itself: give rotate the answer of its "
                                         "/onchain/new-cvm-identity as FILE");
    json_auto_t *doc = json_pack("{s:i}", "report_type", REPORT_NATIVE);
    if (!agent_post(out, &status, a, "/onchain/registration-collaterals", doc, err))
        return false;
    if (made_for)
        *made_for = CALL_ATTEST;
    return true;
}

static bool fetch_http(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const char *rest,
                       const struct challenge *c, struct err *err)
{
    (void)rest;
    json_auto_t *doc = challenge_to_json(c);
    AUTO(http_freep) struct http *http = http_new(err);
    if (!doc || !http)
        return doc ? false : err_set(err, ERR_NOMEM, "agent: no memory");
    const struct agent a = {.http = http,
                            .endpoint = {.url = s->spec, .ca_file = s->ca_file, .token_file = s->token_file, .insecure_tls = s->insecure_tls},
                            .limits = {.deadline_ms = (long)s->timeout_s * 1000, .max_body = s->max_bytes}};
    int status = 0;
    if (s->insecure_tls && strncmp(s->spec, "https://", 8) == 0)
        log_warn("evidence source: source_insecure_tls is set: the agent's certificate is not checked, anybody may answer in its place");
    if (agent_post(out, &status, &a, "/evidence", doc, err))
        return true;
    if (status != 404 && status != 405)
        return false;
    err_clear(err); /* that it takes no challenges is no failure yet */
    return agent_g1(out, made_for, &a, c, err);
}

static bool check_http(const struct source_settings *s, const char *rest, struct err *err)
{
    (void)s;
    return (rest[0] != '\0' && strlen(rest) < 900) || err_set(err, ERR_USAGE, "want http://HOST:PORT");
}

/* --- the table --- */

static const struct source_kind {
    const char *prefix;
    bool (*check)(const struct source_settings *s, const char *rest, struct err *err);
    bool (*fetch)(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const char *rest, const struct challenge *c,
                  struct err *err);
} kinds[] = {
    {"file:", check_path, fetch_file},
    {"dir:", check_path, fetch_dir},
    {"exec:", check_exec, fetch_exec},
    {"http://", check_http, fetch_http},
    {"https://", check_http, fetch_http},
};

static const struct source_kind *find_kind(const struct source_settings *s, const char **rest, struct err *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].prefix);
        if (strncmp(s->spec, kinds[i].prefix, n) == 0) {
            *rest = s->spec + n;
            return &kinds[i];
        }
    }
    err_set(err, ERR_USAGE, "evidence source: want file:PATH, dir:PATH, exec:PATH ARG..., http://HOST:PORT or https://HOST:PORT");
    return NULL;
}

static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

struct source_settings source_settings_of(const struct config *cfg, const char *own)
{
    return (struct source_settings){
        .spec = text_or_null(text_or_null(own) ? own : cfg->source),
        .timeout_s = cfg->source_timeout_s,
        .max_bytes = cfg->source_max_bytes,
        .ca_file = text_or_null(cfg->source_ca_file),
        .insecure_tls = cfg->source_insecure_tls,
        .token_file = text_or_null(cfg->agent_token_file),
    };
}

bool source_check(const struct source_settings *s, struct err *err)
{
    const char *rest;
    const struct source_kind *kind = find_kind(s, &rest, err);
    return kind && (kind->check(s, rest, err) || err_wrap(err, "evidence source"));
}

bool source_fetch(struct buf *out, enum call_kind *made_for, const struct source_settings *s, const struct challenge *c, struct err *err)
{
    const char *rest;
    const struct source_kind *kind = find_kind(s, &rest, err);
    if (!kind)
        return false;
    size_t before = out->len;
    if (made_for)
        *made_for = c->call;
    if (kind->check(s, rest, err) && kind->fetch(out, made_for, s, rest, c, err))
        return out->len > before || err_set(err, ERR_FORMAT, "evidence source: empty");
    return err_wrap(err, "evidence source");
}
