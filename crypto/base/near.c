#include "crypto/base/near.h"

#include <stdio.h>
#include <string.h>

#define LONGEST 48

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* optimal string alignment distance, three rows */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *cur = rows[i % 3], *prev = rows[(i + 2) % 3], *prev2 = rows[(i + 1) % 3];
        cur[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < cur[j])
                cur[j] = prev2[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

void near_try(struct near_word *best, const char *typed, const char *candidate)
{
    size_t a_len = strlen(typed), b_len = strlen(candidate);
    if (a_len > LONGEST || b_len > LONGEST)
        return;
    size_t d = distance(typed, a_len, candidate, b_len), longer = a_len > b_len ? a_len : b_len;
    if (3 * d > longer || (best->word && d >= best->distance))
        return;
    *best = (struct near_word){candidate, d};
}

char *near_hint(char *out, size_t size, const struct near_word *best, const char *prefix)
{
    if (best->word)
        snprintf(out, size, "; did you mean %s%s?", prefix, best->word);
    else if (size)
        out[0] = '\0';
    return out;
}
