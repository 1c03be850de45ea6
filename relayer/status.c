#include "relayer/status.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/relay.h"
#include "relayer/tx/txm.h"


static struct status_deadline deadline_of(const struct freshness *f, enum deadline d, int64_t now_s)
{
    struct status_deadline out = {
        .known = f->known && f->registered,
        .attested_s = d == DEADLINE_TEE ? f->tee_recent_s : f->tpm_recent_s,
        .ttl_s = d == DEADLINE_TEE ? f->tee_ttl_s : f->tpm_ttl_s,
        .expires_s = plan_expires_s(f, d),
    };
    out.left_s = out.expires_s == INT64_MAX ? INT64_MAX : out.expires_s - now_s;
    return out;
}

struct status_row status_of_row(const struct identity_row *row, const struct config *cfg, int64_t now_s)
{
    struct planning p = planning_of(cfg, row);
    struct plan_due due = plan_next_due(&p.freshness, row->key.id, &p.cutoffs, now_s, &p.settings);
    return (struct status_row){
        .row = *row,
        .state = plan_state(&p.freshness, row->key.id, &p.cutoffs, now_s, &p.settings),
        .tee = deadline_of(&p.freshness, DEADLINE_TEE, now_s),
        .tpm = deadline_of(&p.freshness, DEADLINE_TPM, now_s),
        .due_in_s = due.at_s == INT64_MAX ? INT64_MAX : due.at_s - now_s,
        .due_for = due.why,
    };
}

/* Hex digits without 0x, for a look-up by prefix; NULL is every id. */
static bool digits_of(const char **out, const char *id, struct err *err)
{
    const char *digits = id && id[0] == '0' && (id[1] == 'x' || id[1] == 'X') ? id + 2 : id ? id : "";
    size_t len = strspn(digits, "0123456789abcdefABCDEF");
    if (id && (digits[len] != '\0' || len > 64 || len == 0))
        return err_set(err, ERR_USAGE, "\"%.80s\" is no identity hash, nor the beginning of one", id);
    *out = digits;
    return true;
}

static bool begin_fleet(struct fleet *out, struct session *s, const char *id, struct err *err)
{
    const char *digits = "";
    return digits_of(&digits, id, err) && fleet_begin(out, s->db, digits, err) && fleet_next(out, err);
}

bool status_find(struct session *s, struct identity_row *out, const char *id, struct err *err)
{
    AUTO(fleet_done) struct fleet f = {0};
    struct identity_row found = {0};
    size_t count = 0;
    bool ok = begin_fleet(&f, s, id, err);
    for (; ok && f.count; ok = fleet_next(&f, err))
        for (size_t i = 0; i < f.count; i++)
            /* where none is named, those that were rotated away or are not there yet do not count */
            if ((id || f.row[i].identity.registered) && count++ == 0)
                found = f.row[i].identity;
    if (!ok)
        return false;
    if (!count && id)
        return err_set(err, ERR_USAGE, "no tracked identity begins with %.80s; track it first", id);
    if (count != 1)
        return err_set(err, ERR_USAGE, "%zu tracked identities %s %.80s", count, id ? "begin with" : "are registered", id ? id : "");
    *out = found;
    return true;
}

/* --- the walk --- */

static bool in_session(const struct session *s, const struct identity_row *row)
{
    return row->key.chain_id == s->chain.chain_id && addr20_eq(row->key.registry, s->chain.registry);
}

/* What can go wrong goes wrong here, before the first row is shown: ids that are not tracked, a chain that does not answer. */
static bool look_first(struct status_walk *w, const char *id, struct err *err)
{
    AUTO(fleet_done) struct fleet f = {0};
    if (!begin_fleet(&f, w->s, id, err))
        return false;
    if (id && !f.count)
        return err_set(err, ERR_USAGE, "no tracked identity begins with %.80s; track it first", id);
    while (w->q.refresh && f.count) {
        for (size_t i = 0; i < f.count; i++) {
            const struct identity_row *row = &f.row[i].identity;
            struct read_back r;
            if (in_session(w->s, row) && !session_refresh(w->s, &r, row->key.id, ETH_AT_LATEST, NULL, false, err))
                return false;
        }
        if (!fleet_next(&f, err))
            return false;
    }
    return true;
}

void status_walk_done(struct status_walk *w)
{
    fleet_done(&w->fleet);
}

