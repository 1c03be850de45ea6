/* history: every measurement hash and transaction that an identity has had, in the order of blocks, and what changed between two
 * measurements where both are known in full. */
#include "relayer/cli/cmd.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/events.h"
#include "relayer/log.h"
#include "relayer/registry/golden.h"
#include "relayer/status.h"
#include "relayer/store/renewals.h"
#include "relayer/tx/engine.h"

#include <stdio.h>
#include <stdlib.h>

static const struct opt_row history_opts[] = {
    {"refresh", 0, NULL, false, "read the registry's logs first, and what the node still knows of old blocks"},
    {"acknowledge", 0, NULL, false, "updates by somebody else have been seen: they are no longer shown by status and check"},
    {0},
};

/* What happened in one transaction (or was seen at one block, where nobody knows the transaction). */
struct entry {
    uint64_t block;
    int64_t time_s; /* 0: not known */
    bool has_tx, has_hash, ours;
    struct hash32 tx, measurement;
    char what[80];  /* the call where it is ours, else the event */
    int event_state;
};
struct entries {
    struct entry *e;
    size_t count;
};

static void entries_done(struct entries *list)
{
    free(list->e);
}

/* --- gathering --- */

static struct entry *entry_for(struct entries *list, bool has_tx, struct hash32 tx, uint64_t block)
{
    for (size_t i = 0; i < list->count; i++)
        if (has_tx && list->e[i].has_tx ? hash32_eq(list->e[i].tx, tx) : list->e[i].block == block && !(has_tx && list->e[i].has_tx))
            return &list->e[i];
    struct entry *e = &list->e[list->count++];
    *e = (struct entry){.block = block, .has_tx = has_tx, .tx = tx};
    return e;
}

static void take_event(struct entries *list, const struct event_row *row)
{
    struct entry *e = entry_for(list, true, row->tx_hash, row->block);
    e->event_state = row->state;
    snprintf(e->what, sizeof e->what, "%s", row->name);
}

static void take_measurement(struct entries *list, const struct measurement_row *row)
{
    struct entry *e = entry_for(list, row->has_tx, row->tx_hash, row->block);
    e->time_s = row->block_time_s;
    e->has_hash = true;
    e->measurement = row->hash;
    if (row->has_tx && !e->has_tx) {
        e->has_tx = true;
        e->tx = row->tx_hash;
    }
}

static void take_tx(struct entries *list, const struct tx_status *tx, const struct identity_key *key)
{
    bool here = tx->chain_id == key->chain_id && addr20_eq(tx->target, key->registry) && tx->has_hash && tx->block;
    if (!here)
        return;
    struct entry *e = entry_for(list, true, tx->hash, tx->block);
    e->ours = true;
    e->time_s = tx->block_time_s;
    snprintf(e->what, sizeof e->what, "%s%s", tx->call, tx->phase == TXM_MINED || tx->phase == TXM_FINAL ? "" : " (failed)");
}

static int by_block(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->block < y->block ? -1 : x->block > y->block;
}

static bool gather(struct entries *out, struct db *db, const struct identity_key *key, struct err *err)
{
    AUTO(measurement_list_done) struct measurement_list measurements = {0};
    AUTO(event_list_done) struct event_list events = {0};
    AUTO(tx_list_done) struct tx_list txs = {0};
    if (!measurements_list(db, &measurements, key, err) || !events_of(db, &events, key, err) ||
        !tx_journal_list(db, &txs, false, &key->id, 100000, err))
        return false;
    out->e = calloc(measurements.count + events.count + txs.count + 1, sizeof *out->e);
    if (!out->e)
        return err_set(err, ERR_NOMEM, "no memory for the history");
    for (size_t i = 0; i < events.count; i++)
        take_event(out, &events.row[i]);
    for (size_t i = txs.count; i-- > 0;)
        take_tx(out, &txs.row[i], key);
    for (size_t i = 0; i < measurements.count; i++)
        take_measurement(out, &measurements.row[i]);
    qsort(out->e, out->count, sizeof *out->e, by_block);
    return true;
}

