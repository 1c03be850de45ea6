/* tx list|show|speed-up|cancel|submit-signed|adopt: the transaction journal. */
#include "relayer/cli/live.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "crypto/hash.h"
#include "relayer/clock.h"
#include "relayer/evidence/identity.h"
#include "relayer/files.h"
#include "relayer/payer.h"
#include "relayer/readback.h"
#include "relayer/registry/calldata.h"
#include "relayer/session.h"
#include "relayer/stop.h"
#include "relayer/wei.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_LISTED   100000
#define MAX_RAW      (4 * TX_MAX_SIZE)
#define KEYS_JOURNAL (KEYS_STORE | KEYS_CHAIN | KEYS_ACCOUNT | KEYS_FEES)

/* --- a transaction in words and in JSON --- */

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *hex = hex_0x(b);
    return hex ? json_string(hex) : NULL;
}

static json_t *addr_json(struct addr20 a)
{
    char text[ADDR_TEXT_SIZE];
    return json_string(addr_text(text, a));
}

static json_t *wei_json(struct u256 v)
{
    char text[U256_DEC_SIZE];
    return json_string(u256_dec(text, v));
}

static json_t *time_json(int64_t t_s)
{
    char text[21];
    return json_string(time_format(text, t_s));
}

static json_t *mined_json(const struct tx_status *s)
{
    return json_pack("{s:I, s:o, s:o, s:I, s:o}", "block", (json_int_t)s->block, "block_hash",
                     hex_json(BYTES_OF(s->block_hash)), "block_time", time_json(s->block_time_s), "gas_used",
                     (json_int_t)s->gas_used, "cost_wei", wei_json(s->cost_wei));
}

static json_t *status_json(const struct tx_status *s)
{
    json_t *o =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:s}", "id",
                  (json_int_t)s->id, "state", txm_phase_name(s->phase), "call", s->call, "label", s->label, "chain_id",
                  (json_int_t)s->chain_id, "account", addr_json(s->account), "to", addr_json(s->target), "identity",
                  hex_json(BYTES_OF(s->identity)), "key", hex_json(BYTES_OF(s->key)), "attempts",
                  (json_int_t)s->num_attempts, "gas_limit", (json_int_t)s->gas_limit, "max_fee_wei",
                  wei_json(s->fees.max_fee_wei), "max_tip_wei", wei_json(s->fees.max_tip_wei), "created_at",
                  time_json(s->created_at_s), "updated_at", time_json(s->updated_at_s), "note", s->note);
    if (s->has_nonce)
        json_object_set_new(o, "nonce", json_integer((json_int_t)s->nonce));
    if (s->has_hash)
        json_object_set_new(o, "hash", hex_json(BYTES_OF(s->hash)));
    if (s->block)
        json_object_set_new(o, "mined", mined_json(s));
    return o;
}

static void print_row(const struct tx_status *s)
{
    char hash[65] = "", age[DURATION_TEXT_SIZE], id[65], nonce[24] = "-";
    duration_short(age, clock_now_s() - s->updated_at_s);
    if (s->has_nonce)
        snprintf(nonce, sizeof nonce, "%" PRIu64, s->nonce);
    if (s->has_hash)
        hex_encode(hash, BYTES_OF(s->hash));
    printf("%-5" PRId64 " %-9s %-19s %.8s  nonce %-6s %s%.16s%s  %s ago%s%s\n", s->id, txm_phase_name(s->phase),
           s->call, hex_encode(id, BYTES_OF(s->identity)), nonce, s->has_hash ? "0x" : "", hash,
           s->has_hash ? ".." : "", age, s->note[0] ? "  " : "", s->note);
}

static void print_status(const struct tx_status *s)
{
    char hex[65], at[21], a[WEI_TEXT_SIZE], b[WEI_TEXT_SIZE], account[ADDR_TEXT_SIZE], to[ADDR_TEXT_SIZE];
    printf("transaction  %" PRId64 " %s\n", s->id, txm_phase_name(s->phase));
    printf("call         %s%s%s\nto           %s on chain %" PRIu64 "\nfrom         %s\n", s->call,
           s->label[0] ? ", " : "", s->label, addr_text(to, s->target), s->chain_id, addr_text(account, s->account));
    printf("identity     0x%s\n", hex_encode(hex, BYTES_OF(s->identity)));
    if (s->has_nonce)
        printf("nonce        %" PRIu64 "\n", s->nonce);
    if (s->has_hash)
        printf("hash         0x%s\n", hex_encode(hex, BYTES_OF(s->hash)));
    if (s->num_attempts)
        printf("offer        %s per gas, %s tip, %" PRIu64 " gas, %u transaction%s signed\n",
               wei_format(a, s->fees.max_fee_wei), wei_format(b, s->fees.max_tip_wei), s->gas_limit, s->num_attempts,
               s->num_attempts == 1 ? "" : "s");
    if (s->block)
        printf("mined        block %" PRIu64 " at %s, %" PRIu64 " gas, %s\n", s->block,
               time_format(at, s->block_time_s), s->gas_used, wei_format(a, s->cost_wei));
    printf("begun        %s\n", time_format(at, s->created_at_s));
    if (s->note[0])
        printf("note         %s\n", s->note);
}

