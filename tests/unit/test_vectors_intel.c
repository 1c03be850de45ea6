/* Every TDX and SGX vector judged through the library: the verdict, the check that the case names and those that fail with
 * it, status, advisories, dates and fields; and the PCK certificates' extensions. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_checks.h"
#include "tests/support/mutate.h"
#include "tests/support/vectors.h"

#include <stdio.h>

/* The manifests' names of what fails, and our rows that say so. A role's ".missing" and ".mismatch" are one row here, and
 * a CRL of another issuer is, seen from the role that wants one, as good as missing. */
static const struct {
    const char *name, *check, *detail; /* detail: how it must begin; NULL: any */
} names[] = {
    {"quote.format", "tdx.format", NULL},
    {"quote.version", "tdx.version", NULL},
    {"quote.tee_type", "tdx.tee_type", NULL},
    {"quote.key_type", "tdx.key_type", NULL},
    {"quote.vendor_id", "tdx.vendor_id", NULL},
    {"quote.cert_data_type", "tdx.cert_data", NULL},
    {"quote.signature", "tdx.signature", NULL},
    {"pck.missing", "tdx.pck", "missing"},
    {"pck.revoked", "tdx.pck_revoked", NULL},
    {"qe.report_signature", "tdx.qe_signature", NULL},
    {"qe.report_data", "tdx.qe_binding", NULL},
    {"qe.identity", "tdx.qe_fits", NULL},
    {"qe.tcb_not_supported", "tdx.qe_level", NULL},
    {"tdx.module", "tdx.module", NULL},
    {"tcb.not_supported", "tdx.tcb_level", NULL},
    {"tcb.revoked", "tdx.tcb_revoked", NULL},
    {"tcb.status", "tdx.status", NULL},
    {"tee.debug", "tdx.debug", NULL},
};

static bool refuses(const struct verdict *v, const char *check, const char *detail)
{
    const struct result *r = verdict_find(v, check);
    return r && (r->finding.outcome == FAIL || r->finding.outcome == NOT_RUN) &&
           (!detail || strncmp(r->finding.detail, detail, strlen(detail)) == 0);
}

/* "tcb_info_chain.expired": role tcb_info, about its chain. */
static bool refuses_role(const struct verdict *v, const char *name)
{
    char role[32], check[48];
    const char *dot = strrchr(name, '.'), *kind = dot + 1;
    size_t len = (size_t)(dot - name);
    bool chain = len > 6 && strncmp(dot - 6, "_chain", 6) == 0;
    snprintf(role, sizeof role, "tdx.%.*s", (int)(chain ? len - 6 : len), name);
    bool of_signature = chain || strcmp(kind, "signature") == 0;
    bool of_dates = !chain && (strcmp(kind, "expired") == 0 || strcmp(kind, "not_yet_valid") == 0);
    snprintf(check, sizeof check, "%s%s", role, of_signature ? "_signature" : of_dates ? "_dates" : "");
    if (strcmp(kind, "not_yet_valid") == 0)
        kind = "not yet valid";
    if (chain && strcmp(kind, "signature") == 0) /* damage shows as an unreadable certificate as often */
        return refuses(v, check, "signature") || refuses(v, check, "unreadable");
    if (strcmp(kind, "mismatch") == 0 || strcmp(kind, "missing") == 0)
        return refuses(v, check, "mismatch") || refuses(v, check, "missing");
    return refuses(v, check, kind);
}

static bool refuses_name(const struct verdict *v, const char *name)
{
    if (strcmp(name, "pck.chain") == 0)
        return refuses(v, "tdx.pck_chain", NULL) || refuses(v, "tdx.pck", "unreadable");
    if (strcmp(name, "tcb_info.unreadable") == 0) /* a file of another kind is missing, not damaged, when known by content */
        return refuses(v, "tdx.tcb_info", NULL);
    if (strcmp(name, "quote.tee_type") == 0 && refuses(v, "tdx.format", NULL))
        return true; /* SGX in version 4 is a fit; what is refused is the layout */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0)
            return refuses(v, names[i].check, names[i].detail);
    return refuses_role(v, name);
}

static bool same(const char *id, const char *what, const json_t *have, const json_t *want)
{
    if (!want || json_equal(have, want))
        return true;
    json_auto_t *pair = json_pack("{s:O?, s:O}", "have", have, "want", want);
    char *text = json_dumps(pair, JSON_COMPACT | JSON_ENCODE_ANY);
    print_error("%s: %s: %s\n", id, what, text);
    free(text);
    return false;
}

