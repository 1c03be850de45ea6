#include "relayer/evidence/collateral.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "tests/support/sim/intel.h"
#include "tests/support/vectors.h"

#include <stdlib.h>

/* One simulated vendor's collateral, made once. */
static struct sim_world world = {.now_s = 1780000000};
static struct sim_intel vendor;
static char *tcb_info, *qe_identity, *tcb_chain;
static struct bytes crl_der;

static int make(void **state)
{
    (void)state;
    struct sim_collateral c = {.issued_s = world.now_s - 86400, .next_update_s = world.now_s + 86400, .evaluation_number = 19};
    sim_intel_init(&vendor, &world);
    tcb_info = sim_tcb_info(&vendor, &c);
    qe_identity = sim_qe_identity(&vendor, &c);
    tcb_chain = sim_tcb_chain(&vendor);
    crl_der = sim_crl(&vendor.root, c.issued_s, c.next_update_s, 1, NULL, 0, false);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    free(tcb_info);
    free(qe_identity);
    free(tcb_chain);
    free((void *)(uintptr_t)crl_der.p);
    sim_intel_done(&vendor);
    return 0;
}

static void add(struct collateral *pool, struct bytes data)
{
    struct err err = {0};
    if (!collateral_add(pool, "test", data, COLLATERAL_LISTED, &err))
        fail_msg("%s", err.text);
}

static void recognised_by_content(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf pem = buf_new(1 << 16), hex = buf_new(1 << 16), padded = buf_new(1 << 16);
    pem_encode(&pem, "X509 CRL", crl_der);
    buf_hex(&hex, crl_der);
    buf_put(&padded, crl_der);
    buf_u8(&padded, 0); /* as Intel's C client library hands CRLs out */
    AUTO(collateral_done) struct collateral pool = collateral_new();
    add(&pool, bytes_str(tcb_info));
    add(&pool, bytes_str(tcb_chain));
    add(&pool, bytes_str(qe_identity));
    add(&pool, crl_der);
    add(&pool, buf_view(&pem));
    add(&pool, buf_view(&hex));
    add(&pool, buf_view(&padded));
    add(&pool, vendor.root.der);
    static const enum collateral_kind want[] = {COLLATERAL_SIGNED, COLLATERAL_CERTS, COLLATERAL_SIGNED, COLLATERAL_CRL,
                                                COLLATERAL_CRL,    COLLATERAL_CRL,   COLLATERAL_CRL,    COLLATERAL_CERTS};
    assert_int_equal(pool.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < pool.count; i++)
        assert_int_equal(pool.items[i].kind, want[i]);
    assert_int_equal(pool.items[0].json.kind, SIGNED_TCB_INFO);
    assert_int_equal(pool.items[2].json.kind, SIGNED_QE_IDENTITY);
    assert_int_equal(pool.items[1].num_certs, 2);
    assert_true(bytes_eq(pool.items[6].crl.der, crl_der));
}

static void a_listed_answer_has_the_chain_behind_it(void **state)
{
    (void)state;
    AUTO(collateral_done) struct collateral pool = collateral_new();
    add(&pool, bytes_str(tcb_info));
    add(&pool, bytes_str(qe_identity));
    add(&pool, bytes_str(tcb_chain));
    assert_null(collateral_chain(&pool, &pool.items[0], 0));
    assert_ptr_equal(collateral_chain(&pool, &pool.items[1], 0), &pool.items[2]);
    assert_null(collateral_chain(&pool, &pool.items[1], 1));

    AUTO(collateral_done) struct collateral shared = collateral_new();
    assert_true(collateral_add(&shared, "a", bytes_str(tcb_info), COLLATERAL_POOLED, NULL));
    assert_true(collateral_add(&shared, "b", crl_der, COLLATERAL_POOLED, NULL));
    assert_true(collateral_add(&shared, "c", bytes_str(tcb_chain), COLLATERAL_POOLED, NULL));
    assert_ptr_equal(collateral_chain(&shared, &shared.items[0], 0), &shared.items[2]);
}

static void damage_is_kept_and_named(void **state)
{
    (void)state;
    struct bytes info = bytes_str(tcb_info);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    add(&pool, bytes_sub(info, 0, info.len / 2));
    add(&pool, bytes_sub(crl_der, 0, crl_der.len - 1));
    add(&pool, bytes_sub(bytes_str(tcb_chain), 0, 200));
    add(&pool, BYTES_LIT(""));
    add(&pool, BYTES_LIT("{\"tcbInfo\":{},\"tcbInfo\":{}}"));
    add(&pool, BYTES_LIT("hello"));
    static const char *const want[] = {"TCB info", "CRL", "certificates", "unknown", "TCB info", "unknown"};
    assert_int_equal(pool.count, 6);
    for (size_t i = 0; i < pool.count; i++) {
        assert_int_equal(pool.items[i].kind, COLLATERAL_UNREADABLE);
        assert_string_equal(collateral_item_name(&pool.items[i]), want[i]);
        assert_true(pool.items[i].why[0] != 0);
    }
}

