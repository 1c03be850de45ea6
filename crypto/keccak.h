/* Keccak-256 with the padding of 2012 (0x01), as the EVM uses it; the permutation is nettle's. */
#ifndef CVM_CRYPTO_KECCAK_H
#define CVM_CRYPTO_KECCAK_H

#include "crypto/base/bytes.h"

#include <nettle/sha3.h>

struct keccak {
    struct sha3_state state;
    uint8_t block[136];
    size_t used;
};

void keccak_init(struct keccak *k);
void keccak_update(struct keccak *k, struct bytes in);
struct hash32 keccak_final(struct keccak *k);
struct hash32 keccak256(struct bytes in);

#endif
