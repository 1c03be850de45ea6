#include "relayer/tx/txm.h"

/* A nonce that is spent while none of our hashes has a receipt: that alone means nothing, nodes answer null for a while
 * for what they have. The transaction that spent it must have been seen, twice, and the nonce spent at a final block as
 * well, before it counts as somebody else's. */
#define FOREIGN_LOOKS 2
/* After nobody answered a broadcast, or a node was busy: soon, then as seldom as everything else. */
#define SOON_S 2
/* Times beyond this (the year 36812) did not come from a clock. */
#define MAX_TIME_S (INT64_C(1) << 40)

const char *txm_phase_name(enum txm_phase phase)
{
    switch (phase) {
    case TXM_NEW:
        return "new";
    case TXM_RESERVED:
        return "reserved";
    case TXM_SIGNED:
        return "signed";
    case TXM_SENT:
        return "sent";
    case TXM_MINED:
        return "mined";
    case TXM_FINAL:
        return "final";
    case TXM_REVERTED:
        return "reverted";
    case TXM_REPLACED:
        return "replaced";
    case TXM_CANCELLED:
        return "cancelled";
    case TXM_GIVEN_UP:
        return "given up";
    case TXM_REFUSED:
        return "refused";
    }
    return "unknown";
}

const char *txm_wait_text(enum txm_wait wait)
{
    switch (wait) {
    case TXM_WAIT_NONE:
        return "";
    case TXM_WAIT_CHAIN:
        return "waiting to be mined";
    case TXM_WAIT_CAP:
        return "a higher price is due, but the configured caps forbid it; waiting for the base fee to fall";
    case TXM_WAIT_FUNDS:
        return "the account cannot pay for it";
    case TXM_WAIT_NODE:
        return "the node refuses it";
    case TXM_WAIT_WIRE:
        return "nobody confirmed the broadcast: it may or may not be out there; sending the same bytes again";
    case TXM_WAIT_GAP:
        return "a lower nonce has to be mined first";
    case TXM_WAIT_FOREIGN:
        return "its nonce is taken by a transaction that is not ours";
    }
    return "";
}

bool txm_is_over(enum txm_phase phase)
{
    return phase >= TXM_FINAL;
}

bool txm_any_signed(const struct txm *m)
{
    for (unsigned i = 0; i < m->num_attempts; i++)
        if (m->attempt[i].is_signed)
            return true;
    return false;
}

struct fees txm_highest(const struct txm *m)
{
    struct fees high = {.legacy = m->num_attempts && m->attempt[m->num_attempts - 1].fees.legacy};
    for (unsigned i = 0; i < m->num_attempts; i++) {
        high.max_fee_wei = u256_max(high.max_fee_wei, m->attempt[i].fees.max_fee_wei);
        high.max_tip_wei = u256_max(high.max_tip_wei, m->attempt[i].fees.max_tip_wei);
    }
    return high;
}

/* --- actions --- */

static struct txm_action act(enum txm_action_type type)
{
    return (struct txm_action){.type = type};
}

static struct txm_action act_on(enum txm_action_type type, unsigned attempt)
{
    return (struct txm_action){.type = type, .attempt = attempt};
}

static struct txm_action wait_s(int64_t now_s, int64_t seconds)
{
    return (struct txm_action){.type = TXM_DO_WAIT, .wait_until_s = now_s + seconds};
}

static struct txm_action finish(struct txm *m, enum txm_phase phase)
{
    m->phase = phase;
    m->wait = TXM_WAIT_NONE;
    return act(TXM_DO_FINISH);
}

/* What to do when nobody knows anything yet but the journal. */
static struct txm_action resume(const struct txm *m)
{
    if (txm_is_over(m->phase))
        return act(TXM_DO_FINISH);
    if (m->phase == TXM_NEW)
        return act(TXM_DO_SIMULATE);
    if (m->phase == TXM_RESERVED)
        return act_on(TXM_DO_SIGN, m->num_attempts - 1);
    return act(TXM_DO_LOOK);
}

/* --- attempts --- */

