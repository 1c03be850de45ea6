/* The registry's functions as rows: name, types, selector, and which generation of the contract has them. Generation 1 in its
 * three profiles is what we speak; later generations, and the form between G1a and G1b, are known by name so that nobody has
 * to guess at their bytes. registry-v1 2 and 16, registry-v2 2, registry-v4 1. */
#ifndef CVM_ABI_CALLS_H
#define CVM_ABI_CALLS_H

#include "abi/codec.h"

/* generations, as bits */
enum {
    ABI_G1A = 1 << 0,
    ABI_G1B = 1 << 1,
    ABI_G1C = 1 << 2,
    ABI_G1 = ABI_G1A | ABI_G1B | ABI_G1C,
    ABI_BETWEEN = 1 << 3, /* after G1a, before G1b */
    ABI_G2 = 1 << 4,
    ABI_G3 = 1 << 5,
    ABI_G4 = 1 << 6,
};


struct abi_call {
    unsigned generations;
    bool write;             /* changes state; else a view */
    uint32_t selector;      /* big-endian number: 0x4a231d6f */
    const char *name;       /* "attestCvm" */
    const char *args;       /* "(uint8,..)" */
    const char *returns;    /* "((..))"; NULL where we do not read it back */
};

extern const struct abi_call abi_calls[];
extern const size_t num_abi_calls;

/* The first four bytes of calldata; NULL where they name no known function (or there are fewer). */
const struct abi_call *abi_call_by_selector(struct bytes calldata);
/* NULL where that generation has no such function. */
const struct abi_call *abi_call_find(const char *name, unsigned generation);
/* The function's hash begins with this. */
uint32_t abi_selector_of(const char *name, const char *args);
/* "g1b", "generation 2", "in-between form"; for messages. */
const char *abi_generation_name(unsigned generations);

/* Selector and arguments appended to out. */
bool abi_encode_call(struct buf *out, const struct abi_call *call, const struct abi_value *args, struct err *err);
/* The arguments of calldata for this function, strictly. ERR_FORMAT: other selector, or not canonical. */
bool abi_decode_call(struct abi_value *out, struct arena *mem, const struct abi_call *call, struct bytes calldata,
                     struct err *err);

#endif
