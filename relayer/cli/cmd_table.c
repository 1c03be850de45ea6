/* The commands, in the order in which the help lists them. A command is a row in its own cmd_*.c and its name here. */
#include "relayer/cli/cmd.h"

const struct cmd *const cmd_table[] = {
    NULL,
};
