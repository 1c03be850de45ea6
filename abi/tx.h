/* Transactions as bytes: legacy (EIP-155), EIP-2930 and EIP-1559; what is signed, the signed form, its hash, and back.
 * Signing itself is the signer's business; fees and nonces are the engine's. Parsing is strict: what it takes, it
 * writes again byte for byte, and the sender is recovered from the signature. */
#ifndef CVM_ABI_TX_H
#define CVM_ABI_TX_H

#include "abi/u256.h"
#include "crypto/secp256k1_sign.h"

enum tx_type { TX_LEGACY = 0, TX_ACCESS_LIST = 1, TX_DYNAMIC_FEE = 2 };

/* A transaction of more bytes than geth's pool takes (txMaxSize) is refused both ways. */
#define TX_MAX_SIZE (128 * 1024)

struct tx {
    enum tx_type type;
    uint64_t chain_id; /* 0: legacy without replay protection */
    uint64_t nonce;
    uint64_t gas_limit;
    struct u256 max_fee_wei; /* per gas; the gas price of the two older types */
    struct u256 max_tip_wei; /* per gas; EIP-1559 alone */
    bool creates;            /* no recipient */
    struct addr20 to;
    struct u256 value_wei;
    struct bytes data;        /* borrowed */
    struct bytes access_list; /* borrowed; the encoded list, empty for none */
};

struct tx_signed {
    struct tx tx;
    struct secp_sig sig;
    struct addr20 from;
    struct hash32 hash;
};

const char *tx_type_name(enum tx_type type); /* "legacy", "eip2930", "eip1559" */
/* What the account's key signs the Keccak-256 of, appended to out. ERR_FORMAT: access list that is none, a tip above
 * the fee (EIP-1559), chain id above what EIP-155 can carry. */
bool tx_signing_payload(struct buf *out, const struct tx *tx, struct err *err);
bool tx_signing_hash(struct hash32 *out, const struct tx *tx, struct err *err);
/* The raw transaction, as it goes over the wire, appended to out. */
bool tx_encode(struct buf *out, const struct tx *tx, const struct secp_sig *sig, struct err *err);
/* The hash that the chain knows it by: Keccak-256 of the raw bytes. */
struct hash32 tx_hash(struct bytes raw);
/* Take a raw transaction apart. The views in out borrow from raw. ERR_FORMAT: anything that tx_encode would not have
 * written; ERR_CRYPTO: a signature that recovers to nobody, or s in the upper half (EIP-2). */
bool tx_parse(struct tx_signed *out, struct bytes raw, struct err *err);
/* The unsigned bytes of tx_signing_payload taken apart: what a signer far away is shown. */
bool tx_parse_unsigned(struct tx *out, struct bytes payload, struct err *err);

#endif
