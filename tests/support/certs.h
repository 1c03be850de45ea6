/* Certificates and CRLs made by OpenSSL to order, for tests, and OpenSSL's own verdict on a chain: the oracle. */
#ifndef CVM_TESTS_CERTS_H
#define CVM_TESTS_CERTS_H

#include "crypto/x509.h"
#include "tests/support/vectors.h"

#include <openssl/x509.h>

#define MADE_NOW 1769860800 /* 2026-01-31T12:00:00Z; what is made is valid a day before and after, ends included */

/* What a certificate should be like. Names and keys are small numbers. */
struct made_spec {
    int version; /* 1 or 3 */
    int subject, issuer, key, signer;
    int ca;       /* 1, 0; -1: no basicConstraints */
    int path_len; /* -1: none */
    int usage;    /* KU_ bits; -1: no keyUsage */
    int akid;     /* 1: the signer's; 0: none; -1: somebody else's */
    int extra;    /* 0: none; 1: an unknown extension; 2: the same, critical */
    int64_t not_before_s, not_after_s;
};

EVP_PKEY *made_key(int number); /* P-256, the same one for the same number; borrowed */
X509 *made_cert(const struct made_spec *spec);
/* DER of it appended to out. */
struct bytes made_der(struct buf *out, X509 *cert);
/* Does X509_verify_cert take certs[0] through the others up to root at now_s? */
bool openssl_takes(const struct bytes *certs, size_t num_certs, struct bytes root, int64_t now_s);

#endif
