/* Any bytes as a list of certificates or CRLs; what comes out is written as PEM and must be read back the same. */
#include "crypto/base/auto.h"
#include "crypto/pem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 8

static void comes_back(const struct der_list *list, const char *label)
{
    AUTO(buf_done) struct buf pem = buf_new(1 << 24);
    for (size_t i = 0; i < list->count; i++)
        pem_encode(&pem, label, list->item[i]);
    AUTO(der_list_done) struct der_list back = {0};
    if (!pem_parse(&back, buf_view(&pem), label, MAX, NULL) || back.count != list->count)
        abort();
    for (size_t i = 0; i < list->count; i++)
        if (!bytes_eq(back.item[i], list->item[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"CERTIFICATE", "X509 CRL"};
    for (size_t i = 0; i < 2; i++) {
        struct err err = {0};
        AUTO(der_list_done) struct der_list any = {0};
        if (der_list_parse(&any, bytes_from(data, size), labels[i], MAX, &err)) {
            if (any.count == 0)
                abort();
            comes_back(&any, labels[i]);
        }
        AUTO(der_list_done) struct der_list pem = {0};
        if (pem_parse(&pem, bytes_from(data, size), labels[i], MAX, &err))
            comes_back(&pem, labels[i]);
    }
    return 0;
}
