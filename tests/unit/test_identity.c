#include "relayer/evidence/identity.h"

#include "crypto/base/auto.h"
#include "crypto/ecdsa_recover.h"
#include "crypto/private_key.h"
#include "tests/support/vectors.h"

#include <stdlib.h>

static struct identity identity_of(struct bytes xy)
{
    return (struct identity){.present = true, .algo = ALG_ECC, .params = CURVE_P256, .scheme = ALG_ECDSA, .hash_algo = ALG_SHA256, .key = xy};
}

static struct message message_of(const json_t *v)
{
    const char *prefix = vector_str(v, "prefix");
    struct message m = {.chain_id = (uint64_t)json_integer_value(json_object_get(v, "chain_id")),
                        .nonce = (uint64_t)json_integer_value(json_object_get(v, "nonce")),
                        .wide_chain_id = json_integer_value(json_object_get(v, "chain_id_width_bytes")) == 32};
    AUTO(buf_done) struct buf b = buf_new(256);
    char profile[] = "g1x";
    profile[2] = vector_str(v, "profile")[2];
    assert_true(profile_from_name(&m.profile, profile));
    memcpy(m.registry.b, vector_hex(&b, v, "registry").p, 20);
    AUTO(buf_done) struct buf payload = buf_new(256);
    struct bytes rest = vector_hex(&payload, v, "payload_after_nonce");
    if (strstr(prefix, "REATTEST")) {
        m.kind = MSG_REATTEST;
        memcpy(m.quote_sha256.b, rest.p, 32);
    } else if (strstr(prefix, "TTL")) {
        m.kind = MSG_TTL;
        m.tee_ttl_s = be64(rest.p);
        m.tpm_ttl_s = be64(rest.p + 8);
    } else {
        m.kind = MSG_IDENTITY_CHECK;
    }
    assert_int_equal(m.wide_chain_id, message_default_width(m.profile));
    return m;
}

static void messages_are_those_of_the_registry(void **state)
{
    (void)state;
    json_auto_t *vectors = vectors_json("registry-v1/messages.json");
    size_t i;
    json_t *v;
    json_array_foreach(vectors, i, v) {
        AUTO(buf_done) struct buf hex = buf_new(4096), built = buf_new(512);
        struct message m = message_of(v);
        struct identity id = identity_of(vector_hex(&hex, v, "signer_xy"));
        AUTO(buf_done) struct buf b1 = buf_new(512), b2 = buf_new(512), b3 = buf_new(512);
        assert_true(message_build(&built, &m, NULL));
        assert_true(bytes_eq(buf_view(&built), vector_hex(&b1, v, "message")));
        struct hash32 h = identity_hash(&id, m.profile);
        assert_true(bytes_eq(BYTES_OF(h), vector_hex(&b2, v, "identity_hash")));
        struct bytes sig = vector_hex(&b3, v, "a_valid_signature");
        assert_true(message_verify(&m, &id, sig));
        m.nonce++;
        assert_false(message_verify(&m, &id, sig));
    }
}

static void a_signature_leads_back_to_its_key(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        AUTO(private_key_freep) struct private_key *key = private_key_new_p256(NULL);
        AUTO(buf_done) struct buf sig = buf_new(128);
        struct bytes text = BYTES_LIT("some message");
        struct pubkey64 found[4];
        assert_true(private_key_sign_sha256(&sig, key, text, NULL));
        size_t n = ecdsa_p256_recover(found, sha256(text), sig.p, sig.p + 32), hits = 0;
        for (size_t i = 0; i < n; i++)
            hits += bytes_eq(BYTES_OF(found[i]), pubkey_xy(private_key_public(key)));
        assert_int_equal(hits, 1);
        memset(sig.p, 0xff, 32);
        assert_int_equal(ecdsa_p256_recover(found, sha256(text), sig.p, sig.p + 32), 0);
    }
}

static void tails_say_one_purpose(void **state)
{
    (void)state;
    struct tail_binding b = {.time_s = 1780000000, .chain_id = 1, .call = CALL_ATTEST}, other;
    uint8_t extra[EXTRA_DATA_LEN];
    int64_t t;
    extra_data_build(extra, &b);
    struct bytes tail = bytes_from(extra + 33, TAIL_LEN);
    assert_int_equal(extra[0], 0xff);
    assert_true(tail_matches(&t, tail, &b));
    assert_int_equal(t, b.time_s);
    other = b, other.chain_id = 2;
    assert_false(tail_matches(&t, tail, &other));
    other = b, other.call = CALL_REATTEST;
    assert_false(tail_matches(&t, tail, &other));
    other = b, other.registry.b[3] = 1;
    assert_false(tail_matches(&t, tail, &other));
    other = b, other.identity_hash.b[31] = 1;
    assert_false(tail_matches(&t, tail, &other));
    for (size_t bit = 0; bit < 8 * TAIL_LEN; bit++) {
        extra[33 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(tail_matches(&t, tail, &b));
        extra[33 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_those_of_the_registry),
        cmocka_unit_test(a_signature_leads_back_to_its_key),
        cmocka_unit_test(tails_say_one_purpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