static void an_export_reads_back_the_same(void **state)
{
    (void)state;
    AUTO(collateral_done) struct collateral pool = collateral_new(), again = collateral_new();
    assert_true(collateral_add_signed(&pool, "pcs", bytes_str(tcb_info), bytes_str(tcb_chain), true, NULL));
    assert_true(collateral_add_signed(&pool, "pcs", bytes_str(qe_identity), bytes_str(tcb_chain), false, NULL));
    add(&pool, crl_der);
    AUTO(buf_done) struct buf text = buf_new(1 << 20), twice = buf_new(1 << 20);
    assert_true(collateral_export(&text, &pool, NULL));
    add(&again, buf_view(&text));
    assert_int_equal(again.count, pool.count);
    assert_true(again.items[0].early && !again.items[2].early);
    assert_true(bytes_eq(again.items[0].json.body, pool.items[0].json.body));
    assert_ptr_equal(collateral_chain(&again, &again.items[2], 0), &again.items[3]);
    assert_true(bytes_eq(again.items[4].crl.der, crl_der));
    assert_true(collateral_export(&twice, &again, NULL));
    assert_true(bytes_eq(buf_view(&text), buf_view(&twice)));
}

static void put_member(struct buf *out, const char *name, struct bytes text)
{
    buf_printf(out, "\"%s\":\"", name);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\n')
            buf_text(out, "\\n");
        else if (text.p[i] == '"')
            buf_text(out, "\\\"");
        else
            buf_u8(out, text.p[i]);
    }
    buf_text(out, "\",");
}

static void dcap_qvl_json_is_taken(void **state)
{
    (void)state;
    struct json_range doc;
    struct bytes sig = {0};
    AUTO(buf_done) struct buf text = buf_new(1 << 20), hex = buf_new(1 << 16);
    buf_hex(&hex, crl_der);
    buf_text(&text, "{");
    assert_true(json_scan(&doc, bytes_str(tcb_info), NULL));
    json_plain(&sig, json_member(doc, "signature"));
    put_member(&text, "tcb_info", json_member(doc, "tcbInfo").raw);
    put_member(&text, "tcb_info_signature", sig);
    put_member(&text, "tcb_info_issuer_chain", bytes_str(tcb_chain));
    assert_true(json_scan(&doc, bytes_str(qe_identity), NULL));
    json_plain(&sig, json_member(doc, "signature"));
    put_member(&text, "qe_identity", json_member(doc, "enclaveIdentity").raw);
    put_member(&text, "qe_identity_signature", sig);
    put_member(&text, "qe_identity_issuer_chain", bytes_str(tcb_chain));
    put_member(&text, "pck_crl", buf_view(&hex));
    put_member(&text, "root_ca_crl", buf_view(&hex));
    text.p[text.len - 1] = '}';
    AUTO(collateral_done) struct collateral pool = collateral_new();
    add(&pool, buf_view(&text));
    assert_int_equal(pool.count, 6);
    assert_int_equal(pool.items[0].json.kind, SIGNED_TCB_INFO);
    assert_ptr_equal(collateral_chain(&pool, &pool.items[2], 0), &pool.items[3]);
    assert_int_equal(pool.items[5].kind, COLLATERAL_CRL);
}

static void an_amd_table_is_kept_whole(void **state)
{
    (void)state;
    static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
    AUTO(buf_done) struct buf table = buf_new(1 << 16);
    buf_put(&table, BYTES(vcek));
    buf_u32le(&table, 48);
    buf_u32le(&table, (uint32_t)vendor.root.der.len);
    buf_zero(&table, 24);
    buf_put(&table, vendor.root.der);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    add(&pool, buf_view(&table));
    assert_int_equal(pool.count, 1);
    assert_int_equal(pool.items[0].kind, COLLATERAL_TABLE);
    assert_true(bytes_eq(pool.items[0].raw, buf_view(&table)));

    AUTO(buf_done) struct buf text = buf_new(1 << 20);
    AUTO(collateral_done) struct collateral again = collateral_new();
    assert_true(collateral_export(&text, &pool, NULL));
    add(&again, buf_view(&text));
    assert_int_equal(again.count, 1);
    assert_true(bytes_eq(again.items[0].raw, buf_view(&table)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognised_by_content),         cmocka_unit_test(a_listed_answer_has_the_chain_behind_it),
        cmocka_unit_test(damage_is_kept_and_named),      cmocka_unit_test(an_export_reads_back_the_same),
        cmocka_unit_test(dcap_qvl_json_is_taken),        cmocka_unit_test(an_amd_table_is_kept_whole),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
