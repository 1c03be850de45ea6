/* Is what came what was asked for, and does it hold against the pinned roots? Pure: bytes in, yes or no out. */
#ifndef CVM_COLLATERAL_KDS_CHECK_H
#define CVM_COLLATERAL_KDS_CHECK_H

#include "relayer/collateral/kds.h"

/* One thing to be had. */
struct kds_want {
    enum kds_thing { KDS_CHAIN, KDS_CRL, KDS_LEAF } thing;
    enum snp_product product;
    enum kds_branch branch;
    struct bytes hwid; /* KDS_LEAF */
    struct snp_raw_tcb tcb;
    struct bytes chain; /* KDS_LEAF: PEM or DER of a chain that has been checked */
};

/* What it is kept under: "amd" and the path at KDS, which names it completely. */
bool kds_want_name(char *out, size_t size, const struct kds_want *want, struct err *err);

/* body: PEM or DER. *expires_s: until when it may be kept (0: for ever). ERR_FORMAT, ERR_REFUSED. */
bool kds_check(int64_t *expires_s, const struct kds_want *want, struct bytes body, const struct roots *roots,
               int64_t now_s, struct err *err);

#endif
