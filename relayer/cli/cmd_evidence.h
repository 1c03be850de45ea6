/* What the commands that look at evidence share. */
#ifndef CVM_CLI_CMD_EVIDENCE_H
#define CVM_CLI_CMD_EVIDENCE_H

#include "relayer/cli/cmd.h"
#include "relayer/input.h"

/* --kind, where it is given. ERR_USAGE: no such kind. */
bool cmd_take_kind(enum input_kind *out, const struct opts *opts, struct err *err);
/* The file (or, where there is no such file and it looks like hex, the argument itself), unwrapped and recognised. */
bool cmd_open_input(struct input *out, const char *arg, enum input_kind kind, struct err *err);
/* Its evidence. */
bool cmd_open_bundle(struct bundle *out, const char *arg, enum input_kind kind, struct err *err);

#endif
