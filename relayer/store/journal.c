#include "relayer/store/journal.h"

#include "crypto/base/auto.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_MACHINE  (64 * 1024)
#define MAX_CALLDATA (256 * 1024)

void journal_intent_done(struct journal_intent *intent)
{
    buf_done(&intent->machine);
    buf_done(&intent->calldata);
}

void id_list_done(struct id_list *list)
{
    free(list->id);
    *list = (struct id_list){0};
}

static void bind_account(struct stmt *s, const struct journal_account *account)
{
    stmt_u64(s, ":chain", account->chain_id);
    stmt_blob(s, ":account", BYTES_OF(account->account));
}

static void bind_u256(struct stmt *s, const char *name, struct u256 v)
{
    char text[U256_DEC_SIZE];
    stmt_text(s, name, u256_dec(text, v));
}

static struct u256 get_u256(struct stmt *s, const char *column)
{
    struct u256 v = {0};
    u256_parse(&v, bytes_str(stmt_get_text(s, column)), NULL);
    return v;
}

/* --- intents --- */

static void bind_state(struct stmt *s, const struct journal_intent *i)
{
    stmt_i64(s, ":now", i->updated_at_s);
    stmt_i64(s, ":phase", i->phase);
    stmt_i64(s, ":open", i->open);
    if (i->has_nonce)
        stmt_u64(s, ":nonce", i->nonce);
    stmt_blob(s, ":machine", buf_view(&i->machine));
    stmt_text(s, ":note", i->note);
    stmt_text(s, ":label", i->label);
}

static bool find_key(struct db *db, int64_t *id, bool *found, struct hash32 key, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT id FROM intents WHERE key = :key");
    stmt_blob(&s, ":key", BYTES_OF(key));
    *found = stmt_row(&s);
    if (*found)
        *id = stmt_get_i64(&s, "id");
    return stmt_ok(&s, err);
}

bool journal_add(struct db *db, int64_t *id, bool *existed, const struct journal_intent *i, struct err *err)
{
    AUTO(db_scope_done) struct db_scope tx = {0};
    /* The commit that reserves its nonce forces this one to the disk as well; until then nothing has happened. */
    if (!db_begin(&tx, db, DB_RELAXED, err) || !find_key(db, id, existed, i->key, err))
        return false;
    if (*existed)
        return db_commit(&tx, err);
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT INTO intents (key, chain_id, account, target, call, identity, created_at_s, updated_at_s,"
                    " phase, open, nonce, machine, note, label, calldata) VALUES (:key, :chain, :account, :target, "
                    ":call, :identity, :created, :now,"
                    " :phase, :open, :nonce, :machine, :note, :label, :calldata)");
    bind_account(&s, &i->account);
    bind_state(&s, i);
    stmt_blob(&s, ":key", BYTES_OF(i->key));
    stmt_blob(&s, ":target", BYTES_OF(i->target));
    stmt_text(&s, ":call", i->call);
    stmt_blob(&s, ":identity", BYTES_OF(i->identity));
    stmt_i64(&s, ":created", i->created_at_s);
    stmt_blob(&s, ":calldata", buf_view(&i->calldata));
    if (!stmt_run(&s, err))
        return false;
    *id = db_last_id(db);
    return db_commit(&tx, err);
}

static bool read_intent(struct journal_intent *i, struct stmt *s, struct err *err)
{
    i->id = stmt_get_i64(s, "id");
    stmt_get_fixed(s, "key", i->key.b, sizeof i->key.b);
    i->account.chain_id = stmt_get_u64(s, "chain_id");
    stmt_get_fixed(s, "account", i->account.account.b, sizeof i->account.account.b);
    stmt_get_fixed(s, "target", i->target.b, sizeof i->target.b);
    stmt_get_fixed(s, "identity", i->identity.b, sizeof i->identity.b);
    snprintf(i->call, sizeof i->call, "%s", stmt_get_text(s, "call"));
    snprintf(i->label, sizeof i->label, "%s", stmt_get_text(s, "label"));
    snprintf(i->note, sizeof i->note, "%s", stmt_get_text(s, "note"));
    i->created_at_s = stmt_get_i64(s, "created_at_s");
    i->updated_at_s = stmt_get_i64(s, "updated_at_s");
    i->phase = (int)stmt_get_i64(s, "phase");
    i->open = stmt_get_i64(s, "open") != 0;
    i->has_nonce = !stmt_is_null(s, "nonce");
    i->nonce = i->has_nonce ? stmt_get_u64(s, "nonce") : 0;
    i->machine = buf_new(MAX_MACHINE);
    buf_put(&i->machine, stmt_get_blob(s, "machine"));
    return stmt_ok(s, err) && buf_finish(&i->machine, err);
}

