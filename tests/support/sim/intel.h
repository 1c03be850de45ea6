/* A simulated Intel: root, PCK CAs, PCK certificates with the SGX extensions, quoting enclaves, TDX and SGX quotes with
 * chosen measurements, and the collateral that judges them (TCB info v3, QE identity v2, CRLs), all under a root that nobody
 * trusts unless told to. Field layouts: Intel DCAP quote library, PCK certificate profile, PCS API v4. */
#ifndef CVM_SIM_INTEL_H
#define CVM_SIM_INTEL_H

#include "tests/support/sim/ca.h"

struct sim_tcb {
    uint8_t sgx[16], tdx[16]; /* component SVNs */
    uint16_t pcesvn;
};

/* One platform of the simulated vendor. */
struct sim_intel {
    struct sim_world world;
    struct sim_cert root, platform_ca, processor_ca, tcb_signing, pck;
    bool processor; /* the PCK certificate comes from the processor CA and has no platform extensions */
    uint8_t ppid[16], fmspc[6], pce_id[2];
    struct sim_tcb tcb;  /* what the PCK certificate and the quote say */
    EVP_PKEY *attestation_key;
    uint8_t qe_auth[32];
    uint16_t qe_isv_svn;
    uint8_t qe_mr_signer[32], mr_signer_seam[48];
};

/* What a platform says of itself: level 0 as it was bought, each update one more. */
struct sim_tcb sim_intel_level(unsigned level);
/* Everything with defaults that verify as UpToDate, of level 0. Keys and certificates are kept in world->dir where there is one. */
void sim_intel_init(struct sim_intel *intel, const struct sim_world *world);
void sim_intel_done(struct sim_intel *intel);
/* Issue the PCK certificate anew after ppid, fmspc, pce_id, tcb or processor have changed. */
void sim_intel_reissue_pck(struct sim_intel *intel);

struct sim_td {
    uint8_t mr_td[48], mr_seam[48], rtmr[4][48], report_data[64];
    uint8_t mr_config_id[48], mr_owner[48], mr_owner_config[48];
    uint64_t seam_attributes, attributes, xfam;
    uint8_t tcb_svn2[16], mr_service_td[48]; /* TD 1.5 */
};
struct sim_enclave {
    uint8_t mr_enclave[32], mr_signer[32], report_data[64];
    uint64_t flags, xfrm;
    uint16_t isv_prod_id, isv_svn;
};

enum sim_quote { SIM_QUOTE_V4 = 4, SIM_QUOTE_V5_TD10 = 5, SIM_QUOTE_V5_TD15 = 6 };
/* Complete quotes appended to out. */
void sim_td_quote(struct buf *out, const struct sim_intel *intel, enum sim_quote form, const struct sim_td *td);
void sim_sgx_quote(struct buf *out, const struct sim_intel *intel, const struct sim_enclave *enclave);

struct sim_level {
    struct sim_tcb tcb;
    const char *status, *date; /* "UpToDate", "2026-01-01T00:00:00Z" */
    const char *advisories[4]; /* NULL-terminated */
};
struct sim_collateral {
    int64_t issued_s, next_update_s;
    unsigned evaluation_number;
    const struct sim_level *levels; /* best first; NULL: one level, the platform's own, UpToDate */
    size_t num_levels;
    const char *qe_status;     /* NULL: UpToDate */
    const char *module_status; /* NULL: UpToDate */
    bool sgx; /* TCB info and QE identity for SGX */
};
/* {"tcbInfo":{..},"signature":".."} and {"enclaveIdentity":..}, malloc'd text. */
char *sim_tcb_info(const struct sim_intel *intel, const struct sim_collateral *c);
char *sim_qe_identity(const struct sim_intel *intel, const struct sim_collateral *c);
/* {"tcbEvaluationDataNumbers":..}: number (the next one) with its recovery event, and the one before it, two years older. */
char *sim_evaluation_numbers(const struct sim_intel *intel, const struct sim_collateral *c, unsigned number, int64_t recovery_event_s);
/* PEM chains, malloc'd. */
char *sim_tcb_chain(const struct sim_intel *intel);
char *sim_pck_chain(const struct sim_intel *intel);    /* PCK, CA, root: what a quote carries */
char *sim_pck_ca_chain(const struct sim_intel *intel); /* CA, root */

#endif