bool status_begin(struct status_walk *out, struct session *s, const struct status_query *q, struct err *err)
{
    struct status_walk w = {.s = s, .q = *q, .as_of_s = clock_now_s()};
    struct eth_block head = {.time_s = (uint64_t)w.as_of_s};
    size_t open_rotations;
    if (q->refresh && (!eth_block(s->rpc, &head, ETH_AT_LATEST, NULL, err) || !relay_settle_rotations(s, &open_rotations, err)))
        return false;
    w.chain_time_s = (int64_t)head.time_s;
    for (size_t i = 0; i < q->num_ids; i++)
        if (!look_first(&w, q->ids[i], err))
            return false;
    if (!q->num_ids && !look_first(&w, NULL, err))
        return false;
    *out = w;
    return true;
}

void status_rewind(struct status_walk *w)
{
    fleet_done(&w->fleet);
    *w = (struct status_walk){.s = w->s, .q = w->q, .as_of_s = w->as_of_s, .chain_time_s = w->chain_time_s};
}

/* The next row of the store, over pages and over the ids that were asked for; *row NULL at the end. */
static bool next_row(struct status_walk *w, const struct fleet_row **row, struct err *err)
{
    size_t num_ids = w->q.num_ids ? w->q.num_ids : 1;
    *row = NULL;
    while (w->next_row == w->fleet.count) {
        w->next_row = 0;
        if (w->fleet.db && !fleet_next(&w->fleet, err))
            return false;
        if (w->fleet.count)
            break;
        fleet_done(&w->fleet);
        if (w->next_id == num_ids)
            return true;
        const char *id = w->q.num_ids ? w->q.ids[w->next_id] : NULL;
        w->next_id++;
        if (!begin_fleet(&w->fleet, w->s, id, err))
            return false;
    }
    *row = &w->fleet.row[w->next_row++];
    return true;
}

static void take_row(struct status_walk *w, const struct fleet_row *row)
{
    static const int exits[] = {
        [STATE_FRESH] = 0, [STATE_DUE] = 0, [STATE_UNKNOWN] = 3, [STATE_EXPIRING] = 4, [STATE_EXPIRED] = 1, [STATE_UNREGISTERED] = 1,
    };
    static const int order[] = {[0] = 0, [4] = 1, [3] = 2, [1] = 3};
    w->row = status_of_row(&row->identity, w->s->cfg, w->chain_time_s);
    w->row.unexplained = row->unexplained;
    w->row.has_tx = row->has_tx;
    w->row.tx_hash = row->tx_hash;
    w->row.tx_state = row->has_tx ? txm_phase_name((enum txm_phase)row->tx_phase) : "";
    w->count++;
    w->at[w->row.state]++;
    int e = exits[w->row.state];
    if (order[e] > order[w->exit_status])
        w->exit_status = e;
}

bool status_next(struct status_walk *w, const struct status_row **row, struct err *err)
{
    const struct fleet_row *f;
    for (;;) {
        if (!next_row(w, &f, err))
            return false;
        *row = NULL;
        if (!f)
            return true;
        if (!w->q.num_ids && f->rotated_away)
            continue;
        struct freshness fresh = freshness_of(&f->identity);
        int64_t tee = plan_expires_s(&fresh, DEADLINE_TEE), tpm = plan_expires_s(&fresh, DEADLINE_TPM);
        int64_t expires = tee < tpm ? tee : tpm;
        if (w->q.within_s >= 0 && fresh.known && fresh.registered && expires - w->chain_time_s > w->q.within_s)
            continue;
        take_row(w, f);
        *row = &w->row;
        return true;
    }
}

/* --- as a document --- */

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

/* Can be written as a date; a TTL that never ends has no end to name. */
static bool has_date(int64_t t_s)
{
    return t_s < time_from_civil(9999, 1, 1, 0, 0, 0);
}

static json_t *deadline_json(const struct status_deadline *d)
{
    char attested[21], expires[21];
    json_t *doc = json_pack("{s:s, s:I}", "attested_at", time_format(attested, d->attested_s), "ttl_s",
                            (json_int_t)(d->ttl_s > INT64_MAX ? INT64_MAX : d->ttl_s));
    if (has_date(d->expires_s)) {
        json_object_set_new(doc, "expires_at", json_string(time_format(expires, d->expires_s)));
        json_object_set_new(doc, "left_s", json_integer(d->left_s));
    }
    return doc;
}

/* When the next renewal is due, and what for. */
static json_t *due_json(const struct status_row *s, int64_t now_s)
{
    char when[21];
    return json_pack("{s:s, s:s}", "at", time_format(when, now_s + s->due_in_s), "for", due_for_name(s->due_for));
}

