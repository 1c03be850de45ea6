/* measure: the golden measurement that the registry will compute. encode: the registry call for a bundle. */
#include "relayer/cli/cmd_evidence.h"
#include "relayer/cli/measure_golden.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/files.h"
#include "relayer/judge.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/golden.h"

#include <stdio.h>
#include <unistd.h>

static const struct opt_row measure_opts[] = {
    {"kind", 0, "KIND", false, "take the input for this kind: " INPUT_KINDS},
    {"against", 0, "FILE|HASH", false, "say what differs from this measurement: evidence, measure's JSON, a golden file, or a hash"},
    {"golden", 0, "NAME", false, "print a golden file's entry of this name"},
    {0},
};

static bool measure_bundle(struct golden *out, struct arena *mem, const struct bundle *bundle, const struct cmd_env *env,
                           struct err *err)
{
    return golden_from_bundle(out, mem, bundle, judge_profile(&env->config), err);
}

/* A measurement from what measure (or verify) printed. */
static bool from_document(struct golden *out, struct arena *mem, const json_t *doc, struct err *err)
{
    const json_t *inner = json_object_get(doc, "measurement");
    return golden_from_json(out, mem, inner ? inner : doc, err);
}

/* events: which events changed, where both sides have a log. */
static bool against_file(struct golden *out, json_t **events, struct arena *mem, const struct cmd_env *env, const struct bundle *have,
                         const char *path, struct err *err)
{
    AUTO(bundle_done) struct bundle bundle = {0};
    json_auto_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(doc) && (json_object_get(doc, "hash") || json_object_get(doc, "measurement")))
        return from_document(out, mem, doc, err) || err_wrap(err, "%s", path);
    if (!cmd_open_bundle(&bundle, path, INPUT_UNKNOWN, err))
        return false;
    *events = measure_event_changes(have, &bundle);
    return measure_bundle(out, mem, &bundle, env, err) || err_wrap(err, "%s", path);
}

static bool against_golden(json_t **list, const struct golden *have, const char *path)
{
    AUTO(buf_done) struct buf text = buf_new(1 << 20);
    return file_read(&text, path, NULL) && measure_against_golden(list, have, buf_view(&text));
}

/* The differences as a list; where only a hash is known the list has one row. */
static json_t *differences(const struct golden *have, const struct bundle *bundle, json_t **events, struct arena *mem,
                           const struct cmd_env *env, const char *against, struct err *err)
{
    struct hash32 hash;
    struct golden want = {0};
    json_t *list;
    if (access(against, F_OK) != 0) {
        if (!hash32_parse(&hash, against, err))
            return NULL;
        if (hash32_eq(hash, have->hash))
            return json_array();
        AUTO(auto_free) char *h = hex_0x(BYTES_OF(have->hash)), *w = hex_0x(BYTES_OF(hash));
        return json_pack("[{s:s, s:s, s:s}]", "what", "hash", "have", h, "want", w);
    }
    if (against_golden(&list, have, against))
        return list;
    return against_file(&want, events, mem, env, bundle, against, err) ? golden_diff(have, &want) : NULL;
}

static void say_golden(const json_t *doc)
{
    static const char *const parts[] = {"tdx", "snp"};
    const char *key;
    json_t *value;
    size_t i;
    printf("hash         %s\n", json_string_value(json_object_get(doc, "hash")));
    for (size_t p = 0; p < 2; p++) {
        json_object_foreach(json_object_get(doc, parts[p]), key, value)
            printf("%-12s %s\n", key, json_string_value(value));
    }
    json_array_foreach(json_object_get(doc, "pcrs"), i, value) {
        const json_t *index = json_object_get(value, "index");
        const char *pcr = json_string_value(json_object_get(value, "value"));
        char name[40];
        if (json_is_integer(index))
            snprintf(name, sizeof name, "pcr %" JSON_INTEGER_FORMAT, json_integer_value(index));
        else
            snprintf(name, sizeof name, "pcr %.30s", json_string_value(index));
        printf("%-12s %s", name, pcr ? pcr : "not measured");
        size_t events = json_array_size(json_object_get(value, "events"));
        printf(events ? ", %zu events\n" : "\n", events);
    }
}

static void say_differences(const json_t *list)
{
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row) {
        const char *have = json_string_value(json_object_get(row, "have")), *want = json_string_value(json_object_get(row, "want"));
        if (!have && !want) {
            printf("%s\n", json_string_value(json_object_get(row, "what")));
            continue;
        }
        printf("%-24s have %s\n%-24s want %s\n", json_string_value(json_object_get(row, "what")), have ? have : "nothing", "",
               want ? want : "nothing");
    }
}

