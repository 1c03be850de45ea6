#include "relayer/cli/cmd.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cmd_print_json(json_t *doc, struct err *err)
{
    bool ok = doc && json_dumpf(doc, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF;
    json_decref(doc);
    return ok || err_set(err, ERR_NOMEM, "cannot write the JSON document");
}

static int badness(int status)
{
    static const int order[] = {EXIT_DONE, EXIT_ATTENTION, EXIT_LATER, EXIT_REJECTED, EXIT_USAGE};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        if (order[i] == status)
            return i;
    return 0;
}

int cmd_worse(int a, int b)
{
    return badness(a) >= badness(b) ? a : b;
}

void cmd_say(const struct cmd_env *env, const char *fmt, ...)
{
    if (env->json || env->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

bool tint_on(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0) && isatty(STDOUT_FILENO);
}

const char *tint(enum tint t)
{
    static const char *const codes[] = {
        [TINT_NONE] = "", [TINT_GOOD] = "\033[32m", [TINT_WARN] = "\033[33m",
        [TINT_BAD] = "\033[31m", [TINT_DIM] = "\033[2m", [TINT_BOLD] = "\033[1m",
    };
    return tint_on() ? codes[t] : "";
}

const char *tint_end(void)
{
    return tint_on() ? "\033[0m" : "";
}
