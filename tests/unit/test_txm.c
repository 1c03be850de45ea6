/* The pure machine against a model of the world: random events, lies of nodes, reorganisations, crashes, the operator;
 * invariants checked at every step. Then single stories by name. */
#include "relayer/tx/txm.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t seed = 1;

static uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static bool chance(unsigned percent)
{
    return rnd(100) < percent;
}

#define CONFIRMATIONS 3

static const struct txm_rules rules = {
    .finality = TXM_CONFIRMATIONS,
    .confirmations = CONFIRMATIONS,
    .stuck_after_s = 30,
    .stuck_after_blocks = 2,
    .resend_after_s = 15,
    .poll_s = 1,
    .fees = {.max_fee_wei = {{1000000, 0, 0, 0}}, .max_tip_wei = {{500000, 0, 0, 0}}, .max_cost_wei = {{80000000000, 0, 0, 0}}},
};

/* What is true, whatever the machine is told. */
struct world {
    uint64_t head, account_nonce;
    bool mined, mined_ok, foreign;
    unsigned mined_attempt;
    uint64_t block; /* of ours, or of the foreign one */
    struct hash32 hash;
    unsigned pooled; /* attempts that a node may mine, as bits */
    int64_t now_s;
    unsigned restarts;
};

static bool is_deep(const struct world *w)
{
    return w->head - w->block + 1 >= CONFIRMATIONS;
}

static struct fee_view random_view(void)
{
    return (struct fee_view){.has_base_fee = chance(95), .base_fee_wei = u256_from(rnd(200000)), .tip_wei = u256_from(rnd(20000)),
                             .gas_price_wei = u256_from(rnd(200000))};
}

static void world_moves(struct world *w, const struct txm *m)
{
    w->now_s += (int64_t)rnd(20);
    if (chance(2))
        w->now_s -= (int64_t)rnd(4000); /* clocks jump */
    if (!chance(70))
        return;
    w->head++;
    if (w->mined || w->foreign) {
        if (!is_deep(w) && chance(10)) { /* a reorganisation */
            w->mined = w->foreign = false;
            w->account_nonce = m->nonce;
        }
        return;
    }
    w->block = w->head;
    if (m->has_nonce && chance(2)) {
        w->foreign = true;
        w->account_nonce = m->nonce + 1;
        return;
    }
    for (unsigned i = 0; i < m->num_attempts; i++)
        if (w->pooled >> i & 1 && chance(20)) {
            w->mined = true;
            w->mined_ok = m->attempt[i].kind == TXM_CANCEL || chance(90);
            w->mined_attempt = i;
            w->hash = (struct hash32){{(uint8_t)w->head, (uint8_t)(w->head >> 8), (uint8_t)rnd(256)}};
            w->account_nonce = m->nonce + 1;
            return;
        }
}

static struct txm_event see(const struct world *w, const struct txm *m)
{
    struct txm_event ev = {.type = TXM_EV_LOOKED};
    struct txm_look *l = &ev.look;
    l->head_block = w->head;
    l->account_nonce = w->account_nonce;
    l->complete = !chance(5);
    l->gap = chance(2);
    bool is_null = w->mined && m->phase != TXM_MINED && chance(20); /* a node that lags */
    if (w->mined && !is_null) {
        l->found = true;
        l->found_attempt = w->mined_attempt;
        l->found_block = w->block;
        l->found_hash = w->hash;
        l->found_ok = w->mined_ok;
    }
    if (is_null)
        l->complete = chance(50);
    /* a final nonce of a node that lags is one that it has seen: true, but perhaps old */
    l->foreign = w->foreign && chance(80);
    l->has_final_nonce = w->account_nonce > m->nonce && chance(90) && !is_null;
    l->final_account_nonce = l->has_final_nonce && is_deep(w) ? w->account_nonce : m->nonce;
    return ev;
}

