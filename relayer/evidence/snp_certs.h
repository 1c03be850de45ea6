/* AMD's certificates: what a VCEK or VLEK says about its chip, the certificate table beside an extended report, and
 * picking from a heap of certificates those that belong to one report. Knows names and extensions, holds no opinion:
 * judging the chain is snp_checks' business. AMD 57230 (extensions, names), AMD 56421 (certificate table). */
#ifndef CVM_EVIDENCE_SNP_CERTS_H
#define CVM_EVIDENCE_SNP_CERTS_H

#include "crypto/pem.h"
#include "crypto/x509.h"
#include "relayer/evidence/roots.h"
#include "relayer/evidence/snp_report.h"

/* By common name: ARK-<product>, SEV-<product>, SEV-VLEK-<product>, SEV-VCEK, SEV-VLEK. */
enum snp_cert_kind { SNP_CERT_OTHER = 0, SNP_CERT_ARK, SNP_CERT_ASK, SNP_CERT_ASVK, SNP_CERT_VCEK, SNP_CERT_VLEK };
const char *snp_cert_kind_name(enum snp_cert_kind kind); /* "VCEK" */

/* Kind and product of a Name. SNP_UNKNOWN where the name has no product (leaves) or one that we do not know. */
enum snp_cert_kind snp_name_kind(struct bytes name, enum snp_product *product);
enum root_use snp_root_use(enum snp_product product); /* SNP_UNKNOWN: ROOT_EXTRA */
/* "Milan", "Genoa" or "Turin", the part of text before any dash. */
enum snp_product snp_product_from_text(struct bytes text);

/* The extensions of a leaf, 1.3.6.1.4.1.3704.1.* */
struct snp_leaf {
    enum snp_cert_kind kind; /* by subject */
    enum snp_cert_kind issuer_kind;
    enum snp_product product; /* by issuer */
    enum snp_product named;   /* by the product name extension */
    struct bytes product_name;
    struct snp_tcb tcb;   /* the SPLs by component */
    bool spl_unused_zero; /* SPL 4 to 7, where given */
    struct bytes hwid;    /* VCEK: 64 bytes, Turin 8 */
    struct bytes csp_id;  /* VLEK */
};
/* ERR_FORMAT: an extension that should be there is not, or is not what it should be. */
bool snp_leaf_parse(struct snp_leaf *out, const struct cert *cert, struct err *err);

/* --- certificate table --- */

enum snp_table_kind {
    SNP_TABLE_ARK,
    SNP_TABLE_ASK /* or ASVK */,
    SNP_TABLE_VCEK,
    SNP_TABLE_VLEK,
    SNP_TABLE_CRL,
    SNP_TABLE_KINDS
};

#define SNP_TABLE_MAX_ENTRIES 64

/* Views into the table; empty where it has no such entry. Entries of unknown GUIDs are passed over. */
struct snp_table {
    struct bytes entry[SNP_TABLE_KINDS];
    size_t num_entries; /* all of them */
};
/* ERR_FORMAT: no terminator, a GUID twice, an entry that is empty, overlaps another or the header, or leaves the data.
 */
bool snp_table_parse(struct snp_table *out, struct bytes in, struct err *err);
/* Does in begin as a certificate table does: with a GUID that AMD 56421 names? */
bool snp_table_recognise(struct bytes in);

/* --- picking --- */

#define SNP_MAX_CERTS 64

/* Certificates from anywhere. The views' bytes belong to others. */
struct snp_pool {
    struct cert cert[SNP_MAX_CERTS];
    const struct pubkey *key[SNP_MAX_CERTS]; /* parsed already by whoever has the certificate, or NULL */
    size_t count;
};
/* Does nothing for one that is there already; false when the pool is full. */
bool snp_pool_add(struct snp_pool *pool, const struct cert *cert, const struct pubkey *key);

struct snp_chain {
    struct cert cert[3];           /* leaf, intermediate, root */
    const struct pubkey *leaf_key; /* as in the pool */
    bool has_leaf, has_intermediate, has_root;
};
/* The chain above the leaf at this index: its issuer and that one's, as far as they can be found. */
void snp_pool_chain(struct snp_chain *out, const struct snp_pool *pool, size_t leaf);
/* Is it a VCEK or VLEK by its name? */
bool snp_is_leaf(const struct cert *cert);
/* Those that belong to this report. A leaf that fits the report's key kind, TCB and chip is preferred to one that does
 * not, one that is valid at now_s to one that is not. A lone leaf (intermediate, root) that does not fit is taken too,
 * so that the checks can say what does not fit; of several that do not fit none is. */
void snp_pool_pick(struct snp_chain *out, const struct snp_pool *pool, const struct snp_report *report, int64_t now_s);

#endif
