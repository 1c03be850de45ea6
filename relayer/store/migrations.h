/* The schema's whole history: an append-only list of steps. A file's user_version is how many of them it has had.
 * A new table or column is a new step at the end of the list; a step that has been released is never edited. */
#ifndef CVM_STORE_MIGRATIONS_H
#define CVM_STORE_MIGRATIONS_H

#include <stddef.h>

struct migration {
    const char *area; /* whose step it is: journal, identities, collateral */
    const char *sql;  /* one or more statements */
};

extern const struct migration migrations[];
extern const size_t num_migrations;

#endif
