/* Good TPM evidence of one boot, made by a simulated Intel and AKs of our own: begin() fills in all up to what is signed, finish() signs
 * and puts the rest together. A test changes one thing before or after. */
#ifndef CVM_TESTS_TPM_SCENE_H
#define CVM_TESTS_TPM_SCENE_H

#include "crypto/private_key.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/identity.h"
#include "tests/support/sim/intel.h"

enum { NUM_PCRS = 6, NUM_EVENTS = 2 }; /* PCRs quoted: 0, 1, 4, 10, 15, 23; events of each that a log extends */

/* What one run judges. */
struct scene {
    struct bundle b;
    struct policy policy;
    struct roots roots;
    struct expected expected;
    struct memory memory;
    struct collateral pool;
    struct tpm_clock seen;
    int64_t now_s;
    /* of the quote, before signing */
    uint32_t magic;
    uint16_t type, bank;
    bool safe;
    uint8_t extra[64];
    size_t extra_len;
    struct hash32 pcr[NUM_PCRS];
    struct sim_td td;
    char var_data[2048];
};

/* Who signs. */
extern struct scene_world {
    struct sim_world sim;
    struct sim_intel vendor;
    struct sim_cert ak_root, ak_ca, ak_leaf, ak_wrong_use, rsa_ak;
    struct private_key *identity_key;
} world;
/* Setup and teardown of a group of tests. */
int scene_world_make(void **state);
int scene_world_drop(void **state);

void scene_begin(struct scene *s, enum cloud cloud);
void scene_finish(struct scene *s);
void scene_done(struct scene *s);

void must(bool ok, const char *what); /* or the test fails with these words */
struct bytes scene_keep(struct scene *s, struct bytes in); /* a copy that lives as long */
/* The variable data with this between key and value of a member, and what the TEE report says of them. */
void scene_var_data(struct scene *s, const char *colon);
void put_2b(struct buf *b, struct bytes v); /* TPM2B */

#endif