/* --- from the chain --- */

/* What the registry said at an event's block, as far back as the node remembers. */
static bool read_event(struct session *s, const struct identity_key *key, const struct event_row *row, struct err *err)
{
    AUTO(onchain_identity_done) struct onchain_identity on = {0};
    struct err why = {0};
    if (!onchain_read(&s->chain, &on, key->id, ETH_AT_BLOCK(row->block), &why)) {
        log_info("block %llu: %s", (unsigned long long)row->block, why.text);
        return true;
    }
    struct measurement_row m = {.hash = on.measurement_hash, .block = row->block, .block_time_s = (int64_t)on.block.time_s, .has_tx = true,
                                .tx_hash = row->tx_hash, .detail = MEASUREMENT_BACKFILLED};
    return !on.registered || measurements_add(s->db, key, &m, err);
}

static bool is_known(const struct measurement_list *list, const struct event_row *row)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->row[i].block == row->block || (list->row[i].has_tx && hash32_eq(list->row[i].tx_hash, row->tx_hash)))
            return true;
    return false;
}

static bool refresh(struct session *s, const struct identity_key *key, struct err *err)
{
    AUTO(measurement_list_done) struct measurement_list known = {0};
    AUTO(event_list_done) struct event_list events = {0};
    struct events_report report;
    struct read_back now;
    if (!session_open_chain(s, err))
        return false;
    if (key->chain_id != s->chain.chain_id || !addr20_eq(key->registry, s->chain.registry))
        return err_set(err, ERR_USAGE, "the identity is tracked on another chain or registry than the configured one");
    if (!events_follow(s, &report, &(struct events_query){0}, err) || !session_refresh(s, &now, key->id, ETH_AT_LATEST, NULL, false, err) ||
        !measurements_list(s->db, &known, key, err) || !events_of(s->db, &events, key, err))
        return false;
    for (size_t i = 0; i < events.count; i++)
        if (strcmp(events.row[i].name, "CVMUpdated") == 0 && !is_known(&known, &events.row[i]) && !read_event(s, key, &events.row[i], err))
            return false;
    return true;
}

/* --- what changed --- */

static bool load_golden(struct golden *out, bool *known, struct arena *mem, struct db *db, struct hash32 hash, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(1 << 22);
    if (!goldens_get(db, &text, known, hash, err) || !*known)
        return *known ? false : err->code == ERR_NONE;
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    return golden_from_json(out, mem, doc, err) || err_wrap(err, "the store's measurement");
}

/* NULL with no error where one of the two is only known by its hash. */
static json_t *changes(struct db *db, struct hash32 from, struct hash32 to, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 23);
    struct golden a, b;
    bool know_a, know_b;
    if (!load_golden(&a, &know_a, &mem, db, from, err) || !load_golden(&b, &know_b, &mem, db, to, err) || !know_a || !know_b)
        return NULL;
    return golden_diff(&b, &a);
}

/* --- telling --- */

static json_t *entry_json(struct db *db, const struct entry *e, const struct hash32 *before, struct err *err)
{
    char when[21];
    AUTO(auto_free) char *tx = hex_0x(BYTES_OF(e->tx)), *hash = hex_0x(BYTES_OF(e->measurement));
    json_t *doc = json_pack("{s:I, s:b}", "block", (json_int_t)e->block, "ours", e->ours);
    if (!doc || !tx || !hash)
        return doc;
    if (e->what[0])
        json_object_set_new(doc, "what", json_string(e->what));
    if (e->time_s)
        json_object_set_new(doc, "time", json_string(time_format(when, e->time_s)));
    if (e->has_tx)
        json_object_set_new(doc, "transaction", json_string(tx));
    if (e->event_state)
        json_object_set_new(doc, "unexplained", json_true());
    if (e->has_hash)
        json_object_set_new(doc, "measurement_hash", json_string(hash));
    if (e->has_hash && before && !hash32_eq(*before, e->measurement)) {
        json_object_set_new(doc, "measurement_changed", json_true());
        json_t *diff = changes(db, *before, e->measurement, err);
        if (diff)
            json_object_set_new(doc, "changes", diff);
    }
    return doc;
}

