/* A simulated confidential VM on a simulated cloud: boots (extends PCRs and RTMRs), binds its vTPM to its TEE the way Google
 * or Azure does (registry-v1 section 8), and gives complete evidence as a bundle. */
#ifndef CVM_SIM_CLOUD_H
#define CVM_SIM_CLOUD_H

#include "relayer/evidence/bundle.h"
#include "tests/support/sim/intel.h"
#include "tests/support/sim/tpm.h"

struct sim_vm {
    enum cloud cloud;
    struct sim_intel intel;
    struct sim_tpm tpm;
    struct sim_cert root, intermediate, ak; /* Google's kind of chain; the AK's certificate is issued at each start */
    char *var_data;                         /* Azure: the JSON whose hash is in report_data; malloc'd */
    uint8_t report_id[16];                  /* Google TDX */
};
struct sim_boot {
    enum cloud cloud;
    unsigned version; /* of the software that booted: another one, another PCR 11 */
    unsigned machine; /* that it runs on: another one, another TPM and attestation key */
    unsigned level;   /* of that machine's microcode and firmware, see sim_intel_level */
};

/* Boot a VM whose keys and TPM live in world->dir (which must exist). */
void sim_vm_start(struct sim_vm *vm, const struct sim_world *world, const struct sim_boot *boot);
void sim_vm_stop(struct sim_vm *vm);
/* TDX evidence whose TPM quote carries extra_data. identity may be absent. */
struct bundle sim_vm_evidence(struct sim_vm *vm, const struct identity *identity, struct bytes extra_data);
/* PEM of the roots that must be trusted for whatever this world's VMs say: Intel's and Google's kind; malloc'd. */
char *sim_roots(const struct sim_world *world, const struct sim_intel *intel);

#endif
