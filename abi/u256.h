/* The chain's number: 256 bits, unsigned, with arithmetic that says when it does not fit.
 * Decimal and hex text both ways, strictly. Knows no unit: amounts of wei and plain words share it. */
#ifndef CVM_ABI_U256_H
#define CVM_ABI_U256_H

#include "crypto/base/bytes.h"

struct u256 {
    uint64_t w[4]; /* least significant first */
};

#define U256_DEC_SIZE 79 /* longest decimal text with its NUL */
#define U256_HEX_SIZE 67 /* "0x", 64 digits, NUL */

static inline struct u256 u256_from(uint64_t v)
{
    return (struct u256){{v, 0, 0, 0}};
}
static inline bool u256_is_zero(struct u256 a)
{
    return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0;
}

/* Negative, zero or positive, as memcmp. */
int u256_cmp(struct u256 a, struct u256 b);
static inline bool u256_eq(struct u256 a, struct u256 b)
{
    return u256_cmp(a, b) == 0;
}
struct u256 u256_min(struct u256 a, struct u256 b);
struct u256 u256_max(struct u256 a, struct u256 b);
unsigned u256_bits(struct u256 a); /* position of the highest set bit, counted from 1; 0 for zero */

/* False, and out untouched, when the result does not fit. out may be an operand's address. */
bool u256_add(struct u256 *out, struct u256 a, struct u256 b);
bool u256_sub(struct u256 *out, struct u256 a, struct u256 b);
bool u256_mul(struct u256 *out, struct u256 a, struct u256 b);
/* Quotient rounded down; the remainder where asked for. by must not be 0. */
struct u256 u256_div_u64(struct u256 a, uint64_t by, uint64_t *remainder);
/* a x num / den, rounded up. den must not be 0. */
bool u256_scale_up(struct u256 *out, struct u256 a, uint64_t num, uint64_t den);
/* False, and out untouched, above 64 bits. */
bool u256_to_u64(uint64_t *out, struct u256 a);

/* 32 bytes, big-endian. */
struct u256 u256_from_be32(const uint8_t in[static 32]);
void u256_to_be32(uint8_t out[static 32], struct u256 a);
/* At most 32 bytes, big-endian; leading zeros are fine. ERR_FORMAT: longer. */
bool u256_from_bytes(struct u256 *out, struct bytes in, struct err *err);
/* Without leading zeros; none for 0. Returns how many bytes of out were written. */
size_t u256_to_min_be(uint8_t out[static 32], struct u256 a);

/* "123" or "0x7b" (either case, leading zeros taken in hex alone: some nodes send them). ERR_FORMAT: anything else, or
 * more than 256 bits. */
bool u256_parse(struct u256 *out, struct bytes text, struct err *err);
char *u256_dec(char out[static U256_DEC_SIZE], struct u256 a);
/* As JSON-RPC writes quantities: "0x0", "0x7b". Returns out. */
char *u256_hex(char out[static U256_HEX_SIZE], struct u256 a);

#endif
