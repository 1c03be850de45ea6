#include "relayer/evidence/bundle.h"

#include "crypto/base/auto.h"
#include "tests/support/vectors.h"

#include <stdlib.h>

#define FORMAT "\"format\":\"cvm-evidence/1\""

static char *again(const char *text)
{
    AUTO(bundle_done) struct bundle b = {0};
    struct err err = {0};
    if (!bundle_from_json(&b, bytes_str(text), &err))
        fail_msg("%s", err.text);
    json_auto_t *doc = bundle_to_json(&b);
    assert_non_null(doc);
    return json_dumps(doc, JSON_COMPACT);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{" FORMAT "}",
        "{" FORMAT ",\"cloud\":\"gcp\",\"tee\":\"snp\"}",
        "{" FORMAT ",\"identity\":{\"scheme\":\"ecdsa\",\"curve\":\"p256\",\"hash\":\"sha256\",\"public_key\":\"0x0102\"}}",
        "{" FORMAT ",\"identity\":{\"scheme\":7,\"curve\":9,\"hash\":\"null\",\"algo\":\"rsa\",\"raw\":\"0x01\"}}",
        "{" FORMAT ",\"tee_report\":{\"type\":\"zk-risc0\",\"data\":\"0xaa\",\"proof\":\"0xbb\"}}",
        "{" FORMAT ",\"tpm\":{\"quote\":\"0x\"}}",
        "{" FORMAT ",\"logs\":{\"tcg\":\"0x00\",\"ima\":\"0x01\"},\"collateral\":{\"tdx\":{\"a\":[1,2]},\"snp\":{\"certs\":[\"0x30\"]}}}",
        "{" FORMAT ",\"call\":{\"name\":\"setCollateralTTL\",\"profile\":\"g1b\",\"id\":"
        "\"0x0000000000000000000000000000000000000000000000000000000000000001\",\"signatures\":[\"0x02\"],\"tee_ttl\":1,"
        "\"tpm_ttl\":\"18446744073709551615\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO(auto_free) char *out = again(texts[i]);
        assert_string_equal(out, texts[i]);
    }
}

static void base64_and_hex_are_told_apart(void **state)
{
    (void)state;
    AUTO(auto_free) char *a = again("{" FORMAT ",\"report_id\":\"AQI=\"}");
    assert_string_equal(a, "{" FORMAT ",\"report_id\":\"0x0102\"}");
}

static void bad_bundles_are_refused_by_member(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"[]", "want an object"},
        {"{}", "format"},
        {"{\"format\":\"cvm-evidence/2\"}", "format"},
        {"{" FORMAT ",\"clod\":\"gcp\"}", "did you mean cloud"},
        {"{" FORMAT "," FORMAT "}", "twice"},
        {"{" FORMAT ",\"tpm\":{\"quote\":\"0x1\"}}", "tpm.quote"},
        {"{" FORMAT ",\"tpm\":{\"quote\":\"0xgg\"}}", "tpm.quote"},
        {"{" FORMAT ",\"tpm\":{\"quote\":\"AQ\"}}", "tpm.quote"},
        {"{" FORMAT ",\"tpm\":{\"quote\":\"01\"}}", "tpm.quote"},
        {"{" FORMAT ",\"tpm\":{\"quote\":1}}", "tpm.quote"},
        {"{" FORMAT ",\"tpm\":{\"pcrs\":{}}}", "tpm.pcrs"},
        {"{" FORMAT ",\"tpm\":{\"pcrs\":[{\"value\":\"0x\"}]}}", "tpm.pcrs[0].index"},
        {"{" FORMAT ",\"tpm\":{\"pcrs\":[{\"index\":0,\"value\":\"0x00\"}]}}", "want 32 bytes"},
        {"{" FORMAT ",\"tpm\":{\"pcrs\":[{\"index\":-1,\"value\":\"0x00\"}]}}", "index"},
        {"{" FORMAT ",\"tpm\":{\"pcrs\":[{\"index\":0,\"bank\":\"md5\",\"value\":\"0x00\"}]}}", "bank"},
        {"{" FORMAT ",\"cloud\":\"aws\"}", "want one of gcp, azure"},
        {"{" FORMAT ",\"call\":{\"name\":\"attestCvm\",\"id\":\"0x00\"}}", "call.id"},
        {"{" FORMAT ",\"collateral\":{\"tdx\":1}}", "collateral.tdx"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(bundle_done) struct bundle b = {0};
        struct err err = {0};
        assert_false(bundle_from_json(&b, bytes_str(cases[i].text), &err));
        assert_int_equal(err.code, ERR_FORMAT);
        if (!strstr(err.text, cases[i].words))
            fail_msg("%s: '%s' does not speak of '%s'", cases[i].text, err.text, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(base64_and_hex_are_told_apart),
        cmocka_unit_test(bad_bundles_are_refused_by_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
