#include "relayer/evidence/snp_certs.h"

#include "crypto/base/der.h"

/* --- names --- */

static const struct {
    const char *prefix;
    enum snp_cert_kind kind;
    bool has_product;
} name_kinds[] = {
    /* the longer of two that begin alike first */
    {"ARK-", SNP_CERT_ARK, true},       {"SEV-VCEK", SNP_CERT_VCEK, false}, {"SEV-VLEK-", SNP_CERT_ASVK, true},
    {"SEV-VLEK", SNP_CERT_VLEK, false}, {"SEV-", SNP_CERT_ASK, true},
};

const char *snp_cert_kind_name(enum snp_cert_kind kind)
{
    static const char *const names[] = {
        [SNP_CERT_OTHER] = "other", [SNP_CERT_ARK] = "ARK",   [SNP_CERT_ASK] = "ASK",
        [SNP_CERT_ASVK] = "ASVK",   [SNP_CERT_VCEK] = "VCEK", [SNP_CERT_VLEK] = "VLEK",
    };
    return names[kind];
}

enum snp_product snp_product_from_text(struct bytes text)
{
    size_t dash = bytes_find(text, BYTES_LIT("-"), 0);
    struct bytes name = dash == SIZE_MAX ? text : bytes_sub(text, 0, dash);
    for (enum snp_product p = SNP_MILAN; p <= SNP_TURIN; p++)
        if (bytes_eq(name, bytes_str(snp_product_name(p))))
            return p;
    return SNP_UNKNOWN;
}

enum snp_cert_kind snp_name_kind(struct bytes name, enum snp_product *product)
{
    struct bytes cn = name_find(name, OID_CN);
    *product = SNP_UNKNOWN;
    for (size_t i = 0; i < sizeof name_kinds / sizeof *name_kinds; i++) {
        struct bytes prefix = bytes_str(name_kinds[i].prefix);
        if (cn.len < prefix.len || !bytes_eq(bytes_sub(cn, 0, prefix.len), prefix))
            continue;
        struct bytes rest = bytes_sub(cn, prefix.len, cn.len - prefix.len);
        if (!name_kinds[i].has_product && rest.len != 0)
            continue;
        if (name_kinds[i].has_product)
            *product = snp_product_from_text(rest);
        return name_kinds[i].kind;
    }
    return SNP_CERT_OTHER;
}

enum root_use snp_root_use(enum snp_product product)
{
    static const enum root_use uses[] = {
        [SNP_UNKNOWN] = ROOT_EXTRA,
        [SNP_MILAN] = ROOT_AMD_MILAN,
        [SNP_GENOA] = ROOT_AMD_GENOA,
        [SNP_TURIN] = ROOT_AMD_TURIN,
    };
    return uses[product];
}

/* --- extensions of a leaf --- */

#define AMD_OID "\x2b\x06\x01\x04\x01\x9c\x78\x01" /* 1.3.6.1.4.1.3704.1 */

static const struct bytes oid_product_name = BYTES_LIT(AMD_OID "\x02");
static const struct bytes oid_hwid = BYTES_LIT(AMD_OID "\x04");
static const struct bytes oid_csp_id = BYTES_LIT(AMD_OID "\x05");

static bool ia5_ext(struct bytes *out, const struct cert *cert, struct bytes oid, const char *name, struct err *err)
{
    const struct cert_ext *ext = cert_find_ext(cert, oid);
    if (!ext)
        return err_set(err, ERR_FORMAT, "%s: extension missing", name);
    struct der d = der_from(ext->value);
    *out = der_take(&d, DER_IA5_STRING, name);
    return der_finish(&d, err);
}

/* SPL n of 1 to 9; absent ones are zero and said to be absent. */
static bool spl_ext(uint8_t *out, bool *present, const struct cert *cert, uint8_t n, struct err *err)
{
    uint8_t oid[] = AMD_OID "\x03\x00";
    oid[sizeof oid - 2] = n;
    const struct cert_ext *ext = cert_find_ext(cert, bytes_from(oid, sizeof oid - 1));
    *present = ext != NULL;
    *out = 0;
    if (!ext)
        return true;
    struct der d = der_from(ext->value);
    uint64_t v = der_u64(&d, "SPL");
    if (!der_finish(&d, err) || v > UINT8_MAX)
        return err_set(err, ERR_FORMAT, "SPL %u: no number of 0 to 255", n);
    *out = (uint8_t)v;
    return true;
}