static struct txm_event send_outcome(struct world *w, unsigned attempt)
{
    static const enum rpc_class classes[] = {
        RPC_UNKNOWN,     RPC_ALREADY_KNOWN, RPC_NONCE_TOO_LOW,      RPC_NONCE_TOO_HIGH, RPC_REPLACEMENT_UNDERPRICED, RPC_UNDERPRICED,
        RPC_FEE_BELOW_BASE, RPC_INSUFFICIENT_FUNDS, RPC_GAS_TOO_LOW, RPC_RATE_LIMITED,  RPC_UNSUPPORTED_TYPE,        RPC_POOL_FULL,
        RPC_TRANSIENT};
    struct txm_event ev = {.type = TXM_EV_SENT, .attempt = attempt, .taken = chance(60)};
    if (!ev.taken) {
        ev.from_node = chance(70);
        ev.class = classes[rnd(sizeof classes / sizeof *classes)];
    }
    if (ev.taken || !ev.from_node || chance(20))
        w->pooled |= chance(90) ? 1u << attempt : 0;
    return ev;
}

static struct txm_event answer(struct world *w, const struct txm *m, const struct txm_action *a)
{
    switch (a->type) {
    case TXM_DO_SIMULATE:
        if (chance(5))
            return (struct txm_event){.type = TXM_EV_REFUSED};
        w->account_nonce = rnd(5);
        return (struct txm_event){.type = TXM_EV_RESERVED, .nonce = w->account_nonce + rnd(2), .gas_limit = 100000,
                                  .fees = {false, u256_from(1 + rnd(300000)), u256_from(rnd(1000))}};
    case TXM_DO_SIGN:
        return (struct txm_event){.type = TXM_EV_SIGNED, .attempt = a->attempt};
    case TXM_DO_SEND:
        return send_outcome(w, a->attempt);
    case TXM_DO_LOOK:
    case TXM_DO_WAIT:
        if (m->has_nonce && w->account_nonce < m->nonce && chance(30))
            w->account_nonce = m->nonce;
        world_moves(w, m);
        return see(w, m);
    case TXM_DO_PRICE:
        return (struct txm_event){.type = TXM_EV_PRICED, .view = random_view(), .data_fee_wei = u256_from(rnd(60000000000))};
    case TXM_DO_READ:
        return (struct txm_event){.type = TXM_EV_READ, .readback = chance(80) ? TXM_READ_OK : chance(50) ? TXM_READ_FAILED : TXM_READ_DIFFERS};
    case TXM_DO_FINISH:
        break;
    }
    return (struct txm_event){.type = TXM_EV_START};
}

static struct txm_event next_event(struct world *w, const struct txm *m, const struct txm_action *a)
{
    unsigned dice = (unsigned)rnd(1000);
    if (dice < 10) {
        w->restarts++;
        return (struct txm_event){.type = TXM_EV_START}; /* a crash: what was asked for may have happened or not */
    }
    if (dice < 12)
        return (struct txm_event){.type = TXM_EV_CANCEL};
    if (dice < 16)
        return (struct txm_event){.type = TXM_EV_SPEED_UP};
    if (dice < 17)
        return (struct txm_event){.type = TXM_EV_GIVE_UP};
    return answer(w, m, a);
}

