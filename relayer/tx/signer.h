/* Where signatures come from: a keystore or raw key file on this disk, or a signer elsewhere. Two functions: which
 * address, and this transaction signed. What comes back is compared field by field with what was asked. */
#ifndef CVM_TX_SIGNER_H
#define CVM_TX_SIGNER_H

#include "abi/tx.h"
#include "relayer/rpc/http.h"

struct signer;

struct addr20 signer_address(const struct signer *signer);
bool signer_is_remote(const struct signer *signer); /* signing touches the wire */
/* The raw transaction appended to out, checked: same fields, this account's signature. ERR_CRYPTO, ERR_NET;
 * ERR_REFUSED: the remote signer answered with something else. */
bool signer_sign(struct signer *signer, struct buf *out, const struct tx *tx, struct err *err);
void signer_free(struct signer *signer);
void signer_freep(struct signer **signer);

/* A key in memory; copied, wiped when the signer is freed. */
struct signer *signer_from_key(const struct secp_key *key, struct err *err);
/* path: a keystore (JSON, version 3) or a raw key (hex, one line), told apart by content; a file of ours that nobody
 * else can read. passphrase: for the keystore. ERR_USAGE, ERR_FORMAT, ERR_CRYPTO (wrong passphrase). */
struct signer *signer_from_file(const char *path, struct bytes passphrase, struct err *err);
/* eth_signTransaction at this endpoint for this account (Web3Signer's bare bytes, geth's object). Touches no network
 * yet. */
struct signer *signer_remote(const struct http_endpoint *endpoint, struct addr20 address, long timeout_ms,
                             struct err *err);

/* A passphrase: from path ("fd:N" for an open descriptor), else the systemd credential "passphrase"
 * ($CREDENTIALS_DIRECTORY). One line; its end is cut off. *found false where there is none. */
bool passphrase_read(struct buf *out, bool *found, const char *path, struct err *err);

#endif
