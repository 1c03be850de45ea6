/* Intel evidence, TDX and SGX: the check table (tdx_checks.c, tdx_accept.c) and what a verification leaves behind. */
#ifndef CVM_EVIDENCE_TDX_CHECKS_H
#define CVM_EVIDENCE_TDX_CHECKS_H

#include "relayer/evidence/tdx_part.h"

/* ACCEPTED: what the policy makes of evidence that holds; tdx_accept.c. */
check_fn tdx_accept_status, tdx_accept_advisories, tdx_accept_age, tdx_accept_debug, tdx_accept_sept_ve,
    tdx_accept_service_td, tdx_accept_attributes, tdx_accept_platform, tdx_accept_pins;

/* How new a piece of collateral is, to be remembered once a verdict has been reached with it. */
struct tdx_mark {
    char subject[160]; /* "tcb/00806f050000/tdx", "qe/td_qe", "crl/Intel SGX Root CA" */
    struct mark mark;
};
/* False where the role has no collateral in order. Issuer is "intel". What was fetched with update=early leaves no mark: it
 * would make the standard data of the day look rolled back. */
bool tdx_mark_of(const struct ev *ev, enum role role, struct tdx_mark *out);
/* Big-endian, without leading zeros. */
bool tdx_crl_number_less(struct bytes a, struct bytes b);

#endif
