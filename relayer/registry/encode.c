/* The bundle as a call: the mirror of calldata.c. */
#include "relayer/registry/calldata.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/identity.h"

#define PROOF_TYPE "((bytes,bytes))"

struct encoder {
    const struct bundle *b;
    enum profile profile;
    struct arena mem; /* the value tree, and bytes that the bundle does not hold as they are needed */
    struct err *err;
};

static struct abi_value num(struct encoder *e, uint64_t v)
{
    return abi_from_u64(&e->mem, v);
}

static struct abi_value pcr_value(struct encoder *e, const struct bundle_pcr *p)
{
    struct abi_value v = abi_new_list(&e->mem, 5);
    uint8_t *indices = arena_alloc(&e->mem, p->num_measured + 1, ABI_WORD);
    if (!v.item || !indices)
        return (struct abi_value){0};
    for (size_t i = 0; i < p->num_measured; i++)
        for (size_t k = 0; k < 4; k++)
            indices[i * ABI_WORD + 28 + k] = (uint8_t)(p->measured[i] >> (24 - 8 * k));
    v.item[0] = num(e, p->index);
    v.item[1] = abi_from_fixed(&e->mem, p->value);
    v.item[2] = abi_from_words(bytes_from(p->events, p->num_events * sizeof *p->events));
    v.item[3] = abi_from_words(bytes_from(indices, p->num_measured * ABI_WORD));
    v.item[4] = num(e, p->measure_value);
    return v;
}

static bool pcrs_value(struct abi_value *out, struct encoder *e)
{
    *out = abi_new_list(&e->mem, e->b->num_pcrs);
    for (size_t i = 0; i < out->count; i++) {
        const struct bundle_pcr *p = &e->b->pcrs[i];
        if (p->bank != HASH_SHA256 || p->value.len != sizeof(struct hash32))
            return err_set(e->err, ERR_FORMAT, "pcr %u: bank %s, the contract takes sha256 alone", p->index,
                           hash_name(p->bank));
        out->item[i] = pcr_value(e, p);
    }
    return true;
}

static bool key_bytes(struct bytes *out, struct encoder *e)
{
    AUTO(buf_done) struct buf data = buf_new(1 << 16);
    bool ok = true;
    if (!e->b->identity.present)
        return err_set(e->err, ERR_USAGE, "the bundle has no identity");
    if (!identity_chain_data(&data, &e->b->identity, e->profile, e->err))
        return false;
    *out = arena_copy(&e->mem, buf_view(&data), &ok);
    return ok || err_set(e->err, ERR_NOMEM, "no memory");
}

/* (sigScheme, curve, hashAlgo, data) */
static bool pubkey_g1a_value(struct abi_value *out, struct encoder *e)
{
    const struct identity *id = &e->b->identity;
    struct bytes data;
    *out = abi_new_list(&e->mem, 4);
    if (!out->item || !key_bytes(&data, e))
        return false;
    out->item[0] = num(e, id->scheme);
    out->item[1] = num(e, id->params);
    out->item[2] = num(e, id->hash_algo);
    out->item[3] = abi_from_bytes(data);
    return true;
}

/* ((algo, params, data), (scheme, hashAlgo)) */
static bool identity_value(struct abi_value *out, struct encoder *e)
{
    const struct identity *id = &e->b->identity;
    struct bytes data;
    *out = abi_new_list(&e->mem, 2);
    struct abi_value key = abi_new_list(&e->mem, 3), sig = abi_new_list(&e->mem, 2);
    if (!out->item || !key.item || !sig.item || !key_bytes(&data, e))
        return false;
    key.item[0] = num(e, id->algo);
    key.item[1] = num(e, id->params);
    key.item[2] = abi_from_bytes(data);
    sig.item[0] = num(e, id->scheme);
    sig.item[1] = num(e, id->hash_algo);
    out->item[0] = key;
    out->item[1] = sig;
    return true;
}

static bool collaterals_value(struct abi_value *out, struct encoder *e)
{
    const struct bundle *b = e->b;
    *out = abi_new_list(&e->mem, e->profile == PROFILE_G1A ? 7 : 6);
    struct abi_value certs = abi_new_list(&e->mem, b->num_ak_certs);
    if (!out->item || !certs.item || !pcrs_value(&out->item[2], e))
        return false;
    for (size_t i = 0; i < certs.count; i++)
        certs.item[i] = abi_from_bytes(b->ak_certs[i]);
    out->item[0] = abi_from_bytes(b->quote);
    out->item[1] = abi_from_bytes(b->signature);
    out->item[3] = abi_from_bytes(b->report_id);
    out->item[4] = abi_from_bytes(b->ak_var_data);
    out->item[5] = certs;
    return e->profile != PROFILE_G1A || pubkey_g1a_value(&out->item[6], e);
}

