/* What ties the parts of some evidence together, and to the identity, the registry and the call. Shared by binding_checks,
 * identity_checks and tail_checks. */
#ifndef CVM_EVIDENCE_BINDING_PART_H
#define CVM_EVIDENCE_BINDING_PART_H

#include "relayer/evidence/evidence.h"
#include "relayer/evidence/identity.h"
#include "relayer/evidence/tpm_part.h"

/* The profile and the call that this evidence is for: as expected, else as the calldata says, else g1b and attestCvm. */
enum profile binding_profile(const struct ev *ev);
enum call_kind binding_call(const struct ev *ev);

check_fn identity_check_key, identity_check_signature, identity_check_new_signature;
check_fn tail_check_present, tail_check_binding, tail_check_age, tail_check_future;
/* Unix time that the tail names; 0 without one. */
int64_t tail_time(const struct ev *ev);

#endif
