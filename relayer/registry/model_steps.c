/* The registry's steps, in its order. A step is what the contract does between two points where the caller could tell
 * the difference; its rows are the errors it raises. The lists at the end say which steps make up which call in which
 * generation: G1a judges the PCR events before the extra data, G1c signs and counts, G1b does neither. registry-v1 5,
 * 6, 11. */
#include "relayer/registry/model_steps.h"

#include "abi/lax.h"
#include "crypto/base/auto.h"
#include "crypto/keccak.h"
#include "relayer/evidence/identity.h"

bool readable(struct run *r, const struct abi_value *v)
{
    switch (abi_first_fault(v)) {
    case ABI_READABLE:
        return true;
    case ABI_UNREADABLE:
        return stop_empty(&r->x);
    case ABI_ALLOCATION:
        return stop_panic(&r->x, PANIC_MEMORY);
    }
    return false;
}

/* --- entry --- */

static const struct model_row value_rows[] = {{"(empty)", NULL, "2", ""}, END};
static bool step_value(struct run *r)
{
    return !r->call->with_value || stop_empty(&r->x);
}

static const struct model_row entry_rows[] = {{"(empty)", NULL, "1, 17", "input.format"}, END};

static bool entry_attest(struct run *r)
{
    const struct abi_value *a = r->args.item;
    uint64_t cloud = abi_low_u64(&a[0]), tee = abi_low_u64(&a[1]), type = abi_low_u64(&a[2]);
    if (cloud > CLOUD_AZURE || tee > TEE_SNP || type > REPORT_ZK_RISC0)
        return stop_empty(&r->x);
    r->cloud_arg = (unsigned)cloud;
    r->tee_arg = (unsigned)tee;
    r->report_type = (unsigned)type;
    r->report = a[3].data;
    r->wc = &a[is_g1a(r) ? 4 : is_g1c(r) ? 6 : 5];
    r->identity_arg = is_g1a(r) ? wc(r, WC_IDENTITY) : &a[4];
    if (is_g1c(r))
        r->signatures[0] = a[5].data;
    return true;
}

static bool entry_reattest(struct run *r)
{
    const struct abi_value *a = r->args.item;
    r->id_arg = abi_hash32(&a[0]);
    r->wc = &a[is_g1a(r) ? 2 : 3];
    r->identity_arg = is_g1a(r) ? wc(r, WC_IDENTITY) : &a[2];
    if (!is_g1c(r))
        r->signatures[0] = a[1].data;
    return true;
}

static bool entry_set_ttl(struct run *r)
{
    const struct abi_value *a = r->args.item;
    r->id_arg = abi_hash32(&a[0]);
    r->tee_ttl_s = abi_low_u64(&a[1]);
    r->tpm_ttl_s = abi_low_u64(&a[2]);
    r->signatures[0] = a[3].data;
    return true;
}

static bool step_entry(struct run *r)
{
    if (r->args.fault)
        return stop_empty(&r->x);
    switch (r->out->kind) {
    case CALL_ATTEST:
        return entry_attest(r);
    case CALL_REATTEST:
        return entry_reattest(r);
    case CALL_SET_TTL:
        return entry_set_ttl(r);
    case CALL_NONE:
        break;
    }
    return false;
}

/* --- the identity of the call --- */

static uint16_t u16(const struct abi_value *v)
{
    return (uint16_t)abi_low_u64(v);
}

static struct contract_key key_of(const struct run *r)
{
    const struct abi_value *v = r->identity_arg->item;
    if (is_g1a(r)) /* (sigScheme, curve, hashAlgo, data) */
        return (struct contract_key){
            .scheme = u16(&v[0]), .params = u16(&v[1]), .hash_algo = u16(&v[2]), .data = v[3].data};
    return (struct contract_key){.algo = u16(&v[0].item[0]), /* ((algo, params, data), (scheme, hashAlgo)) */
                                 .params = u16(&v[0].item[1]),
                                 .data = v[0].item[2].data,
                                 .scheme = u16(&v[1].item[0]),
                                 .hash_algo = u16(&v[1].item[1])};
}

