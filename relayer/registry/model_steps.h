/* What the files of steps share. Inner header of relayer/registry: model_steps.c puts calls together of these steps. */
#ifndef CVM_REGISTRY_MODEL_STEPS_H
#define CVM_REGISTRY_MODEL_STEPS_H

#include "relayer/registry/model_run.h"

/* ends a list of rows */
#define END                                                                                                            \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define NO_ROWS (&(const struct model_row)END)

/* model_steps_tee.c */
extern const struct model_step at_collaterals, at_tee_type, at_tee_report, at_tee_fields, at_stored_fields;

/* model_steps_tpm.c */
extern const struct model_step at_report_data, at_var_data, at_ak_chain, at_pinned_ak, at_call_ak, at_tpm_signature,
    at_pcrs, at_report_id, at_report_used, at_extra_data, at_measurement;

/* One more event of the call. Always true: it ends a step. */
bool add_event(struct run *r, const char *name, struct hash32 topic);

/* The identity's hash in the quote's extra data. */
bool extra_id(struct run *r, struct hash32 *out);

static inline struct contract_key unkept(const struct kept_key *k)
{
    return (struct contract_key){
        .algo = k->algo, .params = k->params, .scheme = k->scheme, .hash_algo = k->hash_algo, .data = k->data};
}

static inline struct kept_key kept(const struct contract_key *k)
{
    return (struct kept_key){
        .algo = k->algo, .params = k->params, .scheme = k->scheme, .hash_algo = k->hash_algo, .data = k->data};
}

#endif
