#include "tests/support/sim/intel.h"

#include "crypto/base/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

#define SGX_OID "1.2.840.113741.1.13.1"

static const uint8_t intel_vendor_id[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                            0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* --- PCK certificate --- */

/* SEQUENCE { OID SGX_OID.suffix, value } */
static void pck_item(struct buf *out, const char *suffix, struct bytes value)
{
    char oid[64];
    snprintf(oid, sizeof oid, SGX_OID ".%s", suffix);
    struct buf item = buf_new(4096);
    sim_der_oid(&item, oid);
    buf_put(&item, value);
    sim_der(out, 0x30, buf_view(&item));
    buf_done(&item);
}

static void pck_value(struct buf *out, const char *suffix, uint8_t tag, struct bytes contents)
{
    struct buf v = buf_new(4096);
    sim_der(&v, tag, contents);
    pck_item(out, suffix, buf_view(&v));
    buf_done(&v);
}

static void pck_number(struct buf *out, const char *suffix, uint64_t n)
{
    struct buf v = buf_new(64);
    sim_der_uint(&v, n);
    pck_item(out, suffix, buf_view(&v));
    buf_done(&v);
}

static void pck_tcb(struct buf *out, const struct sim_tcb *tcb)
{
    struct buf list = buf_new(4096);
    for (int i = 0; i < 16; i++) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, "2.%d", i + 1);
        pck_number(&list, suffix, tcb->sgx[i]);
    }
    pck_number(&list, "2.17", tcb->pcesvn);
    pck_value(&list, "2.18", 0x04, BYTES(tcb->sgx));
    pck_value(out, "2", 0x30, buf_view(&list));
    buf_done(&list);
}

static void pck_configuration(struct buf *out)
{
    static const uint8_t yes = 0xff;
    struct buf list = buf_new(256);
    pck_value(&list, "7.1", 0x01, bytes_from(&yes, 1));
    pck_value(&list, "7.2", 0x01, bytes_from(&yes, 1));
    pck_value(&list, "7.3", 0x01, bytes_from(&yes, 1));
    pck_value(out, "7", 0x30, buf_view(&list));
    buf_done(&list);
}

static void pck_extension(struct buf *out, const struct sim_intel *intel)
{
    const uint8_t type = intel->processor ? 0 : 1;
    struct buf list = buf_new(4096);
    pck_value(&list, "1", 0x04, BYTES(intel->ppid));
    pck_tcb(&list, &intel->tcb);
    pck_value(&list, "3", 0x04, BYTES(intel->pce_id));
    pck_value(&list, "4", 0x04, BYTES(intel->fmspc));
    pck_value(&list, "5", 0x0a, bytes_from(&type, 1));
    if (!intel->processor) {
        pck_value(&list, "6", 0x04, BYTES(intel->ppid));
        pck_configuration(&list);
    }
    sim_der(out, 0x30, buf_view(&list));
    buf_done(&list);
}

static struct sim_cert pck_issue(const struct sim_intel *intel, bool keep)
{
    struct buf value = buf_new(4096);
    pck_extension(&value, intel);
    const struct sim_ext ext = {SGX_OID, false, buf_view(&value)};
    const struct sim_spec spec = {.cn = "Intel SGX PCK Certificate (simulated)", .o = "Simulated Intel",
                                  .issuer = intel->processor ? &intel->processor_ca : &intel->platform_ca,
                                  .kind = SIM_P256, .serial = 0x5001, .key_usage = "critical,digitalSignature,nonRepudiation",
                                  .ext = &ext, .num_ext = 1};
    struct sim_cert c = keep ? sim_keep(&intel->world, "intel-pck", &spec) : sim_issue(&intel->world, &spec);
    buf_done(&value);
    return c;
}

struct sim_tcb sim_intel_level(unsigned level)
{
    struct sim_tcb tcb = {.pcesvn = 13};
    for (int i = 0; i < 8; i++)
        tcb.sgx[i] = (uint8_t)(3 + level);
    tcb.tdx[0] = 5; /* module SVN 5 of TDX_01, and the loader's */
    tcb.tdx[1] = 1;
    tcb.tdx[2] = (uint8_t)(3 + level);
    return tcb;
}

