/* The registry's steps over the AK, the TPM quote, the PCRs and the measurement made of them. registry-v1 8, 9, 10. */
#include "relayer/registry/model_steps.h"

#include "crypto/base/auto.h"
#include "crypto/keccak.h"
#include "relayer/evidence/identity.h"

/* --- AK --- */

static const struct model_row report_data_rows[] = {
    {"TEE_REPORT_DATA_MISMATCH(bytes32,bytes32)", NULL, "6", "binding.report_data"}, END};
static bool step_report_data(struct run *r)
{
    struct hash32 want, got;
    if (r->cloud_type != CLOUD_AZURE)
        return true;
    memcpy(want.b, r->tee.report_data, sizeof want.b);
    got = sha256(wc(r, WC_AK_PUB)->data);
    return hash32_eq(want, got) ||
           stop_error_words(&r->x, "TEE_REPORT_DATA_MISMATCH(bytes32,bytes32)", (struct hash32[]){want, got}, 2);
}

static const struct model_row var_data_rows[] = {{"Error(string)", "not found", "8", "ak.var_data"},
                                                 {"Error(string)", "invalid kty", "8", "ak.var_data"},
                                                 {"Error(string)", "invalid e", "8", "ak.var_data"},
                                                 {"Error(string)", "invalid n", "8", "ak.var_data"},
                                                 {"Error(string)", "data mixed up", "8", "ak.var_data"},
                                                 {"Error(string)", "invalid e or n", "8", "ak.var_data"},
                                                 {"RsaModulusEmpty()", NULL, "8", "ak.var_data"},
                                                 {"RsaExponentEmpty()", NULL, "8", "ak.var_data"},
                                                 {"InvalidRsaModulusSize()", NULL, "8", "ak.var_data"},
                                                 {"InvalidRsaExponentSize()", NULL, "8", "ak.var_data"},
                                                 {"RsaModulusNotOdd()", NULL, "8", "ak.var_data"},
                                                 {"Panic(uint256)", NULL, "8", "ak.var_data"},
                                                 {"(empty)", NULL, "17", "input.format"},
                                                 END};
static bool step_var_data(struct run *r)
{
    if (r->cloud_type != CLOUD_AZURE)
        return true;
    if (!readable(r, wc(r, WC_AK_PUB)) || !var_data_key(&r->x, &r->ak, &r->mem, wc(r, WC_AK_PUB)->data))
        return false;
    r->have_ak = true;
    return true;
}

static bool is_pinned(void *ctx, struct bytes der)
{
    const struct predict_call *call = ctx;
    struct cert cert;
    if (call->num_ak_roots || !cert_parse(&cert, der, NULL))
        return false;
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&cert, NULL);
    for (size_t i = 0; key && i < call->num_pinned; i++)
        if (pubkey_eq(key, call->pinned[i].key))
            return true;
    return false;
}

#define CHAIN_ERROR(name)                                                                                              \
    {                                                                                                                  \
        name, NULL, "10", "ak.chain"                                                                                   \
    }
