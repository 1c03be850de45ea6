/* The paying side of the settings: the account's key, and what the engine may spend. */
#ifndef CVM_PAYER_H
#define CVM_PAYER_H

#include "relayer/config.h"
#include "relayer/tx/engine.h"

/* ERR_USAGE: finality is no known word. */
bool payer_settings(struct tx_settings *out, const struct config *cfg, struct err *err);
/* The account's signer, from keystore or key_file. needed: none configured is ERR_USAGE; otherwise *out is NULL then. */
bool payer_open(struct signer **out, const struct config *cfg, bool needed, struct err *err);

#endif
