/* Calldata to the bundle and back, byte for byte, in every profile; the golden measurement and its differences. */
#include "abi/calls.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/identity.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/golden.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t report[700] = {4, 0, 2, 0, 0x81}, xy[64] = {0x6b, 0x17, 0xd1};
static struct hash32 events[3] = {{{1}}, {{2}}, {{3}}};
static uint32_t measured[2] = {2, 0};
static const uint8_t value[32] = {9};
static struct bundle_pcr pcrs[2] = {
    {.index = 4, .bank = HASH_SHA256, .value = {value, 32}, .events = events, .num_events = 3, .measured = measured, .num_measured = 2, .measure_value = true},
    {.index = 15, .bank = HASH_SHA256, .value = {value, 32}},
};
static struct bytes certs[2] = {{(const uint8_t *)"leaf", 4}, {(const uint8_t *)"root", 4}};

static struct bundle sample(void)
{
    struct bundle b = bundle_new();
    b.cloud = CLOUD_GCP;
    b.tee = TEE_TDX;
    b.report_type = REPORT_NATIVE;
    b.has_report = true;
    b.report = BYTES(report);
    b.identity = (struct identity){.present = true, .algo = ALG_ECC, .params = CURVE_P256, .scheme = ALG_ECDSA, .hash_algo = ALG_SHA256, .key = BYTES(xy)};
    b.quote = BYTES_LIT("quote");
    b.signature = BYTES_LIT("signature");
    b.pcrs = pcrs;
    b.num_pcrs = 2;
    b.report_id = BYTES_LIT("0123456789abcdef");
    b.ak_certs = certs;
    b.num_ak_certs = 2;
    b.call = (struct bundle_call){.id = {{0xaa}}, .signatures = {BYTES_LIT("first"), BYTES_LIT("second")}, .num_signatures = 2, .tee_ttl_s = 30, .tpm_ttl_s = 60};
    return b;
}

static void same_bytes_again(struct bytes calldata)
{
    AUTO(bundle_done) struct bundle b = {0}, from_json = {0};
    AUTO(buf_done) struct buf again = buf_new(1 << 22), third = buf_new(1 << 22);
    struct err err = {0};
    if (!bundle_from_calldata(&b, calldata, &err))
        fail_msg("%s", err.text);
    assert_true(bundle_to_calldata(&again, &b, CALL_NONE, PROFILE_NONE, &err));
    assert_true(bytes_eq(buf_view(&again), calldata));
    json_auto_t *doc = bundle_to_json(&b);
    AUTO(auto_free) char *text = json_dumps(doc, 0);
    if (!bundle_from_json(&from_json, bytes_str(text), &err))
        fail_msg("%s", err.text);
    if (!bundle_to_calldata(&third, &from_json, CALL_NONE, PROFILE_NONE, &err))
        fail_msg("%s", err.text);
    assert_true(bytes_eq(buf_view(&third), calldata));
}

static void every_call_of_every_profile_goes_both_ways(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample();
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        for (enum call_kind k = CALL_ATTEST; k <= CALL_SET_TTL; k++) {
            AUTO(buf_done) struct buf out = buf_new(1 << 20);
            struct err err = {0};
            if (!bundle_to_calldata(&out, &b, k, p, &err))
                fail_msg("%s", err.text);
            assert_true(calldata_recognise(buf_view(&out)));
            same_bytes_again(buf_view(&out));
        }
}

static void a_proof_is_wrapped_and_unwrapped(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample(), back = {0};
    AUTO(buf_done) struct buf out = buf_new(1 << 20);
    b.report_type = REPORT_ZK_RISC0;
    b.report = BYTES_LIT("output");
    b.zk_proof = BYTES_LIT("proof");
    assert_true(bundle_to_calldata(&out, &b, CALL_ATTEST, PROFILE_G1B, NULL));
    assert_true(bundle_from_calldata(&back, buf_view(&out), NULL));
    assert_true(bytes_eq(back.report, b.report) && bytes_eq(back.zk_proof, b.zk_proof));
    same_bytes_again(buf_view(&out));
}

