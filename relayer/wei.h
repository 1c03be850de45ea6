/* Amounts of gas money as people write them: a number and its unit ("2gwei", "0.01ether", "21000wei"). */
#ifndef CVM_WEI_H
#define CVM_WEI_H

#include "abi/u256.h"

#define WEI_TEXT_SIZE 112

/* Decimals are fine as far as the unit carries them. ERR_FORMAT: no unit, too many decimals, more than 256 bits. */
bool wei_parse(struct u256 *out, struct bytes text, struct err *err);
/* Exact, in the unit that reads best; wei_parse reads it back. Returns out. */
char *wei_format(char out[static WEI_TEXT_SIZE], struct u256 wei);

#endif
