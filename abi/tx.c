#include "abi/tx.h"

#include "abi/rlp.h"
#include "crypto/base/auto.h"
#include "crypto/keccak.h"

/* EIP-155: v = 35 + 2 x chain id + y parity must fit 64 bits */
#define MAX_CHAIN_ID ((UINT64_MAX - 36) / 2)

const char *tx_type_name(enum tx_type type)
{
    switch (type) {
    case TX_LEGACY:
        return "legacy";
    case TX_ACCESS_LIST:
        return "eip2930";
    case TX_DYNAMIC_FEE:
        return "eip1559";
    }
    return "unknown";
}

/* EIP-2930: a list of [address, [storage key, ...]] */
static bool access_list_check(struct bytes list, struct err *err)
{
    struct rlp outer = rlp_from(list);
    struct rlp entries = rlp_list(&outer, "access list");
    while (rlp_more(&entries)) {
        struct rlp entry = rlp_list(&entries, "access list entry");
        uint8_t word[32];
        rlp_copy(&entry, word, 20, "access list address");
        struct rlp keys = rlp_list(&entry, "storage keys");
        while (rlp_more(&keys))
            rlp_copy(&keys, word, 32, "storage key");
        if (!rlp_finish(&keys, err) || !rlp_finish(&entry, err))
            return false;
    }
    return rlp_finish(&entries, err) && rlp_finish(&outer, err);
}

static bool tx_check(const struct tx *tx, struct err *err)
{
    if (tx->chain_id > MAX_CHAIN_ID)
        return err_set(err, ERR_FORMAT, "transaction: chain id %llu is more than EIP-155 can carry",
                       (unsigned long long)tx->chain_id);
    if (tx->chain_id == 0 && tx->type != TX_LEGACY)
        return err_set(err, ERR_FORMAT, "transaction: chain id 0");
    if (tx->nonce == UINT64_MAX)
        return err_set(err, ERR_FORMAT, "transaction: nonce 2^64-1 (EIP-2681)");
    if (tx->type == TX_DYNAMIC_FEE && u256_cmp(tx->max_tip_wei, tx->max_fee_wei) > 0)
        return err_set(err, ERR_FORMAT, "transaction: tip above the fee cap");
    if (tx->type == TX_LEGACY && tx->access_list.len)
        return err_set(err, ERR_FORMAT, "transaction: a legacy one has no access list");
    if (tx->access_list.len && !access_list_check(tx->access_list, err))
        return err_wrap(err, "transaction");
    return true;
}

static void put_to(struct buf *out, const struct tx *tx)
{
    rlp_put_bytes(out, tx->creates ? (struct bytes){0} : BYTES_OF(tx->to));
}

static void put_fields(struct buf *out, const struct tx *tx)
{
    if (tx->type != TX_LEGACY)
        rlp_put_u64(out, tx->chain_id);
    rlp_put_u64(out, tx->nonce);
    if (tx->type == TX_DYNAMIC_FEE)
        rlp_put_uint(out, tx->max_tip_wei);
    rlp_put_uint(out, tx->max_fee_wei);
    rlp_put_u64(out, tx->gas_limit);
    put_to(out, tx);
    rlp_put_uint(out, tx->value_wei);
    rlp_put_bytes(out, tx->data);
    if (tx->type == TX_LEGACY)
        return;
    if (tx->access_list.len)
        buf_put(out, tx->access_list);
    else
        rlp_put_list(out, &(struct buf){0});
}

/* The typed envelope (EIP-2718) around a list of encoded members. */
static bool put_envelope(struct buf *out, const struct tx *tx, const struct buf *members, struct err *err)
{
    if (tx->type != TX_LEGACY)
        buf_u8(out, (uint8_t)tx->type);
    rlp_put_list(out, members);
    if (!buf_finish(out, err))
        return err_wrap(err, "transaction");
    return true;
}

bool tx_signing_payload(struct buf *out, const struct tx *tx, struct err *err)
{
    if (!tx_check(tx, err))
        return false;
    AUTO(buf_done) struct buf members = buf_new(TX_MAX_SIZE);
    put_fields(&members, tx);
    if (tx->type == TX_LEGACY && tx->chain_id) {
        rlp_put_u64(&members, tx->chain_id);
        rlp_put_u64(&members, 0);
        rlp_put_u64(&members, 0);
    }
    return put_envelope(out, tx, &members, err);
}

bool tx_signing_hash(struct hash32 *out, const struct tx *tx, struct err *err)
{
    AUTO(buf_done) struct buf payload = buf_new(TX_MAX_SIZE);
    if (!tx_signing_payload(&payload, tx, err))
        return false;
    *out = keccak256(buf_view(&payload));
    return true;
}

static uint64_t v_of(const struct tx *tx, uint8_t y_parity)
{
    if (tx->type != TX_LEGACY)
        return y_parity;
    return tx->chain_id ? 35 + 2 * tx->chain_id + y_parity : 27u + y_parity;
}

bool tx_encode(struct buf *out, const struct tx *tx, const struct secp_sig *sig, struct err *err)
{
    if (!tx_check(tx, err))
        return false;
    AUTO(buf_done) struct buf members = buf_new(TX_MAX_SIZE);
    put_fields(&members, tx);
    rlp_put_u64(&members, v_of(tx, sig->y_parity));
    rlp_put_uint(&members, u256_from_be32(sig->r));
    rlp_put_uint(&members, u256_from_be32(sig->s));
    return put_envelope(out, tx, &members, err);
}

