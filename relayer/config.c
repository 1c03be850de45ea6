#include "relayer/config.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/near.h"
#include "crypto/base/text.h"
#include "relayer/files.h"
#include "relayer/wei.h"

#include <stddef.h>
#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE   (256 * 1024)
#define ENV_PREFIX "CVM_RELAYER_"

const struct config_key *config_key_find(const char *name)
{
    for (size_t i = 0; i < num_config_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

bool config_key_is_list(const struct config_key *key)
{
    return key->type == CONFIG_LIST || key->type == CONFIG_PATHS || key->type == CONFIG_TIMES;
}

enum config_origin config_origin(const struct config *cfg, const char *name)
{
    const struct config_key *key = config_key_find(name);
    return key ? (enum config_origin)cfg->origin[key - config_keys] : ORIGIN_NONE;
}

int64_t lead_seconds(struct lead lead, uint64_t ttl_s)
{
    if (!lead.percent)
        return lead.seconds;
    /* a TTL that never ends has no share worth computing */
    return ttl_s > INT64_MAX / 100 ? (int64_t)(ttl_s / 100) * lead.percent : (int64_t)(ttl_s * lead.percent / 100);
}

/* --- values --- */

static void list_done(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct text_list){0};
}

static bool list_add(struct text_list *list, const char *text, struct err *err)
{
    char **grown = realloc(list->item, (list->count + 2) * sizeof *grown);
    if (!grown)
        return err_set(err, ERR_NOMEM, "no memory for a setting");
    list->item = grown;
    grown[list->count] = strdup(text);
    if (!grown[list->count])
        return err_set(err, ERR_NOMEM, "no memory for a setting");
    grown[++list->count] = NULL;
    return true;
}

static bool set_text(char **field, const char *text, struct err *err)
{
    char *copy = strdup(text);
    if (!copy)
        return err_set(err, ERR_NOMEM, "no memory for a setting");
    free(*field);
    *field = copy;
    return true;
}

static bool parse_bool(bool *out, const char *text, struct err *err)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int v = 0; v < 2; v++)
            if (strcmp(text, words[i][v]) == 0) {
                *out = v;
                return true;
            }
    return err_set(err, ERR_USAGE, "\"%s\" is neither true nor false", text);
}

static bool parse_lead(struct lead *out, const char *text, struct err *err)
{
    size_t len = strlen(text);
    if (len && text[len - 1] == '%') {
        uint64_t percent;
        if (!u64_parse(&percent, bytes_from(text, len - 1), 100, err))
            return err_wrap(err, "share");
        *out = (struct lead){.percent = (unsigned)percent};
        return true;
    }
    struct lead lead = {0};
    if (!duration_parse(&lead.seconds, bytes_str(text), err))
        return false;
    *out = lead;
    return true;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, text, len) == 0 && (p[len] == '|' || p[len] == '\0') && len)
            return true;
    return false;
}

static bool set_value(struct config *cfg, const struct config_key *key, const char *text, struct err *err)
{
    void *field = (char *)cfg + key->offset;
    int64_t time_s;
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return set_text(field, text, err);
    case CONFIG_LIST:
    case CONFIG_PATHS:
        return !*text || list_add(field, text, err); /* an empty value empties the list: nothing of the kind */
    case CONFIG_TIMES:
        return !*text || (time_parse(&time_s, bytes_str(text), err) && list_add(field, text, err));
    case CONFIG_BOOL:
        return parse_bool(field, text, err);
    case CONFIG_U64:
        return u64_parse(field, bytes_str(text), UINT64_MAX, err);
    case CONFIG_DURATION:
        return duration_parse(field, bytes_str(text), err);
    case CONFIG_LEAD:
        return parse_lead(field, text, err);
    case CONFIG_WEI:
        return wei_parse(field, bytes_str(text), err);
    case CONFIG_ADDR:
        return addr_parse(field, bytes_str(text), err);
    }
    return err_set(err, ERR_BUG, "a setting without a type");
}

