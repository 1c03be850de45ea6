#include "relayer/session.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/registry/tee_values.h"
#include "relayer/store/collateral.h"

#include <stdio.h>
#include <stdlib.h>

void session_done(struct session *s)
{
    rpc_free(s->rpc);
    free(s->endpoints);
    db_close(s->db);
    *s = (struct session){0};
}

bool session_open_store(struct session *s, const struct config *cfg, struct err *err)
{
    s->cfg = cfg;
    return db_open(&s->db, cfg->state_dir, err);
}

static struct http_endpoint endpoint(const struct config *cfg, const char *url)
{
    return (struct http_endpoint){.url = url, .ca_file = cfg->rpc_ca_file, .header_file = cfg->rpc_header_file};
}

/* Block 0 as the configuration knows it. */
static bool take_pin(struct rpc_settings *out, const struct config *cfg, struct err *err)
{
    out->has_pin = cfg->genesis_hash && *cfg->genesis_hash;
    if (out->has_pin && !hex_decode_fixed(out->pin_hash.b, sizeof out->pin_hash.b, bytes_str(cfg->genesis_hash), NULL))
        return err_set(err, ERR_USAGE, "genesis_hash: want 32 bytes of hex");
    return true;
}

bool session_open_rpc(struct session *s, struct err *err)
{
    const struct config *cfg = s->cfg;
    size_t num_read = cfg->rpc_url.count, num_send = cfg->send_url.count;
    if (!num_read)
        return err_set(err, ERR_USAGE, "no endpoint: --rpc-url, CVM_RELAYER_RPC_URL or rpc_url in [chain] names one");
    s->endpoints = calloc(num_read + num_send, sizeof *s->endpoints);
    if (!s->endpoints)
        return err_set(err, ERR_NOMEM, "no memory for the endpoints");
    for (size_t i = 0; i < num_read; i++)
        s->endpoints[i] = endpoint(cfg, cfg->rpc_url.item[i]);
    for (size_t i = 0; i < num_send; i++)
        s->endpoints[num_read + i] = endpoint(cfg, cfg->send_url.item[i]);
    struct rpc_settings settings = {
        .endpoints = s->endpoints,
        .num_endpoints = num_read,
        .send_endpoints = s->endpoints + num_read,
        .num_send_endpoints = num_send,
        .chain_id = cfg->chain_id,
        .timeout_ms = (long)(cfg->rpc_timeout_s * 1000),
        .read_quorum = (unsigned)cfg->read_quorum,
    };
    if (cfg->read_quorum > num_read)
        return err_set(err, ERR_USAGE, "read_quorum is %llu, but there are %zu endpoints", (unsigned long long)cfg->read_quorum, num_read);
    if (!take_pin(&settings, cfg, err))
        return false;
    s->rpc = rpc_new(&settings, err);
    return s->rpc != NULL;
}

bool session_open_chain(struct session *s, struct err *err)
{
    enum profile wanted = PROFILE_NONE;
    if (!s->cfg->has_registry)
        return err_set(err, ERR_USAGE, "no registry: --registry, CVM_RELAYER_REGISTRY or registry in [chain] names it");
    profile_from_name(&wanted, s->cfg->profile);
    return session_open_rpc(s, err) && onchain_open(&s->chain, s->rpc, s->cfg->chain_id, s->cfg->registry, wanted, err);
}

struct identity_key session_key(const struct session *s, struct hash32 id)
{
    return (struct identity_key){.chain_id = s->chain.chain_id, .registry = s->chain.registry, .id = id};
}

/* --- what the chain says --- */

/* The store's integers have 63 bits; a TTL beyond them never ends either way. */
static uint64_t fit(uint64_t ttl_s)
{
    return ttl_s > INT64_MAX ? INT64_MAX : ttl_s;
}

/* The platform that its quote came from, and what is known of what the chain judges that platform with. */
static bool take_platform(struct identity_row *row, const struct onchain_identity *on, const struct session *s, struct err *err)
{
    uint8_t fmspc[6];
    struct chain_collateral_row known = {0};
    bool found = false;
    row->platform[0] = '\0';
    row->chain_collateral_s = 0;
    if (!on->registered || on->tee_type != TEE_TDX || !tee_values_fmspc(fmspc, on->tee_output))
        return true;
    hex_encode(row->platform, BYTES(fmspc));
    if (!chain_collateral_get(s->db, &known, &found, row->key.chain_id, row->key.registry, row->platform, err))
        return false;
    row->chain_collateral_s = known.ends_s;
    return true;
}

