/* Intel's collateral from where it is served: Intel's PCS or any PCCS (API v4; v3 as old PCCS caches still speak it), with
 * the store in front. What is fetched is checked against the pinned roots, its dates and what was seen before, and only then
 * kept; a source whose answer does not hold is left for the next. What it proves of a quote is the checks' business.
 * Intel PCS API v4; Intel PCCS design guide (rootcacrl, hex CRLs). */
#ifndef CVM_COLLATERAL_PCS_H
#define CVM_COLLATERAL_PCS_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/rpc/http.h"
#include "relayer/store/db.h"

#define PCS_URL "https://api.trustedservices.intel.com"

/* The caller's; everything is borrowed. */
struct pcs {
    struct db *db; /* NULL: nothing is kept */
    const struct roots *roots;
    const struct http_endpoint *sources; /* asked in this order; a URL may end in /sgx/certification/v4 (or v3) */
    size_t num_sources;                  /* 0: offline, what is kept is all there is */
    int64_t now_s;                       /* the real time: what is fetched must be valid now */
    long deadline_ms;                    /* per exchange; 0: 15 s */
    bool refresh;                        /* fetch even what is kept and good */
};

enum pcs_thing { PCS_ROOT_CRL, PCS_PCK_CRL, PCS_TCB_INFO, PCS_QE_IDENTITY, PCS_NUMBERS };

/* One thing to be had. */
struct pcs_want {
    enum pcs_thing thing;
    bool tdx;           /* else SGX: TCB info, QE identity, numbers */
    bool early;         /* update=early: TCB info, QE identity */
    uint8_t fmspc[6];   /* TCB info */
    bool processor;     /* PCK CRL of the processor CA, else the platform CA */
};
#define PCS_MAX_WANTS 8

/* All that judging one platform's quotes needs; early: the next TCB evaluation data and Intel's list of their numbers too.
 * Returns how many were written. */
size_t pcs_wants(struct pcs_want out[static PCS_MAX_WANTS], bool tdx, const uint8_t fmspc[static 6], bool processor, bool early);
/* The same for what a quote's own PCK certificate says; 0 where there is none to read. */
size_t pcs_wants_of_quote(struct pcs_want out[static PCS_MAX_WANTS], struct bytes quote, bool early);
/* Which want an item would answer; false where it is nothing of Intel's. */
bool pcs_want_of_item(struct pcs_want *out, const struct collateral_item *item);
/* "intel/tcb/00806f050000/tdx", under which it is kept. Returns out. */
char *pcs_want_name(char *out, size_t size, const struct pcs_want *want);

enum pcs_from { PCS_NOWHERE = 0, PCS_KEPT, PCS_FETCHED };
struct pcs_outcome {
    enum pcs_from from;
    int64_t expires_s; /* by the collateral itself */
    struct err why;    /* PCS_NOWHERE; PCS_KEPT: why a due refresh did not work, else none */
};
/* Add each want to the pool, from the store while it is good (a third of its window left, or all that can be had), else from
 * the sources, all at once. outcomes: one per want. False when any came from nowhere, with the first reason. */
bool pcs_get(struct collateral *pool, const struct pcs *pcs, const struct pcs_want *wants, size_t num_wants,
             struct pcs_outcome *outcomes, struct err *err);
/* Everything of Intel's that is kept, good or not, into the pool. */
bool pcs_add_kept(struct collateral *pool, struct db *db, struct err *err);
/* Check what a pool holds of Intel's against the pinned roots and keep it; *kept counts. ERR_STORE and the like alone. */
bool pcs_keep_pool(size_t *kept, const struct pcs *pcs, const struct collateral *pool, struct err *err);

#endif
