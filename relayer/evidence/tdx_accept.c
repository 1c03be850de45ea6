/* What the operator's policy makes of Intel evidence that holds. */
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_checks.h"

#include <stdio.h>

static const struct tdx_policy *policy(const struct ev *ev)
{
    return &ev->policy->tdx;
}

static bool parsed(const struct ev *ev)
{
    return ev->tdx && ev->tdx->parsed;
}

static bool evaluated(const struct ev *ev)
{
    return ev->tdx && ev->tdx->evaluated && ev->tdx->tcb.fault == TCB_FOUND;
}

/* --- TCB --- */

static bool has_word(const struct policy_word_list *list, struct bytes word)
{
    for (size_t i = 0; i < list->count; i++)
        if (bytes_eq(word, bytes_str(list->item[i])))
            return true;
    return false;
}

/* The status with what is OutOfDate, but not for longer than its grace, counted as up to date. */
static enum tcb_status status_with_grace(const struct ev *ev, const struct tcb_evaluation *e, int64_t now_s)
{
    const struct tdx_policy *p = policy(ev);
    enum tcb_status platform = e->platform->outcome.status, qe = e->qe_level->outcome.status;
    enum tcb_status module = e->module_level ? e->module_level->outcome.status : TCB_NONE;
    if (e->status != e->launch)
        return e->status; /* a relaunch is advised: grace does not launch anew */
    if (platform == TCB_OUT_OF_DATE && now_s <= e->platform->outcome.date_s + p->platform_grace_s)
        platform = TCB_UP_TO_DATE;
    if (platform == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED && now_s <= e->platform->outcome.date_s + p->platform_grace_s)
        platform = TCB_CONFIGURATION_NEEDED;
    if (module == TCB_OUT_OF_DATE && now_s <= e->module_level->outcome.date_s + p->platform_grace_s)
        module = TCB_UP_TO_DATE;
    if (qe == TCB_OUT_OF_DATE && now_s <= e->qe_level->outcome.date_s + p->qe_grace_s)
        qe = TCB_UP_TO_DATE;
    return tcb_converge(platform, module, qe);
}

static bool takes_status(const struct ev *ev, enum tcb_status s)
{
    return s == TCB_UP_TO_DATE ||
           (s != TCB_REVOKED && (policy(ev)->any_status || has_word(&policy(ev)->statuses, bytes_str(tcb_status_name(s)))));
}

struct finding tdx_accept_status(struct ev *ev)
{
    if (!evaluated(ev))
        return check_not_run("no TCB status");
    const struct tcb_evaluation *e = &ev->tdx->tcb;
    enum tcb_status s = status_with_grace(ev, e, ev->now_s);
    const char *name = tcb_status_name(e->status);
    if (s == TCB_UP_TO_DATE)
        return e->status == s ? check_pass() : check_note("%s, within the policy's grace", name);
    if (takes_status(ev, s))
        return check_note("%s, which the policy takes", name);
    const struct tcb_short *m = e->num_missing ? e->missing : NULL;
    if (m)
        return check_fail("TCB status %s; short of the newest level in %zu, first %s: have %u, need %u", name,
                          e->num_missing, m->component, m->have, m->need);
    return check_fail("TCB status %s", name);
}

/* The first that the policy does not take; NULL: none. */
static const struct bytes *open_advisory(const struct tdx_policy *p, const struct advisories *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (has_word(&p->denied_advisories, a->id[i]) ||
            (p->allowed_advisories.count && !has_word(&p->allowed_advisories, a->id[i])))
            return &a->id[i];
    return NULL;
}

struct finding tdx_accept_advisories(struct ev *ev)
{
    const struct tdx_policy *p = policy(ev);
    if (!p->allowed_advisories.count && !p->denied_advisories.count)
        return check_pass();
    if (!evaluated(ev))
        return check_not_run("no TCB status");
    const struct bytes *id = open_advisory(p, &ev->tdx->tcb.advisories);
    return id ? check_fail("%.*s stands open", (int)id->len, (const char *)id->p) : check_pass();
}

/* --- the TCB level in times to come --- */

static bool takes(const struct ev *ev, const struct tcb_evaluation *e, int64_t at_s)
{
    return takes_status(ev, status_with_grace(ev, e, at_s)) && !open_advisory(policy(ev), &e->advisories);
}

/* The first moment, from from_s on, at which this is not taken: at once, or when a grace is over. 0: none. */
static int64_t refused_from(const struct ev *ev, const struct tcb_evaluation *e, int64_t from_s)
{
    const struct tdx_policy *p = policy(ev);
    int64_t first = 0;
    if (e->fault != TCB_FOUND || !takes(ev, e, from_s))
        return from_s;
    const int64_t ends[] = {e->platform->outcome.date_s + p->platform_grace_s, e->qe_level->outcome.date_s + p->qe_grace_s,
                            e->module_level ? e->module_level->outcome.date_s + p->platform_grace_s : 0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends[i] >= from_s && (!first || ends[i] < first) && !takes(ev, e, ends[i] + 1))
            first = ends[i] + 1;
    return first;
}

