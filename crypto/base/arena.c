#include "crypto/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) uint8_t data[];
};

struct arena arena_new(size_t max)
{
    return (struct arena){.max = max};
}

void arena_done(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
    a->used = 0;
}

static struct arena_chunk *grow(struct arena *a, size_t len)
{
    size_t size = len > 4096 ? len : 4096;
    struct arena_chunk *c = malloc(sizeof *c + size);
    if (!c)
        return NULL;
    *c = (struct arena_chunk){.next = a->chunks, .size = size};
    a->chunks = c;
    return c;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(n, size, &len) || len > a->max || a->used > a->max - len)
        return NULL;
    len = (len + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_chunk *c = a->chunks;
    if (!c || c->size - c->used < len)
        c = grow(a, len);
    if (!c)
        return NULL;
    void *p = c->data + c->used;
    c->used += len;
    a->used += len;
    memset(p, 0, len);
    return p;
}

struct bytes arena_copy(struct arena *a, struct bytes in, bool *ok)
{
    uint8_t *p = arena_alloc(a, in.len ? in.len : 1, 1);
    if (!p) {
        if (ok)
            *ok = false;
        return (struct bytes){0};
    }
    if (in.len)
        memcpy(p, in.p, in.len);
    return bytes_from(p, in.len);
}

char *arena_str(struct arena *a, struct bytes in)
{
    char *s = in.len == SIZE_MAX ? NULL : arena_alloc(a, in.len + 1, 1);
    if (s && in.len)
        memcpy(s, in.p, in.len);
    return s;
}