static const struct model_row chain_rows[] = {{"Error(string)", NULL, "10", "ak.chain"},
                                              CHAIN_ERROR("InvalidCertChainLength()"),
                                              CHAIN_ERROR("RootCaNotAtEndOfChain()"),
                                              CHAIN_ERROR("UnknownPublicKeyAlgorithm(bytes)"),
                                              CHAIN_ERROR("UnsupportedECCurve(bytes)"),
                                              CHAIN_ERROR("Asn1PointerOutOfBounds()"),
                                              CHAIN_ERROR("CertificateExpired()"),
                                              CHAIN_ERROR("InvalidTimeTag(uint8)"),
                                              CHAIN_ERROR("InvalidTimeFormat()"),
                                              CHAIN_ERROR("LeafCertIsCa()"),
                                              CHAIN_ERROR("LeafCertHasKeyCertSign()"),
                                              CHAIN_ERROR("IssuerCertMissingBasicConstraints()"),
                                              CHAIN_ERROR("CertNotCa()"),
                                              CHAIN_ERROR("PathLenConstraintViolated()"),
                                              CHAIN_ERROR("MissingKeyUsageExtension()"),
                                              CHAIN_ERROR("KeyCertSignNotSet()"),
                                              CHAIN_ERROR("InvalidBasicConstraintsFormat()"),
                                              CHAIN_ERROR("InvalidBooleanLength()"),
                                              CHAIN_ERROR("InvalidBitString()"),
                                              CHAIN_ERROR("InvalidSkidFormat()"),
                                              CHAIN_ERROR("InvalidAkidFormat()"),
                                              CHAIN_ERROR("InvalidSerialNumber()"),
                                              CHAIN_ERROR("InvalidAsn1Tag()"),
                                              CHAIN_ERROR("IssuerSubjectDNMismatch()"),
                                              CHAIN_ERROR("IssuerCertMissingSKID()"),
                                              CHAIN_ERROR("CertChainAKIDMismatch(uint256,bytes,bytes)"),
                                              CHAIN_ERROR("UnknownSignatureAlgorithm(bytes)"),
                                              CHAIN_ERROR("InvalidSignatureSize()"),
                                              CHAIN_ERROR("InvalidEcdsaSignatureFormat()"),
                                              CHAIN_ERROR("EcdsaComponentTooLarge()"),
                                              CHAIN_ERROR("InvalidSignature()"),
                                              CHAIN_ERROR("RsaSignatureSizeMismatchModulusSize()"),
                                              CHAIN_ERROR("CompressedPublicKeyNotSupported()"),
                                              CHAIN_ERROR("InvalidRsaPubkeyFormat()"),
                                              CHAIN_ERROR("InvalidRsaModulusSize()"),
                                              CHAIN_ERROR("InvalidRsaExponentSize()"),
                                              CHAIN_ERROR("RsaModulusNotOdd()"),
                                              CHAIN_ERROR("Asn1IndexOutOfBounds()"),
                                              CHAIN_ERROR("Asn1ContentLengthOutOfBounds()"),
                                              CHAIN_ERROR("Asn1LengthCannotBeZero()"),
                                              CHAIN_ERROR("Asn1InvalidLengthBytes()"),
                                              CHAIN_ERROR("Asn1NotConstructedType()"),
                                              CHAIN_ERROR("Asn1NotBitString()"),
                                              CHAIN_ERROR("Asn1BitStringNotZeroPadded()"),
                                              CHAIN_ERROR("Asn1NotPositiveInteger()"),
                                              CHAIN_ERROR("BytesLengthExceeds32()"),
                                              CHAIN_ERROR("Panic(uint256)"),
                                              {"(empty)", NULL, "17", "input.format"},
                                              END};
static bool take_chain(struct run *r)
{
    struct trust trust = {.roots = r->call->ak_roots,
                          .num_roots = r->call->num_ak_roots,
                          .also = is_pinned,
                          .ctx = (void *)(uintptr_t)r->call};
    r->have_ak = chain_key(&r->x, &r->ak, &r->mem, wc(r, WC_CERTS), &trust, r->call->block_time_s);
    return r->have_ak;
}

static bool step_chain(struct run *r)
{
    size_t n = wc(r, WC_CERTS)->count;
    if (r->have_ak)
        return true;
    if (n == 0 || n > 4)
        return stop_string(&r->x, "Invalid certificate chain length");
    return take_chain(r);
}

/* --- TPM quote --- */

bool add_event(struct run *r, const char *name, struct hash32 topic)
{
    struct predicted_event *e = &r->out->events[r->out->num_events++];
    *e = (struct predicted_event){.name = name, .topics = {{{0}}, topic}, .data = buf_new(1 << 20)};
    return true;
}

#define TPM_SIGNATURE_ROWS(clause)                                                                                     \
    {"TpmSignatureTooShort()", NULL, clause, "tpm.signature"},                                                         \
        {"UnsupportedHashAlgorithm()", NULL, clause, "tpm.signature"},                                                 \
        {"InvalidRsaSignatureSize()", NULL, clause, "tpm.signature"},                                                  \
        {"InvalidEcdsaSignature()", NULL, clause, "tpm.signature"},                                                    \
        {"InvalidSignature()", NULL, clause, "tpm.signature"},                                                         \
        {"UnsupportedSignatureScheme(uint16,uint16)", NULL, clause, "tpm.signature"},                                  \
        {"RsaSignatureSizeMismatchModulusSize()", NULL, clause, "tpm.signature"},                                      \
        {"TpmSignatureVerificationFailed()", NULL, clause, "tpm.signature"},                                           \
        {"InvalidRsaModulusSize()", NULL, clause, "ak.var_data"},                                                      \
        {"CompressedPublicKeyNotSupported()", NULL, clause, "ak.chain"},                                               \
        {"Asn1IndexOutOfBounds()", NULL, clause, "ak.chain"}, {"InvalidRsaPubkeyFormat()", NULL, clause, "ak.chain"},  \
        {"INVALID_TPM_QUOTE(string)", NULL, clause, "tpm.signature"},                                                  \
        {"Error(string)", NULL, clause, "tpm.signature"}, {"Panic(uint256)", NULL, clause, "tpm.signature"},           \
    {                                                                                                                  \
        "(empty)", NULL, clause, "tpm.signature"                                                                       \
    }

