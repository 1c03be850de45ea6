#include "relayer/registry/calldata.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/identity.h"

#include <ctype.h>

#define PROOF_TYPE   "((bytes,bytes))"
#define JOURNAL_TYPE "((uint8,uint64,uint8,bytes,bytes32[],uint160[],uint8))"

enum { MAX_CLOUD = CLOUD_AZURE, MAX_TEE = TEE_SNP, MAX_REPORT_TYPE = REPORT_ZK_RISC0 };

unsigned profile_generation(enum profile profile)
{
    switch (profile) {
    case PROFILE_NONE:
        return ABI_G1;
    case PROFILE_G1A:
        return ABI_G1A;
    case PROFILE_G1B:
        return ABI_G1B;
    case PROFILE_G1C:
        return ABI_G1C;
    }
    return 0;
}

/* setCollateralTTL is the same in all three: the one that must work then. */
static enum profile profile_of(const struct abi_call *call)
{
    if (call->generations & ABI_G1B)
        return PROFILE_G1B;
    return call->generations & ABI_G1A ? PROFILE_G1A : PROFILE_G1C;
}

static enum call_kind kind_of(const struct abi_call *call)
{
    for (enum call_kind k = CALL_ATTEST; k <= CALL_SET_TTL; k++)
        if (strcmp(call_name(k), call->name) == 0)
            return k;
    return CALL_NONE;
}

bool calldata_recognise(struct bytes in)
{
    return abi_call_by_selector(in) != NULL;
}

/* --- files --- */

static struct bytes trim(struct bytes text)
{
    while (text.len && isspace(text.p[text.len - 1]))
        text.len--;
    while (text.len && isspace(text.p[0]))
        text = bytes_sub(text, 1, text.len - 1);
    return text;
}

static bool from_agent_json(struct buf *out, struct bytes text, struct err *err)
{
    json_error_t why;
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!doc)
        return err_set(err, ERR_FORMAT, "JSON: %s", why.text);
    const char *base64 = json_string_value(json_object_get(doc, "calldata"));
    if (!base64)
        return err_set(err, ERR_FORMAT, "JSON object without a text member \"calldata\"");
    struct bytes b = trim(bytes_str(base64));
    return base64_decode(out, b, err) || err_wrap(err, "calldata");
}

bool calldata_from_file(struct buf *out, struct bytes file, struct err *err)
{
    if (calldata_recognise(file)) {
        buf_put(out, file);
        return buf_finish(out, err);
    }
    struct bytes text = trim(file);
    size_t before = out->len;
    if (text.len && text.p[0] == '{')
        return from_agent_json(out, text, err);
    if (text.len && (hex_decode(out, text, NULL) || base64_decode(out, text, NULL)) &&
        calldata_recognise(bytes_sub(buf_view(out), before, out->len - before)))
        return true;
    out->len = before;
    return err_set(err, ERR_FORMAT,
                   "no registry calldata: want raw bytes, hex, base64 or {\"calldata\": base64} that begin "
                   "with a known selector");
}

/* --- decoding --- */

static bool decode_as(struct abi_value *out, struct arena *mem, const char *type_text, struct bytes data,
                      struct err *err)
{
    AUTO(arena_done) struct arena types = arena_new(1 << 14);
    const struct abi_type *type;
    return abi_type_parse(&type, &types, bytes_str(type_text), err) && abi_decode_strict(out, mem, type, data, err);
}

static bool take_enum(unsigned *out, const struct abi_value *v, unsigned max, const char *what, struct err *err)
{
    uint64_t n = abi_low_u64(v);
    if (n > max)
        return err_set(err, ERR_FORMAT, "%s is %u, its last member is %u", what, (unsigned)n, max);
    *out = (unsigned)n;
    return true;
}

static bool take_index(uint32_t *out, const uint8_t *word, const char *what, struct err *err)
{
    uint64_t n;
    if (!abi_u64(&n, word) || n > UINT32_MAX)
        return err_set(err, ERR_FORMAT, "%s is beyond 32 bits", what);
    *out = (uint32_t)n;
    return true;
}

static bool take_pcr(struct bundle_pcr *out, struct bundle *b, const struct abi_value *v, struct err *err)
{
    const struct abi_value *f = v->item; /* index, pcr, allEvents, measureEventsIdx, measurePcr */
    struct bundle_pcr p = {
        .bank = HASH_SHA256, .value = f[1].data, .num_events = f[2].count, .num_measured = f[3].count};
    if (p.num_events > BUNDLE_MAX_EVENTS || p.num_measured > BUNDLE_MAX_EVENTS)
        return err_set(err, ERR_FORMAT, "more than %d events", BUNDLE_MAX_EVENTS);
    p.events = arena_alloc(&b->mem, p.num_events + 1, sizeof *p.events);
    p.measured = arena_alloc(&b->mem, p.num_measured + 1, sizeof *p.measured);
    if (!p.events || !p.measured)
        return err_set(err, ERR_NOMEM, "no memory");
    if (p.num_events)
        memcpy(p.events, f[2].data.p, f[2].data.len);
    for (size_t i = 0; i < p.num_measured; i++)
        if (!take_index(&p.measured[i], abi_word(&f[3], i), "measured event index", err))
            return false;
    p.measure_value = abi_bool(&f[4]);
    if (!take_index(&p.index, f[0].data.p, "index", err))
        return false;
    *out = p;
    return true;
}

