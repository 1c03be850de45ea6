/* identity new|show|hash|purge: CVM identity keys and the hash by which the chain knows them. */
#include "relayer/cli/cmd_evidence.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/judge.h"
#include "relayer/keys.h"
#include "relayer/store/rotations.h"

#include <stdio.h>
#include <unistd.h>

static const struct opt_row new_opts[] = {
    {"out", 'o', "FILE", false, "write the key there instead of the state folder"},
    {"type", 0, "p256|rsa2048|rsa3072|rsa4096", false, "the key's kind (p256)"},
    {0},
};

/* 0: P-256 */
static bool take_type(unsigned *rsa_bits, const char *text, struct err *err)
{
    static const struct {
        const char *name;
        unsigned rsa_bits;
    } types[] = {{"p256", 0}, {"rsa2048", 2048}, {"rsa3072", 3072}, {"rsa4096", 4096}};
    *rsa_bits = 0;
    for (size_t i = 0; text && i < sizeof types / sizeof *types; i++)
        if (strcmp(text, types[i].name) == 0) {
            *rsa_bits = types[i].rsa_bits;
            return true;
        }
    return !text || err_set(err, ERR_USAGE, "--type %s: want p256, rsa2048, rsa3072 or rsa4096", text);
}

/* The profile in which hashes are shown: the configured one, else the one that must work. */
static enum profile shown_profile(const struct config *cfg)
{
    enum profile p = judge_profile(cfg);
    return p ? p : PROFILE_G1B;
}

static json_t *hash_json(const struct identity *id, enum profile profile)
{
    struct hash32 hash = identity_hash(id, profile);
    AUTO(auto_free) char *hex = hex_0x(BYTES_OF(hash));
    return hex ? json_string(hex) : NULL;
}

static json_t *key_json(const struct key_file *key, const struct config *cfg)
{
    AUTO(auto_free) char *public = hex_0x(key->identity.key);
    json_t *hashes = json_object();
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        json_object_set_new(hashes, profile_name(p), hash_json(&key->identity, p));
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s?, s:b}", "type", key->identity.algo == ALG_RSA ? "rsa" : "p256", "profile",
                     profile_name(shown_profile(cfg)), "identity_hash", hash_json(&key->identity, shown_profile(cfg)), "hashes", hashes,
                     "public_key", public ? public : "", "file", key->path, "encrypted", key->encrypted);
}

static bool show_key(const struct cmd_env *env, const struct key_file *key, struct err *err)
{
    json_auto_t *doc = key_json(key, &env->config);
    if (env->json || !doc)
        return cmd_print_json(json_incref(doc), err);
    printf("identity    %s (%s)\npublic key  %s\nfile        %s%s\n", json_string_value(json_object_get(doc, "identity_hash")),
           json_string_value(json_object_get(doc, "profile")), json_string_value(json_object_get(doc, "public_key")), key->path,
           key->encrypted ? " (encrypted)" : "");
    return true;
}

static bool new_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(key_file_done) struct key_file key = {0};
    unsigned rsa_bits;
    return take_type(&rsa_bits, opt_text(&env->opts, "type"), err) &&
           keys_create(&key, &env->config, opt_text(&env->opts, "out"), rsa_bits, err) && show_key(env, &key, err);
}

const struct cmd cmd_identity_new = {
    .name = "identity new",
    .help = "make an identity key",
    .about = "The key is written to the state folder as PKCS#8, mode 600; encrypted when identity_passphrase_file is set.",
    .opts = new_opts,
    .keys = KEYS_STORE | KEYS_IDENTITY | KEYS_EVIDENCE,
    .run = new_run,
};

static bool is_hash(const char *text)
{
    struct hash32 h;
    return access(text, F_OK) != 0 && hash32_parse(&h, text, NULL);
}

/* A key by file or by identity hash. */
static bool open_key(struct key_file *out, const struct cmd_env *env, const char *arg, struct err *err)
{
    struct hash32 hash;
    if (is_hash(arg) && hash32_parse(&hash, arg, err))
        return keys_find(out, &env->config, hash, PROFILE_NONE, err);
    return keys_open(out, &env->config, arg, err);
}

static bool show_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(key_list_done) struct key_list list = {0};
    const char *one = env->opts.num_args ? env->opts.args[0] : env->config.identity_key;
    if (one) {
        AUTO(key_file_done) struct key_file key = {0};
        return open_key(&key, env, one, err) && show_key(env, &key, err);
    }
    if (!keys_list(&list, &env->config, err))
        return false;
    if (list.count == 0)
        return err_set(err, ERR_USAGE, "there is no identity key in %s; identity new makes one", env->config.state_dir);
    if (list.count == 1)
        return show_key(env, &list.key[0], err);
    json_t *docs = json_array();
    for (size_t i = 0; i < list.count; i++) {
        if (env->json)
            json_array_append_new(docs, key_json(&list.key[i], &env->config));
        else if (!show_key(env, &list.key[i], err) || putchar('\n') == EOF)
            break;
    }
    if (env->json)
        return cmd_print_json(docs, err);
    json_decref(docs);
    return true;
}

const struct cmd cmd_identity_show = {
    .name = "identity show",
    .args = "[FILE|HASH]",
    .max_args = 1,
    .help = "identity keys: public key, hash, file",
    .keys = KEYS_STORE | KEYS_IDENTITY | KEYS_EVIDENCE,
    .run = show_run,
};