static bool add_attempt(struct txm *m, enum txm_kind kind, const struct fees *fees, uint64_t gas_limit, int64_t now_s)
{
    /* the last few are kept for cancelling */
    if (m->num_attempts >= (kind == TXM_CALL ? TXM_MAX_ATTEMPTS - 4 : TXM_MAX_ATTEMPTS))
        return false;
    m->attempt[m->num_attempts++] = (struct txm_attempt){.kind = kind, .fees = *fees, .gas_limit = gas_limit};
    m->priced_at_s = now_s;
    m->priced_at_block = m->head_block;
    return true;
}

/* The last one whose bytes exist: what goes out again when something has to. -1: none. */
static int last_signed(const struct txm *m)
{
    for (unsigned i = m->num_attempts; i-- > 0;)
        if (m->attempt[i].is_signed)
            return (int)i;
    return -1;
}

static struct txm_action send_again(const struct txm *m)
{
    int i = last_signed(m);
    return i < 0 ? act_on(TXM_DO_SIGN, m->num_attempts - 1) : act_on(TXM_DO_SEND, (unsigned)i);
}

/* An attempt that was described but not yet signed when something intervened. */
static bool unsigned_tail(const struct txm *m)
{
    return m->num_attempts && !m->attempt[m->num_attempts - 1].is_signed;
}

static struct txm_action on_reserved(struct txm *m, const struct txm_event *ev, int64_t now_s)
{
    if (m->phase != TXM_NEW)
        return resume(m);
    m->has_nonce = true;
    m->nonce = ev->nonce;
    m->num_attempts = 0;
    m->data_fee_wei = ev->data_fee_wei;
    add_attempt(m, TXM_CALL, &ev->fees, ev->gas_limit, now_s);
    m->phase = TXM_RESERVED;
    m->wait = TXM_WAIT_NONE;
    return act_on(TXM_DO_SIGN, 0);
}

static struct txm_action on_adopted(struct txm *m, const struct txm_event *ev, int64_t now_s)
{
    if (m->phase != TXM_NEW)
        return resume(m);
    m->has_nonce = true;
    m->nonce = ev->nonce;
    m->num_attempts = 0;
    add_attempt(m, TXM_CALL, &ev->fees, ev->gas_limit, now_s);
    m->attempt[0].is_signed = true;
    m->phase = TXM_SIGNED;
    return act_on(TXM_DO_SEND, 0);
}

static struct txm_action on_signed(struct txm *m, const struct txm_event *ev)
{
    if (txm_is_over(m->phase) || ev->attempt >= m->num_attempts)
        return resume(m);
    m->attempt[ev->attempt].is_signed = true;
    if (m->phase == TXM_RESERVED)
        m->phase = TXM_SIGNED;
    return act_on(TXM_DO_SEND, ev->attempt);
}

/* A better price, but not faster than the pool can be asked: a node that calls everything underpriced must not drive us
 * to the cap in one second. */
static struct txm_action reprice(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules,
                                 int64_t now_s)
{
    if (ev->attempt + 1 != m->num_attempts)
        return act(TXM_DO_LOOK);
    if (m->num_attempts == 1 || now_s - m->priced_at_s >= SOON_S)
        return act(TXM_DO_PRICE);
    m->wait = TXM_WAIT_NODE;
    m->bump_wanted = true;
    return wait_s(now_s, rules->poll_s > SOON_S ? rules->poll_s : SOON_S);
}