/* abi.encode(ZkProof) */
static bool proof_bytes(struct bytes *out, struct encoder *e)
{
    AUTO(buf_done) struct buf data = buf_new(1 << 22);
    struct abi_value args = abi_new_list(&e->mem, 1), proof = abi_new_list(&e->mem, 2);
    const struct abi_type *type;
    bool ok = true;
    if (!args.item || !proof.item || !abi_type_parse(&type, &e->mem, BYTES_LIT(PROOF_TYPE), e->err))
        return false;
    proof.item[0] = abi_from_bytes(e->b->report);
    proof.item[1] = abi_from_bytes(e->b->zk_proof);
    args.item[0] = proof;
    if (!abi_encode(&data, type, &args, e->err))
        return false;
    *out = arena_copy(&e->mem, buf_view(&data), &ok);
    return ok;
}

static bool report_bytes(struct bytes *out, struct encoder *e)
{
    if (!e->b->has_report)
        return err_set(e->err, ERR_USAGE, "the bundle has no TEE report");
    if (e->b->report_type == REPORT_ZK_SUCCINCT || e->b->report_type == REPORT_ZK_RISC0)
        return proof_bytes(out, e);
    *out = e->b->report;
    return true;
}

static struct abi_value signature(const struct encoder *e, size_t i)
{
    const struct bundle_call *call = &e->b->call;
    return abi_from_bytes(i < call->num_signatures ? call->signatures[i] : (struct bytes){0});
}

static bool attest_args(struct abi_value *args, struct encoder *e)
{
    struct bytes report = {0};
    if (!report_bytes(&report, e))
        return false;
    args->item[0] = num(e, e->b->cloud);
    args->item[1] = num(e, e->b->tee);
    args->item[2] = num(e, e->b->report_type);
    args->item[3] = abi_from_bytes(report);
    if (e->profile == PROFILE_G1A)
        return collaterals_value(&args->item[4], e);
    if (e->profile == PROFILE_G1C)
        args->item[5] = signature(e, 0);
    return identity_value(&args->item[4], e) && collaterals_value(&args->item[args->count - 1], e);
}

static bool reattest_args(struct abi_value *args, struct encoder *e)
{
    args->item[0] = abi_from_fixed(&e->mem, BYTES_OF(e->b->call.id));
    args->item[1] = signature(e, 0);
    if (e->profile == PROFILE_G1C) {
        struct abi_value pair = abi_new_list(&e->mem, 2);
        if (!pair.item)
            return false;
        pair.item[0] = signature(e, 0);
        pair.item[1] = signature(e, 1);
        args->item[1] = pair;
    }
    if (e->profile == PROFILE_G1A)
        return collaterals_value(&args->item[2], e);
    return identity_value(&args->item[2], e) && collaterals_value(&args->item[3], e);
}

static bool set_ttl_args(struct abi_value *args, struct encoder *e)
{
    args->item[0] = abi_from_fixed(&e->mem, BYTES_OF(e->b->call.id));
    args->item[1] = num(e, e->b->call.tee_ttl_s);
    args->item[2] = num(e, e->b->call.tpm_ttl_s);
    args->item[3] = signature(e, 0);
    return true;
}

static bool encode(struct buf *out, struct encoder *e, const struct abi_call *call, enum call_kind kind)
{
    static const size_t counts[][PROFILE_G1C + 1] = {
        [CALL_NONE] = {0}, [CALL_ATTEST] = {0, 5, 6, 7}, [CALL_REATTEST] = {0, 3, 4, 4}, [CALL_SET_TTL] = {0, 4, 4, 4}};
    struct abi_value args = abi_new_list(&e->mem, counts[kind][e->profile]);
    bool ok = args.item && (kind == CALL_ATTEST     ? attest_args(&args, e)
                            : kind == CALL_REATTEST ? reattest_args(&args, e)
                                                    : set_ttl_args(&args, e));
    return ok && abi_encode_call(out, call, &args, e->err);
}

bool bundle_to_calldata(struct buf *out, const struct bundle *bundle, enum call_kind kind, enum profile profile,
                        struct err *err)
{
    if (kind == CALL_NONE)
        kind = bundle->call.kind ? bundle->call.kind : CALL_ATTEST;
    if (profile == PROFILE_NONE)
        profile = bundle->call.profile ? bundle->call.profile : PROFILE_G1B;
    const struct abi_call *call = abi_call_find(call_name(kind), profile_generation(profile));
    struct err why = {0};
    struct encoder e = {.b = bundle, .profile = profile, .mem = arena_new(16 << 20), .err = &why};
    size_t before = out->len;
    bool ok = call && encode(out, &e, call, kind);
    arena_done(&e.mem);
    if (ok)
        return true;
    out->len = before;
    if (why.code == ERR_NONE)
        return err_set(err, ERR_NOMEM, "%s: no memory", call_name(kind));
    return err_set(err, why.code, "%s: %s", call_name(kind), why.text);
}
