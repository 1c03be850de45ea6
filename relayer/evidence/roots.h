/* Trust roots: pinned in the binary by public key, with the name that goes with it and where it came from; plus those that
 * the user adds (--root), which are said loudly in the verdict. */
#ifndef CVM_EVIDENCE_ROOTS_H
#define CVM_EVIDENCE_ROOTS_H

#include "crypto/x509.h"

enum root_use { ROOT_INTEL, ROOT_AMD_MILAN, ROOT_AMD_GENOA, ROOT_AMD_TURIN, ROOT_TPM_GOOGLE, ROOT_TPM_MICROSOFT, ROOT_EXTRA };

#define ROOTS_MAX 24

struct roots {
    struct {
        enum root_use use;
        char label[80];        /* "Intel SGX Root CA", "extra: <CN>" */
        struct pubkey *key;
        uint8_t subject[256];  /* whole Name element */
        size_t subject_len;
        struct hash32 cert_sha256; /* of the certificate that it is known by */
    } root[ROOTS_MAX];
    size_t count;
};

/* The pinned roots. ERR_BUG, ERR_NOMEM. */
bool roots_init(struct roots *out, struct err *err);
/* More, from certificates (PEM or DER): trusted for every use. ERR_USAGE: more than ROOTS_MAX. ERR_FORMAT: no certificate, or
 * one that cannot be used; those before it stay. */
bool roots_add(struct roots *roots, struct bytes certs, struct err *err);
void roots_done(struct roots *roots);
/* Those that serve this use (the extra ones always do) as chain_verify wants them; returns how many were written. */
size_t roots_for(const struct roots *roots, enum root_use use, struct pinned_root out[static ROOTS_MAX]);

/* Is this the very certificate of one of the roots? Then its own signature needs no further look. */
bool roots_have_cert(const struct roots *roots, struct bytes der);

/* Issuers that evidence does not always carry and that nobody serves. They are not trusted, they help to build a chain. */
struct helper_cert {
    const char *label;
    struct bytes der;
};
/* NULL past the last one. */
const struct helper_cert *roots_helper(size_t index);

#endif
