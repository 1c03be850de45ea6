/* The model against what the compiled contracts answered: every case of the oracle's manifest, through the C interface.
 * The odd answers of the TEE callee, which the model has no word for, are put through as what they amount to. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "abi/addr.h"
#include "crypto/keccak.h"
#include "relayer/registry/model.h"
#include "tests/support/vectors.h"

#include <stdio.h>

#define FOLDER "registry-v1-oracle/"

static size_t failures;

static void report(const char *id, const char *what, const char *have, const char *want)
{
    if (++failures <= 40)
        print_message("%s: %s: have %s, want %s\n", id, what, have, want);
}

static void mutate(struct buf *data, const json_t *list)
{
    size_t i;
    json_t *m;
    json_array_foreach (list, i, m) {
        const char *op = vector_str(m, "op");
        size_t at = (size_t)json_integer_value(json_object_get(m, "offset"));
        AUTO(buf_done) struct buf bytes = buf_new(1 << 20);
        if (strcmp(op, "flip") == 0) {
            data->p[at] ^= (uint8_t)(1 << json_integer_value(json_object_get(m, "bit")));
        } else if (strcmp(op, "truncate") == 0) {
            data->len = (size_t)json_integer_value(json_object_get(m, "length"));
        } else if (strcmp(op, "append") == 0) {
            buf_put(data, vector_hex(&bytes, m, "hex"));
        } else {
            assert_string_equal(op, "set");
            struct bytes b = vector_hex(&bytes, m, "hex");
            while (data->len < at + b.len)
                buf_u8(data, 0);
            memcpy(data->p + at, b.p, b.len);
        }
    }
}

static void load(struct buf *out, const json_t *call)
{
    char name[512];
    snprintf(name, sizeof name, FOLDER "%s", vector_str(call, "file"));
    vectors_read(out, name);
    mutate(out, json_object_get(call, "mutate"));
}

struct bench {
    struct predict_call call;
    struct registry_state state;
    struct buf roots[4];
    struct bytes views[4];
};

static void set_up(struct bench *b, const json_t *test)
{
    const json_t *state = json_object_get(test, "state");
    size_t i;
    json_t *root;
    memset(b, 0, sizeof *b);
    b->state = registry_state_new();
    char profile[8] = {0};
    for (i = 0; vector_str(test, "profile")[i]; i++)
        profile[i] = (char)(vector_str(test, "profile")[i] | 0x20);
    assert_true(profile_from_name(&b->call.profile, profile));
    b->call.chain_id = (uint64_t)json_integer_value(json_object_get(state, "chain_id"));
    assert_true(addr_parse(&b->call.registry, bytes_str(vector_str(state, "registry")), NULL));
    b->call.report_id_pcr = (unsigned)json_integer_value(json_object_get(state, "report_id_pcr"));
    b->call.with_value = json_integer_value(json_object_get(state, "value_wei")) != 0;
    json_array_foreach (json_object_get(state, "trusted_roots"), i, root) {
        char name[512];
        b->roots[i] = buf_new(1 << 20);
        snprintf(name, sizeof name, FOLDER "%s", json_string_value(root));
        vectors_read(&b->roots[i], name);
        b->views[i] = buf_view(&b->roots[i]);
    }
    b->call.ak_roots = b->views;
    b->call.num_ak_roots = i;
}

static void tear_down(struct bench *b)
{
    registry_state_done(&b->state);
    for (size_t i = 0; i < 4; i++)
        buf_done(&b->roots[i]);
}

static bool put(struct prediction *p, struct bench *b, const json_t *call, const char *at)
{
    AUTO(buf_done) struct buf data = buf_new(1 << 22);
    struct err err = {0};
    int64_t time_s;
    load(&data, call);
    assert_true(time_parse(&time_s, bytes_str(at), NULL));
    b->call.block_time_s = (uint64_t)time_s;
    b->call.calldata = buf_view(&data);
    if (!predict(p, &b->state, &b->call, &err))
        fail_msg("%s", err.text);
    return p->answer == PREDICT_SUCCESS;
}

static const char *const answer_names[] = {"unknown", "success", "revert"};

static void prior_calls(struct bench *b, const char *id, const json_t *list)
{
    size_t i;
    json_t *call;
    json_array_foreach (list, i, call) {
        AUTO(prediction_done) struct prediction p = {0};
        if (!json_object_get(call, "file")) /* a list of revoked certificates for the TPM contract: not its model's business */
            continue;
        put(&p, b, call, vector_str(call, "at"));
        if (strcmp(answer_names[p.answer], vector_str(call, "result")) != 0)
            report(id, "prior call", answer_names[p.answer], vector_str(call, "result"));
    }
}

