/* Certificate revocation lists (RFC 5280 section 5) on the DER reader: signature, freshness at a given time, revocation. */
#ifndef CVM_CRYPTO_CRL_H
#define CVM_CRYPTO_CRL_H

#include "crypto/base/bytes.h"
#include "crypto/x509.h"

/* Views into the DER, which must outlive it. */
struct crl {
    struct bytes der, tbs;
    struct bytes issuer; /* whole Name element */
    int64_t this_update_s, next_update_s; /* both ends are valid; next_update_s 0 where absent (then it never counts as fresh) */
    enum sig_alg sig_alg;
    struct bytes sig_alg_der; /* whole AlgorithmIdentifier */
    struct bytes sig;
    struct bytes revoked; /* contents of revokedCertificates; empty where absent */
    size_t num_revoked;
    struct bytes number; /* CRL number without leading zero; empty where absent */
    struct bytes akid;
};

/* ERR_FORMAT: not DER, not v2 or v1, unknown critical extension (so delta, indirect and partial lists are refused), damaged
 * entries. Unknown signature algorithms parse (as SIG_UNKNOWN) and never verify. */
bool crl_parse(struct crl *out, struct bytes der, struct err *err);
/* Is this serial (without leading zero) on the list? */
bool crl_is_revoked(const struct crl *crl, struct bytes serial);
/* Issued by this certificate: same name, same key identifier where both give one, key usage crlSign where the certificate has one, signature by key? */
bool crl_signed_by(const struct crl *crl, const struct cert *issuer, const struct pubkey *issuer_key);

#endif