void sim_intel_init(struct sim_intel *intel, const struct sim_world *world)
{
    *intel = (struct sim_intel){.world = *world, .qe_isv_svn = 8};
    static const uint8_t fmspc[6] = {0x90, 0xc0, 0x6f, 0, 0, 0};
    memcpy(intel->fmspc, fmspc, sizeof fmspc);
    memset(intel->ppid, 0x51, sizeof intel->ppid);
    memset(intel->qe_mr_signer, 0x0e, sizeof intel->qe_mr_signer);
    memset(intel->qe_auth, 0xa0, sizeof intel->qe_auth);
    intel->tcb = sim_intel_level(0);

    const char *ca_usage = "critical,keyCertSign,cRLSign";
    intel->root = sim_keep(world, "intel-root", &(struct sim_spec){.cn = "Intel SGX Root CA (simulated)", .o = "Simulated Intel",
        .kind = SIM_P256, .serial = 0x5000, .is_ca = true, .path_len = 1, .key_usage = ca_usage});
    intel->platform_ca = sim_keep(world, "intel-platform-ca", &(struct sim_spec){.cn = "Intel SGX PCK Platform CA",
        .o = "Simulated Intel", .issuer = &intel->root, .kind = SIM_P256, .serial = 0x5002, .is_ca = true, .key_usage = ca_usage});
    intel->processor_ca = sim_keep(world, "intel-processor-ca", &(struct sim_spec){.cn = "Intel SGX PCK Processor CA",
        .o = "Simulated Intel", .issuer = &intel->root, .kind = SIM_P256, .serial = 0x5003, .is_ca = true, .key_usage = ca_usage});
    intel->tcb_signing = sim_keep(world, "intel-tcb-signing", &(struct sim_spec){.cn = "Intel SGX TCB Signing",
        .o = "Simulated Intel", .issuer = &intel->root, .kind = SIM_P256, .serial = 0x5004,
        .key_usage = "critical,digitalSignature,nonRepudiation"});
    intel->pck = pck_issue(intel, true);
    intel->attestation_key = sim_key_new(SIM_P256);
}

void sim_intel_done(struct sim_intel *intel)
{
    sim_cert_done(&intel->root);
    sim_cert_done(&intel->platform_ca);
    sim_cert_done(&intel->processor_ca);
    sim_cert_done(&intel->tcb_signing);
    sim_cert_done(&intel->pck);
    EVP_PKEY_free(intel->attestation_key);
    *intel = (struct sim_intel){0};
}

void sim_intel_reissue_pck(struct sim_intel *intel)
{
    sim_cert_done(&intel->pck);
    intel->pck = pck_issue(intel, false);
}

char *sim_pck_chain(const struct sim_intel *intel)
{
    const struct sim_cert *ca = intel->processor ? &intel->processor_ca : &intel->platform_ca;
    return sim_pem((const struct sim_cert *const[]){&intel->pck, ca, &intel->root}, 3);
}

char *sim_pck_ca_chain(const struct sim_intel *intel)
{
    const struct sim_cert *ca = intel->processor ? &intel->processor_ca : &intel->platform_ca;
    return sim_pem((const struct sim_cert *const[]){ca, &intel->root}, 2);
}

char *sim_tcb_chain(const struct sim_intel *intel)
{
    return sim_pem((const struct sim_cert *const[]){&intel->tcb_signing, &intel->root}, 2);
}

/* --- quotes --- */

static void header(struct buf *out, uint16_t version, uint32_t tee_type)
{
    buf_u16le(out, version);
    buf_u16le(out, 2); /* ECDSA-256 with P-256 */
    buf_u32le(out, tee_type);
    buf_zero(out, 4);
    buf_put(out, BYTES(intel_vendor_id));
    buf_zero(out, 20);
}

static void td_body(struct buf *out, const struct sim_intel *intel, const struct sim_td *td, bool td15)
{
    buf_put(out, BYTES(intel->tcb.tdx));
    buf_put(out, BYTES(td->mr_seam));
    buf_put(out, BYTES(intel->mr_signer_seam));
    buf_u64le(out, td->seam_attributes);
    buf_u64le(out, td->attributes);
    buf_u64le(out, td->xfam);
    buf_put(out, BYTES(td->mr_td));
    buf_put(out, BYTES(td->mr_config_id));
    buf_put(out, BYTES(td->mr_owner));
    buf_put(out, BYTES(td->mr_owner_config));
    for (int i = 0; i < 4; i++)
        buf_put(out, BYTES(td->rtmr[i]));
    buf_put(out, BYTES(td->report_data));
    if (td15) {
        buf_put(out, BYTES(td->tcb_svn2));
        buf_put(out, BYTES(td->mr_service_td));
    }
}

