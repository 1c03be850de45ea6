/* The SNP part of some evidence, opened: the report, the certificates picked for it, and what was found out about them
 * once so that several checks can speak of it. Shared by snp_open, snp_checks, snp_accept, snp_zk and snp_render;
 * nobody else's. */
#ifndef CVM_EVIDENCE_SNP_PART_H
#define CVM_EVIDENCE_SNP_PART_H

#include "crypto/base/text.h"
#include "crypto/crl.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/snp_certs.h"
#include "relayer/evidence/snp_report.h"

enum snp_crl_state {
    SNP_CRL_NONE, /* none given */
    SNP_CRL_BAD,  /* given, but none of them counts: crl_why */
    SNP_CRL_GOOD, /* signed by the ARK, valid now */
};

struct snp_part {
    bool has_report; /* its length is right */
    struct err report_why;
    struct snp_report report;

    bool has_table, bad_table; /* a certificate table was given; it cannot be used: table_why */
    struct err table_why;
    bool bad_cert; /* something given as a certificate does not parse: cert_why */
    struct err cert_why;

    struct snp_chain chain;
    bool has_leaf; /* chain.has_leaf, and its extensions parse: leaf; else leaf_why */
    struct snp_leaf leaf;
    struct err leaf_why;
    bool own_leaf;                 /* it came with the evidence itself */
    const struct pubkey *leaf_key; /* NULL: no leaf, or no P-384 key */
    struct pubkey *parsed_key;     /* ours to free; NULL: leaf_key is borrowed */
    enum snp_product product;      /* by CPUID, else by the leaf's issuer */

    bool judged;      /* a chain from leaf to intermediate was there to be judged: */
    bool root_pinned; /* it ends at a pinned key */
    const char *root_label;
    enum chain_fault fault; /* within the chain, whatever its root */
    struct err fault_why;

    enum snp_crl_state crl_state;
    struct crl crl;
    struct err crl_why;
};

/* The current TCB, the reported one, ... as this product lays them out. */
static inline struct snp_tcb snp_part_tcb(const struct snp_part *p, struct snp_raw_tcb raw)
{
    return snp_tcb_decode(raw, p->product);
}

/* Names of the high-water mark of the CRL: "amd-milan"; "crl/ARK-Milan", for a VLEK "crl/ARK-Milan/vlek" (AMD serves a
 * list for each, whose dates need not go together). */
const char *snp_mark_issuer(const struct snp_part *p);
const char *snp_mark_subject(const struct snp_part *p);

/* A component that is below what the policy wants. */
struct snp_short {
    char component[32];
    uint32_t have, need;
};
/* Those of have that are below min; what the product does not have is not looked at. prefix goes before the names. */
size_t snp_tcb_short_of(struct snp_short out[static 5], const char *prefix, struct snp_tcb have,
                        enum snp_product product, const struct snp_min_tcb *min);

/* SNP evidence there? (native or in a journal) */
bool snp_applies(const struct ev *ev);
void snp_open(struct ev *ev);
void snp_close(struct ev *ev);
void snp_render(const struct ev *ev, json_t *doc);
int64_t snp_expires(const struct ev *ev);
void snp_learn(const struct ev *ev);

#endif
