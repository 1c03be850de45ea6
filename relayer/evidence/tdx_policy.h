/* What is accepted of TDX and SGX evidence, beyond authenticity. Empty lists and zero limits ask for nothing. */
#ifndef CVM_EVIDENCE_TDX_POLICY_H
#define CVM_EVIDENCE_TDX_POLICY_H

#include "relayer/evidence/policy_types.h"

#include <stdbool.h>

struct tdx_policy {
    bool any_status; /* every TCB status short of Revoked (authentic) */
    struct policy_word_list statuses; /* taken beside UpToDate */
    struct policy_word_list allowed_advisories; /* where there is one: no other may stand open */
    struct policy_word_list denied_advisories;
    int64_t platform_grace_s, qe_grace_s; /* OutOfDate is taken for so long after the level's date */
    uint32_t min_evaluation_number;
    int64_t earliest_tcb_date_s;
    bool allow_debug, allow_no_sept_ve_disable, allow_service_td;
    bool deny_dynamic_platform, deny_cached_keys, deny_smt;
    /* (value & mask) must equal the wanted value; hex as in the report */
    struct policy_hex_list td_attributes, td_attributes_mask, xfam, xfam_mask, sgx_attributes, sgx_attributes_mask;
    struct policy_hex_list mr_td, mr_seam, mr_signer_seam, mr_config_id, mr_owner, mr_owner_config, mr_service_td;
    struct policy_hex_list rtmr0, rtmr1, rtmr2, rtmr3, mr_enclave, mr_signer, report_data, ppids, fmspcs;
    uint32_t min_isv_svn; /* SGX */
    bool pin_isv_prod_id;
    uint32_t isv_prod_id;
};

#endif
