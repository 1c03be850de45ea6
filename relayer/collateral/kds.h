/* AMD's certificates and CRLs from where they are served: AMD's KDS or a mirror with its paths, and Azure's THIM for
 * the VCEK of this machine. What is fetched is checked against the pinned roots before it is kept: a VCEK and a chain
 * for ever, a CRL until its nextUpdate. What it proves of some evidence is the checks' business. AMD 57230 (URLs,
 * extensions). */
#ifndef CVM_COLLATERAL_KDS_H
#define CVM_COLLATERAL_KDS_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/roots.h"
#include "relayer/evidence/snp_report.h"
#include "relayer/rpc/http.h"
#include "relayer/store/db.h"

#define KDS_URL  "https://kdsintf.amd.com"
#define THIM_URL "http://169.254.169.254/metadata/THIM/amd/certification"

/* The caller's; everything is borrowed. */
struct kds {
    struct http *http; /* NULL: offline, what is kept is all there is */
    struct db *db;     /* NULL: nothing is kept */
    const struct roots *roots;
    const struct http_endpoint *sources; /* KDS and its mirrors, asked in this order */
    size_t num_sources;
    const char *thim_url; /* NULL: not asked */
    int64_t now_s;        /* the real time: what is fetched must be valid now */
    long deadline_ms;     /* per exchange; 0: 15 s */
    bool refresh;         /* fetch even what is kept and good */
};

/* VCEKs hang under the ASK, VLEKs under the ASVK; each has a chain and a CRL of its own at KDS. */
enum kds_branch { KDS_VCEK, KDS_VLEK };

/* Each adds what it names to the pool, from the store or from a source. ERR_STALE: not kept, and offline. ERR_NET: no
 * source had it; the text names the last one's answer. ERR_REFUSED: what came does not hold against the pinned roots.
 */
bool kds_chain(struct collateral *pool, const struct kds *kds, enum snp_product product, enum kds_branch branch,
               struct err *err);
bool kds_crl(struct collateral *pool, const struct kds *kds, enum snp_product product, enum kds_branch branch,
             struct err *err);
/* hwid: 64 bytes, Turin 8. */
bool kds_vcek(struct collateral *pool, const struct kds *kds, enum snp_product product, struct bytes hwid,
              struct snp_raw_tcb tcb, struct err *err);

/* All that judging this report needs and own (what the evidence and the caller bring; NULL: nothing) lacks: chain, CRL,
 * VCEK. Adds what can be had; false with the first thing that cannot. A VLEK is not served: it comes with the evidence.
 * A report of version 2 does not name its product: its leaf does, else the products of that time are tried. */
bool kds_for_report(struct collateral *pool, const struct kds *kds, const struct snp_report *report,
                    const struct collateral *own, struct err *err);

/* --- what is kept --- */

/* Everything of AMD's that is kept, good or not, into the pool. */
bool kds_add_kept(struct collateral *pool, struct db *db, struct err *err);
/* Check what a pool holds of AMD's against the pinned roots and keep it: chains, VCEKs whose chain is there too, CRLs
 * (a list does not say which of the two branches it is for, so it is kept for both). *kept counts. ERR_STORE and the
 * like alone. */
bool kds_keep_pool(size_t *kept, const struct kds *kds, const struct collateral *pool, struct err *err);

/* The path below a source's URL, appended: for tests and for people without a network. */
void kds_vcek_path(struct buf *out, enum snp_product product, struct bytes hwid, struct snp_raw_tcb tcb);
void kds_chain_path(struct buf *out, enum snp_product product, enum kds_branch branch);
void kds_crl_path(struct buf *out, enum snp_product product, enum kds_branch branch);

#endif
