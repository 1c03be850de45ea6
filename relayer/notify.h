/* The operator's hooks: programs run when something happens, told what in JSON on standard input. A failing "pre" stops the
 * renewal it stands before; any other failing hook is reported and changes no state. How they are run: relayer/proc. */
#ifndef CVM_RELAYER_NOTIFY_H
#define CVM_RELAYER_NOTIFY_H

#include "crypto/base/bytes.h"

#include <jansson.h>

enum hook { HOOK_PRE, HOOK_RENEWED, HOOK_FAILED, HOOK_EXPIRING, HOOK_MEASUREMENT_CHANGED, HOOK_UNEXPLAINED_UPDATE, NUM_HOOKS };

struct hooks {
    const char *path[NUM_HOOKS]; /* NULL: none */
    int64_t timeout_s;
};

/* Each path is absolute, an executable of root's or ours, and not writable by others. ERR_USAGE names the hook. */
bool hooks_check(const struct hooks *hooks, struct err *err);
/* Run hook h with {"format": "cvm-hook/1", "event": .., ...facts} on its input; facts are borrowed. Its environment is PATH, LANG,
 * CVM_HOOK and CVM_ID (facts' "id") and nothing else. True when there is no such hook or it exits 0. ERR_REFUSED: it exited otherwise or
 * ran out of time; the text says how and ends with its last words. */
bool hook_run(const struct hooks *hooks, enum hook h, const json_t *facts, struct err *err);

#endif
