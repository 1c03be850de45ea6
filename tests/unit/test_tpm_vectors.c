/* Every case of the TPM vectors through the library: quotes, certifications, HCL reports, certificate chains, event logs. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/crl.h"
#include "relayer/evidence/ak.h"
#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/eventlog_cel.h"
#include "relayer/evidence/eventlog_ima.h"
#include "relayer/evidence/evidence.h"
#include "relayer/evidence/hcl.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_FAULTS 24

struct trial {
    const json_t *vector;
    struct arena mem;
    int64_t at_s;
    const char *fault[MAX_FAULTS]; /* in the manifest's words */
    size_t num_faults;
    bool undecided;
    char words[640];
};

static void fault(struct trial *c, const char *name)
{
    if (c->num_faults < MAX_FAULTS)
        c->fault[c->num_faults++] = name;
}

/* --- files --- */

static void mutate(struct buf *b, const json_t *vector, const char *role)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(vector, "mutate"), i, m) {
        if (strcmp(vector_str(m, "input"), role) != 0)
            continue;
        const char *op = vector_str(m, "op");
        size_t offset = (size_t)json_integer_value(json_object_get(m, "offset"));
        AUTO(buf_done) struct buf hex = buf_new(1 << 16);
        if (json_object_get(m, "hex"))
            vector_hex(&hex, m, "hex");
        if (strcmp(op, "flip") == 0)
            b->p[offset] ^= (uint8_t)(1u << json_integer_value(json_object_get(m, "bit")));
        else if (strcmp(op, "truncate") == 0)
            b->len = (size_t)json_integer_value(json_object_get(m, "length"));
        else if (strcmp(op, "append") == 0)
            buf_put(b, buf_view(&hex));
        else
            memcpy(b->p + offset, hex.p, hex.len);
    }
}

static struct bytes load(struct trial *c, const char *path, const char *role)
{
    AUTO(buf_done) struct buf b = buf_new(1 << 22);
    char name[512];
    bool ok = true;
    snprintf(name, sizeof name, "tpm/%s", path);
    vectors_read(&b, name);
    mutate(&b, c->vector, role);
    struct bytes out = arena_copy(&c->mem, buf_view(&b), &ok);
    assert_true(ok);
    return out;
}

/* Empty (p NULL) where the case has no such input. */
static struct bytes input(struct trial *c, const char *role)
{
    const char *path = json_string_value(json_object_get(json_object_get(c->vector, "inputs"), role));
    return path ? load(c, path, role) : (struct bytes){0};
}

static struct bytes main_file(struct trial *c)
{
    return load(c, vector_str(c->vector, "file"), "file");
}

static const char *given(const struct trial *c, const char *name)
{
    return json_string_value(json_object_get(json_object_get(c->vector, "given"), name));
}

static struct bytes hex_in(struct trial *c, const char *hex)
{
    AUTO(buf_done) struct buf b = buf_new(4096);
    bool ok = true;
    assert_true(hex_decode(&b, bytes_str(hex), NULL));
    return arena_copy(&c->mem, buf_view(&b), &ok);
}

/* --- quotes --- */

/* A bare RSA signature gets the header that it lacks. */
static struct bytes signature_of(struct trial *c)
{
    struct bytes sig = input(c, "signature");
    if (strcmp(given(c, "sig_format"), "tpmt") == 0)
        return sig;
    AUTO(buf_done) struct buf b = buf_new(4096);
    bool ok = true;
    buf_u16be(&b, ALG_RSASSA);
    buf_u16be(&b, ALG_SHA256);
    buf_u16be(&b, (uint16_t)sig.len);
    buf_put(&b, sig);
    return arena_copy(&c->mem, buf_view(&b), &ok);
}

