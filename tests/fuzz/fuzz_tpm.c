/* TPMS_ATTEST, TPMT_SIGNATURE and public areas: the first byte says which. */
#include "relayer/evidence/tpm_quote.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* tss2-mu writes a line for everything that it refuses. */
__attribute__((constructor)) static void quiet(void)
{
    setenv("TSS2_LOG", "all+none", 1);
}

static void try_attest(struct bytes in)
{
    struct tpm_attest a;
    struct err err;
    if (!tpm_attest_parse(&a, in, &err))
        return;
    if (a.num_selections > TPM_MAX_BANKS || a.extra_data.len > sizeof a.raw.extraData.buffer)
        abort();
}

static void try_signature(struct bytes in)
{
    static struct pubkey *key;
    static const uint8_t generator[64] = {
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a,
        0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
    struct tpm_signature s;
    struct err err;
    if (!key)
        key = pubkey_from_ec(KEY_P256, BYTES(generator), &err);
    if (key && tpm_signature_parse(&s, in, &err))
        tpm_signature_verify(&s, key, in);
}

static void try_public(struct bytes in)
{
    struct tpm_public p;
    struct err err;
    if (tpm_public_parse(&p, in, &err))
        tpm_public_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes in = bytes_from(data + 1, size - 1);
    if (data[0] == 0)
        try_attest(in);
    else if (data[0] == 1)
        try_signature(in);
    else
        try_public(in);
    return 0;
}