static bool take_chain(struct identity_row *row, const struct onchain_identity *on, const struct session *s, struct err *err)
{
    if (!take_platform(row, on, s, err))
        return false;
    snprintf(row->profile, sizeof row->profile, "%s", profile_name(s->chain.profile));
    row->read_at_s = clock_now_s();
    row->read_block = on->block.number;
    row->registered = on->registered;
    row->tee_type = on->tee_type;
    row->cloud_type = on->cloud_type;
    row->tee_ttl_s = fit(on->tee_ttl_s);
    row->tpm_ttl_s = fit(on->tpm_ttl_s);
    row->nonce = on->nonce;
    row->tee_recent_s = on->tee_recent_s;
    row->tpm_recent_s = on->tpm_recent_s;
    row->measurement_hash = on->measurement_hash;
    planning_apply(s->cfg, row, (int64_t)on->block.time_s);
    return true;
}

bool session_read_state(struct session *s, enum freshness_state *out, struct hash32 id, const struct onchain_identity *on,
                        struct err *err)
{
    struct identity_row row = {0};
    struct identity_key key = session_key(s, id);
    bool found;
    if (!identities_get(s->db, &row, &found, &key, err))
        return false;
    row.key = key;
    if (!take_chain(&row, on, s, err))
        return false;
    *out = planning_state(s->cfg, &row, (int64_t)on->block.time_s);
    return true;
}

static bool moved(const struct identity_row *a, const struct identity_row *b)
{
    return a->registered != b->registered || a->tee_recent_s != b->tee_recent_s || a->tpm_recent_s != b->tpm_recent_s ||
           a->tee_ttl_s != b->tee_ttl_s || a->tpm_ttl_s != b->tpm_ttl_s || a->nonce != b->nonce ||
           !hash32_eq(a->measurement_hash, b->measurement_hash);
}

static bool note_measurement(struct session *s, const struct read_back *r, const struct hash32 *tx_hash, struct err *err)
{
    struct measurement_row m = {
        .hash = r->after.measurement_hash,
        .block = r->block.number,
        .block_time_s = (int64_t)r->block.time_s,
        .has_tx = tx_hash != NULL,
    };
    if (tx_hash)
        m.tx_hash = *tx_hash;
    return !r->after.registered || measurements_add(s->db, &r->after.key, &m, err);
}

bool session_store(struct session *s, struct read_back *out, struct hash32 id, const struct onchain_identity *on,
                   const struct hash32 *tx_hash, bool create, struct err *err)
{
    struct identity_key key = session_key(s, id);
    struct read_back r = {.block = on->block};
    AUTO(db_scope_done) struct db_scope tx = {0};
    if (!db_begin(&tx, s->db, DB_DURABLE, err) || !identities_get(s->db, &r.before, &r.was_known, &key, err))
        return false;
    r.after = r.was_known ? r.before : (struct identity_row){.key = key, .tracked_at_s = clock_now_s()};
    if (r.was_known && r.before.read_block > on->block.number) {
        /* somebody has read a later block meanwhile: theirs stands */
        *out = r;
        return db_commit(&tx, err);
    }
    if (!take_chain(&r.after, on, s, err))
        return false;
    r.changed = r.was_known && r.before.read_at_s && moved(&r.before, &r.after);
    if (r.changed && planning_state(s->cfg, &r.after, (int64_t)on->block.time_s) < STATE_EXPIRING)
        r.after.warned_state = STATE_FRESH; /* whoever renewed it: the next warning is a new one */
    r.measurement_changed = r.was_known && r.before.registered && r.after.registered &&
                            !hash32_eq(r.before.measurement_hash, r.after.measurement_hash);
    if ((r.was_known || create) && !(identities_put(s->db, &r.after, err) && note_measurement(s, &r, tx_hash, err)))
        return false;
    *out = r;
    return db_commit(&tx, err);
}

bool session_refresh(struct session *s, struct read_back *out, struct hash32 id, struct eth_at at, const struct hash32 *tx_hash,
                     bool create, struct err *err)
{
    AUTO(onchain_identity_done) struct onchain_identity on = {0};
    return onchain_read(&s->chain, &on, id, at, err) && session_store(s, out, id, &on, tx_hash, create, err);
}

bool session_note_judged(struct session *s, struct identity_row *row, struct judged_until until, int64_t chain_now_s, struct err *err)
{
    row->collateral_expires_s = until.collateral_expires_s;
    row->tcb_refused_s = until.tcb_refused_s;
    planning_apply(s->cfg, row, chain_now_s);
    return identities_put(s->db, row, err);
}
