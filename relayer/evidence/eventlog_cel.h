/* The Canonical Event Log in its TLV form, as Google's Confidential Space writes it: what a workload was, in RTMR3 or a PCR.
 * TCG Canonical Event Log Format, TLV encoding (TCG-CEL); integers big-endian. */
#ifndef CVM_EVIDENCE_EVENTLOG_CEL_H
#define CVM_EVIDENCE_EVENTLOG_CEL_H

#include "crypto/base/arena.h"
#include "crypto/hash.h"

#define CEL_MAX_RECORDS 16384

struct cel_record {
    bool is_rtmr;   /* index counts as in CCEL: 1 to 4 are RTMR0 to RTMR3; otherwise a PCR */
    uint8_t index;
    const uint8_t *digest[HASH_SHA512 + 1]; /* by enum hash_alg, NULL where it has none */
    uint8_t content_type;
    struct bytes content; /* whole TLV: what the digests are over */
    struct bytes value;
};
struct cel {
    struct cel_record *records;
    size_t count;
};

/* Views of in. ERR_FORMAT: cut, record numbers that do not count up from 0, a digest that is not its content's. */
bool cel_parse(struct cel *out, struct arena *mem, struct bytes in, struct err *err);
/* From zeros, all records of one register. False where a record lacks this bank's digest. */
bool cel_replay(struct digest *out, const struct cel *cel, enum hash_alg bank, bool is_rtmr, uint8_t index);
bool cel_covers(const struct cel *cel, bool is_rtmr, uint8_t index);

#endif