enum {
    SPL_BOOT_LOADER = 1,
    SPL_TEE = 2,
    SPL_SNP = 3,
    SPL_4 = 4,
    SPL_7 = 7,
    SPL_MICROCODE = 8,
    SPL_FMC = 9,
    NUM_SPLS = 10
};

static bool parse_spls(struct snp_leaf *leaf, const struct cert *cert, struct err *err)
{
    uint8_t spl[NUM_SPLS] = {0};
    bool present[NUM_SPLS] = {0};
    for (uint8_t n = SPL_BOOT_LOADER; n < NUM_SPLS; n++) {
        if (!spl_ext(&spl[n], &present[n], cert, n, err))
            return false;
        bool needed = n <= SPL_SNP || n == SPL_MICROCODE || (n == SPL_FMC && leaf->product == SNP_TURIN);
        if (needed && !present[n])
            return err_set(err, ERR_FORMAT, "SPL %u: extension missing", n);
    }
    leaf->tcb = (struct snp_tcb){.fmc = spl[SPL_FMC],
                                 .boot_loader = spl[SPL_BOOT_LOADER],
                                 .tee = spl[SPL_TEE],
                                 .snp = spl[SPL_SNP],
                                 .microcode = spl[SPL_MICROCODE]};
    leaf->spl_unused_zero = leaf->product == SNP_TURIN || spl[SPL_FMC] == 0;
    for (uint8_t n = SPL_4; n <= SPL_7; n++)
        leaf->spl_unused_zero &= spl[n] == 0;
    return true;
}

bool snp_leaf_parse(struct snp_leaf *out, const struct cert *cert, struct err *err)
{
    struct snp_leaf leaf = {0};
    enum snp_product none;
    leaf.kind = snp_name_kind(cert->subject, &none);
    leaf.issuer_kind = snp_name_kind(cert->issuer, &leaf.product);
    if (!ia5_ext(&leaf.product_name, cert, oid_product_name, "product name", err) || !parse_spls(&leaf, cert, err))
        return err_wrap(err, "%s", snp_cert_kind_name(leaf.kind));
    leaf.named = snp_product_from_text(leaf.product_name);

    /* HWID stands as bare bytes, without a tag of its own */
    const struct cert_ext *hwid = cert_find_ext(cert, oid_hwid);
    if (leaf.kind == SNP_CERT_VCEK && !hwid)
        return err_set(err, ERR_FORMAT, "VCEK: HWID: extension missing");
    if (hwid)
        leaf.hwid = hwid->value;
    if (leaf.kind == SNP_CERT_VLEK && !ia5_ext(&leaf.csp_id, cert, oid_csp_id, "CSP_ID", err))
        return err_wrap(err, "VLEK");
    *out = leaf;
    return true;
}

/* --- picking --- */

bool snp_pool_add(struct snp_pool *pool, const struct cert *cert, const struct pubkey *key)
{
    for (size_t i = 0; i < pool->count; i++)
        if (bytes_eq(pool->cert[i].der, cert->der))
            return true;
    if (pool->count == SNP_MAX_CERTS)
        return false;
    pool->cert[pool->count] = *cert;
    pool->key[pool->count++] = key;
    return true;
}

static bool valid_at(const struct cert *c, int64_t now_s)
{
    return c->not_before_s <= now_s && now_s <= c->not_after_s;
}

static bool tcb_eq(struct snp_tcb a, struct snp_tcb b)
{
    return !snp_tcb_below(a, b) && !snp_tcb_below(b, a);
}

