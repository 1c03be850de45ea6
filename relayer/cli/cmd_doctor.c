/* doctor: one look at everything that can be wrong. */
#include "relayer/cli/cmd.h"

#include "relayer/doctor.h"

#include <stdio.h>

static bool run(struct cmd_env *env, int *status, struct err *err)
{
    static const int exits[] = {
        [HEALTH_OK] = EXIT_DONE, [HEALTH_SKIPPED] = EXIT_DONE, [HEALTH_ATTENTION] = EXIT_ATTENTION, [HEALTH_BAD] = EXIT_LATER,
    };
    static const enum tint tints[] = {
        [HEALTH_OK] = TINT_GOOD, [HEALTH_SKIPPED] = TINT_DIM, [HEALTH_ATTENTION] = TINT_WARN, [HEALTH_BAD] = TINT_BAD,
    };
    struct diagnosis d;
    doctor_examine(&d, &env->config);
    *status = exits[diagnosis_worst(&d)];
    if (env->json)
        return cmd_print_json(diagnosis_to_json(&d), err);
    for (size_t i = 0; i < d.count; i++)
        if (!env->quiet || d.row[i].health >= HEALTH_ATTENTION)
            printf("%s%-9s%s  %-14s %s\n", tint(tints[d.row[i].health]), health_name(d.row[i].health), tint_end(), d.row[i].what, d.row[i].detail);
    return true;
}

const struct cmd cmd_doctor = {
    .name = "doctor",
    .help = "one look at everything that can be wrong",
    .about = "Exit 0 all well, 4 something needs attention, 3 something is broken. Nothing is changed.",
    .keys = ~0u,
    .run = run,
};
