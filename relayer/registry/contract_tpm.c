/* The TPM contract: signature, quote, PCR list, final measurement, and the registry's report id rule. Sums of lengths
 * are 16-bit numbers there and stop the contract when they overflow; G1a's reads past the end as a slice that reverts,
 * and answers with a text where the newer one stops. registry-v1 8 and 10. */
#include "relayer/registry/contract.h"

#include "abi/u256.h"
#include "crypto/base/auto.h"

enum { PCR_INDEX, PCR_VALUE, PCR_EVENTS, PCR_MEASURED, PCR_FLAG };

/* A refusal: a custom error in the newer contract, a text in the older. */
static bool refuse(struct exec *x, const char **refused, const char *signature, const char *text)
{
    if (!x->legacy)
        return stop_error(x, signature);
    *refused = text;
    return true;
}

/* --- signature --- */

static bool short_signature(struct exec *x)
{
    return x->legacy ? stop_empty(x) : stop_error(x, "TpmSignatureTooShort()");
}

static bool rsa_part(struct exec *x, struct bytes *sig, struct bytes in, size_t size)
{
    if (!x->legacy && (size < 256 || size > 512))
        return stop_error(x, "InvalidRsaSignatureSize()");
    if (x->legacy && size > UINT16_MAX - 6)
        return stop_panic(x, PANIC_OVERFLOW);
    if (in.len < 6 + size)
        return short_signature(x);
    *sig = bytes_sub(in, 6, size);
    return true;
}

static bool ecdsa_part(struct exec *x, uint8_t out[64], struct bytes in, size_t size, const char **refused)
{
    if (!x->legacy && in.len < 40)
        return stop_error(x, "TpmSignatureTooShort()");
    if (size != 32)
        return refuse(x, refused, "InvalidEcdsaSignature()", "Incorrect ECDSA r-value size");
    if (in.len < 40)
        return stop_empty(x);
    if (be16(in.p + 38) != 32)
        return refuse(x, refused, "InvalidEcdsaSignature()", "Incorrect ECDSA s-value size");
    if (in.len < 72)
        return stop_empty(x);
    memcpy(out, in.p + 6, 32);
    memcpy(out + 32, in.p + 40, 32);
    return true;
}

bool tpm_signature_check(struct exec *x, struct bytes quote, struct bytes in, const struct contract_key *ak,
                         const char **refused)
{
    uint8_t raw[64];
    struct bytes sig = BYTES(raw);
    bool ok = false;
    *refused = NULL;
    if (in.len < 6)
        return short_signature(x);
    uint16_t scheme = be16(in.p), size = be16(in.p + 4);
    if (be16(in.p + 2) != ALG_SHA256)
        return refuse(x, refused, "UnsupportedHashAlgorithm()", "hash is not SHA256");
    if (scheme != ALG_RSASSA && scheme != ALG_ECDSA)
        return refuse(x, refused, "InvalidSignature()", "Unknown sigAlg");
    if (!(scheme == ALG_RSASSA ? rsa_part(x, &sig, in, size) : ecdsa_part(x, raw, in, size, refused)))
        return false;
    if (*refused)
        return true;
    struct hash32 digest = sha256(quote);
    if (!(x->legacy ? key_verify_legacy(x, &ok, ak, digest, sig) : key_verify(x, &ok, ak, scheme, digest, sig)))
        return false;
    return ok || refuse(x, refused, "TpmSignatureVerificationFailed()", "Failed to verify TPM signature");
}

/* --- quote --- */

static bool short_quote(struct exec *x)
{
    return x->legacy ? stop_empty(x) : stop_error(x, "TpmQuoteTooShort()");
}

static bool has(struct exec *x, struct bytes quote, size_t len)
{
    return quote.len >= len || short_quote(x);
}

static bool fits16(struct exec *x, size_t sum)
{
    return sum <= UINT16_MAX || stop_panic(x, PANIC_OVERFLOW);
}

/* Type, signer, extra data; *at: where the PCR selection begins. */
static bool read_headers(struct exec *x, struct bytes *extra, size_t *at, struct bytes quote, const char **refused)
{
    if (!has(x, quote, x->legacy ? 6 : 10))
        return false;
    if (be16(quote.p + 4) != 0x8018)
        return refuse(x, refused, "InvalidTpmAttType()", "attType != 0x8018");
    if (!has(x, quote, 8))
        return false;
    size_t signer = be16(quote.p + 6);
    if (!fits16(x, 10 + signer) || !has(x, quote, 10 + signer))
        return false;
    size_t len = be16(quote.p + 8 + signer);
    if (!fits16(x, 10 + signer + len) || !has(x, quote, 10 + signer + len) || !fits16(x, 35 + signer + len))
        return false;
    if (!x->legacy && !has(x, quote, 35 + signer + len))
        return false;
    *extra = bytes_sub(quote, 10 + signer, len);
    *at = 35 + signer + len;
    return true;
}

