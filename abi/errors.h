/* What a revert says: custom errors of the registry and of the contracts it calls, Error(string), Panic(uint256), and no data
 * at all; into words, with what it means for whoever sent the call. registry-v1 12, registry-v2 5 and 6. */
#ifndef CVM_ABI_ERRORS_H
#define CVM_ABI_ERRORS_H

#include "abi/codec.h"

struct abi_error {
    uint32_t selector;
    const char *signature; /* "CVM_IDENTITY_MISMATCH(bytes32,bytes32)" */
    const char *hint;      /* what it means, and what to do; may be NULL */
};

extern const struct abi_error abi_errors[];
extern const size_t num_abi_errors;

/* NULL where the first four bytes name no known error (or there are fewer). */
const struct abi_error *abi_error_by_selector(struct bytes revert_data);
/* "TEE_COLLATERAL_EXPIRED()"; NULL where there is no such row. */
const struct abi_error *abi_error_find(const char *signature);

/* The signature, or "(empty)", or "0x" and the selector where it is unknown; NUL-terminated, cut to size. Returns out. */
char *abi_error_name(char *out, size_t size, struct bytes revert_data);
/* Up to ABI_ERROR_ARGS arguments as text. Strict decoding; what does not decode gives none. */
#define ABI_ERROR_ARGS 3
struct abi_error_args {
    char *text[ABI_ERROR_ARGS]; /* malloc'd */
    size_t count;
};
void abi_error_args_done(struct abi_error_args *args);
bool abi_error_args(struct abi_error_args *out, struct bytes revert_data, struct err *err);

/* One line: "CVM_IDENTITY_MISMATCH(0x.., 0x..): hint". malloc'd; NULL without memory. */
char *abi_error_words(struct bytes revert_data);

/* Revert data appended to out: Error(string), Panic(uint256). */
void abi_revert_string(struct buf *out, const char *text);
void abi_revert_panic(struct buf *out, uint64_t code);

#endif
