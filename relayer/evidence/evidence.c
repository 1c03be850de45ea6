/* The story of a verdict: open what the bundle has, run every row of every table that applies, stage by stage, and let
 * the outcomes decide. Nothing here knows what a row looks at. */
#include "relayer/evidence/evidence.h"

#define EV_ARENA_MAX (32u << 20)

const char *verdict_name(enum verdict_kind v)
{
    switch (v) {
    case UNDECIDED:
        return "undecided";
    case REJECTED:
        return "rejected";
    case VERIFIED:
        return "verified";
    }
    return "undecided";
}

void ev_use_root(struct ev *ev, const char *label)
{
    for (size_t i = 0; i < ev->num_used_roots; i++)
        if (strcmp(ev->used_root[i], label) == 0)
            return;
    if (ev->num_used_roots < sizeof ev->used_root / sizeof ev->used_root[0])
        ev->used_root[ev->num_used_roots++] = label;
}

static void run_check(struct ev *ev, struct verdict *out, const struct check *check)
{
    if (out->num_results == EV_MAX_FINDINGS)
        return; /* derive() sees that the table did not fit */
    struct result *r = &out->results[out->num_results++];
    r->check = check;
    r->finding = check->run(ev);
    if (r->finding.outcome == NOT_RUN && policy_waives(ev->policy, check->id))
        r->finding.outcome = WAIVED;
}

/* Bad evidence is rejected whatever else is missing; all else short of a pass leaves it undecided. */
static enum verdict_kind derive(const struct verdict *v)
{
    bool undecided = v->num_results == 0 || v->num_results == EV_MAX_FINDINGS;
    for (size_t i = 0; i < v->num_results; i++) {
        const struct result *r = &v->results[i];
        if (r->finding.outcome == FAIL && r->check->on_fail == REJECTS)
            return REJECTED;
        if (r->finding.outcome == FAIL || r->finding.outcome == NOT_RUN)
            undecided = true;
    }
    return undecided ? UNDECIDED : VERIFIED;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void evidence_judge(struct ev *ev, struct verdict *out)
{
    *out = (struct verdict){0};
    ev->mem = arena_new(EV_ARENA_MAX);
    for (size_t k = 0; evidence_kinds[k]; k++)
        if (evidence_kinds[k]->applies(ev))
            evidence_kinds[k]->open(ev);
    for (enum stage stage = AUTHENTIC; stage <= ACCEPTED; stage++)
        for (size_t k = 0; evidence_kinds[k]; k++) {
            const struct kind *kind = evidence_kinds[k];
            for (size_t i = 0; kind->applies(ev) && i < kind->num_checks; i++)
                if (kind->checks[i].stage == stage)
                    run_check(ev, out, &kind->checks[i]);
        }
    for (size_t k = 0; evidence_kinds[k]; k++) {
        const struct kind *kind = evidence_kinds[k];
        if (kind->expires && kind->applies(ev))
            out->collateral_expires_s = earliest(out->collateral_expires_s, kind->expires(ev));
        if (kind->collateral_expires && kind->applies(ev))
            out->tee_collateral_expires_s = earliest(out->tee_collateral_expires_s, kind->collateral_expires(ev));
        if (kind->refused_from && kind->applies(ev))
            out->tcb_refused_s = earliest(out->tcb_refused_s, kind->refused_from(ev));
    }
    out->collateral_expires_s = earliest(out->collateral_expires_s, out->tee_collateral_expires_s);
    out->verdict = derive(out);
    for (size_t k = 0; out->verdict == VERIFIED && ev->memory && evidence_kinds[k]; k++)
        if (evidence_kinds[k]->learn && evidence_kinds[k]->applies(ev))
            evidence_kinds[k]->learn(ev);
}

void evidence_done(struct ev *ev)
{
    for (size_t k = 0; evidence_kinds[k]; k++)
        if (evidence_kinds[k]->close)
            evidence_kinds[k]->close(ev);
    arena_done(&ev->mem);
}

const struct result *verdict_find(const struct verdict *v, const char *id)
{
    for (size_t i = 0; i < v->num_results; i++)
        if (strcmp(v->results[i].check->id, id) == 0)
            return &v->results[i];
    return NULL;
}
