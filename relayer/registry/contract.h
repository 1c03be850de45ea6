/* What the contract's own libraries do, for the model: how a contract stops, its keys and signatures, its reading of
 * DER, certificates, var data and TPM structures. Inner header of relayer/registry; the registry's steps are in
 * model_steps.c. Two generations of those libraries matter: the one G1b and G1c call (T @1a3ab2b) and G1a's (T
 * @9b283b0); where they differ the profile says which. registry-v1 4, 8, 10 and 12. */
#ifndef CVM_REGISTRY_CONTRACT_H
#define CVM_REGISTRY_CONTRACT_H

#include "abi/codec.h"
#include "relayer/evidence/bundle.h"
#include "relayer/registry/golden.h"
#include "relayer/registry/tee_values.h"

/* --- how a contract stops --- */

enum { PANIC_OVERFLOW = 0x11, PANIC_DIVISION = 0x12, PANIC_INDEX = 0x32, PANIC_MEMORY = 0x41 };

/* One execution. The first stop sticks: whoever called reads `stopped` (or false) and leaves. */
struct exec {
    bool legacy; /* G1a's libraries */
    bool stopped;
    struct buf revert;   /* what a node returns then */
    const char *text;    /* of an Error(string) */
    const char *unknown; /* why the answer cannot be said from what is given; stopped is set, revert means nothing */
    bool no_memory;
};

/* All of these stop the execution and return false. */
bool stop_empty(struct exec *x);
bool stop_error(struct exec *x, const char *signature); /* a custom error without arguments */
bool stop_error_words(struct exec *x, const char *signature, const struct hash32 *words, size_t num_words);
bool stop_error_bytes(struct exec *x, const char *signature, struct bytes arg);
bool stop_error_string(struct exec *x, const char *signature, const char *text); /* a custom error with one string */
bool stop_string(struct exec *x, const char *text);                              /* Error(string) */
bool stop_panic(struct exec *x, unsigned code);
bool stop_unknown(struct exec *x, const char *why);
struct hash32 word_of(uint64_t v);

/* --- numbers and keys --- */

/* A CertPubkey (algo, params, data) or G1a's Pubkey (scheme, params, hash, data). */
struct contract_key {
    uint16_t algo, params, scheme, hash_algo;
    struct bytes data;
};

/* G1b, G1c: which RSA numbers that library takes. */
bool rsa_rules(struct exec *x, struct bytes n, struct bytes e);
/* modulus and exponent out of the key's DER, with that library's rules */
bool key_rsa(struct exec *x, struct bytes *n, struct bytes *e, const struct contract_key *key);
/* *ok: does sig fit? stops where the contract does. */
bool rsa_pkcs1_sha256(struct exec *x, bool *ok, struct hash32 digest, struct bytes sig, struct bytes e, struct bytes n);
bool p256_fits(struct hash32 digest, const uint8_t r[32], const uint8_t s[32], const uint8_t xy[64]);
/* G1b, G1c: a certificate's or TPM quote's signature by a CertPubkey. ecdsa: r then s. */
bool key_verify(struct exec *x, bool *ok, const struct contract_key *key, uint16_t scheme, struct hash32 digest,
                struct bytes sig);
/* G1a: Crypto.verifySignature over a digest. */
bool key_verify_legacy(struct exec *x, bool *ok, const struct contract_key *key, struct hash32 digest,
                       struct bytes sig);
/* The identity's signature (registry-v1 4). G1a: the registry's own hash rule first. */
bool identity_verify(struct exec *x, bool *ok, const struct contract_key *key, struct bytes message, struct bytes sig);

/* --- DER, as that library walks it: a node is where it starts, where its contents start, and their last byte --- */

struct node {
    size_t start, first, last;
};
bool der_node(struct exec *x, struct node *out, struct bytes der, size_t at);
bool der_root(struct exec *x, struct node *out, struct bytes der);
bool der_child(struct exec *x, struct node *out, struct bytes der, struct node parent);
bool der_next(struct exec *x, struct node *out, struct bytes der, struct node node);
struct bytes der_contents(struct bytes der, struct node node);
struct bytes der_whole(struct bytes der, struct node node); /* with tag and length */
bool der_bit_string(struct exec *x, struct bytes *out, struct bytes der, struct node node);

/* --- certificates --- */

struct trust {
    const struct bytes *roots; /* DER, as the owner added them */
    size_t num_roots;
    bool (*also)(void *ctx, struct bytes der); /* may be NULL: further roots, known otherwise */
    void *ctx;
};
/* The leaf's key, when the chain (leaf first, root last) is taken. */
bool chain_key(struct exec *x, struct contract_key *out, struct arena *mem, const struct abi_value *certs,
               const struct trust *trust, uint64_t now_s);

/* --- Azure's var data --- */

bool var_data_key(struct exec *x, struct contract_key *out, struct arena *mem, struct bytes text);

/* --- the TPM contract --- */

/* wc.pcrs and the rest read laxly: MeasureablePcr is (index, pcr, allEvents, measureEventsIdx, measurePcr). */
bool tpm_signature_check(struct exec *x, struct bytes quote, struct bytes signature, const struct contract_key *ak,
                         const char **refused); /* G1a: the text it answers with instead of stopping; else NULL */
struct quote_facts {
    struct bytes extra_data;
    struct hash32 digest;
    bool magic_ok, tail,
        wide_selection; /* what nobody looks at: magic, bytes behind the digest, selection bytes after the fourth */
};
bool tpm_check_pcrs(struct exec *x, struct quote_facts *out, struct bytes quote, const struct abi_value *pcrs,
                    const char **refused);
/* The measured list of the golden measurement; the arrays live in mem. */
bool tpm_final_measurement(struct exec *x, struct golden *out, struct arena *mem, const struct abi_value *pcrs);
/* registry-v1 8 */
bool report_id_check(struct exec *x, const struct abi_value *pcrs, struct bytes report_id, const struct tee_values *tee,
                     bool azure, unsigned pcr_index);

#endif