static void enclave_body(struct buf *out, const uint8_t cpu_svn[16], const struct sim_enclave *e)
{
    buf_put(out, bytes_from(cpu_svn, 16));
    buf_zero(out, 4 + 28);
    buf_u64le(out, e->flags);
    buf_u64le(out, e->xfrm);
    buf_put(out, BYTES(e->mr_enclave));
    buf_zero(out, 32);
    buf_put(out, BYTES(e->mr_signer));
    buf_zero(out, 96);
    buf_u16le(out, e->isv_prod_id);
    buf_u16le(out, e->isv_svn);
    buf_zero(out, 60);
    buf_put(out, BYTES(e->report_data));
}

/* QE report, its signature, auth data, PCK chain */
static void qe_part(struct buf *out, const struct sim_intel *intel, bool td_qe)
{
    uint8_t key[64];
    sim_xy(key, 32, intel->attestation_key);
    struct sim_enclave qe = {.flags = 0x15, .xfrm = 0xe7, .isv_prod_id = td_qe ? 2 : 1, .isv_svn = intel->qe_isv_svn};
    memcpy(qe.mr_signer, intel->qe_mr_signer, sizeof qe.mr_signer);
    memset(qe.mr_enclave, 0xe0, sizeof qe.mr_enclave);
    struct hash32 bind = sha256_2(BYTES(key), BYTES(intel->qe_auth));
    memcpy(qe.report_data, bind.b, sizeof bind.b);

    struct buf report = buf_new(384);
    enclave_body(&report, intel->tcb.sgx, &qe);
    uint8_t sig[64];
    sim_sign_raw(sig, intel->pck.key, buf_view(&report));
    buf_put(out, buf_view(&report));
    buf_put(out, BYTES(sig));
    buf_u16le(out, sizeof intel->qe_auth);
    buf_put(out, BYTES(intel->qe_auth));
    char *chain = sim_pck_chain(intel);
    buf_u16le(out, 5);
    buf_u32le(out, (uint32_t)strlen(chain));
    buf_text(out, chain);
    free(chain);
    buf_done(&report);
}

/* what is signed, then the signature data */
static void finish(struct buf *out, const struct sim_intel *intel, struct bytes to_sign, bool nested, bool td_qe)
{
    uint8_t sig[64], key[64];
    sim_sign_raw(sig, intel->attestation_key, to_sign);
    sim_xy(key, 32, intel->attestation_key);
    struct buf data = buf_new(1 << 16), qe = buf_new(1 << 16);
    qe_part(&qe, intel, td_qe);
    buf_put(&data, BYTES(sig));
    buf_put(&data, BYTES(key));
    if (nested) {
        buf_u16le(&data, 6);
        buf_u32le(&data, (uint32_t)qe.len);
    }
    buf_put(&data, buf_view(&qe));
    buf_put(out, to_sign);
    buf_u32le(out, (uint32_t)data.len);
    buf_put(out, buf_view(&data));
    buf_done(&data);
    buf_done(&qe);
}

void sim_td_quote(struct buf *out, const struct sim_intel *intel, enum sim_quote form, const struct sim_td *td)
{
    bool td15 = form == SIM_QUOTE_V5_TD15;
    struct buf body = buf_new(1024);
    header(&body, form == SIM_QUOTE_V4 ? 4 : 5, 0x81);
    if (form != SIM_QUOTE_V4) {
        buf_u16le(&body, td15 ? 3 : 2);
        buf_u32le(&body, td15 ? 648 : 584);
    }
    td_body(&body, intel, td, td15);
    finish(out, intel, buf_view(&body), true, true);
    buf_done(&body);
}

void sim_sgx_quote(struct buf *out, const struct sim_intel *intel, const struct sim_enclave *enclave)
{
    struct buf body = buf_new(1024);
    header(&body, 3, 0);
    enclave_body(&body, intel->tcb.sgx, enclave);
    finish(out, intel, buf_view(&body), false, false);
    buf_done(&body);
}

/* --- collateral --- */

/* {"name":inner,"signature":"hex"}; takes inner's text */
static char *sign_json(const struct sim_intel *intel, const char *name, struct buf *inner)
{
    uint8_t sig[64];
    sim_sign_raw(sig, intel->tcb_signing.key, buf_view(inner));
    struct buf out = buf_new(1 << 20);
    buf_printf(&out, "{\"%s\":", name);
    buf_put(&out, buf_view(inner));
    buf_text(&out, ",\"signature\":\"");
    buf_hex(&out, BYTES(sig));
    buf_text(&out, "\"}");
    buf_done(inner);
    return buf_steal_str(&out);
}

static void put_times(struct buf *b, const struct sim_collateral *c)
{
    char issued[21], next[21];
    buf_printf(b, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",", time_format(issued, c->issued_s),
               time_format(next, c->next_update_s));
}

