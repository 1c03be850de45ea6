/* A software TPM (swtpm) as a simulated VM's vTPM: a real TPM 2.0 that extends, holds a restricted attestation key and
 * quotes. Its state lives in a folder, so that the key stays the same from run to run. */
#ifndef CVM_SIM_TPM_H
#define CVM_SIM_TPM_H

#include "crypto/base/bytes.h"

#include <openssl/evp.h>
#include <sys/types.h>
#include <tss2/tss2_esys.h>

struct sim_tpm {
    pid_t swtpm;
    ESYS_CONTEXT *esys;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_TR ak;
    bool rsa;
    TPM2B_PUBLIC ak_public;
};

/* Start swtpm on the state in dir (made when it is not there) and make the attestation key: P-256 ECDSA-SHA256 (Google's
 * kind) or RSA-2048 RSASSA-SHA256 (Azure's). The key is an endorsement primary: the same each time. Ends the program on failure. */
void sim_tpm_start(struct sim_tpm *tpm, const char *dir, bool rsa);
void sim_tpm_stop(struct sim_tpm *tpm);
void sim_tpm_extend(struct sim_tpm *tpm, unsigned pcr, struct hash32 digest);
struct hash32 sim_tpm_read(struct sim_tpm *tpm, unsigned pcr);
/* TPMS_ATTEST and TPMT_SIGNATURE appended; pcrs: bit n selects PCR n of the SHA-256 bank. */
void sim_tpm_quote(struct sim_tpm *tpm, struct buf *attest, struct buf *signature, struct bytes extra_data, uint32_t pcrs);
/* TPMT_PUBLIC appended. */
void sim_tpm_public(const struct sim_tpm *tpm, struct buf *out);
EVP_PKEY *sim_tpm_key(const struct sim_tpm *tpm); /* public half; the caller frees it */

#endif
