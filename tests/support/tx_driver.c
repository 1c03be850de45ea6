/* The transaction engine on its own, for tests: no evidence, no registry, any call to any contract.
 * tx_driver ACTION --rpc URL... --state DIR --key HEX [options]; one JSON line per outcome on standard output.
 *   submit    --to ADDR --data HEX --first N --count K: intents N .. N+K-1, the number appended to the data as a word
 *   pump      rounds until nothing is open (or --timeout)
 *   start     one round over what is open, and how long it took from before the store was opened
 *   cancel, speed-up  --id N
 *   adopt */
#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/hash.h"
#include "relayer/clock.h"
#include "relayer/tx/engine.h"

#include <stdio.h>
#include <stdlib.h>

struct options {
    const char *action, *state, *key, *to, *data, *call;
    const char *account; /* with signer: the account of a remote one */
    struct http_endpoint signer;
    struct http_endpoint rpc[8], send;
    size_t num_rpc;
    uint64_t first, count, id, chain_id, quorum;
    enum tx_wait wait;
    int64_t timeout_s;
    bool quiet;
    struct tx_settings settings;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "tx_driver: %s: %s\n", what, why);
    exit(2);
}

static uint64_t number(const char *name, const char *text)
{
    uint64_t v;
    struct err err = {0};
    if (!u64_parse(&v, bytes_str(text), UINT64_MAX, &err))
        die(name, err.text);
    return v;
}

static bool set_option(struct options *o, const char *name, const char *v)
{
    if (!strcmp(name, "--rpc"))
        o->rpc[o->num_rpc++ % 8].url = v;
    else if (!strcmp(name, "--state"))
        o->state = v;
    else if (!strcmp(name, "--key"))
        o->key = v;
    else if (!strcmp(name, "--send"))
        o->send.url = v;
    else if (!strcmp(name, "--op-stack"))
        o->settings.op_stack = number(name, v) ? TX_OP_STACK_YES : TX_OP_STACK_NO;
    else if (!strcmp(name, "--max-cost"))
        o->settings.fees.max_cost_wei = u256_from(number(name, v));
    else if (!strcmp(name, "--signer"))
        o->signer.url = v;
    else if (!strcmp(name, "--account"))
        o->account = v;
    else if (!strcmp(name, "--to"))
        o->to = v;
    else if (!strcmp(name, "--data"))
        o->data = v;
    else if (!strcmp(name, "--call"))
        o->call = v;
    else if (!strcmp(name, "--first"))
        o->first = number(name, v);
    else if (!strcmp(name, "--count"))
        o->count = number(name, v);
    else if (!strcmp(name, "--id"))
        o->id = number(name, v);
    else if (!strcmp(name, "--chain-id"))
        o->chain_id = number(name, v);
    else if (!strcmp(name, "--quorum"))
        o->quorum = number(name, v);
    else if (!strcmp(name, "--timeout"))
        o->timeout_s = (int64_t)number(name, v);
    else if (!strcmp(name, "--confirmations"))
        o->settings.confirmations = (unsigned)number(name, v);
    else if (!strcmp(name, "--poll-ms"))
        o->settings.poll_ms = (int64_t)number(name, v);
    else if (!strcmp(name, "--stuck"))
        o->settings.stuck_after_s = (int64_t)number(name, v);
    else if (!strcmp(name, "--stuck-blocks"))
        o->settings.stuck_after_blocks = (unsigned)number(name, v);
    else if (!strcmp(name, "--resend"))
        o->settings.resend_after_s = (int64_t)number(name, v);
    else if (!strcmp(name, "--gas-max"))
        o->settings.gas_limit_max = number(name, v);
    else if (!strcmp(name, "--max-fee"))
        o->settings.fees.max_fee_wei = u256_from(number(name, v));
    else if (!strcmp(name, "--finality")) {
        if (strcmp(v, "finalized") && strcmp(v, "safe"))
            return false;
        o->settings.finality = strcmp(v, "safe") ? TXM_FINALIZED : TXM_SAFE;
    } else if (!strcmp(name, "--max-identity-day"))
        o->settings.max_identity_day_wei = u256_from(number(name, v));
    else if (!strcmp(name, "--max-day"))
        o->settings.max_day_wei = u256_from(number(name, v));
    else if (!strcmp(name, "--legacy"))
        o->settings.fees.legacy = number(name, v) != 0;
    else if (!strcmp(name, "--wait"))
        return tx_wait_parse(&o->wait, v);
    else
        return false;
    return true;
}

