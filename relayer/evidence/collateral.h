/* What evidence is judged with, whoever's it is: a pool of recognised collateral. Recognised by content, never by name:
 * Intel's signed JSON (TCB info, QE identity, TCB evaluation data numbers), certificates and CRLs (PEM, DER, hex of DER),
 * AMD's GUID certificate tables and Azure's THIM answer, dcap-qvl's JSON, our own export "cvm-collateral/1".
 * What cannot be read stays in the pool as unreadable, with a guess of what it was, so that the check that wants it can say
 * so. Nothing here is trusted: signatures, dates and revocation are the checks' business. Once filled, a pool may be used
 * from several threads. */
#ifndef CVM_EVIDENCE_COLLATERAL_H
#define CVM_EVIDENCE_COLLATERAL_H

#include "crypto/base/arena.h"
#include "crypto/crl.h"
#include "crypto/x509.h"
#include "relayer/evidence/tdx_collateral.h"

enum collateral_kind {
    COLLATERAL_UNREADABLE = 0,
    COLLATERAL_SIGNED, /* Intel's signed JSON */
    COLLATERAL_CERTS,
    COLLATERAL_CRL,
    COLLATERAL_TABLE, /* AMD's GUID certificate table, not taken apart (snp_certs.h) */
};

#define COLLATERAL_MAX_ITEMS 1024
#define COLLATERAL_MAX_CERTS 16 /* in one file */
#define COLLATERAL_NONE      SIZE_MAX

struct proofs;
struct snp_proofs;

/* Where an item's neighbours count. */
enum collateral_order {
    COLLATERAL_LISTED, /* named one by one: the issuer chain of a signed answer is the item right behind it, as the PCS
                        * hands the two out together */
    COLLATERAL_POOLED, /* a directory, a cache: any chain of the pool may serve */
};

struct collateral_item {
    enum collateral_kind kind;
    const char *origin;       /* file name or the like, for messages */
    struct bytes raw;         /* as it came; of a part of a larger file, that part */
    enum collateral_order order;
    bool early;               /* labelled as fetched with update=early */
    bool borrowed;            /* another pool's (collateral_join) */
    /* COLLATERAL_UNREADABLE */
    enum collateral_kind guess;
    enum signed_kind guess_signed;
    char why[160];
    /* COLLATERAL_SIGNED */
    struct signed_json json;
    size_t chain; /* index of its issuer chain's item; COLLATERAL_NONE: see order */
    /* COLLATERAL_CERTS: in the order of the file */
    struct cert *certs;
    struct pubkey **keys; /* of certs; NULL where the key is of no kind that we use */
    size_t num_certs;
    /* COLLATERAL_CRL */
    struct crl crl;
};

struct collateral {
    struct arena mem;
    struct collateral_item *items;
    size_t count, cap;
    struct proofs *proofs; /* tdx_proof.h: what has been proved beforehand; NULL: nothing */
    struct snp_proofs *snp_proofs; /* snp_proof.h: the same of AMD's chains */
};

/* Empty, with its ceiling (64 MiB). */
struct collateral collateral_new(void);
void collateral_done(struct collateral *pool);
/* Add what one file (or answer, or member of a bundle) holds. Content is never an error: see above. Bytes are copied.
 * ERR_NOMEM: no memory, or more than COLLATERAL_MAX_ITEMS. */
bool collateral_add(struct collateral *pool, const char *origin, struct bytes data, enum collateral_order order,
                    struct err *err);
/* A signed answer with the chain that came with it. */
bool collateral_add_signed(struct collateral *pool, const char *origin, struct bytes json, struct bytes chain_pem,
                           bool early, struct err *err);
/* Everything of more, which must outlive pool and not change, as if it had been added. */
bool collateral_join(struct collateral *pool, const struct collateral *more, struct err *err);
/* "TCB info", "certificates": what an item is, or seems to have been. */
const char *collateral_item_name(const struct collateral_item *item);
/* The issuer chain of a signed item: COLLATERAL_CERTS, or unreadable; NULL where there is none. candidate counts from 0:
 * a pooled item may have several. */
const struct collateral_item *collateral_chain(const struct collateral *pool, const struct collateral_item *item,
                                               size_t candidate);
/* The pool as "cvm-collateral/1" appended to out: {"format", "items": [{"kind", "origin", "data", "chain", "update"}]};
 * data is the document's own text, or "0x" hex of DER. Reading it back gives the same pool, unreadable items left out. */
bool collateral_export(struct buf *out, const struct collateral *pool, struct err *err);
/* One platform's collateral as dcap-qvl's JSON (QuoteCollateralV3). ERR_STALE names what the pool lacks. */
bool collateral_export_dcap_qvl(struct buf *out, const struct collateral *pool, bool tdx, const uint8_t fmspc[static 6],
                                bool processor, struct err *err);

#endif