static void check_hex(const char *id, const char *what, struct bytes have, const char *want)
{
    AUTO(auto_free) char *text = hex_0x(have);
    if (strcmp(text, want) != 0)
        report(id, what, text, want);
}

static void check_number(const char *id, const char *what, uint64_t have, const json_t *want)
{
    char a[32], b[32];
    snprintf(a, sizeof a, "%llu", (unsigned long long)have);
    if (json_is_integer(want))
        snprintf(b, sizeof b, "%lld", (long long)json_integer_value(want));
    else
        snprintf(b, sizeof b, "%s", json_string_value(want));
    if (strcmp(a, b) != 0)
        report(id, what, a, b);
}

static void check_after(const char *id, const struct registry_state *s, const json_t *after)
{
    struct hash32 hash;
    if (!after)
        return;
    assert_true(hex_decode_fixed(hash.b, 32, bytes_str(vector_str(after, "identity_hash")), NULL));
    const struct kept_identity *k = registry_state_find(s, hash);
    if (kept_is_registered(k) != json_is_true(json_object_get(after, "registered")))
        report(id, "registered", kept_is_registered(k) ? "yes" : "no", "the other");
    if (!kept_is_registered(k))
        return;
    check_number(id, "tee_type", k->tee_type, json_object_get(after, "tee_type"));
    check_number(id, "cloud_type", k->cloud_type, json_object_get(after, "cloud_type"));
    check_number(id, "tee_ttl", k->tee_ttl_s, json_object_get(after, "tee_ttl"));
    check_number(id, "tpm_ttl", k->tpm_ttl_s, json_object_get(after, "tpm_ttl"));
    check_number(id, "tee_recent", k->tee_recent_s, json_object_get(after, "tee_recent"));
    check_number(id, "tpm_recent", k->tpm_recent_s, json_object_get(after, "tpm_recent"));
    check_number(id, "nonce", k->nonce, json_object_get(after, "nonce"));
    check_number(id, "identity algo", k->key.algo, json_object_get(after, "identity_algo"));
    check_number(id, "ak algo", k->ak.algo, json_object_get(after, "tpm_ak_algo"));
    check_number(id, "ak params", k->ak.params, json_object_get(after, "tpm_ak_params"));
    check_number(id, "tee output", k->tee_output.len, json_object_get(after, "tee_output_length"));
    struct hash32 key = keccak256(k->key.data), ak = keccak256(k->ak.data);
    check_hex(id, "measurement", BYTES_OF(k->measurement_hash), vector_str(after, "measurement_hash"));
    check_hex(id, "identity data", BYTES_OF(key), vector_str(after, "identity_data_keccak256"));
    check_hex(id, "ak data", BYTES_OF(ak), vector_str(after, "tpm_ak_data_keccak256"));
}

static void check_old(const char *id, const struct registry_state *s, const json_t *old)
{
    struct hash32 hash;
    const json_t *nonce = json_object_get(old, "nonce_in_storage");
    if (!old || !nonce)
        return;
    assert_true(hex_decode_fixed(hash.b, 32, bytes_str(vector_str(old, "identity_hash")), NULL));
    const struct kept_identity *k = registry_state_find(s, hash);
    check_number(id, "old nonce", k ? k->nonce : 0, nonce);
}