static bool load_calldata(struct db *db, struct buf *out, int64_t id, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT calldata FROM intents WHERE id = :id");
    stmt_i64(&s, ":id", id);
    *out = buf_new(MAX_CALLDATA);
    if (stmt_row(&s))
        buf_put(out, stmt_get_blob(&s, "calldata"));
    return stmt_ok(&s, err) && buf_finish(out, err);
}

bool journal_load(struct db *db, struct journal_intent *out, bool *found, int64_t id, bool with_calldata,
                  struct err *err)
{
    AUTO(journal_intent_done) struct journal_intent i = {0};
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT id, key, chain_id, account, target, call, identity, created_at_s, updated_at_s, phase,"
                    " open, nonce, machine, note, label FROM intents WHERE id = :id");
    stmt_i64(&s, ":id", id);
    *found = stmt_row(&s);
    if (!*found)
        return stmt_ok(&s, err);
    if (!read_intent(&i, &s, err) || (with_calldata && !load_calldata(db, &i.calldata, id, err)))
        return false;
    *out = i;
    i = (struct journal_intent){0};
    return true;
}

bool journal_save(struct db *db, const struct journal_intent *i, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE intents SET updated_at_s = :now, phase = :phase, open = :open, nonce = :nonce,"
                                " machine = :machine, note = :note, label = :label WHERE id = :id");
    stmt_i64(&s, ":id", i->id);
    bind_state(&s, i);
    return stmt_run(&s, err);
}

bool journal_begin_anew(struct db *db, int64_t id, struct journal_account account, struct bytes calldata,
                        struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "UPDATE intents SET chain_id = :chain, account = :account, calldata = :calldata WHERE id = :id");
    stmt_i64(&s, ":id", id);
    bind_account(&s, &account);
    stmt_blob(&s, ":calldata", calldata);
    return stmt_run(&s, err);
}

static bool read_ids(struct id_list *out, struct stmt *s, struct err *err)
{
    AUTO(id_list_done) struct id_list list = {0};
    size_t cap = 0;
    while (stmt_row(s)) {
        if (list.count == cap) {
            cap = cap ? cap * 2 : 16;
            int64_t *more = reallocarray(list.id, cap, sizeof *more);
            if (!more)
                return err_set(err, ERR_NOMEM, "journal: no memory");
            list.id = more;
        }
        list.id[list.count++] = stmt_get_i64(s, "id");
    }
    if (!stmt_ok(s, err))
        return false;
    *out = list;
    list = (struct id_list){0};
    return true;
}

bool journal_open_ids(struct db *db, struct id_list *out, struct journal_account account, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT id FROM intents WHERE chain_id = :chain AND account = :account AND open = 1 ORDER BY id");
    bind_account(&s, &account);
    return read_ids(out, &s, err);
}

bool journal_ids(struct db *db, struct id_list *out, bool open_only, const struct hash32 *identity, size_t max,
                 struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT id FROM intents WHERE (:all OR open = 1) AND (:identity IS NULL OR identity = :identity)"
                    " ORDER BY id DESC LIMIT :max");
    stmt_i64(&s, ":all", !open_only);
    if (identity)
        stmt_blob(&s, ":identity", BYTES_OF(*identity));
    stmt_i64(&s, ":max", max > INT32_MAX ? INT32_MAX : (int64_t)max);
    return read_ids(out, &s, err);
}

/* --- attempts --- */

bool journal_attempt_add(struct db *db, int64_t intent, const struct journal_attempt *a, int64_t now_s, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "INSERT INTO attempts (intent, seq, kind, nonce, signing_hash, created_at_s, unsigned)"
                                " VALUES (:intent, :seq, :kind, :nonce, :signing_hash, :now, :unsigned)");
    stmt_i64(&s, ":intent", intent);
    stmt_i64(&s, ":seq", a->seq);
    stmt_i64(&s, ":kind", a->kind);
    stmt_u64(&s, ":nonce", a->nonce);
    stmt_blob(&s, ":signing_hash", BYTES_OF(a->signing_hash));
    stmt_i64(&s, ":now", now_s);
    stmt_blob(&s, ":unsigned", a->unsigned_payload);
    return stmt_run(&s, err);
}

