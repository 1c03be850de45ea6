/* account new|import|address: the paying account's key file (Web3 Secret Storage, version 3; interoperable with `cast
 * wallet`). */
#include "relayer/cli/cmd.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/files.h"
#include "relayer/payer.h"
#include "relayer/tx/keystore.h"

#include <stdio.h>

#define MAX_KEYSTORE   (64 * 1024)
#define MAX_PASSPHRASE 4096

static const struct opt_row out_opts[] = {
    {"out", 'o', "FILE", false, "where to write the keystore; the configured keystore otherwise"},
    {0},
};

static bool tell_address(const struct cmd_env *env, struct addr20 address, const char *path, struct err *err)
{
    char text[ADDR_TEXT_SIZE];
    addr_text(text, address);
    if (env->json)
        return cmd_print_json(json_pack("{s:s, s:s}", "address", text, "file", path), err);
    printf("%s\n", text);
    return true;
}

/* Encrypted under the configured passphrase, to a new file; an empty passphrase has to be a decision, so there must be
 * one. */
static bool write_keystore(const struct cmd_env *env, const struct secp_key *key, struct err *err)
{
    AUTO(buf_wipe) struct buf passphrase = buf_new(MAX_PASSPHRASE), text = buf_new(MAX_KEYSTORE);
    const char *path = opt_text(&env->opts, "out") ? opt_text(&env->opts, "out") : env->config.keystore;
    struct addr20 address;
    bool found;
    if (!path)
        return err_set(err, ERR_USAGE, "where to? --out FILE, or keystore in [account]");
    if (!passphrase_read(&passphrase, &found, env->config.passphrase_file, err))
        return false;
    if (!found)
        return err_set(err, ERR_USAGE,
                       "the keystore needs a passphrase: --passphrase-file FILE (fd:N for a descriptor)");
    return keystore_encrypt(&text, key, buf_view(&passphrase), false, err) &&
           file_write(path, buf_view(&text), 0600, true, err) && secp_address(&address, key, err) &&
           tell_address(env, address, path, err);
}

static bool new_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(secp_key_wipe) struct secp_key key = {{0}};
    (void)status;
    return secp_key_new(&key, err) && write_keystore(env, &key, err);
}

const struct cmd cmd_account_new = {
    .name = "account new",
    .help = "make a paying account",
    .about = "A fresh key in an encrypted keystore (scrypt), mode 600; prints its address. An existing file is never "
             "overwritten.",
    .opts = out_opts,
    .keys = KEYS_ACCOUNT,
    .run = new_run,
};

static bool import_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(buf_wipe) struct buf text = buf_new(MAX_KEYSTORE);
    AUTO(secp_key_wipe) struct secp_key key = {{0}};
    (void)status;
    if (!file_read_private(&text, env->opts.args[0], true, err))
        return false;
    struct bytes hex = buf_view(&text);
    while (hex.len && (hex.p[hex.len - 1] == '\n' || hex.p[hex.len - 1] == '\r' || hex.p[hex.len - 1] == ' '))
        hex.len--;
    if (!hex_decode_fixed(key.b, sizeof key.b, hex, NULL))
        return err_set(err, ERR_FORMAT,
                       "%s: want a raw key, 64 hex digits (a keystore needs no import: name it as keystore)",
                       env->opts.args[0]);
    return secp_key_check(&key, err) && write_keystore(env, &key, err);
}

const struct cmd cmd_account_import = {
    .name = "account import",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .help = "put a raw private key into an encrypted keystore",
    .about = "FILE holds 64 hex digits and may be read by its owner alone; it is left where it is.",
    .opts = out_opts,
    .keys = KEYS_ACCOUNT,
    .run = import_run,
};

/* What the keystore says by itself; where it says nothing, it is opened. */
static bool address_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(buf_wipe) struct buf text = buf_new(MAX_KEYSTORE);
    AUTO(signer_freep) struct signer *signer = NULL;
    const char *path = env->config.keystore;
    struct addr20 address;
    (void)status;
    if (path && !file_read(&text, path, err))
        return false;
    if (path && keystore_address(&address, buf_view(&text), NULL))
        return tell_address(env, address, path, err);
    return payer_open(&signer, &env->config, true, err) &&
           tell_address(env, signer_address(signer), path ? path : env->config.key_file, err);
}

const struct cmd cmd_account_address = {
    .name = "account address",
    .help = "the paying account's address",
    .keys = KEYS_ACCOUNT,
    .run = address_run,
};
