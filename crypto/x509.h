/* X.509 certificates (RFC 5280) on the DER reader: parsed into views, chained to a root that is pinned by its public key.
 * One path validator of ours because speed and exact control need it; OpenSSL's is its oracle in tests. Knows nothing of
 * Intel, AMD or Google: what a certificate's own extensions mean is the caller's business. */
#ifndef CVM_CRYPTO_X509_H
#define CVM_CRYPTO_X509_H

#include "crypto/base/bytes.h"
#include "crypto/pubkey.h"

enum sig_alg {
    SIG_UNKNOWN = 0,
    SIG_ECDSA_SHA256,
    SIG_ECDSA_SHA384,
    SIG_RSA_SHA256,
    SIG_RSA_SHA384,
    SIG_RSA_SHA512,
    SIG_PSS_SHA256, /* MGF1 with the same hash, salt as long as the digest, trailer 1 */
    SIG_PSS_SHA384,
};

/* key usage bits, RFC 5280 4.2.1.3; bit n of the BIT STRING is 1 << n here */
enum { KU_DIGITAL_SIGNATURE = 1 << 0, KU_KEY_ENCIPHERMENT = 1 << 2, KU_KEY_CERT_SIGN = 1 << 5, KU_CRL_SIGN = 1 << 6 };

#define CERT_MAX_EXTS 32

struct cert_ext {
    struct bytes oid; /* contents of the OBJECT IDENTIFIER */
    struct bytes value;
    bool critical;
};

/* Views into the DER, which must outlive it. */
struct cert {
    struct bytes der, tbs;
    bool v1; /* no extensions at all; a root may still be one */
    struct bytes serial; /* without a leading zero */
    struct bytes issuer, subject; /* whole Name elements */
    struct bytes spki;
    int64_t not_before_s, not_after_s; /* both ends are valid */
    enum sig_alg sig_alg;
    struct bytes sig_alg_der; /* whole AlgorithmIdentifier, for words about an unknown one */
    struct bytes sig;
    bool has_basic_constraints, is_ca;
    int path_len; /* -1: no limit */
    bool has_key_usage;
    unsigned key_usage;
    struct bytes akid, skid; /* key identifiers; empty where absent */
    struct cert_ext ext[CERT_MAX_EXTS];
    size_t num_ext;
};

/* Parse one certificate that fills der. Unknown signature algorithms parse (as SIG_UNKNOWN) and never verify.
 * ERR_FORMAT: not DER, not v3 (v1 without extensions is taken for roots), duplicate extension, inner and outer algorithm differ. */
bool cert_parse(struct cert *out, struct bytes der, struct err *err);
/* The extension with this OID (contents bytes); NULL where there is none. */
const struct cert_ext *cert_find_ext(const struct cert *cert, struct bytes oid);
/* The public key, parsed anew; the caller frees it. */
struct pubkey *cert_pubkey(const struct cert *cert, struct err *err);
/* First attribute of the subject (or issuer) with this type OID (contents), as text bytes; empty where there is none. */
struct bytes name_find(struct bytes name, struct bytes oid);
#define OID_CN BYTES_LIT("\x55\x04\x03")
#define OID_O  BYTES_LIT("\x55\x04\x0a")
#define OID_OU BYTES_LIT("\x55\x04\x0b")
#define OID_L  BYTES_LIT("\x55\x04\x07")
/* "CN=.., O=.." cut to size, for messages. Returns out. */
char *name_text(char *out, size_t size, struct bytes name);

/* Does issuer_key verify the signature of cert (over tbs)? */
bool cert_signed_by(const struct cert *cert, const struct pubkey *issuer_key);

/* Signature by algorithm over the bytes of tbs: shared with CRLs. */
bool sig_verify(enum sig_alg alg, const struct pubkey *key, struct bytes tbs, struct bytes sig);
/* Shared with CRLs as well: the next element of a list of extensions (failing the list where it is damaged), and the key
 * identifier inside an AuthorityKeyIdentifier (empty where it gives none). */
struct der;
bool ext_next(struct cert_ext *out, struct der *list);
bool akid_parse(struct bytes *key_id, struct bytes value, struct err *err);
/* One AlgorithmIdentifier to sig_alg. SIG_UNKNOWN where it is unknown or its parameters are. */
enum sig_alg sig_alg_parse(struct bytes algorithm_identifier);

/* --- chains --- */

/* Why a chain does not hold: the first reason found, from the leaf up, in this order for each certificate; but the root is
 * looked for first of all, and dates come last of all, so that NOT_YET and EXPIRED mean that everything else holds. */
enum chain_fault {
    CHAIN_OK = 0,
    CHAIN_EMPTY,     /* nothing to check */
    CHAIN_NO_ROOT,   /* does not end at (or under) one of the pinned keys */
    CHAIN_NAMES,     /* issuer is not the next one's subject, or key identifiers differ */
    CHAIN_CA,        /* an issuer is no CA, path length, key usage; or the leaf is a CA, or may sign certificates */
    CHAIN_CRITICAL,  /* unknown critical extension */
    CHAIN_SIGNATURE, /* a signature does not verify, or its algorithm is unknown */
    CHAIN_NOT_YET,   /* a certificate is not yet valid at now_s */
    CHAIN_EXPIRED,
};
const char *chain_fault_name(enum chain_fault fault);

struct chain_rules {
    /* OIDs (contents) of critical extensions that the caller understands; basicConstraints, keyUsage and extKeyUsage (whose
     * contents are the caller's matter) are known already */
    const struct bytes *known_critical;
    size_t num_known_critical;
    bool leaf_may_be_ca; /* judge a chain of CAs alone (TCB signing is no CA: leave false) */
};

struct pinned_root {
    const char *label;
    const struct pubkey *key;
    struct bytes subject; /* whole Name element, or empty */
};
/* Judge certs[0..n): leaf first, each signed by the next; the last one is the pinned root itself or is signed by it.
 * roots: pinned public keys with the subject name that goes with each (empty: any name). A root certificate in the chain is
 * known by its key, never by its bytes; its own dates, CA flags and self-signature are checked like any other's. One that is not
 * in the chain vouches by its key alone. rules: NULL for those of RFC 5280. Writes which root it was (on CHAIN_OK) and where
 * the fault is (index into certs) when asked; why: the fault in words, ERR_STALE for dates, ERR_REFUSED otherwise.
 * ERR_NOMEM and the like do not exist here: what cannot be checked is a fault. */
enum chain_fault chain_verify(const struct cert *certs, size_t num_certs, const struct pinned_root *roots, size_t num_roots,
                              const struct chain_rules *rules, int64_t now_s, size_t *root_index, size_t *fault_at,
                              struct err *why);
#define CHAIN_SORT_MAX 16
/* Put a set of certificates in order: leaf (the one that issues none of the others; of several the first that is no CA) first,
 * each followed by its issuer: by name and key identifier, and where several fit by signature. Duplicates fall away. Returns how
 * many stand in order at the front; 0 for none or more than CHAIN_SORT_MAX. */
size_t chain_sort(struct cert *certs, size_t num_certs);

#endif
