/* The registry's steps, in its order. A step is what the contract does between two points where the caller could tell the
 * difference; its rows are the errors it raises. The lists at the end say which steps make up which call in which
 * generation: G1a judges the PCR events before the extra data, G1c signs and counts, G1b does neither. registry-v1 5, 6, 11. */
#include "relayer/registry/model_run.h"

#include "abi/lax.h"
#include "crypto/base/auto.h"
#include "crypto/keccak.h"
#include "relayer/evidence/identity.h"

#define END {0}

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
        return (struct contract_key){.scheme = u16(&v[0]), .params = u16(&v[1]), .hash_algo = u16(&v[2]), .data = v[3].data};
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

static const struct model_row identity_rows[] = {{"(empty)", NULL, "17", "input.format"}, {"Panic(uint256)", NULL, "17", "input.format"}, END};
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
    return (named(k->algo) && k->data.len && named(k->scheme) && named(k->hash_algo)) || stop_error(&r->x, "CVM_IDENTITY_INVALID()");
}

/* --- messages --- */

static bool signed_message(struct run *r, enum message_kind kind, const struct contract_key *key, struct bytes signature,
                           uint64_t nonce)
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

static struct contract_key unkept(const struct kept_key *k)
{
    return (struct contract_key){.algo = k->algo, .params = k->params, .scheme = k->scheme, .hash_algo = k->hash_algo, .data = k->data};
}

static struct kept_key kept(const struct contract_key *k)
{
    return (struct kept_key){.algo = k->algo, .params = k->params, .scheme = k->scheme, .hash_algo = k->hash_algo, .data = k->data};
}

#define SIGNING_ROWS                                                                                                   \
    {"INVALID_SIGNATURE()", NULL, "4", "identity.signature"}, {"UnsupportedHashAlgorithm(uint16)", NULL, "4", "identity.key"}, \
        {"UNSUPPORTED_HASH_ALGORITHM(uint16)", NULL, "4", "identity.key"},                                              \
        {"UnsupportedSignatureAlgorithm(uint16)", NULL, "4", "identity.key"}, {"NotEcPublicKey()", NULL, "4", "identity.key"}, \
        {"NotRsaPublicKey()", NULL, "4", "identity.key"}, {"CompressedPublicKeyNotSupported()", NULL, "4", "identity.key"}, \
        {"IncorrectSignatureLength()", NULL, "4", "identity.signature"}, {"InvalidRsaPubkeyFormat()", NULL, "4", "identity.key"}, \
        {"InvalidRsaModulusSize()", NULL, "4", "identity.key"}, {"InvalidRsaExponentSize()", NULL, "4", "identity.key"}, \
        {"RsaModulusNotOdd()", NULL, "4", "identity.key"}, {"Error(string)", NULL, "4", "identity.key"},                \
        {"Panic(uint256)", NULL, "4", "identity.key"}, {"Asn1IndexOutOfBounds()", NULL, "4", "identity.key"},           \
        {"Asn1NotConstructedType()", NULL, "4", "identity.key"}, {"Asn1LengthCannotBeZero()", NULL, "4", "identity.key"}, \
        {"Asn1InvalidLengthBytes()", NULL, "4", "identity.key"}, {"Asn1ContentLengthOutOfBounds()", NULL, "4", "identity.key"}

static const struct model_row signing_rows[] = {SIGNING_ROWS, {"(empty)", NULL, "17", "input.format"}, END};

/* G1c: whoever names an identity holds its key */
static bool step_ownership(struct run *r)
{
    const struct kept_identity *found = registry_state_find(r->state, r->id);
    r->kept = found ? *found : (struct kept_identity){.id = r->id};
    return signed_message(r, MSG_IDENTITY_CHECK, &r->identity, r->signatures[0], r->kept.nonce++);
}

/* --- what is stored --- */

static const struct model_row no_rows[] = {END};
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
    return fresh(r, &yes, r->kept.tee_recent_s, r->kept.tee_ttl_s) && (yes || stop_error(&r->x, "TEE_COLLATERAL_EXPIRED()"));
}

static const struct model_row both_fresh_rows[] = {{"TEE_COLLATERAL_EXPIRED()", NULL, "11", ""},
                                                   {"TPM_COLLATERAL_EXPIRED()", NULL, "11", ""},
                                                   {"Panic(uint256)", NULL, "11", ""},
                                                   END};
