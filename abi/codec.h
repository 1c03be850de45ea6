/* Contract ABI encoding, driven by type descriptions: values to the chain's bytes and back (Solidity 0.8 ABI specification,
 * "Contract ABI Specification"). A type is parsed once from its canonical text and used often; values are a bounded tree
 * whose leaves are views into the input. Strict: only what encodes again to the same bytes is decoded. What the contracts'
 * own decoder takes beyond that is abi/lax's. Has not heard of any contract. */
#ifndef CVM_ABI_CODEC_H
#define CVM_ABI_CODEC_H

#include "crypto/base/arena.h"

#define ABI_WORD        32
#define ABI_MAX_DEPTH   8    /* of a type: arrays and tuples within each other */
#define ABI_MAX_MEMBERS 32   /* of a tuple */
#define ABI_MAX_HEAD    4096 /* words of a static type */

enum abi_kind {
    ABI_UINT,
    ABI_INT,
    ABI_ADDRESS,
    ABI_BOOL,
    ABI_FIXED_BYTES, /* bytes1 to bytes32 */
    ABI_BYTES,
    ABI_STRING,
    ABI_ARRAY,       /* T[] */
    ABI_FIXED_ARRAY, /* T[N], N at least 1 */
    ABI_TUPLE,
};

struct abi_type {
    enum abi_kind kind;
    unsigned size;                /* ABI_UINT, ABI_INT: bits. ABI_FIXED_BYTES: bytes. ABI_ADDRESS: 160. ABI_BOOL: 8 */
    size_t count;                 /* ABI_FIXED_ARRAY: N. ABI_TUPLE: number of members */
    const struct abi_type *item;  /* arrays: the element. ABI_TUPLE: the members, one after the other */
    bool dynamic;
    size_t head_words; /* what it takes in its parent's head: 1 when dynamic */
};

/* What happens to a contract that reads a value; set by abi/lax alone. */
enum abi_fault {
    ABI_READABLE = 0,
    ABI_UNREADABLE, /* it reverts without data */
    ABI_ALLOCATION, /* it stops with Panic(0x41) */
};

/* One value. Which parts are used depends on the type:
 * - one word (integers, address, bool, bytesN): data is that word, 32 bytes as encoded
 * - bytes, string: data is the contents
 * - arrays whose element is one word: data is all words, 32 bytes each, and count says how many; item is NULL
 * - other arrays, tuples: item[0..count) */
struct abi_value {
    struct bytes data;
    struct abi_value *item;
    size_t count;
    enum abi_fault fault;
};

/* "uint8", "(bytes,(uint256,bool)[])[2]", "()": canonical text without names or spaces, all of it.
 * out lives in mem. ERR_FORMAT: unknown type, "uint" without its width, T[0], an empty tuple within another type, too deep or large. */
bool abi_type_parse(const struct abi_type **out, struct arena *mem, struct bytes text, struct err *err);
/* Is a value of this type one word? */
bool abi_is_word(const struct abi_type *type);

/* The arguments of a call (a tuple's members without the tuple's own offset) appended to out.
 * ERR_FORMAT where the value does not have the type's shape or a word is out of its type's range. */
bool abi_encode(struct buf *out, const struct abi_type *args, const struct abi_value *value, struct err *err);
/* All of data as these arguments, canonical in every respect: offsets in order without gap or overlap, zero padding, words
 * in range, nothing behind the end. out's items live in mem, its leaves are views into data. Untouched on failure. */
bool abi_decode_strict(struct abi_value *out, struct arena *mem, const struct abi_type *args, struct bytes data,
                       struct err *err);
/* Is this word (32 bytes) in the range of a one-word type? */
bool abi_word_in_range(const struct abi_type *type, const uint8_t *word);

/* --- leaves --- */

/* Word i of an array of words, or (i = 0) a one-word value. */
const uint8_t *abi_word(const struct abi_value *v, size_t i);
/* False above 64 bits. */
bool abi_u64(uint64_t *out, const uint8_t *word);
/* The low 64 bits, of a value whose type has been checked to be no wider. */
uint64_t abi_low_u64(const struct abi_value *v);
bool abi_bool(const struct abi_value *v);
struct hash32 abi_hash32(const struct abi_value *v);

/* Words made for encoding; they live in mem. On no memory data is empty and encoding refuses it. */
struct abi_value abi_from_u64(struct arena *mem, uint64_t v);
struct abi_value abi_from_word(struct arena *mem, const uint8_t word[static ABI_WORD]);
/* bytes1 to bytes32: in goes left, zeros behind it. */
struct abi_value abi_from_fixed(struct arena *mem, struct bytes in);
static inline struct abi_value abi_from_bytes(struct bytes in)
{
    return (struct abi_value){.data = in};
}
static inline struct abi_value abi_from_words(struct bytes words)
{
    return (struct abi_value){.data = words, .count = words.len / ABI_WORD};
}
/* A tuple or array of count zeroed items to fill in; without memory item is NULL (and count 0, which encoding refuses for tuples). */
struct abi_value abi_new_list(struct arena *mem, size_t count);

#endif
