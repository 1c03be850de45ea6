#include "relayer/keys.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "relayer/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KEY_FILE   (64 * 1024)
#define MAX_PASSPHRASE 1024

void key_file_done(struct key_file *key)
{
    free(key->path);
    pubkey_free(key->public);
    arena_done(&key->mem);
    *key = (struct key_file){0};
}

/* The first line of the passphrase file; empty where there is no file. */
static bool read_passphrase(struct buf *out, const struct config *cfg, struct err *err)
{
    if (!cfg->identity_passphrase_file)
        return true;
    if (!file_read_private(out, cfg->identity_passphrase_file, true, err))
        return err_wrap(err, "identity passphrase");
    const uint8_t *end = out->len ? memchr(out->p, '\n', out->len) : NULL;
    if (end)
        out->len = (size_t)(end - out->p);
    while (out->len && out->p[out->len - 1] == '\r')
        out->len--;
    return out->len || err_set(err, ERR_USAGE, "identity passphrase: %s is empty", cfg->identity_passphrase_file);
}

static char *keys_folder(const struct config *cfg)
{
    return path_join(cfg->state_dir, "keys");
}

/* Fill in what follows from the public key; takes public. */
static bool fill(struct key_file *out, const char *path, struct pubkey *public, bool encrypted, struct err *err)
{
    AUTO(key_file_done) struct key_file key = {.path = strdup(path), .public = public, .mem = arena_new(1 << 16), .encrypted = encrypted};
    if (!key.path)
        return err_set(err, ERR_NOMEM, "no memory for a key");
    if (!identity_from_pubkey(&key.identity, &key.mem, public, err))
        return false;
    *out = key;
    key = (struct key_file){0};
    return true;
}

static char *default_path(const struct config *cfg, const struct pubkey *public, struct err *err)
{
    AUTO(buf_done) struct buf spki = buf_new(MAX_KEY_FILE);
    char name[80], hex[65];
    AUTO(auto_free) char *folder = keys_folder(cfg);
    if (!folder || !pubkey_to_spki(&spki, public, err) || !dir_make(folder, err))
        return NULL;
    struct hash32 digest = sha256(buf_view(&spki));
    snprintf(name, sizeof name, "%s.pem", hex_encode(hex, BYTES_OF(digest)));
    char *path = path_join(folder, name);
    if (!path)
        err_set(err, ERR_NOMEM, "no memory for a path");
    return path;
}

unsigned keys_rsa_bits(const struct key_file *key)
{
    return pubkey_type(key->public) == KEY_RSA ? (unsigned)pubkey_bits(key->public) : 0;
}

bool keys_create(struct key_file *out, const struct config *cfg, const char *path, unsigned rsa_bits, struct err *err)
{
    AUTO(private_key_freep) struct private_key *key = rsa_bits ? private_key_new_rsa(rsa_bits, err) : private_key_new_p256(err);
    AUTO(buf_wipe) struct buf pem = buf_new(MAX_KEY_FILE), pass = buf_new(MAX_PASSPHRASE);
    AUTO(buf_done) struct buf spki = buf_new(MAX_KEY_FILE);
    if (!key || !read_passphrase(&pass, cfg, err) || !private_key_to_pem(&pem, key, buf_view(&pass), err) ||
        !pubkey_to_spki(&spki, private_key_public(key), err))
        return err_wrap(err, "new identity key");
    pem_encode(&pem, "PUBLIC KEY", buf_view(&spki));
    AUTO(auto_free) char *own = path ? strdup(path) : default_path(cfg, private_key_public(key), err);
    if (!own || !buf_finish(&pem, err) || !file_write(own, buf_view(&pem), 0600, true, err))
        return err_wrap(err, "new identity key");
    struct pubkey *public = pubkey_from_spki(buf_view(&spki), err);
    return public && fill(out, own, public, pass.len > 0, err);
}

static bool has_label(struct bytes pem, const char *label)
{
    return bytes_find(pem, bytes_str(label), 0) != SIZE_MAX;
}

