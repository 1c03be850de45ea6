/* Registry calldata to the evidence bundle and back, byte for byte (design section 4): what an agent hands out, what a
 * transaction carries. Strict: only canonical encodings of generation 1's write calls. registry-v1 1 and 2. */
#ifndef CVM_REGISTRY_CALLDATA_H
#define CVM_REGISTRY_CALLDATA_H

#include "abi/calls.h"
#include "relayer/evidence/bundle.h"
#include "relayer/evidence/snp_journal.h"

/* The bits of abi/calls for a profile; all of generation 1 for PROFILE_NONE. */
unsigned profile_generation(enum profile profile);

/* Does it begin with the selector of any known registry call, of whatever generation? */
bool calldata_recognise(struct bytes in);
/* Calldata from a file however it was written: raw, hex, base64, or the JSON object {"calldata": "<base64>"} of CVM
 * agents; white space at the end is fine in text forms. Appended to out. ERR_FORMAT: none of them. */
bool calldata_from_file(struct buf *out, struct bytes file, struct err *err);

/* ERR_FORMAT: not a write call of generation 1 (the message names the generation when it is known), not canonical, an
 * enum beyond its members, more than the bundle holds. */
bool bundle_from_calldata(struct bundle *out, struct bytes calldata, struct err *err);
/* The call of this kind for this profile, appended to out. CALL_NONE and PROFILE_NONE: what the bundle's call says,
 * else attestCvm and G1b. Signatures that the bundle does not carry are empty. ERR_USAGE: the bundle lacks what the
 * call needs. ERR_FORMAT: a value does not fit (PCR bank, key form). */
bool bundle_to_calldata(struct buf *out, const struct bundle *bundle, enum call_kind kind, enum profile profile,
                        struct err *err);

/* The output of a zero-knowledge SNP report: abi.encode(VerifierJournal), registry-v1 1. Views into output.
 * ERR_FORMAT: not canonical, more certificates than a chain has. */
bool snp_journal_decode(struct snp_journal *out, struct bytes output, struct err *err);

#endif
