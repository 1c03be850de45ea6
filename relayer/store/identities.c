#include "relayer/store/identities.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>

void identity_list_done(struct identity_list *list)
{
    free(list->row);
    *list = (struct identity_list){0};
}

void measurement_list_done(struct measurement_list *list)
{
    free(list->row);
    *list = (struct measurement_list){0};
}

/* One more element at the end of a growing array; NULL without memory. */
static void *grow(void *array, size_t count, size_t size)
{
    size_t cap = count & (count - 1) ? 0 : count ? count * 2 : 1; /* at each power of two */
    return cap ? reallocarray(array, cap, size) : array;
}

static void bind_registry(struct stmt *s, uint64_t chain_id, struct addr20 registry)
{
    stmt_u64(s, ":chain", chain_id);
    stmt_blob(s, ":registry", BYTES_OF(registry));
}

static void bind_key(struct stmt *s, const struct identity_key *key)
{
    bind_registry(s, key->chain_id, key->registry);
    stmt_blob(s, ":id", BYTES_OF(key->id));
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

void identity_read(struct identity_row *r, struct stmt *s)
{
    *r = (struct identity_row){0};
    r->key.chain_id = stmt_get_u64(s, "chain_id");
    stmt_get_fixed(s, "registry", r->key.registry.b, sizeof r->key.registry.b);
    stmt_get_fixed(s, "id", r->key.id.b, sizeof r->key.id.b);
    copy_text(r->profile, sizeof r->profile, stmt_get_text(s, "profile"));
    copy_text(r->label, sizeof r->label, stmt_get_text(s, "label"));
    copy_text(r->source, sizeof r->source, stmt_get_text(s, "source"));
    r->tracked_at_s = stmt_get_i64(s, "tracked_at_s");
    r->registered = stmt_get_i64(s, "registered") != 0;
    r->tee_type = (uint8_t)stmt_get_i64(s, "tee_type");
    r->cloud_type = (uint8_t)stmt_get_i64(s, "cloud_type");
    r->tee_ttl_s = stmt_get_u64(s, "tee_ttl_s");
    r->tpm_ttl_s = stmt_get_u64(s, "tpm_ttl_s");
    r->tee_recent_s = stmt_get_i64(s, "tee_recent_s");
    r->tpm_recent_s = stmt_get_i64(s, "tpm_recent_s");
    stmt_get_fixed(s, "measurement_hash", r->measurement_hash.b, sizeof r->measurement_hash.b);
    r->nonce = stmt_get_u64(s, "nonce");
    r->read_at_s = stmt_get_i64(s, "read_at_s");
    r->read_block = stmt_get_u64(s, "read_block");
    r->collateral_expires_s = stmt_get_i64(s, "collateral_expires_s");
    copy_text(r->platform, sizeof r->platform, stmt_get_text(s, "platform"));
    r->chain_collateral_s = stmt_get_i64(s, "chain_collateral_s");
    r->tcb_refused_s = stmt_get_i64(s, "tcb_refused_s");
    r->due_s = stmt_get_i64(s, "due_s");
    r->expiring_s = stmt_get_i64(s, "expiring_s");
    r->due_settings = stmt_get_i64(s, "due_settings");
    r->retry_at_s = stmt_get_i64(s, "retry_at_s");
    r->failures = (uint32_t)stmt_get_i64(s, "failures");
    copy_text(r->last_error, sizeof r->last_error, stmt_get_text(s, "last_error"));
    r->warned_state = (int)stmt_get_i64(s, "warned_state");
}

/* A TTL is any 64-bit number on chain; what exceeds the column is as good as never. */
static void bind_ttl(struct stmt *s, const char *name, uint64_t ttl_s)
{
    stmt_u64(s, name, ttl_s > INT64_MAX ? INT64_MAX : ttl_s);
}

bool identities_put(struct db *db, const struct identity_row *row, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT OR REPLACE INTO identities (" IDENTITY_COLUMNS ") VALUES (:chain, :registry, :id, :profile,"
                    " :label, :source, :tracked, :registered, :tee_type, :cloud_type, :tee_ttl, :tpm_ttl, :tee_recent, "
                    ":tpm_recent, :hash, :nonce,"
                    " :read_at, :read_block, :collateral, :platform, :chain_collateral, :tcb_refused, :due, :expiring, :settings, :retry, :failures, :error, :warned)");
    bind_key(&s, &row->key);
    stmt_text(&s, ":profile", row->profile);
    stmt_text(&s, ":label", row->label);
    stmt_text(&s, ":source", row->source);
    stmt_i64(&s, ":tracked", row->tracked_at_s);
    stmt_i64(&s, ":registered", row->registered);
    stmt_i64(&s, ":tee_type", row->tee_type);
    stmt_i64(&s, ":cloud_type", row->cloud_type);
    bind_ttl(&s, ":tee_ttl", row->tee_ttl_s);
    bind_ttl(&s, ":tpm_ttl", row->tpm_ttl_s);
    stmt_i64(&s, ":tee_recent", row->tee_recent_s);
    stmt_i64(&s, ":tpm_recent", row->tpm_recent_s);
    stmt_blob(&s, ":hash", BYTES_OF(row->measurement_hash));
    stmt_u64(&s, ":nonce", row->nonce);
    stmt_i64(&s, ":read_at", row->read_at_s);
    stmt_u64(&s, ":read_block", row->read_block);
    stmt_i64(&s, ":collateral", row->collateral_expires_s);
    stmt_text(&s, ":platform", row->platform);
    stmt_i64(&s, ":chain_collateral", row->chain_collateral_s);
    stmt_i64(&s, ":tcb_refused", row->tcb_refused_s);
    stmt_i64(&s, ":due", row->due_s);
    stmt_i64(&s, ":expiring", row->expiring_s);
    stmt_i64(&s, ":settings", row->due_settings);
    stmt_i64(&s, ":retry", row->retry_at_s);
    stmt_i64(&s, ":failures", row->failures);
    stmt_text(&s, ":error", row->last_error);
    stmt_i64(&s, ":warned", row->warned_state);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool identities_get(struct db *db, struct identity_row *out, bool *found, const struct identity_key *key,
                    struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE chain_id = :chain AND registry = :registry AND id = :id");
    struct identity_row row = {0};
    bind_key(&s, key);
    bool there = stmt_row(&s);
    if (there)
        identity_read(&row, &s);
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *out = row;
    return true;
}

static bool read_list(struct identity_list *out, struct stmt *s, struct err *err)
{
    AUTO(identity_list_done) struct identity_list list = {0};
    while (stmt_row(s)) {
        struct identity_row *more = grow(list.row, list.count, sizeof *more);
        if (!more)
            return err_set(err, ERR_NOMEM, "identities: no memory");
        list.row = more;
        identity_read(&list.row[list.count++], s);
    }
    if (!stmt_ok(s, err))
        return false;
    *out = list;
    list = (struct identity_list){0};
    return true;
}

bool identity_bound(struct hash32 *out, const char *digits, char fill, struct err *err)
{
    char text[65];
    size_t len = strlen(digits);
    if (len != strspn(digits, "0123456789abcdefABCDEF") || len >= sizeof text)
        return err_set(err, ERR_USAGE, "identity \"%.80s\": want hex digits, at most 64", digits);
    memcpy(text, digits, len);
    memset(text + len, fill, sizeof text - 1 - len);
    text[sizeof text - 1] = '\0';
    return hex_decode_fixed(out->b, sizeof out->b, bytes_str(text), err);
}

bool identities_list(struct db *db, struct identity_list *out, const char *hex_prefix, struct err *err)
{
    struct hash32 low, high;
    if (!identity_bound(&low, hex_prefix, '0', err) || !identity_bound(&high, hex_prefix, 'f', err))
        return false;
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE id BETWEEN :low AND :high"
                                " ORDER BY id, chain_id, registry");
    stmt_blob(&s, ":low", BYTES_OF(low));
    stmt_blob(&s, ":high", BYTES_OF(high));
    return read_list(out, &s, err);
}

bool identities_due(struct db *db, struct identity_list *out, int64_t now_s, size_t max, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE max(due_s, retry_at_s) <= :now"
                                " ORDER BY max(due_s, retry_at_s) LIMIT :max");
    stmt_i64(&s, ":now", now_s);
    stmt_i64(&s, ":max", max > 100000 ? 100000 : (int64_t)max);
    return read_list(out, &s, err);
}

