/* Sized bytes as distinct structs, so that a digest and an address cannot change places by accident. */
#ifndef CVM_BASE_TYPES_H
#define CVM_BASE_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hash32 {
    uint8_t b[32];
};
struct hash48 {
    uint8_t b[48];
};
struct addr20 {
    uint8_t b[20];
};
/* x then y, big-endian, of an uncompressed P-256 point without its 0x04. */
struct pubkey64 {
    uint8_t b[64];
};

static inline bool hash32_eq(struct hash32 a, struct hash32 b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static inline bool hash48_eq(struct hash48 a, struct hash48 b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static inline bool addr20_eq(struct addr20 a, struct addr20 b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static inline bool hash32_is_zero(struct hash32 a)
{
    return hash32_eq(a, (struct hash32){{0}});
}

#endif
