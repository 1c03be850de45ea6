/* The binding tail: is this evidence for this purpose, this registry, and now? (design section 4) */
#include "relayer/evidence/binding_part.h"

#include <stdio.h>

#define FUTURE_S 300

static struct bytes tail_of(const struct ev *ev)
{
    struct bytes extra = tpm_extra_data(ev);
    struct bytes tail = bytes_sub(extra, EXTRA_DATA_LEN - TAIL_LEN, TAIL_LEN);
    if (extra.len != EXTRA_DATA_LEN || extra.p[0] != 0xff || tail.p[0] != 1)
        return (struct bytes){0};
    return tail;
}

int64_t tail_time(const struct ev *ev)
{
    struct bytes tail = tail_of(ev);
    return tail.len ? (int64_t)tail.p[1] << 32 | (int64_t)be32(tail.p + 2) : 0;
}

/* What there is to say where there is no tail: foreign evidence may be allowed by name. */
static bool lacks_tail(const struct ev *ev, struct finding *f)
{
    if (ev->bundle->call.kind == CALL_SET_TTL)
        *f = check_note("this call carries no evidence");
    else if (!ev->tpm || !ev->tpm->has_attest)
        *f = check_not_run("no TPM quote that could be read");
    else if (tail_of(ev).len)
        return false;
    else if (ev->policy->allow_foreign_evidence)
        *f = check_waived("foreign evidence, which the policy allows");
    else
        *f = check_not_run("no binding tail in the quote's extra data: foreign evidence");
    return true;
}

struct finding tail_check_present(struct ev *ev)
{
    struct finding f;
    if (!lacks_tail(ev, &f))
        return check_pass();
    bool foreign = f.outcome == NOT_RUN && ev->tpm && ev->tpm->has_attest;
    if (foreign && !policy_waives(ev->policy, "tail.present"))
        f.outcome = FAIL; /* it will not grow one by asking again */
    return f;
}

struct finding tail_check_binding(struct ev *ev)
{
    struct finding f;
    if (lacks_tail(ev, &f))
        return f;
    if (!ev->expected->has_place)
        return check_not_run("chain id and registry are not known");
    struct tail_binding b = {
        .chain_id = ev->expected->chain_id, .registry = ev->expected->registry, .call = binding_call(ev)};
    memcpy(b.identity_hash.b, tpm_extra_data(ev).p + 1, 32); /* binding.identity says whether it is the right one */
    int64_t time_s;
    if (!tail_matches(&time_s, tail_of(ev), &b))
        return check_fail("made for another chain, registry, identity or call than chain %llu, %s",
                          (unsigned long long)b.chain_id, call_name(b.call));
    return check_pass();
}

struct finding tail_check_age(struct ev *ev)
{
    struct finding f;
    if (lacks_tail(ev, &f))
        return f;
    int64_t age_s = ev->now_s - tail_time(ev);
    if (age_s > ev->policy->max_evidence_age_s)
        return check_fail("%lld s old, at most %lld", (long long)age_s, (long long)ev->policy->max_evidence_age_s);
    return check_note("%lld s old", (long long)(age_s > 0 ? age_s : 0));
}

struct finding tail_check_future(struct ev *ev)
{
    struct finding f;
    if (lacks_tail(ev, &f))
        return f;
    int64_t ahead_s = tail_time(ev) - ev->now_s;
    if (ahead_s > FUTURE_S)
        return check_fail("%lld s in the future, at most %d", (long long)ahead_s, FUTURE_S);
    return check_pass();
}
