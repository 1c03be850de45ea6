#include "relayer/evidence/tdx_quote.h"

#define SIG_LEN       64
#define MAX_QE_AUTH   UINT16_MAX
#define MAX_CERT_DATA (1u << 20)

static struct quote_header read_header(struct reader *r)
{
    struct quote_header h = {0};
    h.version = rd_u16le(r, "version");
    h.key_type = rd_u16le(r, "att_key_type");
    h.tee_type = rd_u32le(r, "tee_type");
    rd_skip(r, 4, "qe_svn and pce_svn"); /* reserved from version 4 on; never trusted: the QE report and PCK say them */
    h.vendor_id = rd_bytes(r, 16, "vendor_id");
    h.user_data = rd_bytes(r, 20, "user_data");
    return h;
}

bool quote_header_parse(struct quote_header *out, struct bytes in, struct err *err)
{
    struct reader r = rd_from(in);
    struct quote_header h = read_header(&r);
    if (!rd_ok(&r, err))
        return err_wrap(err, "quote header");
    *out = h;
    return true;
}

bool quote_version_fits(const struct quote_header *h)
{
    if (h->tee_type == TEE_TYPE_SGX)
        return h->version >= 3 && h->version <= 5;
    return h->tee_type == TEE_TYPE_TDX && (h->version == 4 || h->version == 5);
}

/* SGX ECDSA quote, A.4.4 */
static struct sgx_report read_sgx_report(struct reader *r, const char *field)
{
    struct reader b = rd_sub(r, SGX_REPORT_LEN, field);
    struct sgx_report s = {.raw = b.in};
    s.cpu_svn = rd_bytes(&b, 16, "cpu_svn");
    s.miscselect = rd_bytes(&b, 4, "miscselect");
    rd_skip(&b, 12, "reserved1");
    s.isv_ext_prod_id = rd_bytes(&b, 16, "isv_ext_prod_id");
    s.attributes = rd_bytes(&b, 16, "attributes");
    s.mr_enclave = rd_bytes(&b, 32, "mr_enclave");
    rd_skip(&b, 32, "reserved2");
    s.mr_signer = rd_bytes(&b, 32, "mr_signer");
    rd_skip(&b, 32, "reserved3");
    s.config_id = rd_bytes(&b, 64, "config_id");
    s.isv_prod_id = rd_u16le(&b, "isv_prod_id");
    s.isv_svn = rd_u16le(&b, "isv_svn");
    s.config_svn = rd_u16le(&b, "config_svn");
    rd_skip(&b, 42, "reserved4");
    s.isv_family_id = rd_bytes(&b, 16, "isv_family_id");
    s.report_data = rd_bytes(&b, 64, "report_data");
    return s;
}

/* TDX DCAP quote, A.3.2 (TD 1.0) and A.3.3 (TD 1.5: two fields more at the end) */
static struct td_report read_td_report(struct reader *r, size_t len)
{
    struct reader b = rd_sub(r, len, "td report");
    struct td_report t = {0};
    t.tcb_svn = rd_bytes(&b, 16, "tee_tcb_svn");
    t.mr_seam = rd_bytes(&b, 48, "mr_seam");
    t.mr_signer_seam = rd_bytes(&b, 48, "mr_signer_seam");
    t.seam_attributes = rd_bytes(&b, 8, "seam_attributes");
    t.td_attributes = rd_bytes(&b, 8, "td_attributes");
    t.xfam = rd_bytes(&b, 8, "xfam");
    t.mr_td = rd_bytes(&b, 48, "mr_td");
    t.mr_config_id = rd_bytes(&b, 48, "mr_config_id");
    t.mr_owner = rd_bytes(&b, 48, "mr_owner");
    t.mr_owner_config = rd_bytes(&b, 48, "mr_owner_config");
    for (size_t i = 0; i < 4; i++)
        t.rtmr[i] = rd_bytes(&b, 48, "rtmr");
    t.report_data = rd_bytes(&b, 64, "report_data");
    if (len == TD15_REPORT_LEN) {
        t.tcb_svn2 = rd_bytes(&b, 16, "tee_tcb_svn2");
        t.mr_service_td = rd_bytes(&b, 48, "mr_service_td");
    }
    return t;
}

