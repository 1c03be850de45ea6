/* What is accepted of TDX and SGX evidence, beyond authenticity. */
#ifndef CVM_EVIDENCE_TDX_POLICY_H
#define CVM_EVIDENCE_TDX_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct tdx_policy {
    bool any_status; /* every TCB status short of Revoked (authentic) */
    bool allow_debug, allow_no_sept_ve_disable, allow_service_td;
};

#endif
