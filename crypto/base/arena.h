/* Memory that lives and dies together: what was parsed out of one input. Bounded; freed all at once. */
#ifndef CVM_BASE_ARENA_H
#define CVM_BASE_ARENA_H

#include "crypto/base/bytes.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used, max; /* bytes handed out, ceiling */
};

struct arena arena_new(size_t max);
void arena_done(struct arena *a);
/* Zeroed, aligned for anything; NULL above the ceiling or without memory. n * size is checked. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy of in; on failure empty, and *ok (where not NULL) becomes false. */
struct bytes arena_copy(struct arena *a, struct bytes in, bool *ok);
/* NUL-terminated copy; NULL on failure. */
char *arena_str(struct arena *a, struct bytes in);

#endif