static void check_step(const struct txm *before, const struct txm *m, const struct txm_action *a)
{
    const char *fault = txm_fault(m);
    if (fault)
        fail_msg("%s (was %s, is %s)", fault, txm_phase_name(before->phase), txm_phase_name(m->phase));
    /* one nonce, and what was described never changes */
    if (before->has_nonce)
        assert_true(m->has_nonce && m->nonce == before->nonce);
    assert_true(m->num_attempts >= before->num_attempts);
    for (unsigned i = 0; i < before->num_attempts; i++) {
        assert_memory_equal(&m->attempt[i].fees, &before->attempt[i].fees, sizeof before->attempt[i].fees);
        assert_int_equal(m->attempt[i].gas_limit, before->attempt[i].gas_limit);
        assert_int_equal(m->attempt[i].kind, before->attempt[i].kind);
        assert_true(m->attempt[i].is_signed >= before->attempt[i].is_signed);
        assert_true(m->attempt[i].sends >= before->attempt[i].sends);
    }
    /* a replacement raises both, by the nodes' minimum, and stays under the caps */
    for (unsigned i = before->num_attempts; i < m->num_attempts && i > 0; i++) {
        struct fees high = txm_highest(before);
        struct u256 least;
        assert_true(u256_scale_up(&least, high.max_fee_wei, 1100, 1000));
        assert_true(u256_cmp(m->attempt[i].fees.max_fee_wei, least) >= 0);
        assert_true(u256_cmp(m->attempt[i].fees.max_fee_wei, rules.fees.max_fee_wei) <= 0);
        assert_true(u256_cmp(m->attempt[i].fees.max_tip_wei, m->attempt[i].fees.max_fee_wei) <= 0);
        struct u256 cost;
        assert_true(fees_worst_case(&cost, &m->attempt[i].fees, m->attempt[i].gas_limit, m->data_fee_wei));
        assert_true(u256_cmp(cost, rules.fees.max_cost_wei) <= 0);
    }
    if (txm_is_over(before->phase))
        assert_memory_equal(before, m, sizeof *m);
    if (txm_is_over(m->phase))
        assert_int_equal(a->type, TXM_DO_FINISH);
    if (a->type == TXM_DO_SEND)
        assert_true(a->attempt < m->num_attempts && m->attempt[a->attempt].is_signed);
    if (a->type == TXM_DO_SIGN)
        assert_true(a->attempt < m->num_attempts);
}

/* An end is one only if the world agrees. */
static void check_end(const struct world *w, const struct txm *m)
{
    switch (m->phase) {
    case TXM_FINAL:
        assert_true(w->mined && w->mined_ok && is_deep(w) && m->mined_attempt == w->mined_attempt && m->mined_block == w->block);
        assert_int_equal(m->attempt[m->mined_attempt].kind, TXM_CALL);
        assert_true(m->readback == TXM_READ_OK || m->readback == TXM_READ_DIFFERS);
        break;
    case TXM_REVERTED:
        assert_true(w->mined && !w->mined_ok && is_deep(w));
        break;
    case TXM_REPLACED:
        assert_true(w->foreign && is_deep(w));
        break;
    case TXM_CANCELLED:
        assert_true(!txm_any_signed(m) || (w->mined && is_deep(w) && m->attempt[w->mined_attempt].kind == TXM_CANCEL));
        break;
    case TXM_GIVEN_UP:
    case TXM_REFUSED:
        assert_false(txm_any_signed(m));
        break;
    case TXM_NEW:
    case TXM_RESERVED:
    case TXM_SIGNED:
    case TXM_SENT:
    case TXM_MINED:
        fail_msg("finished in phase %s", txm_phase_name(m->phase));
    }
}

static unsigned ends[TXM_REFUSED + 1];

static unsigned live_one_life(void)
{
    struct txm m = {0};
    struct world w = {.head = 1000, .now_s = 1700000000};
    struct txm_event start = {.type = TXM_EV_START};
    struct txm_action a = txm_step(&m, &start, &rules, w.now_s);
    unsigned steps = 0;
    for (; a.type != TXM_DO_FINISH; steps++) {
        if (steps > 20000)
            fail_msg("no end in sight: %s, waits: %s", txm_phase_name(m.phase), txm_wait_text(m.wait));
        struct txm before = m;
        struct txm_event ev = next_event(&w, &m, &a);
        a = txm_step(&m, &ev, &rules, w.now_s);
        check_step(&before, &m, &a);
    }
    check_end(&w, &m);
    ends[m.phase]++;
    return steps;
}

