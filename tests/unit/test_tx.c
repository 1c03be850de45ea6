#include "abi/addr.h"
#include "abi/rlp.h"
#include "abi/tx.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/keccak.h"
#include "tests/support/vectors.h"

static struct u256 num(const json_t *tx, const char *member)
{
    struct u256 v = {0};
    if (json_object_get(tx, member))
        assert_true(u256_parse(&v, bytes_str(vector_str(tx, member)), NULL));
    return v;
}

static uint64_t num64(const json_t *tx, const char *member)
{
    uint64_t v;
    assert_true(u256_to_u64(&v, num(tx, member)));
    return v;
}

static void put_hex(struct buf *out, const char *text)
{
    AUTO(buf_done) struct buf part = buf_new(1000);
    assert_true(hex_decode(&part, bytes_str(text), NULL));
    rlp_put_bytes(out, buf_view(&part));
}

static struct bytes access_list(struct buf *out, const json_t *list)
{
    AUTO(buf_done) struct buf entries = buf_new(10000);
    size_t i, k;
    json_t *entry, *key;
    json_array_foreach (list, i, entry) {
        AUTO(buf_done) struct buf members = buf_new(10000), keys = buf_new(10000);
        put_hex(&members, vector_str(entry, "address"));
        json_array_foreach (json_object_get(entry, "storageKeys"), k, key)
            put_hex(&keys, json_string_value(key));
        rlp_put_list(&members, &keys);
        rlp_put_list(&entries, &members);
    }
    if (json_array_size(list))
        rlp_put_list(out, &entries);
    return buf_view(out);
}

static struct tx tx_of(const json_t *entry, struct buf *data, struct buf *list)
{
    const json_t *f = json_object_get(entry, "tx");
    struct tx tx = {
        .type = (enum tx_type)json_integer_value(json_object_get(entry, "type")),
        .chain_id = num64(f, "chainId"),
        .nonce = num64(f, "nonce"),
        .gas_limit = num64(f, "gas"),
        .max_tip_wei = num(f, "maxPriorityFeePerGas"),
        .creates = !json_object_get(f, "to"),
        .value_wei = num(f, "value"),
        .data = vector_hex(data, f, "data"),
        .access_list = access_list(list, json_object_get(f, "accessList")),
    };
    tx.max_fee_wei = num(f, tx.type == TX_DYNAMIC_FEE ? "maxFeePerGas" : "gasPrice");
    if (!tx.creates)
        assert_true(addr_parse(&tx.to, bytes_str(vector_str(f, "to")), NULL));
    return tx;
}

static void assert_hex(const json_t *entry, const char *member, struct bytes got)
{
    AUTO(buf_done) struct buf want = buf_new(TX_MAX_SIZE);
    if (!bytes_eq(vector_hex(&want, entry, member), got))
        fail_msg("%s: %s differs", vector_str(entry, "id"), member);
}

static void check_signed(const json_t *entry)
{
    AUTO(buf_done) struct buf data = buf_new(TX_MAX_SIZE), list = buf_new(TX_MAX_SIZE), payload = buf_new(TX_MAX_SIZE),
                              raw = buf_new(TX_MAX_SIZE);
    struct tx tx = tx_of(entry, &data, &list), unsigned_back;
    struct secp_key key;
    struct secp_sig sig;
    struct tx_signed back;
    struct addr20 from;

    assert_true(tx_signing_payload(&payload, &tx, NULL));
    assert_hex(entry, "signing_payload", buf_view(&payload));
    struct hash32 digest = keccak256(buf_view(&payload));
    assert_hex(entry, "signing_hash", BYTES_OF(digest));
    assert_true(hex_decode_fixed(key.b, 32, bytes_str(vector_str(entry, "key")), NULL));
    assert_true(secp_sign(&sig, &key, digest, NULL));
    assert_true(tx_encode(&raw, &tx, &sig, NULL));
    assert_hex(entry, "signed", buf_view(&raw));

    assert_true(tx_parse(&back, buf_view(&raw), NULL));
    assert_hex(entry, "hash", BYTES_OF(back.hash));
    assert_true(addr_parse(&from, bytes_str(vector_str(entry, "address")), NULL));
    assert_true(addr20_eq(back.from, from));
    assert_int_equal(back.tx.chain_id, tx.chain_id);
    assert_true(bytes_eq(back.tx.access_list, tx.access_list));

    assert_true(tx_parse_unsigned(&unsigned_back, buf_view(&payload), NULL));
    AUTO(buf_done) struct buf again = buf_new(TX_MAX_SIZE);
    assert_true(tx_signing_payload(&again, &unsigned_back, NULL));
    assert_hex(entry, "signing_payload", buf_view(&again));
}

static void signed_vectors_hold(void **state)
{
    json_auto_t *all = vectors_json("chain/transactions/signed.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry)
        check_signed(entry);
}

static void malformed_vectors_are_refused(void **state)
{
    json_auto_t *all = vectors_json("chain/transactions/malformed.json");
    size_t i;
    json_t *entry;
    (void)state;
    json_array_foreach (all, i, entry) {
        AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
        struct tx_signed out;
        if (tx_parse(&out, vector_hex(&raw, entry, "raw"), NULL))
            fail_msg("%s was taken", vector_str(entry, "id"));
    }
}

/* Cut anywhere it is refused; with any bit turned it is refused or is from somebody else. */
static void truncations_and_flips_do_not_pass(void **state)
{
    struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = 1, .nonce = 5, .gas_limit = 21000, .max_fee_wei = u256_from(9),
                    .max_tip_wei = u256_from(1), .to = {{1}}, .data = BYTES_LIT("\xde\xad\xbe\xef")};
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    struct secp_key key = {{7}};
    struct secp_sig sig;
    struct hash32 digest;
    struct tx_signed back, other;
    (void)state;
    assert_true(tx_signing_hash(&digest, &tx, NULL) && secp_sign(&sig, &key, digest, NULL));
    assert_true(tx_encode(&raw, &tx, &sig, NULL) && tx_parse(&back, buf_view(&raw), NULL));
    for (size_t len = 0; len < raw.len; len++)
        assert_false(tx_parse(&other, bytes_from(raw.p, len), NULL));
    for (size_t bit = 0; bit < raw.len * 8; bit++) {
        raw.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(tx_parse(&other, buf_view(&raw), NULL) && addr20_eq(other.from, back.from));
        raw.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_tip_above_the_cap_is_refused(void **state)
{
    struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = 1, .max_fee_wei = u256_from(1), .max_tip_wei = u256_from(2)};
    struct hash32 digest;
    (void)state;
    assert_false(tx_signing_hash(&digest, &tx, NULL));
    tx = (struct tx){.type = TX_LEGACY, .chain_id = UINT64_MAX};
    assert_false(tx_signing_hash(&digest, &tx, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_vectors_hold),
        cmocka_unit_test(malformed_vectors_are_refused),
        cmocka_unit_test(truncations_and_flips_do_not_pass),
        cmocka_unit_test(a_tip_above_the_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
