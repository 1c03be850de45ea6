#include "abi/addr.h"

#include "crypto/base/text.h"
#include "crypto/keccak.h"

char *addr_text(char out[static ADDR_TEXT_SIZE], struct addr20 addr)
{
    memcpy(out, "0x", 2);
    hex_encode(out + 2, BYTES_OF(addr));
    struct hash32 hash = keccak256(bytes_from(out + 2, 40));
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = hash.b[i / 2] >> (i % 2 ? 0 : 4) & 15;
        if (nibble >= 8 && out[2 + i] >= 'a')
            out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
    }
    return out;
}

static bool mixed_case(struct bytes digits)
{
    bool lower = false, upper = false;
    for (size_t i = 0; i < digits.len; i++) {
        lower |= digits.p[i] >= 'a' && digits.p[i] <= 'f';
        upper |= digits.p[i] >= 'A' && digits.p[i] <= 'F';
    }
    return lower && upper;
}

bool addr_parse(struct addr20 *out, struct bytes text, struct err *err)
{
    if (text.len != 42 || text.p[0] != '0' || text.p[1] != 'x')
        return err_set(err, ERR_FORMAT, "address: want 0x and 40 hex digits, got %zu characters", text.len);
    struct addr20 addr;
    if (!hex_decode_fixed(addr.b, sizeof addr.b, text, err))
        return err_wrap(err, "address");
    char checksummed[ADDR_TEXT_SIZE];
    addr_text(checksummed, addr);
    if (mixed_case(bytes_sub(text, 2, 40)) && memcmp(checksummed, text.p, 42) != 0)
        return err_set(err, ERR_FORMAT,
                       "address %.42s: wrong checksum (EIP-55), a digit is mistyped; with it right: %s",
                       (const char *)text.p, checksummed);
    *out = addr;
    return true;
}