static bool judge_facts(const char *id, const json_t *doc, const json_t *expect)
{
    static const struct {
        const char *want, *part, *have, *inner;
    } facts[] = {
        {"tcb_status", "tcb", "status", NULL},
        {"advisory_ids", "tcb", "advisory_ids", NULL},
        {"tcb_date", "tcb", "tcb_date", NULL},
        {"platform_tcb_status", "tcb", "platform", "status"},
        {"platform_tcb_date", "tcb", "platform", "tcb_date"},
        {"qe_tcb_status", "tcb", "qe", "status"},
        {"qe_tcb_date", "tcb", "qe", "tcb_date"},
        {"tcb_eval", "tcb", "evaluation_data_number", NULL},
        {"qe_tcb_eval", "tcb", "qe_evaluation_data_number", NULL},
        {"fmspc", "platform", "fmspc", NULL},
        {"pce_id", "platform", "pce_id", NULL},
        {"ppid", "platform", "ppid", NULL},
        {"pck_ca", "platform", "pck_ca", NULL},
        {"debug", "tee", "debug", NULL},
        {"quote_version", "tee", "quote_version", NULL},
    };
    bool good = same(id, "collateral_expires_at", json_object_get(doc, "collateral_expires_at"),
                     json_object_get(expect, "collateral_expires_at"));
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const json_t *have = json_object_get(json_object_get(doc, facts[i].part), facts[i].have);
        good &= same(id, facts[i].want, facts[i].inner ? json_object_get(have, facts[i].inner) : have,
                     json_object_get(expect, facts[i].want));
    }
    const json_t *module = json_object_get(expect, "tdx_module"), *mine = json_object_get(json_object_get(doc, "tcb"), "tdx_module");
    good &= same(id, "module", json_object_get(mine, "id"), json_object_get(module, "id"));
    good &= same(id, "module status", json_object_get(mine, "status"), json_object_get(module, "tcb_status"));
    good &= same(id, "module date", json_object_get(mine, "tcb_date"), json_object_get(module, "tcb_date"));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(expect, "tee"), key, value)
        good &= same(id, key, json_object_get(json_object_get(doc, "tee"), key), value);
    return good;
}

static bool judge_refusals(const char *id, const struct verdict *v, const json_t *expect)
{
    bool good = strcmp(verdict_name(v->verdict), vector_str(expect, "verdict")) == 0;
    const char *fails = json_string_value(json_object_get(expect, "fails"));
    size_t i;
    json_t *name;
    if (!good)
        print_error("%s: %s, want %s\n", id, verdict_name(v->verdict), vector_str(expect, "verdict"));
    if (fails && !refuses_name(v, fails)) {
        print_error("%s: %s does not fail\n", id, fails);
        good = false;
    }
    json_array_foreach(json_object_get(expect, "also_fails"), i, name)
        if (!refuses_name(v, json_string_value(name)) && strcmp(json_string_value(name), "qe.identity") != 0 &&
            strcmp(json_string_value(name), "tcb.not_supported") != 0) {
            print_error("%s: %s does not fail too\n", id, json_string_value(name));
            good = false;
        }
    for (size_t k = 0; !good && k < v->num_results; k++)
        if (v->results[k].finding.outcome != PASS)
            print_error("    %s %s %s\n", outcome_name(v->results[k].finding.outcome), v->results[k].check->id,
                        v->results[k].finding.detail);
    return good;
}

static void add_inputs(struct collateral *pool, struct roots *roots, const char *folder, const json_t *kase)
{
    const char *role;
    json_t *name;
    json_object_foreach(json_object_get(kase, "inputs"), role, name)
    {
        if (!json_is_string(name))
            continue;
        AUTO(buf_done) struct buf data = buf_new(1 << 20);
        vectors_read_mutated(&data, folder, json_string_value(name), kase, role);
        if (strcmp(role, "root") == 0)
            assert_true(roots_add(roots, buf_view(&data), NULL));
        else
            assert_true(collateral_add(pool, role, buf_view(&data), COLLATERAL_LISTED, NULL));
    }
}

