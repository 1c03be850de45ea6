#include "relayer/evidence/policy.h"

#define KEY(type, field, size, help) {"tdx", #field, type, offsetof(struct policy, tdx.field), size, help}
#define KEY_AS(type, name, field, help) {"tdx", name, type, offsetof(struct policy, tdx.field), 0, help}

const struct policy_key tdx_policy_keys[] = {
    KEY(POLICY_BOOL, any_status, 0, "every TCB status short of Revoked"),
    KEY(POLICY_WORD_LIST, statuses, 48, "TCB statuses taken beside UpToDate"),
    KEY(POLICY_WORD_LIST, allowed_advisories, 48, "advisories that may stand open; all others may not"),
    KEY(POLICY_WORD_LIST, denied_advisories, 48, "advisories that may not stand open"),
    KEY_AS(POLICY_DURATION, "platform_grace", platform_grace_s, "how long after its date an OutOfDate level is taken"),
    KEY_AS(POLICY_DURATION, "qe_grace", qe_grace_s, "the same for the quoting enclave's level"),
    KEY(POLICY_U32, min_evaluation_number, 0, "lowest TCB evaluation data number"),
    KEY_AS(POLICY_DATE, "earliest_tcb_date", earliest_tcb_date_s, "no TCB date before this"),
    KEY(POLICY_BOOL, allow_debug, 0, "TDs and enclaves in debug mode"),
    KEY(POLICY_BOOL, allow_no_sept_ve_disable, 0, "TDs without SEPT_VE_DISABLE"),
    KEY(POLICY_BOOL, allow_service_td, 0, "TDs with a service TD bound to them"),
    KEY(POLICY_BOOL, deny_dynamic_platform, 0, "no platforms that packages can be added to"),
    KEY(POLICY_BOOL, deny_cached_keys, 0, "no platforms whose root keys Intel keeps"),
    KEY(POLICY_BOOL, deny_smt, 0, "no platforms with simultaneous multithreading"),
    KEY(POLICY_HEX_LIST, td_attributes, 8, "TD attributes wanted, under td_attributes_mask"),
    KEY(POLICY_HEX_LIST, td_attributes_mask, 8, "which bits of the TD attributes count (all)"),
    KEY(POLICY_HEX_LIST, xfam, 8, "XFAM wanted, under xfam_mask"),
    KEY(POLICY_HEX_LIST, xfam_mask, 8, "which bits of XFAM count (all)"),
    KEY(POLICY_HEX_LIST, sgx_attributes, 16, "enclave attributes wanted, under sgx_attributes_mask"),
    KEY(POLICY_HEX_LIST, sgx_attributes_mask, 16, "which bits of the enclave attributes count (all)"),
    KEY(POLICY_HEX_LIST, mr_td, 48, "accepted MRTD"),
    KEY(POLICY_HEX_LIST, mr_seam, 48, "accepted MRSEAM"),
    KEY(POLICY_HEX_LIST, mr_signer_seam, 48, "accepted MRSIGNERSEAM"),
    KEY(POLICY_HEX_LIST, mr_config_id, 48, "accepted MRCONFIGID"),
    KEY(POLICY_HEX_LIST, mr_owner, 48, "accepted MROWNER"),
    KEY(POLICY_HEX_LIST, mr_owner_config, 48, "accepted MROWNERCONFIG"),
    KEY(POLICY_HEX_LIST, mr_service_td, 48, "accepted MRSERVICETD"),
    KEY(POLICY_HEX_LIST, rtmr0, 48, "accepted RTMR0"),
    KEY(POLICY_HEX_LIST, rtmr1, 48, "accepted RTMR1"),
    KEY(POLICY_HEX_LIST, rtmr2, 48, "accepted RTMR2"),
    KEY(POLICY_HEX_LIST, rtmr3, 48, "accepted RTMR3"),
    KEY(POLICY_HEX_LIST, mr_enclave, 32, "accepted MRENCLAVE"),
    KEY(POLICY_HEX_LIST, mr_signer, 32, "accepted MRSIGNER"),
    KEY(POLICY_HEX_LIST, report_data, 64, "accepted report data"),
    KEY(POLICY_HEX_LIST, ppids, 16, "accepted platforms, by PPID"),
    KEY(POLICY_HEX_LIST, fmspcs, 6, "accepted kinds of platform, by FMSPC"),
    KEY(POLICY_U32, min_isv_svn, 0, "lowest ISV SVN of an enclave"),
    KEY(POLICY_BOOL, pin_isv_prod_id, 0, "isv_prod_id is asked for"),
    KEY(POLICY_U32, isv_prod_id, 0, "ISV product id of an enclave"),
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