/* What a node's refusal asks for. */
static struct txm_action on_refusal(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules,
                                    int64_t now_s)
{
    switch (ev->class) {
    case RPC_NONCE_TOO_LOW: /* mined already, by us or by somebody else */
        return act(TXM_DO_LOOK);
    case RPC_REPLACEMENT_UNDERPRICED:
        if (m->num_attempts == 1) {
            /* There is nothing of ours to replace. Outbidding would kill somebody's transaction. */
            m->wait = TXM_WAIT_FOREIGN;
            return wait_s(now_s, rules->poll_s);
        }
        return reprice(m, ev, rules, now_s);
    case RPC_UNDERPRICED:
    case RPC_FEE_BELOW_BASE:
        return reprice(m, ev, rules, now_s);
    case RPC_UNSUPPORTED_TYPE:
        if (m->legacy_wanted)
            break;
        m->legacy_wanted = true;
        return act(TXM_DO_PRICE);
    case RPC_INSUFFICIENT_FUNDS:
        m->wait = TXM_WAIT_FUNDS;
        return wait_s(now_s, rules->poll_s);
    case RPC_NONCE_TOO_HIGH:
        m->wait = TXM_WAIT_GAP;
        return wait_s(now_s, SOON_S);
    case RPC_POOL_FULL:
    case RPC_RATE_LIMITED:
    case RPC_TRANSIENT:
        m->wait = TXM_WAIT_WIRE;
        return wait_s(now_s, SOON_S);
    case RPC_UNKNOWN:
    case RPC_ALREADY_KNOWN:
    case RPC_GAS_TOO_LOW:
    case RPC_GAS_TOO_HIGH:
    case RPC_REVERTED:
    case RPC_WRONG_CHAIN:
    case RPC_RANGE_TOO_LARGE:
        break;
    }
    m->wait = TXM_WAIT_NODE;
    return wait_s(now_s, rules->poll_s);
}

static struct txm_action on_sent(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules,
                                 int64_t now_s)
{
    if (txm_is_over(m->phase) || ev->attempt >= m->num_attempts || !m->attempt[ev->attempt].is_signed)
        return resume(m);
    struct txm_attempt *a = &m->attempt[ev->attempt];
    a->sends++;
    a->last_send_s = now_s;
    if (m->phase == TXM_SIGNED)
        m->phase = TXM_SENT;
    if (ev->taken || (ev->from_node && ev->class == RPC_ALREADY_KNOWN)) {
        m->wait = TXM_WAIT_CHAIN;
        return wait_s(now_s, rules->poll_s);
    }
    if (ev->from_node)
        return on_refusal(m, ev, rules, now_s);
    m->wait = TXM_WAIT_WIRE;
    return wait_s(now_s, SOON_S);
}

/* --- prices --- */

static struct txm_action on_priced(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules,
                                   int64_t now_s)
{
    if (m->phase != TXM_SIGNED && m->phase != TXM_SENT)
        return resume(m);
    if (unsigned_tail(m)) /* what was priced before something intervened comes first */
        return act_on(TXM_DO_SIGN, m->num_attempts - 1);
    struct fee_settings settings = rules->fees;
    settings.legacy |= m->legacy_wanted;
    struct fees highest = txm_highest(m), fees;
    uint64_t gas_limit = m->cancel_wanted ? 21000 : m->attempt[0].gas_limit;
    enum txm_kind kind = m->cancel_wanted ? TXM_CANCEL : TXM_CALL;
    m->data_fee_wei = ev->data_fee_wei;
    if (fees_bump(&fees, &settings, &ev->view, &highest, gas_limit, m->data_fee_wei) != FEE_OK ||
        !add_attempt(m, kind, &fees, gas_limit, now_s)) {
        m->wait = TXM_WAIT_CAP;
        m->priced_at_s = now_s;
        m->priced_at_block = m->head_block;
        return wait_s(now_s, rules->poll_s);
    }
    m->bump_wanted = false;
    return act_on(TXM_DO_SIGN, m->num_attempts - 1);
}

static bool is_stuck(const struct txm *m, const struct txm_rules *rules, int64_t now_s)
{
    return now_s - m->priced_at_s >= rules->stuck_after_s && m->head_block >= m->priced_at_block &&
           m->head_block - m->priced_at_block >= rules->stuck_after_blocks;
}

/* --- looks --- */

bool txm_is_final(const struct txm_rules *rules, const struct txm_look *look, uint64_t block)
{
    if (rules->finality != TXM_CONFIRMATIONS && look->has_final_block)
        return look->final_block >= block;
    return look->head_block >= block && look->head_block - block + 1 >= rules->confirmations;
}

