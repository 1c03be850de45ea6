/* The golden file: which measurements are expected, by name. INI, so that people can write and comment it:
 *
 *     ; what the fleet may run
 *     [web 1.4]
 *     mr_td = 7d7d..              one line per accepted value: a key may come again
 *     pcr4 = 1446..
 *     pcr4 = 98aa..
 *
 * Evidence is a member of an entry when each key that the entry names has one of its values. Keys: hash (the registry's golden
 * measurement), mr_td, mr_seam, rtmr0 to rtmr3, measurement (SNP), pcr0 to pcr31 (SHA-256 bank). */
#ifndef CVM_EVIDENCE_GOLDEN_H
#define CVM_EVIDENCE_GOLDEN_H

#include "relayer/evidence/evidence.h"

enum golden_key { GOLDEN_HASH, GOLDEN_MR_TD, GOLDEN_MR_SEAM, GOLDEN_RTMR0, GOLDEN_MEASUREMENT = GOLDEN_RTMR0 + 4, GOLDEN_PCR0,
                  GOLDEN_KEYS = GOLDEN_PCR0 + 32 };

/* What some evidence has under each key; empty where it has none. */
struct golden_values {
    struct bytes value[GOLDEN_KEYS];
};
struct golden_values golden_values_of(const struct ev *ev);

#define GOLDEN_MAX_ENTRIES 256
#define GOLDEN_MAX_LINES   8192

struct golden_file {
    struct golden_line {
        size_t entry;
        enum golden_key key;
        struct bytes value;
    } *lines;
    size_t num_lines;
    const char **names; /* of the entries */
    size_t num_entries;
};

/* Copies into mem. ERR_USAGE: no such file: unknown key (the nearest is named), wrong length, an entry without a line. */
bool golden_file_parse(struct golden_file *out, struct arena *mem, struct bytes text, struct err *err);
/* The first entry that this is a member of, by name; NULL without one, and why says what was nearest. */
const char *golden_file_match(const struct golden_file *file, const struct golden_values *have, struct err *why);
/* An entry appended to out: a line for each value there is. */
bool golden_file_write(struct buf *out, const char *name, const struct golden_values *values, struct err *err);

#endif