bool identities_next_due(struct db *db, int64_t *out_s, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT max(due_s, retry_at_s) AS at_s FROM identities ORDER BY max(due_s, retry_at_s) LIMIT 1");
    int64_t at_s = stmt_row(&s) ? stmt_get_i64(&s, "at_s") : INT64_MAX;
    if (!stmt_ok(&s, err))
        return false;
    *out_s = at_s;
    return true;
}

/* Those of one registry that a number puts at or before by_s. */
static bool list_here(struct identity_list *out, struct stmt *s, uint64_t chain_id, struct addr20 registry, int64_t by_s, size_t max,
                      struct err *err)
{
    bind_registry(s, chain_id, registry);
    stmt_i64(s, ":by", by_s);
    stmt_i64(s, ":max", max > 100000 ? 100000 : (int64_t)max);
    return read_list(out, s, err);
}

bool identities_due_here(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                         int64_t by_s, size_t max, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE chain_id = :chain AND registry = :registry"
                                " AND due_s <= :by ORDER BY due_s LIMIT :max");
    return list_here(out, &s, chain_id, registry, by_s, max, err);
}

bool identities_next_due_here(struct db *db, int64_t *out_s, uint64_t chain_id, struct addr20 registry, int64_t after_s,
                              struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT due_s FROM identities WHERE chain_id = :chain AND registry = :registry"
                                " AND due_s > :after ORDER BY due_s LIMIT 1");
    bind_registry(&s, chain_id, registry);
    stmt_i64(&s, ":after", after_s);
    int64_t due_s = stmt_row(&s) ? stmt_get_i64(&s, "due_s") : INT64_MAX;
    if (!stmt_ok(&s, err))
        return false;
    *out_s = due_s;
    return true;
}

