#include "relayer/log.h"

#include "crypto/base/text.h"
#include "relayer/clock.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum log_level least_level = LOG_WARN;
static bool json_lines;

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

void log_init(enum log_level least, bool as_json)
{
    least_level = least;
    json_lines = as_json;
}

static void make_printable(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static bool print_json(const char *level, const char *text)
{
    char when[21];
    json_auto_t *doc = json_pack("{s:s, s:s, s:s}", "time", time_format(when, clock_now_s()), "level", level, "message", text);
    if (!doc || json_dumpf(doc, stderr, JSON_COMPACT) != 0)
        return false;
    fputc('\n', stderr);
    return true;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level > least_level)
        return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    make_printable(text);
    if (json_lines && print_json(level_names[level], text))
        return;
    fprintf(stderr, "cvm-relayer: %s%s%s\n", level == LOG_INFO ? "" : level_names[level], level == LOG_INFO ? "" : ": ", text);
}
