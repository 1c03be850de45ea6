#include "relayer/evidence/identity.h"

#include "crypto/base/auto.h"
#include "crypto/base/der.h"
#include "crypto/keccak.h"

#define MAX_KEY_BYTES 4096

static bool is_p256(const struct identity *id)
{
    return id->algo == ALG_ECC && id->params == CURVE_P256 && id->key.len == 64;
}

/* The contract's bytes of the key; a view, or into mem (65 bytes) where the point's prefix has to be put in front. */
static struct bytes chain_data(const struct identity *id, enum profile profile, uint8_t mem[static 65])
{
    if (id->raw.len)
        return id->raw;
    if (!is_p256(id) || profile == PROFILE_G1A)
        return id->key;
    mem[0] = 0x04;
    memcpy(mem + 1, id->key.p, 64);
    return bytes_from(mem, 65);
}

bool identity_chain_data(struct buf *out, const struct identity *id, enum profile profile, struct err *err)
{
    uint8_t mem[65];
    buf_put(out, chain_data(id, profile, mem));
    return buf_finish(out, err);
}

/* registry-v1 3: scheme, curve, hash, data; the curve stands for 0 with RSA, the algo is not hashed */
struct hash32 identity_hash(const struct identity *id, enum profile profile)
{
    uint8_t mem[65], head[6] = {(uint8_t)(id->scheme >> 8), (uint8_t)id->scheme,           (uint8_t)(id->params >> 8),
                                (uint8_t)id->params,        (uint8_t)(id->hash_algo >> 8), (uint8_t)id->hash_algo};
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, BYTES(head));
    keccak_update(&k, chain_data(id, profile, mem));
    return keccak_final(&k);
}

static struct pubkey *rsa_pubkey(struct bytes der, struct err *err)
{
    struct der d = der_from(der);
    struct der seq = der_enter(&d, DER_SEQUENCE, "RSAPublicKey");
    struct bytes n = der_uint(&seq, 1024, "modulus");
    struct bytes e = der_uint(&seq, 8, "exponent");
    if (!der_finish(&seq, err) || !der_finish(&d, err)) {
        err_wrap(err, "identity key");
        return NULL;
    }
    return pubkey_from_rsa(n, e, err);
}

struct pubkey *identity_pubkey(const struct identity *id, struct err *err)
{
    if (!id->present) {
        err_set(err, ERR_CRYPTO, "no identity");
        return NULL;
    }
    if (is_p256(id))
        return pubkey_from_ec(KEY_P256, id->key, err);
    if (id->algo == ALG_RSA)
        return rsa_pubkey(id->key, err);
    err_set(err, ERR_CRYPTO, "identity: algo %#x, params %#x and %zu bytes are no key that can sign", id->algo,
            id->params, id->key.len);
    return NULL;
}

bool identity_from_pubkey(struct identity *out, struct arena *mem, const struct pubkey *key, struct err *err)
{
    AUTO(buf_done) struct buf b = buf_new(MAX_KEY_BYTES);
    struct identity id = {.present = true, .hash_algo = ALG_SHA256};
    switch (pubkey_type(key)) {
    case KEY_P256:
        id.algo = ALG_ECC;
        id.params = CURVE_P256;
        id.scheme = ALG_ECDSA;
        buf_put(&b, pubkey_xy(key));
        break;
    case KEY_RSA:
        id.algo = ALG_RSA;
        id.scheme = ALG_RSASSA;
        if (!pubkey_to_rsa_der(&b, key, err))
            return false;
        break;
    case KEY_P384:
    case KEY_NONE:
        return err_set(err, ERR_CRYPTO, "identity: the registry takes P-256 and RSA keys alone");
    }
    bool ok = buf_finish(&b, err);
    id.key = ok ? arena_copy(mem, buf_view(&b), &ok) : id.key;
    if (!ok)
        return err_set(err, ERR_NOMEM, "identity: no memory");
    *out = id;
    return true;
}