bool config_set(struct config *cfg, const struct config_key *key, const char *text, enum config_origin origin, struct err *err)
{
    uint8_t *was = &cfg->origin[key - config_keys];
    if (config_key_is_list(key) && *was != origin)
        list_done((struct text_list *)((char *)cfg + key->offset));
    bool ok = !key->choices || is_choice(key->choices, text)
                  ? set_value(cfg, key, text, err)
                  : err_set(err, ERR_USAGE, "\"%s\" is none of %s", text, key->choices);
    if (!ok) {
        if (err && err->code == ERR_FORMAT)
            err->code = ERR_USAGE;
        return err_wrap(err, "%s", key->name);
    }
    *was = (uint8_t)origin;
    if (key->offset == offsetof(struct config, registry))
        cfg->has_registry = true;
    return true;
}

void config_done(struct config *cfg)
{
    for (size_t i = 0; i < num_config_keys; i++) {
        void *field = (char *)cfg + config_keys[i].offset;
        enum config_type type = config_keys[i].type;
        if (type == CONFIG_TEXT || type == CONFIG_PATH)
            free(*(char **)field);
        else if (config_key_is_list(&config_keys[i]))
            list_done(field);
    }
    free(cfg->file);
    *cfg = (struct config){0};
}

/* --- defaults --- */

/* $VAR/cvm-relayer, or ~/FALLBACK/cvm-relayer; NULL without either */
static char *user_path(const char *var, const char *fallback)
{
    const char *base = getenv(var), *home = getenv("HOME");
    char *path = NULL;
    int n = -1;
    if (base && *base == '/')
        n = asprintf(&path, "%s/cvm-relayer", base);
    else if (home && *home == '/')
        n = asprintf(&path, "%s/%s/cvm-relayer", home, fallback);
    return n < 0 ? NULL : path;
}

static bool set_defaults(struct config *cfg, struct err *err)
{
    for (size_t i = 0; i < num_config_keys; i++)
        if (config_keys[i].def && !config_set(cfg, &config_keys[i], config_keys[i].def, ORIGIN_DEFAULT, err))
            return err_wrap(err, "default");
    AUTO(auto_free) char *dir = user_path("XDG_STATE_HOME", ".local/state");
    return config_set(cfg, config_key_find("state_dir"), dir ? dir : "/var/lib/cvm-relayer", ORIGIN_DEFAULT, err);
}

/* --- file --- */

struct file_ctx {
    struct config *cfg;
    const char *path;
    struct err err;
};

static bool unknown_key(struct file_ctx *ctx, const char *section, const char *name)
{
    struct near_word best = {0};
    char hint[120];
    for (size_t i = 0; i < num_config_keys; i++)
        near_try(&best, name, config_keys[i].name);
    return err_set(&ctx->err, ERR_USAGE, "unknown key %s in section [%s]%s", name, section,
                   near_hint(hint, sizeof hint, &best, ""));
}

/* Paths in a file start at the file's folder. */
static char *resolve(const struct file_ctx *ctx, const char *text)
{
    const char *slash = strrchr(ctx->path, '/');
    if (*text == '/' || !*text || !slash)
        return strdup(text);
    char *path = NULL;
    return asprintf(&path, "%.*s/%s", (int)(slash - ctx->path), ctx->path, text) < 0 ? NULL : path;
}

static bool take_key(struct file_ctx *ctx, const char *section, const char *name, const char *value)
{
    const struct config_key *key = config_key_find(name);
    if (!key)
        return unknown_key(ctx, section, name);
    if (strcmp(key->section, section) != 0)
        return err_set(&ctx->err, ERR_USAGE, "key %s stands in section [%s]; it belongs into [%s]", name, section, key->section);
    bool is_path = key->type == CONFIG_PATH || key->type == CONFIG_PATHS;
    AUTO(auto_free) char *resolved = is_path ? resolve(ctx, value) : strdup(value);
    if (!resolved)
        return err_set(&ctx->err, ERR_NOMEM, "no memory for a setting");
    if (!config_key_is_list(key) && ctx->cfg->origin[key - config_keys] == ORIGIN_FILE)
        return err_set(&ctx->err, ERR_USAGE, "%s is given twice", name);
    return config_set(ctx->cfg, key, resolved, ORIGIN_FILE, &ctx->err);
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
    return take_key(user, section, name, value);
}