static struct txm_action on_found(struct txm *m, const struct txm_rules *rules, const struct txm_look *look,
                                  int64_t now_s)
{
    bool same =
        m->phase == TXM_MINED && m->mined_attempt == look->found_attempt && hash32_eq(m->mined_hash, look->found_hash);
    if (!same)
        m->readback = TXM_NOT_READ;
    m->phase = TXM_MINED;
    m->wait = TXM_WAIT_NONE;
    m->mined_attempt = look->found_attempt;
    m->mined_block = look->found_block;
    m->mined_hash = look->found_hash;
    m->mined_ok = look->found_ok;
    m->foreign_looks = 0;
    bool is_call = m->attempt[m->mined_attempt].kind == TXM_CALL;
    bool unread = m->readback == TXM_NOT_READ || m->readback == TXM_READ_FAILED;
    if (is_call && m->mined_ok && unread)
        return act(TXM_DO_READ);
    if (!txm_is_final(rules, look, m->mined_block))
        return wait_s(now_s, rules->poll_s);
    if (!is_call)
        return finish(m, TXM_CANCELLED);
    return finish(m, m->mined_ok ? TXM_FINAL : TXM_REVERTED);
}

/* The nonce is spent and none of our hashes has a receipt. */
static struct txm_action on_spent(struct txm *m, const struct txm_rules *rules, const struct txm_look *look,
                                  int64_t now_s)
{
    if (m->phase == TXM_MINED)
        m->phase = TXM_SENT; /* a reorganisation, and somebody else was faster after it */
    m->readback = TXM_NOT_READ;
    if (!look->foreign) {
        m->wait = TXM_WAIT_CHAIN;
        m->foreign_looks = 0;
        return wait_s(now_s, rules->poll_s);
    }
    m->wait = TXM_WAIT_FOREIGN;
    m->foreign_looks++;
    if (m->foreign_looks >= FOREIGN_LOOKS && look->has_final_nonce && look->final_account_nonce > m->nonce)
        return finish(m, TXM_REPLACED);
    return wait_s(now_s, rules->poll_s);
}

static struct txm_action on_pending(struct txm *m, const struct txm_rules *rules, const struct txm_look *look,
                                    int64_t now_s)
{
    int last = last_signed(m);
    m->foreign_looks = 0;
    if (look->account_nonce < m->nonce && look->gap)
        m->wait = TXM_WAIT_GAP;
    if (unsigned_tail(m))
        return act_on(TXM_DO_SIGN, m->num_attempts - 1);
    if (m->cancel_wanted && m->attempt[last].kind != TXM_CANCEL)
        return act(TXM_DO_PRICE);
    if (m->bump_wanted)
        return act(TXM_DO_PRICE);
    const struct txm_attempt *a = &m->attempt[last];
    int64_t again_s = m->wait == TXM_WAIT_WIRE || m->wait == TXM_WAIT_GAP ? SOON_S : rules->resend_after_s;
    if (a->sends == 0 || now_s - a->last_send_s >= again_s || now_s < a->last_send_s)
        return send_again(m);
    /* only the next one in line can be stuck by its price */
    if (m->wait == TXM_WAIT_CHAIN && look->account_nonce == m->nonce && is_stuck(m, rules, now_s))
        return act(TXM_DO_PRICE);
    if (m->wait == TXM_WAIT_CAP && look->account_nonce == m->nonce && is_stuck(m, rules, now_s))
        return act(TXM_DO_PRICE);
    return wait_s(now_s, rules->poll_s);
}

static struct txm_action on_looked(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules,
                                   int64_t now_s)
{
    const struct txm_look *look = &ev->look;
    if (m->phase < TXM_SIGNED || txm_is_over(m->phase))
        return resume(m);
    if (look->found && (look->found_attempt >= m->num_attempts || !m->attempt[look->found_attempt].is_signed))
        return wait_s(now_s, rules->poll_s);
    m->head_block = look->head_block;
    if (look->found)
        return on_found(m, rules, look, now_s);
    if (!look->complete)
        return wait_s(now_s, rules->poll_s);
    if (look->account_nonce > m->nonce)
        return on_spent(m, rules, look, now_s);
    if (m->phase == TXM_MINED) {
        /* a reorganisation took it out: the same bytes again */
        unsigned lost = m->mined_attempt;
        m->phase = TXM_SENT;
        m->readback = TXM_NOT_READ;
        m->wait = TXM_WAIT_CHAIN;
        m->foreign_looks = 0;
        return act_on(TXM_DO_SEND, lost);
    }
    return on_pending(m, rules, look, now_s);
}

