#include "relayer/agent/keys.h"

#include "crypto/base/auto.h"
#include "relayer/files.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

/* Written whole and synced: a crash leaves the old names or the new ones. */
static bool save(const struct agent_keys *k, const char *current, const char *pending, struct err *err)
{
    json_auto_t *doc = json_pack("{s:s, s:s, s:s?}", "format", "cvm-agent/1", "current", current, "pending", pending);
    AUTO(auto_free) char *text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;
    if (!text)
        return err_set(err, ERR_NOMEM, "agent: no memory");
    return file_write(k->state_path, bytes_str(text), 0600, false, err);
}

static bool load(struct agent_keys *k, const char *text, size_t len, struct err *err)
{
    json_auto_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *current = json_string_value(json_object_get(doc, "current"));
    const char *pending = json_string_value(json_object_get(doc, "pending"));
    if (!current)
        return err_set(err, ERR_STORE, "%s: damaged; remove it to choose the key anew", k->state_path);
    if (!keys_open(&k->current, k->cfg, current, err))
        return false;
    k->has_pending = pending && keys_open(&k->pending, k->cfg, pending, err);
    return !pending || k->has_pending;
}

/* The configured key, or the only one that there is. */
static bool choose(struct agent_keys *k, struct err *err)
{
    if (k->cfg->identity_key)
        return keys_open(&k->current, k->cfg, k->cfg->identity_key, err);
    AUTO(key_list_done) struct key_list list = {0};
    if (!keys_list(&list, k->cfg, err))
        return false;
    if (list.count != 1)
        return err_set(err, ERR_USAGE, "%zu identity keys in %s; name one with identity_key, or make one with: identity new", list.count,
                       k->cfg->state_dir);
    return keys_open(&k->current, k->cfg, list.key[0].path, err);
}

bool agent_keys_open(struct agent_keys *out, const struct config *cfg, struct err *err)
{
    AUTO(agent_keys_done) struct agent_keys k = {.cfg = cfg, .state_path = path_join(cfg->state_dir, "agent.json")};
    if (!k.state_path)
        return err_set(err, ERR_NOMEM, "agent: no memory");
    bool known = access(k.state_path, F_OK) == 0;
    AUTO(buf_done) struct buf text = buf_new(1 << 14);
    if (known ? !file_read_private(&text, k.state_path, false, err) || !load(&k, (const char *)text.p, text.len, err) : !choose(&k, err))
        return false;
    *out = k;
    k = (struct agent_keys){0};
    return true;
}

void agent_keys_done(struct agent_keys *k)
{
    free(k->state_path);
    key_file_done(&k->current);
    key_file_done(&k->pending);
    *k = (struct agent_keys){0};
}

bool agent_keys_make_pending(struct agent_keys *k, struct err *err)
{
    AUTO(key_file_done) struct key_file made = {0};
    if (!keys_create(&made, k->cfg, NULL, keys_rsa_bits(&k->current), err) || !save(k, k->current.path, made.path, err))
        return false;
    key_file_done(&k->pending);
    k->pending = made;
    k->has_pending = true;
    made = (struct key_file){0};
    return true;
}

bool agent_keys_promote(struct agent_keys *k, struct err *err)
{
    if (!k->has_pending)
        return true;
    if (!save(k, k->pending.path, NULL, err))
        return false;
    struct key_file old = k->current;
    k->current = k->pending;
    k->pending = (struct key_file){0};
    k->has_pending = false;
    bool ok = keys_purge(&old, err);
    key_file_done(&old);
    return ok;
}
