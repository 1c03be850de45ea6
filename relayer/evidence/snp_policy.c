#include "relayer/evidence/policy.h"

#define KEY(type, field, help) {"snp", #field, type, offsetof(struct policy, snp.field), 0, help}

const struct policy_key snp_policy_keys[] = {
    KEY(POLICY_BOOL, require_crl, "a CRL of the chain must be at hand"),
    KEY(POLICY_BOOL, allow_debug, "guests in debug mode"),
    KEY(POLICY_BOOL, allow_provisional, "firmware that is not committed"),
};
const size_t num_snp_policy_keys = sizeof snp_policy_keys / sizeof snp_policy_keys[0];

void snp_policy_defaults(struct snp_policy *out, bool authentic)
{
    *out = (struct snp_policy){
        .require_crl = !authentic,
        .allow_debug = authentic,
        .allow_provisional = authentic,
        .max_abi_major = UINT32_MAX,
        .max_abi_minor = UINT32_MAX,
        .max_vmpl = authentic ? UINT32_MAX : 0,
    };
}
