/* The examinations, in the order in which one stands on the other. A later one that lacks what an earlier one could not open says
 * that it was skipped. */
#include "relayer/doctor.h"

#include "abi/addr.h"
#include "crypto/base/auto.h"
#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/chain_collateral.h"
#include "relayer/clock.h"
#include "relayer/judge.h"
#include "relayer/keys.h"
#include "relayer/notify.h"
#include "relayer/payer.h"
#include "relayer/source/source.h"
#include "relayer/status.h"
#include "relayer/store/rotations.h"
#include "relayer/wei.h"

#include <stdarg.h>
#include <stdio.h>

#define CLOCK_SKEW_S   60
#define COLLATERAL_S   (7 * 86400) /* collateral that ends within a week is worth a word */

struct exam {
    const struct config *cfg;
    struct diagnosis *out;
    struct session s;
};

static void note(struct exam *e, const char *what, enum health health, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void note(struct exam *e, const char *what, enum health health, const char *fmt, ...)
{
    if (e->out->count == DOCTOR_MAX)
        return;
    struct ailment *a = &e->out->row[e->out->count++];
    va_list ap;
    a->what = what;
    a->health = health;
    va_start(ap, fmt);
    vsnprintf(a->detail, sizeof a->detail, fmt, ap);
    va_end(ap);
}

static void look_at_config(struct exam *e)
{
    note(e, "config", HEALTH_OK, "%s", e->cfg->file ? e->cfg->file : "no file; defaults, environment and flags alone");
}

static void look_at_store(struct exam *e)
{
    struct err err = {0};
    AUTO(rotation_list_done) struct rotation_list open = {0};
    AUTO(tx_list_done) struct tx_list unfinished = {0};
    if (!session_open_store(&e->s, e->cfg, &err) || !db_check(e->s.db, &err)) {
        note(e, "store", HEALTH_BAD, "%s", err.text);
        return;
    }
    note(e, "store", HEALTH_OK, "%s", e->cfg->state_dir);
    if (tx_journal_list(e->s.db, &unfinished, true, NULL, 1000, &err) && unfinished.count)
        note(e, "transactions", HEALTH_ATTENTION, "%zu unfinished; tx list shows them", unfinished.count);
    if (rotations_of(e->s.db, &open, (struct hash32){{0}}, &err) && open.count)
        note(e, "rotations", HEALTH_ATTENTION, "%zu not final yet; keep both keys", open.count);
    if (err.code != ERR_NONE)
        note(e, "store", HEALTH_BAD, "%s", err.text);
}

static void look_at_keys(struct exam *e)
{
    struct err err = {0};
    AUTO(key_list_done) struct key_list list = {0};
    size_t encrypted = 0;
    if (!keys_list(&list, e->cfg, &err)) {
        note(e, "identity keys", HEALTH_BAD, "%s", err.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++)
        encrypted += list.key[i].encrypted;
    if (encrypted && !e->cfg->identity_passphrase_file)
        note(e, "identity keys", HEALTH_ATTENTION, "%zu of %zu are encrypted, and identity_passphrase_file is not set", encrypted, list.count);
    else
        note(e, "identity keys", HEALTH_OK, "%zu, %zu of them encrypted", list.count, encrypted);
}

static void look_at_collateral(struct exam *e, const struct judge *j)
{
    size_t unreadable = 0;
    int64_t now_s = clock_now_s();
    for (size_t i = 0; i < j->collateral.count; i++) {
        const struct collateral_item *item = &j->collateral.items[i];
        unreadable += item->kind == COLLATERAL_UNREADABLE;
        int64_t ends_s = item->kind == COLLATERAL_CRL      ? item->crl.next_update_s
                         : item->kind == COLLATERAL_SIGNED ? item->json.head->next_update_s
                                                           : 0;
        char left[DURATION_TEXT_SIZE];
        if (ends_s && ends_s - now_s < COLLATERAL_S)
            note(e, "collateral", HEALTH_ATTENTION, "%s: %s %s%s", item->origin, collateral_item_name(item),
                 ends_s < now_s ? "expired" : "expires in ", ends_s < now_s ? "" : duration_short(left, ends_s - now_s));
    }
    note(e, "collateral", unreadable ? HEALTH_ATTENTION : HEALTH_OK, "%zu items at hand, %zu of them unreadable", j->collateral.count, unreadable);
}

static void look_at_trust(struct exam *e)
{
    struct err err = {0};
    AUTO(judge_done) struct judge j = {0};
    if (!judge_init(&j, e->cfg, NULL, &err)) {
        note(e, "trust", HEALTH_BAD, "%s", err.text);
        return;
    }
    size_t extra = e->cfg->root.count;
    note(e, "trust", extra ? HEALTH_ATTENTION : HEALTH_OK, "policy %s, %zu trust roots%s", j.policy.name, j.roots.count,
         extra ? ", some of them not a vendor's but configured (root)" : "");
    if (j.policy.allow_foreign_evidence)
        note(e, "trust", HEALTH_ATTENTION, "evidence without our binding tail is taken (allow_foreign_evidence)");
    if (e->s.db && !pcs_add_kept(&j.collateral, e->s.db, &err))
        note(e, "collateral", HEALTH_BAD, "what is kept cannot be read: %s", err.text);
    look_at_collateral(e, &j);
}

static void look_at_endpoints(struct exam *e)
{
    struct err err = {0};
    if (!e->s.db) {
        note(e, "endpoints", HEALTH_SKIPPED, "the store comes first");
        return;
    }
    if (!session_open_rpc(&e->s, &err)) {
        note(e, "endpoints", err.code == ERR_USAGE && !e->cfg->rpc_url.count ? HEALTH_SKIPPED : HEALTH_BAD, "%s", err.text);
        return;
    }
    rpc_probe(e->s.rpc);
    for (size_t i = 0; i < rpc_num_endpoints(e->s.rpc); i++) {
        struct rpc_health h = rpc_health(e->s.rpc, i);
        note(e, "endpoint", h.verified ? HEALTH_OK : HEALTH_BAD, "%s%s%s", h.origin, h.last_error[0] ? ": " : "", h.last_error);
    }
    uint64_t chain_id;
    if (!rpc_chain_id(e->s.rpc, &chain_id, &err))
        note(e, "chain", HEALTH_BAD, "%s", err.text);
    else
        note(e, "chain", e->cfg->chain_id ? HEALTH_OK : HEALTH_ATTENTION, "id %llu%s", (unsigned long long)chain_id,
             e->cfg->chain_id ? "" : "; chain_id is not set, so whatever an endpoint answers is believed");
}

static void look_at_clock(struct exam *e)
{
    struct eth_block head;
    bool missing = false;
    struct err err = {0};
    char gap[DURATION_TEXT_SIZE];
    if (!e->s.rpc || !eth_block(e->s.rpc, &head, ETH_AT_LATEST, &missing, &err)) {
        note(e, "clock", HEALTH_SKIPPED, "no block to compare it with");
        return;
    }
    int64_t skew = clock_now_s() - (int64_t)head.time_s;
    if (skew > CLOCK_SKEW_S || skew < -CLOCK_SKEW_S)
        note(e, "clock", HEALTH_ATTENTION, "%s %s the chain's (block %llu)", duration_short(gap, skew < 0 ? -skew : skew),
             skew < 0 ? "behind" : "ahead of", (unsigned long long)head.number);
    else
        note(e, "clock", HEALTH_OK, "within %d s of the chain's", CLOCK_SKEW_S);
}

static void look_at_registry(struct exam *e)
{
    struct err err = {0};
    char at[ADDR_TEXT_SIZE];
    enum profile wanted = PROFILE_NONE;
    struct pin_row pin;
    bool found = false;
    if (!e->s.rpc || !e->cfg->has_registry) {
        note(e, "registry", HEALTH_SKIPPED, e->cfg->has_registry ? "no endpoint" : "none is configured");
        return;
    }
    profile_from_name(&wanted, e->cfg->profile);
    if (!onchain_open(&e->s.chain, e->s.rpc, e->cfg->chain_id, e->cfg->registry, wanted, &err)) {
        note(e, "registry", HEALTH_BAD, "%s", err.text);
        return;
    }
    note(e, "registry", HEALTH_OK, "%s speaks %s", addr_text(at, e->cfg->registry), profile_name(e->s.chain.profile));
    if (!pins_get(e->s.db, &pin, &found, e->s.chain.chain_id, e->s.chain.registry, &err) ||
        (found && !onchain_check_pin(&e->s.chain, e->s.db, false, clock_now_s(), &err)))
        note(e, "registry code", HEALTH_BAD, "%s", err.text);
    else
        note(e, "registry code", HEALTH_OK, "%s", found ? "as it was when it was pinned" : "not pinned yet; the first write pins it");
}

static void look_at_account(struct exam *e)
{
    struct err err = {0};
    AUTO(signer_freep) struct signer *signer = NULL;
    struct u256 balance;
    char at[ADDR_TEXT_SIZE], amount[WEI_TEXT_SIZE];
    if (!payer_open(&signer, e->cfg, false, &err)) {
        note(e, "account", HEALTH_BAD, "%s", err.text);
        return;
    }
    if (!signer) {
        note(e, "account", HEALTH_SKIPPED, "none is configured: nothing can be sent");
        return;
    }
    addr_text(at, signer_address(signer));
    if (!e->s.rpc || !eth_balance(e->s.rpc, &balance, signer_address(signer), ETH_AT_LATEST, &err))
        note(e, "account", HEALTH_ATTENTION, "%s; its balance is not known", at);
    else
        note(e, "account", u256_is_zero(balance) ? HEALTH_BAD : HEALTH_OK, "%s holds %s", at, wei_format(amount, balance));
}

/* What the chain judges TDX quotes with, where it can be read. */
static void look_at_chain_collateral(struct exam *e)
{
    char platform[13] = "", left[DURATION_TEXT_SIZE];
    struct err err = {0};
    int64_t now_s = clock_now_s();
    if (!e->s.db || !e->s.chain.rpc)
        return;
    while (identities_next_platform(e->s.db, platform, e->s.chain.chain_id, e->s.chain.registry, platform, &err) && platform[0]) {
        struct chain_collateral_row row;
        uint8_t fmspc[6];
        if (!hex_decode_fixed(fmspc, sizeof fmspc, bytes_str(platform), NULL) || !chain_collateral_read(&e->s.chain, &row, fmspc, &err)) {
            note(e, "collateral on chain", HEALTH_OK, "platform %s: not looked after: %s", platform, err.text);
            err_clear(&err);
        } else if (row.ends_s < now_s) {
            note(e, "collateral on chain", HEALTH_BAD, "platform %s: %s has ended, so that the registry refuses its quotes", platform, row.what);
        } else {
            note(e, "collateral on chain", row.ends_s - now_s < COLLATERAL_S ? HEALTH_ATTENTION : HEALTH_OK, "platform %s: %s ends in %s", platform,
                 row.what, duration_short(left, row.ends_s - now_s));
        }
    }
    if (err.code != ERR_NONE)
        note(e, "collateral on chain", HEALTH_BAD, "%s", err.text);
}

static void look_at_identities(struct exam *e)
{
    struct err err = {0};
    AUTO(status_walk_done) struct status_walk w = {0};
    const struct status_row *row;
    if (!e->s.db) {
        note(e, "identities", HEALTH_SKIPPED, "the store comes first");
        return;
    }
    bool ok = status_begin(&w, &e->s, &(struct status_query){.within_s = -1}, &err);
    while (ok && (ok = status_next(&w, &row, &err)) && row)
        ;
    if (!ok) {
        note(e, "identities", HEALTH_BAD, "%s", err.text);
        return;
    }
    static const enum health by_exit[] = {[0] = HEALTH_OK, [1] = HEALTH_BAD, [3] = HEALTH_ATTENTION, [4] = HEALTH_ATTENTION};
    note(e, "identities", by_exit[w.exit_status], "%zu tracked: %zu fresh, %zu due, %zu expiring, %zu expired, %zu not registered",
         w.count, w.at[STATE_FRESH], w.at[STATE_DUE], w.at[STATE_EXPIRING], w.at[STATE_EXPIRED], w.at[STATE_UNREGISTERED]);
}

static void look_at_source(struct exam *e)
{
    struct err err = {0};
    struct source_settings s = {.spec = e->cfg->source, .timeout_s = e->cfg->source_timeout_s, .max_bytes = e->cfg->source_max_bytes,
                                .token_file = e->cfg->agent_token_file};
    if (!e->cfg->source)
        note(e, "source", HEALTH_SKIPPED, "none is configured: renewals want one, here or per identity");
    else if (!source_check(&s, &err))
        note(e, "source", HEALTH_BAD, "%s", err.text);
    else
        note(e, "source", HEALTH_OK, "%s", e->cfg->source);
}

static void look_at_hooks(struct exam *e)
{
    struct err err = {0};
    const struct config *c = e->cfg;
    struct hooks hooks = {.path = {c->hook_pre, c->hook_renewed, c->hook_failed, c->hook_expiring, c->hook_measurement_changed,
                                   c->hook_unexplained_update},
                          .timeout_s = c->hook_timeout_s};
    size_t n = 0;
    for (size_t i = 0; i < NUM_HOOKS; i++)
        n += hooks.path[i] != NULL;
    if (!hooks_check(&hooks, &err))
        note(e, "hooks", HEALTH_BAD, "%s", err.text);
    else
        note(e, "hooks", HEALTH_OK, "%zu configured", n);
}

void doctor_examine(struct diagnosis *out, const struct config *cfg)
{
    static void (*const exams[])(struct exam *) = {
        look_at_config, look_at_store,    look_at_keys,    look_at_trust,      look_at_endpoints, look_at_clock,
        look_at_registry, look_at_chain_collateral, look_at_account, look_at_identities, look_at_source, look_at_hooks,
    };
    *out = (struct diagnosis){0};
    struct exam e = {.cfg = cfg, .out = out, .s = {.cfg = cfg}};
    for (size_t i = 0; i < sizeof exams / sizeof *exams; i++)
        exams[i](&e);
    session_done(&e.s);
}

const char *health_name(enum health h)
{
    static const char *const names[] = {[HEALTH_OK] = "ok", [HEALTH_SKIPPED] = "skipped", [HEALTH_ATTENTION] = "attention", [HEALTH_BAD] = "bad"};
    return names[h];
}

enum health diagnosis_worst(const struct diagnosis *d)
{
    enum health worst = HEALTH_OK;
    for (size_t i = 0; i < d->count; i++)
        worst = d->row[i].health > worst ? d->row[i].health : worst;
    return worst;
}

json_t *diagnosis_to_json(const struct diagnosis *d)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < d->count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "what", d->row[i].what, "health", health_name(d->row[i].health), "detail",
                                              d->row[i].detail));
    return json_pack("{s:s, s:s, s:o}", "format", "cvm-doctor/1", "health", health_name(diagnosis_worst(d)), "checks", rows);
}