static const struct model_row tpm_signature_rows[] = {TPM_SIGNATURE_ROWS("10"), END};
static bool step_tpm_signature(struct run *r)
{
    const char *refused;
    if (!readable(r, wc(r, WC_SIGNATURE)))
        return false;
    if (!tpm_signature_check(&r->x, wc(r, WC_QUOTE)->data, wc(r, WC_SIGNATURE)->data, &r->ak, &refused))
        return false;
    if (refused)
        return stop_error_string(&r->x, "INVALID_TPM_QUOTE(string)", refused);
    r->quote_keccak = keccak256(wc(r, WC_QUOTE)->data);
    return is_g1a(r) || add_event(r, "TpmSignatureVerified", r->quote_keccak);
}

static bool step_pinned_ak(struct run *r)
{
    if (r->kept.ak.data.len == 0 && r->kept.ak.algo == 0)
        return stop_unknown(&r->x, "the AK that the registry keeps for this identity");
    r->ak = unkept(&r->kept.ak);
    r->have_ak = true;
    return true;
}

/* G1a: the AK of this very call, by the cloud it was registered with */
static bool step_call_ak(struct run *r)
{
    if (r->cloud_type == CLOUD_AZURE)
        return step_var_data(r);
    return readable(r, wc(r, WC_SIGNATURE)) && readable(r, wc(r, WC_CERTS)) && take_chain(r);
}

#define PCR_ROWS                                                                                                       \
    {"TpmQuoteTooShort()", NULL, "10", "tpm.quote"}, {"InvalidTpmAttType()", NULL, "10", "tpm.type"},                  \
        {"InvalidTpmsPcrCount()", NULL, "10", "tpm.pcr_selection"},                                                    \
        {"UnsupportedHashAlgorithm()", NULL, "10", "tpm.pcr_selection"},                                               \
        {"PcrIndexOutOfRange()", NULL, "10", "tpm.pcr_selection"},                                                     \
        {"PcrSelectionMismatch()", NULL, "10", "tpm.pcr_selection"},                                                   \
        {"InvalidPcrDigestSize()", NULL, "10", "tpm.pcr_digest"},                                                      \
        {"PcrDigestMismatch()", NULL, "10", "tpm.pcr_digest"},                                                         \
        {"FAILED_TO_CHECK_PCR_MEASUREMENTS(string)", NULL, "10",                                                       \
         "tpm.quote tpm.type tpm.pcr_selection tpm.pcr_digest"},                                                       \
        {"INVALID_TPM_MEASUREMENT(string)", NULL, "10", "tpm.quote tpm.type tpm.pcr_selection tpm.pcr_digest"},        \
        {"Panic(uint256)", NULL, "10", "tpm.quote"},                                                                   \
    {                                                                                                                  \
        "(empty)", NULL, "10", "tpm.quote"                                                                             \
    }

static const struct model_row pcrs_rows[] = {PCR_ROWS, END};
static bool step_pcrs(struct run *r)
{
    const char *refused;
    if (!readable(r, wc(r, WC_PCRS)) ||
        !tpm_check_pcrs(&r->x, &r->quote, wc(r, WC_QUOTE)->data, wc(r, WC_PCRS), &refused))
        return false;
    if (refused)
        return stop_error_string(&r->x,
                                 r->out->kind == CALL_ATTEST ? "FAILED_TO_CHECK_PCR_MEASUREMENTS(string)"
                                                             : "INVALID_TPM_MEASUREMENT(string)",
                                 refused);
    if (is_g1a(r))
        return true;
    add_event(r, "TpmMeasurementChecked", r->quote_keccak);
    struct buf *data = &r->out->events[r->out->num_events - 1].data;
    struct hash32 offset = word_of(2 * ABI_WORD), len = word_of(r->quote.extra_data.len);
    buf_put(data, BYTES_OF(r->quote.digest));
    buf_put(data, BYTES_OF(offset));
    buf_put(data, BYTES_OF(len));
    buf_put(data, r->quote.extra_data);
    buf_zero(data, (ABI_WORD - r->quote.extra_data.len % ABI_WORD) % ABI_WORD);
    return true;
}

