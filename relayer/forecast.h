/* The registry's model with everything that it needs gathered from the settings: place, AK roots, the TEE callee's answer from
 * a local verdict. What the command predict, a verdict's "registry" and the write commands ask before they ask a node. */
#ifndef CVM_FORECAST_H
#define CVM_FORECAST_H

#include "relayer/judge.h"
#include "relayer/registry/model.h"

#define FORECAST_MAX_ROOTS 16

struct forecaster {
    const struct judge *judge; /* its trust roots stand for the AK roots where none are given */
    enum profile profile;
    uint64_t chain_id;
    struct addr20 registry;
    unsigned report_id_pcr;
    bool wide_chain_id; /* G1a: the second form of its messages */
    struct buf roots[FORECAST_MAX_ROOTS]; /* DER certificates of the registry's owner */
    size_t num_roots;
};

void forecaster_done(struct forecaster *f);
/* From the settings; profile "auto" is left to the calldata. */
bool forecaster_init(struct forecaster *out, const struct judge *judge, const struct config *cfg, struct err *err);
/* One more AK root, PEM or DER. ERR_USAGE. */
bool forecaster_add_root(struct forecaster *f, struct bytes cert, struct err *err);

/* The profile whose function this calldata calls; setCollateralTTL is in all of them: g1b. PROFILE_NONE: none. */
enum profile forecast_profile(struct bytes calldata);
/* Would the DCAP or SNP contract take the report in this calldata at that time? By the TEE's own checks, under the policy
 * "authentic", for the registry looks no further. TEE_ANSWER_NONE where a check could not be run. */
enum tee_answer forecast_tee(const struct judge *judge, struct bytes calldata, int64_t at_s);

struct forecast_question {
    struct bytes calldata;
    int64_t at_s;
    bool with_value;
    bool answer_alone; /* laxities are of no interest */
    bool tee_given; /* else forecast_tee */
    enum tee_answer tee;
};
/* state is changed on success. */
bool forecast(struct prediction *out, struct registry_state *state, const struct forecaster *f,
              const struct forecast_question *question, struct err *err);

/* The verdict's "registry": {"accepts": "yes | no | unknown", "reason"}: what the chain would do with a registration by the
 * same evidence. reason: the contract's error, what the answer hangs on, or what it takes although we would not. */
void forecast_add(json_t *doc, const struct judge *judge, const struct verdict *verdict, const struct bundle *bundle,
                  const struct expected *expected, int64_t now_s);

#endif