static void the_machine_keeps_its_promises(void **state)
{
    const char *given = getenv("CVM_TXM_STEPS");
    uint64_t wanted = given ? strtoull(given, NULL, 10) : 2000000, steps = 0, lives = 0;
    (void)state;
    seed = getenv("CVM_TXM_SEED") ? strtoull(getenv("CVM_TXM_SEED"), NULL, 10) : 88172645463325252u;
    for (; steps < wanted; lives++)
        steps += live_one_life();
    print_message("%llu steps, %llu lives:", (unsigned long long)steps, (unsigned long long)lives);
    for (enum txm_phase p = TXM_FINAL; p <= TXM_REFUSED; p++) {
        print_message(" %s %u", txm_phase_name(p), ends[p]);
        assert_true(ends[p] > 0);
    }
    print_message("\n");
}

/* --- stories --- */

static struct txm_action step(struct txm *m, struct txm_event ev, int64_t now_s)
{
    return txm_step(m, &ev, &rules, now_s);
}

static struct txm sent_one(void)
{
    struct txm m = {0};
    step(&m, (struct txm_event){.type = TXM_EV_RESERVED, .nonce = 7, .gas_limit = 50000, .fees = {false, u256_from(100), u256_from(10)}}, 0);
    step(&m, (struct txm_event){.type = TXM_EV_SIGNED}, 0);
    step(&m, (struct txm_event){.type = TXM_EV_SENT, .taken = true}, 0);
    return m;
}

static struct txm_event look(uint64_t head, uint64_t nonce)
{
    return (struct txm_event){.type = TXM_EV_LOOKED, .look = {.head_block = head, .account_nonce = nonce, .complete = true}};
}

static void one_null_does_not_fail_a_mined_transaction(void **state)
{
    struct txm m = sent_one();
    (void)state;
    for (int i = 0; i < 20; i++)
        step(&m, look(100 + (uint64_t)i, 8), i); /* nonce spent, receipt null, nothing final yet */
    assert_int_equal(m.phase, TXM_SENT);
    struct txm_event found = look(121, 8);
    found.look.found = found.look.found_ok = true;
    found.look.found_block = 110;
    assert_int_equal(step(&m, found, 30).type, TXM_DO_READ);
    assert_int_equal(m.phase, TXM_MINED);
}

static void a_reorganisation_sends_the_same_bytes_again(void **state)
{
    struct txm m = sent_one();
    (void)state;
    struct txm_event found = look(101, 8);
    found.look.found = found.look.found_ok = true;
    found.look.found_block = 101;
    step(&m, found, 1);
    struct txm_action a = step(&m, look(102, 7), 2);
    assert_int_equal(a.type, TXM_DO_SEND);
    assert_int_equal(a.attempt, 0);
    assert_int_equal(m.phase, TXM_SENT);
}

/* A replacement is described, and before it is signed the first one is found mined, thrown away by a reorganisation, sent again and
 * refused for its type. */
static void a_price_waits_for_what_is_not_signed_yet(void **state)
{
    struct txm m = sent_one();
    struct txm_event found = look(101, 8), refused = {.type = TXM_EV_SENT, .from_node = true, .class = RPC_UNSUPPORTED_TYPE};
    struct txm_event priced = {.type = TXM_EV_PRICED, .view = {.has_base_fee = true, .base_fee_wei = u256_from(1000)}};
    (void)state;
    step(&m, (struct txm_event){.type = TXM_EV_SPEED_UP}, 1);
    step(&m, priced, 1);
    assert_int_equal(m.num_attempts, 2);
    found.look.found = found.look.found_ok = true;
    found.look.found_block = 101;
    step(&m, found, 2);
    assert_int_equal(step(&m, look(102, 7), 3).type, TXM_DO_SEND);
    assert_int_equal(step(&m, refused, 3).type, TXM_DO_PRICE);
    struct txm_action a = step(&m, priced, 3);
    assert_int_equal(a.type, TXM_DO_SIGN);
    assert_int_equal(a.attempt, 1);
    assert_int_equal(m.num_attempts, 2);
}

