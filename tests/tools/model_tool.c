/* The registry's model for tests that hold it against something else. One request per line on stdin, one JSON answer per line:
 *   place CHAIN_ID REGISTRY PROFILE   where, and which generation; forgets all state
 *   root HEX                          an AK root that the owner has added
 *   ask TIME CALLDATA                 what would be answered; changes nothing
 *   send TIME CALLDATA                the same, and the state after it is kept
 *   get ID                            what is kept of an identity (null: nothing) */
#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/registry/model.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_ROOTS 4

struct tool {
    struct predict_call call;
    struct registry_state state;
    struct buf roots[MAX_ROOTS];
    struct bytes views[MAX_ROOTS];
};

static void say(json_t *doc)
{
    AUTO(auto_free) char *text = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(doc);
    puts(text ? text : "null");
    fflush(stdout);
}

static bool place(struct tool *t, char *args)
{
    char *registry = NULL, *profile = NULL;
    t->call.chain_id = strtoull(args, &registry, 10);
    if (!registry || !(profile = strchr(registry + 1, ' ')))
        return false;
    *profile++ = '\0';
    registry_state_done(&t->state);
    t->state = registry_state_new();
    return addr_parse(&t->call.registry, bytes_str(registry + 1), NULL) && profile_from_name(&t->call.profile, profile);
}

static bool root(struct tool *t, const char *hex)
{
    size_t i = t->call.num_ak_roots;
    if (i == MAX_ROOTS)
        return false;
    t->roots[i] = buf_new(1 << 16);
    if (!hex_decode(&t->roots[i], bytes_str(hex), NULL))
        return false;
    t->views[i] = buf_view(&t->roots[i]);
    t->call.ak_roots = t->views;
    t->call.num_ak_roots++;
    return true;
}

/* A state of its own, through the JSON that predict prints: so that is held against the contract, too. */
static bool copy_state(struct registry_state *out, const struct registry_state *in)
{
    json_auto_t *doc = registry_state_to_json(in);
    return registry_state_from_json(out, doc, NULL);
}

static bool answer(struct tool *t, char *args, bool keep)
{
    AUTO(buf_done) struct buf data = buf_new(1 << 24);
    AUTO(prediction_done) struct prediction p = {0};
    AUTO(registry_state_done) struct registry_state copy = {0};
    char *hex = NULL;
    t->call.block_time_s = strtoull(args, &hex, 10);
    if (!hex || *hex++ != ' ' || !hex_decode(&data, bytes_str(hex), NULL) || !copy_state(&copy, &t->state))
        return false;
    t->call.calldata = buf_view(&data);
    if (!predict(&p, &copy, &t->call, NULL))
        return false;
    if (keep && p.answer == PREDICT_SUCCESS) {
        registry_state_done(&t->state);
        t->state = copy;
        copy = (struct registry_state){0};
    }
    json_t *doc = prediction_to_json(&p, t->call.profile);
    json_object_set_new(doc, "row", p.row || p.answer != PREDICT_REVERT || !p.step ? json_true() : json_false());
    say(doc);
    return true;
}

static bool get(struct tool *t, const char *hex)
{
    struct hash32 id;
    if (!hex_decode_fixed(id.b, sizeof id.b, bytes_str(hex), NULL))
        return false;
    AUTO(auto_free) char *key = hex_0x(BYTES_OF(id));
    json_auto_t *doc = registry_state_to_json(&t->state);
    json_t *found = json_object_get(json_object_get(doc, "identities"), key);
    say(found ? json_incref(found) : json_null());
    return true;
}

static bool request(struct tool *t, char *line)
{
    char *args = strchr(line, ' ');
    if (!args)
        return false;
    *args++ = '\0';
    if (strcmp(line, "ask") == 0 || strcmp(line, "send") == 0)
        return answer(t, args, line[0] == 's');
    if (strcmp(line, "get") == 0)
        return get(t, args);
    bool ok = strcmp(line, "place") == 0 ? place(t, args) : strcmp(line, "root") == 0 && root(t, args);
    if (ok)
        say(json_true());
    return ok;
}

static void done(struct tool *t)
{
    registry_state_done(&t->state);
    for (size_t i = 0; i < t->call.num_ak_roots; i++)
        buf_done(&t->roots[i]);
}

int main(void)
{
    AUTO(done) struct tool t = {.call = {.tee = TEE_ACCEPTS, .report_id_pcr = 15}, .state = registry_state_new()};
    AUTO(auto_free) char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (!request(&t, line)) {
            fprintf(stderr, "model_tool: cannot do: %.60s\n", line);
            return 1;
        }
    }
    return 0;
}