static bool load_file(struct config *cfg, const char *path, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(MAX_FILE);
    if (!file_read_private(&text, path, false, err))
        return err_wrap(err, "config file");
    if (memchr(text.p ? text.p : (const uint8_t *)"", '\0', text.len))
        return err_set(err, ERR_USAGE, "config file %s: holds a NUL byte", path);
    AUTO(auto_free) char *s = buf_steal_str(&text);
    if (!s)
        return err_set(err, ERR_NOMEM, "no memory for the config file");
    struct file_ctx ctx = {.cfg = cfg, .path = path};
    int line = ini_parse_string(s, on_key, &ctx);
    if (line == 0)
        return set_text(&cfg->file, path, err);
    if (ctx.err.code == ERR_NONE)
        err_set(&ctx.err, ERR_USAGE, "not a key = value line (or longer than can be read)");
    *err = ctx.err;
    return line > 0 ? err_wrap(err, "%s, line %d", path, line) : err_wrap(err, "%s", path);
}

static bool find_file(struct config *cfg, const char *file, struct err *err)
{
    if (!file)
        file = getenv(ENV_PREFIX "CONFIG");
    if (file && *file)
        return load_file(cfg, file, err);
    AUTO(auto_free) char *dir = user_path("XDG_CONFIG_HOME", ".config");
    AUTO(auto_free) char *own = dir ? path_join(dir, "config.ini") : NULL;
    if (own && access(own, F_OK) == 0)
        return load_file(cfg, own, err);
    static const char global[] = "/etc/cvm-relayer/config.ini";
    return access(global, F_OK) != 0 || load_file(cfg, global, err);
}

/* --- environment --- */

static bool take_variable(struct config *cfg, const char *variable, struct err *err)
{
    const char *name = variable + strlen(ENV_PREFIX), *equals = strchr(name, '=');
    char key_name[64];
    size_t len = equals ? (size_t)(equals - name) : 0;
    if (!equals || strncmp(name, "CONFIG=", 7) == 0)
        return true;
    if (len >= sizeof key_name)
        return err_set(err, ERR_USAGE, "unknown variable %.80s", variable);
    for (size_t i = 0; i < len; i++)
        key_name[i] = (char)tolower((unsigned char)name[i]);
    key_name[len] = '\0';
    const struct config_key *key = config_key_find(key_name);
    if (!key) {
        struct file_ctx ctx = {0};
        unknown_key(&ctx, "environment", key_name);
        *err = ctx.err;
        return err_wrap(err, "%.*s", (int)(equals - variable), variable);
    }
    if (!config_key_is_list(key))
        return config_set(cfg, key, equals + 1, ORIGIN_ENV, err) || err_wrap(err, "environment");
    /* a list's items are parted by white space */
    AUTO(auto_free) char *items = strdup(equals + 1);
    if (!items)
        return err_set(err, ERR_NOMEM, "no memory for a setting");
    char *save = NULL, *item = strtok_r(items, " \t\n", &save);
    bool ok = config_set(cfg, key, item ? item : "", ORIGIN_ENV, err);
    while (ok && item && (item = strtok_r(NULL, " \t\n", &save)))
        ok = config_set(cfg, key, item, ORIGIN_ENV, err);
    return ok || err_wrap(err, "environment");
}

bool config_load(struct config *out, const char *file, char *const *environ_list, struct err *err)
{
    AUTO(config_done) struct config cfg = {0};
    if (!set_defaults(&cfg, err) || !find_file(&cfg, file, err))
        return false;
    for (char *const *v = environ_list; *v; v++)
        if (strncmp(*v, ENV_PREFIX, strlen(ENV_PREFIX)) == 0 && !take_variable(&cfg, *v, err))
            return false;
    *out = cfg;
    cfg = (struct config){0};
    return true;
}