static struct hash32 key_hash(const struct contract_key *k)
{
    const uint16_t numbers[3] = {k->scheme, k->params, k->hash_algo};
    struct keccak state;
    keccak_init(&state);
    for (size_t i = 0; i < 3; i++) {
        uint8_t be[2] = {(uint8_t)(numbers[i] >> 8), (uint8_t)numbers[i]};
        keccak_update(&state, BYTES(be));
    }
    keccak_update(&state, k->data);
    return keccak_final(&state);
}

static const struct model_row identity_rows[] = {
    {"(empty)", NULL, "17", "input.format"}, {"Panic(uint256)", NULL, "17", "input.format"}, END};
static bool step_identity(struct run *r)
{
    if (!readable(r, r->identity_arg))
        return false;
    r->identity = key_of(r);
    r->id = key_hash(&r->identity);
    r->out->id = r->id;
    return true;
}

static bool named(uint16_t alg)
{
    return alg != 0 && alg != ALG_NULL;
}

static const struct model_row sanity_rows[] = {{"CVM_IDENTITY_INVALID()", NULL, "5", "identity.key"}, END};
static bool step_sanity(struct run *r)
{
    const struct contract_key *k = &r->identity;
    return (named(k->algo) && k->data.len && named(k->scheme) && named(k->hash_algo)) ||
           stop_error(&r->x, "CVM_IDENTITY_INVALID()");
}

/* --- messages --- */

static bool signed_message(struct run *r, enum message_kind kind, const struct contract_key *key,
                           struct bytes signature, uint64_t nonce)
{
    AUTO(buf_done) struct buf text = buf_new(1 << 10);
    struct message m = {.kind = kind,
                        .profile = r->call->profile,
                        .wide_chain_id = !is_g1a(r) || r->call->wide_chain_id,
                        .chain_id = r->call->chain_id,
                        .registry = r->call->registry,
                        .nonce = nonce,
                        .tee_ttl_s = r->tee_ttl_s,
                        .tpm_ttl_s = r->tpm_ttl_s};
    bool ok = false;
    if (kind == MSG_REATTEST)
        m.quote_sha256 = sha256(wc(r, WC_QUOTE)->data);
    if (!message_build(&text, &m, NULL))
        return stop_unknown(&r->x, "no memory");
    if (!identity_verify(&r->x, &ok, key, buf_view(&text), signature))
        return false;
    return ok || stop_error(&r->x, "INVALID_SIGNATURE()");
}

#define SIGNING_ROWS                                                                                                   \
    {"INVALID_SIGNATURE()", NULL, "4", "identity.signature"},                                                          \
        {"UnsupportedHashAlgorithm(uint16)", NULL, "4", "identity.key"},                                               \
        {"UNSUPPORTED_HASH_ALGORITHM(uint16)", NULL, "4", "identity.key"},                                             \
        {"UnsupportedSignatureAlgorithm(uint16)", NULL, "4", "identity.key"},                                          \
        {"NotEcPublicKey()", NULL, "4", "identity.key"}, {"NotRsaPublicKey()", NULL, "4", "identity.key"},             \
        {"CompressedPublicKeyNotSupported()", NULL, "4", "identity.key"},                                              \
        {"IncorrectSignatureLength()", NULL, "4", "identity.signature"},                                               \
        {"InvalidRsaPubkeyFormat()", NULL, "4", "identity.key"},                                                       \
        {"InvalidRsaModulusSize()", NULL, "4", "identity.key"},                                                        \
        {"InvalidRsaExponentSize()", NULL, "4", "identity.key"}, {"RsaModulusNotOdd()", NULL, "4", "identity.key"},    \
        {"Error(string)", NULL, "4", "identity.key"}, {"Panic(uint256)", NULL, "4", "identity.key"},                   \
        {"Asn1IndexOutOfBounds()", NULL, "4", "identity.key"},                                                         \
        {"Asn1NotConstructedType()", NULL, "4", "identity.key"},                                                       \
        {"Asn1LengthCannotBeZero()", NULL, "4", "identity.key"},                                                       \
        {"Asn1InvalidLengthBytes()", NULL, "4", "identity.key"},                                                       \
    {                                                                                                                  \
        "Asn1ContentLengthOutOfBounds()", NULL, "4", "identity.key"                                                    \
    }

