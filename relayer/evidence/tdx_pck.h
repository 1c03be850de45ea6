/* The SGX extensions of a PCK certificate: which platform it stands for and at which SVNs.
 * Intel PCK certificate and CRL profile, section 2.3 (OID 1.2.840.113741.1.13.1 and below). */
#ifndef CVM_EVIDENCE_TDX_PCK_H
#define CVM_EVIDENCE_TDX_PCK_H

#include "crypto/x509.h"

enum sgx_type { SGX_STANDARD = 0, SGX_SCALABLE = 1, SGX_SCALABLE_WITH_INTEGRITY = 2 };
enum tristate { ABSENT = 0, NO, YES };

struct pck {
    uint8_t ppid[16], cpu_svn[16], pce_id[2], fmspc[6];
    uint8_t components[16]; /* SGX TCB component SVNs */
    uint16_t pce_svn;
    unsigned sgx_type;
    bool has_platform_instance_id; /* this and the configuration: platform CA only */
    uint8_t platform_instance_id[16];
    enum tristate dynamic_platform, cached_keys, smt_enabled;
};

/* Does the certificate carry the extension at all? */
bool pck_is(const struct cert *cert);
/* ERR_FORMAT: no extension, a member missing, twice or of another shape. Members that we do not know are left alone. */
bool pck_parse(struct pck *out, const struct cert *cert, struct err *err);
/* "platform" or "processor", by the issuer's common name; NULL where it is neither. */
const char *pck_ca_name(const struct cert *pck);

#endif