static void odd_keys_keep_their_bytes(void **state)
{
    (void)state;
    static const uint8_t prefixed[65] = {4}, plain[64] = {5};
    const struct {
        enum profile profile;
        struct bytes data;
    } rows[] = {{PROFILE_G1A, BYTES(prefixed)}, {PROFILE_G1B, BYTES(plain)}, {PROFILE_G1B, BYTES_LIT("x")}, {PROFILE_G1B, {0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(bundle_done) struct bundle b = sample(), back = {0};
        AUTO(buf_done) struct buf out = buf_new(1 << 20), data = buf_new(1 << 10);
        b.identity.key = b.identity.raw = rows[i].data;
        if (!rows[i].data.len)
            b.identity.key = b.identity.raw = (struct bytes){0};
        assert_true(bundle_to_calldata(&out, &b, CALL_ATTEST, rows[i].profile, NULL));
        assert_true(bundle_from_calldata(&back, buf_view(&out), NULL));
        assert_true(identity_chain_data(&data, &back.identity, rows[i].profile, NULL));
        assert_true(bytes_eq(buf_view(&data), rows[i].data));
        same_bytes_again(buf_view(&out));
    }
}

static void what_is_missing_or_cannot_be_said_is_refused(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample();
    AUTO(buf_done) struct buf out = buf_new(1 << 20);
    struct err err = {0};
    b.identity.present = false;
    assert_false(bundle_to_calldata(&out, &b, CALL_ATTEST, PROFILE_G1B, &err));
    assert_int_equal(err.code, ERR_USAGE);
    b = sample();
    b.has_report = false;
    assert_false(bundle_to_calldata(&out, &b, CALL_ATTEST, PROFILE_G1B, &err));
    assert_int_equal(err.code, ERR_USAGE);
    b = sample();
    pcrs[1].bank = HASH_SHA384;
    assert_false(bundle_to_calldata(&out, &b, CALL_ATTEST, PROFILE_G1B, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    pcrs[1].bank = HASH_SHA256;
    assert_int_equal(out.len, 0);
}

static void damaged_calldata_is_refused(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample(), back = {0};
    AUTO(buf_done) struct buf out = buf_new(1 << 20);
    assert_true(bundle_to_calldata(&out, &b, CALL_ATTEST, PROFILE_G1B, NULL));
    for (size_t len = 0; len < out.len; len += 31)
        assert_false(bundle_from_calldata(&back, bytes_sub(buf_view(&out), 0, len), NULL));
    out.p[4 + 31] = 9; /* cloudType beyond its last member */
    assert_false(bundle_from_calldata(&back, buf_view(&out), NULL));
    struct err err = {0};
    assert_false(bundle_from_calldata(&back, BYTES_LIT("\x57\xea\x16\x8b"), &err));
    assert_non_null(strstr(err.text, "between g1a and g1b"));
    assert_false(bundle_from_calldata(&back, BYTES_LIT("\0\0\0\0"), &err));
}

static void files_are_unwrapped_however_they_were_written(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample();
    AUTO(buf_done) struct buf raw = buf_new(1 << 20), text = buf_new(1 << 20), out = buf_new(1 << 20);
    assert_true(bundle_to_calldata(&raw, &b, CALL_SET_TTL, PROFILE_G1B, NULL));
    for (int form = 0; form < 5; form++) {
        text.len = out.len = 0;
        if (form == 0)
            buf_put(&text, buf_view(&raw));
        if (form == 1 || form == 2)
            buf_printf(&text, "%s", form == 1 ? "0x" : "");
        if (form == 1 || form == 2)
            buf_hex(&text, buf_view(&raw));
        if (form == 4)
            buf_text(&text, "{\"calldata\": \"");
        if (form >= 3)
            base64_encode(&text, buf_view(&raw));
        if (form == 4)
            buf_text(&text, "\"}");
        if (form)
            buf_text(&text, " \n");
        assert_true(calldata_from_file(&out, buf_view(&text), NULL));
        assert_true(bytes_eq(buf_view(&out), buf_view(&raw)));
    }
    assert_false(calldata_from_file(&out, BYTES_LIT("{\"calldata\": 5}"), NULL));
    assert_false(calldata_from_file(&out, BYTES_LIT("deadbeef"), NULL));
    assert_false(calldata_from_file(&out, BYTES_LIT(""), NULL));
}

static void a_measurement_is_read_back_and_compared(void **state)
{
    (void)state;
    AUTO(bundle_done) struct bundle b = sample();
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    struct golden a, back, c;
    struct err err = {0};
    assert_true(golden_from_bundle(&a, &mem, &b, PROFILE_G1B, &err));
    json_auto_t *doc = golden_to_json(&a);
    if (!golden_from_json(&back, &mem, doc, &err))
        fail_msg("%s", err.text);
    json_auto_t *none = golden_diff(&a, &back);
    assert_int_equal(json_array_size(none), 0);

    measured[1] = 1;
    pcrs[1].measure_value = true;
    assert_true(golden_from_bundle(&c, &mem, &b, PROFILE_G1B, &err));
    measured[1] = 0;
    pcrs[1].measure_value = false;
    json_auto_t *two = golden_diff(&a, &c);
    assert_int_equal(json_array_size(two), 2);
    assert_string_equal(vector_str(json_array_get(two, 0), "what"), "pcr 4 measured event 1 (another position in the log)");
    assert_string_equal(vector_str(json_array_get(two, 1), "what"), "pcr 15 value");

    json_object_set_new(doc, "hash", json_string("0x0000000000000000000000000000000000000000000000000000000000000000"));
    assert_false(golden_from_json(&back, &mem, doc, &err));
    measured[1] = 3;
    assert_false(golden_from_bundle(&c, &mem, &b, PROFILE_G1B, &err));
    measured[1] = 0;
}

static void real_calldata_gives_the_golden_hash(void **state)
{
    (void)state;
    json_auto_t *manifest = vectors_json("registry-v1/manifest.json");
    size_t i, golden = 0;
    json_t *test;
    json_array_foreach (json_object_get(manifest, "cases"), i, test) {
        const json_t *expect = json_object_get(test, "expect");
        AUTO(buf_done) struct buf data = buf_new(1 << 22);
        AUTO(arena_done) struct arena mem = arena_new(1 << 20);
        AUTO(bundle_done) struct bundle b = {0};
        struct golden g;
        char name[300];
        if (!json_is_true(json_object_get(expect, "reencode_identical")))
            continue;
        snprintf(name, sizeof name, "registry-v1/%s", vector_str(test, "file"));
        vectors_read(&data, name);
        same_bytes_again(buf_view(&data));
        if (!json_object_get(expect, "golden_hash"))
            continue;
        assert_true(bundle_from_calldata(&b, buf_view(&data), NULL) && golden_from_bundle(&g, &mem, &b, PROFILE_NONE, NULL));
        AUTO(auto_free) char *hash = hex_0x(BYTES_OF(g.hash));
        assert_string_equal(hash, vector_str(expect, "golden_hash"));
        golden++;
    }
    assert_true(golden > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_every_profile_goes_both_ways),
        cmocka_unit_test(a_proof_is_wrapped_and_unwrapped),
        cmocka_unit_test(odd_keys_keep_their_bytes),
        cmocka_unit_test(what_is_missing_or_cannot_be_said_is_refused),
        cmocka_unit_test(damaged_calldata_is_refused),
        cmocka_unit_test(files_are_unwrapped_however_they_were_written),
        cmocka_unit_test(a_measurement_is_read_back_and_compared),
        cmocka_unit_test(real_calldata_gives_the_golden_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
