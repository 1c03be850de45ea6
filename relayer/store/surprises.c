#include "relayer/store/surprises.h"

#include "crypto/base/auto.h"

#include <stdio.h>

static void bind_key(struct stmt *s, const struct surprise_key *key)
{
    stmt_u64(s, ":chain", key->chain_id);
    stmt_blob(s, ":registry", BYTES_OF(key->registry));
    stmt_blob(s, ":code", BYTES_OF(key->code));
}

bool surprises_put(struct db *db, const struct surprise_key *key, struct surprise_row *row, struct err *err)
{
    AUTO(stmt_done) struct stmt s =
        db_stmt(db, "INSERT INTO surprises (chain_id, registry, code, call, id, predicted, answered, seen_at_s, accepted)"
                    " VALUES (:chain, :registry, :code, :call, :id, :predicted, :answered, :seen, :accepted)"
                    " ON CONFLICT (chain_id, registry, code, call) DO UPDATE SET id = excluded.id, predicted = excluded.predicted,"
                    " answered = excluded.answered, seen_at_s = excluded.seen_at_s, accepted = max(accepted, excluded.accepted)"
                    " RETURNING accepted");
    bind_key(&s, key);
    stmt_text(&s, ":call", row->call);
    stmt_blob(&s, ":id", BYTES_OF(row->id));
    stmt_text(&s, ":predicted", row->predicted);
    stmt_text(&s, ":answered", row->answered);
    stmt_i64(&s, ":seen", row->seen_at_s);
    stmt_i64(&s, ":accepted", row->accepted);
    bool accepted = false;
    while (stmt_row(&s))
        accepted = stmt_get_i64(&s, "accepted") != 0;
    if (!stmt_ok(&s, err))
        return false;
    row->accepted = accepted;
    return true;
}

bool surprises_open(struct db *db, struct surprise_row *out, bool *found, const struct surprise_key *key, struct err *err)
{
    AUTO(stmt_done) struct stmt s =
        db_stmt(db, "SELECT * FROM surprises WHERE chain_id = :chain AND registry = :registry AND code = :code AND accepted = 0"
                    " ORDER BY seen_at_s LIMIT 1");
    struct surprise_row row = {0};
    bind_key(&s, key);
    bool any = stmt_row(&s);
    if (any) {
        snprintf(row.call, sizeof row.call, "%s", stmt_get_text(&s, "call"));
        stmt_get_fixed(&s, "id", row.id.b, sizeof row.id.b);
        snprintf(row.predicted, sizeof row.predicted, "%s", stmt_get_text(&s, "predicted"));
        snprintf(row.answered, sizeof row.answered, "%s", stmt_get_text(&s, "answered"));
        row.seen_at_s = stmt_get_i64(&s, "seen_at_s");
    }
    if (!stmt_ok(&s, err))
        return false;
    *out = row;
    *found = any;
    return true;
}

bool surprises_accept(struct db *db, const struct surprise_key *key, struct err *err)
{
    AUTO(stmt_done) struct stmt s =
        db_stmt(db, "UPDATE surprises SET accepted = 1 WHERE chain_id = :chain AND registry = :registry AND code = :code");
    bind_key(&s, key);
    return stmt_run(&s, err);
}
