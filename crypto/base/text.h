/* Hex and base64 between text and bytes, strictly: no stray character, no odd length, canonical padding. */
#ifndef CVM_BASE_TEXT_H
#define CVM_BASE_TEXT_H

#include "crypto/base/bytes.h"

/* Lower-case hex into out, which must hold 2 * in.len + 1 characters; NUL-terminated. Returns out. */
char *hex_encode(char *out, struct bytes in);
/* malloc'd "0x" + lower-case hex, or without the prefix; NULL without memory. */
char *hex_0x(struct bytes in);
char *hex_plain(struct bytes in);
void buf_hex(struct buf *b, struct bytes in);

/* Hex text (with or without "0x", either case) appended to out. ERR_FORMAT: odd length, stray character. */
bool hex_decode(struct buf *out, struct bytes text, struct err *err);
/* Hex text of exactly len bytes into out, which is untouched on failure. */
bool hex_decode_fixed(void *out, size_t len, struct bytes text, struct err *err);

/* Standard alphabet with padding, appended to out. */
void base64_encode(struct buf *out, struct bytes in);
/* Standard alphabet; padding demanded, unused bits zero, no white space. */
bool base64_decode(struct buf *out, struct bytes text, struct err *err);
/* RFC 4648 section 5, without padding (JWK). */
bool base64url_decode(struct buf *out, struct bytes text, struct err *err);

/* Decimal digits only, no sign, no leading zero (but "0"), at most max. out untouched on failure. */
bool u64_parse(uint64_t *out, struct bytes text, uint64_t max, struct err *err);

/* Unix seconds or RFC 3339 (with Z or an offset, years 1970 to 9999) to unix seconds. */
bool time_parse(int64_t *out_s, struct bytes text, struct err *err);
/* "2026-01-31T12:00:00Z" into out (at least 21 characters). Returns out. */
char *time_format(char out[static 21], int64_t t_s);
/* month: 1 to 12 */
int time_days_in_month(int year, int month);
/* Seconds since 1970 of a civil date and time in UTC; proleptic Gregorian, any year of 0 to 9999. */
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second);

#endif
