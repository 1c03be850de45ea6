/* The CVM identity's private keys on disk: one PEM file each under STATE/keys, named after the SHA-256 of the public key. The
 * file holds the private key (encrypted where there is a passphrase) and, behind it, the public one, so that hashes can be told
 * without the passphrase. What a key is for (current, next, retired) is the store's to remember. */
#ifndef CVM_KEYS_H
#define CVM_KEYS_H

#include "crypto/private_key.h"
#include "relayer/config.h"
#include "relayer/evidence/identity.h"

struct key_file {
    char *path;
    struct pubkey *public;
    struct arena mem;
    struct identity identity; /* canonical; views into mem */
    bool encrypted;
};
void key_file_done(struct key_file *key);

/* A new key, durable when this returns: P-256, or RSA of so many bits where rsa_bits is not 0. path: NULL for its place in the
 * state folder. ERR_USAGE: path exists. */
bool keys_create(struct key_file *out, const struct config *cfg, const char *path, unsigned rsa_bits, struct err *err);
/* What keys_create would have to be told for another key of this kind. */
unsigned keys_rsa_bits(const struct key_file *key);
/* The public side of a key file (ours, or any PEM with a private or a public key). */
bool keys_open(struct key_file *out, const struct config *cfg, const char *path, struct err *err);
struct key_list {
    struct key_file *key;
    size_t count;
};
void key_list_done(struct key_list *list);
/* Every key of the state folder, by name. */
bool keys_list(struct key_list *out, const struct config *cfg, struct err *err);
/* The key whose identity hash this is under the profile (PROFILE_NONE: any): --identity-key first, then the state folder.
 * ERR_USAGE: there is none. */
bool keys_find(struct key_file *out, const struct config *cfg, struct hash32 identity_hash, enum profile profile, struct err *err);
/* The private key behind it; asks for the passphrase file where it is encrypted. NULL on failure. */
struct private_key *keys_unlock(const struct key_file *key, const struct config *cfg, struct err *err);
/* Overwrite and remove. */
bool keys_purge(const struct key_file *key, struct err *err);

#endif