bool journal_attempt_sign(struct db *db, int64_t intent, unsigned seq, struct hash32 hash, struct bytes raw,
                          struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE attempts SET hash = :hash, raw = :raw WHERE intent = :intent AND seq = :seq"
                                " AND (raw IS NULL OR raw = :raw)");
    stmt_i64(&s, ":intent", intent);
    stmt_i64(&s, ":seq", seq);
    stmt_blob(&s, ":hash", BYTES_OF(hash));
    stmt_blob(&s, ":raw", raw);
    if (!stmt_run(&s, err))
        return false;
    return db_changes(db) == 1 ||
           err_set(err, ERR_BUG, "journal: transaction %u of intent %lld has other bytes already", seq,
                   (long long)intent);
}

bool journal_attempt_hashes(struct db *db, struct hash32 *hash, bool *has, size_t max, int64_t intent, unsigned seq,
                            struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT seq, hash FROM attempts WHERE intent = :intent AND seq >= :seq AND hash IS NOT NULL");
    stmt_i64(&s, ":intent", intent);
    stmt_i64(&s, ":seq", seq);
    memset(has, 0, max * sizeof *has);
    while (stmt_row(&s)) {
        size_t i = (size_t)(stmt_get_u64(&s, "seq") - seq);
        if (i >= max)
            continue;
        has[i] = true;
        stmt_get_fixed(&s, "hash", hash[i].b, sizeof hash[i].b);
    }
    return stmt_ok(&s, err);
}

bool journal_attempt_bytes(struct db *db, struct buf *unsigned_payload, struct buf *raw, int64_t intent, unsigned seq,
                           struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT unsigned, raw FROM attempts WHERE intent = :intent AND seq = :seq");
    stmt_i64(&s, ":intent", intent);
    stmt_i64(&s, ":seq", seq);
    if (!stmt_row(&s))
        return stmt_ok(&s, err)
                   ? err_set(err, ERR_STORE, "journal: intent %lld has no transaction %u", (long long)intent, seq)
                   : false;
    if (unsigned_payload)
        buf_put(unsigned_payload, stmt_get_blob(&s, "unsigned"));
    if (raw)
        buf_put(raw, stmt_get_blob(&s, "raw"));
    return stmt_ok(&s, err);
}

bool journal_attempt_count(struct db *db, unsigned *out, int64_t intent, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT count(*) AS n FROM attempts WHERE intent = :intent");
    stmt_i64(&s, ":intent", intent);
    if (stmt_row(&s))
        *out = (unsigned)stmt_get_u64(&s, "n");
    return stmt_ok(&s, err);
}

bool journal_find_hash(struct db *db, int64_t *intent, bool *found, struct hash32 hash, struct err *err)
{
    AUTO(stmt_done) struct stmt s = db_stmt(db, "SELECT intent FROM attempts WHERE hash = :hash");
    stmt_blob(&s, ":hash", BYTES_OF(hash));
    *found = stmt_row(&s);
    if (*found)
        *intent = stmt_get_i64(&s, "intent");
    return stmt_ok(&s, err);
}

/* --- nonces --- */

bool journal_nonce_hold(struct db *db, struct journal_account account, uint64_t nonce, int64_t intent, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(
        db, "INSERT INTO nonces (chain_id, account, nonce, intent, state) VALUES (:chain, :account, :nonce, :intent, 1)"
            " ON CONFLICT DO UPDATE SET intent = :intent, state = 1 WHERE state = 4 OR intent = :intent");
    bind_account(&s, &account);
    stmt_u64(&s, ":nonce", nonce);
    stmt_i64(&s, ":intent", intent);
    if (!stmt_run(&s, err))
        return false;
    return db_changes(db) == 1 ||
           err_set(err, ERR_STORE, "journal: nonce %llu is held already", (unsigned long long)nonce);
}

bool journal_nonce_set(struct db *db, struct journal_account account, uint64_t nonce, enum nonce_state state,
                       struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(
        db,
        "INSERT INTO nonces (chain_id, account, nonce, intent, state) VALUES (:chain, :account, :nonce, NULL, :state)"
        " ON CONFLICT DO UPDATE SET state = :state");
    bind_account(&s, &account);
    stmt_u64(&s, ":nonce", nonce);
    stmt_i64(&s, ":state", state);
    return stmt_run(&s, err);
}

bool journal_nonce_free(struct db *db, uint64_t *out, struct journal_account account, uint64_t from, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT nonce FROM nonces WHERE chain_id = :chain AND account = :account AND nonce >= :from"
                    " AND state <> 4 ORDER BY nonce");
    uint64_t candidate = from;
    bind_account(&s, &account);
    stmt_u64(&s, ":from", from);
    while (stmt_row(&s) && stmt_get_u64(&s, "nonce") == candidate)
        candidate++;
    *out = candidate;
    return stmt_ok(&s, err);
}

