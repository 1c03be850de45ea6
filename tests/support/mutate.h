/* The alterations that a vector's "mutate" names, applied to one input of the case. */
#ifndef CVM_TESTS_MUTATE_H
#define CVM_TESTS_MUTATE_H

#include "crypto/base/bytes.h"

#include <jansson.h>

/* Read the vector file and apply the case's mutations for this input ("file", "leaf", ...), appended to out, which is
 * empty. */
void vectors_read_mutated(struct buf *out, const char *folder, const char *name, const json_t *kase, const char *input);

#endif
