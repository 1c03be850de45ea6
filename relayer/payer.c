#include "relayer/payer.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#define MAX_PASSPHRASE 1024

static bool take_finality(struct tx_settings *out, const char *text, struct err *err)
{
    uint64_t blocks = 0;
    if (strcmp(text, "finalized") == 0)
        out->finality = TXM_FINALIZED;
    else if (strcmp(text, "safe") == 0)
        out->finality = TXM_SAFE;
    else if (u64_parse(&blocks, bytes_str(text), 100000, NULL) && blocks)
        out->finality = TXM_CONFIRMATIONS;
    else
        return err_set(err, ERR_USAGE, "finality: \"%s\" is neither finalized, safe, nor a number of blocks", text);
    out->confirmations = (unsigned)blocks;
    return true;
}

static bool take_op_stack(struct tx_settings *out, const char *text, struct err *err)
{
    static const char *const words[] = {[TX_OP_STACK_ASK] = "ask", [TX_OP_STACK_YES] = "yes", [TX_OP_STACK_NO] = "no"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            out->op_stack = (enum tx_op_stack)i;
            return true;
        }
    return err_set(err, ERR_USAGE, "op_stack: \"%.40s\" is none of ask, yes, no", text);
}

bool payer_settings(struct tx_settings *out, const struct config *cfg, struct err *err)
{
    struct tx_settings s = {
        .fees = {.max_fee_wei = cfg->max_fee_wei, .max_tip_wei = cfg->max_tip_wei, .min_tip_wei = cfg->min_tip_wei,
                 .max_cost_wei = cfg->max_cost_wei, .bump_permille = (unsigned)cfg->bump_permille, .legacy = cfg->legacy_tx},
        .max_day_wei = cfg->max_daily_cost_wei,
        .max_identity_day_wei = cfg->max_identity_daily_cost_wei,
        .gas_margin_percent = (unsigned)cfg->gas_margin_percent,
        .no_calldata_floor = !cfg->calldata_floor,
        .gas_limit_max = cfg->gas_limit_max,
        .stuck_after_s = cfg->bump_after_s,
    };
    if (!take_finality(&s, cfg->finality, err) || !take_op_stack(&s, cfg->op_stack, err))
        return false;
    *out = s;
    return true;
}

static bool open_remote(struct signer **out, const struct config *cfg, struct err *err)
{
    struct http_endpoint at = {.url = cfg->signer_url, .ca_file = cfg->rpc_ca_file};
    if (bytes_is_zero(BYTES_OF(cfg->account)))
        return err_set(err, ERR_USAGE, "signer_url: account in [account] has to name the account that it signs for");
    *out = signer_remote(&at, cfg->account, (long)(cfg->rpc_timeout_s * 1000), err);
    return *out != NULL;
}

bool payer_open(struct signer **out, const struct config *cfg, bool needed, struct err *err)
{
    AUTO(buf_wipe) struct buf passphrase = buf_new(MAX_PASSPHRASE);
    const char *path = cfg->keystore ? cfg->keystore : cfg->key_file;
    bool found = false;
    *out = NULL;
    if (cfg->signer_url && *cfg->signer_url)
        return open_remote(out, cfg, err);
    if (!path)
        return !needed || err_set(err, ERR_USAGE, "no paying account: keystore, key_file or signer_url in [account] names its key");
    if (!passphrase_read(&passphrase, &found, cfg->passphrase_file, err))
        return false;
    *out = signer_from_file(path, buf_view(&passphrase), err);
    return *out != NULL || err_configuration(err);
}