/* The identity in a public key's hex (x y), a PEM file, a bundle or calldata. */
static bool find_hash(struct hash32 *out, const struct cmd_env *env, const char *arg, struct err *err)
{
    enum profile profile = shown_profile(&env->config);
    uint8_t xy[64];
    if (access(arg, F_OK) != 0 && hex_decode_fixed(xy, sizeof xy, bytes_str(arg), NULL)) {
        AUTO(pubkey_freep) struct pubkey *key = pubkey_from_ec(KEY_P256, BYTES(xy), err);
        AUTO(arena_done) struct arena mem = arena_new(1 << 12);
        struct identity id = {0};
        if (!key || !identity_from_pubkey(&id, &mem, key, err))
            return false;
        *out = identity_hash(&id, profile);
        return true;
    }
    AUTO(bundle_done) struct bundle bundle = {0};
    if (cmd_open_bundle(&bundle, arg, INPUT_UNKNOWN, NULL)) {
        if (!bundle.identity.present)
            return err_set(err, ERR_FORMAT, "%s: carries no identity", arg);
        *out = identity_hash(&bundle.identity, judge_profile(&env->config) ? profile : bundle.call.profile ? bundle.call.profile : profile);
        return true;
    }
    AUTO(key_file_done) struct key_file key = {0};
    if (!keys_open(&key, &env->config, arg, err))
        return false;
    *out = identity_hash(&key.identity, profile);
    return true;
}

static bool hash_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    struct hash32 hash;
    if (!find_hash(&hash, env, env->opts.args[0], err))
        return false;
    AUTO(auto_free) char *hex = hex_0x(BYTES_OF(hash));
    if (env->json)
        return cmd_print_json(json_pack("{s:s, s:s}", "identity_hash", hex ? hex : "", "profile", profile_name(shown_profile(&env->config))), err);
    puts(hex ? hex : "");
    return true;
}

const struct cmd cmd_identity_hash = {
    .name = "identity hash",
    .args = "FILE|PUBLICKEY",
    .min_args = 1,
    .max_args = 1,
    .help = "the on-chain hash of an identity key",
    .about = "Of a key file (PEM), 64 bytes of hex (x then y), an evidence bundle or registry calldata.",
    .keys = KEYS_STORE | KEYS_IDENTITY | KEYS_EVIDENCE,
    .run = hash_run,
};

/* --- purge --- */

static const struct opt_row purge_opts[] = {
    {"force", 0, NULL, false, "also a key that the store knows nothing of"},
    {0},
};

/* A rotation for which nothing was sent can be called off; one that may be on its way cannot. */
static bool may_give_up(struct db *db, struct rotation_row *row, bool force, struct err *err)
{
    if (row->state > ROTATION_SENT)
        return true;
    if (row->state == ROTATION_SENT || !force)
        return err_set(err, ERR_REFUSED, "a rotation with this key is %s and not final yet%s", rotation_state_name(row->state),
                       row->state == ROTATION_SENT ? ": the chain may name it" : "; --force calls it off");
    row->state = ROTATION_GIVEN_UP;
    row->changed_at_s = clock_now_s();
    return rotations_put(db, row, err);
}

/* Does the chain name this key, may it soon, or may it still? ERR_REFUSED says which. */
static bool may_purge(struct db *db, const struct key_file *key, bool force, struct err *err)
{
    bool known = false;
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++) {
        struct hash32 hash = identity_hash(&key->identity, p);
        AUTO(rotation_list_done) struct rotation_list rotations = {0};
        AUTO(identity_list_done) struct identity_list rows = {0};
        char hex[65];
        if (!rotations_of(db, &rotations, hash, err) || !identities_list(db, &rows, hex_encode(hex, BYTES_OF(hash)), err))
            return false;
        for (size_t i = 0; i < rows.count; i++)
            if (rows.row[i].registered)
                return err_set(err, ERR_REFUSED, "the registry names this key: without it the identity can never be re-attested or rotated");
        for (size_t i = 0; i < rotations.count; i++)
            if (!may_give_up(db, &rotations.row[i], force, err))
                return false;
        known |= rows.count || rotations.count;
    }
    return known || force ||
           err_set(err, ERR_REFUSED, "the store knows nothing of this key; another registry may name it (--force purges it all the same)");
}

static bool purge_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(db_closep) struct db *db = NULL;
    AUTO(key_file_done) struct key_file key = {0};
    if (!open_key(&key, env, env->opts.args[0], err) || !db_open(&db, env->config.state_dir, err) ||
        !may_purge(db, &key, opt_given(&env->opts, "force"), err) || !keys_purge(&key, err))
        return false;
    cmd_say(env, "purged %s", key.path);
    return !env->json || cmd_print_json(json_pack("{s:s}", "purged", key.path), err);
}

const struct cmd cmd_identity_purge = {
    .name = "identity purge",
    .args = "FILE|HASH",
    .min_args = 1,
    .max_args = 1,
    .help = "overwrite and remove a key that no registry names any more",
    .about = "Refused while the registry names the key, or while a rotation with it is not final.",
    .opts = purge_opts,
    .keys = KEYS_STORE | KEYS_IDENTITY | KEYS_EVIDENCE,
    .run = purge_run,
};