static const struct model_row signing_rows[] = {SIGNING_ROWS, {"(empty)", NULL, "17", "input.format"}, END};

/* G1c: whoever names an identity holds its key */
static bool step_ownership(struct run *r)
{
    const struct kept_identity *found = registry_state_find(r->state, r->id);
    r->kept = found ? *found : (struct kept_identity){.id = r->id};
    return signed_message(r, MSG_IDENTITY_CHECK, &r->identity, r->signatures[0], r->kept.nonce++);
}

/* --- what is stored --- */

static bool step_lookup(struct run *r)
{
    const struct kept_identity *found = registry_state_find(r->state, r->id);
    uint64_t nonce = r->kept.nonce; /* G1c has counted already */
    r->known = kept_is_registered(found);
    r->kept = found ? *found : (struct kept_identity){0};
    r->kept.id = r->id;
    if (is_g1c(r))
        r->kept.nonce = nonce;
    if (!r->known) {
        r->kept.tee_type = r->tee_arg;
        r->kept.cloud_type = r->cloud_arg;
        r->kept.tee_ttl_s = DEFAULT_TEE_TTL_S;
        r->kept.tpm_ttl_s = DEFAULT_TPM_TTL_S;
    }
    r->tee_type = r->kept.tee_type;
    r->cloud_type = r->kept.cloud_type;
    return true;
}

static const struct model_row registered_rows[] = {{"CVM_NOT_REGISTERED()", NULL, "11", ""}, END};
static bool step_registered(struct run *r)
{
    const struct kept_identity *found = registry_state_find(r->state, r->id_arg);
    if (!kept_is_registered(found))
        return stop_error(&r->x, "CVM_NOT_REGISTERED()");
    r->kept = *found;
    r->tee_type = found->tee_type;
    r->cloud_type = found->cloud_type;
    r->out->id = r->id_arg;
    return true;
}

/* block.timestamp - recent < TTL; the difference stops the contract when it is negative */
static bool fresh(struct run *r, bool *yes, uint64_t recent_s, uint64_t ttl_s)
{
    if (r->call->block_time_s < recent_s)
        return stop_panic(&r->x, PANIC_OVERFLOW);
    *yes = r->call->block_time_s - recent_s < ttl_s;
    return true;
}

static const struct model_row tee_fresh_rows[] = {
    {"TEE_COLLATERAL_EXPIRED()", NULL, "11", ""}, {"Panic(uint256)", NULL, "11", ""}, END};
static bool step_tee_fresh(struct run *r)
{
    bool yes = false;
    return fresh(r, &yes, r->kept.tee_recent_s, r->kept.tee_ttl_s) &&
           (yes || stop_error(&r->x, "TEE_COLLATERAL_EXPIRED()"));
}

static const struct model_row both_fresh_rows[] = {{"TEE_COLLATERAL_EXPIRED()", NULL, "11", ""},
                                                   {"TPM_COLLATERAL_EXPIRED()", NULL, "11", ""},
                                                   {"Panic(uint256)", NULL, "11", ""},
                                                   END};
static bool step_both_fresh(struct run *r)
{
    bool tee = false, tpm = false;
    if (!fresh(r, &tee, r->kept.tee_recent_s, r->kept.tee_ttl_s) ||
        !fresh(r, &tpm, r->kept.tpm_recent_s, r->kept.tpm_ttl_s))
        return false;
    if (!tee)
        return stop_error(&r->x, "TEE_COLLATERAL_EXPIRED()");
    return tpm || stop_error(&r->x, "TPM_COLLATERAL_EXPIRED()");
}

/* --- signatures over a re-attestation and a TTL --- */

