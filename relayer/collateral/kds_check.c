#include "relayer/collateral/kds_check.h"

#include "crypto/base/auto.h"
#include "crypto/pem.h"
#include "relayer/evidence/snp_certs.h"

static size_t pinned(const struct roots *roots, const struct kds_want *want, struct pinned_root out[static ROOTS_MAX])
{
    return roots_for(roots, snp_root_use(want->product), out);
}

static bool holds(const struct cert *certs, size_t num_certs, const struct kds_want *want, bool leaf_may_be_ca,
                  const struct roots *roots, int64_t now_s, struct err *err)
{
    struct pinned_root roots_of[ROOTS_MAX];
    const struct chain_rules rules = {.leaf_may_be_ca = leaf_may_be_ca};
    size_t n = pinned(roots, want, roots_of);
    return chain_verify(certs, num_certs, roots_of, n, &rules, now_s, NULL, NULL, err) == CHAIN_OK;
}

/* Intermediate, then root; of the product and branch that was asked for. */
static bool parse_chain(struct cert out[static 2], struct der_list *list, const struct kds_want *want,
                        struct bytes body, struct err *err)
{
    if (!der_list_parse(list, body, "CERTIFICATE", 2, err))
        return false;
    if (list->count != 2)
        return err_set(err, ERR_FORMAT, "%zu certificates, want intermediate and root", list->count);
    for (size_t i = 0; i < 2; i++)
        if (!cert_parse(&out[i], list->item[i], err))
            return false;
    enum snp_product product;
    enum snp_cert_kind kind = snp_name_kind(out[0].subject, &product),
                       wanted = want->branch == KDS_VLEK ? SNP_CERT_ASVK : SNP_CERT_ASK;
    if (kind != wanted || product != want->product)
        return err_set(err, ERR_REFUSED, "chain of %s %s, want %s %s", snp_cert_kind_name(kind),
                       snp_product_name(product), snp_cert_kind_name(wanted), snp_product_name(want->product));
    return true;
}

static bool check_chain(const struct kds_want *want, struct bytes body, const struct roots *roots, int64_t now_s,
                        struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    struct cert certs[2];
    return parse_chain(certs, &list, want, body, err) && holds(certs, 2, want, true, roots, now_s, err);
}

static bool check_crl(int64_t *expires_s, const struct kds_want *want, struct bytes body, const struct roots *roots,
                      int64_t now_s, struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    struct pinned_root roots_of[ROOTS_MAX];
    struct crl crl;
    if (!der_list_parse(&list, body, "X509 CRL", 1, err))
        return false;
    if (list.count != 1)
        return err_set(err, ERR_FORMAT, "no CRL");
    if (!crl_parse(&crl, list.item[0], err))
        return false;
    if (now_s < crl.this_update_s || now_s > crl.next_update_s)
        return err_set(err, ERR_REFUSED, "CRL is not valid now");
    size_t n = pinned(roots, want, roots_of);
    for (size_t i = 0; i < n; i++) {
        const struct cert issuer = {.subject = roots_of[i].subject};
        if (crl_signed_by(&crl, &issuer, roots_of[i].key)) {
            *expires_s = crl.next_update_s;
            return true;
        }
    }
    return err_set(err, ERR_REFUSED, "CRL is not signed by the pinned root of %s", snp_product_name(want->product));
}

static bool leaf_fits(const struct snp_leaf *leaf, const struct kds_want *want)
{
    struct snp_tcb tcb = snp_tcb_decode(want->tcb, want->product);
    return leaf->kind == SNP_CERT_VCEK && leaf->product == want->product && bytes_eq(leaf->hwid, want->hwid) &&
           !snp_tcb_below(leaf->tcb, tcb) && !snp_tcb_below(tcb, leaf->tcb);
}

static bool check_leaf(const struct kds_want *want, struct bytes body, const struct roots *roots, int64_t now_s,
                       struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    AUTO(der_list_done) struct der_list above = {0};
    struct cert certs[3];
    struct snp_leaf leaf;
    if (!der_list_parse(&list, body, "CERTIFICATE", 1, err))
        return false;
    if (list.count != 1)
        return err_set(err, ERR_FORMAT, "no certificate");
    if (!cert_parse(&certs[0], list.item[0], err) || !snp_leaf_parse(&leaf, &certs[0], err) ||
        !parse_chain(&certs[1], &above, want, want->chain, err))
        return false;
    if (!leaf_fits(&leaf, want))
        return err_set(err, ERR_REFUSED, "a VCEK for another chip or TCB than was asked for");
    return holds(certs, 3, want, false, roots, now_s, err);
}

bool kds_check(int64_t *expires_s, const struct kds_want *want, struct bytes body, const struct roots *roots,
               int64_t now_s, struct err *err)
{
    *expires_s = 0;
    switch (want->thing) {
    case KDS_CHAIN:
        return check_chain(want, body, roots, now_s, err);
    case KDS_CRL:
        return check_crl(expires_s, want, body, roots, now_s, err);
    case KDS_LEAF:
        return check_leaf(want, body, roots, now_s, err);
    }
    return err_set(err, ERR_BUG, "no such thing");
}
