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

static void say_table(const struct status_report *r)
{
    printf("%s%-20s %-12s %-6s %-13s %-11s %-11s %s%s\n", tint(TINT_BOLD), "identity", "label", "chain", "state", "TEE left", "TPM left",
           "next renewal", tint_end());
    for (size_t i = 0; i < r->count; i++) {
        const struct status_row *s = &r->row[i];
        char tee[DURATION_TEXT_SIZE], tpm[DURATION_TEXT_SIZE], due[DURATION_TEXT_SIZE] = "-", hex[65];
        say_left(tee, &s->tee);
        say_left(tpm, &s->tpm);
        if (s->due_in_s != INT64_MAX && s->due_in_s > 0)
            duration_short(due, s->due_in_s);
        else if (s->due_in_s <= 0)
            snprintf(due, sizeof due, "now");
        hex_encode(hex, BYTES_OF(s->row.key.id));
        printf("0x%.16s.. %-12.12s %-6llu %s%-13s%s %-11s %-11s %s%s%s%s\n", hex, s->row.label, (unsigned long long)s->row.key.chain_id,
               tint(state_tint(s->state)), freshness_state_name(s->state), tint_end(), tee, tpm, due, s->due_for > DUE_FOR_TPM ? ", before " : "", s->due_for > DUE_FOR_TPM ? due_for_words(s->due_for) : "",
               s->unexplained ? "  updated by somebody else" : "");
    }
    if (!r->count)
        puts("nothing is tracked; register or track an identity first");
    int64_t skew = r->as_of_s - r->chain_time_s;
    char when[21], local[21], gap[DURATION_TEXT_SIZE];
    if (skew > 60 || skew < -60)
        printf("\nchain time %s, local time %s (%s apart)\n", time_format(when, r->chain_time_s), time_format(local, r->as_of_s),
               duration_short(gap, skew < 0 ? -skew : skew));
}

static bool gather(struct status_report *out, struct cmd_env *env, struct err *err)
{
    AUTO(session_done) struct session s = {0};
    if (!session_open_store(&s, &env->config, err))
        return false;
    bool refresh = opt_given(&env->opts, "refresh");
    if (refresh && !session_open_chain(&s, err))
        return false;
    struct status_query q = {.ids = env->opts.args, .num_ids = (size_t)env->opts.num_args, .refresh = refresh, .within_s = -1};
    return opt_duration(&q.within_s, &env->opts, "expiring-within", err) && status_gather(out, &s, &q, err);
}

static bool show(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(status_report_done) struct status_report r = {0};
    if (!gather(&r, env, err))
        return false;
    *status = status_exit(&r);
    if (env->json)
        return cmd_print_json(status_to_json(&r), err);
    if (!env->quiet)
        say_table(&r);
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
