#include "relayer/notify.h"

#include "crypto/base/auto.h"
#include "relayer/proc.h"

#include <stdio.h>

static const char *const names[NUM_HOOKS] = {
    [HOOK_PRE] = "pre",
    [HOOK_RENEWED] = "renewed",
    [HOOK_FAILED] = "failed",
    [HOOK_EXPIRING] = "expiring",
    [HOOK_MEASUREMENT_CHANGED] = "measurement-changed",
    [HOOK_UNEXPLAINED_UPDATE] = "unexplained-update",
};

bool hooks_check(const struct hooks *hooks, struct err *err)
{
    for (int h = 0; h < NUM_HOOKS; h++)
        if (hooks->path[h] && !proc_check(hooks->path[h], err))
            return err_wrap(err, "hook %s", names[h]);
    return true;
}

/* What it is told; malloc'd. NULL without memory. */
static char *message(enum hook h, const json_t *facts)
{
    json_auto_t *doc = json_pack("{s:s, s:s}", "format", "cvm-hook/1", "event", names[h]);
    if (!doc || json_object_update_missing(doc, (json_t *)facts) != 0)
        return NULL;
    return json_dumps(doc, JSON_INDENT(2));
}

static bool judge(const struct proc_result *r, struct err *err)
{
    if (r->timed_out)
        return err_set(err, ERR_REFUSED, "did not end in time and was killed: %s", r->last_words);
    if (r->exit_status != 0)
        return err_set(err, ERR_REFUSED, "exit %d: %s", r->exit_status, r->last_words);
    return true;
}

bool hook_run(const struct hooks *hooks, enum hook h, const json_t *facts, struct err *err)
{
    if (!hooks->path[h])
        return true;
    AUTO(auto_free) char *text = message(h, facts);
    if (!text)
        return err_set(err, ERR_NOMEM, "hook %s: no memory", names[h]);
    char event[64], id[96];
    const char *id_text = json_string_value(json_object_get(facts, "id"));
    snprintf(event, sizeof event, "CVM_HOOK=%s", names[h]);
    snprintf(id, sizeof id, "CVM_ID=%s", id_text ? id_text : "");
    const char *argv[] = {hooks->path[h], NULL};
    const char *env[] = {event, id, NULL};
    const struct proc p = {.argv = argv, .env = env, .input = bytes_str(text), .max_output = 1 << 16,
                           .timeout_ms = hooks->timeout_s * 1000};
    struct proc_result r;
    if (!proc_run(&r, &p, err))
        return err_wrap(err, "hook %s", names[h]);
    bool ok = judge(&r, err);
    proc_result_done(&r);
    return ok || err_wrap(err, "hook %s", names[h]);
}
