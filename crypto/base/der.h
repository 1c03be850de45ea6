/* DER elements on top of a cursor over bytes: X.509, CRLs, PCK and VCEK extensions, ECDSA signatures (X.690).
 * Lengths must be minimal and definite, tags are single-byte. The first failure sticks, as in the reader.
 * What an element means is the caller's business. */
#ifndef CVM_BASE_DER_H
#define CVM_BASE_DER_H

#include "crypto/base/bytes.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
/* [n], constructed (explicit) or primitive (implicit) */
#define DER_CONTEXT(n)           (0xa0 | (n))
#define DER_CONTEXT_PRIMITIVE(n) (0x80 | (n))

struct der {
    struct bytes in;
    size_t pos;
    bool failed;
    const char *field; /* what failed first */
    size_t at;
    const char *why;
};

struct der der_from(struct bytes in);
bool der_more(const struct der *d);
/* Tag of the next element without taking it; -1 at the end or once failed. */
int der_peek(const struct der *d);
/* Contents of the next element, which must have this tag; empty once failed. */
struct bytes der_take(struct der *d, int tag, const char *field);
/* A cursor over the contents of the next element. */
struct der der_enter(struct der *d, int tag, const char *field);
/* Tag, length and contents of the next element as they stand. tag -1: any. */
struct bytes der_raw(struct der *d, int tag, const char *field);
/* True and taken if the next element has this tag; false (and no failure) otherwise. */
bool der_optional(struct der *d, int tag, struct bytes *contents);

/* INTEGER, minimal, not negative, at most max_len bytes; view without a leading zero (empty for 0 is never given: 0 is one zero byte). */
struct bytes der_uint(struct der *d, size_t max_len, const char *field);
uint64_t der_u64(struct der *d, const char *field);
bool der_bool(struct der *d, const char *field);
/* BIT STRING without unused bits. */
struct bytes der_bits(struct der *d, const char *field);
/* UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5 (seconds present, Z), as unix seconds. */
int64_t der_time(struct der *d, const char *field);

/* Make it fail with these words, when a value is wrong. */
void der_fail(struct der *d, const char *field, const char *why);
/* True when all went well and nothing is left. ERR_FORMAT otherwise. */
bool der_finish(const struct der *d, struct err *err);
bool der_ok(const struct der *d, struct err *err);

/* Length of the first element of in (tag, length and contents); 0 where it is not one. */
size_t der_element_len(struct bytes in);

#endif
