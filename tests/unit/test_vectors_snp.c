/* Every SNP vector judged through the library: the verdict, the checks that the case names, and the fields of real
 * reports. */
#include "crypto/base/text.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/tdx_proof.h"
#include "tests/support/mutate.h"
#include "tests/support/vectors.h"

#include <stdio.h>

static void add_inputs(struct collateral *pool, const json_t *kase)
{
    const char *role;
    json_t *name;
    json_object_foreach(json_object_get(kase, "inputs"), role, name)
    {
        if (!json_is_string(name))
            continue;
        struct buf data = buf_new(1 << 20);
        vectors_read_mutated(&data, "snp", json_string_value(name), kase, role);
        assert_true(collateral_add(pool, role, buf_view(&data), COLLATERAL_LISTED, NULL));
        buf_done(&data);
    }
}

static bool has_outcome(const struct verdict *v, const char *id, enum outcome a, enum outcome b)
{
    const struct result *r = verdict_find(v, id);
    return r && (r->finding.outcome == a || r->finding.outcome == b);
}

/* Differences are printed, so that one run shows them all. */
static bool judge_checks(const char *id, const struct verdict *v, const json_t *expect)
{
    size_t i;
    json_t *name;
    bool good = true;
    if (strcmp(verdict_name(v->verdict), vector_str(expect, "verdict")) != 0) {
        print_error("%s: %s, want %s\n", id, verdict_name(v->verdict), vector_str(expect, "verdict"));
        for (size_t k = 0; k < v->num_results; k++)
            if (v->results[k].finding.outcome != PASS)
                print_error("    %s %s %s\n", outcome_name(v->results[k].finding.outcome), v->results[k].check->id,
                            v->results[k].finding.detail);
        good = false;
    }
    bool chain_missing = has_outcome(v, "snp.chain_missing", NOT_RUN, NOT_RUN);
    json_array_foreach(json_object_get(expect, "fails"), i, name)
    {
        const char *check = json_string_value(name);
        /* the CRL is judged by the pinned key, so that it can hold where the ARK's certificate is missing */
        if (chain_missing && strcmp(check, "snp.crl") == 0)
            continue;
        if (!has_outcome(v, check, FAIL, NOT_RUN)) {
            print_error("%s: %s does not fail\n", id, check);
            good = false;
        }
    }
    json_array_foreach(json_object_get(expect, "waived"), i, name)
    {
        if (!has_outcome(v, json_string_value(name), WAIVED, WAIVED)) {
            print_error("%s: %s is not waived\n", id, json_string_value(name));
            good = false;
        }
    }
    return good;
}

static bool same(const char *id, const char *what, const char *have, const json_t *want)
{
    if (!json_is_string(want))
        return true;
    const char *w = json_string_value(want);
    w += strncmp(w, "0x", 2) == 0 ? 2 : 0;
    if (have && strcmp(have, w) == 0)
        return true;
    print_error("%s: %s is %s, want %s\n", id, what, have ? have : "absent", w);
    return false;
}

static bool judge_fields(const char *id, const json_t *doc, const json_t *expect)
{
    static const char *const tee[] = {"measurement",       "report_data", "host_data",    "id_key_digest",
                                      "author_key_digest", "report_id",   "report_id_ma", "family_id",
                                      "image_id",          "policy",      "chip_id"};
    static const char *const tcbs[] = {"reported_tcb", "committed_tcb", "current_tcb", "launch_tcb"};
    const json_t *report = json_object_get(expect, "report"), *have = json_object_get(doc, "tee"),
                 *platform = json_object_get(doc, "platform");
    bool good = true;
    if (!report)
        return true;
    for (size_t i = 0; i < sizeof tee / sizeof *tee; i++)
        good &= same(id, tee[i], json_string_value(json_object_get(have, tee[i])), json_object_get(report, tee[i]));
    for (size_t i = 0; i < sizeof tcbs / sizeof *tcbs; i++) {
        const json_t *want = json_object_get(report, tcbs[i]);
        good &= same(id, tcbs[i], json_string_value(json_object_get(have, tcbs[i])), json_object_get(want, "u64"));
        char member[16];
        snprintf(member, sizeof member, "%.*s", (int)(strlen(tcbs[i]) - 4), tcbs[i]);
        const json_t *components = json_object_get(json_object_get(doc, "tcb"), member);
        static const char *const names[] = {"fmc", "boot_loader", "tee", "snp", "microcode"};
        for (size_t k = 0; components && k < 5; k++)
            if (json_integer_value(json_object_get(components, names[k])) !=
                json_integer_value(json_object_get(want, names[k]))) {
                print_error("%s: %s %s differs\n", id, tcbs[i], names[k]);
                good = false;
            }
    }
    good &= same(id, "current_firmware", json_string_value(json_object_get(platform, "current_firmware")),
                 json_object_get(report, "current_version"));
    good &= same(id, "committed_firmware", json_string_value(json_object_get(platform, "committed_firmware")),
                 json_object_get(report, "committed_version"));
    good &= same(id, "platform_info", json_string_value(json_object_get(platform, "platform_info")),
                 json_object_get(report, "platform_info"));
    return good;
}

/* held: what the collateral proves is worked out beforehand, as a daemon does. */
static bool judge_case(const struct roots *roots, const json_t *kase, bool held)
{
    const char *id = vector_str(kase, "id"), *policy_name = vector_str(kase, "policy");
    const json_t *expect = json_object_get(kase, "expect");
    struct policy policy;
    struct verdict verdict;
    struct expected expected = {0};
    struct buf file = buf_new(1 << 20);
    struct collateral pool = collateral_new();
    struct bundle bundle = bundle_new();
    struct ev ev = {.bundle = &bundle, .collateral = &pool, .policy = &policy, .roots = roots, .expected = &expected};
    if (strcmp(policy_name, "strict") == 0)
        policy_strict(&policy);
    else
        policy_authentic(&policy);
    vectors_read_mutated(&file, "snp", vector_str(kase, "file"), kase, "file");
    add_inputs(&pool, kase);
    if (held)
        assert_true(collateral_prove(&pool, roots, NULL));
    bundle.tee = TEE_SNP;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = buf_view(&file);
    assert_true(time_parse(&ev.now_s, bytes_str(vector_str(kase, "verify_at")), NULL));
    evidence_judge(&ev, &verdict);
    json_t *doc = verdict_to_json(&ev, &verdict);
    bool good = judge_checks(id, &verdict, expect) && judge_fields(id, doc, expect);
    json_decref(doc);
    evidence_done(&ev);
    collateral_done(&pool);
    bundle_done(&bundle);
    buf_done(&file);
    return good;
}

static void every_vector_gets_its_verdict(void **state)
{
    (void)state;
    json_t *manifest = vectors_json("snp/manifest.json"), *kase;
    struct roots roots = {0};
    size_t i, bad = 0, n = 0;
    assert_true(roots_init(&roots, NULL));
    json_array_foreach(json_object_get(manifest, "cases"), i, kase)
    {
        if (strcmp(vector_str(kase, "kind"), "snp_report") != 0)
            continue;
        n++;
        bad += !judge_case(&roots, kase, false) || !judge_case(&roots, kase, true);
    }
    roots_done(&roots);
    json_decref(manifest);
    print_message("%zu cases, %zu fall short\n", n, bad);
    assert_int_equal(bad, 0);
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_vector_gets_its_verdict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
