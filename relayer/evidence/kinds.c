/* The kinds of evidence that are judged, in the order in which they are opened: bindings read what the others found. */
#include "relayer/evidence/evidence.h"

const struct kind *const evidence_kinds[] = {
    &tdx_kind,
    &snp_kind,
    &snp_accept_kind,
    &zk_kind,
    &tpm_kind,
    &binding_kind,
    &log_kind,
    NULL,
};
