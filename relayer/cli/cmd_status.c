/* status: how fresh every tracked identity is, by what the chain said last. */
#include "relayer/cli/cmd.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/log.h"
#include "relayer/session.h"
#include "relayer/status.h"

#include <stdio.h>

static const struct opt_row status_opts[] = {
    {"refresh", 0, NULL, false, "ask the chain first"},
    {"expiring-within", 0, "DURATION", false, "only what expires within this time"},
    {"watch", 0, NULL, false, "draw again every few seconds, until interrupted"},
    {0},
};

static enum tint state_tint(enum freshness_state s)
{
    switch (s) {
    case STATE_FRESH:
        return TINT_GOOD;
    case STATE_DUE:
    case STATE_EXPIRING:
        return TINT_WARN;
    case STATE_EXPIRED:
    case STATE_UNREGISTERED:
        return TINT_BAD;
    case STATE_UNKNOWN:
        return TINT_DIM;
    }
    return TINT_NONE;
}

static void say_left(char out[static DURATION_TEXT_SIZE], const struct status_deadline *d)
{
    if (!d->known)
        snprintf(out, DURATION_TEXT_SIZE, "-");
    else if (d->expires_s == INT64_MAX)
        snprintf(out, DURATION_TEXT_SIZE, "never ends");
    else if (d->left_s <= 0)
        snprintf(out, DURATION_TEXT_SIZE, "expired");
    else
        duration_short(out, d->left_s);
}

static void say_row(const struct status_row *s)
{
    char tee[DURATION_TEXT_SIZE], tpm[DURATION_TEXT_SIZE], due[DURATION_TEXT_SIZE] = "-", hex[65];
    say_left(tee, &s->tee);
    say_left(tpm, &s->tpm);
    if (s->due_in_s != INT64_MAX && s->due_in_s > 0)
        duration_short(due, s->due_in_s);
    else if (s->due_in_s <= 0)
        snprintf(due, sizeof due, "now");
    hex_encode(hex, BYTES_OF(s->row.key.id));
    bool cutoff = s->due_for > DUE_FOR_TPM;
    printf("0x%.16s.. %-12.12s %-6llu %s%-13s%s %-11s %-11s %s%s%s%s\n", hex, s->row.label, (unsigned long long)s->row.key.chain_id,
           tint(state_tint(s->state)), freshness_state_name(s->state), tint_end(), tee, tpm, due, cutoff ? ", before " : "",
           cutoff ? due_for_words(s->due_for) : "", s->unexplained ? "  updated by somebody else" : "");
}

static bool say_table(struct status_walk *w, struct err *err)
{
    const struct status_row *row;
    printf("%s%-20s %-12s %-6s %-13s %-11s %-11s %s%s\n", tint(TINT_BOLD), "identity", "label", "chain", "state", "TEE left", "TPM left",
           "next renewal", tint_end());
    bool ok = status_next(w, &row, err);
    for (; ok && row; ok = status_next(w, &row, err))
        say_row(row);
    if (!ok)
        return false;
    if (!w->count)
        puts("nothing is tracked; register or track an identity first");
    int64_t skew = w->as_of_s - w->chain_time_s;
    char when[21], local[21], gap[DURATION_TEXT_SIZE];
    if (skew > 60 || skew < -60)
        printf("\nchain time %s, local time %s (%s apart)\n", time_format(when, w->chain_time_s), time_format(local, w->as_of_s),
               duration_short(gap, skew < 0 ? -skew : skew));
    return true;
}

static bool say(struct cmd_env *env, struct status_walk *w, struct err *err)
{
    const struct status_row *row;
    bool ok = true;
    if (env->json)
        return status_print(stdout, w, err) && (putchar('\n') != EOF || err_set(err, ERR_NOMEM, "cannot write the JSON document"));
    if (!env->quiet)
        return say_table(w, err);
    while ((ok = status_next(w, &row, err)) && row)
        ; /* for the exit status alone */
    return ok;
}

static bool show(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(session_done) struct session s = {0};
    AUTO(status_walk_done) struct status_walk w = {0};
    bool refresh = opt_given(&env->opts, "refresh");
    struct status_query q = {.ids = env->opts.args, .num_ids = (size_t)env->opts.num_args, .refresh = refresh, .within_s = -1};
    if (!opt_duration(&q.within_s, &env->opts, "expiring-within", err) || !session_open_store(&s, &env->config, err) ||
        (refresh && !session_open_chain(&s, err)) || !status_begin(&w, &s, &q, err) || !say(env, &w, err))
        return false;
    *status = w.exit_status;
    return true;
}

static bool status_run(struct cmd_env *env, int *status, struct err *err)
{
    if (!opt_given(&env->opts, "watch"))
        return show(env, status, err);
    for (;;) {
        fputs("\033[H\033[2J", stdout);
        if (!show(env, status, err)) {
            /* a node that is down for a while does not end the watch */
            if (!err_retry(err->code))
                return false;
            printf("%s\n", err->text);
            err_clear(err);
        }
        if (fflush(stdout) != 0)
            return true;
        clock_sleep_ms(2000);
    }
}

const struct cmd cmd_status = {
    .name = "status",
    .args = "[ID...]",
    .max_args = -1,
    .help = "freshness of tracked identities: time left, state, last transaction",
    .about = "ID is an identity's hash or its first hex digits. Exit 0 all fresh, 4 one is inside its warning window, 1 one has\n"
             "expired or is not registered, 3 the chain could not be asked.",
    .opts = status_opts,
    .keys = KEYS_STORE | KEYS_CHAIN | KEYS_FRESHNESS,
    .run = status_run,
};
