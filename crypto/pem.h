/* PEM (RFC 7468) to DER, and certificates or CRLs however they are handed over: PEM, DER, hex text. */
#ifndef CVM_CRYPTO_PEM_H
#define CVM_CRYPTO_PEM_H

#include "crypto/base/bytes.h"

/* Several DER blobs in one allocation. {0} is empty. */
struct der_list {
    struct bytes *item;
    size_t count;
    uint8_t *mem;
};

void der_list_done(struct der_list *list);
/* Every block with this label ("CERTIFICATE", "X509 CRL"), at most max. Text outside blocks is ignored; NULs and white
 * space at the end are fine. ERR_FORMAT: damaged block, more than max. A text without a block gives an empty list. */
bool pem_parse(struct der_list *out, struct bytes text, const char *label, size_t max, struct err *err);
/* PEM, one DER element or several after each other (bytes after the last that are all zero are padding), or hex text of
 * DER. ERR_FORMAT when it is none of them. */
bool der_list_parse(struct der_list *out, struct bytes in, const char *label, size_t max, struct err *err);
/* One PEM block appended to out. */
void pem_encode(struct buf *out, const char *label, struct bytes der);

#endif