static const struct model_row report_id_rows[] = {{"InvalidReportID()", NULL, "8", "binding.report_id"},
                                                  {"Error(string)", "Invalid reportID", "8", "binding.report_id"},
                                                  {"InvalidLength(uint256,uint256)", NULL, "8", "binding.report_id"},
                                                  {"BytesOffsetOutOfBounds()", NULL, "8", "binding.report_id"},
                                                  {"(empty)", NULL, "8", "binding.report_id"},
                                                  END};
static bool step_report_id(struct run *r)
{
    return report_id_check(&r->x, wc(r, WC_PCRS), wc(r, WC_REPORT_ID)->data, &r->tee, r->cloud_type == CLOUD_AZURE,
                           r->call->report_id_pcr);
}

static const struct model_row used_rows[] = {{"TEE_REPORT_ALREADY_USED()", NULL, "5", ""}, END};
static bool step_used(struct run *r)
{
    return !registry_state_is_used(r->state, keccak256(r->report)) || stop_error(&r->x, "TEE_REPORT_ALREADY_USED()");
}

/* --- identity in the extra data --- */

bool extra_id(struct run *r, struct hash32 *out)
{
    struct bytes extra = r->quote.extra_data;
    if (extra.len > 50 || (extra.len < 33 && !is_g1a(r)))
        return stop_error(&r->x, "INVALID_TPM_DATA_LENGTH()");
    if (extra.len < 33)
        return stop_empty(&r->x);
    memcpy(out->b, extra.p + 1, sizeof out->b);
    return true;
}

static const struct model_row extra_rows[] = {{"INVALID_TPM_DATA_LENGTH()", NULL, "3", "binding.identity"},
                                              {"CVM_IDENTITY_MISMATCH(bytes32,bytes32)", NULL, "5", "binding.identity"},
                                              {"(empty)", NULL, "3", "binding.identity"},
                                              END};
static bool step_extra(struct run *r)
{
    struct hash32 actual;
    if (!extra_id(r, &actual))
        return false;
    return hash32_eq(actual, r->id) ||
           stop_error_words(&r->x, "CVM_IDENTITY_MISMATCH(bytes32,bytes32)", (struct hash32[]){r->id, actual}, 2);
}

/* --- measurement --- */

static const struct model_row events_rows[] = {{"InvalidPcrEvents()", NULL, "10", "tpm.event_replay"},
                                               {"InvalidPcrEventIndex()", NULL, "10", "tpm.event_index"},
                                               {"Error(string)", "Invalid all events", "10", "tpm.event_replay"},
                                               {"Error(string)", "Invalid event index", "10", "tpm.event_index"},
                                               END};
static bool step_measurement(struct run *r)
{
    struct err err = {0};
    if (!tpm_final_measurement(&r->x, &r->golden, &r->mem, wc(r, WC_PCRS)))
        return false;
    memcpy(r->golden.tdx, r->tee.tdx, sizeof r->golden.tdx);
    r->golden.snp = r->tee.snp_measurement;
    if (!is_g1a(r))
        r->golden.tdx[TDX_RTMR3] = (struct hash48){{0}};
    golden_encode(&r->out->returned, &r->golden);
    if (!buf_finish(&r->out->returned, &err))
        return stop_unknown(&r->x, "no memory");
    r->golden.hash = keccak256(buf_view(&r->out->returned));
    r->out->measurement_hash = r->golden.hash;
    return true;
}

const struct model_step at_report_data = {"report_data", step_report_data, report_data_rows};
const struct model_step at_var_data = {"var_data", step_var_data, var_data_rows};
const struct model_step at_ak_chain = {"ak_chain", step_chain, chain_rows};
const struct model_step at_pinned_ak = {"pinned_ak", step_pinned_ak, NO_ROWS};
const struct model_step at_call_ak = {"call_ak", step_call_ak, chain_rows};
const struct model_step at_tpm_signature = {"tpm_signature", step_tpm_signature, tpm_signature_rows};
const struct model_step at_pcrs = {"pcrs", step_pcrs, pcrs_rows};
const struct model_step at_report_id = {"report_id", step_report_id, report_id_rows};
const struct model_step at_report_used = {"report_used", step_used, used_rows};
const struct model_step at_extra_data = {"extra_data", step_extra, extra_rows};
const struct model_step at_measurement = {"measurement", step_measurement, events_rows};
