#include "relayer/rotate.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/evidence/identity.h"
#include "relayer/hooks.h"
#include "relayer/input.h"
#include "relayer/keys.h"
#include "relayer/log.h"
#include "relayer/source/source.h"
#include "relayer/store/rotations.h"

/* The key of a rotation that was begun and is not decided, where it is still here; else a new one of the old one's kind. */
static bool next_key(struct relay *r, struct key_file *out, struct hash32 from, struct err *err)
{
    struct session *s = &r->session;
    struct hash32 to;
    bool found = false;
    if (!relay_open_rotation(s, from, &to, &found, err))
        return false;
    if (found && keys_find(out, s->cfg, to, s->chain.profile, NULL)) {
        log_info("going on with the rotation that was begun earlier");
        return true;
    }
    HOOK("rotation key");
    AUTO(key_file_done) struct key_file old = {0};
    bool has_old = keys_find(&old, s->cfg, from, s->chain.profile, NULL);
    return keys_create(out, s->cfg, NULL, has_old ? keys_rsa_bits(&old) : 0, err);
}

static bool note_begun(struct session *s, struct hash32 from, struct hash32 to, struct err *err)
{
    struct rotation_row row = {
        .from = session_key(s, from),
        .to = to,
        .state = ROTATION_PREPARED,
        .started_at_s = clock_now_s(),
        .changed_at_s = clock_now_s(),
    };
    HOOK("rotation begun");
    return rotations_put(s->db, &row, err);
}

static bool ask(struct relay *r, struct buf *out, const struct key_file *key, struct hash32 from, struct err *err)
{
    const struct onchain *chain = &r->session.chain;
    AUTO(onchain_identity_done) struct onchain_identity on = {0};
    struct identity_row row = {0};
    struct identity_key tracked = session_key(&r->session, from);
    bool found = false;
    if (!identities_get(r->session.db, &row, &found, &tracked, err) || !onchain_read(chain, &on, from, ETH_AT_LATEST, err))
        return false;
    struct source_settings source = source_settings_of(r->session.cfg, row.source);
    if (!source.spec)
        return err_set(err, ERR_USAGE, "rotate wants FILE, or a source: --source, source in [source], or track --source");
    struct challenge c = {
        .call = CALL_REATTEST,
        .profile = chain->profile,
        .chain_id = chain->chain_id,
        .registry = chain->registry,
        .nonce = on.nonce,
        .identity_hash = identity_hash(&key->identity, chain->profile),
        .public_key = key->identity.key,
    };
    extra_data_build(c.extra_data, &(struct tail_binding){.time_s = clock_now_s(), .chain_id = c.chain_id, .registry = c.registry,
                                                          .identity_hash = c.identity_hash, .call = c.call});
    return source_fetch(out, NULL, &source, &c, err);
}

static bool carries(const struct bundle *bundle, struct hash32 to, enum profile profile, struct err *err)
{
    char hex[65];
    if (!bundle->identity.present)
        return err_set(err, ERR_REFUSED, "the evidence names no identity key");
    struct hash32 theirs = identity_hash(&bundle->identity, profile);
    return hash32_eq(theirs, to) || err_set(err, ERR_REFUSED, "the evidence carries another identity (0x%s) than the new key's",
                                            hex_encode(hex, BYTES_OF(theirs)));
}

bool rotate_begin(struct relay *r, struct bundle *out, struct hash32 from, struct err *err)
{
    AUTO(key_file_done) struct key_file key = {0};
    AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX);
    AUTO(input_done) struct input in = {0};
    AUTO(bundle_done) struct bundle bundle = {0};
    enum profile profile = r->session.chain.profile;
    if (!next_key(r, &key, from, err))
        return false;
    struct hash32 to = identity_hash(&key.identity, profile);
    if (!note_begun(&r->session, from, to, err) || !ask(r, &raw, &key, from, err) || !input_open(&in, buf_view(&raw), INPUT_UNKNOWN, err) ||
        !input_bundle(&bundle, &in, err) || !carries(&bundle, to, profile, err))
        return err_wrap(err, "rotation");
    *out = bundle;
    bundle = (struct bundle){0};
    return true;
}