static size_t body_len(enum quote_body body)
{
    switch (body) {
    case BODY_SGX:
        return SGX_REPORT_LEN;
    case BODY_TD10:
        return TD10_REPORT_LEN;
    case BODY_TD15:
        return TD15_REPORT_LEN;
    case BODY_NONE:
        break;
    }
    return 0;
}

/* A version 5 quote says which body it has; 3 and 4 leave it to the TEE type. */
static bool read_body_kind(struct tdx_quote *q, struct reader *r, struct err *err)
{
    bool sgx = q->header.tee_type == TEE_TYPE_SGX;
    q->body = sgx ? BODY_SGX : BODY_TD10;
    if (q->header.version < 5)
        return true;
    uint16_t type = rd_u16le(r, "body_type");
    uint32_t size = rd_u32le(r, "body_size");
    if (!rd_ok(r, err))
        return false;
    if (type < BODY_SGX || type > BODY_TD15 || (type == BODY_SGX) != sgx)
        return err_set(err, ERR_FORMAT, "body_type: have %u, want %s", type, sgx ? "1 for SGX" : "2 or 3 for TDX");
    q->body = (enum quote_body)type;
    if (size != body_len(q->body))
        return err_set(err, ERR_FORMAT, "body_size: have %u, want %zu", size, body_len(q->body));
    return true;
}

/* QE report, its signature, authentication data, certification data: they fill what is given. */
static bool read_qe_part(struct tdx_quote *q, struct reader *r, struct err *err)
{
    q->qe = read_sgx_report(r, "qe_report");
    q->qe_sig = rd_bytes(r, SIG_LEN, "qe_report_signature");
    q->qe_auth = rd_bytes(r, rd_count(r, rd_u16le(r, "qe_auth_len"), MAX_QE_AUTH, "qe_auth_len"), "qe_auth");
    q->cert_type = rd_u16le(r, "cert_data_type");
    q->cert_data = rd_bytes(r, rd_count(r, rd_u32le(r, "cert_data_len"), MAX_CERT_DATA, "cert_data_len"), "cert_data");
    return rd_finish(r, err);
}

static bool read_auth(struct tdx_quote *q, struct reader *r, struct err *err)
{
    q->sig = rd_bytes(r, SIG_LEN, "signature");
    q->attestation_key = rd_bytes(r, 64, "attestation_key");
    if (q->header.version == 3)
        return read_qe_part(q, r, err);
    q->outer_type = rd_u16le(r, "outer cert_data_type");
    struct reader outer = rd_sub(r, rd_u32le(r, "outer cert_data_len"), "outer cert_data");
    if (!rd_finish(r, err))
        return false;
    return q->outer_type != CERT_QE_REPORT || read_qe_part(q, &outer, err);
}

bool tdx_quote_parse(struct tdx_quote *out, struct bytes in, struct err *err)
{
    struct reader r = rd_from(in);
    struct tdx_quote q = {.header = read_header(&r)};
    if (!rd_ok(&r, err) || !read_body_kind(&q, &r, err))
        return err_wrap(err, "quote");
    if (q.body == BODY_SGX)
        q.enclave = read_sgx_report(&r, "enclave report");
    else
        q.td = read_td_report(&r, body_len(q.body));
    q.signed_part = bytes_sub(in, 0, r.pos);
    struct reader auth = rd_sub(&r, rd_u32le(&r, "auth_data_len"), "auth_data");
    if (!rd_ok(&r, err) || !read_auth(&q, &auth, err))
        return err_wrap(err, "quote");
    q.trailing = rd_rest(&r);
    *out = q;
    return true;
}

bool quote_trailing_ok(struct bytes trailing)
{
    for (size_t i = 0; i < trailing.len; i++)
        if (trailing.p[i] != 0 && !memchr(" \t\r\n", trailing.p[i], 4))
            return false;
    return true;
}