static bool tell(const struct cmd_env *env, const struct tx_status *s, struct err *err)
{
    if (env->json)
        return cmd_print_json(status_json(s), err);
    if (!env->quiet)
        print_status(s);
    return true;
}

/* --- list, show --- */

static const struct opt_row list_opts[] = {
    {"open", 0, NULL, false, "only what is not finished"},
    {"identity", 0, "ID", false, "only this identity's"},
    {"max", 'n', "N", false, "at most so many, newest first (50)"},
    {0},
};

static bool list_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    AUTO(tx_list_done) struct tx_list list = {0};
    struct hash32 identity;
    uint64_t max = 50;
    const char *id = opt_text(&env->opts, "identity");
    (void)status;
    if (!opt_u64(&max, &env->opts, "max", MAX_LISTED, err) || (id && !hash32_parse(&identity, id, err)) ||
        !db_open(&db, env->config.state_dir, err) ||
        !tx_journal_list(db, &list, opt_given(&env->opts, "open"), id ? &identity : NULL, max, err))
        return false;
    if (env->json) {
        json_t *rows = json_array();
        for (size_t i = 0; i < list.count; i++)
            json_array_append_new(rows, status_json(&list.row[i]));
        return cmd_print_json(json_pack("{s:s, s:o}", "format", "cvm-transactions/1", "transactions", rows), err);
    }
    for (size_t i = 0; i < list.count; i++)
        print_row(&list.row[i]);
    if (!list.count)
        cmd_say(env, "no transactions");
    return true;
}

const struct cmd cmd_tx_list = {
    .name = "tx list",
    .help = "the transaction journal, newest first",
    .opts = list_opts,
    .keys = KEYS_STORE,
    .run = list_run,
};

static bool find(struct db *db, struct tx_status *out, const char *arg, struct err *err)
{
    struct hash32 hash;
    uint64_t id;
    bool found = false;
    if (strncmp(arg, "0x", 2) == 0) {
        if (!hash32_parse(&hash, arg, err) || !tx_journal_find(db, out, &found, hash, err))
            return false;
    } else if (!u64_parse(&id, bytes_str(arg), INT64_MAX, err) || !tx_journal_get(db, out, &found, (int64_t)id, err)) {
        return err_wrap(err, "transaction %.40s", arg);
    }
    return found || err_set(err, ERR_USAGE, "the journal has no transaction %.80s", arg);
}

static bool show_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(db_closep) struct db *db = NULL;
    struct tx_status s;
    (void)status;
    return db_open(&db, env->config.state_dir, err) && find(db, &s, env->opts.args[0], err) && tell(env, &s, err);
}

const struct cmd cmd_tx_show = {
    .name = "tx show",
    .args = "ID|HASH",
    .min_args = 1,
    .max_args = 1,
    .help = "one transaction, by its number or by a hash",
    .keys = KEYS_STORE,
    .run = show_run,
};

/* --- what touches the chain --- */

struct desk {
    struct session session;
    struct signer *signer;
    struct txe *txe;
    struct live live;
    struct readback registry;
};

static void desk_done(struct desk *d)
{
    live_end(&d->live);
    txe_close(d->txe);
    signer_free(d->signer);
    session_done(&d->session);
}

static bool on_stop(void *user)
{
    (void)user;
    return stop_wanted();
}

static bool desk_open(struct desk *d, const struct cmd_env *env, bool need_account, struct err *err)
{
    struct txe_hooks hooks = {
        .user = &d->live, .progress = live_progress, .stopped = on_stop, .readback = readback_ask, .registry = &d->registry};
    struct tx_settings settings;
    d->live = live_start(env);
    stop_install();
    if (!session_open_store(&d->session, &env->config, err) || !session_open_rpc(&d->session, err))
        return false;
    d->registry.rpc = d->session.rpc; /* whichever registry a transaction went to is asked what it says afterwards */
    return payer_settings(&settings, &env->config, err) && payer_open(&d->signer, &env->config, need_account, err) &&
           txe_open(&d->txe, d->session.db, d->session.rpc, d->signer, &settings, &hooks, err);
}

static bool wish_run(struct cmd_env *env, bool (*wish)(struct txe *, struct tx_status *, int64_t, struct err *),
                     struct err *err)
{
    AUTO(desk_done) struct desk d = {0};
    struct tx_status s;
    return desk_open(&d, env, true, err) && find(d.session.db, &s, env->opts.args[0], err) &&
           wish(d.txe, &s, s.id, err) && tell(env, &s, err);
}

static bool speed_up_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    return wish_run(env, txe_speed_up, err);
}

