/* renew: one shot for cron. Everything that is due by the chain's time, nothing that is not; one line (or one JSON document) says
 * what was done, what was not and why, and when the next try is. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/chain_collateral.h"
#include "relayer/events.h"
#include "relayer/log.h"
#include "relayer/renew.h"
#include "relayer/status.h"
#include "relayer/stop.h"

#include <stdio.h>
#include <stdlib.h>

static const struct opt_row renew_opts[] = {
    {"due-within", 0, "DURATION", false, "also what becomes due within this time"},
    {"only", 0, "ID", true, "only this identity, if it is due"},
    {"evidence", 0, "FILE", false, "fresh evidence from this file, for one identity, in place of the configured source"},
    {"wait", 0, "none|sent|mined|final", false, "how far to follow each transaction (mined); the next run goes on from there"},
    {"accept-measurement", 0, NULL, false, "take measurements other than those on record"},
    {"accept-difference", 0, NULL, false, "write although the registry answers otherwise than its model"},
    {"accept-implementation", 0, NULL, false, "take the registry's code as it stands now, although it changed"},
    {"dry-run", 0, NULL, false, "say what is due, do nothing"},
    {0},
};

struct run {
    struct cmd_env *env;
    struct relay relay;
    struct renewer renewer;
    struct eth_block head;
    struct identity_list due;
    struct renewal *done;
    size_t num_done, num_expiring, num_unexplained;
    int64_t next_due_s;
};

static void run_done(struct run *r)
{
    free(r->done);
    identity_list_done(&r->due);
    relay_done(&r->relay);
}

static bool on_stop(void *user)
{
    (void)user;
    return stop_wanted();
}

/* --- what is due --- */

static bool keep_only(struct run *r, struct err *err)
{
    const struct opts *o = &r->env->opts;
    size_t kept = 0;
    if (!opt_given(o, "only"))
        return true;
    for (size_t i = 0; opt_nth(o, "only", i); i++) {
        struct identity_row row;
        if (!status_find(&r->relay.session, &row, opt_nth(o, "only", i), err))
            return err_wrap(err, "--only");
        for (size_t k = kept; k < r->due.count; k++)
            if (hash32_eq(r->due.row[k].key.id, row.key.id)) {
                struct identity_row found = r->due.row[k];
                r->due.row[k] = r->due.row[kept];
                r->due.row[kept++] = found;
            }
    }
    r->due.count = kept;
    return true;
}

/* Events and their alarm. They come first: who was updated by somebody else (other TTLs, say) may be due earlier than the store
 * knows. A node that keeps no logs does not stop renewals. */
static void follow_events(struct run *r)
{
    struct err why = {0};
    struct events_report report;
    if (!events_follow(&r->relay.session, &report, &(struct events_query){.stopped = on_stop}, &why) ||
        !events_alarm(&r->relay.session, &r->renewer.hooks, &r->num_unexplained, &why))
        log_warn("events: %s", why.text);
}

static bool find_due(struct run *r, struct err *err)
{
    struct session *s = &r->relay.session;
    int64_t now_s = (int64_t)r->head.time_s;
    size_t replanned;
    struct err why = {0};
    if (!chain_collateral_refresh(s, &why))
        log_warn("collateral on chain: %s", why.text); /* what was known of it stands */
    return planning_redo(s->db, &replanned, s->cfg, s->chain.chain_id, s->chain.registry, now_s, err) &&
           identities_due_here(s->db, &r->due, s->chain.chain_id, s->chain.registry, now_s + r->renewer.within_s, SIZE_MAX, err) &&
           keep_only(r, err);
}

/* --- doing it --- */

static void put_waiting(struct renewal *out, const struct identity_row *row, int64_t now_s)
{
    *out = (struct renewal){.row = *row, .result = RENEWAL_WAITING, .chain_time_s = now_s, .next_try_s = row->retry_at_s};
    err_set(&out->why, ERR_STALE, "%s", row->last_error[0] ? row->last_error : "an earlier try failed");
}

static void put_dry(const struct run *r, struct renewal *out, const struct identity_row *row, int64_t now_s)
{
    struct plan_decision d = renew_decide(&r->renewer, row, now_s);
    static const enum call_kind calls[] = {[PLAN_NOTHING] = CALL_NONE, [PLAN_REATTEST] = CALL_REATTEST, [PLAN_ATTEST] = CALL_ATTEST};
    *out = (struct renewal){.row = *row, .result = RENEWAL_NOT_DUE, .chain_time_s = now_s, .call = calls[d.action], .due_for = d.why};
}