static void fill_ak(struct trial *c, struct bundle *b)
{
    static const char *const roles[] = {"ak", "intermediate1", "intermediate2", "intermediate3", "root"};
    const char *format = given(c, "ak_format");
    b->ak_var_data = strcmp(format, "hcl") == 0 ? input(c, "ak") : input(c, "hcl");
    if (strcmp(format, "x509") == 0) {
        b->ak_certs = arena_alloc(&c->mem, 5, sizeof *b->ak_certs);
        for (size_t i = 0; i < 5; i++) {
            struct bytes der = input(c, roles[i]);
            if (der.len)
                b->ak_certs[b->num_ak_certs++] = der;
        }
    } else if (strcmp(format, "hcl") != 0) {
        b->ak_public = input(c, "ak");
    }
}

static bool wanted_pcr(const struct trial *c, const char *index)
{
    const json_t *list = json_object_get(json_object_get(c->vector, "given"), "pcrs_required");
    size_t i;
    json_t *n;
    if (!list)
        return true;
    json_array_foreach((json_t *)list, i, n)
        if (json_integer_value(n) == atoi(index))
            return true;
    return false;
}

static void add_pcr(struct trial *c, struct bundle *b, enum hash_alg bank, const char *index, struct bytes value)
{
    struct bundle_pcr *p = &b->pcrs[b->num_pcrs++];
    assert_true(b->num_pcrs <= BUNDLE_MAX_PCRS);
    *p = (struct bundle_pcr){.index = (uint32_t)atoi(index), .bank = bank, .value = value};
    (void)c;
}

static bool selected(const struct bundle *b, enum hash_alg bank, uint32_t index)
{
    struct tpm_attest a;
    if (!tpm_attest_parse(&a, b->quote, NULL))
        return false;
    for (size_t i = 0; i < a.num_selections; i++)
        if (a.selection[i].bank == bank && a.selection[i].pcrs >> index & 1)
            return true;
    return false;
}

/* Asked for, not quoted and not in the file: a value of zeros stands for it. */
static void add_missing(struct trial *c, struct bundle *b, enum hash_alg bank)
{
    static const uint8_t zeros[HASH_MAX];
    size_t i;
    json_t *n;
    json_array_foreach(json_object_get(json_object_get(c->vector, "given"), "pcrs_required"), i, n) {
        bool there = selected(b, bank, (uint32_t)json_integer_value(n));
        for (size_t k = 0; k < b->num_pcrs; k++)
            there |= b->pcrs[k].index == (uint32_t)json_integer_value(n) && b->pcrs[k].bank == bank;
        if (!there) {
            char index[24];
            snprintf(index, sizeof index, "%d", (int)json_integer_value(n));
            add_pcr(c, b, bank, index, bytes_from(zeros, hash_size(bank)));
        }
    }
}

static int by_index(const void *a, const void *b)
{
    const struct bundle_pcr *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void fill_pcrs(struct trial *c, struct bundle *b)
{
    struct bytes file = input(c, "pcrs");
    const char *only = given(c, "bank"), *bank, *index;
    json_t *values, *value;
    if (!file.len)
        return;
    json_auto_t *doc = json_loadb((const char *)file.p, file.len, 0, NULL);
    assert_non_null(doc);
    b->pcrs = arena_alloc(&c->mem, BUNDLE_MAX_PCRS, sizeof *b->pcrs);
    json_object_foreach(doc, bank, values) {
        enum hash_alg alg = hash_from_name(bank);
        size_t from = b->num_pcrs;
        json_object_foreach(values, index, value)
            if (wanted_pcr(c, index))
                add_pcr(c, b, alg, index, hex_in(c, json_string_value(value)));
        if (only && strcmp(only, bank) == 0)
            add_missing(c, b, alg);
        qsort(b->pcrs + from, b->num_pcrs - from, sizeof *b->pcrs, by_index);
    }
    if (only && !json_object_get(doc, only))
        add_missing(c, b, hash_from_name(only));
}

static const struct {
    const char *ours, *theirs;
} names[] = {
    {"tpm.quote", "tpm.attest_parse"},     {"tpm.magic", "tpm.magic"},
    {"tpm.type", "tpm.type"},              {"tpm.signature_form", "tpm.signature_parse"},
    {"tpm.weak_hash", "tpm.weak_hash"},    {"tpm.signature", "tpm.signature"},
    {"ak.key", "tpm.ak_parse"},            {"ak.key", "hcl.ak_key"},
    {"ak.attributes", "tpm.ak_attributes"}, {"ak.chain", "tpm.ak_chain"},
    {"ak.agreement", "tpm.ak_binding"},    {"tpm.extra_data", "tpm.nonce"},
    {"tpm.pcr_bank", "tpm.pcr_bank"},      {"tpm.pcr_selection", "tpm.pcr_selection"},
    {"tpm.pcr_values", "tpm.pcr_values"},  {"tpm.pcr_digest", "tpm.pcr_digest"},
    {"ak.hcl", "hcl.binding"},
};

static void note_outcome(struct trial *c, const struct result *r)
{
    bool fits = strncmp(r->check->id, "tpm.", 4) == 0 || strncmp(r->check->id, "ak.", 3) == 0;
    if (!fits || r->finding.outcome != FAIL)
        return;
    size_t n = strlen(c->words);
    snprintf(c->words + n, sizeof c->words - n, " [%s: %.80s]", r->check->id, r->finding.detail);
    bool named = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].ours, r->check->id) == 0) {
            fault(c, names[i].theirs);
            named = true;
        }
    if (!named)
        fault(c, r->check->id);
}

