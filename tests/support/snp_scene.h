/* SNP evidence about to be judged, on a simulated AMD: the usual, then what a case changes. Every row of a table of checks has a case: good,
 * the rule is on and holds; else it is on and broken, and nothing else fails. */
#ifndef CVM_TESTS_SNP_SCENE_H
#define CVM_TESTS_SNP_SCENE_H

#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/snp_journal.h"
#include "tests/support/sim/amd.h"

#define NOW 1767225600 /* 2026-01-01 */
#define DAY 86400

extern struct sim_amd amds[4];
extern struct sim_amd stranger; /* a second Milan, another vendor */
/* Setup and teardown of a group of tests. */
int amds_make(void **state);
int amds_drop(void **state);

/* One piece of evidence. */
struct setup {
    const struct sim_amd *amd;
    bool vlek, sign;
    uint8_t report[SIM_REPORT_LEN + 1];
    size_t report_len;
    const struct sim_amd *signer;
    struct bytes leaf, intermediate, root; /* DER; empty: not given */
    struct bytes table;
    struct buf table_mem;
    struct bytes crl; /* malloc'd */
    bool no_crl;
    struct policy policy;
    int64_t now_s;
    struct mark mark;
    bool has_mark;
    bool zk;
    struct snp_journal journal;
    bool no_journal;
};
void setup_begin(struct setup *s, enum sim_product product, uint32_t version, bool vlek);
void setup_end(struct setup *s);
void use_crl(struct setup *s, struct bytes crl); /* takes it: malloc'd */
void fill_journal(struct setup *s);              /* what a prover would say of this evidence */
void judge(struct verdict *out, struct setup *s);
void print_bad(const struct verdict *v, const char *what); /* all that does not pass */

void put_le(uint8_t *at, size_t n, uint64_t v);

struct kase {
    const char *check;
    void (*change)(struct setup *s, bool good);
    const char *also;   /* one more that fails by its nature */
    enum outcome worst; /* of the broken one; 0: FAIL */
};
/* A table of cases, the tables of checks that they cover, and what strict refuses and authentic takes of it. */
struct kases {
    const struct kase *kase;
    size_t count;
    const struct kind *const *kinds;
    size_t num_kinds;
    void (*const *mild)(struct setup *s, bool good);
    size_t num_mild;
};
/* Tests of one table: a struct kases is their state (cmocka_unit_test_prestate). */
void every_check_passes_on_good_evidence(void **state);
void every_check_fails_alone(void **state);
void every_row_has_a_case(void **state); /* exactly one */
void authentic_takes_what_strict_refuses(void **state);

#endif
