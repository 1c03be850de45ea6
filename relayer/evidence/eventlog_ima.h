/* The kernel's IMA measurement list in its text form (ascii_runtime_measurements): one entry per line, extended into one PCR.
 * Template data of ima-ng and ima-sig are rebuilt from the text; Linux, Documentation/security/IMA-templates.rst (IMA). */
#ifndef CVM_EVIDENCE_EVENTLOG_IMA_H
#define CVM_EVIDENCE_EVENTLOG_IMA_H

#include "crypto/base/arena.h"
#include "crypto/hash.h"

#define IMA_MAX_ENTRIES (1u << 18)

struct ima_entry {
    uint32_t pcr;
    struct bytes template_hash;                 /* as logged, 20 bytes or more */
    struct bytes file_digest, path, data;       /* data: the template's, rebuilt; empty where the template is unknown */
    bool violation; /* template hash of zeros: ff..ff is extended */
};
struct ima_log {
    struct ima_entry *entries;
    size_t count, violations;
};

/* ERR_FORMAT: a line that is none, or whose logged template hash is not its data's. */
bool ima_parse(struct ima_log *out, struct arena *mem, struct bytes text, struct err *err);
/* How many entries, from the first, lead from start to want in this bank? True with *entries; the list may have grown since. A
 * kernel hashes the data per bank, or extends the SHA-1 with zeros behind it. */
bool ima_leads_to(size_t *entries, const struct ima_log *log, enum hash_alg bank, uint32_t pcr, struct bytes start, struct bytes want);
/* After all entries; padded: the older kernels' way. */
struct digest ima_replay(const struct ima_log *log, enum hash_alg bank, uint32_t pcr, bool padded);

#endif