static void put_svns(struct buf *b, const char *name, const uint8_t svn[16])
{
    buf_printf(b, "\"%s\":[", name);
    for (int i = 0; i < 16; i++)
        buf_printf(b, "%s{\"svn\":%u}", i ? "," : "", svn[i]);
    buf_text(b, "]");
}

static void put_level(struct buf *b, const struct sim_level *level, bool sgx)
{
    buf_text(b, "{\"tcb\":{");
    put_svns(b, "sgxtcbcomponents", level->tcb.sgx);
    buf_printf(b, ",\"pcesvn\":%u", level->tcb.pcesvn);
    if (!sgx) {
        buf_text(b, ",");
        put_svns(b, "tdxtcbcomponents", level->tcb.tdx);
    }
    buf_printf(b, "},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", level->date, level->status);
    for (int i = 0; i < 4 && level->advisories[i]; i++)
        buf_printf(b, "%s\"%s\"", i ? "," : ",\"advisoryIDs\":[", level->advisories[i]);
    buf_text(b, level->advisories[0] ? "]}" : "}");
}

static void put_module(struct buf *b, const struct sim_intel *intel, const struct sim_collateral *c)
{
    char signer[97];
    hex_encode(signer, BYTES(intel->mr_signer_seam));
    buf_printf(b, "\"tdxModule\":{\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},",
               signer);
    buf_printf(b,
               "\"tdxModuleIdentities\":[{\"id\":\"TDX_%02x\",\"mrsigner\":\"%s\",\"attributes\":\"0000000000000000\","
               "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},"
               "\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"}]}],",
               intel->tcb.tdx[1], signer, intel->tcb.tdx[0], c->module_status ? c->module_status : "UpToDate");
}

char *sim_tcb_info(const struct sim_intel *intel, const struct sim_collateral *c)
{
    const struct sim_level own = {.tcb = intel->tcb, .status = "UpToDate", .date = "2026-01-01T00:00:00Z"};
    const struct sim_level *levels = c->levels ? c->levels : &own;
    size_t num_levels = c->levels ? c->num_levels : 1;
    char fmspc[13], pce[5];
    struct buf b = buf_new(1 << 20);
    buf_printf(&b, "{\"id\":\"%s\",\"version\":3,", c->sgx ? "SGX" : "TDX");
    put_times(&b, c);
    buf_printf(&b, "\"fmspc\":\"%s\",\"pceId\":\"%s\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,",
               hex_encode(fmspc, BYTES(intel->fmspc)), hex_encode(pce, BYTES(intel->pce_id)), c->evaluation_number);
    if (!c->sgx)
        put_module(&b, intel, c);
    buf_text(&b, "\"tcbLevels\":[");
    for (size_t i = 0; i < num_levels; i++) {
        if (i)
            buf_text(&b, ",");
        put_level(&b, &levels[i], c->sgx);
    }
    buf_text(&b, "]}");
    return sign_json(intel, "tcbInfo", &b);
}

char *sim_qe_identity(const struct sim_intel *intel, const struct sim_collateral *c)
{
    char signer[65];
    struct buf b = buf_new(1 << 16);
    buf_printf(&b, "{\"id\":\"%s\",\"version\":2,", c->sgx ? "QE" : "TD_QE");
    put_times(&b, c);
    buf_printf(&b,
               "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
               "\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
               "\"mrsigner\":\"%s\",\"isvprodid\":%u,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},"
               "\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"}]}",
               c->evaluation_number, hex_encode(signer, BYTES(intel->qe_mr_signer)), c->sgx ? 1u : 2u, intel->qe_isv_svn,
               c->qe_status ? c->qe_status : "UpToDate");
    return sign_json(intel, "enclaveIdentity", &b);
}

char *sim_evaluation_numbers(const struct sim_intel *intel, const struct sim_collateral *c, unsigned number, int64_t recovery_event_s)
{
    char event[21], before[21];
    const int64_t two_years = 730ll * 86400;
    struct buf b = buf_new(1 << 16);
    buf_printf(&b, "{\"id\":\"%s\",\"version\":1,", c->sgx ? "SGX" : "TDX");
    put_times(&b, c);
    buf_printf(&b,
               "\"tcbEvalNumbers\":[{\"tcbEvaluationDataNumber\":%u,\"tcbRecoveryEventDate\":\"%s\",\"tcbDate\":\"%s\"},"
               "{\"tcbEvaluationDataNumber\":%u,\"tcbRecoveryEventDate\":\"%s\",\"tcbDate\":\"%s\"}]}",
               number, time_format(event, recovery_event_s), event, number - 1, time_format(before, recovery_event_s - two_years), before);
    return sign_json(intel, "tcbEvaluationDataNumbers", &b);
}
