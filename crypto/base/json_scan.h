/* JSON (RFC 8259) as ranges of its own text: for documents whose bytes are signed, where parsing and printing again would
 * lose them. One pass judges the whole text strictly (grammar, UTF-8, depth, no member name twice, no escape in a name);
 * afterwards values are walked in place, without memory. What they mean is the caller's business. */
#ifndef CVM_BASE_JSON_SCAN_H
#define CVM_BASE_JSON_SCAN_H

#include "crypto/base/bytes.h"

#define JSON_MAX_DEPTH   32
#define JSON_MAX_MEMBERS 64 /* of one object: names are compared pairwise */

enum json_kind { JSON_NONE = 0, JSON_OBJ, JSON_ARR, JSON_STR, JSON_NUM, JSON_YES, JSON_NO, JSON_NIL };

/* A value of a judged text; raw is its exact bytes there. {0} is "absent". */
struct json_range {
    enum json_kind kind;
    struct bytes raw;
};

/* Judge a text: one value with white space around it. ERR_FORMAT gives the offset. */
bool json_scan(struct json_range *out, struct bytes text, struct err *err);

/* Walk an object or array: json_first, then json_next until it says false. name is empty in an array. */
struct json_walk {
    struct bytes in;
    size_t pos;
    bool object;
    struct bytes name;
    struct json_range value;
};
struct json_walk json_walk(struct json_range container);
bool json_next(struct json_walk *walk);

/* The member of this name; absent (kind JSON_NONE) where there is none or obj is no object. */
struct json_range json_member(struct json_range obj, const char *name);
/* Contents of a string that has no escapes; false for anything else. */
bool json_plain(struct bytes *out, struct json_range value);
/* Contents of any string, escapes resolved to UTF-8, appended to out. ERR_FORMAT: no string, lone surrogate. */
bool json_text(struct buf *out, struct json_range value, struct err *err);
/* A number that is a whole one of at most max, without sign, fraction or exponent. */
bool json_u64(uint64_t *out, struct json_range value, uint64_t max);

#endif
