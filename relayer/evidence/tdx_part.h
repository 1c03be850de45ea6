/* What a verification of Intel evidence works on: opened once by tdx_open, read by the check table and the renderer. */
#ifndef CVM_EVIDENCE_TDX_PART_H
#define CVM_EVIDENCE_TDX_PART_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tdx_pck.h"
#include "relayer/evidence/tdx_proof.h"
#include "relayer/evidence/tdx_quote.h"
#include "relayer/evidence/tdx_tcb.h"

/* The four pieces of collateral that every verification needs. */
enum role { ROLE_ROOT_CRL, ROLE_PCK_CRL, ROLE_TCB_INFO, ROLE_QE_IDENTITY, NUM_ROLES };
/* What is asked of each. */
enum aspect { ASPECT_FITS, ASPECT_SIGNED, ASPECT_DATED, NUM_ASPECTS };

struct role_state {
    const struct collateral_item *item; /* NULL: none fits */
    struct finding finding[NUM_ASPECTS];
    int64_t expires_s; /* earliest end of what it rests on; 0: none */
};
static inline bool role_good(const struct role_state *r)
{
    return r->finding[ASPECT_FITS].outcome == PASS && r->finding[ASPECT_SIGNED].outcome == PASS &&
           r->finding[ASPECT_DATED].outcome == PASS;
}

#define PCK_MAX_CERTS 8

struct tdx_part {
    bool has_header, parsed;
    struct err parse_err; /* where not parsed */
    struct quote_header header;
    struct tdx_quote quote;
    bool tdx; /* else SGX */

    /* PCK chain, leaf first; num_certs 0: none */
    struct cert *certs;
    size_t num_certs;
    struct finding pck; /* where it came from, or why there is none */
    struct pubkey *leaf_key, *own_ca_key; /* owned */
    const struct pubkey *ca_key;          /* own_ca_key, or one that is held */
    enum chain_fault chain_fault;     /* all but the dates */
    struct err chain_why;
    bool chain_ok;
    size_t root; /* index into roots->root; of the chain, or the one that collateral is asked of */
    bool has_pck;
    struct pck pck_info;
    struct err pck_why;

    struct proofs proofs;
    struct role_state role[NUM_ROLES];

    bool evaluated, early_evaluated;
    struct tcb_evaluation tcb, early_tcb;
    struct role_state early[NUM_ROLES]; /* TCB info and QE identity fetched with update=early */
    const struct evaluation_numbers *numbers; /* Intel's list, signed and in its window; NULL: none */
};

static inline const struct tcb_info *part_tcb_info(const struct tdx_part *p)
{
    return p->role[ROLE_TCB_INFO].item ? p->role[ROLE_TCB_INFO].item->json.tcb_info : NULL;
}
static inline const struct qe_identity *part_qe_identity(const struct tdx_part *p)
{
    return p->role[ROLE_QE_IDENTITY].item ? p->role[ROLE_QE_IDENTITY].item->json.qe_identity : NULL;
}

void tdx_open(struct ev *ev);
void tdx_close(struct ev *ev);
/* Find and judge collateral for each role; part->root, certs and pck_info are set. */
void tdx_select_collateral(const struct ev *ev, struct tdx_part *p);
/* TD: any bit of the TUD byte; SGX: ATTRIBUTES.DEBUG. */
bool tdx_is_debug(const struct tdx_quote *q);
void tdx_render(const struct ev *ev, json_t *doc);
int64_t tdx_expires(const struct ev *ev);

#endif
