/* What a piece of evidence needs to be judged and the caller does not have, from the store and, unless offline, from where it
 * is served: Intel's PCS or PCCS, AMD's KDS. */
#ifndef CVM_COLLATERAL_GATHER_H
#define CVM_COLLATERAL_GATHER_H

#include "relayer/collateral/kds.h"
#include "relayer/collateral/pcs.h"
#include "relayer/config.h"
#include "relayer/evidence/bundle.h"

struct gather {
    struct db *db; /* borrowed; NULL: nothing is kept */
    bool offline;
    bool early; /* ask for Intel's next TCB evaluation data too; what is kept of it is taken in any case */
    struct http *http; /* owned; AMD's */
    struct http_endpoint *pcs; /* owned */
    size_t num_pcs;
    struct http_endpoint *kds; /* owned */
    size_t num_kds;
    const char *thim_url; /* NULL: not asked */
};

/* cfg is borrowed. ERR_NOMEM. */
bool gather_init(struct gather *out, const struct config *cfg, struct db *db, bool offline, struct err *err);
void gather_done(struct gather *g);
/* Add to the pool what judging this bundle now wants and the pool lacks. False with the first thing that cannot be had: the
 * checks will say what that means. */
bool gather_for(const struct gather *g, struct collateral *pool, const struct roots *roots, const struct bundle *bundle,
                int64_t now_s, struct err *err);

/* The same sources for AMD's things by name. */
struct kds gather_kds(const struct gather *g, const struct roots *roots, int64_t now_s);

#endif
