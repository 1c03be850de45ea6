#include "relayer/tx/signer.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/files.h"
#include "relayer/rpc/jsonrpc.h"
#include "relayer/rpc/rpc.h"
#include "relayer/tx/keystore.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_KEY_FILE   (64 * 1024)
#define MAX_PASSPHRASE 4096
#define MAX_ANSWER     (1 << 20)

struct signer {
    struct addr20 address;
    /* how: one of the two */
    bool is_remote;
    struct secp_key key;
    struct http_endpoint endpoint;
    struct http *http;
    long timeout_ms;
    uint64_t next_id;
};

struct addr20 signer_address(const struct signer *signer)
{
    return signer->address;
}

bool signer_is_remote(const struct signer *signer)
{
    return signer->is_remote;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    secp_key_wipe(&signer->key);
    http_free(signer->http);
    free(signer);
}

void signer_freep(struct signer **signer)
{
    signer_free(*signer);
}

static struct signer *signer_new(struct err *err)
{
    struct signer *s = calloc(1, sizeof *s);
    if (!s)
        err_set(err, ERR_NOMEM, "signer: no memory");
    return s;
}

struct signer *signer_from_key(const struct secp_key *key, struct err *err)
{
    AUTO(signer_freep) struct signer *s = signer_new(err);
    if (!s || !secp_address(&s->address, key, err))
        return NULL;
    s->key = *key;
    return STEAL(s);
}

/* --- files --- */

static struct bytes trimmed(struct bytes b)
{
    while (b.len && (b.p[b.len - 1] == '\n' || b.p[b.len - 1] == '\r' || b.p[b.len - 1] == ' '))
        b.len--;
    return b;
}

struct signer *signer_from_file(const char *path, struct bytes passphrase, struct err *err)
{
    AUTO(buf_wipe) struct buf text = buf_new(MAX_KEY_FILE);
    AUTO(secp_key_wipe) struct secp_key key = {{0}};
    if (!file_read_private(&text, path, true, err))
        return NULL;
    struct bytes body = trimmed(buf_view(&text));
    bool is_json = body.len && body.p[0] == '{';
    bool ok =
        is_json ? keystore_decrypt(&key, body, passphrase, err) : hex_decode_fixed(key.b, sizeof key.b, body, NULL);
    if (!ok) {
        if (is_json)
            err_wrap(err, "%s", path);
        else
            err_set(err, ERR_FORMAT, "%s: neither a keystore (JSON) nor a raw key (64 hex digits)", path);
        return NULL;
    }
    return signer_from_key(&key, err);
}

static bool read_fd(struct buf *out, int fd, struct err *err)
{
    uint8_t part[512];
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) > 0)
        buf_put(out, bytes_from(part, (size_t)n));
    explicit_bzero(part, sizeof part);
    return n == 0 ? buf_finish(out, err) : err_set(err, ERR_USAGE, "passphrase: descriptor %d cannot be read", fd);
}