/* Twelve months after its recovery event, TCB evaluation data goes from update=early to everybody (Intel, "PCS changes",
 * 2025). Which of the numbers up to the early one first refuses a level cannot be told from the last one alone: the next
 * after today's counts. */
#define STANDARD_AFTER_S (365ll * 86400)

int64_t tdx_early_in_force_s(const struct tdx_part *p)
{
    const struct collateral_item *early = p->early[ROLE_TCB_INFO].item;
    int64_t first = 0;
    for (size_t i = 0; early && p->numbers && i < p->numbers->count; i++) {
        const struct evaluation_number *n = &p->numbers->number[i];
        if (n->number <= part_tcb_info(p)->head.evaluation_number || n->number > early->json.head->evaluation_number || !n->recovery_event_s)
            continue;
        int64_t t = n->recovery_event_s + STANDARD_AFTER_S;
        first = first && first < t ? first : t;
    }
    return first;
}

int64_t tdx_refused_from(const struct ev *ev)
{
    if (!evaluated(ev))
        return 0;
    const struct tdx_part *p = ev->tdx;
    int64_t t = refused_from(ev, &p->tcb, ev->now_s), in_force_s = p->early_evaluated ? tdx_early_in_force_s(p) : 0;
    int64_t early = in_force_s > ev->now_s ? refused_from(ev, &p->early_tcb, in_force_s) : 0;
    if (early && (!t || early < t))
        t = early;
    return t > ev->now_s ? t : 0;
}

struct finding tdx_accept_age(struct ev *ev)
{
    const struct tdx_policy *p = policy(ev);
    char have[21], want[21];
    if (!p->min_evaluation_number && !p->earliest_tcb_date_s)
        return check_pass();
    if (!evaluated(ev))
        return check_not_run("no TCB status");
    uint32_t number = part_tcb_info(ev->tdx)->head.evaluation_number;
    if (number < p->min_evaluation_number)
        return check_fail("TCB evaluation data number %u, want %u or more", number, p->min_evaluation_number);
    if (ev->tdx->tcb.date_s < p->earliest_tcb_date_s)
        return check_fail("TCB date %s, want %s or later", time_format(have, ev->tdx->tcb.date_s),
                          time_format(want, p->earliest_tcb_date_s));
    return check_pass();
}

/* --- the TD or enclave --- */

#define TD_DEBUG           0x01 /* byte 0, bit 0; the bits beside it (TUD) are debug features too */
#define TD_TUD_MASK        0xff
#define TD_SEPT_VE_DISABLE 0x10 /* bit 28: byte 3 */
#define SGX_DEBUG          0x02 /* byte 0, bit 1 */

bool tdx_is_debug(const struct tdx_quote *q)
{
    return q->body == BODY_SGX ? q->enclave.attributes.p[0] & SGX_DEBUG : q->td.td_attributes.p[0] & TD_TUD_MASK;
}

struct finding tdx_accept_debug(struct ev *ev)
{
    if (!parsed(ev))
        return check_not_run("no quote");
    if (!tdx_is_debug(&ev->tdx->quote))
        return check_pass();
    return policy(ev)->allow_debug ? check_note("in debug mode, which the policy takes") : check_fail("in debug mode");
}

struct finding tdx_accept_sept_ve(struct ev *ev)
{
    if (!parsed(ev))
        return check_not_run("no quote");
    if (!ev->tdx->tdx)
        return check_note("TDX alone");
    if (ev->tdx->quote.td.td_attributes.p[3] & TD_SEPT_VE_DISABLE)
        return check_pass();
    return policy(ev)->allow_no_sept_ve_disable ? check_note("SEPT_VE_DISABLE is off, which the policy takes")
                                                : check_fail("SEPT_VE_DISABLE is off");
}

struct finding tdx_accept_service_td(struct ev *ev)
{
    if (!parsed(ev))
        return check_not_run("no quote");
    if (ev->tdx->quote.body != BODY_TD15)
        return check_note("TD 1.5 bodies alone");
    if (bytes_is_zero(ev->tdx->quote.td.mr_service_td))
        return check_pass();
    return policy(ev)->allow_service_td ? check_note("a service TD is bound, which the policy takes")
                                        : check_fail("a service TD is bound to it");
}

