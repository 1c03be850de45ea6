#include "relayer/input.h"

#include "abi/errors.h"
#include "abi/tx.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/hcl.h"
#include "relayer/evidence/snp_certs.h"
#include "relayer/registry/calldata.h"

#include <ctype.h>

/* Intel's QE vendor id, at offset 12 of every quote since version 3 (DCAP quote header) */
static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                         0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static bool begins(struct bytes in, struct bytes with)
{
    return in.len >= with.len && bytes_eq(bytes_sub(in, 0, with.len), with);
}

/* A quote header: version, key type, TEE type; the vendor id alone is enough when one of them is damaged. */
static bool is_quote(struct bytes in)
{
    if (in.len < 28)
        return false;
    uint16_t version = le16(in.p);
    bool plain = version >= 3 && version <= 5 && (le16(in.p + 2) == 2 || le16(in.p + 2) == 3);
    return plain || bytes_eq(bytes_sub(in, 12, 16), BYTES(intel_vendor));
}

static bool is_tdx_quote(struct bytes in)
{
    /* the TEE type is 0x81; version 5 also names it by its body type, which the parser looks at */
    return is_quote(in) && le16(in.p) != 3 && le32(in.p + 4) != 0;
}

static bool is_sgx_quote(struct bytes in)
{
    return is_quote(in) && !is_tdx_quote(in);
}

static bool is_snp_report(struct bytes in)
{
    bool versioned = in.len >= SNP_REPORT_LEN && le32(in.p) >= 1 && le32(in.p) <= 16;
    return versioned && (in.len == SNP_REPORT_LEN || snp_table_recognise(bytes_sub(in, SNP_REPORT_LEN, in.len - SNP_REPORT_LEN)));
}

static bool is_hcl(struct bytes in)
{
    return begins(in, BYTES_LIT("HCLA"));
}

static bool is_tpm_quote(struct bytes in)
{
    return begins(in, BYTES_LIT("\xff\x54\x43\x47"));
}

static bool is_transaction(struct bytes in)
{
    struct tx_signed tx;
    return in.len > 64 && (in.p[0] >= 0xc0 || in.p[0] == 1 || in.p[0] == 2) && tx_parse(&tx, in, NULL);
}

static bool is_revert(struct bytes in)
{
    return in.len % 32 == 4 && abi_error_by_selector(in);
}

static bool is_certificate(struct bytes in)
{
    return begins(in, BYTES_LIT("-----BEGIN ")) || (in.len > 64 && in.p[0] == 0x30 && in.p[1] == 0x82);
}

static bool is_bundle(struct bytes in)
{
    size_t i = 0;
    while (i < in.len && isspace(in.p[i]))
        i++;
    return i < in.len && in.p[i] == '{';
}

/* In the order in which they are tried; text forms are unwrapped before. */
static const struct {
    enum input_kind kind;
    const char *name;
    bool (*recognise)(struct bytes in);
} kinds[] = {
    {INPUT_BUNDLE, "bundle", is_bundle},
    {INPUT_CALLDATA, "calldata", calldata_recognise},
    {INPUT_TDX_QUOTE, "tdx-quote", is_tdx_quote},
    {INPUT_SGX_QUOTE, "sgx-quote", is_sgx_quote},
    {INPUT_SNP_REPORT, "snp-report", is_snp_report},
    {INPUT_HCL, "hcl", is_hcl},
    {INPUT_TPM_QUOTE, "tpm-quote", is_tpm_quote},
    {INPUT_REVERT, "revert", is_revert},
    {INPUT_TRANSACTION, "transaction", is_transaction},
    {INPUT_CERTIFICATE, "certificate", is_certificate},
};
#define NUM_KINDS (sizeof kinds / sizeof *kinds)