bool passphrase_read(struct buf *out, bool *found, const char *path, struct err *err)
{
    AUTO(buf_wipe) struct buf text = buf_new(MAX_PASSPHRASE);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    char credential[4096];
    uint64_t fd;
    bool ok;
    *found = false;
    if (path && *path && strncmp(path, "fd:", 3) == 0) {
        ok = u64_parse(&fd, bytes_str(path + 3), 65535, err) && read_fd(&text, (int)fd, err);
    } else if (path && *path) {
        ok = file_read_private(&text, path, true, err);
    } else if (credentials && *credentials &&
               snprintf(credential, sizeof credential, "%s/passphrase", credentials) > 0 &&
               access(credential, F_OK) == 0) {
        /* systemd itself keeps others out of the folder; its files may be group-readable to the service's own group */
        ok = file_read(&text, credential, err);
    } else {
        return true;
    }
    if (!ok)
        return err_wrap(err, "passphrase");
    struct bytes line = buf_view(&text);
    while (line.len && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
        line.len--;
    if (bytes_find(line, BYTES_LIT("\n"), 0) != SIZE_MAX)
        return err_set(err, ERR_USAGE, "passphrase: more than one line");
    buf_put(out, line);
    *found = true;
    return buf_finish(out, err);
}

/* --- a signer elsewhere --- */

struct signer *signer_remote(const struct http_endpoint *endpoint, struct addr20 address, long timeout_ms,
                             struct err *err)
{
    AUTO(signer_freep) struct signer *s = signer_new(err);
    if (!s || !(s->http = http_new(err)))
        return NULL;
    s->is_remote = true;
    s->address = address;
    s->endpoint = *endpoint;
    s->timeout_ms = timeout_ms ? timeout_ms : 30000;
    s->next_id = 1;
    return STEAL(s);
}

static void set_quantity(json_t *o, const char *name, struct u256 v)
{
    char hex[U256_HEX_SIZE];
    json_object_set_new(o, name, json_string(u256_hex(hex, v)));
}

static void set_bytes(json_t *o, const char *name, struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    json_object_set_new(o, name, hex ? json_string(hex) : NULL);
}

/* What eth_signTransaction is shown. */
static json_t *tx_json(const struct tx *tx, struct addr20 from)
{
    json_t *o = json_object();
    set_bytes(o, "from", BYTES_OF(from));
    if (!tx->creates)
        set_bytes(o, "to", BYTES_OF(tx->to));
    set_quantity(o, "gas", u256_from(tx->gas_limit));
    set_quantity(o, "nonce", u256_from(tx->nonce));
    set_quantity(o, "value", tx->value_wei);
    set_quantity(o, "chainId", u256_from(tx->chain_id));
    set_bytes(o, "data", tx->data);
    if (tx->type == TX_DYNAMIC_FEE) {
        set_quantity(o, "maxFeePerGas", tx->max_fee_wei);
        set_quantity(o, "maxPriorityFeePerGas", tx->max_tip_wei);
    } else {
        set_quantity(o, "gasPrice", tx->max_fee_wei);
    }
    return o;
}

static bool ask(struct signer *s, struct buf *raw, const struct tx *tx, struct err *err)
{
    struct jsonrpc_exchange x = {
        .http = s->http, .endpoint = &s->endpoint, .limits = {s->timeout_ms, MAX_ANSWER}, .next_id = &s->next_id};
    struct rpc_fault fault;
    json_auto_t *params = json_array(), *answer = NULL;
    json_array_append_new(params, tx_json(tx, s->address));
    if (!jsonrpc_call(&x, &answer, "eth_signTransaction", params, &fault, err)) {
        if (fault.from_node)
            err_set(err, fault.class == RPC_TRANSIENT || fault.class == RPC_RATE_LIMITED ? ERR_NET : ERR_REFUSED, "%s",
                    fault.text);
        return err_wrap(err, "remote signer");
    }
    const json_t *text = json_is_object(answer) ? json_object_get(answer, "raw") : answer;
    if (!json_is_string(text) || !hex_decode(raw, bytes_from(json_string_value(text), json_string_length(text)), NULL))
        return err_set(err, ERR_NET, "remote signer: no raw transaction in its answer");
    return true;
}

/* --- signing --- */

static bool sign_here(const struct signer *s, struct buf *raw, const struct tx *tx, struct err *err)
{
    struct hash32 digest;
    struct secp_sig sig;
    return tx_signing_hash(&digest, tx, err) && secp_sign(&sig, &s->key, digest, err) && tx_encode(raw, tx, &sig, err);
}

/* The signing payloads are equal if and only if every field is. */
static bool check_answer(const struct signer *s, struct bytes raw, const struct tx *tx, struct err *err)
{
    struct tx_signed got;
    struct hash32 asked_hash, got_hash;
    if (!tx_parse(&got, raw, err) || !tx_signing_hash(&asked_hash, tx, err) ||
        !tx_signing_hash(&got_hash, &got.tx, err))
        return err_wrap(err, "signer's answer");
    if (!hash32_eq(asked_hash, got_hash))
        return err_set(err, ERR_REFUSED,
                       "signer: it signed another transaction than it was asked to (nonce %llu, gas %llu); not sent",
                       (unsigned long long)got.tx.nonce, (unsigned long long)got.tx.gas_limit);
    if (!addr20_eq(got.from, s->address)) {
        char want[ADDR_TEXT_SIZE], have[ADDR_TEXT_SIZE];
        return err_set(err, ERR_REFUSED, "signer: the signature is %s's, want %s; not sent", addr_text(have, got.from),
                       addr_text(want, s->address));
    }
    return true;
}

bool signer_sign(struct signer *signer, struct buf *out, const struct tx *tx, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    bool ok = signer->is_remote ? ask(signer, &raw, tx, err) : sign_here(signer, &raw, tx, err);
    if (!ok || !check_answer(signer, buf_view(&raw), tx, err))
        return false;
    buf_put(out, buf_view(&raw));
    return buf_finish(out, err);
}
