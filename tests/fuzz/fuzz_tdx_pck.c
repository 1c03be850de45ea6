/* Any bytes as the SGX extension of a PCK certificate, and as a certificate that may carry one. */
#include "relayer/evidence/tdx_pck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pck pck;
    struct cert cert;
    struct err err;
    struct cert bare = {.num_ext = 1,
                        .ext = {{.oid = BYTES_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"), .value = bytes_from(data, size)}}};
    pck_parse(&pck, &bare, &err);
    if (cert_parse(&cert, bytes_from(data, size), &err))
        pck_parse(&pck, &cert, &err);
    return 0;
}
