#include "relayer/evidence/policy.h"

#define KEY(type, field, help)                                                                                         \
    {                                                                                                                  \
        "snp", #field, type, offsetof(struct policy, snp.field), 0, help                                               \
    }
#define HEX(field, size, help)                                                                                         \
    {                                                                                                                  \
        "snp", #field, POLICY_HEX_LIST, offsetof(struct policy, snp.field), size, help                                 \
    }
#define MIN(which, component)                                                                                          \
    {                                                                                                                  \
        "snp", "min_" #which "_" #component, POLICY_U32, offsetof(struct policy, snp.min_##which.component), 0,        \
            "lowest " #component " of the " #which " TCB"                                                              \
    }
#define MINS(which) MIN(which, fmc), MIN(which, boot_loader), MIN(which, tee), MIN(which, snp), MIN(which, microcode)

const struct policy_key snp_policy_keys[] = {
    KEY(POLICY_BOOL, require_chain, "the ARK's certificate must be at hand too"),
    KEY(POLICY_BOOL, allow_debug, "guests that the host may debug"),
    KEY(POLICY_BOOL, allow_provisional, "firmware that is not committed"),
    KEY(POLICY_BOOL, allow_unordered_tcb, "a reported TCB above the committed or a committed above the current one"),
    KEY(POLICY_BOOL, forbid_migration_agent, "no guests that may be migrated"),
    KEY(POLICY_BOOL, forbid_smt, "neither guests that may run with SMT nor hosts that have it on"),
    KEY(POLICY_BOOL, require_single_socket, "guests bound to one socket"),
    KEY(POLICY_BOOL, forbid_cxl, "no guests that may use CXL memory"),
    KEY(POLICY_BOOL, require_aes_256_xts, "guests that demand AES-256-XTS memory encryption"),
    KEY(POLICY_BOOL, require_rapl_off, "guests that demand RAPL off, on hosts that have it off"),
    KEY(POLICY_BOOL, require_ciphertext_hiding, "guests that demand ciphertext hiding, on hosts that have it on"),
    KEY(POLICY_BOOL, require_page_swap_off, "guests that demand page swapping off"),
    KEY(POLICY_BOOL, require_tsme, "hosts with transparent memory encryption"),
    KEY(POLICY_BOOL, require_ecc, "hosts with ECC memory"),
    KEY(POLICY_BOOL, require_alias_check, "hosts that have checked their memory for aliases"),
    KEY(POLICY_U32, min_abi_major, "lowest ABI that the guest demands"),
    KEY(POLICY_U32, min_abi_minor, "lowest ABI minor, where the major is the lowest"),
    KEY(POLICY_U32, max_abi_major, "highest ABI that the guest demands"),
    KEY(POLICY_U32, max_abi_minor, "highest ABI minor, where the major is the highest"),
    KEY(POLICY_U32, max_vmpl, "highest VMPL that a report may be asked for from"),
    KEY(POLICY_U32, min_guest_svn, "lowest guest SVN"),
    KEY(POLICY_U32, min_version_major, "lowest committed firmware version"),
    KEY(POLICY_U32, min_version_minor, "lowest minor, where the major is the lowest"),
    KEY(POLICY_U32, min_build, "lowest build of the committed firmware, where the version is the lowest"),
    MINS(current),
    MINS(reported),
    MINS(committed),
    MINS(launch),
    KEY(POLICY_BOOL, require_id_block, "guests launched with an ID block"),
    KEY(POLICY_BOOL, require_author_key, "guests whose ID key an author key has signed"),
    {"snp", "products", POLICY_WORD_LIST, offsetof(struct policy, snp.products), 0,
     "milan, genoa, siena (with Bergamo) or turin"},
    HEX(id_key_digests, 48, "accepted ID keys"),
    HEX(author_key_digests, 48, "accepted author keys"),
    HEX(host_data, 32, "accepted host data"),
    HEX(report_data, 64, "accepted report data"),
    HEX(measurements, 48, "accepted launch measurements"),
    HEX(family_ids, 16, "accepted family ids"),
    HEX(image_ids, 16, "accepted image ids"),
    HEX(chip_ids, 0, "accepted chips (64 bytes; Turin 8)"),
    HEX(denied_chip_ids, 0, "chips that are refused"),
    KEY(POLICY_U64, required_launch_mitigations, "bits that the launch mitigation vector must have"),
    KEY(POLICY_U64, required_current_mitigations, "bits that the current mitigation vector must have"),
};
const size_t num_snp_policy_keys = sizeof snp_policy_keys / sizeof snp_policy_keys[0];

void snp_policy_defaults(struct snp_policy *out, bool authentic)
{
    *out = (struct snp_policy){
        .require_chain = !authentic,
        .allow_debug = authentic,
        .allow_provisional = authentic,
        .allow_unordered_tcb = authentic,
        .max_abi_major = UINT32_MAX,
        .max_abi_minor = UINT32_MAX,
        .max_vmpl = UINT32_MAX,
    };
}