static bool take_pcrs(struct bundle *b, const struct abi_value *v, struct err *err)
{
    if (v->count > BUNDLE_MAX_PCRS)
        return err_set(err, ERR_FORMAT, "pcrs: %zu, more than %d", v->count, BUNDLE_MAX_PCRS);
    b->pcrs = arena_alloc(&b->mem, v->count + 1, sizeof *b->pcrs);
    if (!b->pcrs)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < v->count; i++)
        if (!take_pcr(&b->pcrs[i], b, &v->item[i], err))
            return err_wrap(err, "pcrs[%zu]", i);
    b->num_pcrs = v->count;
    return true;
}

static bool take_certs(struct bundle *b, const struct abi_value *v, struct err *err)
{
    if (v->count > BUNDLE_MAX_CERTS)
        return err_set(err, ERR_FORMAT, "certs: %zu, more than %d", v->count, BUNDLE_MAX_CERTS);
    b->ak_certs = arena_alloc(&b->mem, v->count + 1, sizeof *b->ak_certs);
    if (!b->ak_certs)
        return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < v->count; i++)
        b->ak_certs[i] = v->item[i].data;
    b->num_ak_certs = v->count;
    return true;
}

static bool is_p256(const struct identity *id)
{
    return id->algo == ALG_ECC && id->params == CURVE_P256;
}

/* The key in its own form; what is not the profile's canonical form of one is kept as it stands beside it. */
static void take_key(struct identity *id, struct bytes data, enum profile profile)
{
    id->key = data;
    if (!is_p256(id)) {
        id->raw = (struct bytes){0};
    } else if (profile == PROFILE_G1A) {
        id->raw = data.len == 64 ? (struct bytes){0} : data;
    } else if (data.len == 65 && data.p[0] == 0x04) {
        id->key = bytes_sub(data, 1, 64);
    } else {
        id->raw = data;
    }
}

static void take_pubkey_g1a(struct identity *id, const struct abi_value *v)
{
    const struct abi_value *f = v->item; /* sigScheme, curve, hashAlgo, data */
    *id = (struct identity){.present = true,
                            .scheme = (uint16_t)abi_low_u64(&f[0]),
                            .params = (uint16_t)abi_low_u64(&f[1]),
                            .hash_algo = (uint16_t)abi_low_u64(&f[2])};
    id->algo = id->scheme == ALG_ECDSA ? ALG_ECC : id->scheme == ALG_RSASSA ? ALG_RSA : 0;
    take_key(id, f[3].data, PROFILE_G1A);
}

static void take_identity(struct identity *id, const struct abi_value *v)
{
    const struct abi_value *key = v->item[0].item,
                           *sig = v->item[1].item; /* (algo, params, data), (scheme, hashAlgo) */
    *id = (struct identity){.present = true,
                            .algo = (uint16_t)abi_low_u64(&key[0]),
                            .params = (uint16_t)abi_low_u64(&key[1]),
                            .scheme = (uint16_t)abi_low_u64(&sig[0]),
                            .hash_algo = (uint16_t)abi_low_u64(&sig[1])};
    take_key(id, key[2].data, PROFILE_G1B);
}

static bool take_collaterals(struct bundle *b, const struct abi_value *v, enum profile profile, struct err *err)
{
    const struct abi_value *f = v->item; /* tpmQuote, tpmSignature, pcrs, reportId, akPub, certs[, cvmIdentity] */
    b->quote = f[0].data;
    b->signature = f[1].data;
    b->report_id = f[3].data;
    b->ak_var_data = f[4].data;
    if (profile == PROFILE_G1A)
        take_pubkey_g1a(&b->identity, &f[6]);
    return take_pcrs(b, &f[2], err) && take_certs(b, &f[5], err);
}

static bool is_zk(enum report_type t)
{
    return t == REPORT_ZK_SUCCINCT || t == REPORT_ZK_RISC0;
}

static bool take_report(struct bundle *b, struct bytes report, struct err *err)
{
    struct abi_value v;
    b->has_report = true;
    b->report = report;
    if (!is_zk(b->report_type))
        return true;
    if (!decode_as(&v, &b->mem, PROOF_TYPE, report, err))
        return err_wrap(err, "teeAttestationReport as a zero-knowledge proof");
    b->report = v.item[0].item[0].data;
    b->zk_proof = v.item[0].item[1].data;
    return true;
}

static void take_signature(struct bundle *b, struct bytes signature)
{
    b->call.signatures[b->call.num_signatures++] = signature;
}

