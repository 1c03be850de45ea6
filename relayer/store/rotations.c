#include "relayer/store/rotations.h"

#include "crypto/base/auto.h"

#include <stdlib.h>

const char *rotation_state_name(enum rotation_state s)
{
    static const char *const names[] = {
        [ROTATION_PREPARED] = "prepared",
        [ROTATION_SENT] = "sent",
        [ROTATION_FINAL] = "final",
        [ROTATION_GIVEN_UP] = "given up",
    };
    return names[s];
}

void rotation_list_done(struct rotation_list *list)
{
    free(list->row);
    *list = (struct rotation_list){0};
}

bool rotations_put(struct db *db, const struct rotation_row *row, struct err *err)
{
    AUTO(stmt_done)
    struct stmt s =
        db_stmt(db, "INSERT INTO rotations (chain_id, registry, old_id, new_id, state, started_at_s, changed_at_s)"
                    " VALUES (:chain, :registry, :old, :new, :state, :started, :changed)"
                    " ON CONFLICT (chain_id, registry, old_id, new_id) DO UPDATE SET state = max(rotations.state, "
                    "excluded.state), changed_at_s = excluded.changed_at_s");
    stmt_u64(&s, ":chain", row->from.chain_id);
    stmt_blob(&s, ":registry", BYTES_OF(row->from.registry));
    stmt_blob(&s, ":old", BYTES_OF(row->from.id));
    stmt_blob(&s, ":new", BYTES_OF(row->to));
    stmt_i64(&s, ":state", row->state);
    stmt_i64(&s, ":started", row->started_at_s);
    stmt_i64(&s, ":changed", row->changed_at_s);
    return stmt_run(&s, err);
}

bool rotations_of(struct db *db, struct rotation_list *out, struct hash32 id, struct err *err)
{
    AUTO(rotation_list_done) struct rotation_list list = {0};
    AUTO(stmt_done)
    struct stmt s =
        hash32_is_zero(id)
            ? db_stmt(db, "SELECT * FROM rotations WHERE state <= 2 ORDER BY started_at_s, rowid")
            : db_stmt(db, "SELECT * FROM rotations WHERE old_id = :id OR new_id = :id ORDER BY started_at_s, rowid");
    if (!hash32_is_zero(id))
        stmt_blob(&s, ":id", BYTES_OF(id));
    while (stmt_row(&s)) {
        struct rotation_row *grown = realloc(list.row, (list.count + 1) * sizeof *grown);
        if (!grown)
            return err_set(err, ERR_NOMEM, "no memory for the rotations");
        list.row = grown;
        struct rotation_row *r = &list.row[list.count++];
        *r = (struct rotation_row){0};
        r->from.chain_id = stmt_get_u64(&s, "chain_id");
        stmt_get_fixed(&s, "registry", r->from.registry.b, sizeof r->from.registry.b);
        stmt_get_fixed(&s, "old_id", r->from.id.b, sizeof r->from.id.b);
        stmt_get_fixed(&s, "new_id", r->to.b, sizeof r->to.b);
        r->state = (enum rotation_state)stmt_get_i64(&s, "state");
        r->started_at_s = stmt_get_i64(&s, "started_at_s");
        r->changed_at_s = stmt_get_i64(&s, "changed_at_s");
    }
    if (!stmt_ok(&s, err))
        return false;
    *out = list;
    list = (struct rotation_list){0};
    return true;
}
