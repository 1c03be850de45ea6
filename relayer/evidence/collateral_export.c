/* The pool written down: as our own document, and as the one that dcap-qvl's programs read. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "relayer/evidence/collateral.h"

#define TEXT_MAX ((size_t)16 << 20)

static void put_json_string(struct buf *out, struct bytes text)
{
    buf_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '"' || c == '\\')
            buf_u8(out, '\\');
        if (c == '\n')
            buf_text(out, "\\n");
        else if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_u8(out, c);
    }
    buf_u8(out, '"');
}

static void put_certs_pem(struct buf *out, const struct collateral_item *item)
{
    AUTO(buf_done) struct buf pem = buf_new(TEXT_MAX);
    for (size_t i = 0; i < item->num_certs; i++)
        pem_encode(&pem, "CERTIFICATE", item->certs[i].der);
    out->failed |= pem.failed;
    put_json_string(out, buf_view(&pem));
}

static bool is_somebodys_chain(const struct collateral *pool, size_t at)
{
    for (size_t i = 0; i < pool->count; i++)
        if (collateral_chain(pool, &pool->items[i], 0) == &pool->items[at] && pool->items[i].chain != COLLATERAL_NONE)
            return true;
    return false;
}

static void put_item(struct buf *out, const struct collateral *pool, const struct collateral_item *item)
{
    static const char *const kinds[] = {
        [SIGNED_TCB_INFO] = "tcb_info",
        [SIGNED_QE_IDENTITY] = "qe_identity",
        [SIGNED_EVALUATION_NUMBERS] = "tcb_evaluation_data_numbers",
    };
    const char *kind = item->kind == COLLATERAL_SIGNED  ? kinds[item->json.kind]
                       : item->kind == COLLATERAL_CERTS ? "certificates"
                       : item->kind == COLLATERAL_TABLE ? "certificate_table"
                                                        : "crl";
    buf_printf(out, "{\"kind\":\"%s\",\"origin\":", kind);
    put_json_string(out, bytes_str(item->origin));
    buf_text(out, ",\"data\":");
    if (item->kind == COLLATERAL_SIGNED) {
        put_json_string(out, item->raw);
        const struct collateral_item *chain = item->chain == COLLATERAL_NONE ? NULL : &pool->items[item->chain];
        if (chain && chain->kind == COLLATERAL_CERTS) {
            buf_text(out, ",\"chain\":");
            put_certs_pem(out, chain);
        }
    } else if (item->kind == COLLATERAL_CERTS) {
        put_certs_pem(out, item);
    } else {
        buf_text(out, "\"0x");
        buf_hex(out, item->kind == COLLATERAL_TABLE ? item->raw : item->crl.der);
        buf_u8(out, '"');
    }
    buf_text(out, item->early ? ",\"update\":\"early\"}" : "}");
}

bool collateral_export(struct buf *out, const struct collateral *pool, struct err *err)
{
    buf_text(out, "{\"format\":\"cvm-collateral/1\",\"items\":[");
    bool first = true;
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->items[i].kind == COLLATERAL_UNREADABLE || is_somebodys_chain(pool, i))
            continue;
        buf_text(out, first ? "\n" : ",\n");
        first = false;
        put_item(out, pool, &pool->items[i]);
    }
    buf_text(out, "\n]}\n");
    return buf_finish(out, err);
}

/* --- dcap-qvl --- */

static const struct collateral_item *find_signed(const struct collateral *pool, enum signed_kind kind, bool tdx,
                                                 const uint8_t fmspc[static 6])
{
    const struct collateral_item *best = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        const struct collateral_item *item = &pool->items[i];
        if (item->kind != COLLATERAL_SIGNED || item->json.kind != kind || item->early)
            continue;
        bool fits = kind == SIGNED_TCB_INFO
                        ? item->json.tcb_info->tdx == tdx && memcmp(item->json.tcb_info->fmspc, fmspc, 6) == 0
                        : bytes_eq(item->json.head->id, tdx ? BYTES_LIT("TD_QE") : BYTES_LIT("QE"));
        if (fits && (!best || item->json.head->issued_s > best->json.head->issued_s))
            best = item;
    }
    return best;
}

static const struct collateral_item *find_crl(const struct collateral *pool, const char *issuer_cn)
{
    const struct collateral_item *best = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        const struct collateral_item *item = &pool->items[i];
        if (item->kind == COLLATERAL_CRL &&
            bytes_find(name_find(item->crl.issuer, OID_CN), bytes_str(issuer_cn), 0) == 0 &&
            (!best || item->crl.this_update_s > best->crl.this_update_s))
            best = item;
    }
    return best;
}

static const struct collateral_item *find_chain_of(const struct collateral *pool, struct bytes ca)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->items[i].kind == COLLATERAL_CERTS && bytes_eq(pool->items[i].certs[0].subject, ca))
            return &pool->items[i];
    return NULL;
}

static void put_signed_parts(struct buf *out, const struct collateral_item *item, const struct collateral_item *chain,
                             const char *name)
{
    buf_printf(out, "\"%s_issuer_chain\":", name);
    put_certs_pem(out, chain);
    buf_printf(out, ",\"%s\":", name);
    put_json_string(out, item->json.body);
    buf_printf(out, ",\"%s_signature\":\"", name);
    buf_hex(out, BYTES(item->json.sig));
    buf_text(out, "\",");
}

bool collateral_export_dcap_qvl(struct buf *out, const struct collateral *pool, bool tdx, const uint8_t fmspc[static 6],
                                bool processor, struct err *err)
{
    const struct collateral_item *info = find_signed(pool, SIGNED_TCB_INFO, tdx, fmspc);
    const struct collateral_item *qe = find_signed(pool, SIGNED_QE_IDENTITY, tdx, fmspc);
    const struct collateral_item *root = find_crl(pool, "Intel SGX Root CA");
    const struct collateral_item *pck = find_crl(pool, processor ? "Intel SGX PCK Processor CA" : "Intel SGX PCK Platform CA");
    const struct collateral_item *info_chain = info ? collateral_chain(pool, info, 0) : NULL;
    const struct collateral_item *qe_chain = qe ? collateral_chain(pool, qe, 0) : NULL;
    const struct collateral_item *pck_chain = pck ? find_chain_of(pool, pck->crl.issuer) : NULL;
    const char *missing = !info ? "TCB info" : !qe ? "QE identity" : !root ? "root CA CRL" : !pck ? "PCK CRL"
                          : !info_chain || !qe_chain || !pck_chain ? "an issuer chain" : NULL;
    if (missing)
        return err_set(err, ERR_STALE, "dcap-qvl's form wants all of a platform's collateral; %s is missing", missing);
    buf_text(out, "{\"pck_crl_issuer_chain\":");
    put_certs_pem(out, pck_chain);
    buf_text(out, ",\"root_ca_crl\":\"");
    buf_hex(out, root->crl.der);
    buf_text(out, "\",\"pck_crl\":\"");
    buf_hex(out, pck->crl.der);
    buf_text(out, "\",");
    put_signed_parts(out, info, info_chain, "tcb_info");
    put_signed_parts(out, qe, qe_chain, "qe_identity");
    if (!out->failed)
        out->p[out->len - 1] = '}'; /* in place of the last comma */
    buf_text(out, "\n");
    return buf_finish(out, err);
}
