#include "relayer/evidence/policy.h"

#define KEY(type, field, size, help) {"tpm", #field, type, offsetof(struct policy, tpm.field), size, help}

const struct policy_key tpm_policy_keys[] = {
    KEY(POLICY_BOOL, allow_sha1_bank, 0, "PCR values of the SHA-1 bank"),
    KEY(POLICY_BOOL, require_event_log, 0, "a TCG event log that replays to the quoted PCRs"),
    KEY(POLICY_BOOL, require_ak_certificate, 0, "an AK certificate that chains to a cloud's root"),
    KEY(POLICY_BOOL, require_safe_clock, 0, "the quote's clock must be marked safe"),
    KEY(POLICY_BOOL, require_golden, 0, "the measurement must stand in the golden file"),
    KEY(POLICY_HEX_LIST, ak_sha256, 32, "trusted AKs: SHA-256 of the SubjectPublicKeyInfo"),
    KEY(POLICY_HEX_LIST, firmware, 8, "accepted TPM firmware versions"),
    KEY(POLICY_WORD_LIST, zones, 0, "accepted zones of Google's AK certificate"),
    KEY(POLICY_WORD_LIST, projects, 0, "accepted project ids of Google's AK certificate"),
    KEY(POLICY_WORD_LIST, instances, 0, "accepted instance ids of Google's AK certificate"),
    KEY(POLICY_WORD_LIST, vm_ids, 0, "accepted vmUniqueId of Azure's claims"),
};
const size_t num_tpm_policy_keys = sizeof tpm_policy_keys / sizeof tpm_policy_keys[0];

void tpm_policy_defaults(struct tpm_policy *out, bool authentic)
{
    *out = (struct tpm_policy){.allow_sha1_bank = authentic};
}
