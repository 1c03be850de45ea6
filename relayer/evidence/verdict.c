/* The verdict as a document ("cvm-verdict/1", design section 3) and as text. */
#include "crypto/base/text.h"
#include "relayer/evidence/evidence.h"

#include <stdio.h>

static json_t *checks_json(const struct verdict *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->num_results; i++) {
        const struct result *r = &v->results[i];
        json_t *row = json_pack("{s:s, s:s}", "id", r->check->id, "outcome", outcome_name(r->finding.outcome));
        if (r->finding.detail[0])
            json_object_set_new(row, "detail", json_string(r->finding.detail));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *roots_json(const struct ev *ev)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ev->num_used_roots; i++)
        json_array_append_new(list, json_string(ev->used_root[i]));
    return list;
}

json_t *verdict_to_json(const struct ev *ev, const struct verdict *v)
{
    char when[21];
    json_t *doc = json_pack("{s:s, s:s, s:s, s:s}", "format", "cvm-verdict/1", "verdict", verdict_name(v->verdict),
                            "policy", ev->policy->name, "evaluated_at", time_format(when, ev->now_s));
    if (!doc)
        return NULL;
    for (size_t k = 0; evidence_kinds[k]; k++)
        if (evidence_kinds[k]->render && evidence_kinds[k]->applies(ev))
            evidence_kinds[k]->render(ev, doc);
    json_object_set_new(doc, "checks", checks_json(v));
    if (v->collateral_expires_s)
        json_object_set_new(doc, "collateral_expires_at", json_string(time_format(when, v->collateral_expires_s)));
    json_object_set_new(doc, "trust_roots", roots_json(ev));
    return doc;
}

/* --- text --- */

static const char *paint(enum outcome o, bool colour)
{
    static const char *const on[] = {
        [NOT_RUN] = "\x1b[33m", [PASS] = "\x1b[32m", [FAIL] = "\x1b[31m", [WAIVED] = "\x1b[36m"};
    return colour ? on[o] : "";
}

static void put_check(struct buf *out, const struct result *r, bool colour)
{
    buf_printf(out, "  %s%-7s%s  %-28s %s\n", paint(r->finding.outcome, colour), outcome_name(r->finding.outcome),
               colour ? "\x1b[0m" : "", r->check->id, r->finding.detail);
}

/* "key  value" for the scalars of an object, one level of nesting joined by dots. */
static void put_facts(struct buf *out, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char name[80];
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_string(value) && json_string_length(value))
            buf_printf(out, "  %-28s %s\n", name, json_string_value(value));
        else if (json_is_integer(value))
            buf_printf(out, "  %-28s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
        else if (json_is_boolean(value))
            buf_printf(out, "  %-28s %s\n", name, json_is_true(value) ? "yes" : "no");
        else if (json_is_object(value))
            put_facts(out, name, value);
    }
}

static void put_words(struct buf *out, const char *name, const json_t *list)
{
    if (!json_array_size(list))
        return;
    buf_printf(out, "  %-28s ", name);
    size_t i;
    json_t *word;
    json_array_foreach((json_t *)list, i, word)
    {
        buf_printf(out, "%s%s", i ? ", " : "", json_is_string(word) ? json_string_value(word) : "?");
    }
    buf_text(out, "\n");
}

static void put_parts(struct buf *out, const json_t *doc)
{
    static const char *const parts[] = {"tee", "tcb", "platform", "tpm", "measurement", "registry"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        put_facts(out, parts[i], json_object_get(doc, parts[i]));
    put_words(out, "tcb.advisory_ids", json_object_get(json_object_get(doc, "tcb"), "advisory_ids"));
    static const char *const scalars[] = {"identity_hash", "collateral_expires_at"};
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        const json_t *s = json_object_get(doc, scalars[i]);
        if (json_is_string(s))
            buf_printf(out, "  %-28s %s\n", scalars[i], json_string_value(s));
    }
    put_words(out, "trust_roots", json_object_get(doc, "trust_roots"));
}

/* A root that the user added is never passed over in silence. */
static void put_extra_roots(struct buf *out, const json_t *roots, bool colour)
{
    size_t i;
    json_t *root;
    json_array_foreach((json_t *)roots, i, root)
    {
        const char *label = json_string_value(root);
        if (label && strncmp(label, "extra: ", 7) == 0)
            buf_printf(out, "%sTRUST RESTS ON A ROOT THAT WAS ADDED BY HAND: %s%s\n", colour ? "\x1b[33m" : "",
                       label + 7, colour ? "\x1b[0m" : "");
    }
}

void verdict_to_text(struct buf *out, const struct verdict *v, const json_t *doc, bool all, bool colour)
{
    static const enum outcome as[] = {[UNDECIDED] = NOT_RUN, [REJECTED] = FAIL, [VERIFIED] = PASS};
    size_t count[4] = {0};
    for (size_t i = 0; i < v->num_results; i++)
        count[v->results[i].finding.outcome]++;
    buf_printf(out, "%s%s%s (policy %s, as of %s): %zu passed, %zu failed, %zu not run, %zu waived\n",
               paint(as[v->verdict], colour), verdict_name(v->verdict), colour ? "\x1b[0m" : "",
               json_string_value(json_object_get(doc, "policy")),
               json_string_value(json_object_get(doc, "evaluated_at")), count[PASS], count[FAIL], count[NOT_RUN],
               count[WAIVED]);
    put_extra_roots(out, json_object_get(doc, "trust_roots"), colour);
    for (size_t i = 0; i < v->num_results; i++)
        if (all || v->results[i].finding.outcome != PASS)
            put_check(out, &v->results[i], colour);
    put_parts(out, doc);
}
