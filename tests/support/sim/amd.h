/* A simulated AMD: ARK, ASK, ASVK, VCEK and VLEK of one product, CRLs, attestation reports of versions 2, 3 and 5,
 * certificate tables, all under a root that nobody trusts unless told to. Layouts: AMD 56860 (report), AMD 57230
 * (certificates), AMD 56421 (certificate table). */
#ifndef CVM_SIM_AMD_H
#define CVM_SIM_AMD_H

#include "tests/support/sim/ca.h"

enum sim_product { SIM_MILAN, SIM_GENOA, SIM_SIENA /* certificates of Genoa */, SIM_TURIN };

struct sim_spl {
    uint8_t fmc, boot_loader, tee, snp, microcode;
};

struct sim_amd {
    struct sim_world world;
    enum sim_product product;
    struct sim_cert ark, ask, asvk, vcek, vlek;
    uint8_t hwid[64];   /* Turin: 8 bytes */
    struct sim_spl tcb; /* what VCEK, VLEK and reports say */
    /* for odd certificates; zero for the usual */
    const char *product_name; /* the leaf's extension; NULL: "Milan-B0", "Genoa", "Turin"; VLEK: without stepping */
    int64_t leaf_not_before_s, leaf_not_after_s;
};

/* Everything with defaults that verify. Keys and certificates are kept in world->dir where there is one. */
void sim_amd_init(struct sim_amd *amd, const struct sim_world *world, enum sim_product product);
void sim_amd_done(struct sim_amd *amd);
/* Issue VCEK and VLEK anew after hwid, tcb or the odd fields have changed; the keys stay. */
void sim_amd_reissue(struct sim_amd *amd);
const char *sim_product_name(enum sim_product product); /* in URLs and names: "Genoa" for Siena */

/* CRL of the ARK with these serials; malloc'd. */
enum { SIM_ASK_SERIAL = 0x10001, SIM_ASVK_SERIAL = 0x10101 };
struct bytes sim_amd_crl(const struct sim_amd *amd, int64_t this_update_s, int64_t next_update_s, uint64_t number,
                         const uint64_t *serials, size_t num_serials);
/* Intermediate, then ARK, as KDS gives them; malloc'd. */
char *sim_amd_chain(const struct sim_amd *amd, bool vlek);

#define SIM_REPORT_LEN 1184
/* A report with usual fields, ready to be signed: version 2, 3 or 5; vlek: for the VLEK's key, with the chip id masked.
 */
void sim_report(uint8_t out[static SIM_REPORT_LEN], const struct sim_amd *amd, uint32_t version, bool vlek);
/* Sign what stands in the first 0x2a0 bytes. */
void sim_report_sign(uint8_t report[static SIM_REPORT_LEN], EVP_PKEY *key);
/* TCB_VERSION in the product's layout. */
void sim_tcb_put(uint8_t out[static 8], const struct sim_amd *amd, struct sim_spl spl);

/* A certificate table with these parts (empty: left out), appended to out. */
struct sim_table {
    struct bytes ark, ask, vcek, vlek, crl;
};
void sim_table_put(struct buf *out, const struct sim_table *table);

#endif
