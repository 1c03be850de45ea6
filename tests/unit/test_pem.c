#include "crypto/pem.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "tests/support/vectors.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static void blocks_come_out_in_order(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        int count; /* -1: refused */
    } cases[] = {
        {BYTES_LIT(""), 0},
        {BYTES_LIT("no block at all"), 0},
        {BYTES_LIT(BEGIN "MAA=\n" END), 1},
        {BYTES_LIT("noise\n" BEGIN "MAA=\n" END "between\n" BEGIN "MAA=\n" END "after\n\0\0"), 2},
        {BYTES_LIT("-----BEGIN CERTIFICATE-----\r\nMA\r\nA=\r\n-----END CERTIFICATE-----\r\n"), 1},
        {BYTES_LIT("-----BEGIN CERTIFICATE-----MAA=-----END CERTIFICATE----------BEGIN CERTIFICATE-----MAA=-----END "
                   "CERTIFICATE-----"),
         2},
        {BYTES_LIT("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n" BEGIN "MAA=\n" END), 1},
        {BYTES_LIT("-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n-----END TRUSTED CERTIFICATE-----\n"), 0},
        {BYTES_LIT(BEGIN "MAA=\n"), -1},
        {BYTES_LIT(BEGIN "MAA\n" END), -1},
        {BYTES_LIT(BEGIN "M*A=\n" END), -1},
        {BYTES_LIT(BEGIN END), -1},
        {BYTES_LIT(BEGIN BEGIN "MAA=\n" END), -1},
        {BYTES_LIT(BEGIN "Proc-Type: 4,ENCRYPTED\n\nMAA=\n" END), -1},
        {BYTES_LIT(BEGIN "MAA=\n-----END CERTIFICATE----\n"), -1},
        {BYTES_LIT(BEGIN "MAA=\n" END BEGIN "MAA=\n" END BEGIN "MAA=\n" END BEGIN "MAA=\n" END),
         -1}, /* above the limit of 3 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(der_list_done) struct der_list list = {0};
        bool ok = pem_parse(&list, cases[i].text, "CERTIFICATE", 3, NULL);
        if (ok != (cases[i].count >= 0) || (ok && list.count != (size_t)cases[i].count))
            fail_msg("case %zu: %d, %zu", i, ok, list.count);
        for (size_t k = 0; k < list.count; k++)
            assert_true(bytes_eq(list.item[k], BYTES_LIT("\x30\x00")));
    }
}

static void however_it_is_handed_over(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        int count;
    } cases[] = {
        {BYTES_LIT("\x30\x01\x05"), 1},
        {BYTES_LIT("\x30\x01\x05\0"), 1}, /* Intel's PCCS keeps a C string's NUL */
        {BYTES_LIT("\x30\x01\x05\0\0\0"), 1},
        {BYTES_LIT("\x30\x01\x05\x30\x00"), 2},
        {BYTES_LIT("\x30\x01\x05\x30\x00\0"), 2},
        {BYTES_LIT("300105"), 1},
        {BYTES_LIT("0x300105"), 1},
        {BYTES_LIT(" 300105\n\0"), 1},
        {BYTES_LIT("3001053000"), 2},
        {BYTES_LIT(BEGIN "MAEF\n" END), 1},
        {BYTES_LIT("x" BEGIN "MAEF\n" END), 1},
        {BYTES_LIT(""), -1},
        {BYTES_LIT("\0\0"), -1},
        {BYTES_LIT("\x30\x02\x05"), -1},
        {BYTES_LIT("\x30\x01\x05\x31\x00"), -1},
        {BYTES_LIT("\x30\x01\x05\x00\x01"), -1},
        {BYTES_LIT("\x31\x01\x05"), -1},
        {BYTES_LIT("30010"), -1},
        {BYTES_LIT("0x"), -1},
        {BYTES_LIT("MAEF"), -1},
        {BYTES_LIT("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"), -1},
        {BYTES_LIT("\x30\x00\x30\x00\x30\x00\x30\x00"), -1}, /* above the limit of 3 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(der_list_done) struct der_list list = {0};
        bool ok = der_list_parse(&list, cases[i].in, "CERTIFICATE", 3, NULL);
        if (ok != (cases[i].count >= 0) || (ok && list.count != (size_t)cases[i].count))
            fail_msg("case %zu: %d, %zu", i, ok, list.count);
        if (ok)
            assert_true(bytes_eq(list.item[0], BYTES_LIT("\x30\x01\x05")));
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t der[300] = {0x30, 0x82};
    for (size_t n = 0; n < 280; n += 3) {
        size_t len = 4 + n;
        der[1] = 0x82;
        der[2] = (uint8_t)(n >> 8);
        der[3] = (uint8_t)n;
        AUTO(buf_done) struct buf pem = buf_new(2000);
        pem_encode(&pem, "X509 CRL", bytes_from(der, len));
        AUTO(der_list_done) struct der_list list = {0};
        assert_true(pem_parse(&list, buf_view(&pem), "X509 CRL", 1, NULL));
        assert_int_equal(list.count, 1);
        assert_true(bytes_eq(list.item[0], bytes_from(der, len)));
        for (size_t at = 0, width = 0; at < pem.len; at++) {
            width = pem.p[at] == '\n' ? 0 : width + 1;
            assert_true(width <= 64);
        }
    }
}

static void real_chains_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t count;
    } cases[] = {{"tdx/collateral/pck_platform_ca_chain.pem", 2},
                 {"snp/chains/vcek_milan.pem", 2},
                 {"roots/amd-ark-turin.pem", 1}};
    for (size_t i = 0; i < 3; i++) {
        AUTO(buf_done) struct buf in = buf_new(1 << 20);
        vectors_read(&in, cases[i].file);
        AUTO(der_list_done) struct der_list list = {0};
        assert_true(der_list_parse(&list, buf_view(&in), "CERTIFICATE", 4, NULL));
        assert_int_equal(list.count, cases[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_out_in_order),
        cmocka_unit_test(however_it_is_handed_over),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(real_chains_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