const char *input_kind_name(enum input_kind kind)
{
    for (size_t i = 0; i < NUM_KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "unknown";
}

bool input_kind_from_name(enum input_kind *out, const char *name)
{
    for (size_t i = 0; i < NUM_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

static enum input_kind recognise(struct bytes in)
{
    for (size_t i = 0; i < NUM_KINDS; i++)
        if (kinds[i].recognise(in))
            return kinds[i].kind;
    return INPUT_UNKNOWN;
}

static struct bytes trim(struct bytes text)
{
    while (text.len && isspace(text.p[text.len - 1]))
        text.len--;
    while (text.len && isspace(text.p[0]))
        text = bytes_sub(text, 1, text.len - 1);
    return text;
}

static bool is_text(struct bytes in, const char *more)
{
    for (size_t i = 0; i < in.len; i++)
        if (!isalnum(in.p[i]) && !strchr(more, in.p[i]))
            return false;
    return in.len > 0;
}

/* The agents' answer, {"calldata": base64}, and nothing that looks like a bundle. */
static bool unwrap_agent(struct buf *out, struct bytes text)
{
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    return json_object_get(doc, "calldata") && !json_object_get(doc, "format") && calldata_from_file(out, text, NULL);
}

/* The binary behind hex, base64 or an agent's JSON; false where it is none of them. */
static bool unwrap(struct buf *out, struct bytes raw)
{
    struct bytes text = trim(raw);
    if (is_bundle(text))
        return unwrap_agent(out, text);
    return (is_text(text, "") && hex_decode(out, text, NULL)) || (is_text(text, "+/=") && base64_decode(out, text, NULL));
}

bool input_open(struct input *out, struct bytes raw, enum input_kind forced, struct err *err)
{
    AUTO(buf_done) struct buf data = buf_new(INPUT_MAX);
    if (!unwrap(&data, raw)) {
        data.len = 0;
        buf_put(&data, raw);
    }
    if (!buf_finish(&data, err))
        return false;
    enum input_kind kind = forced ? forced : recognise(buf_view(&data));
    if (!kind)
        return err_set(err, ERR_FORMAT, "%zu bytes of nothing known; want one of %s (--kind says which)", raw.len, INPUT_KINDS);
    *out = (struct input){.kind = kind, .data = data};
    data = (struct buf){0};
    return true;
}

void input_done(struct input *in)
{
    buf_done(&in->data);
}

/* A lone report or quote: only its own checks apply. */
static bool bare_report(struct bundle *out, enum tee_type tee, struct bytes data, struct err *err)
{
    AUTO(bundle_done) struct bundle b = bundle_new();
    bool ok = true;
    b.tee = tee;
    b.report_type = REPORT_NATIVE;
    b.has_report = true;
    b.bare = true;
    b.report = arena_copy(&b.mem, data, &ok);
    if (!ok)
        return err_set(err, ERR_NOMEM, "no memory for the report");
    *out = b;
    b = (struct bundle){0};
    return true;
}

/* A lone TPM quote, or Azure's HCL report: a bundle with that part alone. An SNP report comes with the latter; a TDREPORT is of
 * use on its own machine alone, so that a TD quote has to come from elsewhere. */
static bool tpm_part(struct bundle *out, struct bytes data, bool is_hcl_report, struct err *err)
{
    AUTO(bundle_done) struct bundle b = bundle_new();
    bool ok = true;
    struct hcl_report hcl;
    struct bytes copy = arena_copy(&b.mem, data, &ok);
    if (!ok)
        return err_set(err, ERR_NOMEM, "no memory for the evidence");
    *(is_hcl_report ? &b.ak_var_data : &b.quote) = copy;
    if (is_hcl_report && hcl_report_parse(&hcl, copy, NULL)) {
        b.cloud = CLOUD_AZURE;
        b.tee = hcl.report_type == HCL_SNP ? TEE_SNP : TEE_TDX;
        b.has_report = b.tee == TEE_SNP;
        b.report_type = REPORT_NATIVE;
        b.report = b.has_report ? hcl.hw_report : (struct bytes){0};
    }
    *out = b;
    b = (struct bundle){0};
    return true;
}

bool input_bundle(struct bundle *out, const struct input *in, struct err *err)
{
    struct bytes data = buf_view(&in->data);
    switch (in->kind) {
    case INPUT_BUNDLE:
        return bundle_from_json(out, data, err);
    case INPUT_CALLDATA:
        return bundle_from_calldata(out, data, err);
    case INPUT_TDX_QUOTE:
        return bare_report(out, TEE_TDX, data, err);
    case INPUT_SGX_QUOTE:
        return bare_report(out, TEE_SGX, data, err);
    case INPUT_SNP_REPORT:
        return bare_report(out, TEE_SNP, data, err);
    case INPUT_TPM_QUOTE:
        return tpm_part(out, data, false, err);
    case INPUT_HCL:
        return tpm_part(out, data, true, err);
    case INPUT_UNKNOWN:
    case INPUT_TRANSACTION:
    case INPUT_REVERT:
    case INPUT_CERTIFICATE:
        break;
    }
    return err_set(err, ERR_FORMAT, "a %s is no evidence", input_kind_name(in->kind));
}
