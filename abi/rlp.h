/* Canonical RLP (Yellow Paper, appendix B): writer on top of struct buf, strict reader over a view.
 * A list is written by filling a buffer of its own and handing it to rlp_put_list, so nobody computes a length by hand.
 * The reader takes only what the writer would have written: minimal lengths, integers without leading zeros, nothing
 * left over. */
#ifndef CVM_ABI_RLP_H
#define CVM_ABI_RLP_H

#include "abi/u256.h"

void rlp_put_bytes(struct buf *out, struct bytes in);
void rlp_put_uint(struct buf *out, struct u256 v);
void rlp_put_u64(struct buf *out, uint64_t v);
/* The list whose encoded members stand in items. A failure of items is passed on to out. */
void rlp_put_list(struct buf *out, const struct buf *items);

struct rlp {
    struct bytes in;
    size_t pos;
    bool failed;
    const char *field; /* what failed first, where, and why */
    const char *why;
    size_t at;
};

struct rlp rlp_from(struct bytes in);
bool rlp_more(const struct rlp *r);
bool rlp_at_list(const struct rlp *r); /* is the next item a list? */
/* A string's contents; empty once failed. */
struct bytes rlp_bytes(struct rlp *r, const char *field);
void rlp_copy(struct rlp *r, void *out, size_t len,
              const char *field); /* a string of exactly len bytes; zeroed once failed */
struct u256 rlp_uint(struct rlp *r, const char *field);
uint64_t rlp_u64(struct rlp *r, const char *field);
/* A reader over a list's members; failed when this one is. */
struct rlp rlp_list(struct rlp *r, const char *field);
/* The whole next item, head included, checked no deeper than its head. */
struct bytes rlp_raw(struct rlp *r, const char *field);
/* True when all went well and nothing is left. ERR_FORMAT otherwise. */
bool rlp_finish(const struct rlp *r, struct err *err);
/* Is in exactly one canonical item, all the way down? ERR_FORMAT: no, or nested deeper than RLP_MAX_DEPTH. */
#define RLP_MAX_DEPTH 32
bool rlp_check(struct bytes in, struct err *err);

#endif
