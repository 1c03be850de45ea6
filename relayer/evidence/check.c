#include "relayer/evidence/check.h"

#include <stdarg.h>
#include <stdio.h>

const char *outcome_name(enum outcome o)
{
    switch (o) {
    case NOT_RUN:
        return "not_run";
    case PASS:
        return "pass";
    case FAIL:
        return "fail";
    case WAIVED:
        return "waived";
    }
    return "not_run";
}

/* Details carry outside text: what could drive a terminal or break UTF-8 becomes '?'. */
static struct finding finding(enum outcome outcome, const char *fmt, va_list ap)
{
    struct finding f = {.outcome = outcome};
    vsnprintf(f.detail, sizeof f.detail, fmt, ap);
    for (char *p = f.detail; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return f;
}

#define FINDING(name, outcome)                                                                                         \
    struct finding name(const char *fmt, ...)                                                                          \
    {                                                                                                                  \
        va_list ap;                                                                                                    \
        va_start(ap, fmt);                                                                                             \
        struct finding f = finding(outcome, fmt, ap);                                                                  \
        va_end(ap);                                                                                                    \
        return f;                                                                                                      \
    }
FINDING(check_fail, FAIL)
FINDING(check_not_run, NOT_RUN)
FINDING(check_waived, WAIVED)
FINDING(check_note, PASS)
#undef FINDING

struct finding check_pass(void)
{
    return (struct finding){.outcome = PASS};
}