static void must_pass(struct trial *c, const struct verdict *v, const char *id)
{
    const struct result *r = verdict_find(v, id);
    if (!r || r->finding.outcome != PASS)
        fault(c, id);
}

static void try_quote(struct trial *c)
{
    AUTO(bundle_done) struct bundle b = bundle_new();
    struct policy policy;
    AUTO(roots_done) struct roots roots = {0};
    struct expected expected = {0};
    struct verdict *v = arena_alloc(&c->mem, 1, sizeof *v);
    b.quote = main_file(c);
    b.signature = signature_of(c);
    fill_ak(c, &b);
    fill_pcrs(c, &b);
    policy_authentic(&policy);
    assert_true(roots_init(&roots, NULL));
    if (given(c, "extra_data")) {
        expected.has_extra_data = true;
        expected.extra_data = hex_in(c, given(c, "extra_data"));
    }
    struct ev ev = {.bundle = &b, .policy = &policy, .roots = &roots, .expected = &expected, .now_s = c->at_s};
    evidence_judge(&ev, v);
    for (size_t i = 0; i < v->num_results; i++)
        note_outcome(c, &v->results[i]);
    if (strcmp(vector_str(json_object_get(c->vector, "expect"), "verdict"), "verified") == 0) {
        must_pass(c, v, "tpm.signature");
        if (b.num_pcrs)
            must_pass(c, v, "tpm.pcr_digest");
    }
    evidence_done(&ev);
}

static void try_certify(struct trial *c)
{
    struct tpm_attest attest;
    struct tpm_signature sig;
    AUTO(tpm_public_done) struct tpm_public certified = {0};
    AUTO(pubkey_freep) struct pubkey *ak = pubkey_from_spki(input(c, "ak"), NULL);
    assert_non_null(ak);
    assert_true(tpm_attest_parse(&attest, main_file(c), NULL));
    assert_true(tpm_signature_parse(&sig, input(c, "signature"), NULL));
    if (attest.type != TPM_ST_CERTIFY)
        fault(c, "tpm.type");
    if (!tpm_signature_verify(&sig, ak, main_file(c)))
        fault(c, "tpm.signature");
    if (!bytes_eq(attest.extra_data, hex_in(c, given(c, "extra_data"))))
        fault(c, "tpm.nonce");
    if (!tpm_public_parse(&certified, input(c, "certified"), NULL))
        fault(c, "certify.public_parse");
    else if (!bytes_eq(digest_view(&certified.name), attest.name))
        fault(c, "certify.name");
}

/* --- HCL reports --- */

