/* High-water marks of Intel's collateral (design section 3). */
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_checks.h"

#include <stdio.h>

static void subject_of(char *out, size_t size, const struct collateral_item *item)
{
    char fmspc[13];
    const char *early = item->early ? "early/" : "";
    struct bytes cn;
    switch (item->json.kind) {
    case SIGNED_TCB_INFO:
        snprintf(out, size, "%stcb/%s/%s", early, hex_encode(fmspc, BYTES(item->json.tcb_info->fmspc)),
                 item->json.tcb_info->tdx ? "tdx" : "sgx");
        return;
    case SIGNED_QE_IDENTITY:
        snprintf(out, size, "%sqe/%s", early, item->json.qe_identity->tdx ? "td_qe" : "qe");
        return;
    case SIGNED_EVALUATION_NUMBERS:
        snprintf(out, size, "numbers/%s", item->json.numbers->tdx ? "tdx" : "sgx");
        return;
    case SIGNED_NONE: /* a CRL */
        cn = name_find(item->crl.issuer, OID_CN);
        snprintf(out, size, "crl/%.*s", (int)cn.len, (const char *)cn.p);
        return;
    }
}

bool tdx_mark_of(struct tdx_mark *out, const struct collateral_item *item)
{
    struct tdx_mark m = {0};
    if (item->kind == COLLATERAL_CRL) {
        m.mark.issued_s = item->crl.this_update_s;
        if (item->crl.number.len <= sizeof m.mark.crl_number_mem)
            m.mark.crl_number = item->crl.number;
    } else if (item->kind == COLLATERAL_SIGNED) {
        m.mark.evaluation_number = item->json.head->evaluation_number;
        m.mark.issued_s = item->json.head->issued_s;
    } else {
        return false;
    }
    subject_of(m.subject, sizeof m.subject, item);
    *out = m;
    return true;
}

const char *tdx_mark_issuer(const struct roots *roots, size_t root)
{
    return roots->root[root].use == ROOT_INTEL ? "intel" : roots->root[root].label;
}

/* Big-endian, without leading zeros. */
static bool number_less(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return a.len < b.len;
    return a.len > 0 && memcmp(a.p, b.p, a.len) < 0;
}

bool tdx_mark_older(char *why, size_t size, const struct tdx_mark *now, const struct mark *seen, int64_t now_s)
{
    char a[21], b[21];
    if (now_s < seen->issued_s)
        return false;
    if (now->mark.evaluation_number < seen->evaluation_number)
        snprintf(why, size, "%s has TCB evaluation data number %llu, seen %llu", now->subject,
                 (unsigned long long)now->mark.evaluation_number, (unsigned long long)seen->evaluation_number);
    else if (now->mark.issued_s < seen->issued_s)
        snprintf(why, size, "%s was issued %s, seen %s", now->subject, time_format(a, now->mark.issued_s),
                 time_format(b, seen->issued_s));
    else if (number_less(now->mark.crl_number, seen->crl_number))
        snprintf(why, size, "%s has a lower CRL number than one seen before", now->subject);
    else
        return false;
    return true;
}

void tdx_learn(const struct ev *ev)
{
    const struct tdx_part *p = ev->tdx;
    struct tdx_mark m;
    for (enum role role = 0; p && ev->memory->raise_mark && role < NUM_ROLES; role++)
        if (role_good(&p->role[role]) && tdx_mark_of(&m, p->role[role].item))
            ev->memory->raise_mark(ev->memory->ctx, tdx_mark_issuer(ev->roots, p->root), m.subject, &m.mark);
}