/* --- messages, registry-v1 4 --- */

bool message_default_width(enum profile profile)
{
    return profile != PROFILE_G1A;
}

bool message_build(struct buf *out, const struct message *msg, struct err *err)
{
    static const char *const prefix[] = {
        [MSG_REATTEST] = "CVM_WORKLOAD_REATTEST_TPM",
        [MSG_TTL] = "CVM_WORKLOAD_TTL_CONFIG",
        [MSG_IDENTITY_CHECK] = "CVM_WORKLOAD_IDENTITY_CHECK",
    };
    buf_text(out, prefix[msg->kind]);
    if (msg->wide_chain_id) {
        buf_zero(out, 24);
        buf_u64be(out, msg->chain_id);
    } else {
        buf_u16be(out, (uint16_t)(msg->chain_id & 0xffff)); /* the contract's own cast */
    }
    buf_put(out, BYTES_OF(msg->registry));
    buf_zero(out, 24);
    buf_u64be(out, msg->nonce);
    switch (msg->kind) {
    case MSG_REATTEST:
        buf_put(out, BYTES_OF(msg->quote_sha256));
        break;
    case MSG_TTL:
        buf_u64be(out, msg->tee_ttl_s);
        buf_u64be(out, msg->tpm_ttl_s);
        break;
    case MSG_IDENTITY_CHECK:
        break;
    }
    return buf_finish(out, err);
}

bool message_verify(const struct message *msg, const struct identity *id, struct bytes signature)
{
    AUTO(buf_done) struct buf b = buf_new(512);
    AUTO(pubkey_freep) struct pubkey *key = identity_pubkey(id, NULL);
    if (!key || id->hash_algo != ALG_SHA256 || !message_build(&b, msg, NULL))
        return false;
    struct hash32 digest = sha256(buf_view(&b));
    if (id->scheme == ALG_RSASSA)
        return pubkey_verify_pkcs1(key, HASH_SHA256, BYTES_OF(digest), signature);
    return id->scheme == ALG_ECDSA && signature.len == 64 &&
           pubkey_verify_ecdsa(key, BYTES_OF(digest), bytes_sub(signature, 0, 32), bytes_sub(signature, 32, 32));
}

/* --- the binding tail, design section 4 --- */

#define TAIL_VERSION 1

static void tail_digest(uint8_t out[static 10], const uint8_t time[static 5], const struct tail_binding *b)
{
    uint8_t chain_id[32] = {0};
    for (int i = 0; i < 8; i++)
        chain_id[31 - i] = (uint8_t)(b->chain_id >> (8 * i));
    struct bytes parts[] = {BYTES_LIT("cvm-relayer/tail/1"), bytes_from(time, 5),        BYTES(chain_id),
                            BYTES_OF(b->registry),           BYTES_OF(b->identity_hash), bytes_str(call_name(b->call))};
    struct digest d = hash_parts(HASH_SHA256, parts, sizeof parts / sizeof parts[0]);
    memcpy(out, d.b, 10);
}

void extra_data_build(uint8_t out[static EXTRA_DATA_LEN], const struct tail_binding *binding)
{
    out[0] = 0xff;
    memcpy(out + 1, binding->identity_hash.b, 32);
    uint8_t *tail = out + 33;
    tail[0] = TAIL_VERSION;
    for (int i = 0; i < 5; i++)
        tail[1 + i] = (uint8_t)((uint64_t)binding->time_s >> (8 * (4 - i)));
    tail_digest(tail + 6, tail + 1, binding);
}

bool tail_matches(int64_t *time_s, struct bytes tail, const struct tail_binding *binding)
{
    if (tail.len != TAIL_LEN || tail.p[0] != TAIL_VERSION)
        return false;
    *time_s = (int64_t)tail.p[1] << 32 | (int64_t)be32(tail.p + 2);
    uint8_t want[10];
    tail_digest(want, tail.p + 1, binding);
    return memcmp(want, tail.p + 6, sizeof want) == 0;
}
