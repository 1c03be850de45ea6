/* ABI values as JSON for tests: integers as decimal text, bool as true and false, bytes and addresses as 0x hex, strings as
 * text (as hex where it is no UTF-8), arrays and tuples as arrays. */
#ifndef CVM_TESTS_ABI_JSON_H
#define CVM_TESTS_ABI_JSON_H

#include "abi/codec.h"

#include <jansson.h>

json_t *abi_to_json(const struct abi_type *type, const struct abi_value *v);
/* Numbers may be JSON integers too; a tuple may be an object, its members in order. False where it does not fit the type. */
bool abi_from_json(struct abi_value *out, struct arena *mem, const struct abi_type *type, const json_t *json);

#endif
