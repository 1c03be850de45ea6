/* Addresses as text: "0x" and 40 hex digits, written with EIP-55's checksum in the letters' case.
 * Values are struct addr20 everywhere else. */
#ifndef CVM_ABI_ADDR_H
#define CVM_ABI_ADDR_H

#include "crypto/base/bytes.h"

#define ADDR_TEXT_SIZE 43 /* with NUL */

/* Checksummed text into out. Returns out. EIP-55. */
char *addr_text(char out[static ADDR_TEXT_SIZE], struct addr20 addr);
/* "0x" and 40 digits: all lower case, all upper case, or with a correct checksum. ERR_FORMAT otherwise. */
bool addr_parse(struct addr20 *out, struct bytes text, struct err *err);

#endif