static bool take_attest(struct bundle *b, const struct abi_value *a, struct err *err)
{
    enum profile profile = b->call.profile;
    unsigned cloud = 0, tee = 0, type = 0;
    if (!take_enum(&cloud, &a[0], MAX_CLOUD, "cloudType", err) || !take_enum(&tee, &a[1], MAX_TEE, "teeType", err) ||
        !take_enum(&type, &a[2], MAX_REPORT_TYPE, "teeReportType", err))
        return false;
    b->cloud = (enum cloud)cloud;
    b->tee = (enum tee_type)tee;
    b->report_type = (enum report_type)type;
    if (!take_report(b, a[3].data, err))
        return false;
    if (profile == PROFILE_G1A)
        return take_collaterals(b, &a[4], profile, err);
    take_identity(&b->identity, &a[4]);
    if (profile == PROFILE_G1C)
        take_signature(b, a[5].data);
    return take_collaterals(b, profile == PROFILE_G1C ? &a[6] : &a[5], profile, err);
}

static bool take_reattest(struct bundle *b, const struct abi_value *a, struct err *err)
{
    enum profile profile = b->call.profile;
    b->call.id = abi_hash32(&a[0]);
    if (profile == PROFILE_G1C) {
        take_signature(b, a[1].item[0].data);
        take_signature(b, a[1].item[1].data);
    } else {
        take_signature(b, a[1].data);
    }
    if (profile == PROFILE_G1A)
        return take_collaterals(b, &a[2], profile, err);
    take_identity(&b->identity, &a[2]);
    return take_collaterals(b, &a[3], profile, err);
}

static bool take_set_ttl(struct bundle *b, const struct abi_value *a)
{
    b->call.id = abi_hash32(&a[0]);
    b->call.tee_ttl_s = abi_low_u64(&a[1]);
    b->call.tpm_ttl_s = abi_low_u64(&a[2]);
    take_signature(b, a[3].data);
    return true;
}

static bool take_call(struct bundle *b, const struct abi_value *args, struct err *err)
{
    switch (b->call.kind) {
    case CALL_ATTEST:
        return take_attest(b, args, err);
    case CALL_REATTEST:
        return take_reattest(b, args, err);
    case CALL_SET_TTL:
        return take_set_ttl(b, args);
    case CALL_NONE:
        break;
    }
    return err_set(err, ERR_FORMAT, "carries no evidence");
}

bool bundle_from_calldata(struct bundle *out, struct bytes calldata, struct err *err)
{
    const struct abi_call *call = abi_call_by_selector(calldata);
    if (!call)
        return err_set(err, ERR_FORMAT, "calldata: unknown selector");
    if (!(call->generations & ABI_G1))
        return err_set(err, ERR_FORMAT, "calldata: %s of a registry of %s, which is not supported", call->name,
                       abi_generation_name(call->generations));
    AUTO(bundle_done) struct bundle b = bundle_new();
    bool ok = true;
    struct bytes own = arena_copy(&b.mem, calldata, &ok);
    struct abi_value args;
    if (!ok)
        return err_set(err, ERR_NOMEM, "calldata: more than %zu bytes", b.mem.max);
    if (!abi_decode_call(&args, &b.mem, call, own, err))
        return false;
    b.call.kind = kind_of(call);
    b.call.profile = profile_of(call);
    if (!take_call(&b, args.item, err))
        return err_wrap(err, "%s", call->name);
    *out = b;
    b = (struct bundle){0};
    return true;
}

/* --- zero-knowledge output --- */

/* Number without leading zeros; 0 is one zero byte. */
static struct bytes minimal(const uint8_t *word)
{
    size_t skip = 0;
    while (skip < ABI_WORD - 1 && word[skip] == 0)
        skip++;
    return bytes_from(word + skip, ABI_WORD - skip);
}

bool snp_journal_decode(struct snp_journal *out, struct bytes output, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    struct abi_value v;
    if (!decode_as(&v, &mem, JOURNAL_TYPE, output, err))
        return err_wrap(err, "VerifierJournal");
    const struct abi_value *f = v.item[0].item;
    if (f[4].count > SNP_JOURNAL_MAX_CERTS || f[5].count > SNP_JOURNAL_MAX_CERTS)
        return err_set(err, ERR_FORMAT, "VerifierJournal: %zu certificates, %zu serials; at most %d", f[4].count,
                       f[5].count, SNP_JOURNAL_MAX_CERTS);
    struct snp_journal j = {.result = (uint8_t)abi_low_u64(&f[0]),
                            .timestamp_s = abi_low_u64(&f[1]),
                            .processor_model = (uint8_t)abi_low_u64(&f[2]),
                            .raw_report = f[3].data,
                            .num_certs = f[4].count,
                            .num_serials = f[5].count,
                            .trusted_prefix_len = (uint8_t)abi_low_u64(&f[6])};
    if (j.num_certs)
        memcpy(j.certs, f[4].data.p, f[4].data.len);
    for (size_t i = 0; i < j.num_serials; i++)
        j.serials[i] = minimal(abi_word(&f[5], i));
    *out = j;
    return true;
}
