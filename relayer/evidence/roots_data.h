/* The facts behind roots.c: subject and public key of each pinned root. The .c file is made by tests/support/make_roots_data. */
#ifndef CVM_EVIDENCE_ROOTS_DATA_H
#define CVM_EVIDENCE_ROOTS_DATA_H

#include "relayer/evidence/roots.h"

struct root_data {
    enum root_use use;
    const char *label;
    struct bytes subject, spki;
    struct bytes cert_sha256; /* of the certificate that the vendor publishes for this key */
};
extern const struct root_data root_data[];
extern const size_t num_root_data;

extern const struct helper_cert helper_certs[];
extern const size_t num_helper_certs;

#endif
