/* Scope-bound cleanup. A local marked AUTO(f) is handed to f when its scope ends; STEAL(p) takes the pointer out of it.
 * `{0}` (or NULL) must be a valid argument of every cleanup function. */
#ifndef CVM_BASE_AUTO_H
#define CVM_BASE_AUTO_H

#include <stddef.h>

#define AUTO(f) __attribute__((cleanup(f)))

static inline void *auto_steal(void *where)
{
    void **slot = where;
    void *taken = *slot;
    *slot = NULL;
    return taken;
}

/* The pointer in p, which is NULL afterwards: `*out = STEAL(p);`. */
#define STEAL(p) ((__typeof__(p))auto_steal(&(p)))

/* AUTO(auto_free) char *s = ...; */
void auto_free(void *where);
/* AUTO(auto_close) int fd = -1; */
void auto_close(int *fd);

#endif
