/* Intel's signed JSON: TCB info (v3 for SGX and TDX, v2 for SGX), QE identity v2, TCB evaluation data numbers; bytes to
 * structs, with the exact range of bytes that the signature covers. Whether the signature holds and the dates fit is
 * tdx_checks' business. Intel PCS API v4 (2024), appendices A and B of the DCAP quote library's documents for v2.
 * Members that we do not know are left alone: Intel adds some, and they are signed. */
#ifndef CVM_EVIDENCE_TDX_COLLATERAL_H
#define CVM_EVIDENCE_TDX_COLLATERAL_H

#include "crypto/base/arena.h"
#include "crypto/base/json_scan.h"

/* The PCS's words for a level, then the two that only come out of convergence. */
enum tcb_status {
    TCB_NONE = 0,
    TCB_UP_TO_DATE,
    TCB_SW_HARDENING_NEEDED,
    TCB_CONFIGURATION_NEEDED,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    TCB_OUT_OF_DATE,
    TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    TCB_REVOKED,
    TCB_TD_RELAUNCH_ADVISED,
    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
};
#define TCB_NUM_STATUSES (TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED + 1)
const char *tcb_status_name(enum tcb_status s); /* "UpToDate" */
/* TCB_NONE where the word is none of them. */
enum tcb_status tcb_status_from_name(struct bytes name);

struct advisories {
    struct bytes *id; /* "INTEL-SA-00615" */
    size_t count;
};

/* What any level says once it has been reached. */
struct tcb_outcome {
    enum tcb_status status;
    int64_t date_s;
    struct advisories advisories;
};

struct tcb_component {
    uint8_t svn;
    struct bytes category, type; /* "BIOS", "Early Microcode Update"; empty where the PCS is silent */
};

struct tcb_level {
    struct tcb_component sgx[16], tdx[16];
    uint16_t pcesvn;
    struct tcb_outcome outcome;
};

struct isv_level { /* of a QE or of a TDX module */
    uint16_t isv_svn;
    struct tcb_outcome outcome;
};
struct isv_levels {
    struct isv_level *level; /* best first, as the PCS sorts them */
    size_t count;
};

struct tdx_module {
    struct bytes id; /* "TDX_01"; empty for tdxModule */
    uint8_t mr_signer[48], attributes[8], attributes_mask[8];
    struct isv_levels levels; /* empty for tdxModule */
};

/* What all three kinds begin with. */
struct signed_head {
    struct bytes id; /* "TDX", "SGX", "TD_QE", "QE" */
    uint32_t version;
    int64_t issued_s, next_update_s; /* both ends are valid */
    uint32_t evaluation_number; /* the highest of the list for evaluation data numbers */
};

struct tcb_info {
    struct signed_head head;
    bool tdx;
    uint8_t fmspc[6], pce_id[2];
    struct tdx_module module; /* TDX: the module of major version 0 */
    struct tdx_module *modules;
    size_t num_modules;
    struct tcb_level *levels; /* best first, as the PCS sorts them */
    size_t num_levels;
};

struct qe_identity {
    struct signed_head head;
    bool tdx; /* TD_QE */
    uint8_t miscselect[4], miscselect_mask[4]; /* in the report's order of bytes */
    uint8_t attributes[16], attributes_mask[16], mr_signer[32];
    uint16_t isv_prod_id;
    struct isv_levels levels;
};

struct evaluation_number {
    uint32_t number;
    int64_t recovery_event_s, tcb_date_s; /* 0 where absent */
};
struct evaluation_numbers {
    struct signed_head head;
    bool tdx;
    struct evaluation_number *number;
    size_t count;
};

enum signed_kind { SIGNED_NONE = 0, SIGNED_TCB_INFO, SIGNED_QE_IDENTITY, SIGNED_EVALUATION_NUMBERS };

/* One answer of the PCS, taken apart. */
struct signed_json {
    enum signed_kind kind;
    struct bytes body; /* exactly what the signature covers */
    uint8_t sig[64];   /* r then s */
    const struct signed_head *head;
    union {
        const struct tcb_info *tcb_info;
        const struct qe_identity *qe_identity;
        const struct evaluation_numbers *numbers;
    };
};

/* {"tcbInfo": .., "signature": ".."} and its siblings; doc is a judged text, which must outlive out. Structs go to mem.
 * SIGNED_NONE is never given: ERR_FORMAT names the member. */
bool signed_json_parse(struct signed_json *out, struct arena *mem, struct json_range doc, struct err *err);
/* Which kind a judged document is by its members; SIGNED_NONE where it is none. */
enum signed_kind signed_json_kind(struct json_range doc);
const char *signed_kind_name(enum signed_kind kind);   /* "TCB info" */
const char *signed_kind_member(enum signed_kind kind); /* "tcbInfo" */

#endif
