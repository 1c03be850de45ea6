/* The one error: the caller's, fixed in size, no heap and no thread state.
 * A code answers "what should the caller do"; the text says what was seen and what was wanted; each layer adds a few words
 * in front on the way up. Inner modules stay silent; main, the loop and the HTTP handler print once. */
#ifndef CVM_BASE_ERR_H
#define CVM_BASE_ERR_H

#include <stdbool.h>

/* code, name, exit status (design section 2), HTTP status, retry may help */
#define ERR_CODES(X)                                                                                                   \
    X(ERR_NONE, "none", 0, 200, false)                                                                                 \
    X(ERR_USAGE, "usage", 2, 400, false)    /* command line or configuration */                                        \
    X(ERR_FORMAT, "format", 1, 400, false)  /* outside bytes are not what they should be */                            \
    X(ERR_CRYPTO, "crypto", 1, 400, false)  /* a key or signature cannot be used */                                    \
    X(ERR_REFUSED, "refused", 1, 422, false) /* a rule says no; asking again will not help */                          \
    X(ERR_STALE, "stale", 3, 503, true)     /* missing or expired collateral */                                        \
    X(ERR_NET, "net", 3, 502, true)         /* network, endpoint */                                                    \
    X(ERR_CHAIN, "chain", 3, 502, true)     /* the chain or its node answered with something unusable */               \
    X(ERR_STORE, "store", 3, 503, true)     /* disk, database, lock */                                                 \
    X(ERR_NOMEM, "nomem", 3, 503, true)                                                                                \
    X(ERR_BUG, "bug", 3, 500, false)        /* ours */

enum err_code {
#define ERR_ENUM(code, name, exit_status, http, retry) code,
    ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
    enum err_code code;
    char text[600]; /* NUL-terminated; printable: bytes from outside are escaped by err_set */
};

/* Record an error; false, always, so that the failing line is the returning line. err may be NULL.
 * Control characters that arguments bring in are replaced by '?', so that outside text cannot drive a terminal. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put words in front: "words: text". False, always. */
bool err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

const char *err_name(enum err_code code);
int err_exit_status(enum err_code code);
/* It was a file of the operator's own, a key or its passphrase: what is malformed or does not fit (FORMAT, CRYPTO) is a matter of
 * configuration (USAGE) and no evidence. Returns false. err may be NULL. */
bool err_configuration(struct err *err);
int err_http_status(enum err_code code);
bool err_retry(enum err_code code);

#endif