static bool step_reattest_signature(struct run *r)
{
    struct contract_key key = unkept(&r->kept.key);
    if (r->x.legacy && key.hash_algo != ALG_SHA256) /* before the message is made */
        return stop_error_words(&r->x, "UNSUPPORTED_HASH_ALGORITHM(uint16)", (struct hash32[]){word_of(key.hash_algo)},
                                1);
    if (!readable(r, wc(r, WC_QUOTE)))
        return false;
    if (is_g1c(r)) {
        const struct abi_value *pair = &r->args.item[1];
        if (!readable(r, &pair->item[0]))
            return false;
        r->signatures[0] = pair->item[0].data;
    }
    return signed_message(r, MSG_REATTEST, &key, r->signatures[0], r->kept.nonce++);
}

static bool step_ttl_signature(struct run *r)
{
    struct contract_key key = unkept(&r->kept.key);
    return signed_message(r, MSG_TTL, &key, r->signatures[0], r->kept.nonce++);
}

/* --- ends --- */

static bool step_store_attest(struct run *r)
{
    struct kept_identity *k = &r->kept;
    k->key = kept(&r->identity);
    k->tee_output = r->tee_output;
    k->tee_recent_s = k->tpm_recent_s = r->call->block_time_s;
    k->measurement_hash = r->golden.hash;
    k->ak = is_g1a(r) ? (struct kept_key){0} : kept(&r->ak);
    return add_event(r, "CVMUpdated", r->id);
}

static const struct model_row rotation_rows[] = {
    {"CVM_IDENTITY_INVALID()", NULL, "11", "identity.key"},
    {"INVALID_TPM_DATA_LENGTH()", NULL, "3", "binding.identity"},
    {"CVM_IDENTITY_MISMATCH(bytes32,bytes32)", NULL, "11", "binding.identity"},
    {"CVM_IDENTITY_ALREADY_REGISTERED()", NULL, "11", ""},
    SIGNING_ROWS,
    {"(empty)", NULL, "3, 17", "binding.identity"},
    END};

/* G1c: the target must be free, and its key must sign. */
static bool step_rotation_ownership(struct run *r)
{
    const struct abi_value *second = &r->args.item[1].item[1];
    const struct kept_identity *found = registry_state_find(r->state, r->id);
    if (kept_is_registered(found))
        return stop_error(&r->x, "CVM_IDENTITY_ALREADY_REGISTERED()");
    if (!readable(r, second) || !step_sanity(r))
        return false;
    return signed_message(r, MSG_IDENTITY_CHECK, &r->identity, second->data, found ? found->nonce : 0);
}

static bool step_rotation(struct run *r)
{
    struct hash32 actual;
    if (!step_identity(r))
        return false;
    r->out->id = r->id_arg;
    r->rotates = !hash32_eq(r->id, r->id_arg);
    if (!r->rotates)
        return true;
    if (r->call->profile == PROFILE_G1B && !step_sanity(r))
        return false;
    if (!extra_id(r, &actual))
        return false;
    if (!hash32_eq(actual, r->id))
        return stop_error_words(&r->x, "CVM_IDENTITY_MISMATCH(bytes32,bytes32)", (struct hash32[]){actual, r->id}, 2);
    return !is_g1c(r) || step_rotation_ownership(r);
}

static bool step_store_reattest(struct run *r)
{
    struct kept_identity *k = &r->kept;
    k->measurement_hash = r->golden.hash;
    k->tpm_recent_s = r->call->block_time_s;
    r->out->id = r->rotates ? r->id : r->id_arg;
    return add_event(r, "CVMUpdated", r->out->id);
}

static bool step_store_ttl(struct run *r)
{
    r->kept.tee_ttl_s = r->tee_ttl_s;
    r->kept.tpm_ttl_s = r->tpm_ttl_s;
    return add_event(r, "CVMTTLUpdated", r->id_arg);
}

/* --- which call is made of which steps --- */