static bool same_index(const uint8_t *word, unsigned index)
{
    uint64_t v;
    return abi_u64(&v, word) && v == index;
}

static const uint8_t *field(const struct abi_value *pcrs, size_t i, size_t f)
{
    return pcrs->item[i].item[f].data.p;
}

/* Only the first 32 entries count. */
static bool bitmap_of(struct exec *x, uint8_t out[4], const struct abi_value *pcrs)
{
    memset(out, 0, 4);
    for (size_t i = 0; i < pcrs->count && i < 32; i++) {
        uint64_t index;
        bool small = abi_u64(&index, field(pcrs, i, PCR_INDEX)) && index < 32;
        if (!small && !x->legacy)
            return stop_error(x, "PcrIndexOutOfRange()");
        if (small)
            out[index / 8] |= (uint8_t)(1 << index % 8);
    }
    return true;
}

static struct hash32 replay(const struct abi_value *events)
{
    struct hash32 r = {{0}};
    for (size_t i = 0; i < events->count; i++)
        r = sha256_2(BYTES_OF(r), bytes_from(abi_word(events, i), ABI_WORD));
    return r;
}

static bool list_digest(struct exec *x, struct hash32 *out, const struct abi_value *pcrs)
{
    AUTO(buf_done) struct buf values = buf_new(1 << 26);
    for (size_t i = 0; i < pcrs->count; i++) {
        struct hash32 v = abi_hash32(&pcrs->item[i].item[PCR_VALUE]);
        if (!x->legacy && hash32_is_zero(v))
            v = replay(&pcrs->item[i].item[PCR_EVENTS]);
        buf_put(&values, BYTES_OF(v));
    }
    if (values.failed)
        return stop_unknown(x, "no memory");
    *out = sha256(buf_view(&values));
    return true;
}

/* bytes4(slice): cut to four, filled up with zeros */
static bool selection_fits(struct bytes selection, const uint8_t bitmap[4])
{
    uint8_t four[4] = {0};
    memcpy(four, selection.p, selection.len < 4 ? selection.len : 4);
    return memcmp(four, bitmap, 4) == 0;
}

static bool check_selection(struct exec *x, size_t *at, struct quote_facts *out, struct bytes quote,
                            const struct abi_value *pcrs, const char **refused)
{
    uint8_t bitmap[4];
    if (quote.len < *at + 1)
        return x->legacy ? stop_panic(x, PANIC_INDEX) : short_quote(x);
    size_t size = quote.p[*at];
    if (!has(x, quote, *at + 1 + size) || !bitmap_of(x, bitmap, pcrs))
        return false;
    struct bytes selection = bytes_sub(quote, *at + 1, size);
    if (!selection_fits(selection, bitmap))
        return refuse(x, refused, "PcrSelectionMismatch()", "PCR selections do not match");
    out->wide_selection = size > 4 && !bytes_is_zero(bytes_sub(selection, 4, size - 4));
    *at += 1 + size;
    return true;
}

static bool check_digest(struct exec *x, size_t *at, struct quote_facts *out, struct bytes quote,
                         const struct abi_value *pcrs, const char **refused)
{
    struct hash32 want;
    if (!has(x, quote, *at + 2))
        return false;
    if (be16(quote.p + *at) != 32)
        return refuse(x, refused, "InvalidPcrDigestSize()", "Invalid PCR digest size");
    if (!has(x, quote, *at + 34) || !list_digest(x, &want, pcrs))
        return false;
    memcpy(out->digest.b, quote.p + *at + 2, 32);
    if (!hash32_eq(out->digest, want))
        return refuse(x, refused, "PcrDigestMismatch()", "PCR digest does not match expected digest");
    *at += 34;
    return true;
}

bool tpm_check_pcrs(struct exec *x, struct quote_facts *out, struct bytes quote, const struct abi_value *pcrs,
                    const char **refused)
{
    size_t at = 0;
    *refused = NULL;
    *out = (struct quote_facts){.magic_ok = quote.len >= 4 && be32(quote.p) == 0xff544347};
    if (!read_headers(x, &out->extra_data, &at, quote, refused) || *refused)
        return !x->stopped;
    if (!has(x, quote, at + 4))
        return false;
    if (be32(quote.p + at) != 1)
        return refuse(x, refused, "InvalidTpmsPcrCount()", "tpmsPCRCount != 1");
    if (!has(x, quote, at + 6))
        return false;
    if (be16(quote.p + at + 4) != ALG_SHA256)
        return refuse(x, refused, "UnsupportedHashAlgorithm()", "TPM PCR hash is not SHA256");
    at += 6;
    if (!check_selection(x, &at, out, quote, pcrs, refused) || *refused)
        return !x->stopped;
    if (!check_digest(x, &at, out, quote, pcrs, refused) || *refused)
        return !x->stopped;
    out->tail = at < quote.len;
    return true;
}

/* --- final measurement --- */

