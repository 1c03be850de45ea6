/* Rotations over time: the new key is on disk and noted before anything is sent; the old one is over only when the chain names
 * the new one for good. Whoever starts next reads here which of the two it may be, and asks the chain. */
#include "relayer/relay_steps.h"

#include "crypto/base/auto.h"
#include "relayer/clock.h"
#include "relayer/hooks.h"
#include "relayer/log.h"

bool relay_note_rotation(struct relaying *w, enum rotation_state state, struct err *err)
{
    if (!w->q->rotate || hash32_eq(w->id, w->new_id))
        return true;
    HOOK("rotation");
    struct rotation_row row = {
        .from = session_key(&w->r->session, w->id),
        .to = w->new_id,
        .state = state,
        .started_at_s = clock_now_s(),
        .changed_at_s = clock_now_s(),
    };
    return rotations_put(w->r->session.db, &row, err);
}

/* The new identity goes by the old one's name, gets its evidence where the old one got it, and stands on the same TEE
 * evidence. */
static bool pass_on(struct session *s, struct read_back *new, const struct identity_row *old, struct err *err)
{
    struct identity_row *row = &new->after;
    struct judged_until until = {old->collateral_expires_s, old->tcb_refused_s};
    if (!row->label[0] && !row->source[0]) {
        memcpy(row->label, old->label, sizeof row->label);
        memcpy(row->source, old->source, sizeof row->source);
    }
    return session_note_judged(s, row, until, (int64_t)new->block.time_s, err);
}

bool relay_take_place(struct session *s, struct read_back *out, struct hash32 old_id, struct hash32 new_id, struct eth_at at,
                      const struct hash32 *tx_hash, struct err *err)
{
    struct read_back old = {0};
    return session_refresh(s, out, new_id, at, tx_hash, true, err) && session_refresh(s, &old, old_id, at, NULL, false, err) &&
           pass_on(s, out, &old.after, err);
}

static bool names_new(struct session *s, bool *yes, const struct rotation_row *row, struct eth_at at, struct err *err)
{
    AUTO(onchain_identity_done) struct onchain_identity old = {0}, new = {0};
    if (!onchain_read(&s->chain, &old, row->from.id, at, err) || !onchain_read(&s->chain, &new, row->to, at, err))
        return false;
    *yes = new.registered && !old.registered;
    return true;
}

/* The run that sent it may have ended before it could write down what came of it. */
static bool adopt(struct session *s, const struct rotation_row *row, struct err *err)
{
    struct identity_row old = {0}, new = {0};
    struct identity_key to = session_key(s, row->to);
    struct read_back read = {0};
    bool found;
    if (!identities_get(s->db, &old, &found, &row->from, err) || !identities_get(s->db, &new, &found, &to, err))
        return false;
    if (new.registered && !old.registered)
        return true;
    log_info("a rotation of an earlier run is on chain: the new identity takes the old one's place");
    return relay_take_place(s, &read, row->from.id, row->to, ETH_AT_LATEST, NULL, err);
}

/* *state is unchanged where the chain says neither. */
static bool settle(struct session *s, enum rotation_state *state, const struct rotation_row *row, struct eth_at final, struct err *err)
{
    bool now = false, for_good = false;
    if (!names_new(s, &now, row, ETH_AT_LATEST, err) || (now && !adopt(s, row, err)))
        return false;
    if (now && !names_new(s, &for_good, row, final, err))
        return false;
    if (for_good)
        *state = ROTATION_FINAL;
    return true;
}

static struct eth_at final_block(struct session *s)
{
    struct eth_block block;
    bool missing = false;
    /* a node without the tag is a devnet's: its head is as final as it gets */
    return eth_block(s->rpc, &block, ETH_AT_FINALIZED, &missing, NULL) ? ETH_AT_BLOCK(block.number) : ETH_AT_LATEST;
}

static bool is_here(const struct session *s, const struct rotation_row *row)
{
    return row->from.chain_id == s->chain.chain_id && addr20_eq(row->from.registry, s->chain.registry);
}

bool relay_settle_rotations(struct session *s, size_t *num_open, struct err *err)
{
    AUTO(rotation_list_done) struct rotation_list list = {0};
    *num_open = 0;
    if (!rotations_of(s->db, &list, (struct hash32){{0}}, err))
        return false;
    struct eth_at at = list.count ? final_block(s) : ETH_AT_LATEST;
    for (size_t i = 0; i < list.count; i++) {
        struct rotation_row *row = &list.row[i];
        struct err why = {0};
        /* at a final block that is older than the registry there is nobody to ask: it stays open */
        if (is_here(s, row) && !settle(s, &row->state, row, at, &why))
            log_info("rotation: %s", why.text);
        row->changed_at_s = clock_now_s();
        if (row->state == ROTATION_FINAL && !rotations_put(s->db, row, err))
            return false;
        *num_open += row->state != ROTATION_FINAL;
    }
    return true;
}

bool relay_open_rotation(struct session *s, struct hash32 from, struct hash32 *to, bool *found, struct err *err)
{
    AUTO(rotation_list_done) struct rotation_list list = {0};
    *found = false;
    if (!rotations_of(s->db, &list, from, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (is_here(s, &list.row[i]) && hash32_eq(list.row[i].from.id, from) && list.row[i].state <= ROTATION_SENT) {
            *to = list.row[i].to;
            *found = true;
        }
    return true;
}