bool keys_open(struct key_file *out, const struct config *cfg, const char *path, struct err *err)
{
    AUTO(buf_wipe) struct buf pem = buf_new(MAX_KEY_FILE), pass = buf_new(MAX_PASSPHRASE);
    AUTO(der_list_done) struct der_list list = {0};
    if (!file_read(&pem, path, err) || !pem_parse(&list, buf_view(&pem), "PUBLIC KEY", 1, err))
        return err_wrap(err, "identity key %s", path);
    bool private = has_label(buf_view(&pem), "PRIVATE KEY-----"), encrypted = has_label(buf_view(&pem), "BEGIN ENCRYPTED");
    struct stat st;
    if (private && stat(path, &st) == 0 && (st.st_mode & 077))
        return err_set(err, ERR_USAGE, "identity key %s: others can reach it (mode %03o); chmod 600", path, (unsigned)st.st_mode & 0777);
    if (list.count) {
        struct pubkey *public = pubkey_from_spki(list.item[0], err);
        return (public && fill(out, path, public, encrypted, err)) || err_wrap(err, "identity key %s", path);
    }
    if (!read_passphrase(&pass, cfg, err))
        return false;
    AUTO(private_key_freep) struct private_key *key = private_key_from_pem(buf_view(&pem), buf_view(&pass), err);
    AUTO(buf_done) struct buf spki = buf_new(MAX_KEY_FILE);
    if (!key || !pubkey_to_spki(&spki, private_key_public(key), err))
        return err_wrap(err, "identity key %s", path) || err_configuration(err);
    struct pubkey *public = pubkey_from_spki(buf_view(&spki), err);
    return public && fill(out, path, public, encrypted, err);
}

void key_list_done(struct key_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        key_file_done(&list->key[i]);
    free(list->key);
    *list = (struct key_list){0};
}

static int is_key(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len == 68 && strcmp(entry->d_name + 64, ".pem") == 0;
}

bool keys_list(struct key_list *out, const struct config *cfg, struct err *err)
{
    AUTO(auto_free) char *folder = keys_folder(cfg);
    struct dirent **names = NULL;
    if (!folder)
        return err_set(err, ERR_NOMEM, "no memory for a path");
    int n = scandir(folder, &names, is_key, alphasort);
    if (n < 0 && errno != ENOENT)
        return err_set(err, ERR_STORE, "%s: %s", folder, strerror(errno));
    struct key_list list = {.key = calloc((size_t)(n > 0 ? n : 1), sizeof *list.key)};
    bool ok = list.key || err_set(err, ERR_NOMEM, "no memory for the keys");
    for (int i = 0; i < n; i++) {
        AUTO(auto_free) char *path = path_join(folder, names[i]->d_name);
        ok = ok && (path || err_set(err, ERR_NOMEM, "no memory for a path")) && keys_open(&list.key[list.count], cfg, path, err);
        list.count += ok;
        free(names[i]);
    }
    free(names);
    if (!ok) {
        key_list_done(&list);
        return false;
    }
    *out = list;
    return true;
}

static bool has_hash(const struct key_file *key, struct hash32 hash, enum profile profile)
{
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        if ((profile == PROFILE_NONE || profile == p) && hash32_eq(identity_hash(&key->identity, p), hash))
            return true;
    return false;
}

bool keys_find(struct key_file *out, const struct config *cfg, struct hash32 hash, enum profile profile, struct err *err)
{
    char hex[65];
    if (cfg->identity_key) {
        AUTO(key_file_done) struct key_file key = {0};
        if (!keys_open(&key, cfg, cfg->identity_key, err))
            return false;
        if (has_hash(&key, hash, profile)) {
            *out = key;
            key = (struct key_file){0};
            return true;
        }
    }
    AUTO(key_list_done) struct key_list list = {0};
    if (!keys_list(&list, cfg, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (has_hash(&list.key[i], hash, profile)) {
            *out = list.key[i];
            list.key[i] = (struct key_file){0};
            return true;
        }
    return err_set(err, ERR_USAGE, "no private key here for identity 0x%s; --identity-key names one", hex_encode(hex, BYTES_OF(hash)));
}

struct private_key *keys_unlock(const struct key_file *key, const struct config *cfg, struct err *err)
{
    AUTO(buf_wipe) struct buf pem = buf_new(MAX_KEY_FILE), pass = buf_new(MAX_PASSPHRASE);
    struct private_key *private = NULL;
    if (key->encrypted && !cfg->identity_passphrase_file)
        err_set(err, ERR_USAGE, "the key is encrypted; identity_passphrase_file must name its passphrase's file");
    else if (file_read_private(&pem, key->path, true, err) && (!key->encrypted || read_passphrase(&pass, cfg, err)))
        private = private_key_from_pem(buf_view(&pem), buf_view(&pass), err);
    if (!private) {
        err_wrap(err, "identity key %s", key->path);
        err_configuration(err);
    }
    return private;
}

bool keys_purge(const struct key_file *key, struct err *err)
{
    AUTO(auto_close) int fd = open(key->path, O_WRONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_set(err, ERR_STORE, "%s: %s", key->path, strerror(errno));
    static const uint8_t zeros[MAX_KEY_FILE];
    size_t len = st.st_size < MAX_KEY_FILE ? (size_t)st.st_size : MAX_KEY_FILE;
    /* what the disk does underneath is beyond us; an ordinary file system overwrites in place */
    if (write(fd, zeros, len) != (ssize_t)len || fsync(fd) != 0 || unlink(key->path) != 0)
        return err_set(err, ERR_STORE, "%s: %s", key->path, strerror(errno));
    return true;
}
