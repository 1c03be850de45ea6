/* What is accepted of SEV-SNP evidence, beyond authenticity. */
#ifndef CVM_EVIDENCE_SNP_POLICY_H
#define CVM_EVIDENCE_SNP_POLICY_H

#include "relayer/evidence/policy_types.h"

#include <stdbool.h>

/* Lowest accepted value of each component; 0: any. What a product does not have (fmc before Turin) is not looked at. */
struct snp_min_tcb {
    uint32_t fmc, boot_loader, tee, snp, microcode;
};

struct snp_policy {
    bool require_chain; /* the ARK's certificate too, though its key is pinned */
    /* guest policy (AMD 56860 4.3), and the platform info that goes with it */
    bool allow_debug, allow_provisional, allow_unordered_tcb;
    bool forbid_migration_agent, forbid_smt, require_single_socket, forbid_cxl;
    bool require_aes_256_xts, require_rapl_off, require_ciphertext_hiding, require_page_swap_off;
    bool require_tsme, require_ecc, require_alias_check;
    uint32_t min_abi_major, min_abi_minor, max_abi_major, max_abi_minor; /* maxima: UINT32_MAX: any */
    uint32_t max_vmpl;
    uint32_t min_guest_svn;
    uint32_t min_build, min_version_major, min_version_minor; /* committed firmware */
    struct snp_min_tcb min_current, min_reported, min_committed, min_launch;
    bool require_id_block; /* an id key digest other than zero */
    bool require_author_key;
    struct policy_word_list products; /* "milan", "genoa", "siena" (with Bergamo), "turin" */
    struct policy_hex_list id_key_digests, author_key_digests, host_data, report_data, measurements, family_ids,
        image_ids;
    struct policy_hex_list chip_ids, denied_chip_ids;
    uint64_t required_launch_mitigations, required_current_mitigations; /* bits that must be set */
};

#endif
