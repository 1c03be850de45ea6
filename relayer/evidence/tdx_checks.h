/* Intel evidence, TDX and SGX: the check table (tdx_checks.c, tdx_accept.c) and what a verification leaves behind. */
#ifndef CVM_EVIDENCE_TDX_CHECKS_H
#define CVM_EVIDENCE_TDX_CHECKS_H

#include "relayer/evidence/tdx_part.h"

/* ACCEPTED: what the policy makes of evidence that holds; tdx_accept.c. */
check_fn tdx_accept_status, tdx_accept_advisories, tdx_accept_age, tdx_accept_debug, tdx_accept_sept_ve,
    tdx_accept_service_td, tdx_accept_attributes, tdx_accept_platform, tdx_accept_pins;

/* From when on the policy refuses the platform's TCB level, as far as the collateral at hand says: a grace ends, or Intel's next
 * data come into force. 0: no such time is known. */
int64_t tdx_refused_from(const struct ev *ev);
/* When the next TCB evaluation data after today's come into force, where Intel's list of them is at hand; 0: not known. */
int64_t tdx_early_in_force_s(const struct tdx_part *p);

/* How new a piece of collateral is: what is remembered once it has been verified, and what a later one must not undercut. */
struct tdx_mark {
    char subject[160]; /* "tcb/00806f050000/tdx", "qe/td_qe", "crl/Intel SGX Root CA" */
    struct mark mark;
};
/* False where the item is nothing of Intel's. What was fetched with update=early has a subject of its own ("early/.."): it
 * would make the standard data of the day look rolled back. */
bool tdx_mark_of(struct tdx_mark *out, const struct collateral_item *item);
/* "intel" for the pinned root, the label for one that the user added: the two never meet in one mark. */
const char *tdx_mark_issuer(const struct roots *roots, size_t root);
/* Is now older than what was seen? A mark that lies after now_s does not count. Writes why. */
bool tdx_mark_older(char *why, size_t size, const struct tdx_mark *now, const struct mark *seen, int64_t now_s);
void tdx_learn(const struct ev *ev);

#endif