bool identities_expiring_here(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                              int64_t at_s, size_t max, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE chain_id = :chain AND registry = :registry"
                                " AND expiring_s <= :by ORDER BY expiring_s LIMIT :max");
    return list_here(out, &s, chain_id, registry, at_s, max, err);
}

/* Two ranges of one index: what is up to date is not looked at. */
bool identities_due_by_other_settings(struct db *db, struct identity_list *out, uint64_t chain_id, struct addr20 registry,
                                      int64_t settings, size_t max, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT " IDENTITY_COLUMNS " FROM identities WHERE chain_id = :chain AND registry = :registry AND due_settings < :settings"
                                " UNION ALL SELECT " IDENTITY_COLUMNS " FROM identities"
                                " WHERE chain_id = :chain AND registry = :registry AND due_settings > :settings LIMIT :max");
    bind_registry(&s, chain_id, registry);
    stmt_i64(&s, ":settings", settings);
    stmt_i64(&s, ":max", (int64_t)max);
    return read_list(out, &s, err);
}

bool identities_set_due(struct db *db, const struct identity_row *row, bool moved, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s =
        moved ? db_stmt(db, "UPDATE identities SET due_s = :due, expiring_s = :expiring, due_settings = :settings"
                            " WHERE chain_id = :chain AND registry = :registry AND id = :id")
              : db_stmt(db, "UPDATE identities SET due_settings = :settings"
                            " WHERE chain_id = :chain AND registry = :registry AND id = :id");
    bind_key(&s, &row->key);
    if (moved) {
        stmt_i64(&s, ":due", row->due_s);
        stmt_i64(&s, ":expiring", row->expiring_s);
    }
    stmt_i64(&s, ":settings", row->due_settings);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool identities_next_platform(struct db *db, char out[static 13], uint64_t chain_id, struct addr20 registry, const char *after,
                              struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT platform FROM identities WHERE chain_id = :chain AND registry = :registry AND platform > :after"
                                " ORDER BY platform LIMIT 1");
    char platform[13] = "";
    bind_registry(&s, chain_id, registry);
    stmt_text(&s, ":after", after);
    if (stmt_row(&s))
        copy_text(platform, sizeof platform, stmt_get_text(&s, "platform"));
    if (!stmt_ok(&s, err))
        return false;
    memcpy(out, platform, sizeof platform);
    return true;
}

