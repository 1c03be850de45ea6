/* The registry's steps over the TEE report: who vouches for it, and the values that it holds. registry-v1 6, 7. */
#include "relayer/registry/model_steps.h"

#include "abi/lax.h"

/* --- TEE report --- */

static const struct model_row collaterals_rows[] = {
    {"(empty)", NULL, "17", "input.format"}, {"Panic(uint256)", NULL, "17", "input.format"}, END};
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
    return r->call->tee != TEE_ANSWER_NONE || stop_unknown(&r->x, "the TEE verifier's answer");
}

static bool decode_memory(struct run *r, struct abi_value *out, const char *type_text, struct bytes data)
{
    const struct abi_type *type;
    if (!abi_type_parse(&type, &r->mem, bytes_str(type_text), NULL) ||
        !abi_decode_lax_memory(out, &r->mem, type, data, NULL))
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

/* Body type in the DCAP contract's numbers and where the body stands; 0: no quote that it reads. Up to version 4 the
 * header's TEE type tells, from version 5 on a descriptor behind the header. */
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

/* What the DCAP contract answers for a quote: version, body type, TCB status, FMSPC, body (registry-v1 7). Status and
 * FMSPC are not looked at again, and stay 0 here. */
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
    return stop_error_words(&r->x, "InvalidLength(uint256,uint256)",
                            (struct hash32[]){word_of(r->tee_output.len), word_of(want)}, 2);
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

const struct model_step at_collaterals = {"collaterals", step_collaterals, collaterals_rows};
const struct model_step at_tee_type = {"tee_type", step_tee_type, tee_type_rows};
const struct model_step at_tee_report = {"tee_report", step_tee_report, tee_report_rows};
const struct model_step at_tee_fields = {"tee_fields", step_fields, fields_rows};
const struct model_step at_stored_fields = {"stored_fields", step_stored_fields, fields_rows};