bool journal_nonce_gap(struct db *db, bool *gap, struct journal_account account, uint64_t from, uint64_t to,
                       struct err *err)
{
    uint64_t first_free;
    if (!journal_nonce_free(db, &first_free, account, from, err))
        return false;
    *gap = first_free < to;
    return true;
}

bool journal_nonce_next(struct db *db, uint64_t *out, bool *known, struct journal_account account, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT nonce FROM nonces WHERE chain_id = :chain AND account = :account AND state <> 4"
                                " ORDER BY nonce DESC LIMIT 1");
    bind_account(&s, &account);
    *known = stmt_row(&s);
    if (*known)
        *out = stmt_get_u64(&s, "nonce") + 1;
    return stmt_ok(&s, err);
}

/* --- receipts --- */

bool journal_receipt_drop(struct db *db, int64_t intent, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "UPDATE receipts SET canonical = 0 WHERE intent = :intent AND canonical = 1");
    stmt_i64(&s, ":intent", intent);
    return stmt_run(&s, err);
}

bool journal_receipt_put(struct db *db, int64_t intent, const struct journal_receipt *r, int64_t now_s, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT INTO receipts (intent, hash, block_hash, block_number, block_time_s, succeeded, gas_used,"
                    " gas_price_wei, data_fee_wei, cost_wei, canonical, seen_at_s) VALUES (:intent, :hash, "
                    ":block_hash, :block, :time, :ok, :gas, :price,"
                    " :data_fee, :cost, 1, :now) ON CONFLICT DO UPDATE SET canonical = 1, seen_at_s = :now");
    stmt_i64(&s, ":intent", intent);
    stmt_blob(&s, ":hash", BYTES_OF(r->hash));
    stmt_blob(&s, ":block_hash", BYTES_OF(r->block_hash));
    stmt_u64(&s, ":block", r->block);
    stmt_i64(&s, ":time", r->block_time_s);
    stmt_i64(&s, ":ok", r->succeeded);
    stmt_u64(&s, ":gas", r->gas_used);
    bind_u256(&s, ":price", r->gas_price_wei);
    bind_u256(&s, ":data_fee", r->data_fee_wei);
    bind_u256(&s, ":cost", r->cost_wei);
    stmt_i64(&s, ":now", now_s);
    return journal_receipt_drop(db, intent, err) && stmt_run(&s, err);
}

bool journal_receipt_get(struct db *db, struct journal_receipt *out, bool *found, int64_t intent, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "SELECT hash, block_hash, block_number, block_time_s, succeeded, gas_used, gas_price_wei,"
                    " data_fee_wei, cost_wei FROM receipts WHERE intent = :intent AND canonical = 1");
    struct journal_receipt r = {0};
    stmt_i64(&s, ":intent", intent);
    *found = stmt_row(&s);
    if (!*found)
        return stmt_ok(&s, err);
    stmt_get_fixed(&s, "hash", r.hash.b, sizeof r.hash.b);
    stmt_get_fixed(&s, "block_hash", r.block_hash.b, sizeof r.block_hash.b);
    r.block = stmt_get_u64(&s, "block_number");
    r.block_time_s = stmt_get_i64(&s, "block_time_s");
    r.succeeded = stmt_get_i64(&s, "succeeded") != 0;
    r.gas_used = stmt_get_u64(&s, "gas_used");
    r.gas_price_wei = get_u256(&s, "gas_price_wei");
    r.data_fee_wei = get_u256(&s, "data_fee_wei");
    r.cost_wei = get_u256(&s, "cost_wei");
    if (!stmt_ok(&s, err))
        return false;
    *out = r;
    return true;
}

bool journal_spent(struct db *db, struct u256 *out, uint64_t chain_id, int64_t since_s, const struct hash32 *identity,
                   struct err *err)
{
    AUTO(stmt_done)
    struct stmt s = db_stmt(db, "SELECT cost_wei FROM receipts JOIN intents ON intents.id = receipts.intent"
                                " WHERE canonical = 1 AND block_time_s >= :since AND chain_id = :chain AND (:identity "
                                "IS NULL OR identity = :identity)");
    struct u256 sum = {0};
    stmt_i64(&s, ":since", since_s);
    stmt_u64(&s, ":chain", chain_id);
    if (identity)
        stmt_blob(&s, ":identity", BYTES_OF(*identity));
    while (stmt_row(&s))
        if (!u256_add(&sum, sum, get_u256(&s, "cost_wei")))
            return err_set(err, ERR_STORE, "journal: costs add up to more than 256 bits");
    *out = sum;
    return stmt_ok(&s, err);
}
