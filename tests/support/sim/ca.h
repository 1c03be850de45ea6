/* Simulated certification authorities: keys, certificates and CRLs of vendors that do not exist. Made with OpenSSL, on
 * purpose not with our own X.509 code. Nothing here ships.
 * A maker of things (key, certificate, CRL) ends the program when OpenSSL fails: tests want no error paths. */
#ifndef CVM_SIM_CA_H
#define CVM_SIM_CA_H

#include "crypto/base/bytes.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* Where keys and certificates are kept between runs; dir NULL: in memory alone. */
struct sim_world {
    const char *dir;
    int64_t now_s; /* what "today" is for dates of issue */
    bool rsa_4096; /* AMD's CAs with keys as long as the real ones; 2048 bits otherwise, which are made faster */
};

enum sim_key { SIM_P256, SIM_P384, SIM_RSA2048, SIM_RSA4096 };

struct sim_ext {
    const char *oid; /* dotted */
    bool critical;
    struct bytes value; /* contents of extnValue as they stand */
};

struct sim_cert {
    EVP_PKEY *key; /* the subject's; only its public half where the private one is elsewhere (a TPM) */
    X509 *x;
    struct bytes der; /* malloc'd */
};

struct sim_spec {
    const char *cn, *o; /* subject; o may be NULL */
    const struct sim_cert *issuer; /* NULL: self-signed */
    enum sim_key kind;
    EVP_PKEY *public_key; /* certify this key instead of making one */
    uint64_t serial;
    int64_t not_before_s, not_after_s; /* 0: now - 1 day, now + 10 years */
    bool is_ca;
    int path_len; /* -1: none; only for a CA */
    const char *key_usage; /* OpenSSL's words, "critical,keyCertSign,cRLSign"; NULL: none */
    bool pss; /* RSASSA-PSS with SHA-384 and salt 48 (AMD); else the key's usual algorithm with SHA-256 */
    const struct sim_ext *ext;
    size_t num_ext;
};

_Noreturn void sim_die(const char *what);
EVP_PKEY *sim_key_new(enum sim_key kind);
/* Issue anew. */
struct sim_cert sim_issue(const struct sim_world *world, const struct sim_spec *spec);
/* The one kept in world->dir/name.pem, or issue it and keep it. */
struct sim_cert sim_keep(const struct sim_world *world, const char *name, const struct sim_spec *spec);
void sim_cert_done(struct sim_cert *cert);

/* DER CRL with these serials; number is its CRL number. malloc'd. */
struct bytes sim_crl(const struct sim_cert *issuer, int64_t this_update_s, int64_t next_update_s, uint64_t number,
                     const uint64_t *serials, size_t num_serials, bool pss);
/* PEM of certificates one after the other, malloc'd and NUL-terminated. */
char *sim_pem(const struct sim_cert *const *certs, size_t num_certs);
/* r and s, 32 (P-256) or 48 (P-384) bytes each, over the digest of in. */
void sim_sign_raw(uint8_t *out, EVP_PKEY *key, struct bytes in);
/* x and y of an EC key, field-sized each. */
void sim_xy(uint8_t *out, size_t len, EVP_PKEY *key);

/* DER made by hand: an element with this tag around the concatenated parts, appended to out. */
void sim_der(struct buf *out, uint8_t tag, struct bytes contents);
void sim_der_oid(struct buf *out, const char *dotted);
void sim_der_uint(struct buf *out, uint64_t v);

#endif
