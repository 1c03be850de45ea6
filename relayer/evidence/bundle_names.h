/* The words that stand for numbers in bundle JSON, shared by its reader and its writer. */
#ifndef CVM_EVIDENCE_BUNDLE_NAMES_H
#define CVM_EVIDENCE_BUNDLE_NAMES_H

#include "relayer/evidence/bundle.h"

struct bundle_word {
    const char *word; /* NULL ends a list */
    unsigned value;
};

extern const struct bundle_word bundle_clouds[], bundle_tees[], bundle_report_types[], bundle_profiles[], bundle_calls[],
    bundle_schemes[], bundle_curves[], bundle_hashes[], bundle_algos[], bundle_banks[] /* by enum hash_alg */;

/* NULL where the value has no word. */
const char *bundle_word_of(const struct bundle_word *words, unsigned value);

#endif
