/* The attestation key: where evidence says it comes from (certificate, Azure's variable data, a bare public key), whether
 * those agree, and who vouches for it. */
#ifndef CVM_EVIDENCE_AK_H
#define CVM_EVIDENCE_AK_H

#include "crypto/x509.h"
#include "relayer/evidence/bundle.h"
#include "relayer/evidence/hcl.h"
#include "relayer/evidence/roots.h"
#include "relayer/evidence/tpm_quote.h"

#define AK_MAX_CERTS (BUNDLE_MAX_CERTS + 1) /* one may be ours: see helper_certs */

/* Google's extension 1.3.6.1.4.1.11129.2.1.21: which instance an AK belongs to. Views into the certificate. */
struct gce_instance {
    struct bytes zone, project_id, instance_name;
    uint64_t project_number, instance_id;
    bool has_security, has_version, has_production, is_production;
    uint64_t security_version;
};
/* false without the extension (err untouched) or when it is malformed (ERR_FORMAT). */
bool gce_instance_find(struct gce_instance *out, const struct cert *leaf, struct err *err);

/* One DER certificate; zero bytes behind it are NV padding. ERR_FORMAT: anything else. */
bool ak_cert_parse(struct cert *out, struct bytes der, struct err *err);
/* Judge certs (leaf first, each followed by its issuer) against a cloud's pinned roots, CLOUD_UNSET: any cloud's. certs has
 * room for one more: an intermediate that evidence cannot fetch is taken from our own store. */
enum chain_fault ak_chain_verify(struct cert *certs, size_t num_certs, const struct roots *roots, enum cloud cloud,
                                 int64_t now_s, const char **root_label, struct err *why);

/* What evidence says about its AK, opened; each part with the reason why it could not be. */
struct ak {
    bool hcl_given; /* var data came as an HCL report */
    struct hcl_report hcl;
    struct err hcl_why;      /* code: ERR_NONE when fine */
    struct bytes var_data;   /* bare, or the envelope's */
    enum hcl_fault claims_fault;
    struct hcl_claims claims; /* ak NULL where there is none */
    struct err claims_why;

    struct tpm_public area;     /* key NULL where no public area was given */
    struct pubkey *public_key;  /* from PEM or DER */
    struct err public_why;

    struct cert *certs; /* in the order of the bundle */
    size_t num_certs;
    struct err certs_why;
    struct pubkey *cert_key; /* the leaf's */

    const struct pubkey *key; /* the one to verify with; NULL: none at hand */
    const char *key_from;     /* "certificate", ... */
    struct hash32 key_sha256; /* of its SubjectPublicKeyInfo */
};

/* trusted: a key known beforehand, used where the bundle has none; may be NULL. */
void ak_open(struct ak *out, const struct bundle *bundle, const struct pubkey *trusted, struct arena *mem);
void ak_close(struct ak *ak);

#endif
