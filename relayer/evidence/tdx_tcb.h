/* Platform SVNs against the levels of TCB info and QE identity: status, date, advisories, and what is short of the newest
 * level. Pure; signatures and dates of the collateral are somebody else's business.
 * Intel's quote verification library, "TCB evaluation" 4.1.2.5.1 (SGX), 4.1.2.5.2 (TDX), 4.1.2.5.1.20 (TD 1.5 relaunch);
 * PCS API v4, "How to determine the status". */
#ifndef CVM_EVIDENCE_TDX_TCB_H
#define CVM_EVIDENCE_TDX_TCB_H

#include "relayer/evidence/tdx_collateral.h"

/* What a platform has. */
struct tcb_have {
    const uint8_t *components; /* 16 SGX component SVNs, of the PCK certificate */
    uint16_t pce_svn;
    uint16_t qe_isv_svn;
    const uint8_t *tdx;  /* TEE_TCB_SVN, 16; NULL for SGX */
    const uint8_t *tdx2; /* TEE_TCB_SVN2 of a TD 1.5 body; NULL where there is none */
};

enum tcb_fault {
    TCB_FOUND = 0,
    TCB_NO_LEVEL,        /* below every platform level */
    TCB_NO_MODULE,       /* no identity for the module's major version */
    TCB_NO_MODULE_LEVEL, /* below every level of the module */
    TCB_NO_QE_LEVEL,
};

struct tcb_short {
    char component[80]; /* "sgx[1] OS/VMM SGX Late Microcode Update", "pcesvn", "tdx_module", "qe" */
    unsigned have, need;
};
#define TCB_MAX_SHORT 35

struct tcb_evaluation {
    enum tcb_fault fault; /* the first, in the order of the steps; then what follows is filled in as far as it goes */
    const char *fault_in; /* "tee_tcb_svn", "tee_tcb_svn2" */
    const struct tcb_level *platform;
    const struct tdx_module *module; /* NULL: SGX, or major version 0 */
    const struct isv_level *module_level, *qe_level;
    enum tcb_status status, launch, current; /* converged; as launched; TD 1.5: as updated since, else TCB_NONE */
    int64_t date_s;                          /* earliest of the levels' */
    struct advisories advisories;            /* union, sorted */
    struct tcb_short missing[TCB_MAX_SHORT]; /* against the newest level that is up to date (or the newest) */
    size_t num_missing;
};

/* mem holds the advisories. False without memory. */
bool tcb_evaluate(struct tcb_evaluation *out, struct arena *mem, const struct tcb_have *have,
                  const struct tcb_info *info, const struct qe_identity *qe);
/* Step by step, for checks that ask for one thing alone. NULL where there is none. */
const struct tdx_module *tcb_find_module(const struct tcb_info *info, uint8_t major);
const struct isv_level *tcb_find_isv(const struct isv_levels *levels, uint16_t isv_svn);
enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status module, enum tcb_status qe);
enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status current);

#endif
