#include "relayer/evidence/policy.h"

#define KEY(type, field, help) {"tdx", #field, type, offsetof(struct policy, tdx.field), 0, help}

const struct policy_key tdx_policy_keys[] = {
    KEY(POLICY_BOOL, any_status, "every TCB status short of Revoked"),
    KEY(POLICY_BOOL, allow_debug, "TDs and enclaves in debug mode"),
    KEY(POLICY_BOOL, allow_no_sept_ve_disable, "TDs without SEPT_VE_DISABLE"),
    KEY(POLICY_BOOL, allow_service_td, "TDs with a service TD bound to them"),
};
const size_t num_tdx_policy_keys = sizeof tdx_policy_keys / sizeof tdx_policy_keys[0];

void tdx_policy_defaults(struct tdx_policy *out, bool authentic)
{
    *out = (struct tdx_policy){
        .any_status = authentic,
        .allow_debug = authentic,
        .allow_no_sept_ve_disable = authentic,
        .allow_service_td = authentic,
    };
}