static json_t *history_json(struct db *db, const struct entries *list, const struct identity_key *key, struct err *err)
{
    AUTO(auto_free) char *id = hex_0x(BYTES_OF(key->id));
    json_t *out = json_array();
    const struct hash32 *before = NULL;
    for (size_t i = 0; i < list->count && err->code == ERR_NONE; i++) {
        json_array_append_new(out, entry_json(db, &list->e[i], before, err));
        before = list->e[i].has_hash ? &list->e[i].measurement : before;
    }
    return json_pack("{s:s, s:s, s:o}", "format", "cvm-history/1", "id", id ? id : "", "entries", out);
}

static void say_changes(const json_t *entry)
{
    const json_t *changes_list = json_object_get(entry, "changes"), *change;
    size_t i;
    if (json_object_get(entry, "measurement_changed") && !changes_list)
        puts("      the measurement changed; of one of the two only the hash is known");
    json_array_foreach(changes_list, i, change) {
        const char *have = json_string_value(json_object_get(change, "have")), *want = json_string_value(json_object_get(change, "want"));
        printf("      %s: %s -> %s\n", json_string_value(json_object_get(change, "what")), want ? want : "(absent)", have ? have : "(absent)");
    }
}

static const char *text_of(const json_t *entry, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(entry, name));
    return text ? text : otherwise;
}

static void say_history(const json_t *doc)
{
    const json_t *entry, *list = json_object_get(doc, "entries");
    size_t i;
    json_array_foreach(list, i, entry) {
        bool alarm = json_object_get(entry, "unexplained");
        printf("%-20s  block %-9lld %-20s %s%s%s\n", text_of(entry, "time", "-"), (long long)json_integer_value(json_object_get(entry, "block")),
               text_of(entry, "what", "seen"), alarm ? tint(TINT_BAD) : "", alarm ? "by somebody else" : json_is_true(json_object_get(entry, "ours")) ? "ours" : "",
               alarm ? tint_end() : "");
        if (json_object_get(entry, "transaction"))
            printf("      transaction %s\n", text_of(entry, "transaction", ""));
        if (json_object_get(entry, "measurement_hash"))
            printf("      measurement %s\n", text_of(entry, "measurement_hash", ""));
        say_changes(entry);
    }
    if (!json_array_size(list))
        puts("nothing is known of it yet; --refresh asks the chain");
}

static bool history_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(session_done) struct session s = {0};
    AUTO(entries_done) struct entries list = {0};
    struct identity_row row;
    if (!session_open_store(&s, &env->config, err) || !status_find(&s, &row, env->opts.args[0], err) ||
        (opt_given(&env->opts, "refresh") && !refresh(&s, &row.key, err)) || !gather(&list, s.db, &row.key, err))
        return false;
    json_auto_t *doc = history_json(s.db, &list, &row.key, err);
    if (err->code != ERR_NONE || !doc)
        return err->code != ERR_NONE ? false : err_set(err, ERR_NOMEM, "no memory");
    if (!env->json && !env->quiet)
        say_history(doc);
    if (opt_given(&env->opts, "acknowledge") && !events_acknowledge(s.db, &row.key, err))
        return false;
    return !env->json || cmd_print_json(json_incref(doc), err);
}

const struct cmd cmd_history = {
    .name = "history",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .help = "every measurement and transaction of an identity, and what changed between two",
    .opts = history_opts,
    .keys = KEYS_STORE | KEYS_CHAIN,
    .run = history_run,
};
