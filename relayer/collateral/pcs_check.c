#include "relayer/collateral/pcs_check.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_proof.h"

#include <stdio.h>
#include <strings.h>

/* --- wants and documents --- */

static bool ca_of(struct bytes name, bool *processor)
{
    struct bytes cn = name_find(name, OID_CN);
    *processor = bytes_find(cn, BYTES_LIT("PCK Processor CA"), 0) != SIZE_MAX;
    return *processor || bytes_find(cn, BYTES_LIT("PCK Platform CA"), 0) != SIZE_MAX;
}

bool pcs_want_of_item(struct pcs_want *out, const struct collateral_item *item)
{
    struct pcs_want w = {0};
    if (item->kind == COLLATERAL_CRL) {
        bool root = bytes_find(name_find(item->crl.issuer, OID_CN), BYTES_LIT("Intel SGX Root CA"), 0) == 0;
        w.thing = root ? PCS_ROOT_CRL : PCS_PCK_CRL;
        if (!root && !ca_of(item->crl.issuer, &w.processor))
            return false;
    } else if (item->kind == COLLATERAL_SIGNED) {
        static const enum pcs_thing things[] = {
            [SIGNED_TCB_INFO] = PCS_TCB_INFO, [SIGNED_QE_IDENTITY] = PCS_QE_IDENTITY, [SIGNED_EVALUATION_NUMBERS] = PCS_NUMBERS};
        w.thing = things[item->json.kind];
        w.early = item->early && w.thing != PCS_NUMBERS;
        w.tdx = item->json.kind == SIGNED_TCB_INFO      ? item->json.tcb_info->tdx
                : item->json.kind == SIGNED_QE_IDENTITY ? item->json.qe_identity->tdx
                                                        : item->json.numbers->tdx;
        if (w.thing == PCS_TCB_INFO)
            memcpy(w.fmspc, item->json.tcb_info->fmspc, sizeof w.fmspc);
    } else {
        return false;
    }
    *out = w;
    return true;
}

static bool same_want(const struct pcs_want *a, const struct pcs_want *b)
{
    if (a->thing != b->thing)
        return false;
    switch (a->thing) {
    case PCS_ROOT_CRL:
        return true;
    case PCS_PCK_CRL:
        return a->processor == b->processor;
    case PCS_TCB_INFO:
        return a->tdx == b->tdx && memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0;
    case PCS_QE_IDENTITY:
    case PCS_NUMBERS:
        break;
    }
    return a->tdx == b->tdx;
}

/* --- judging --- */

static bool check_window(int64_t from_s, int64_t to_s, int64_t now_s, const char *what, struct err *err)
{
    char a[21];
    if (now_s < from_s)
        return err_set(err, ERR_STALE, "%s is not yet valid (from %s)", what, time_format(a, from_s));
    if (now_s > to_s)
        return err_set(err, ERR_STALE, "%s expired on %s", what, time_format(a, to_s));
    return true;
}

/* Under which key, and until when? The chain must hold now. */
static const struct pubkey *chain_key(struct proofs *p, const struct collateral_item *chain, int64_t now_s, struct err *err)
{
    if (!chain || chain->kind != COLLATERAL_CERTS) {
        err_set(err, ERR_FORMAT, "no issuer chain that can be read came with it");
        return NULL;
    }
    const struct proof *proof = proof_chain(p, chain);
    if (proof->fault != CHAIN_OK) {
        err_set(err, ERR_REFUSED, "issuer chain: %s", proof->why);
        return NULL;
    }
    if (!check_window(proof->not_before_s, proof->not_after_s, now_s, "its issuer chain", err))
        return NULL;
    return chain->keys[proof->leaf];
}

static bool check_signed(struct pcs_found *out, struct proofs *p, const struct collateral_item *item, int64_t now_s, struct err *err)
{
    const struct collateral_item *chain = collateral_chain(p->pool, item, 0);
    const struct signed_head *head = item->json.head;
    const struct pubkey *key = chain_key(p, chain, now_s, err);
    if (!key)
        return false;
    const struct proof *proof = proof_chain(p, chain);
    const struct cert *leaf = &chain->certs[proof->leaf];
    if (leaf->is_ca || bytes_find(name_find(leaf->subject, OID_CN), BYTES_LIT("Intel SGX TCB Signing"), 0) != 0)
        return err_set(err, ERR_REFUSED, "its issuer chain is not one of TCB signing");
    if (!proof_signed(p, item, key))
        return err_set(err, ERR_REFUSED, "its signature does not hold");
    out->issued_s = head->issued_s;
    out->expires_s = head->next_update_s;
    out->root = proof->root;
    return check_window(head->issued_s, head->next_update_s, now_s, signed_kind_name(item->json.kind), err);
}

static const struct pubkey *root_key(const struct roots *roots, struct bytes name, size_t *root)
{
    for (size_t i = 0; i < roots->count; i++)
        if (bytes_eq(name, bytes_from(roots->root[i].subject, roots->root[i].subject_len))) {
            *root = i;
            return roots->root[i].key;
        }
    return NULL;
}