const struct cmd cmd_tx_speed_up = {
    .name = "tx speed-up",
    .args = "ID|HASH",
    .min_args = 1,
    .max_args = 1,
    .help = "replace a waiting transaction by itself at a higher price",
    .about = "Cap and tip are raised by the nodes' minimum, never above the configured caps.",
    .keys = KEYS_JOURNAL,
    .run = speed_up_run,
};

static bool cancel_run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    return wish_run(env, txe_cancel, err);
}

const struct cmd cmd_tx_cancel = {
    .name = "tx cancel",
    .args = "ID|HASH",
    .min_args = 1,
    .max_args = 1,
    .help = "replace a waiting transaction by a transfer of nothing",
    .about = "Whichever of the two is mined first wins; `tx show` tells which. What was never signed is simply closed.",
    .keys = KEYS_JOURNAL,
    .run = cancel_run,
};

static bool adopt_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(desk_done) struct desk d = {0};
    uint64_t num_adopted;
    (void)status;
    if (!desk_open(&d, env, true, err) || !txe_adopt_nonces(d.txe, &num_adopted, err))
        return false;
    if (env->json)
        return cmd_print_json(json_pack("{s:I}", "adopted", (json_int_t)num_adopted), err);
    cmd_say(env, "%" PRIu64 " nonces that the journal did not know are taken for spent by somebody else", num_adopted);
    return true;
}

const struct cmd cmd_tx_adopt = {
    .name = "tx adopt",
    .help = "take nonces that the journal does not know for spent by somebody else",
    .about = "For an account that another wallet uses as well, or after the state folder was restored from a backup: "
             "look first\n"
             "whether one of the forgotten transactions did what is about to be done again.",
    .keys = KEYS_JOURNAL,
    .run = adopt_run,
};

/* --- a signature from elsewhere --- */

static bool read_raw(struct buf *out, const char *path, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(MAX_RAW);
    if (!file_read(&text, path, err))
        return false;
    struct bytes b = buf_view(&text);
    while (b.len && (b.p[b.len - 1] == '\n' || b.p[b.len - 1] == '\r' || b.p[b.len - 1] == ' '))
        b.len--;
    if (b.len > 2 && b.p[0] == '0' && b.p[1] == 'x')
        return hex_decode(out, b, err) || err_wrap(err, "%s", path);
    buf_put(out, buf_view(&text));
    return buf_finish(out, err);
}

/* The intent that register and its sisters would have for the same call: without the identity's signatures. */
static void registry_intent(struct tx_intent *intent)
{
    AUTO(bundle_done) struct bundle b = bundle_new();
    AUTO(buf_done) struct buf bare = buf_new(TX_MAX_SIZE);
    struct err ignored;
    if (!bundle_from_calldata(&b, intent->calldata, &ignored))
        return;
    enum call_kind call = b.call.kind;
    enum profile profile = b.call.profile;
    intent->call = call_name(call);
    intent->identity = call == CALL_ATTEST ? identity_hash(&b.identity, profile) : b.call.id;
    b.call.num_signatures = 0;
    b.call.signatures[0] = b.call.signatures[1] = (struct bytes){0};
    if (bundle_to_calldata(&bare, &b, call, profile, &ignored))
        intent->digest = sha256(buf_view(&bare));
}

static const struct opt_row signed_opts[] = {
    {"wait", 0, "none|sent|mined|final", false, "how far to follow the transaction (final)"},
    {0},
};

static bool submit_signed_run(struct cmd_env *env, int *status, struct err *err)
{
    AUTO(desk_done) struct desk d = {0};
    AUTO(buf_done) struct buf raw = buf_new(TX_MAX_SIZE);
    struct tx_signed signed_tx;
    struct tx_status s;
    enum tx_wait wait = TX_WAIT_FINAL;
    const char *how = opt_text(&env->opts, "wait");
    (void)status;
    if (how && !tx_wait_parse(&wait, how))
        return err_set(err, ERR_USAGE, "--wait %s: want none, sent, mined or final", how);
    if (!read_raw(&raw, env->opts.args[0], err) || !tx_parse(&signed_tx, buf_view(&raw), err) ||
        !desk_open(&d, env, false, err))
        return false;
    struct tx_intent intent = {.target = signed_tx.tx.to,
                               .call = "unknown",
                               .calldata = signed_tx.tx.data,
                               .digest = sha256(signed_tx.tx.data),
                               .label = "signed elsewhere"};
    registry_intent(&intent);
    bool ok = txe_submit_signed(d.txe, &s, &intent, buf_view(&raw), wait, env->config.wait_timeout_s, err);
    live_end(&d.live);
    return ok && tell(env, &s, err);
}

const struct cmd cmd_tx_submit_signed = {
    .name = "tx submit-signed",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .help = "adopt, send and follow a transaction that was signed elsewhere",
    .about = "FILE holds the raw transaction, as bytes or 0x hex (`--dry-run` prints what to sign). It joins the "
             "journal under the\n"
             "same intent as `register` and its sisters would have for the same evidence.",
    .opts = signed_opts,
    .keys = KEYS_JOURNAL,
    .run = submit_signed_run,
};