/* "pcr 4: boot application \\EFI\\BOOT\\BOOTX64.EFI changed from .. to .." */
static void say_events(const json_t *list)
{
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row) {
        const char *have = json_string_value(json_object_get(row, "have")), *want = json_string_value(json_object_get(row, "want"));
        const char *was = json_string_value(json_object_get(row, "was"));
        printf("pcr %d: %s%s%s ", (int)json_integer_value(json_object_get(row, "pcr")), json_string_value(json_object_get(row, "what")),
               was ? ", before: " : "", was ? was : "");
        if (have && want)
            printf("changed from %s to %s\n", want, have);
        else
            printf("%s (%s)\n", have ? "is new" : "is gone", have ? have : want);
    }
}

static bool say_entry(const struct golden *golden, const char *name, struct err *err)
{
    AUTO(buf_done) struct buf b = buf_new(1 << 16);
    if (!measure_golden_entry(&b, name, golden, err))
        return false;
    printf("%.*s", (int)b.len, (const char *)b.p);
    return true;
}

static bool measure_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(arena_done) struct arena mem = arena_new(16 << 20);
    struct golden golden = {0};
    enum input_kind kind = INPUT_UNKNOWN;
    if (!cmd_take_kind(&kind, &env->opts, err) || !cmd_open_bundle(&bundle, env->opts.args[0], kind, err) ||
        !measure_bundle(&golden, &mem, &bundle, env, err))
        return false;
    if (opt_given(&env->opts, "golden"))
        return say_entry(&golden, opt_text(&env->opts, "golden"), err);
    json_auto_t *doc = golden_to_json(&golden);
    json_auto_t *events = NULL;
    const char *against = opt_text(&env->opts, "against");
    json_t *diff = against ? differences(&golden, &bundle, &events, &mem, env, against, err) : NULL;
    if (against && !diff)
        return err->code != ERR_NONE ? err_wrap(err, "--against") : err_set(err, ERR_NOMEM, "no memory");
    if (against)
        json_object_set_new(doc, "differences", diff);
    if (events)
        json_object_set(doc, "events", events);
    if (against && json_array_size(diff))
        *status = EXIT_REJECTED;
    if (env->json)
        return cmd_print_json(json_incref(doc), err);
    if (against)
        say_differences(diff);
    if (events)
        say_events(events);
    if (!env->quiet && !(against && *status))
        say_golden(doc);
    return true;
}

const struct cmd cmd_measure = {
    .name = "measure",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .help = "golden measurement: its hash, and what it was computed from",
    .about = "The hash is the one that the registry computes and stores for this evidence. With --against, exit 1 when it differs.",
    .opts = measure_opts,
    .keys = KEYS_EVIDENCE,
    .run = measure_run,
};

static const struct opt_row encode_opts[] = {
    {"call", 0, "NAME", false, "attestCvm, reattestCvmWithTpm or setCollateralTTL; what the bundle says otherwise"},
    {"raw", 0, NULL, false, "write the bytes instead of hex"},
    {0},
};

static bool take_call(enum call_kind *out, const char *name, struct err *err)
{
    for (enum call_kind k = CALL_ATTEST; name && k <= CALL_SET_TTL; k++)
        if (strcmp(name, call_name(k)) == 0) {
            *out = k;
            return true;
        }
    return !name || err_set(err, ERR_USAGE, "--call %s is none of attestCvm, reattestCvmWithTpm, setCollateralTTL", name);
}

static bool encode_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(bundle_done) struct bundle bundle = {0};
    AUTO(buf_done) struct buf calldata = buf_new(INPUT_MAX);
    enum call_kind call = CALL_NONE;
    if (!take_call(&call, opt_text(&env->opts, "call"), err) ||
        !cmd_open_bundle(&bundle, env->opts.args[0], INPUT_UNKNOWN, err) ||
        !bundle_to_calldata(&calldata, &bundle, call, judge_profile(&env->config), err))
        return false;
    if (opt_given(&env->opts, "raw"))
        return fwrite(calldata.p, 1, calldata.len, stdout) == calldata.len || err_set(err, ERR_STORE, "standard output");
    AUTO(auto_free) char *hex = hex_0x(buf_view(&calldata));
    if (!hex)
        return err_set(err, ERR_NOMEM, "no memory for the calldata");
    if (env->json)
        return cmd_print_json(json_pack("{s:s}", "calldata", hex), err);
    puts(hex);
    return true;
}

const struct cmd cmd_encode = {
    .name = "encode",
    .args = "BUNDLE",
    .min_args = 1,
    .max_args = 1,
    .help = "the registry call for a bundle, as calldata",
    .opts = encode_opts,
    .keys = KEYS_EVIDENCE,
    .run = encode_run,
};