static void try_hcl(struct trial *c)
{
    static const char *const claim_faults[] = {[HCL_JSON] = "hcl.json",          [HCL_DUPLICATE] = "hcl.duplicate_key",
                                               [HCL_AK_MISSING] = "hcl.ak_missing", [HCL_AK_TWICE] = "hcl.ak_duplicate",
                                               [HCL_AK_KEY] = "hcl.ak_key"};
    struct hcl_report r;
    struct bytes file = main_file(c), td = input(c, "td_quote");
    AUTO(hcl_claims_done) struct hcl_claims claims = {0};
    if (!hcl_is_report(file))
        return fault(c, "hcl.magic");
    if (!hcl_report_parse(&r, file, NULL))
        return fault(c, "hcl.parse");
    if (!hcl_report_binds(&r, NULL)) {
        fault(c, "hcl.binding");
        fault(c, "hcl.report_type");
        fault(c, "hcl.hash_type");
    }
    enum hcl_fault f = hcl_claims_parse(&claims, r.var_data, NULL);
    if (f != HCL_OK)
        fault(c, claim_faults[f]);
    if (td.len && !hcl_report_data_is(bytes_sub(td, 568, 64), r.var_data))
        fault(c, "hcl.td_quote_binding");
    const char *n = json_string_value(json_object_get(json_object_get(c->vector, "expect"), "ak_n"));
    if (n && claims.ak)
        assert_true(bytes_eq(pubkey_rsa_n(claims.ak), hex_in(c, n)));
    if (n)
        assert_true(hcl_contract_finds(r.var_data, claims.ak, NULL) || strstr(vector_str(c->vector, "id"), "2023-old"));
}

/* --- chains --- */

static size_t load_chain(struct trial *c, struct cert *certs)
{
    static const char *const roles[] = {"intermediate1", "intermediate2", "root"};
    size_t n = 0;
    if (!ak_cert_parse(&certs[n++], main_file(c), NULL)) {
        fault(c, "chain.parse");
        fault(c, "chain.signature"); /* what cannot be read cannot be verified */
        return 0;
    }
    for (size_t i = 0; i < 3; i++) {
        struct bytes der = input(c, roles[i]);
        if (der.len)
            assert_true(ak_cert_parse(&certs[n++], der, NULL));
    }
    return n;
}

static void try_crl(struct trial *c, const struct cert *root)
{
    struct crl crl;
    struct bytes der = input(c, "root_crl");
    if (!der.len)
        return;
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(root, NULL);
    assert_true(crl_parse(&crl, der, NULL));
    assert_true(crl_signed_by(&crl, root, key));
    if (c->at_s > crl.next_update_s) {
        fault(c, "chain.crl_expired");
        c->undecided = true;
    }
}

static void check_instance(struct trial *c, const struct cert *leaf)
{
    const json_t *want = json_object_get(json_object_get(c->vector, "expect"), "gce_instance");
    struct gce_instance g;
    char id[24];
    if (!want)
        return;
    assert_true(gce_instance_find(&g, leaf, NULL));
    snprintf(id, sizeof id, "%llu", (unsigned long long)g.instance_id);
    assert_string_equal(id, vector_str(want, "instance_id"));
    assert_true(bytes_eq(g.zone, bytes_str(vector_str(want, "zone"))));
    assert_true(bytes_eq(g.project_id, bytes_str(vector_str(want, "project_id"))));
    assert_true(bytes_eq(g.instance_name, bytes_str(vector_str(want, "instance_name"))));
}

static void try_chain(struct trial *c)
{
    AUTO(roots_done) struct roots roots = {0};
    struct cert *certs = arena_alloc(&c->mem, AK_MAX_CERTS, sizeof *certs);
    const char *label = NULL;
    struct err why = {0};
    assert_true(roots_init(&roots, NULL));
    size_t n = load_chain(c, certs);
    if (n == 0)
        return;
    try_crl(c, &certs[n - 1]);
    switch (ak_chain_verify(certs, n, &roots, CLOUD_UNSET, c->at_s, &label, &why)) {
    case CHAIN_OK:
        check_instance(c, &certs[0]);
        assert_non_null(label);
        break;
    case CHAIN_EXPIRED:
    case CHAIN_NOT_YET:
        fault(c, "chain.validity");
        break;
    case CHAIN_CA:
        fault(c, "chain.ca");
        break;
    case CHAIN_NAMES: /* an issuer that did not sign and one of another name are told apart by nobody but us */
    case CHAIN_SIGNATURE:
        fault(c, "chain.signature");
        break;
    case CHAIN_EMPTY:
    case CHAIN_NO_ROOT:
    case CHAIN_CRITICAL:
        fault(c, "chain.root");
        break;
    }
    snprintf(c->words, sizeof c->words, "%s", why.text);
}