/* The deadlines beside TEE and TPM: from "at" on a renewal fails, so that from "due_at" on one is due; without due_at it forces
 * nothing: it can be fetched anew, has passed, or the last attestation was close enough. */
static json_t *cutoffs_json(const struct config *cfg, const struct status_row *s, int64_t now_s)
{
    struct planning p = planning_of(cfg, &s->row);
    json_t *list = json_array();
    char at[21], due[21];
    if (!planning_limits_collateral(cfg, &s->row) && s->row.collateral_expires_s)
        json_array_append_new(list, json_pack("{s:s, s:s}", "kind", due_for_name(DUE_FOR_COLLATERAL), "at",
                                              time_format(at, s->row.collateral_expires_s)));
    for (size_t i = 0; i < p.cutoffs.count; i++) {
        const struct cutoff *c = &p.cutoffs.item[i];
        int64_t due_s = plan_cutoff_due_s(&p.freshness, c, s->row.key.id, now_s, &p.settings);
        json_t *doc = json_pack("{s:s, s:s}", "kind", due_for_name(c->kind), "at", time_format(at, c->at_s));
        if (due_s != INT64_MAX)
            json_object_set_new(doc, "due_at", json_string(time_format(due, due_s)));
        json_array_append_new(list, doc);
    }
    return list;
}

static json_t *row_json(const struct config *cfg, const struct status_row *s, int64_t now_s)
{
    char registry[ADDR_TEXT_SIZE], when[21];
    json_t *doc = json_pack("{s:o, s:I, s:s, s:s, s:s}", "id", hex_json(BYTES_OF(s->row.key.id)), "chain_id",
                            (json_int_t)s->row.key.chain_id, "registry", addr_text(registry, s->row.key.registry), "profile",
                            s->row.profile, "state", freshness_state_name(s->state));
    if (!doc)
        return NULL;
    if (s->row.label[0])
        json_object_set_new(doc, "label", json_string(s->row.label));
    if (s->tee.known) {
        json_object_set_new(doc, "tee", deadline_json(&s->tee));
        json_object_set_new(doc, "tpm", deadline_json(&s->tpm));
        json_object_set_new(doc, "measurement_hash", hex_json(BYTES_OF(s->row.measurement_hash)));
        json_object_set_new(doc, "nonce", json_integer((json_int_t)s->row.nonce));
        json_object_set_new(doc, "deadlines", cutoffs_json(cfg, s, now_s));
    }
    if (s->due_for && has_date(now_s + s->due_in_s))
        json_object_set_new(doc, "due", due_json(s, now_s));
    if (s->row.read_at_s)
        json_object_set_new(doc, "last_read_at", json_string(time_format(when, s->row.read_at_s)));
    if (s->has_tx)
        json_object_set_new(doc, "last_tx", json_pack("{s:o, s:s}", "hash", hex_json(BYTES_OF(s->tx_hash)), "state", s->tx_state));
    if (s->unexplained)
        json_object_set_new(doc, "unexplained_updates", json_integer((json_int_t)s->unexplained));
    if (s->row.last_error[0])
        json_object_set_new(doc, "last_error", json_string(s->row.last_error));
    return doc;
}

bool status_print(FILE *out, struct status_walk *w, struct err *err)
{
    char as_of[21], chain[21];
    const struct status_row *row;
    fprintf(out, "{\"format\": \"cvm-status/1\", \"as_of\": \"%s\", \"chain_time\": \"%s\", \"identities\": [", time_format(as_of, w->as_of_s),
            time_format(chain, w->chain_time_s));
    bool ok = status_next(w, &row, err);
    for (; ok && row; ok = status_next(w, &row, err)) {
        json_auto_t *doc = row_json(w->s->cfg, row, w->chain_time_s);
        fputs(w->count > 1 ? ",\n " : "\n ", out);
        if (!doc || json_dumpf(doc, out, 0) != 0)
            return err_set(err, ERR_NOMEM, "cannot write the JSON document");
    }
    return ok && (fputs("]}", out) != EOF || err_set(err, ERR_NOMEM, "cannot write the JSON document"));
}

json_t *status_row_json(const struct session *s, const struct identity_row *row, int64_t chain_now_s)
{
    struct status_row r = status_of_row(row, s->cfg, chain_now_s);
    return row_json(s->cfg, &r, chain_now_s);
}