static void print_status(const struct tx_status *s, bool ok, const struct err *err)
{
    char hash[67] = "";
    if (s->has_hash)
        hex_encode(hash, BYTES_OF(s->hash));
    json_auto_t *doc =
        json_pack("{s:I, s:s, s:b, s:s, s:s, s:I, s:I, s:s, s:s, s:I, s:b}", "id", (json_int_t)s->id, "phase",
                  txm_phase_name(s->phase), "ok", ok, "code", err_name(err->code), "text", err->text, "nonce",
                  (json_int_t)(s->has_nonce ? (json_int_t)s->nonce : -1), "attempts", (json_int_t)s->num_attempts,
                  "hash", hash, "note", s->note, "block", (json_int_t)s->block, "joined", s->joined);
    char *text = json_dumps(doc, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
}

static int submit_all(struct txe *txe, const struct options *o)
{
    int status = 0;
    AUTO(buf_done) struct buf data = buf_new(TX_MAX_SIZE);
    struct tx_intent intent = {.call = o->call, .label = "test"};
    struct err err = {0};
    if (!addr_parse(&intent.target, bytes_str(o->to), &err) || !hex_decode(&data, bytes_str(o->data), &err))
        die("--to, --data", err.text);
    size_t base = data.len;
    for (uint64_t n = o->first; n < o->first + o->count; n++) {
        uint8_t word[32];
        struct tx_status out;
        u256_to_be32(word, u256_from(n));
        data.len = base;
        buf_put(&data, BYTES(word));
        intent.calldata = buf_view(&data);
        intent.digest = sha256(intent.calldata);
        err = (struct err){0};
        bool ok = txe_submit(txe, &out, &intent, o->wait, o->timeout_s, &err);
        print_status(&out, ok, &err);
        status |= !ok;
    }
    return status;
}

static int pump(struct txe *txe, const struct options *o)
{
    uint64_t until_ms = clock_mono_ms() + (uint64_t)o->timeout_s * 1000;
    size_t num_open = 1;
    struct err err = {0};
    bool ok = true;
    while (clock_mono_ms() < until_ms && (num_open || !ok)) {
        err = (struct err){0};
        ok = txe_pump(txe, &num_open, &err);
        clock_sleep_ms(20);
    }
    printf("{\"open\":%zu,\"ok\":%s,\"text\":\"%s\"}\n", num_open, ok ? "true" : "false", err.text);
    return ok && num_open == 0 ? 0 : 1;
}

static int start(struct txe *txe, uint64_t begun_ms)
{
    size_t num_open = 0;
    struct err err = {0};
    bool ok = txe_pump(txe, &num_open, &err);
    printf("{\"open\":%zu,\"ok\":%s,\"ms\":%llu,\"text\":\"%s\"}\n", num_open, ok ? "true" : "false",
           (unsigned long long)(clock_mono_ms() - begun_ms), err.text);
    return !ok;
}

static int operate(struct txe *txe, const struct options *o)
{
    struct tx_status out = {0};
    struct err err = {0};
    uint64_t adopted = 0;
    bool ok;
    if (!strcmp(o->action, "adopt"))
        ok = txe_adopt_nonces(txe, &adopted, &err);
    else if (!strcmp(o->action, "cancel"))
        ok = txe_cancel(txe, &out, (int64_t)o->id, &err);
    else
        ok = txe_speed_up(txe, &out, (int64_t)o->id, &err);
    print_status(&out, ok, &err);
    return !ok;
}

int main(int argc, char **argv)
{
    struct options o = {.call = "test",
                        .data = "",
                        .count = 1,
                        .timeout_s = 20,
                        .wait = TX_WAIT_FINAL,
                        .settings = {.finality = TXM_CONFIRMATIONS, .confirmations = 1, .poll_ms = 100}};
    if (argc < 2)
        die("usage", "ACTION --rpc URL --state DIR --key HEX ...");
    o.action = argv[1];
    for (int i = 2; i + 1 < argc; i += 2)
        if (!set_option(&o, argv[i], argv[i + 1]))
            die(argv[i], "unknown option or value");

    uint64_t begun_ms = clock_mono_ms();
    struct secp_key key;
    struct err err = {0};
    AUTO(db_closep) struct db *db = NULL;
    AUTO(rpc_freep) struct rpc *rpc = NULL;
    AUTO(signer_freep) struct signer *signer = NULL;
    AUTO(txe_closep) struct txe *txe = NULL;
    struct rpc_settings rpc_settings = {.endpoints = o.rpc,
                                        .num_endpoints = o.num_rpc,
                                        .chain_id = o.chain_id,
                                        .timeout_ms = 3000,
                                        .read_quorum = (unsigned)o.quorum,
                                        .send_endpoints = &o.send,
                                        .num_send_endpoints = o.send.url != NULL};
    if (!o.state || !o.key || !hex_decode_fixed(key.b, sizeof key.b, bytes_str(o.key), &err))
        die("--state, --key", "both are needed");
    struct addr20 account = {{0}};
    if (o.account && !addr_parse(&account, bytes_str(o.account), &err))
        die("--account", err.text);
    signer = o.signer.url ? signer_remote(&o.signer, account, 3000, &err) : signer_from_key(&key, &err);
    if (!signer || !db_open(&db, o.state, &err) || !(rpc = rpc_new(&rpc_settings, &err)) ||
        !txe_open(&txe, db, rpc, signer, &o.settings, NULL, &err)) {
        print_status(&(struct tx_status){0}, false, &err);
        return 1;
    }
    if (!strcmp(o.action, "submit"))
        return submit_all(txe, &o);
    if (!strcmp(o.action, "pump"))
        return pump(txe, &o);
    if (!strcmp(o.action, "start"))
        return start(txe, begun_ms);
    return operate(txe, &o);
}
