/* What was handed over? Each kind in each wrapping, and what is nothing of the sort. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/input.h"
#include "tests/support/vectors.h"

#include <stdlib.h>

static const struct {
    const char *file;
    enum input_kind kind;
} known[] = {
    {"tdx/quotes/v4_00806f_sept_ve_off_low_module_svn.bin", INPUT_TDX_QUOTE},
    {"sgx/quotes/v3_00606a_azure_swhardening_2023.bin", INPUT_SGX_QUOTE},
    {"snp/reports/milan_v3_vcek_05b7438a.bin", INPUT_SNP_REPORT},
    {"tpm/hcl/azure-tdx-ca24.hcl.bin", INPUT_HCL},
    {"tpm/quotes/swtpm-ecdsa256.attest.bin", INPUT_TPM_QUOTE},
    {"registry-v1/gcp-tdx-registration.g1b.bin", INPUT_CALLDATA},
};

static void expect_kind(struct bytes raw, enum input_kind kind, struct bytes inner)
{
    AUTO(input_done) struct input in = {0};
    struct err err = {0};
    if (!input_open(&in, raw, INPUT_UNKNOWN, &err))
        fail_msg("%s", err.text);
    assert_string_equal(input_kind_name(in.kind), input_kind_name(kind));
    assert_true(bytes_eq(buf_view(&in.data), inner));
}

static void every_kind_is_known_raw_in_hex_and_in_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX), base64 = buf_new(INPUT_MAX);
        vectors_read(&raw, known[i].file);
        AUTO(auto_free) char *hex = hex_0x(buf_view(&raw));
        base64_encode(&base64, buf_view(&raw));
        buf_text(&base64, "\n");
        expect_kind(buf_view(&raw), known[i].kind, buf_view(&raw));
        expect_kind(bytes_str(hex), known[i].kind, buf_view(&raw));
        expect_kind(bytes_str(hex + 2), known[i].kind, buf_view(&raw));
        expect_kind(buf_view(&base64), known[i].kind, buf_view(&raw));
    }
}

static void an_agents_json_is_unwrapped_and_a_bundle_is_not(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX), json = buf_new(INPUT_MAX);
    vectors_read(&raw, "registry-v1/gcp-tdx-registration.g1b.bin");
    buf_text(&json, "{\"calldata\": \"");
    base64_encode(&json, buf_view(&raw));
    buf_text(&json, "\"}\n");
    expect_kind(buf_view(&json), INPUT_CALLDATA, buf_view(&raw));
    struct bytes bundle = BYTES_LIT(" {\"format\": \"cvm-evidence/1\"}");
    expect_kind(bundle, INPUT_BUNDLE, bundle);
}

static void what_is_nothing_known_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "hello", "0x", "0x1234", "AAAA", "[1, 2]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AUTO(input_done) struct input in = {0};
        struct err err = {0};
        assert_false(input_open(&in, bytes_str(bad[i]), INPUT_UNKNOWN, &err));
        assert_int_equal(err.code, ERR_FORMAT);
    }
}

static void what_is_no_evidence_makes_no_bundle(void **state)
{
    (void)state;
    AUTO(input_done) struct input in = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    struct err err = {0};
    assert_true(input_open(&in, bytes_str("0x75a1d53a"), INPUT_UNKNOWN, &err)); /* CVM_NOT_REGISTERED() */
    assert_int_equal(in.kind, INPUT_REVERT);
    assert_false(input_bundle(&bundle, &in, &err));
    assert_int_equal(err.code, ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_known_raw_in_hex_and_in_base64),
        cmocka_unit_test(an_agents_json_is_unwrapped_and_a_bundle_is_not),
        cmocka_unit_test(what_is_nothing_known_is_refused),
        cmocka_unit_test(what_is_no_evidence_makes_no_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
