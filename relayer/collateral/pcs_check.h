/* Is what came what was asked for, does it hold against the pinned roots, is it of today? And where a document stands at a
 * source. Pure: bytes in, an answer out. */
#ifndef CVM_COLLATERAL_PCS_CHECK_H
#define CVM_COLLATERAL_PCS_CHECK_H

#include "relayer/collateral/pcs.h"

struct pcs_found {
    size_t item; /* index into the pool */
    int64_t issued_s, expires_s;
    size_t root; /* index into roots->root: where its chain ends */
};
/* The document of the pool that the want asks for, if it holds now. ERR_FORMAT: it cannot be read, or is another one.
 * ERR_REFUSED: signature, chain. ERR_STALE: dates. */
bool pcs_check(struct pcs_found *out, const struct pcs_want *want, const struct collateral *pool, const struct roots *roots,
               int64_t now_s, struct err *err);
/* The path below a source's URL, appended; version 3 or 4. */
void pcs_path(struct buf *out, const struct pcs_want *want, int version);
/* The response header that carries the issuer chain; NULL: none does. */
const char *pcs_chain_header(const struct pcs_want *want, int version);
/* A source's URL without /sgx/certification/vN and slashes at its end, and that N (4 where it names none). */
int pcs_base_url(char *out, size_t size, const char *url);
/* %-decoded, appended. ERR_FORMAT: damaged escape, a NUL. */
bool pcs_url_decode(struct buf *out, struct bytes text, struct err *err);

#endif