/* --- logs --- */

static void compare_registers(struct trial *c, const struct event_log *log)
{
    struct bytes file = input(c, "pcrs");
    json_auto_t *doc = json_loadb((const char *)file.p, file.len, 0, NULL);
    const char *bank, *index;
    json_t *values, *value;
    assert_non_null(doc);
    json_object_foreach(doc, bank, values) {
        json_object_foreach(values, index, value) {
            struct digest have;
            bool ok = eventlog_replay(&have, log, hash_from_name(bank), (uint32_t)atoi(index));
            if (!ok || !bytes_eq(digest_view(&have), hex_in(c, json_string_value(value))))
                return fault(c, "eventlog.replay");
        }
    }
}

static void try_log(struct trial *c, enum eventlog_kind kind)
{
    struct event_log log;
    struct err why = {0};
    const json_t *expect = json_object_get(c->vector, "expect");
    if (!eventlog_parse(&log, &c->mem, main_file(c), kind, &why)) {
        snprintf(c->words, sizeof c->words, "%s", why.text);
        return fault(c, strstr(why.text, "spec id") ? "eventlog.spec_id" : "eventlog.parse");
    }
    compare_registers(c, &log);
    if (json_object_get(expect, "events")) {
        assert_int_equal(log.count, json_integer_value(json_object_get(expect, "events")));
        assert_int_equal(log.used, json_integer_value(json_object_get(expect, "bytes_used")));
        assert_int_equal(log.locality, json_integer_value(json_object_get(expect, "startup_locality")));
    }
    size_t i;
    json_t *named;
    json_array_foreach(json_object_get(expect, "named_events"), i, named) {
        const struct log_event *e = &log.events[json_integer_value(json_object_get(named, "index"))];
        char words[200];
        assert_string_equal(event_type_name(e->type), vector_str(named, "type"));
        assert_true(strlen(event_describe(words, sizeof words, e)) > 0);
        const char *variable = json_string_value(json_object_get(named, "variable_name"));
        if (variable)
            assert_non_null(strstr(words, variable));
        const json_t *proven = json_object_get(named, "digest_is_hash_of_data");
        const char *alg = json_string_value(json_object_get(named, "digest_alg"));
        if (proven && alg && e->type != EV_NO_ACTION)
            assert_int_equal(event_data_proven(e), json_is_true(proven));
    }
}

static void try_eventlog(struct trial *c)
{
    try_log(c, EVENTLOG_TCG);
}

static void try_ccel(struct trial *c)
{
    try_log(c, EVENTLOG_CCEL);
    struct bytes ima_text = input(c, "ima"), quote = input(c, "td_quote");
    struct event_log log;
    struct ima_log ima;
    struct digest boot;
    size_t entries;
    if (!ima_text.len)
        return;
    assert_true(eventlog_parse(&log, &c->mem, main_file(c), EVENTLOG_CCEL, NULL));
    struct err why = {0};
    if (!ima_parse(&ima, &c->mem, ima_text, &why))
        fail_msg("%s", why.text);
    assert_true(eventlog_replay(&boot, &log, HASH_SHA384, 3));
    assert_true(ima_leads_to(&entries, &ima, HASH_SHA384, 2, digest_view(&boot), bytes_sub(quote, 48 + 424, 48)));
}

static void try_cel(struct trial *c)
{
    const json_t *expect = json_object_get(c->vector, "expect");
    struct cel cel;
    struct digest have;
    assert_true(cel_parse(&cel, &c->mem, main_file(c), NULL));
    assert_int_equal(cel.count, json_integer_value(json_object_get(expect, "records")));
    assert_true(cel_replay(&have, &cel, HASH_SHA384, true, (uint8_t)json_integer_value(json_object_get(expect, "register"))));
    assert_true(bytes_eq(digest_view(&have), hex_in(c, vector_str(expect, "replayed_from_zero"))));
}