/* The PCK CA's certificate anywhere in the pool, proved. */
static const struct pubkey *ca_key(struct proofs *p, struct bytes name, size_t *root, int64_t now_s, struct err *err)
{
    err_set(err, ERR_REFUSED, "no chain of its issuer that holds came with it");
    for (size_t i = 0; i < p->pool->count; i++) {
        const struct collateral_item *item = &p->pool->items[i];
        if (item->kind != COLLATERAL_CERTS || !bytes_eq(item->certs[proof_chain(p, item)->leaf].subject, name))
            continue;
        const struct pubkey *key = chain_key(p, item, now_s, err);
        if (key) {
            *root = proof_chain(p, item)->root;
            return key;
        }
    }
    return NULL;
}

static bool check_crl(struct pcs_found *out, struct proofs *p, const struct collateral_item *item, int64_t now_s, struct err *err)
{
    const struct crl *crl = &item->crl;
    const struct pubkey *key = root_key(p->roots, crl->issuer, &out->root);
    if (!key && !(key = ca_key(p, crl->issuer, &out->root, now_s, err)))
        return false;
    if (!proof_signed(p, item, key))
        return err_set(err, ERR_REFUSED, "its signature does not hold");
    out->issued_s = crl->this_update_s;
    out->expires_s = crl->next_update_s;
    return check_window(crl->this_update_s, crl->next_update_s, now_s, "CRL", err);
}

bool pcs_check(struct pcs_found *out, const struct pcs_want *want, const struct collateral *pool, const struct roots *roots,
               int64_t now_s, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    struct proofs proofs;
    if (!proofs_init(&proofs, &mem, pool, roots))
        return err_set(err, ERR_NOMEM, "no memory to check an answer");
    err_set(err, ERR_FORMAT, "the answer is not what was asked for");
    for (size_t i = 0; i < pool->count; i++) {
        const struct collateral_item *item = &pool->items[i];
        struct pcs_found found = {.item = i};
        struct pcs_want is;
        if (item->kind == COLLATERAL_UNREADABLE)
            err_set(err, ERR_FORMAT, "the answer cannot be read: %s", item->why);
        if (!pcs_want_of_item(&is, item) || !same_want(&is, want))
            continue;
        if (item->kind == COLLATERAL_CRL ? !check_crl(&found, &proofs, item, now_s, err)
                                         : !check_signed(&found, &proofs, item, now_s, err))
            continue;
        *out = found;
        err_clear(err);
        return true;
    }
    return false;
}

/* --- where it stands --- */

void pcs_path(struct buf *out, const struct pcs_want *w, int version)
{
    char fmspc[13];
    const char *tee = w->tdx ? "tdx" : "sgx", *update = w->early ? "early" : "standard";
    switch (w->thing) {
    case PCS_ROOT_CRL:
        buf_printf(out, "/sgx/certification/v%d/rootcacrl", version);
        break;
    case PCS_PCK_CRL:
        buf_printf(out, "/sgx/certification/v%d/pckcrl?ca=%s&encoding=der", version, w->processor ? "processor" : "platform");
        break;
    case PCS_TCB_INFO:
        buf_printf(out, "/%s/certification/v%d/tcb?fmspc=%s", tee, version, hex_encode(fmspc, BYTES(w->fmspc)));
        break;
    case PCS_QE_IDENTITY:
        buf_printf(out, "/%s/certification/v%d/qe/identity", tee, version);
        break;
    case PCS_NUMBERS:
        buf_printf(out, "/%s/certification/v%d/tcbevaluationdatanumbers", tee, version);
        break;
    }
    if (version >= 4 && (w->thing == PCS_TCB_INFO || w->thing == PCS_QE_IDENTITY))
        buf_printf(out, "%cupdate=%s", w->thing == PCS_TCB_INFO ? '&' : '?', update);
}

const char *pcs_chain_header(const struct pcs_want *w, int version)
{
    switch (w->thing) {
    case PCS_ROOT_CRL:
        return NULL;
    case PCS_PCK_CRL:
        return "SGX-PCK-CRL-Issuer-Chain";
    case PCS_TCB_INFO:
        return version >= 4 ? "TCB-Info-Issuer-Chain" : "SGX-TCB-Info-Issuer-Chain";
    case PCS_QE_IDENTITY:
        return "SGX-Enclave-Identity-Issuer-Chain";
    case PCS_NUMBERS:
        break;
    }
    return "TCB-Evaluation-Data-Numbers-Issuer-Chain";
}

int pcs_base_url(char *out, size_t size, const char *url)
{
    static const char *const tails[] = {"/sgx/certification/v4", "/tdx/certification/v4", "/sgx/certification/v3"};
    size_t len = strlen(url);
    int version = 4;
    while (len > 0 && url[len - 1] == '/')
        len--;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t n = strlen(tails[i]);
        if (len > n && strncasecmp(url + len - n, tails[i], n) == 0) {
            version = tails[i][n - 1] - '0';
            len -= n;
            break;
        }
    }
    snprintf(out, size, "%.*s", (int)len, url);
    return version;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pcs_url_decode(struct buf *out, struct bytes text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.p[i + 1]) : -1, low = high < 0 ? -1 : hex_value(text.p[i + 2]);
            if (low < 0)
                return err_set(err, ERR_FORMAT, "damaged escape at %zu of a URL-encoded text", i);
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (c == 0)
            return err_set(err, ERR_FORMAT, "a NUL in a URL-encoded text");
        buf_u8(out, c);
    }
    return buf_finish(out, err);
}
