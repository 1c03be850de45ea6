/* The registry as a pure function: profile, state, call, block time and the TEE callee's answer in; what a node would
 * return, byte for byte, and the state after it out. One table of the contract's steps in the contract's order; each
 * step with the errors it raises, the clause, and the local checks that would have caught the cause. registry-v1,
 * design section 8. */
#ifndef CVM_REGISTRY_MODEL_H
#define CVM_REGISTRY_MODEL_H

#include "crypto/x509.h"
#include "relayer/registry/model_state.h"

enum tee_answer {
    TEE_ANSWER_NONE = 0, /* not known: a call that needs it cannot be answered */
    TEE_ACCEPTS,         /* the DCAP or SNP contract takes every report that it can read */
    TEE_REFUSES,
};

struct predict_call {
    enum profile profile;
    uint64_t chain_id;
    struct addr20 registry;
    uint64_t block_time_s;
    struct bytes calldata;
    bool with_value;    /* wei are sent along */
    bool wide_chain_id; /* G1a: sign 32 bytes of the chain id instead of two (registry-v1 4) */
    bool mock_allowed;  /* G1a's setting */
    bool answer_alone;  /* do not look for laxities in what is accepted */
    enum tee_answer tee;
    unsigned report_id_pcr;       /* 15 at the deployments that are known */
    const struct bytes *ak_roots; /* DER certificates that the owner has added; none: the pinned ones */
    size_t num_ak_roots;
    const struct pinned_root *pinned;
    size_t num_pinned;
};

/* --- the rules as data --- */

struct model_row {
    const char *error;     /* signature; "(empty)"; NULL ends the list */
    const char *text;      /* of an Error(string), or of an error that carries one text; else NULL */
    const char *clause;    /* of registry-v1 */
    const char *caught_by; /* check ids of verify, separated by spaces; "" where only the chain can know */
};
struct run;
struct model_step {
    const char *id;
    bool (*run)(struct run *r);
    const struct model_row *rows;
};
/* NULL-terminated, in the contract's order; NULL where the profile has no such call. */
const struct model_step *const *model_steps(enum profile profile, enum call_kind kind);

/* What the contract accepts and we refuse or warn of. */
enum laxity {
    LAX_NOT_CANONICAL,  /* calldata that would be encoded otherwise */
    LAX_MAGIC,          /* the quote does not begin with TPM_GENERATED */
    LAX_QUOTE_TAIL,     /* bytes behind the quote's digest */
    LAX_SELECTION,      /* selection bytes behind the fourth, list entries behind the 32nd */
    LAX_CLOCK,          /* clock not safe */
    LAX_SIGNATURE_TAIL, /* bytes behind the TPM signature */
    LAX_EVENTS,         /* PCR value 0 with events, repeated event indices */
    LAX_REPORT_ID,      /* nothing ties TPM and TEE together */
    LAX_EXTRA_MAGIC,    /* first byte of the extra data is not ff */
    LAX_TAIL,           /* no binding tail of ours behind the identity hash */
    LAX_NO_IDENTITY,    /* extra data not looked at (re-attestation without rotation) */
    LAX_KEY,            /* an identity that can never sign */
    LAX_REPLAY,         /* an identity that was known is attested again */
    LAX_TDX_DEBUG,      /* a debug TD */
    LAX_SNP_DEBUG,      /* a debug SNP policy */
    LAX_REPORT_DATA,    /* second half of Azure's report data */
    LAX_VAR_DATA,       /* var data that is no JSON, or not the AK that a parser finds */
    LAX_AK_CHAIN,       /* certificates that a careful validator refuses */
    LAX_TEE_EXPIRED,    /* re-attested although the TEE side has run out */
    LAX_UNREGISTERED,   /* cloud type 0: runs through, registers nothing */
    LAX_TTL,            /* a TTL that is over already, or never */
    LAX_OVERWRITE,      /* rotation onto a registered identity */
    LAX_AK_UNVERIFIED,  /* G1a: TPM signature and AK not looked at */
    LAX_COUNT,
};
struct model_laxity {
    const char *check; /* the check of ours that fails */
    const char *clause;
    const char *what;    /* what the contract takes */
    const char *misuse;  /* what somebody could do with it */
    const char *noticed; /* command or alarm that tells */
};
extern const struct model_laxity model_laxities[LAX_COUNT];

/* --- prediction --- */

enum prediction_answer { PREDICT_UNKNOWN = 0, PREDICT_SUCCESS, PREDICT_REVERT };

#define PREDICT_MAX_EVENTS 3
struct predicted_event {
    const char *name;
    struct hash32 topics[2];
    struct buf data;
};

struct prediction {
    enum prediction_answer answer;
    enum call_kind kind;
    const char *unknown; /* PREDICT_UNKNOWN: on what it hangs */
    struct buf revert, returned;
    const struct model_step *step; /* where it stopped */
    const struct model_row *row;
    struct hash32 id;               /* the identity the call is about (after a rotation the new one) */
    struct hash32 measurement_hash; /* attest, reattest */
    struct predicted_event events[PREDICT_MAX_EVENTS];
    size_t num_events;
    uint32_t lax; /* bits by enum laxity; success alone */
};
void prediction_done(struct prediction *p);

/* state is changed where the answer is success, and only then. False: no memory, or a profile that is none. */
bool predict(struct prediction *out, struct registry_state *state, const struct predict_call *call, struct err *err);

/* "cvm-prediction/1" without "state"; NULL without memory. */
json_t *prediction_to_json(const struct prediction *p, enum profile profile);

#endif
