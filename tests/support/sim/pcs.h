/* The simulated Intel's PCS over HTTP on loopback: API v4 (and v3's shape), as the PCS or a PCCS answers, with faults on
 * demand. One thread serves; what is served is made anew for each request. */
#ifndef CVM_SIM_PCS_H
#define CVM_SIM_PCS_H

#include "tests/support/sim/intel.h"

enum sim_fault {
    SIM_NO_FAULT = 0,
    SIM_STALE,         /* expired a day ago */
    SIM_FUTURE,        /* not yet valid */
    SIM_ROLLED_BACK,   /* a lower evaluation data number (CRLs: an older issue) than otherwise */
    SIM_WRONG_FMSPC,
    SIM_BAD_SIGNATURE,
    SIM_TRUNCATED,     /* the connection ends in the middle of the body */
    SIM_SLOW,          /* slow_ms late */
    SIM_BUSY,          /* 429 with Retry-After: retry_after_s */
    SIM_BROKEN,        /* 500 */
    SIM_NOT_FOUND,     /* 404 */
    SIM_NO_CHAIN,      /* without the issuer chain's header */
    SIM_REVOKED,       /* root CRL: the TCB signing certificate is on it */
    SIM_NUM_FAULTS,
};
const char *sim_fault_name(enum sim_fault fault); /* "rolled-back" */

struct sim_pcs; /* opaque */

struct sim_pcs_settings {
    bool hex_crls;   /* as PCCS hands CRLs out */
    bool old_header; /* v3's name of the TCB info chain header */
};
/* vendor is borrowed; listens on a free port. */
struct sim_pcs *sim_pcs_start(const struct sim_intel *vendor, const struct sim_pcs_settings *settings);
void sim_pcs_stop(struct sim_pcs *pcs);
/* "http://127.0.0.1:PORT" */
const char *sim_pcs_url(const struct sim_pcs *pcs);
/* From now on, the next count requests whose path contains part (NULL: any) meet this fault. */
void sim_pcs_fault(struct sim_pcs *pcs, enum sim_fault fault, const char *part, unsigned count);
void sim_pcs_timing(struct sim_pcs *pcs, unsigned slow_ms, unsigned retry_after_s);
unsigned sim_pcs_requests(const struct sim_pcs *pcs);

#endif