static bool step_both_fresh(struct run *r)
{
    bool tee = false, tpm = false;
    if (!fresh(r, &tee, r->kept.tee_recent_s, r->kept.tee_ttl_s) || !fresh(r, &tpm, r->kept.tpm_recent_s, r->kept.tpm_ttl_s))
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
        return stop_error_words(&r->x, "UNSUPPORTED_HASH_ALGORITHM(uint16)", (struct hash32[]){word_of(key.hash_algo)}, 1);
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

/* --- TEE report --- */

static const struct model_row collaterals_rows[] = {{"(empty)", NULL, "17", "input.format"}, {"Panic(uint256)", NULL, "17", "input.format"}, END};
static bool step_collaterals(struct run *r)
{
    return readable(r, r->wc);
}

static const struct model_row tee_type_rows[] = {{"INVALID_TEE_TYPE(uint8)", NULL, "6", "binding.tee_report"},
                                                 {"MOCK_ATTESTATION_NOT_ALLOWED()", NULL, "5", "binding.tee_report"},
                                                 {"(empty)", NULL, "5", "binding.tee_report"},
                                                 END};
static bool step_tee_type(struct run *r)
{
    if (r->tee_type == TEE_TDX || r->tee_type == TEE_SNP)
        return true;
    if (!is_g1a(r))
        return stop_error_words(&r->x, "INVALID_TEE_TYPE(uint8)", (struct hash32[]){word_of(r->tee_type)}, 1);
    if (!r->call->mock_allowed)
        return stop_error(&r->x, "MOCK_ATTESTATION_NOT_ALLOWED()");
    return stop_empty(&r->x); /* a mock answers nothing, and an identity is looked for in it */
}

static bool bad_report_type(struct run *r)
{
    return stop_error_words(&r->x, "INVALID_TEE_REPORT_TYPE(uint8)", (struct hash32[]){word_of(r->report_type)}, 1);
}

static bool is_zk(const struct run *r)
{
    return r->report_type == REPORT_ZK_SUCCINCT || r->report_type == REPORT_ZK_RISC0;
}

static bool not_verified(struct run *r)
{
    return stop_error(&r->x, "FAILED_TO_VERIFY_TEE()");
}

static bool callee_answers(struct run *r)
{
    return r->call->tee != TEE_ANSWER_NONE ||
           stop_unknown(&r->x, "the TEE verifier's answer");
}

static bool decode_memory(struct run *r, struct abi_value *out, const char *type_text, struct bytes data)
{
    const struct abi_type *type;
    if (!abi_type_parse(&type, &r->mem, bytes_str(type_text), NULL) || !abi_decode_lax_memory(out, &r->mem, type, data, NULL))
        return stop_unknown(&r->x, "more values than a prediction holds");
    return readable(r, out);
}

static bool zk_parts(struct run *r, struct bytes *output, struct bytes *proof)
{
    struct abi_value v;
    if (!decode_memory(r, &v, "((bytes,bytes))", r->report))
        return false;
    *output = v.item[0].item[0].data;
    *proof = v.item[0].item[1].data;
    return true;
}

/* Body type in the DCAP contract's numbers and where the body stands; 0: no quote that it reads. Up to version 4 the header's
 * TEE type tells, from version 5 on a descriptor behind the header. */
static unsigned body_type(size_t *at, struct bytes q)
{
    if (q.len < TDX_QUOTE_BODY + 6)
        return 0;
    unsigned version = le16(q.p);
    *at = TDX_QUOTE_BODY + (version == 5 ? 6 : 0);
    if (version == 5)
        return le16(q.p + TDX_QUOTE_BODY);
    if (version != 3 && version != 4)
        return 0;
    return le32(q.p + 4) == 0x81 ? 2 : le32(q.p + 4) == 0 ? 1 : 0;
}

/* What the DCAP contract answers for a quote: version, body type, TCB status, FMSPC, body (registry-v1 7). Status and FMSPC are
 * not looked at again, and stay 0 here. */
static bool dcap_output(struct run *r)
{
    static const size_t body_len[] = {0, 384, TDX_BODY_LEN, TDX_BODY_LEN + 64}; /* SGX, TDX 1.0, TDX 1.5 */
    size_t at = 0;
    unsigned type = body_type(&at, r->report);
    struct bytes body = type < 4 ? bytes_sub(r->report, at, body_len[type]) : (struct bytes){0};
    if (r->call->tee == TEE_REFUSES || body.len == 0)
        return not_verified(r);
    uint8_t *out = arena_alloc(&r->mem, TDX_OUTPUT_BODY + body.len, 1);
    if (!out)
        return stop_unknown(&r->x, "no memory");
    out[0] = r->report.p[1];
    out[1] = r->report.p[0];
    out[3] = (uint8_t)type;
    memcpy(out + TDX_OUTPUT_BODY, body.p, body.len);
    r->tee_output = bytes_from(out, TDX_OUTPUT_BODY + body.len);
    return true;
}

static bool verify_tdx(struct run *r)
{
    struct bytes proof = {0};
    if (r->report_type == REPORT_NATIVE) {
        if (!callee_answers(r) || !dcap_output(r))
            return false;
    } else {
        if (!zk_parts(r, &r->tee_output, &proof))
            return false;
        if (!is_zk(r))
            return bad_report_type(r);
        if (!callee_answers(r))
            return false;
        if (r->call->tee == TEE_REFUSES || proof.len == 0)
            return not_verified(r);
    }
    return r->tee_output.len >= 395 || stop_error(&r->x, "INVALID_TEE_REPORT()");
}

static bool verify_snp(struct run *r)
{
    struct bytes output, proof;
    struct abi_value v;
    if (!is_zk(r))
        return bad_report_type(r);
    if (!zk_parts(r, &output, &proof) || !callee_answers(r))
        return false;
    if (r->call->tee == TEE_REFUSES || proof.len == 0)
        return not_verified(r);
    if (!decode_memory(r, &v, "((uint8,uint64,uint8,bytes,bytes32[],uint160[],uint8))", output))
        return false;
    const struct abi_value *journal = v.item[0].item;
    uint64_t result = abi_low_u64(&journal[0]);
    if (result > 3)
        return stop_empty(&r->x);
    if (result != 0 && !is_g1a(r))
        return not_verified(r);
    r->tee_output = journal[3].data;
    return true;
}

static const struct model_row tee_report_rows[] = {{"INVALID_TEE_REPORT_TYPE(uint8)", NULL, "6", "binding.tee_report"},
                                                   {"FAILED_TO_VERIFY_TEE()", NULL, "6", "tdx.* snp.* zk.*"},
                                                   {"INVALID_TEE_REPORT()", NULL, "6", "tdx.*"},
                                                   {"(empty)", NULL, "6, 17", "input.format"},
                                                   {"Panic(uint256)", NULL, "17", "input.format"},
                                                   END};
static bool step_tee_report(struct run *r)
{
    return r->tee_type == TEE_TDX ? verify_tdx(r) : verify_snp(r);
}

/* --- fields of the TEE report --- */

static bool long_enough(struct run *r, size_t want)
{
    if (r->tee_output.len >= want)
        return true;
    if (is_g1a(r))
        return stop_unknown(&r->x, "what stands in the contract's memory behind a short report");
    return stop_error_words(&r->x, "InvalidLength(uint256,uint256)", (struct hash32[]){word_of(r->tee_output.len), word_of(want)}, 2);
}

static bool sgx_values(struct run *r)
{
    if (!is_g1a(r))
        return stop_error(&r->x, "UnexpectedSGXReport()");
    r->tee = (struct tee_values){0};
    memcpy(r->tee.report_data, r->tee_output.p + 331, sizeof r->tee.report_data);
    return true;
}

static const struct model_row fields_rows[] = {{"InvalidLength(uint256,uint256)", NULL, "6", "tdx.* snp.*"},
                                               {"UnexpectedSGXReport()", NULL, "6", "binding.tee_report"},
                                               END};
static bool step_fields(struct run *r)
{
    static const size_t tdx_ends[] = {387, 435, 483, 531, 595}, snp_ends[] = {144, SNP_REPORT_MIN};
    if (r->tee_type == TEE_SNP) {
        for (size_t i = 0; i < 2; i++)
            if (!long_enough(r, snp_ends[i]))
                return false;
        tee_values_from_snp_report(&r->tee, r->tee_output);
        return true;
    }
    if (r->tee_type != TEE_TDX)
        return true; /* G1a: a mock has no values */
    if (be16(r->tee_output.p + 2) == 1)
        return sgx_values(r);
    for (size_t i = 0; i < sizeof tdx_ends / sizeof *tdx_ends; i++)
        if (!long_enough(r, tdx_ends[i]))
            return false;
    tee_values_from_tdx_body(&r->tee, bytes_sub(r->tee_output, TDX_OUTPUT_BODY, TDX_BODY_LEN));
    return true;
}

/* the stored output again, in a re-attestation */
static bool step_stored_fields(struct run *r)
{
    r->tee_output = r->kept.tee_output;
    if (r->tee_output.len == 0)
        return stop_unknown(&r->x, "the TEE output that the registry keeps for this identity");
    return step_fields(r);
}

/* --- AK --- */

static const struct model_row report_data_rows[] = {{"TEE_REPORT_DATA_MISMATCH(bytes32,bytes32)", NULL, "6", "binding.report_data"}, END};
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

#define CHAIN_ERROR(name) {name, NULL, "10", "ak.chain"}
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
    struct trust trust = {.roots = r->call->ak_roots, .num_roots = r->call->num_ak_roots, .also = is_pinned,
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

static bool add_event(struct run *r, const char *name, struct hash32 topic)
{
    struct predicted_event *e = &r->out->events[r->out->num_events++];
    *e = (struct predicted_event){.name = name, .topics = {{{0}}, topic}, .data = buf_new(1 << 20)};
    return true;
}

#define TPM_SIGNATURE_ROWS(clause)                                                                                     \
    {"TpmSignatureTooShort()", NULL, clause, "tpm.signature"}, {"UnsupportedHashAlgorithm()", NULL, clause, "tpm.signature"}, \
        {"InvalidRsaSignatureSize()", NULL, clause, "tpm.signature"}, {"InvalidEcdsaSignature()", NULL, clause, "tpm.signature"}, \
        {"InvalidSignature()", NULL, clause, "tpm.signature"},                                                          \
        {"UnsupportedSignatureScheme(uint16,uint16)", NULL, clause, "tpm.signature"},                                   \
        {"RsaSignatureSizeMismatchModulusSize()", NULL, clause, "tpm.signature"},                                       \
        {"TpmSignatureVerificationFailed()", NULL, clause, "tpm.signature"},                                            \
        {"InvalidRsaModulusSize()", NULL, clause, "ak.var_data"}, {"CompressedPublicKeyNotSupported()", NULL, clause, "ak.chain"}, \
        {"Asn1IndexOutOfBounds()", NULL, clause, "ak.chain"}, {"InvalidRsaPubkeyFormat()", NULL, clause, "ak.chain"},    \
        {"INVALID_TPM_QUOTE(string)", NULL, clause, "tpm.signature"}, {"Error(string)", NULL, clause, "tpm.signature"},  \
        {"Panic(uint256)", NULL, clause, "tpm.signature"}, {"(empty)", NULL, clause, "tpm.signature"}

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
    {"TpmQuoteTooShort()", NULL, "10", "tpm.quote"}, {"InvalidTpmAttType()", NULL, "10", "tpm.type"},                   \
        {"InvalidTpmsPcrCount()", NULL, "10", "tpm.pcr_selection"}, {"UnsupportedHashAlgorithm()", NULL, "10", "tpm.pcr_selection"}, \
        {"PcrIndexOutOfRange()", NULL, "10", "tpm.pcr_selection"}, {"PcrSelectionMismatch()", NULL, "10", "tpm.pcr_selection"}, \
        {"InvalidPcrDigestSize()", NULL, "10", "tpm.pcr_digest"}, {"PcrDigestMismatch()", NULL, "10", "tpm.pcr_digest"}, \
        {"FAILED_TO_CHECK_PCR_MEASUREMENTS(string)", NULL, "10", "tpm.quote tpm.type tpm.pcr_selection tpm.pcr_digest"},          \
        {"INVALID_TPM_MEASUREMENT(string)", NULL, "10", "tpm.quote tpm.type tpm.pcr_selection tpm.pcr_digest"},                   \
        {"Panic(uint256)", NULL, "10", "tpm.quote"}, {"(empty)", NULL, "10", "tpm.quote"}

static const struct model_row pcrs_rows[] = {PCR_ROWS, END};
static bool step_pcrs(struct run *r)
{
    const char *refused;
    if (!readable(r, wc(r, WC_PCRS)) || !tpm_check_pcrs(&r->x, &r->quote, wc(r, WC_QUOTE)->data, wc(r, WC_PCRS), &refused))
        return false;
    if (refused)
        return stop_error_string(&r->x, r->out->kind == CALL_ATTEST ? "FAILED_TO_CHECK_PCR_MEASUREMENTS(string)"
                                                                    : "INVALID_TPM_MEASUREMENT(string)", refused);
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

static bool extra_id(struct run *r, struct hash32 *out)
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

static const struct model_row rotation_rows[] = {{"CVM_IDENTITY_INVALID()", NULL, "11", "identity.key"},
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
STEP(lookup, step_lookup, no_rows);
STEP(registered, step_registered, registered_rows);
STEP(tee_fresh, step_tee_fresh, tee_fresh_rows);
STEP(both_fresh, step_both_fresh, both_fresh_rows);
STEP(reattest_signature, step_reattest_signature, signing_rows);
STEP(ttl_signature, step_ttl_signature, signing_rows);
STEP(collaterals, step_collaterals, collaterals_rows);
STEP(tee_type, step_tee_type, tee_type_rows);
STEP(tee_report, step_tee_report, tee_report_rows);
STEP(tee_fields, step_fields, fields_rows);
STEP(stored_fields, step_stored_fields, fields_rows);
STEP(report_data, step_report_data, report_data_rows);
STEP(var_data, step_var_data, var_data_rows);
STEP(ak_chain, step_chain, chain_rows);
STEP(pinned_ak, step_pinned_ak, no_rows);
STEP(call_ak, step_call_ak, chain_rows);
STEP(tpm_signature, step_tpm_signature, tpm_signature_rows);
STEP(pcrs, step_pcrs, pcrs_rows);
STEP(report_id, step_report_id, report_id_rows);
STEP(report_used, step_used, used_rows);
STEP(extra_data, step_extra, extra_rows);
STEP(measurement, step_measurement, events_rows);
STEP(rotation, step_rotation, rotation_rows);
STEP(store_attest, step_store_attest, no_rows);
STEP(store_reattest, step_store_reattest, no_rows);
STEP(store_ttl, step_store_ttl, no_rows);

/* This G1a verifier checks no TPM signature and no certificate here (registry-v1 6, 4). */
static const struct model_step *const attest_g1a[] = {
    &value, &entry, &identity, &lookup, &collaterals, &tee_type, &tee_report, &tee_fields, &report_data, &var_data,
    &pcrs, &report_id, &measurement, &extra_data, &store_attest, NULL};
static const struct model_step *const attest_g1b[] = {
    &value, &entry, &identity, &identity_sanity, &lookup, &collaterals, &tee_type, &tee_report, &tee_fields, &report_data,
    &var_data, &ak_chain, &tpm_signature, &pcrs, &report_id, &extra_data, &measurement, &store_attest, NULL};
static const struct model_step *const attest_g1c[] = {
    &value, &entry, &identity, &identity_sanity, &identity_ownership, &lookup, &collaterals, &tee_type, &tee_report, &tee_fields,
    &report_data, &var_data, &ak_chain, &tpm_signature, &pcrs, &report_id, &report_used, &extra_data, &measurement,
    &store_attest, NULL};
static const struct model_step *const reattest_g1a[] = {
    &value, &entry, &registered, &reattest_signature, &call_ak, &tpm_signature, &pcrs, &stored_fields, &measurement, &rotation,
    &store_reattest, NULL};
static const struct model_step *const reattest_g1b[] = {
    &value, &entry, &registered, &reattest_signature, &pinned_ak, &tpm_signature, &pcrs, &stored_fields, &measurement, &rotation,
    &store_reattest, NULL};
static const struct model_step *const reattest_g1c[] = {
    &value, &entry, &registered, &tee_fresh, &reattest_signature, &pinned_ak, &tpm_signature, &pcrs, &stored_fields, &measurement,
    &rotation, &store_reattest, NULL};
static const struct model_step *const ttl_g1a[] = {&value, &entry, &registered, &ttl_signature, &store_ttl, NULL};
static const struct model_step *const ttl_g1b[] = {&value, &entry, &registered, &both_fresh, &ttl_signature, &store_ttl, NULL};

const struct model_step *const *model_steps(enum profile profile, enum call_kind kind)
{
    static const struct model_step *const *const calls[PROFILE_G1C + 1][CALL_SET_TTL + 1] = {
        [PROFILE_G1A] = {NULL, attest_g1a, reattest_g1a, ttl_g1a},
        [PROFILE_G1B] = {NULL, attest_g1b, reattest_g1b, ttl_g1b},
        [PROFILE_G1C] = {NULL, attest_g1c, reattest_g1c, ttl_g1b},
    };
    return profile <= PROFILE_G1C && kind <= CALL_SET_TTL ? calls[profile][kind] : NULL;
}
