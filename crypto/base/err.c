#include "crypto/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_status;
    int http_status;
    bool retry;
} codes[] = {
#define ERR_ROW(code, name, exit_status, http, retry) [code] = {name, exit_status, http, retry},
    ERR_CODES(ERR_ROW)
#undef ERR_ROW
};

static void make_printable(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    make_printable(err->text);
    err->code = code;
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char words[200], old[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    make_printable(words);
    memcpy(old, err->text, sizeof old);
    /* A text that no longer fits is cut at its end: the outermost words matter most. */
    if (snprintf(err->text, sizeof err->text, "%s: %s", words, old) < 0)
        err->text[0] = '\0';
    return false;
}

void err_clear(struct err *err)
{
    if (!err)
        return;
    *err = (struct err){0};
}

const char *err_name(enum err_code code)
{
    return codes[code].name;
}

int err_exit_status(enum err_code code)
{
    return codes[code].exit_status;
}

int err_http_status(enum err_code code)
{
    return codes[code].http_status;
}

bool err_retry(enum err_code code)
{
    return codes[code].retry;
}

bool err_configuration(struct err *err)
{
    if (err && (err->code == ERR_FORMAT || err->code == ERR_CRYPTO))
        err->code = ERR_USAGE;
    return false;
}
