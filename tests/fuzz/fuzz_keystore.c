/* Any bytes as a keystore. Derivations that cost something are left out: their bounds are tested elsewhere. */
#include "crypto/base/auto.h"
#include "relayer/tx/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* a number of more than three digits may mean seconds of scrypt */
static bool is_costly(struct bytes in)
{
    size_t digits = 0;
    for (size_t i = 0; i < in.len; i++) {
        digits = in.p[i] >= '0' && in.p[i] <= '9' ? digits + 1 : 0;
        if (digits > 3 && i + 1 < in.len && (in.p[i + 1] == ',' || in.p[i + 1] == '}' || in.p[i + 1] == ' '))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_from(data, size);
    struct err err;
    struct addr20 address;
    AUTO(secp_key_wipe) struct secp_key key = {{0}};
    keystore_address(&address, in, &err);
    if (!is_costly(in))
        keystore_decrypt(&key, in, BYTES_LIT("pw"), &err);
    return 0;
}