/* 0: does not fit; 1: fits; 2: fits and is valid */
static int leaf_fit(const struct cert *cert, const struct snp_report *report, int64_t now_s)
{
    struct snp_leaf leaf;
    if (!snp_leaf_parse(&leaf, cert, NULL))
        return 0;
    enum snp_product product = snp_report_product(report);
    bool kind = report->signing_key == (leaf.kind == SNP_CERT_VLEK ? SNP_KEY_VLEK : SNP_KEY_VCEK);
    bool chip = leaf.kind == SNP_CERT_VLEK || (leaf.hwid.len <= sizeof report->chip_id &&
                                               bytes_eq(leaf.hwid, bytes_from(report->chip_id, leaf.hwid.len)));
    bool same = product == SNP_UNKNOWN || product == leaf.product;
    if (!kind || !chip || !same || !tcb_eq(leaf.tcb, snp_tcb_decode(report->reported_tcb, leaf.product)))
        return 0;
    return valid_at(cert, now_s) ? 2 : 1;
}

bool snp_is_leaf(const struct cert *c)
{
    enum snp_product none;
    enum snp_cert_kind kind = snp_name_kind(c->subject, &none);
    return kind == SNP_CERT_VCEK || kind == SNP_CERT_VLEK;
}
static bool is_root(const struct cert *c)
{
    return !snp_is_leaf(c) && bytes_eq(c->issuer, c->subject);
}
static bool is_intermediate(const struct cert *c)
{
    enum snp_product none;
    enum snp_cert_kind kind = snp_name_kind(c->subject, &none);
    return (kind == SNP_CERT_ASK || kind == SNP_CERT_ASVK) && !is_root(c);
}

/* pool->count where there is none. */
static size_t pick_leaf(const struct snp_pool *pool, const struct snp_report *report, int64_t now_s)
{
    size_t best = pool->count, candidates = 0;
    int best_fit = -1;
    for (size_t i = 0; i < pool->count; i++) {
        if (!snp_is_leaf(&pool->cert[i]))
            continue;
        candidates++;
        int fit = leaf_fit(&pool->cert[i], report, now_s);
        if (fit > best_fit) {
            best = i;
            best_fit = fit;
        }
    }
    return best_fit == 0 && candidates > 1 ? pool->count : best;
}

static bool signs(const struct cert *issuer, const struct cert *c)
{
    struct pubkey *key = cert_pubkey(issuer, NULL);
    bool good = key && cert_signed_by(c, key);
    pubkey_free(key);
    return good;
}

/* The issuer of c among those of a kind: by name; of several by signature; else the only one there is. */
static bool pick_issuer(struct cert *out, const struct snp_pool *pool, const struct cert *c,
                        bool (*is_kind)(const struct cert *))
{
    const struct cert *named = NULL, *only = NULL, *signer = NULL;
    size_t num_named = 0, num_kind = 0;
    for (size_t i = 0; i < pool->count; i++) {
        const struct cert *one = &pool->cert[i];
        if (!is_kind(one))
            continue;
        num_kind++;
        only = one;
        if (bytes_eq(one->subject, c->issuer)) {
            num_named++;
            named = named ? named : one;
        }
    }
    for (size_t i = 0; num_named > 1 && !signer && i < pool->count; i++)
        if (is_kind(&pool->cert[i]) && bytes_eq(pool->cert[i].subject, c->issuer) && signs(&pool->cert[i], c))
            signer = &pool->cert[i];
    const struct cert *found = signer ? signer : named ? named : num_kind == 1 ? only : NULL;
    if (found)
        *out = *found;
    return found != NULL;
}

void snp_pool_chain(struct snp_chain *out, const struct snp_pool *pool, size_t leaf)
{
    *out = (struct snp_chain){.has_leaf = true, .leaf_key = pool->key[leaf]};
    out->cert[0] = pool->cert[leaf];
    out->has_intermediate = pick_issuer(&out->cert[1], pool, &out->cert[0], is_intermediate);
    if (out->has_intermediate)
        out->has_root = pick_issuer(&out->cert[2], pool, &out->cert[1], is_root);
}

void snp_pool_pick(struct snp_chain *out, const struct snp_pool *pool, const struct snp_report *report, int64_t now_s)
{
    size_t leaf = pick_leaf(pool, report, now_s);
    if (leaf < pool->count)
        snp_pool_chain(out, pool, leaf);
    else
        *out = (struct snp_chain){0};
}