static void renew_all(struct run *r)
{
    bool dry = opt_given(&r->env->opts, "dry-run"), forced = opt_given(&r->env->opts, "only") || r->renewer.evidence_file;
    int64_t now_s = (int64_t)r->head.time_s;
    for (size_t i = 0; i < r->due.count && !stop_wanted(); i++) {
        struct renewal *out = &r->done[r->num_done++];
        if (!forced && renew_waits(&r->renewer, &r->due.row[i], now_s))
            put_waiting(out, &r->due.row[i], now_s);
        else if (dry)
            put_dry(r, out, &r->due.row[i], now_s);
        else
            renew_one(&r->renewer, out, &r->due.row[i]);
        if (out->chain_time_s > now_s)
            now_s = out->chain_time_s; /* blocks went by */
    }
}

static bool look_after(struct run *r, struct err *err)
{
    struct session *s = &r->relay.session;
    struct eth_block head;
    if (!eth_block(s->rpc, &head, ETH_AT_LATEST, NULL, err))
        return false;
    size_t open_rotations; /* what an earlier run sent may have been mined while this one was at work */
    if (!relay_settle_rotations(s, &open_rotations, err))
        return false;
    return renew_warn(&r->renewer, (int64_t)head.time_s, &r->num_expiring, err) &&
           identities_next_due_here(s->db, &r->next_due_s, s->chain.chain_id, s->chain.registry, (int64_t)head.time_s, err);
}

/* --- telling --- */

static int exit_of(const struct run *r)
{
    int status = r->num_expiring || r->num_unexplained ? EXIT_ATTENTION : EXIT_DONE;
    for (size_t i = 0; i < r->num_done; i++)
        status = cmd_worse(status, renewal_exit_status(r->done[i].result));
    return r->num_done < r->due.count ? cmd_worse(status, EXIT_LATER) : status;
}

/* A dry run says "due" of what it would renew. */
static const char *result_name(const struct run *r, const struct renewal *d)
{
    bool would = opt_given(&r->env->opts, "dry-run") && d->result == RENEWAL_NOT_DUE && d->call;
    return would ? "due" : renewal_result_name(d->result);
}

static json_t *renewal_json(const struct run *r, const struct renewal *d)
{
    char when[21];
    AUTO(auto_free) char *tx = d->has_tx ? hex_0x(BYTES_OF(d->tx_hash)) : NULL;
    json_t *doc = status_row_json(&r->relay.session, &d->row, d->chain_time_s);
    if (!doc)
        return NULL;
    json_object_set_new(doc, "result", json_string(result_name(r, d)));
    if (d->call)
        json_object_set_new(doc, "call", json_string(call_name(d->call)));
    if (d->due_for)
        json_object_set_new(doc, "due_for", json_string(due_for_name(d->due_for)));
    if (tx)
        json_object_set_new(doc, "transaction", json_string(tx));
    if (d->note)
        json_object_set_new(doc, "note", json_string(d->note));
    if (d->differs)
        json_object_set_new(doc, "answers", relay_answers_json(d->predicted, d->answered, true));
    if (d->why.code != ERR_NONE)
        json_object_set_new(doc, "error", json_pack("{s:s, s:s}", "code", err_name(d->why.code), "message", d->why.text));
    if (d->next_try_s)
        json_object_set_new(doc, "next_try_at", json_string(time_format(when, d->next_try_s)));
    return doc;
}

static size_t count(const struct run *r, enum renewal_result result)
{
    size_t n = 0;
    for (size_t i = 0; i < r->num_done; i++)
        n += r->done[i].result == result;
    return n;
}

static json_t *run_json(const struct run *r)
{
    char when[21];
    json_t *list = json_array(), *counts = json_object();
    for (size_t i = 0; i < r->num_done; i++)
        json_array_append_new(list, renewal_json(r, &r->done[i]));
    for (enum renewal_result k = RENEWAL_DONE; k <= RENEWAL_FAILED; k++)
        json_object_set_new(counts, renewal_result_name(k), json_integer((json_int_t)count(r, k)));
    json_t *doc = json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:o}", "format", "cvm-renewals/1", "chain_time",
                            time_format(when, (int64_t)r->head.time_s), "due", (json_int_t)r->due.count, "counts", counts, "expiring",
                            (json_int_t)r->num_expiring, "unexplained_updates", (json_int_t)r->num_unexplained, "identities", list);
    if (doc && r->next_due_s != INT64_MAX)
        json_object_set_new(doc, "next_due_at", json_string(time_format(when, r->next_due_s)));
    return doc;
}

