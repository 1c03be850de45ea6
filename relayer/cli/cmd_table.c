/* The commands, in the order in which the help lists them. A command is a row in its own cmd_*.c and its name here, twice. */
#include "relayer/cli/cmd.h"

extern const struct cmd cmd_verify, cmd_measure, cmd_decode, cmd_encode, cmd_predict;
extern const struct cmd cmd_identity_new, cmd_identity_show, cmd_identity_hash, cmd_identity_purge;
extern const struct cmd cmd_register, cmd_reattest, cmd_rotate, cmd_set_ttl;
extern const struct cmd cmd_status, cmd_check, cmd_history, cmd_renew;
extern const struct cmd cmd_track, cmd_forget, cmd_import;
extern const struct cmd cmd_tx_list, cmd_tx_show, cmd_tx_speed_up, cmd_tx_cancel, cmd_tx_submit_signed, cmd_tx_adopt;
extern const struct cmd cmd_account_new, cmd_account_import, cmd_account_address;
extern const struct cmd cmd_collateral_fetch, cmd_collateral_import, cmd_collateral_export, cmd_collateral_list;
extern const struct cmd cmd_agent_serve, cmd_doctor;

const struct cmd *const cmd_table[] = {
    &cmd_verify,
    &cmd_measure,
    &cmd_decode,
    &cmd_encode,
    &cmd_predict,
    &cmd_identity_new,
    &cmd_identity_show,
    &cmd_identity_hash,
    &cmd_identity_purge,
    &cmd_register,
    &cmd_reattest,
    &cmd_rotate,
    &cmd_set_ttl,
    &cmd_status,
    &cmd_check,
    &cmd_history,
    &cmd_renew,
    &cmd_track,
    &cmd_forget,
    &cmd_import,
    &cmd_tx_list,
    &cmd_tx_show,
    &cmd_tx_speed_up,
    &cmd_tx_cancel,
    &cmd_tx_submit_signed,
    &cmd_tx_adopt,
    &cmd_account_new,
    &cmd_account_import,
    &cmd_account_address,
    &cmd_collateral_fetch,
    &cmd_collateral_import,
    &cmd_collateral_export,
    &cmd_collateral_list,
    &cmd_agent_serve,
    &cmd_doctor,
    NULL,
};
