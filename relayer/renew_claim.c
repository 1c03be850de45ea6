/* A claim carries its owner and a lease: who is gone loses it at once, who cannot be seen from here when the lease ends. */
#include "relayer/renew_steps.h"

#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/log.h"

static bool take(struct work *w, bool *got, struct err *err)
{
    return claims_take(w->n->relay->session.db, &w->token, got, &w->out->row.key, w->n->owner, clock_now_s(), w->lease_s, err);
}

/* Taken over from a process that is gone, or that has released it meanwhile. Only the claim that was looked at is ended: whoever
 * else finds the same is too late by its token. */
static bool take_over(struct work *w, bool *got, const struct claim_row *holder, enum owner_state state, const char *who, struct err *err)
{
    if (state == OWNER_GONE && holder->until_s > clock_now_s())
        log_info("%s ended before its work on this identity did: its claim is taken over", who);
    return claims_release(w->n->relay->session.db, &w->out->row.key, holder->token, err) && take(w, got, err);
}

/* Somebody else holds it: gone, alive, or out of sight (then its lease counts). */
static bool look_at_holder(struct work *w, bool *got, struct err *err)
{
    struct claim_row holder = {0};
    char who[96], when[21];
    bool found;
    for (int tries = 0; tries < 3; tries++) {
        if (!claims_get(w->n->relay->session.db, &holder, &found, &w->out->row.key, err))
            return false;
        enum owner_state state = owner_state(holder.owner);
        owner_words(who, sizeof who, holder.owner);
        w->out->result = state == OWNER_ELSEWHERE ? RENEWAL_HELD : RENEWAL_BUSY;
        if (state != OWNER_GONE && holder.until_s > clock_now_s())
            break;
        if (!take_over(w, got, &holder, state, who, err) || *got)
            return *got;
    }
    if (w->out->result == RENEWAL_HELD)
        w->out->next_try_s = holder.until_s;
    err_set(&w->out->why, ERR_STALE, "%s is at work on it; its claim holds until %s unless it goes on", who, time_format(when, holder.until_s));
    return true;
}

bool renew_claim(struct work *w, bool *got, struct err *err)
{
    const struct config *cfg = w->n->relay->session.cfg;
    /* enough for what happens between two looks at the chain; each look renews it */
    w->lease_s = 120 + cfg->source_timeout_s + 2 * cfg->hook_timeout_s;
    return take(w, got, err) && (*got || look_at_holder(w, got, err));
}
