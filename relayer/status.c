#include "relayer/status.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/store/events.h"
#include "relayer/store/journal.h"
#include "relayer/store/rotations.h"
#include "relayer/tx/engine.h"

#include <stdio.h>
#include <stdlib.h>

void status_report_done(struct status_report *r)
{
    free(r->row);
    *r = (struct status_report){0};
}

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
    struct freshness f = freshness_of(row);
    struct plan_due due = session_due(cfg, row, now_s);
    return (struct status_row){
        .row = *row,
        .state = session_state(cfg, row, now_s),
        .tee = deadline_of(&f, DEADLINE_TEE, now_s),
        .tpm = deadline_of(&f, DEADLINE_TPM, now_s),
        .due_in_s = due.at_s == INT64_MAX ? INT64_MAX : due.at_s - now_s,
        .due_for = due.why,
    };
}

/* Hex digits without 0x, for a look-up by prefix. */
static bool is_prefix(const char *id)
{
    size_t len = strspn(id, "0123456789abcdefABCDEF");
    return id[len] == '\0' && len <= 64 && len > 0;
}

static bool list_for(struct session *s, struct identity_list *out, const char *id, struct err *err)
{
    const char *digits = id && id[0] == '0' && (id[1] == 'x' || id[1] == 'X') ? id + 2 : id;
    if (digits && !is_prefix(digits))
        return err_set(err, ERR_USAGE, "\"%.80s\" is no identity hash, nor the beginning of one", id);
    if (!identities_list(s->db, out, digits ? digits : "", err))
        return false;
    if (id && !out->count)
        return err_set(err, ERR_USAGE, "no tracked identity begins with %.80s; track it first", id);
    return true;
}

/* Where none is named, those that were rotated away or are not there yet do not count. */
static size_t keep_registered(struct identity_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->row[i].registered)
            list->row[n++] = list->row[i];
    return n;
}

bool status_find(struct session *s, struct identity_row *out, const char *id, struct err *err)
{
    AUTO(identity_list_done) struct identity_list list = {0};
    if (!list_for(s, &list, id, err))
        return false;
    if (!id)
        list.count = keep_registered(&list);
    if (list.count != 1)
        return err_set(err, ERR_USAGE, "%zu tracked identities %s %.80s", list.count, id ? "begin with" : "are registered", id ? id : "");
    *out = list.row[0];
    return true;
}

static bool in_session(const struct session *s, const struct identity_row *row)
{
    return row->key.chain_id == s->chain.chain_id && addr20_eq(row->key.registry, s->chain.registry);
}

