/* What measure knows of golden files and event logs: an entry made of a measurement, membership in a file, and which events
 * changed between two pieces of evidence. */
#ifndef CVM_CLI_MEASURE_GOLDEN_H
#define CVM_CLI_MEASURE_GOLDEN_H

#include "relayer/evidence/bundle.h"
#include "relayer/registry/golden.h"

/* A golden file's entry appended to out: the hash, and each value that is measured. */
bool measure_golden_entry(struct buf *out, const char *name, const struct golden *golden, struct err *err);
/* Is text a golden file? Then *list is the differences from it: none for a member, else one row that says what was nearest. */
bool measure_against_golden(json_t **list, const struct golden *golden, struct bytes text);
/* The TCG events that differ, as eventlog_diff lists them; NULL where not both have a log that reads. */
json_t *measure_event_changes(const struct bundle *have, const struct bundle *want);

#endif