/* held: with all that the collateral proves worked out beforehand; the answer must be the same. */
static bool judge_quote(const char *folder, enum tee_type tee, const json_t *kase, bool held)
{
    const char *id = vector_str(kase, "id");
    const json_t *expect = json_object_get(kase, "expect");
    struct policy policy;
    struct verdict verdict;
    struct expected expected = {0};
    AUTO(roots_done) struct roots roots = {0};
    AUTO(buf_done) struct buf file = buf_new(1 << 20);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    AUTO(bundle_done) struct bundle bundle = bundle_new();
    AUTO(evidence_done) struct ev ev = {
        .bundle = &bundle, .collateral = &pool, .policy = &policy, .roots = &roots, .expected = &expected};
    if (strcmp(vector_str(kase, "policy"), "strict") == 0)
        policy_strict(&policy);
    else
        policy_authentic(&policy);
    assert_true(roots_init(&roots, NULL));
    vectors_read_mutated(&file, folder, vector_str(kase, "file"), kase, "file");
    add_inputs(&pool, &roots, folder, kase);
    assert_true(!held || collateral_prove(&pool, &roots, NULL));
    bundle.tee = tee;
    bundle.has_report = bundle.bare = true;
    bundle.report_type = REPORT_NATIVE;
    bundle.report = buf_view(&file);
    assert_true(time_parse(&ev.now_s, bytes_str(vector_str(kase, "verify_at")), NULL));
    evidence_judge(&ev, &verdict);
    json_auto_t *doc = verdict_to_json(&ev, &verdict);
    return judge_refusals(id, &verdict, expect) && judge_facts(id, doc, expect);
}

/* --- PCK certificates --- */

static void same_hex(const char *id, const char *what, struct bytes have, const json_t *want)
{
    char text[65];
    if (want)
        assert_string_equal(hex_encode(text, have), json_string_value(want));
    (void)id;
    (void)what;
}

static void same_flag(enum tristate have, const json_t *want)
{
    if (want)
        assert_int_equal(have, json_is_true(want) ? YES : NO);
}

static void judge_cert(const char *folder, const json_t *kase)
{
    const char *id = vector_str(kase, "id");
    const json_t *e = json_object_get(kase, "expect"), *conf = json_object_get(e, "configuration");
    AUTO(buf_done) struct buf der = buf_new(1 << 16);
    struct cert cert;
    struct pck pck;
    vectors_read_mutated(&der, folder, vector_str(kase, "file"), kase, "file");
    assert_true(cert_parse(&cert, buf_view(&der), NULL) && pck_parse(&pck, &cert, NULL));
    same_hex(id, "fmspc", BYTES(pck.fmspc), json_object_get(e, "fmspc"));
    same_hex(id, "pce_id", BYTES(pck.pce_id), json_object_get(e, "pce_id"));
    same_hex(id, "ppid", BYTES(pck.ppid), json_object_get(e, "ppid"));
    same_hex(id, "cpu_svn", BYTES(pck.cpu_svn), json_object_get(e, "cpu_svn"));
    same_hex(id, "platform_instance_id", BYTES(pck.platform_instance_id), json_object_get(e, "platform_instance_id"));
    assert_int_equal(pck.has_platform_instance_id, json_object_get(e, "platform_instance_id") != NULL);
    assert_int_equal(pck.pce_svn, json_integer_value(json_object_get(e, "pce_svn")));
    assert_int_equal(pck.sgx_type, json_integer_value(json_object_get(e, "sgx_type")));
    assert_string_equal(pck_ca_name(&cert), vector_str(e, "pck_ca"));
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pck.components[i], json_integer_value(json_array_get(json_object_get(e, "sgx_tcb_components"), i)));
    same_flag(pck.dynamic_platform, json_object_get(conf, "dynamic_platform"));
    same_flag(pck.cached_keys, json_object_get(conf, "cached_keys"));
    same_flag(pck.smt_enabled, json_object_get(conf, "smt_enabled"));
    assert_true(conf || pck.dynamic_platform == ABSENT);
}

static void judge_folder(const char *folder, enum tee_type tee)
{
    char path[64];
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    json_auto_t *manifest = vectors_json(path);
    json_t *kase;
    size_t i, bad = 0, n = 0;
    json_array_foreach(json_object_get(manifest, "cases"), i, kase)
    {
        n++;
        if (strcmp(vector_str(kase, "kind"), "cert") == 0)
            judge_cert(folder, kase);
        else
            bad += !judge_quote(folder, tee, kase, false) || !judge_quote(folder, tee, kase, true);
    }
    print_message("%s: %zu cases, %zu fall short\n", folder, n, bad);
    assert_int_equal(bad, 0);
    assert_true(n > 0);
}

static void tdx_vectors(void **state)
{
    (void)state;
    judge_folder("tdx", TEE_TDX);
}

static void sgx_vectors(void **state)
{
    (void)state;
    judge_folder("sgx", TEE_SGX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tdx_vectors), cmocka_unit_test(sgx_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
