/* Durations as people write them: "30d", "12h", "90s", "1d12h"; whole seconds inside. */
#ifndef CVM_BASE_DURATION_H
#define CVM_BASE_DURATION_H

#include "crypto/base/bytes.h"

#define DURATION_TEXT_SIZE 40

/* Numbers with their units (w, d, h, m, s; larger before smaller, each once), or a bare 0. ERR_FORMAT: anything else, or
 * more than a hundred thousand years. */
bool duration_parse(int64_t *out_s, struct bytes text, struct err *err);
/* Exact, and duration_parse reads it back: "1d12h", "0s"; negative with a minus in front. Returns out. */
char *duration_format(char out[static DURATION_TEXT_SIZE], int64_t s);
/* The two largest units at most, rounded down: for tables. */
char *duration_short(char out[static DURATION_TEXT_SIZE], int64_t s);

#endif