/* (have & mask) equal to one of want; without a mask every bit counts. */
static bool masked_ok(struct bytes have, const struct policy_hex_list *want, const struct policy_hex_list *mask)
{
    if (want->count == 0 || have.len == 0)
        return want->count == 0;
    for (size_t i = 0; i < want->count; i++) {
        bool same = true;
        for (size_t k = 0; k < have.len && same; k++) {
            uint8_t m = mask->count ? mask->item[0][k] : 0xff;
            same = (have.p[k] & m) == (want->item[i][k] & m);
        }
        if (same)
            return true;
    }
    return false;
}

struct finding tdx_accept_attributes(struct ev *ev)
{
    const struct tdx_policy *p = policy(ev);
    if (!parsed(ev))
        return check_not_run("no quote");
    const struct tdx_quote *q = &ev->tdx->quote;
    char have[33];
    if (ev->tdx->tdx && !masked_ok(q->td.td_attributes, &p->td_attributes, &p->td_attributes_mask))
        return check_fail("TD attributes %s are not what the policy asks for", hex_encode(have, q->td.td_attributes));
    if (ev->tdx->tdx && !masked_ok(q->td.xfam, &p->xfam, &p->xfam_mask))
        return check_fail("XFAM %s is not what the policy asks for", hex_encode(have, q->td.xfam));
    if (!ev->tdx->tdx && !masked_ok(q->enclave.attributes, &p->sgx_attributes, &p->sgx_attributes_mask))
        return check_fail("attributes %s are not what the policy asks for", hex_encode(have, q->enclave.attributes));
    return check_pass();
}

struct finding tdx_accept_platform(struct ev *ev)
{
    const struct tdx_policy *p = policy(ev);
    bool asks = p->deny_dynamic_platform || p->deny_cached_keys || p->deny_smt || p->ppids.count || p->fmspcs.count;
    if (!asks)
        return check_pass();
    if (!ev->tdx || !ev->tdx->has_pck)
        return check_not_run("no PCK certificate");
    const struct pck *k = &ev->tdx->pck_info;
    if (p->deny_dynamic_platform && k->dynamic_platform == YES)
        return check_fail("a dynamic platform");
    if (p->deny_cached_keys && k->cached_keys == YES)
        return check_fail("a platform with cached keys");
    if (p->deny_smt && k->smt_enabled == YES)
        return check_fail("a platform with SMT");
    char have[33];
    if (!policy_hex_allows(&p->ppids, BYTES(k->ppid)))
        return check_fail("PPID %s is none of the policy's", hex_encode(have, BYTES(k->ppid)));
    if (!policy_hex_allows(&p->fmspcs, BYTES(k->fmspc)))
        return check_fail("FMSPC %s is none of the policy's", hex_encode(have, BYTES(k->fmspc)));
    return check_pass();
}

struct finding tdx_accept_pins(struct ev *ev)
{
    const struct tdx_policy *p = policy(ev);
    if (!parsed(ev))
        return check_not_run("no quote");
    const struct tdx_quote *q = &ev->tdx->quote;
    const struct td_report *td = &q->td;
    bool sgx = q->body == BODY_SGX;
    const struct {
        const char *name;
        const struct policy_hex_list *list;
        struct bytes value;
    } pins[] = {
        {"mr_td", &p->mr_td, td->mr_td},
        {"mr_seam", &p->mr_seam, td->mr_seam},
        {"mr_signer_seam", &p->mr_signer_seam, td->mr_signer_seam},
        {"mr_config_id", &p->mr_config_id, td->mr_config_id},
        {"mr_owner", &p->mr_owner, td->mr_owner},
        {"mr_owner_config", &p->mr_owner_config, td->mr_owner_config},
        {"mr_service_td", &p->mr_service_td, td->mr_service_td},
        {"rtmr0", &p->rtmr0, td->rtmr[0]},
        {"rtmr1", &p->rtmr1, td->rtmr[1]},
        {"rtmr2", &p->rtmr2, td->rtmr[2]},
        {"rtmr3", &p->rtmr3, td->rtmr[3]},
        {"mr_enclave", &p->mr_enclave, q->enclave.mr_enclave},
        {"mr_signer", &p->mr_signer, q->enclave.mr_signer},
        {"report_data", &p->report_data, sgx ? q->enclave.report_data : td->report_data},
    };
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        if (!policy_hex_allows(pins[i].list, pins[i].value))
            return check_fail("%s is none of the policy's", pins[i].name);
    if (sgx && q->enclave.isv_svn < p->min_isv_svn)
        return check_fail("isv_svn %u, want %u or more", q->enclave.isv_svn, p->min_isv_svn);
    if (sgx && p->pin_isv_prod_id && q->enclave.isv_prod_id != p->isv_prod_id)
        return check_fail("isv_prod_id %u, want %u", q->enclave.isv_prod_id, p->isv_prod_id);
    return check_pass();
}