#define STEP(name, fn, rows) static const struct model_step name = {#name, fn, rows}
STEP(value, step_value, value_rows);
STEP(entry, step_entry, entry_rows);
STEP(identity, step_identity, identity_rows);
STEP(identity_sanity, step_sanity, sanity_rows);
STEP(identity_ownership, step_ownership, signing_rows);
STEP(lookup, step_lookup, NO_ROWS);
STEP(registered, step_registered, registered_rows);
STEP(tee_fresh, step_tee_fresh, tee_fresh_rows);
STEP(both_fresh, step_both_fresh, both_fresh_rows);
STEP(reattest_signature, step_reattest_signature, signing_rows);
STEP(ttl_signature, step_ttl_signature, signing_rows);
STEP(rotation, step_rotation, rotation_rows);
STEP(store_attest, step_store_attest, NO_ROWS);
STEP(store_reattest, step_store_reattest, NO_ROWS);
STEP(store_ttl, step_store_ttl, NO_ROWS);

/* This G1a verifier checks no TPM signature and no certificate here (registry-v1 6, 4). */
static const struct model_step *const attest_g1a[] = {&value,          &entry,         &identity,      &lookup,
                                                      &at_collaterals, &at_tee_type,   &at_tee_report, &at_tee_fields,
                                                      &at_report_data, &at_var_data,   &at_pcrs,       &at_report_id,
                                                      &at_measurement, &at_extra_data, &store_attest,  NULL};
static const struct model_step *const attest_g1b[] = {
    &value,         &entry,         &identity,       &identity_sanity, &lookup,      &at_collaterals,   &at_tee_type,
    &at_tee_report, &at_tee_fields, &at_report_data, &at_var_data,     &at_ak_chain, &at_tpm_signature, &at_pcrs,
    &at_report_id,  &at_extra_data, &at_measurement, &store_attest,    NULL};
static const struct model_step *const attest_g1c[] = {&value,
                                                      &entry,
                                                      &identity,
                                                      &identity_sanity,
                                                      &identity_ownership,
                                                      &lookup,
                                                      &at_collaterals,
                                                      &at_tee_type,
                                                      &at_tee_report,
                                                      &at_tee_fields,
                                                      &at_report_data,
                                                      &at_var_data,
                                                      &at_ak_chain,
                                                      &at_tpm_signature,
                                                      &at_pcrs,
                                                      &at_report_id,
                                                      &at_report_used,
                                                      &at_extra_data,
                                                      &at_measurement,
                                                      &store_attest,
                                                      NULL};
static const struct model_step *const reattest_g1a[] = {&value,          &entry,
                                                        &registered,     &reattest_signature,
                                                        &at_call_ak,     &at_tpm_signature,
                                                        &at_pcrs,        &at_stored_fields,
                                                        &at_measurement, &rotation,
                                                        &store_reattest, NULL};
static const struct model_step *const reattest_g1b[] = {&value,          &entry,
                                                        &registered,     &reattest_signature,
                                                        &at_pinned_ak,   &at_tpm_signature,
                                                        &at_pcrs,        &at_stored_fields,
                                                        &at_measurement, &rotation,
                                                        &store_reattest, NULL};
static const struct model_step *const reattest_g1c[] = {&value,
                                                        &entry,
                                                        &registered,
                                                        &tee_fresh,
                                                        &reattest_signature,
                                                        &at_pinned_ak,
                                                        &at_tpm_signature,
                                                        &at_pcrs,
                                                        &at_stored_fields,
                                                        &at_measurement,
                                                        &rotation,
                                                        &store_reattest,
                                                        NULL};
static const struct model_step *const ttl_g1a[] = {&value, &entry, &registered, &ttl_signature, &store_ttl, NULL};
static const struct model_step *const ttl_g1b[] = {&value,         &entry,     &registered, &both_fresh,
                                                   &ttl_signature, &store_ttl, NULL};

const struct model_step *const *model_steps(enum profile profile, enum call_kind kind)
{
    static const struct model_step *const *const calls[PROFILE_G1C + 1][CALL_SET_TTL + 1] = {
        [PROFILE_G1A] = {NULL, attest_g1a, reattest_g1a, ttl_g1a},
        [PROFILE_G1B] = {NULL, attest_g1b, reattest_g1b, ttl_g1b},
        [PROFILE_G1C] = {NULL, attest_g1c, reattest_g1c, ttl_g1b},
    };
    return profile <= PROFILE_G1C && kind <= CALL_SET_TTL ? calls[profile][kind] : NULL;
}