bool identities_set_chain_collateral(struct db *db, uint64_t chain_id, struct addr20 registry, const char *platform, int64_t ends_s,
                                     struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE identities SET chain_collateral_s = :ends, due_settings = 0"
                                " WHERE chain_id = :chain AND registry = :registry AND platform = :platform AND chain_collateral_s <> :ends");
    bind_registry(&s, chain_id, registry);
    stmt_text(&s, ":platform", platform);
    stmt_i64(&s, ":ends", ends_s);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool identities_note_try(struct db *db, const struct identity_key *key, uint32_t failures, int64_t retry_at_s,
                         const char *error, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE identities SET failures = :failures, retry_at_s = :retry, last_error = :error"
                                " WHERE chain_id = :chain AND registry = :registry AND id = :id");
    bind_key(&s, key);
    stmt_i64(&s, ":failures", failures);
    stmt_i64(&s, ":retry", retry_at_s);
    stmt_text(&s, ":error", error);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool identities_note_warned(struct db *db, const struct identity_key *key, int state, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "UPDATE identities SET warned_state = :state WHERE chain_id = :chain AND registry = :registry"
                    " AND id = :id");
    bind_key(&s, key);
    stmt_i64(&s, ":state", state);
    return db_begin(&tx, db, DB_RELAXED, err) && stmt_run(&s, err) && db_commit(&tx, err);
}

bool identities_forget(struct db *db, const struct identity_key *key, bool *found, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "DELETE FROM identities WHERE chain_id = :chain AND registry = :registry AND id = :id");
    AUTO(stmt_done)
    struct stmt h =
        db_stmt(db, "DELETE FROM measurements WHERE chain_id = :chain AND registry = :registry AND id = :id");
    bind_key(&s, key);
    bind_key(&h, key);
    if (!db_begin(&tx, db, DB_DURABLE, err) || !stmt_run(&h, err) || !stmt_run(&s, err))
        return false;
    *found = db_changes(db) > 0;
    return db_commit(&tx, err);
}

/* --- measurements --- */

static bool same_as_last(struct db *db, bool *same, const struct identity_key *key, const struct measurement_row *row,
                         struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT measurement_hash, tx_hash FROM measurements"
                    " WHERE chain_id = :chain AND registry = :registry AND id = :id ORDER BY seq DESC LIMIT 1");
    bind_key(&s, key);
    bool there = stmt_row(&s);
    struct bytes tx = row->has_tx ? BYTES_OF(row->tx_hash) : (struct bytes){0};
    *same = there && bytes_eq(stmt_get_blob(&s, "measurement_hash"), BYTES_OF(row->hash)) &&
            (!row->has_tx || bytes_eq(stmt_get_blob(&s, "tx_hash"), tx));
    return stmt_ok(&s, err);
}

bool measurements_add(struct db *db, const struct identity_key *key, const struct measurement_row *row, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    bool same;
    if (!db_begin(&tx, db, DB_RELAXED, err) || !same_as_last(db, &same, key, row, err))
        return false;
    if (same)
        return db_commit(&tx, err);
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT INTO measurements (chain_id, registry, id, measurement_hash, block, block_time_s,"
                    " tx_hash, detail) VALUES (:chain, :registry, :id, :hash, :block, :time, :tx, :detail)");
    bind_key(&s, key);
    stmt_blob(&s, ":hash", BYTES_OF(row->hash));
    stmt_u64(&s, ":block", row->block);
    stmt_i64(&s, ":time", row->block_time_s);
    if (row->has_tx)
        stmt_blob(&s, ":tx", BYTES_OF(row->tx_hash));
    stmt_text(&s, ":detail", row->detail);
    return stmt_run(&s, err) && db_commit(&tx, err);
}