/* Whoever takes charge anew wants to know now whether what was refused is still refused. */
static struct txm_action on_start(struct txm *m)
{
    int last = last_signed(m);
    if ((m->wait == TXM_WAIT_NODE || m->wait == TXM_WAIT_FUNDS) && !txm_is_over(m->phase) && last >= 0)
        m->attempt[last].last_send_s = 0;
    return resume(m);
}

/* --- the operator --- */

static struct txm_action on_cancel(struct txm *m)
{
    if (txm_is_over(m->phase) || m->phase == TXM_MINED)
        return resume(m);
    if (!txm_any_signed(m))
        return finish(m, TXM_CANCELLED);
    m->cancel_wanted = true;
    return act(TXM_DO_LOOK); /* first what the chain says: it may be mined by now */
}

static struct txm_action on_give_up(struct txm *m)
{
    if (txm_is_over(m->phase) || txm_any_signed(m))
        return resume(m);
    return finish(m, TXM_GIVEN_UP);
}

struct txm_action txm_step(struct txm *m, const struct txm_event *ev, const struct txm_rules *rules, int64_t now_s)
{
    switch (ev->type) {
    case TXM_EV_START:
        return on_start(m);
    case TXM_EV_REFUSED:
        return m->phase == TXM_NEW ? finish(m, TXM_REFUSED) : resume(m);
    case TXM_EV_RESERVED:
        return on_reserved(m, ev, now_s);
    case TXM_EV_SIGNED:
        return on_signed(m, ev);
    case TXM_EV_SENT:
        return on_sent(m, ev, rules, now_s);
    case TXM_EV_LOOKED:
        return on_looked(m, ev, rules, now_s);
    case TXM_EV_PRICED:
        return on_priced(m, ev, rules, now_s);
    case TXM_EV_READ:
        if (m->phase != TXM_MINED)
            return resume(m);
        m->readback = ev->readback;
        return ev->readback == TXM_READ_FAILED ? wait_s(now_s, rules->poll_s) : act(TXM_DO_LOOK);
    case TXM_EV_SPEED_UP:
        if (m->phase == TXM_SIGNED || m->phase == TXM_SENT)
            m->bump_wanted = true;
        return resume(m);
    case TXM_EV_CANCEL:
        return on_cancel(m);
    case TXM_EV_GIVE_UP:
        return on_give_up(m);
    case TXM_EV_ADOPTED:
        return on_adopted(m, ev, now_s);
    }
    return resume(m);
}

const char *txm_fault(const struct txm *m)
{
    if (m->phase > TXM_REFUSED || m->num_attempts > TXM_MAX_ATTEMPTS)
        return "unknown phase or too many attempts";
    if (m->num_attempts && !m->has_nonce)
        return "attempts without a nonce";
    if (m->phase >= TXM_RESERVED && m->phase <= TXM_REPLACED && (!m->has_nonce || m->num_attempts == 0))
        return "reserved without a nonce or an attempt";
    if (m->phase >= TXM_SIGNED && m->phase <= TXM_REPLACED && !txm_any_signed(m))
        return "signed without bytes";
    if ((m->phase == TXM_MINED || m->phase == TXM_FINAL || m->phase == TXM_REVERTED) &&
        (m->mined_attempt >= m->num_attempts || !m->attempt[m->mined_attempt].is_signed))
        return "mined by an attempt that was never signed";
    if (m->phase == TXM_FINAL && (!m->mined_ok || m->attempt[m->mined_attempt].kind != TXM_CALL))
        return "final without success";
    if ((m->phase == TXM_GIVEN_UP || m->phase == TXM_REFUSED) && txm_any_signed(m))
        return "given up though bytes may be out there";
    if (m->priced_at_s < 0 || m->priced_at_s > MAX_TIME_S)
        return "a time that is none";
    for (unsigned i = 0; i < m->num_attempts; i++) {
        if (m->attempt[i].last_send_s < 0 || m->attempt[i].last_send_s > MAX_TIME_S)
            return "a time that is none";
        if (!m->attempt[i].is_signed && i + 1 != m->num_attempts)
            return "an attempt in the middle was never signed";
        if (m->attempt[i].sends && !m->attempt[i].is_signed)
            return "sent without bytes";
    }
    return NULL;
}
