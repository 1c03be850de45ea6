/* One look at everything that can be wrong, each in a row of its own: settings, store, keys, trust, endpoints, registry, account,
 * clock, source, hooks. Changes nothing but what opening the store changes. */
#ifndef CVM_DOCTOR_H
#define CVM_DOCTOR_H

#include "relayer/config.h"

#include <jansson.h>

enum health { HEALTH_OK, HEALTH_SKIPPED, HEALTH_ATTENTION, HEALTH_BAD };
const char *health_name(enum health h); /* "ok" */

struct ailment {
    const char *what; /* "store" */
    enum health health;
    char detail[300];
};
#define DOCTOR_MAX 64
struct diagnosis {
    struct ailment row[DOCTOR_MAX];
    size_t count;
};

void doctor_examine(struct diagnosis *out, const struct config *cfg);
/* The worst of it. */
enum health diagnosis_worst(const struct diagnosis *d);
/* "cvm-doctor/1"; NULL without memory. */
json_t *diagnosis_to_json(const struct diagnosis *d);

#endif
