#include "relayer/store/fleet.h"

#include "crypto/base/auto.h"

#include <stdlib.h>

enum { PAGE = 256 };

void fleet_done(struct fleet *f)
{
    free(f->row);
    *f = (struct fleet){0};
}

bool fleet_begin(struct fleet *out, struct db *db, const char *hex_prefix, struct err *err)
{
    struct fleet f = {.db = db};
    if (!identity_bound(&f.after.id, hex_prefix, '0', err) || !identity_bound(&f.last, hex_prefix, 'f', err))
        return false;
    f.row = malloc(PAGE * sizeof *f.row);
    if (!f.row)
        return err_set(err, ERR_NOMEM, "no memory for a page of identities");
    *out = f;
    return true;
}

/* One page in one statement. What was mined stands in the receipts; otherwise the attempt that was signed last speaks for its
 * intent. */
static struct stmt page_stmt(struct db *db)
{
    return db_stmt(db,
                   "SELECT " IDENTITY_COLUMNS ", tx_phase,"
                   " coalesce((SELECT r.hash FROM receipts r WHERE r.intent = tx_id AND r.canonical = 1),"
                   "  (SELECT a.hash FROM attempts a WHERE a.intent = tx_id AND a.hash IS NOT NULL ORDER BY a.seq DESC LIMIT 1)) AS tx_hash,"
                   " (SELECT count(*) FROM events e INDEXED BY events_unexplained_of WHERE e.chain_id = i.chain_id"
                   "  AND e.registry = i.registry AND e.id = i.id AND e.state > 0) AS unexplained,"
                   " registered = 0 AND read_at_s != 0 AND EXISTS (SELECT 1 FROM rotations r WHERE r.old_id = i.id"
                   "  AND r.chain_id = i.chain_id AND r.registry = i.registry AND r.state IN (2, 3)) AS rotated_away"
                   " FROM identities i LEFT JOIN (SELECT id AS tx_id, phase AS tx_phase FROM intents) ON tx_id ="
                   "  (SELECT max(t.id) FROM intents t WHERE t.chain_id = i.chain_id AND t.target = i.registry AND t.identity = i.id)"
                   " WHERE (i.id, i.chain_id, i.registry) > (:id, :chain, :registry) AND i.id <= :last"
                   " ORDER BY i.id, i.chain_id, i.registry LIMIT :page");
}

static void read_fleet_row(struct fleet_row *r, struct stmt *s)
{
    *r = (struct fleet_row){0};
    identity_read(&r->identity, s);
    r->tx_phase = (int)stmt_get_i64(s, "tx_phase");
    /* in phases 0 and 1 (new, its nonce held) nothing is signed in this round of it */
    r->has_tx = r->tx_phase > 1 && !stmt_is_null(s, "tx_hash");
    if (r->has_tx)
        stmt_get_fixed(s, "tx_hash", r->tx_hash.b, sizeof r->tx_hash.b);
    r->unexplained = stmt_get_u64(s, "unexplained");
    r->rotated_away = stmt_get_i64(s, "rotated_away") != 0;
}

bool fleet_next(struct fleet *f, struct err *err)
{
    AUTO(stmt_done) struct stmt s = page_stmt(f->db);
    stmt_blob(&s, ":id", BYTES_OF(f->after.id));
    stmt_i64(&s, ":chain", f->begun ? (int64_t)f->after.chain_id : -1);
    stmt_blob(&s, ":registry", BYTES_OF(f->after.registry));
    stmt_blob(&s, ":last", BYTES_OF(f->last));
    stmt_i64(&s, ":page", PAGE);
    size_t n = 0;
    while (n < PAGE && stmt_row(&s))
        read_fleet_row(&f->row[n++], &s);
    if (!stmt_ok(&s, err))
        return false;
    f->count = n;
    f->begun = true;
    if (n)
        f->after = f->row[n - 1].identity.key;
    return true;
}
