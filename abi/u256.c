#include "abi/u256.h"

__extension__ typedef unsigned __int128 u128;

int u256_cmp(struct u256 a, struct u256 b)
{
    for (int i = 3; i >= 0; i--)
        if (a.w[i] != b.w[i])
            return a.w[i] < b.w[i] ? -1 : 1;
    return 0;
}

struct u256 u256_min(struct u256 a, struct u256 b)
{
    return u256_cmp(a, b) <= 0 ? a : b;
}

struct u256 u256_max(struct u256 a, struct u256 b)
{
    return u256_cmp(a, b) >= 0 ? a : b;
}

unsigned u256_bits(struct u256 a)
{
    for (unsigned i = 4; i-- > 0;)
        if (a.w[i])
            return i * 64 + 64 - (unsigned)__builtin_clzll(a.w[i]);
    return 0;
}

bool u256_add(struct u256 *out, struct u256 a, struct u256 b)
{
    struct u256 sum;
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a.w[i] + b.w[i];
        sum.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry)
        return false;
    *out = sum;
    return true;
}

bool u256_sub(struct u256 *out, struct u256 a, struct u256 b)
{
    if (u256_cmp(a, b) < 0)
        return false;
    struct u256 diff;
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a.w[i] - b.w[i] - borrow;
        diff.w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    *out = diff;
    return true;
}

bool u256_mul(struct u256 *out, struct u256 a, struct u256 b)
{
    uint64_t product[8] = {0};
    for (int i = 0; i < 4; i++) {
        u128 carry = 0;
        for (int j = 0; j < 4; j++) {
            carry += (u128)a.w[i] * b.w[j] + product[i + j];
            product[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        product[i + 4] = (uint64_t)carry;
    }
    if (product[4] | product[5] | product[6] | product[7])
        return false;
    memcpy(out->w, product, sizeof out->w);
    return true;
}

struct u256 u256_div_u64(struct u256 a, uint64_t by, uint64_t *remainder)
{
    struct u256 quotient;
    u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | a.w[i];
        quotient.w[i] = (uint64_t)(rest / by);
        rest %= by;
    }
    if (remainder)
        *remainder = (uint64_t)rest;
    return quotient;
}

bool u256_scale_up(struct u256 *out, struct u256 a, uint64_t num, uint64_t den)
{
    struct u256 product;
    if (!u256_mul(&product, a, u256_from(num)))
        return false;
    uint64_t rest;
    struct u256 quotient = u256_div_u64(product, den, &rest);
    return u256_add(out, quotient, u256_from(rest != 0));
}

bool u256_to_u64(uint64_t *out, struct u256 a)
{
    if (u256_bits(a) > 64)
        return false;
    *out = a.w[0];
    return true;
}

struct u256 u256_from_be32(const uint8_t in[static 32])
{
    return (struct u256){{be64(in + 24), be64(in + 16), be64(in + 8), be64(in)}};
}

void u256_to_be32(uint8_t out[static 32], struct u256 a)
{
    for (size_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a.w[i / 8] >> (8 * (i % 8)));
}

bool u256_from_bytes(struct u256 *out, struct bytes in, struct err *err)
{
    uint8_t word[32] = {0};
    if (in.len > sizeof word)
        return err_set(err, ERR_FORMAT, "number of %zu bytes, at most 32 wanted", in.len);
    if (in.len)
        memcpy(word + sizeof word - in.len, in.p, in.len);
    *out = u256_from_be32(word);
    return true;
}

size_t u256_to_min_be(uint8_t out[static 32], struct u256 a)
{
    uint8_t word[32];
    u256_to_be32(word, a);
    size_t len = (u256_bits(a) + 7) / 8;
    memcpy(out, word + sizeof word - len, len);
    return len;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool u256_parse(struct u256 *out, struct bytes text, struct err *err)
{
    bool hex = text.len > 2 && text.p[0] == '0' && (text.p[1] == 'x' || text.p[1] == 'X');
    int base = hex ? 16 : 10;
    struct bytes digits = hex ? bytes_sub(text, 2, text.len - 2) : text;
    if (digits.len == 0)
        return err_set(err, ERR_FORMAT, "number: empty");
    if (!hex && digits.len > 1 && digits.p[0] == '0')
        return err_set(err, ERR_FORMAT, "number: leading zero in \"%.*s\"", (int)(text.len > 90 ? 90 : text.len),
                       (const char *)text.p);

    struct u256 v = {0};
    for (size_t i = 0; i < digits.len; i++) {
        int d = digit(digits.p[i]);
        if (d >= base)
            return err_set(err, ERR_FORMAT, "number: want decimal digits or 0x and hex digits, got \"%.*s\"",
                           (int)(text.len > 90 ? 90 : text.len), (const char *)text.p);
        if (!u256_mul(&v, v, u256_from((uint64_t)base)) || !u256_add(&v, v, u256_from((uint64_t)d)))
            return err_set(err, ERR_FORMAT, "number: more than 256 bits");
    }
    *out = v;
    return true;
}

char *u256_dec(char out[static U256_DEC_SIZE], struct u256 a)
{
    char reversed[U256_DEC_SIZE];
    size_t len = 0;
    do {
        uint64_t rest;
        a = u256_div_u64(a, 10, &rest);
        reversed[len++] = (char)('0' + rest);
    } while (!u256_is_zero(a));
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = 0;
    return out;
}

char *u256_hex(char out[static U256_HEX_SIZE], struct u256 a)
{
    static const char digits[] = "0123456789abcdef";
    unsigned n = (u256_bits(a) + 3) / 4;
    if (n == 0)
        n = 1;
    out[0] = '0';
    out[1] = 'x';
    for (unsigned i = 0; i < n; i++) {
        unsigned nibble = n - 1 - i;
        out[2 + i] = digits[a.w[nibble / 16] >> (4 * (nibble % 16)) & 15];
    }
    out[2 + n] = 0;
    return out;
}