bool measurements_list(struct db *db, struct measurement_list *out, const struct identity_key *key, struct err *err)
{
    AUTO(measurement_list_done) struct measurement_list list = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT measurement_hash, block, block_time_s, tx_hash, detail FROM measurements"
                                " WHERE chain_id = :chain AND registry = :registry AND id = :id ORDER BY seq");
    bind_key(&s, key);
    while (stmt_row(&s)) {
        struct measurement_row *more = grow(list.row, list.count, sizeof *more), *r;
        if (!more)
            return err_set(err, ERR_NOMEM, "measurements: no memory");
        list.row = more;
        r = &list.row[list.count++];
        *r = (struct measurement_row){.block = stmt_get_u64(&s, "block"),
                                      .block_time_s = stmt_get_i64(&s, "block_time_s"),
                                      .has_tx = !stmt_is_null(&s, "tx_hash")};
        stmt_get_fixed(&s, "measurement_hash", r->hash.b, sizeof r->hash.b);
        if (r->has_tx)
            stmt_get_fixed(&s, "tx_hash", r->tx_hash.b, sizeof r->tx_hash.b);
        copy_text(r->detail, sizeof r->detail, stmt_get_text(&s, "detail"));
    }
    if (!stmt_ok(&s, err))
        return false;
    *out = list;
    list = (struct measurement_list){0};
    return true;
}

/* --- claims --- */

bool claims_take(struct db *db, uint64_t *token, bool *got, const struct identity_key *key, const char *owner,
                 int64_t now_s, int64_t lease_s, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    /* A lease that ends later than a lease can last was written by a clock that ran ahead: it does not hold. */
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT INTO claims (chain_id, registry, id, owner, token, until_s)"
                                " VALUES (:chain, :registry, :id, :owner, 1, :until) ON CONFLICT DO UPDATE SET owner = "
                                ":owner, token = token + 1, until_s = :until"
                                " WHERE until_s <= :now OR until_s > :now + 2 * :lease RETURNING token");
    bind_key(&s, key);
    stmt_text(&s, ":owner", owner);
    stmt_i64(&s, ":now", now_s);
    stmt_i64(&s, ":lease", lease_s);
    stmt_i64(&s, ":until", now_s + lease_s);
    if (!db_begin(&tx, db, DB_RELAXED, err))
        return false;
    bool taken = stmt_row(&s);
    uint64_t new_token = taken ? stmt_get_u64(&s, "token") : 0;
    if (!stmt_ok(&s, err))
        return false;
    stmt_reset(&s);
    if (!db_commit(&tx, err))
        return false;
    *got = taken;
    *token = new_token;
    return true;
}

bool claims_renew(struct db *db, bool *still_ours, const struct identity_key *key, uint64_t token, int64_t now_s,
                  int64_t lease_s, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE claims SET until_s = :until"
                                " WHERE chain_id = :chain AND registry = :registry AND id = :id AND token = :token");
    bind_key(&s, key);
    stmt_u64(&s, ":token", token);
    stmt_i64(&s, ":until", now_s + lease_s);
    if (!db_begin(&tx, db, DB_RELAXED, err) || !stmt_run(&s, err))
        return false;
    *still_ours = db_changes(db) > 0;
    return db_commit(&tx, err);
}

bool claims_release(struct db *db, const struct identity_key *key, uint64_t token, struct err *err)
{
    bool ours;
    return claims_renew(db, &ours, key, token, 0, 0, err);
}

bool claims_get(struct db *db, struct claim_row *out, bool *found, const struct identity_key *key, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT owner, token, until_s FROM claims"
                                " WHERE chain_id = :chain AND registry = :registry AND id = :id");
    struct claim_row row = {0};
    bind_key(&s, key);
    bool there = stmt_row(&s);
    if (there) {
        copy_text(row.owner, sizeof row.owner, stmt_get_text(&s, "owner"));
        row.token = stmt_get_u64(&s, "token");
        row.until_s = stmt_get_i64(&s, "until_s");
    }
    if (!stmt_ok(&s, err))
        return false;
    *found = there;
    if (there)
        *out = row;
    return true;
}
