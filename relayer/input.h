/* What did the user (an agent, a command, a file) hand over? Text wrappings fall away (hex, base64, the agents' JSON), then the
 * kind is recognised by content. Anything recognised as evidence becomes a bundle. Judges nothing. */
#ifndef CVM_INPUT_H
#define CVM_INPUT_H

#include "relayer/evidence/bundle.h"

enum input_kind {
    INPUT_UNKNOWN = 0,
    INPUT_BUNDLE,      /* cvm-evidence/1 */
    INPUT_TDX_QUOTE,
    INPUT_SGX_QUOTE,
    INPUT_SNP_REPORT,
    INPUT_HCL,         /* Azure's report envelope */
    INPUT_TPM_QUOTE,   /* TPMS_ATTEST */
    INPUT_CALLDATA,    /* of a registry call */
    INPUT_TRANSACTION, /* signed, raw */
    INPUT_REVERT,      /* revert data with a known error */
    INPUT_CERTIFICATE, /* DER or PEM */
};

#define INPUT_MAX (16 * 1024 * 1024)

struct input {
    enum input_kind kind;
    struct buf data; /* binary, or the JSON text of a bundle */
};

const char *input_kind_name(enum input_kind kind); /* "tdx-quote" */
/* Names of all kinds, "bundle|tdx-quote|..", for help. */
#define INPUT_KINDS "bundle|tdx-quote|sgx-quote|snp-report|hcl|tpm-quote|calldata|transaction|revert|certificate"
bool input_kind_from_name(enum input_kind *out, const char *name);

/* forced: INPUT_UNKNOWN to recognise. ERR_FORMAT: nothing known; ERR_NOMEM. */
bool input_open(struct input *out, struct bytes raw, enum input_kind forced, struct err *err);
void input_done(struct input *in);
/* The evidence in it. ERR_FORMAT: damaged, or a kind that is no evidence. */
bool input_bundle(struct bundle *out, const struct input *in, struct err *err);

#endif
