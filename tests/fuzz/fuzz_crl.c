/* Any bytes as a CRL: every view lies inside it, and what it counts as revoked is found on it. */
#include "crypto/base/der.h"
#include "crypto/crl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct crl crl;
    if (!crl_parse(&crl, bytes_from(data, size), &err))
        return 0;
    const struct bytes views[] = {crl.tbs, crl.issuer, crl.sig_alg_der, crl.sig, crl.revoked, crl.number, crl.akid};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i].len > 0 && (views[i].p < data || views[i].p + views[i].len > data + size))
            abort();
    struct der list = der_from(crl.revoked);
    size_t found = 0;
    for (; der_more(&list) && found < 100; found++) {
        struct der entry = der_enter(&list, DER_SEQUENCE, "entry");
        if (!crl_is_revoked(&crl, der_uint(&entry, 20, "serial")))
            abort();
    }
    if (found != (crl.num_revoked < 100 ? crl.num_revoked : 100))
        abort();
    return 0;
}