static void check_events(const char *id, const struct prediction *p, const json_t *events)
{
    size_t i;
    json_t *e;
    if (json_array_size(events) != p->num_events)
        report(id, "events", "another number", "");
    json_array_foreach (events, i, e) {
        if (i >= p->num_events)
            return;
        if (strcmp(p->events[i].name, vector_str(e, "name")) != 0)
            report(id, "event", p->events[i].name, vector_str(e, "name"));
        check_hex(id, "topic", BYTES_OF(p->events[i].topics[1]), vector_str(e, "topic1"));
        if (json_object_get(e, "data") && json_string_length(json_object_get(e, "data")) > 2)
            check_hex(id, "event data", buf_view(&p->events[i].data), vector_str(e, "data"));
    }
}

static void check_success(const char *id, const struct bench *b, const struct prediction *p, const json_t *expect)
{
    if (json_object_get(expect, "measurement_hash"))
        check_hex(id, "measurement_hash", BYTES_OF(p->measurement_hash), vector_str(expect, "measurement_hash"));
    if (json_object_get(expect, "return_length"))
        check_number(id, "return length", p->returned.len, json_object_get(expect, "return_length"));
    check_events(id, p, json_object_get(expect, "events"));
    check_after(id, &b->state, json_object_get(expect, "after"));
    check_old(id, &b->state, json_object_get(expect, "old_identity"));
    if (json_is_true(json_object_get(expect, "laxity")) && p->lax == 0)
        report(id, "laxity", "none noted", "one");
}

/* What the callee's answer is to the registry; false: the registry's answer is the callee's own. */
static enum tee_answer tee_answer(const char *dcap)
{
    return dcap && strncmp(dcap, "false", 5) == 0 ? TEE_REFUSES : TEE_ACCEPTS;
}

static void check_revert(const char *id, const struct prediction *p, const json_t *expect)
{
    check_hex(id, vector_str(expect, "error"), buf_view(&p->revert), vector_str(expect, "revert_data"));
    if (p->kind != CALL_NONE && p->step && !p->row)
        report(id, "row", "none", p->step->id);
}

static void the_model_answers_as_the_contracts_did(void **state)
{
    json_auto_t *manifest = vectors_json(FOLDER "manifest.json");
    size_t i, put_through = 0, odd = 0;
    json_t *test;
    (void)state;
    json_array_foreach (json_object_get(manifest, "cases"), i, test) {
        AUTO(prediction_done) struct prediction p = {0};
        const char *id = vector_str(test, "id"), *at = vector_str(test, "verify_at");
        const json_t *expect = json_object_get(test, "expect"), *st = json_object_get(test, "state");
        const char *dcap = json_string_value(json_object_get(st, "dcap_answer")), *want = vector_str(expect, "contract");
        struct bench b;
        set_up(&b, test);
        b.call.tee = TEE_ACCEPTS;
        prior_calls(&b, id, json_object_get(st, "prior"));
        b.call.tee = tee_answer(dcap);
        put(&p, &b, test, at);
        put_through++;
        if (dcap && b.call.tee == TEE_ACCEPTS) {
            odd++; /* an answer that no DCAP contract gives: it was asked, and that is all that can be said */
        } else if (strcmp(answer_names[p.answer], want) != 0) {
            AUTO(auto_free) char *data = hex_0x(buf_view(&p.revert));
            report(id, p.unknown ? p.unknown : p.step ? p.step->id : "answer", data, want);
        } else if (p.answer == PREDICT_SUCCESS) {
            check_success(id, &b, &p, expect);
        } else {
            check_revert(id, &p, expect);
        }
        tear_down(&b);
    }
    print_message("%zu cases, %zu with odd answers of the TEE callee, %zu differences\n", put_through, odd, failures);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_answers_as_the_contracts_did)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
