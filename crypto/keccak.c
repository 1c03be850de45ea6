#include "crypto/keccak.h"


void keccak_init(struct keccak *k)
{
    *k = (struct keccak){0};
}

static void absorb(struct keccak *k)
{
    for (size_t i = 0; i < sizeof k->block / 8; i++)
        k->state.a[i] ^= le64(k->block + 8 * i);
    sha3_permute(&k->state);
    k->used = 0;
}

void keccak_update(struct keccak *k, struct bytes in)
{
    while (in.len) {
        size_t n = sizeof k->block - k->used;
        if (n > in.len)
            n = in.len;
        memcpy(k->block + k->used, in.p, n);
        k->used += n;
        in = bytes_sub(in, n, in.len - n);
        if (k->used == sizeof k->block)
            absorb(k);
    }
}

struct hash32 keccak_final(struct keccak *k)
{
    memset(k->block + k->used, 0, sizeof k->block - k->used);
    k->block[k->used] = 0x01;
    k->block[sizeof k->block - 1] |= 0x80;
    absorb(k);
    struct hash32 out;
    for (size_t i = 0; i < sizeof out.b; i++)
        out.b[i] = (uint8_t)(k->state.a[i / 8] >> (8 * (i % 8)));
    return out;
}

struct hash32 keccak256(struct bytes in)
{
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, in);
    return keccak_final(&k);
}