static void say_renewal(const struct run *r, const struct renewal *d)
{
    char id[65], tx[65], when[21];
    printf("0x%.16s..  %-8s", hex_encode(id, BYTES_OF(d->row.key.id)), result_name(r, d));
    if (d->call)
        printf("  %s", call_name(d->call));
    if (d->due_for)
        printf("  due for %s", due_for_words(d->due_for));
    if (d->has_tx)
        printf("  0x%s", hex_encode(tx, BYTES_OF(d->tx_hash)));
    if (d->note)
        printf("  %s", d->note);
    if (d->why.code != ERR_NONE)
        printf("  %s", d->why.text);
    if (d->next_try_s)
        printf("; next try %s", time_format(when, d->next_try_s));
    putchar('\n');
}

static void say_run(const struct run *r)
{
    char when[21];
    for (size_t i = 0; i < r->num_done; i++)
        say_renewal(r, &r->done[i]);
    printf("%zu due, %zu renewed", r->due.count, count(r, RENEWAL_DONE));
    if (count(r, RENEWAL_BUSY) + count(r, RENEWAL_HELD))
        printf(", %zu in the hands of other runs", count(r, RENEWAL_BUSY) + count(r, RENEWAL_HELD));
    if (r->num_expiring)
        printf(", %zu inside the warning window or expired", r->num_expiring);
    if (r->num_unexplained)
        printf(", %zu updates on chain that are not ours", r->num_unexplained);
    if (r->next_due_s != INT64_MAX)
        printf("; the next becomes due at %s", time_format(when, r->next_due_s));
    putchar('\n');
}

/* --- the command --- */

static bool take_options(struct run *r, struct err *err)
{
    const struct opts *o = &r->env->opts;
    const char *wait = opt_text(o, "wait");
    r->renewer.evidence_file = opt_text(o, "evidence");
    r->renewer.accept_measurement = opt_given(o, "accept-measurement");
    r->renewer.accept_difference = opt_given(o, "accept-difference");
    r->renewer.stopped = on_stop;
    if (!opt_duration(&r->renewer.within_s, o, "due-within", err))
        return false;
    return !wait || tx_wait_parse(&r->renewer.wait, wait) || err_set(err, ERR_USAGE, "--wait %s is none of none, sent, mined, final", wait);
}

static bool begin(struct run *r, struct err *err)
{
    const struct opts *o = &r->env->opts;
    struct session *s = &r->relay.session;
    stop_install();
    if (!relay_open(&r->relay, &r->env->config, opt_given(o, "accept-implementation"), !opt_given(o, "dry-run"), err) ||
        !renewer_init(&r->renewer, &r->relay, err) || !take_options(r, err))
        return false;
    size_t open_rotations;
    if (!opt_given(o, "dry-run") && (!renew_finish_begun(&r->renewer, err) || !relay_settle_rotations(s, &open_rotations, err)))
        return err_wrap(err, "finishing what was begun");
    return eth_block(s->rpc, &r->head, ETH_AT_LATEST, NULL, err);
}

static bool renew_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(run_done) struct run r = {.env = env, .next_due_s = INT64_MAX};
    if (!begin(&r, err))
        return false;
    follow_events(&r);
    if (!find_due(&r, err))
        return false;
    if (r.renewer.evidence_file && r.due.count > 1)
        return err_set(err, ERR_USAGE, "--evidence is one identity's, and %zu are due; --only names one", r.due.count);
    r.done = calloc(r.due.count + 1, sizeof *r.done);
    if (!r.done)
        return err_set(err, ERR_NOMEM, "no memory for %zu identities", r.due.count);
    renew_all(&r);
    if (!look_after(&r, err))
        return false;
    *status = exit_of(&r);
    if (env->json)
        return cmd_print_json(run_json(&r), err);
    if (!env->quiet)
        say_run(&r);
    return true;
}

const struct cmd cmd_renew = {
    .name = "renew",
    .help = "one shot for cron: everything that is due, nothing that is not",
    .about = "TPM evidence due: re-attest. TEE evidence due: attest in full. Time is the chain's. Two runs at once do no harm:\n"
             "what another run of this machine is at, and alive, is \"busy\" and nothing to worry about (a run that was killed is taken over\n"
             "at once); what a run that cannot be seen from here has claimed is \"held\" until its lease ends.\n"
             "Exit 0 done (nothing due, or another run is at it), 1 something was refused, 3 something failed or is held and is tried again,\n"
             "4 an identity is inside its warning window, or was updated by somebody else.",
    .opts = renew_opts,
    .keys = KEYS_WRITE | KEYS_FRESHNESS | KEYS_SOURCE,
    .run = renew_run,
};