static void an_error_after_the_wire_is_unknown(void **state)
{
    struct txm m = {0};
    (void)state;
    step(&m, (struct txm_event){.type = TXM_EV_RESERVED, .nonce = 7, .gas_limit = 50000, .fees = {false, u256_from(100), u256_from(10)}}, 0);
    step(&m, (struct txm_event){.type = TXM_EV_SIGNED}, 0);
    step(&m, (struct txm_event){.type = TXM_EV_SENT}, 0);
    assert_int_equal(m.phase, TXM_SENT);
    assert_int_equal(m.wait, TXM_WAIT_WIRE);
    struct txm_action a = step(&m, look(100, 7), 5);
    assert_int_equal(a.type, TXM_DO_SEND);
}

static void somebody_elses_pending_transaction_is_not_outbid(void **state)
{
    struct txm m = {0};
    (void)state;
    step(&m, (struct txm_event){.type = TXM_EV_RESERVED, .nonce = 7, .gas_limit = 50000, .fees = {false, u256_from(100), u256_from(10)}}, 0);
    step(&m, (struct txm_event){.type = TXM_EV_SIGNED}, 0);
    for (int i = 0; i < 5; i++) {
        struct txm_action a =
            step(&m, (struct txm_event){.type = TXM_EV_SENT, .from_node = true, .class = RPC_REPLACEMENT_UNDERPRICED}, 100 * i);
        assert_int_equal(a.type, TXM_DO_WAIT);
        assert_int_equal(m.wait, TXM_WAIT_FOREIGN);
    }
    assert_int_equal(m.num_attempts, 1);
}

static void a_stuck_one_is_replaced_only_when_it_is_next_in_line(void **state)
{
    struct txm m = sent_one();
    (void)state;
    step(&m, look(100, 6), 1);
    m.attempt[0].last_send_s = 99;
    assert_int_equal(step(&m, look(110, 6), 100).type, TXM_DO_WAIT);
    m.attempt[0].last_send_s = 199;
    assert_int_equal(step(&m, look(120, 7), 200).type, TXM_DO_PRICE);
    struct txm_event priced = {.type = TXM_EV_PRICED, .view = {.has_base_fee = true, .base_fee_wei = u256_from(50)}};
    assert_int_equal(step(&m, priced, 200).type, TXM_DO_SIGN);
    assert_true(u256_cmp(m.attempt[1].fees.max_fee_wei, u256_from(113)) >= 0);
    assert_true(u256_cmp(m.attempt[1].fees.max_tip_wei, u256_from(12)) >= 0);
}

static void at_the_cap_it_waits(void **state)
{
    struct txm m = sent_one();
    (void)state;
    m.attempt[0].fees.max_fee_wei = u256_from(999999);
    step(&m, (struct txm_event){.type = TXM_EV_SPEED_UP}, 1);
    assert_int_equal(step(&m, look(100, 7), 2).type, TXM_DO_PRICE);
    struct txm_action a = step(&m, (struct txm_event){.type = TXM_EV_PRICED, .view = {.has_base_fee = true}}, 2);
    assert_int_equal(a.type, TXM_DO_WAIT);
    assert_int_equal(m.wait, TXM_WAIT_CAP);
    assert_int_equal(m.num_attempts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_keeps_its_promises),
        cmocka_unit_test(one_null_does_not_fail_a_mined_transaction),
        cmocka_unit_test(a_reorganisation_sends_the_same_bytes_again),
        cmocka_unit_test(a_price_waits_for_what_is_not_signed_yet),
        cmocka_unit_test(an_error_after_the_wire_is_unknown),
        cmocka_unit_test(somebody_elses_pending_transaction_is_not_outbid),
        cmocka_unit_test(a_stuck_one_is_replaced_only_when_it_is_next_in_line),
        cmocka_unit_test(at_the_cap_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
