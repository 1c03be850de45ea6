/* Certificates and CRLs for an SNP report, from wherever they came: the bundle, a certificate table, the collateral
 * given. */
#ifndef CVM_EVIDENCE_SNP_GATHER_H
#define CVM_EVIDENCE_SNP_GATHER_H

#include "relayer/evidence/snp_part.h"

#define SNP_MAX_CRLS 16

/* Views; what they show belongs to the evidence, the collateral or ev->mem. A CRL that does not parse is there as well:
 * it was given, and does not count. */
struct snp_crls {
    struct bytes der[SNP_MAX_CRLS];
    bool pooled[SNP_MAX_CRLS]; /* lay in a folder or cache: not meant for this report unless its issuer says so */
    size_t count;
};
struct snp_gathered {
    struct snp_pool pool;
    size_t num_own; /* the first so many of the pool came with the evidence itself */
    struct snp_crls crls;
};
/* table: of an extended report; empty where there is none. Writes to p what was wrong with tables and certificates. */
void snp_gather(struct snp_gathered *out, struct ev *ev, struct snp_part *p, struct bytes table);

#endif
