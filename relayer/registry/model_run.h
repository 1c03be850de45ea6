/* One call on its way through the steps. Inner header of relayer/registry: model.c makes it, model_steps*.c act on it.
 */
#ifndef CVM_REGISTRY_MODEL_RUN_H
#define CVM_REGISTRY_MODEL_RUN_H

#include "relayer/registry/contract.h"
#include "relayer/registry/model.h"

struct run {
    const struct predict_call *call;
    struct prediction *out;
    struct registry_state *state;
    struct exec x;
    struct arena mem;

    /* arguments, read laxly */
    struct abi_value args;
    const struct abi_value *identity_arg, *wc;
    struct bytes signatures[2];
    unsigned cloud_arg, tee_arg, report_type;
    struct bytes report;
    struct hash32 id_arg; /* reattest, set-ttl */
    uint64_t tee_ttl_s, tpm_ttl_s;

    /* what the steps found */
    struct contract_key identity; /* of the call */
    struct hash32 id;             /* its hash */
    bool known;                   /* registered before the call */
    struct kept_identity kept;    /* as stored, then as it will be */
    unsigned tee_type, cloud_type;
    struct bytes tee_output;
    struct tee_values tee;
    struct contract_key ak;
    bool have_ak;
    struct quote_facts quote;
    struct hash32 quote_keccak; /* topic of the TPM contract's events */
    struct golden golden;
    bool rotates;
};

static inline bool is_g1a(const struct run *r)
{
    return r->call->profile == PROFILE_G1A;
}
static inline bool is_g1c(const struct run *r)
{
    return r->call->profile == PROFILE_G1C;
}
static inline void lax(struct run *r, enum laxity which, bool yes)
{
    if (yes)
        r->out->lax |= 1u << which;
}

/* wc's members */
enum { WC_QUOTE, WC_SIGNATURE, WC_PCRS, WC_REPORT_ID, WC_AK_PUB, WC_CERTS, WC_IDENTITY };

/* Stop as the contract does when it touches a value that cannot be read. */
bool readable(struct run *r, const struct abi_value *v);
static inline const struct abi_value *wc(const struct run *r, unsigned member)
{
    return &r->wc->item[member];
}

/* What is noted about an accepted call; model_lax.c. */
void note_laxities(struct run *r);

#endif
