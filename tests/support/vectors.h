/* The test vectors, for unit tests: found by $CVM_VECTORS, else ../shared/vectors beside the source tree.
 * A test that finds none says so and skips; a vector that is there but cannot be read fails the test. */
#ifndef CVM_TESTS_VECTORS_H
#define CVM_TESTS_VECTORS_H

#include "crypto/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <jansson.h>

/* Path of a file under the vectors into out. Returns out. */
char *vectors_path(char *out, size_t size, const char *name);
/* The file as JSON; skips the running test where there are no vectors. The caller owns it. */
json_t *vectors_json(const char *name);
/* The whole file appended to out; skips likewise. */
void vectors_read(struct buf *out, const char *name);
/* A text member, and a hex member as bytes (appended to out); fails the test when it is not there. */
const char *vector_str(const json_t *entry, const char *member);
struct bytes vector_hex(struct buf *out, const json_t *entry, const char *member);

#endif
