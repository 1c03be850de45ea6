/* check: status for monitoring systems. One line: a word, what it means, and performance data; the exit status is that
 * convention's (0 ok, 1 warning, 2 critical, 3 unknown), also for what goes wrong here. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/status.h"

#include <stdio.h>

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };
static const char *const level_names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static const struct opt_row check_opts[] = {
    {"refresh", 0, NULL, false, "ask the chain first"},
    {"warning", 0, "DURATION", false, "warn when less is left; the configured warning window otherwise"},
    {"critical", 0, "DURATION", false, "critical when less is left; at expiry otherwise"},
    {0},
};

struct thresholds {
    int64_t warning_s, critical_s; /* -1: by state */
};

struct summary {
    enum level level;
    size_t due_for[DUE_FOR_TCB_RECOVERY + 1]; /* of those that are due */
    uint64_t unexplained;
    int64_t least_left_s; /* INT64_MAX: nothing ends */
    char worst[128];      /* the identity that set the level */
};

static int64_t left_of(const struct status_row *s)
{
    return s->tee.left_s < s->tpm.left_s ? s->tee.left_s : s->tpm.left_s;
}

static enum level level_of(const struct status_row *s, const struct thresholds *t)
{
    if (s->state == STATE_UNKNOWN)
        return LEVEL_UNKNOWN;
    if (s->state == STATE_UNREGISTERED || s->state == STATE_EXPIRED || (t->critical_s >= 0 && left_of(s) < t->critical_s))
        return LEVEL_CRITICAL;
    bool late = t->warning_s >= 0 ? left_of(s) < t->warning_s : s->state == STATE_EXPIRING;
    return late ? LEVEL_WARNING : LEVEL_OK;
}

/* critical is worse than unknown, which is worse than a warning */
static bool worse(enum level a, enum level b)
{
    static const int order[] = {[LEVEL_OK] = 0, [LEVEL_WARNING] = 1, [LEVEL_UNKNOWN] = 2, [LEVEL_CRITICAL] = 3};
    return order[a] > order[b];
}

static void take_row(struct summary *sum, const struct status_row *s, const struct thresholds *t)
{
    char hex[65];
    enum level level = level_of(s, t);
    if (s->unexplained && level == LEVEL_OK)
        level = LEVEL_WARNING;
    if (s->due_in_s <= 0)
        sum->due_for[s->due_for]++;
    sum->unexplained += s->unexplained;
    if (s->tee.known && left_of(s) < sum->least_left_s)
        sum->least_left_s = left_of(s);
    if (!worse(level, sum->level))
        return;
    sum->level = level;
    snprintf(sum->worst, sizeof sum->worst, "%s%s0x%.16s.. is %s", s->row.label, s->row.label[0] ? " " : "",
             hex_encode(hex, BYTES_OF(s->row.key.id)), level == LEVEL_WARNING && s->state < STATE_EXPIRING && s->unexplained
                                                              ? "updated by somebody else" : freshness_state_name(s->state));
}

static void say(const struct summary *s, const struct status_walk *w, const struct thresholds *t)
{
    char left[DURATION_TEXT_SIZE], warning[24] = "", critical[24] = "0";
    printf("CVM %s - ", level_names[s->level]);
    if (s->worst[0])
        printf("%s; ", s->worst);
    printf("%zu identit%s, %zu fresh", w->count, w->count == 1 ? "y" : "ies", w->at[STATE_FRESH] + w->at[STATE_DUE]);
    for (enum due_for why = DUE_FOR_TEE; why <= DUE_FOR_TCB_RECOVERY; why++)
        if (s->due_for[why])
            printf(", %zu due for %s", s->due_for[why], due_for_words(why));
    if (s->least_left_s != INT64_MAX)
        printf(", least time left %s", s->least_left_s > 0 ? duration_short(left, s->least_left_s) : "none");
    if (t->warning_s >= 0)
        snprintf(warning, sizeof warning, "%lld:", (long long)t->warning_s);
    if (t->critical_s >= 0)
        snprintf(critical, sizeof critical, "%lld", (long long)t->critical_s);
    printf(" |");
    if (s->least_left_s != INT64_MAX)
        printf(" left=%llds;%s;%s:", (long long)s->least_left_s, warning, critical);
    for (enum freshness_state k = STATE_UNKNOWN; k <= STATE_EXPIRED; k++)
        printf(" %s=%zu", freshness_state_name(k), w->at[k]);
    printf(" unexplained=%llu\n", (unsigned long long)s->unexplained);
}

static bool summarise(struct summary *out, struct status_walk *w, const struct thresholds *t, struct err *err)
{
    struct summary sum = {.least_left_s = INT64_MAX};
    const struct status_row *row;
    bool ok = status_next(w, &row, err);
    for (; ok && row; ok = status_next(w, &row, err))
        take_row(&sum, row, t);
    if (ok && !w->count) {
        sum.level = LEVEL_UNKNOWN;
        snprintf(sum.worst, sizeof sum.worst, "nothing is tracked");
    }
    *out = sum;
    return ok;
}

/* The level first, then the rows once more: neither pass holds them all. */
static bool print_json(struct status_walk *w, enum level level, struct err *err)
{
    status_rewind(w);
    printf("{\"format\": \"cvm-check/1\", \"level\": \"%s\", \"status\": ", level_names[level]);
    return status_print(stdout, w, err) && (puts("}") != EOF || err_set(err, ERR_NOMEM, "cannot write the JSON document"));
}

static bool look(struct cmd_env *env, enum level *level, struct err *err)
{
    AUTO(session_done) struct session s = {0};
    AUTO(status_walk_done) struct status_walk w = {0};
    struct thresholds t = {-1, -1};
    struct summary sum;
    bool refresh = opt_given(&env->opts, "refresh");
    struct status_query q = {.ids = env->opts.args, .num_ids = (size_t)env->opts.num_args, .refresh = refresh, .within_s = -1};
    if (!opt_duration(&t.warning_s, &env->opts, "warning", err) || !opt_duration(&t.critical_s, &env->opts, "critical", err) ||
        !session_open_store(&s, &env->config, err) || (refresh && !session_open_chain(&s, err)) || !status_begin(&w, &s, &q, err) ||
        !summarise(&sum, &w, &t, err))
        return false;
    *level = sum.level;
    if (env->json)
        return print_json(&w, sum.level, err);
    say(&sum, &w, &t);
    return true;
}

static bool check_run(struct cmd_env *env, int *status, struct err *err)
{
    enum level level = LEVEL_UNKNOWN;
    struct err why = {0};
    if (!look(env, &level, &why)) {
        level = LEVEL_UNKNOWN;
        *status = (int)level;
        if (env->json)
            return cmd_print_json(json_pack("{s:s, s:s, s:s}", "format", "cvm-check/1", "level", level_names[level], "error", why.text), err);
        printf("CVM UNKNOWN - %s\n", why.text);
    }
    *status = (int)level;
    return true;
}

const struct cmd cmd_check = {
    .name = "check",
    .args = "[ID...]",
    .max_args = -1,
    .help = "the same for monitoring systems: one line with performance data",
    .about = "Exit 0 ok, 1 warning, 2 critical, 3 unknown: the monitoring plugins' codes, for this command alone.",
    .opts = check_opts,
    .keys = KEYS_STORE | KEYS_CHAIN | KEYS_FRESHNESS,
    .run = check_run,
};