static void try_ima(struct trial *c)
{
    const json_t *expect = json_object_get(c->vector, "expect");
    struct ima_log log;
    assert_true(ima_parse(&log, &c->mem, main_file(c), NULL));
    assert_int_equal(log.count, json_integer_value(json_object_get(expect, "entries")));
    assert_int_equal(log.violations, json_integer_value(json_object_get(expect, "violations")));
    struct digest sha1 = ima_replay(&log, HASH_SHA1, 10, false), banks = ima_replay(&log, HASH_SHA256, 10, false);
    assert_true(bytes_eq(digest_view(&sha1), hex_in(c, vector_str(expect, "pcr10_sha1"))));
    assert_true(bytes_eq(digest_view(&banks), hex_in(c, vector_str(expect, "pcr10_sha256_when_each_bank_is_hashed"))));
}

/* --- judging --- */

static bool any_expected(const struct trial *c)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(json_object_get(c->vector, "expect"), "fails_any"), i, name)
        for (size_t k = 0; k < c->num_faults; k++)
            if (strcmp(c->fault[k], json_string_value(name)) == 0)
                return true;
    return false;
}

static bool as_expected(const struct trial *c)
{
    const char *verdict = vector_str(json_object_get(c->vector, "expect"), "verdict");
    if (strcmp(verdict, "verified") == 0)
        return c->num_faults == 0;
    return any_expected(c) && c->undecided == (strcmp(verdict, "undecided") == 0);
}

static void run(const char *kind, void (*try)(struct trial *))
{
    json_auto_t *manifest = vectors_json("tpm/manifest.json");
    size_t i, ran = 0, failed = 0;
    json_t *vector;
    json_array_foreach(json_object_get(manifest, "cases"), i, vector) {
        if (strcmp(vector_str(vector, "kind"), kind) != 0)
            continue;
        struct trial c = {.vector = vector, .mem = arena_new(1 << 24)};
        assert_true(time_parse(&c.at_s, bytes_str(vector_str(vector, "verify_at")), NULL));
        try(&c);
        ran++;
        if (!as_expected(&c)) {
            failed++;
            print_error("%s: want %s, have %s%s\n", vector_str(vector, "id"), vector_str(json_object_get(vector, "expect"), "verdict"),
                        c.num_faults ? c.fault[0] : "no fault", c.words);
        }
        arena_done(&c.mem);
    }
    assert_true(ran > 0);
    assert_int_equal(failed, 0);
}

#define CASE(name, kind, try)                                                                                          \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run(kind, try);                                                                                                \
    }
CASE(quotes_are_judged_as_the_manifest_says, "tpm_quote", try_quote)
CASE(certifications_name_the_key_they_are_about, "tpm_certify", try_certify)
CASE(hcl_reports_bind_their_variable_data, "hcl_report", try_hcl)
CASE(ak_chains_end_at_a_clouds_root, "cert_chain", try_chain)
CASE(event_logs_lead_to_their_registers, "eventlog", try_eventlog)
CASE(ccel_areas_lead_to_their_registers, "ccel", try_ccel)
CASE(cel_leads_to_rtmr3, "cel", try_cel)
CASE(ima_lists_lead_to_pcr_10, "ima_log", try_ima)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_are_judged_as_the_manifest_says),
        cmocka_unit_test(certifications_name_the_key_they_are_about),
        cmocka_unit_test(hcl_reports_bind_their_variable_data),
        cmocka_unit_test(ak_chains_end_at_a_clouds_root),
        cmocka_unit_test(event_logs_lead_to_their_registers),
        cmocka_unit_test(ccel_areas_lead_to_their_registers),
        cmocka_unit_test(cel_leads_to_rtmr3),
        cmocka_unit_test(ima_lists_lead_to_pcr_10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