/* Its registration has moved on to another key: nothing that anybody has to look after. */
static bool rotated_away(struct session *s, const struct identity_row *row, bool *yes, struct err *err)
{
    AUTO(rotation_list_done) struct rotation_list list = {0};
    *yes = false;
    if (row->registered || !row->read_at_s)
        return true;
    if (!rotations_of(s->db, &list, row->key.id, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        *yes |= (list.row[i].state == ROTATION_SENT || list.row[i].state == ROTATION_FINAL) &&
                hash32_eq(list.row[i].from.id, row->key.id);
    return true;
}

static bool add_last_tx(struct session *s, struct status_row *out, struct err *err)
{
    struct tx_status tx;
    int64_t id = 0;
    bool found = false;
    const struct identity_key *key = &out->row.key;
    if (!journal_last_id(s->db, &id, key->chain_id, key->registry, key->id, err) || (id && !tx_journal_get(s->db, &tx, &found, id, err)))
        return false;
    if (found && tx.has_hash) {
        out->has_tx = true;
        out->tx_hash = tx.hash;
        snprintf(out->tx_state, sizeof out->tx_state, "%s", txm_phase_name(tx.phase));
    }
    return true;
}

static bool add_rows(struct status_report *out, struct session *s, const struct status_query *q, const char *id, struct err *err)
{
    AUTO(identity_list_done) struct identity_list list = {0};
    if (!list_for(s, &list, id, err))
        return false;
    struct status_row *grown = realloc(out->row, (out->count + list.count + 1) * sizeof *grown);
    if (!grown)
        return err_set(err, ERR_NOMEM, "no memory for %zu identities", list.count);
    out->row = grown;
    for (size_t i = 0; i < list.count; i++) {
        struct identity_row *row = &list.row[i];
        struct read_back r = {0};
        if (q->refresh && in_session(s, row)) {
            if (!session_refresh(s, &r, row->key.id, ETH_AT_LATEST, NULL, true, err))
                return false;
            *row = r.after;
        }
        bool away = false;
        if (!id && !rotated_away(s, row, &away, err))
            return false;
        if (away)
            continue;
        struct status_row status = status_of_row(row, s->cfg, out->chain_time_s);
        if (!events_unexplained(s->db, &status.unexplained, &row->key, err) || !add_last_tx(s, &status, err))
            return false;
        int64_t left = status.tee.left_s < status.tpm.left_s ? status.tee.left_s : status.tpm.left_s;
        if (q->within_s < 0 || !status.tee.known || left <= q->within_s)
            out->row[out->count++] = status;
    }
    return true;
}

bool status_gather(struct status_report *out, struct session *s, const struct status_query *q, struct err *err)
{
    AUTO(status_report_done) struct status_report r = {.cfg = s->cfg, .as_of_s = clock_now_s()};
    r.chain_time_s = r.as_of_s;
    if (q->refresh) {
        struct eth_block head;
        bool missing = false;
        if (!eth_block(s->rpc, &head, ETH_AT_LATEST, &missing, err))
            return false;
        r.chain_time_s = (int64_t)head.time_s;
    }
    if (!q->num_ids && !add_rows(&r, s, q, NULL, err))
        return false;
    for (size_t i = 0; i < q->num_ids; i++)
        if (!add_rows(&r, s, q, q->ids[i], err))
            return false;
    *out = r;
    r = (struct status_report){0};
    return true;
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
    struct freshness f = freshness_of(&s->row);
    struct plan_settings plan = session_plan(cfg);
    struct cutoffs cutoffs = session_cutoffs(cfg, &s->row);
    json_t *list = json_array();
    char at[21], due[21];
    if (!session_limits_collateral(cfg, &s->row) && s->row.collateral_expires_s)
        json_array_append_new(list, json_pack("{s:s, s:s}", "kind", due_for_name(DUE_FOR_COLLATERAL), "at",
                                              time_format(at, s->row.collateral_expires_s)));
    for (size_t i = 0; i < cutoffs.count; i++) {
        const struct cutoff *c = &cutoffs.item[i];
        int64_t due_s = plan_cutoff_due_s(&f, c, s->row.key.id, now_s, &plan);
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

json_t *status_to_json(const struct status_report *r)
{
    char as_of[21], chain[21];
    json_t *rows = json_array();
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(rows, row_json(r->cfg, &r->row[i], r->chain_time_s));
    return json_pack("{s:s, s:s, s:s, s:o}", "format", "cvm-status/1", "as_of", time_format(as_of, r->as_of_s), "chain_time",
                     time_format(chain, r->chain_time_s), "identities", rows);
}

json_t *status_row_json(const struct session *s, const struct identity_row *row, int64_t chain_now_s)
{
    struct status_row r = status_of_row(row, s->cfg, chain_now_s);
    return row_json(s->cfg, &r, chain_now_s);
}

int status_exit(const struct status_report *r)
{
    static const int exits[] = {
        [STATE_FRESH] = 0, [STATE_DUE] = 0, [STATE_UNKNOWN] = 3, [STATE_EXPIRING] = 4, [STATE_EXPIRED] = 1, [STATE_UNREGISTERED] = 1,
    };
    static const int order[] = {[0] = 0, [4] = 1, [3] = 2, [1] = 3};
    int worst = 0;
    for (size_t i = 0; i < r->count; i++) {
        int e = exits[r->row[i].state];
        worst = order[e] > order[worst] ? e : worst;
    }
    return worst;
}
