/* How Solidity's decoder (0.8, ABI coder v2) reads arguments, where it takes more than canonical data: shared and overlapping
 * tails, gaps, dirty padding, bytes behind the end, and tails that are missing as long as nobody reads them. For prediction
 * alone: evidence that we send or verify goes through abi_decode_strict. registry-v1 17.
 * A contract reads lazily, so what is wrong is noted at the value it is wrong with (abi_value.fault); whoever walks the
 * contract's steps finds it when the contract would. */
#ifndef CVM_ABI_LAX_H
#define CVM_ABI_LAX_H

#include "abi/codec.h"

/* The arguments of an external function from its whole calldata, selector included. Parameters held in calldata are read on
 * use; those whose bit is set in memory_args are copied to memory as a whole before use. out->fault is what stops the
 * contract before its first statement. Enums are left to the caller (registry-v1 1: no member, no data).
 * ERR_NOMEM when the values do not fit into mem; nothing else fails. */
bool abi_decode_lax_as_solidity(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes calldata,
                                uint32_t memory_args, struct err *err);
/* abi.decode(data, (T)), where args is the tuple of what is asked for. */
bool abi_decode_lax_memory(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes data,
                           struct err *err);
/* The first fault in reading order within v. */
enum abi_fault abi_first_fault(const struct abi_value *v);

#endif
