/* Which known word did somebody mean? For messages about unknown commands, options and keys. */
#ifndef CVM_BASE_NEAR_H
#define CVM_BASE_NEAR_H

#include <stddef.h>

struct near_word {
    const char *word; /* best so far; NULL when none is near enough to be worth naming */
    size_t distance;
};

/* Take a candidate into account: edits (insert, delete, replace, swap of neighbours), at most a third of the longer word. */
void near_try(struct near_word *best, const char *typed, const char *candidate);
/* "; did you mean WORD?" or "", into out. Returns out. */
char *near_hint(char *out, size_t size, const struct near_word *best, const char *prefix);

#endif
