/* A transaction on its way, told to whoever waits: one line that is redrawn on a terminal, a log line per phase
 * elsewhere. */
#ifndef CVM_CLI_LIVE_H
#define CVM_CLI_LIVE_H

#include "relayer/cli/cmd.h"
#include "relayer/tx/engine.h"

struct live {
    bool on_terminal, drawn;
    enum txm_phase last;
};

struct live live_start(const struct cmd_env *env);
/* For txe_hooks.progress; user is a struct live. */
void live_progress(void *user, const struct tx_status *tx);
/* Takes the line away; for AUTO(). */
void live_end(struct live *live);

#endif