struct hash32 tx_hash(struct bytes raw)
{
    return keccak256(raw);
}

static bool split_type(enum tx_type *type, struct bytes *list, struct bytes raw, struct err *err)
{
    if (raw.len == 0)
        return err_set(err, ERR_FORMAT, "empty");
    if (raw.len > TX_MAX_SIZE)
        return err_set(err, ERR_FORMAT, "%zu bytes, at most %d wanted", raw.len, TX_MAX_SIZE);
    if (raw.p[0] >= 0xc0) {
        *type = TX_LEGACY;
        *list = raw;
        return true;
    }
    if (raw.p[0] != TX_ACCESS_LIST && raw.p[0] != TX_DYNAMIC_FEE)
        return err_set(err, ERR_FORMAT, "type byte 0x%02x, want 01, 02 or a legacy list", raw.p[0]);
    *type = raw.p[0] == TX_ACCESS_LIST ? TX_ACCESS_LIST : TX_DYNAMIC_FEE;
    *list = bytes_sub(raw, 1, raw.len - 1);
    return true;
}

static void read_to(struct tx *tx, struct rlp *r)
{
    struct rlp probe = *r;
    tx->creates = rlp_bytes(&probe, "to").len == 0 && !probe.failed;
    if (tx->creates)
        *r = probe;
    else
        rlp_copy(r, tx->to.b, sizeof tx->to.b, "to");
}

static void read_fields(struct tx *tx, struct rlp *r)
{
    if (tx->type != TX_LEGACY)
        tx->chain_id = rlp_u64(r, "chain id");
    tx->nonce = rlp_u64(r, "nonce");
    if (tx->type == TX_DYNAMIC_FEE)
        tx->max_tip_wei = rlp_uint(r, "tip");
    tx->max_fee_wei = rlp_uint(r, "fee");
    tx->gas_limit = rlp_u64(r, "gas limit");
    read_to(tx, r);
    tx->value_wei = rlp_uint(r, "value");
    tx->data = rlp_bytes(r, "data");
    if (tx->type != TX_LEGACY) {
        tx->access_list = rlp_raw(r, "access list");
        if (tx->access_list.len == 1 && tx->access_list.p[0] == 0xc0)
            tx->access_list = (struct bytes){0};
    }
}

/* What v says: y parity, and for legacy ones the chain id. */
static bool read_v(struct tx *tx, uint8_t *y_parity, uint64_t v, struct err *err)
{
    if (tx->type != TX_LEGACY) {
        if (v > 1)
            return err_set(err, ERR_FORMAT, "y parity %llu, want 0 or 1", (unsigned long long)v);
        *y_parity = (uint8_t)v;
        return true;
    }
    if (v == 27 || v == 28) {
        *y_parity = (uint8_t)(v - 27);
        return true;
    }
    if (v < 37)
        return err_set(err, ERR_FORMAT, "v %llu, want 27, 28 or 35 + 2 x chain id (EIP-155)", (unsigned long long)v);
    tx->chain_id = (v - 35) / 2;
    *y_parity = (v - 35) & 1;
    return true;
}

static bool parse_signed(struct tx_signed *out, struct bytes raw, struct err *err)
{
    struct tx_signed s = {0};
    struct bytes list;
    if (!split_type(&s.tx.type, &list, raw, err))
        return false;
    struct rlp outer = rlp_from(list);
    struct rlp r = rlp_list(&outer, "transaction");
    read_fields(&s.tx, &r);
    uint64_t v = rlp_u64(&r, "v");
    u256_to_be32(s.sig.r, rlp_uint(&r, "r"));
    u256_to_be32(s.sig.s, rlp_uint(&r, "s"));
    if (!rlp_finish(&r, err) || !rlp_finish(&outer, err) || !read_v(&s.tx, &s.sig.y_parity, v, err))
        return false;
    if (!secp_is_low_s(s.sig.s))
        return err_set(err, ERR_CRYPTO, "signature with s in the upper half (EIP-2)");
    struct hash32 digest;
    if (!tx_signing_hash(&digest, &s.tx, err) || !secp_recover(&s.from, &s.sig, digest, err))
        return false;
    s.hash = tx_hash(raw);
    *out = s;
    return true;
}

bool tx_parse(struct tx_signed *out, struct bytes raw, struct err *err)
{
    return parse_signed(out, raw, err) || err_wrap(err, "raw transaction");
}

static bool parse_unsigned(struct tx *out, struct bytes payload, struct err *err)
{
    struct tx tx = {0};
    struct bytes list;
    if (!split_type(&tx.type, &list, payload, err))
        return false;
    struct rlp outer = rlp_from(list);
    struct rlp r = rlp_list(&outer, "transaction");
    read_fields(&tx, &r);
    if (tx.type == TX_LEGACY && rlp_more(&r)) {
        tx.chain_id = rlp_u64(&r, "chain id");
        if (rlp_u64(&r, "empty r") | rlp_u64(&r, "empty s"))
            return err_set(err, ERR_FORMAT, "unsigned, but r or s is not 0");
        if (!r.failed && tx.chain_id == 0)
            return err_set(err, ERR_FORMAT, "chain id 0 (EIP-155)");
    }
    if (!rlp_finish(&r, err) || !rlp_finish(&outer, err) || !tx_check(&tx, err))
        return false;
    *out = tx;
    return true;
}

bool tx_parse_unsigned(struct tx *out, struct bytes payload, struct err *err)
{
    return parse_unsigned(out, payload, err) || err_wrap(err, "unsigned transaction");
}