static bool measured_entry(struct exec *x, struct golden_pcr *out, struct arena *mem, const struct abi_value *entry)
{
    const struct abi_value *events = &entry->item[PCR_EVENTS], *measured = &entry->item[PCR_MEASURED];
    struct hash32 value = abi_hash32(&entry->item[PCR_VALUE]);
    if (!hash32_is_zero(value) && events->count && !hash32_eq(replay(events), value))
        return x->legacy ? stop_string(x, "Invalid all events") : stop_error(x, "InvalidPcrEvents()");
    struct golden_pcr g = {.index = abi_hash32(&entry->item[PCR_INDEX]), .num_events = measured->count};
    g.events = arena_alloc(mem, measured->count + 1, sizeof *g.events);
    g.indices = arena_alloc(mem, measured->count + 1, sizeof *g.indices);
    if (!g.events || !g.indices)
        return stop_unknown(x, "no memory");
    for (size_t i = 0; i < measured->count; i++) {
        uint64_t at;
        if (!abi_u64(&at, abi_word(measured, i)) || at >= events->count)
            return x->legacy ? stop_string(x, "Invalid event index") : stop_error(x, "InvalidPcrEventIndex()");
        memcpy(g.events[i].b, abi_word(events, (size_t)at), ABI_WORD);
        memcpy(g.indices[i].b, abi_word(measured, i), ABI_WORD);
    }
    if (abi_bool(&entry->item[PCR_FLAG]))
        g.value = value;
    *out = g;
    return true;
}

bool tpm_final_measurement(struct exec *x, struct golden *out, struct arena *mem, const struct abi_value *pcrs)
{
    out->pcrs = arena_alloc(mem, pcrs->count + 1, sizeof *out->pcrs);
    if (!out->pcrs)
        return stop_unknown(x, "no memory");
    out->num_pcrs = pcrs->count;
    for (size_t i = 0; i < pcrs->count; i++)
        if (!measured_entry(x, &out->pcrs[i], mem, &pcrs->item[i]))
            return false;
    return true;
}

/* --- report id --- */

/* Is this entry satisfied by the rule for TDX (and for an SNP report whose id is zero)? */
static bool tdx_rule(struct exec *x, bool *ok, struct hash32 pcr, struct bytes report_id, const struct tee_values *tee)
{
    static const struct hash32 zero32;
    static const struct hash48 zero48;
    const struct hash48 *rtmr3 = &tee->tdx[TDX_RTMR3];
    bool no_rtmr3 = hash48_eq(*rtmr3, zero48);
    *ok = hash32_is_zero(pcr) && (no_rtmr3 || x->legacy);
    if (*ok)
        return true;
    if (report_id.len >= 128) /* their SHA-384 cannot */
        return x->legacy ? stop_empty(x) : stop_error(x, "BytesOffsetOutOfBounds()");
    struct hash48 inner48 = sha384(report_id), want48 = sha384_2(BYTES_OF(zero48), BYTES_OF(inner48));
    struct hash32 inner32 = sha256(report_id), want32 = sha256_2(BYTES_OF(zero32), BYTES_OF(inner32));
    if (x->legacy && no_rtmr3)
        want48 = zero48;
    *ok = hash32_eq(pcr, want32) && hash48_eq(*rtmr3, want48);
    return true;
}

static bool snp_rule(struct exec *x, bool *ok, struct hash32 pcr, struct bytes report_id, const struct tee_values *tee,
                     bool azure)
{
    static const struct hash32 zero;
    *ok = hash32_is_zero(pcr) && (azure || x->legacy);
    if (*ok)
        return true;
    if (x->legacy && report_id.len != 32)
        return true;
    if (report_id.len > 0 && report_id.len < 32)
        return stop_error_words(x, "InvalidLength(uint256,uint256)",
                                (struct hash32[]){word_of(report_id.len), word_of(32)}, 2);
    if (report_id.len && memcmp(report_id.p, tee->report_id.b, 32) != 0)
        return true;
    *ok = hash32_eq(pcr, sha256_2(BYTES_OF(zero), BYTES_OF(tee->report_id)));
    return true;
}

bool report_id_check(struct exec *x, const struct abi_value *pcrs, struct bytes report_id, const struct tee_values *tee,
                     bool azure, unsigned pcr_index)
{
    bool ok = false, snp = !hash32_is_zero(tee->report_id);
    for (size_t i = 0; i < pcrs->count && !ok; i++) {
        if (!same_index(field(pcrs, i, PCR_INDEX), pcr_index))
            continue;
        struct hash32 pcr = abi_hash32(&pcrs->item[i].item[PCR_VALUE]);
        if (!(snp ? snp_rule(x, &ok, pcr, report_id, tee, azure) : tdx_rule(x, &ok, pcr, report_id, tee)))
            return false;
        if (snp)
            break;
    }
    if (ok)
        return true;
    return x->legacy ? stop_string(x, "Invalid reportID") : stop_error(x, "InvalidReportID()");
}
