/* Chains of certificates: judged against pinned keys (chain_verify), put in order (chain_sort). */
#include "crypto/base/auto.h"
#include "crypto/x509.h"

static const char *const fault_names[] = {
    [CHAIN_OK] = "ok",
    [CHAIN_EMPTY] = "no certificate",
    [CHAIN_NO_ROOT] = "does not end at a pinned root",
    [CHAIN_NAMES] = "issuer and subject do not fit",
    [CHAIN_CA] = "may not be what it stands for in the chain",
    [CHAIN_CRITICAL] = "unknown critical extension",
    [CHAIN_SIGNATURE] = "signature does not verify",
    [CHAIN_NOT_YET] = "not yet valid",
    [CHAIN_EXPIRED] = "expired",
};

const char *chain_fault_name(enum chain_fault fault)
{
    return fault_names[fault];
}

static bool self_issued(const struct cert *c)
{
    return bytes_eq(c->issuer, c->subject);
}

/* By name and, where both give one, key identifier. */
static bool names_fit(const struct cert *c, const struct cert *issuer)
{
    return bytes_eq(c->issuer, issuer->subject) &&
           (c->akid.len == 0 || issuer->skid.len == 0 || bytes_eq(c->akid, issuer->skid));
}

/* --- judging --- */

static bool critical_known(struct bytes oid, const struct chain_rules *rules)
{
    /* basicConstraints, keyUsage: judged below. extKeyUsage: says what else the key is for, which is the caller's
     * matter. */
    static const struct bytes judged[] = {BYTES_LIT("\x55\x1d\x13"), BYTES_LIT("\x55\x1d\x0f"),
                                          BYTES_LIT("\x55\x1d\x25")};
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
        if (bytes_eq(oid, judged[i]))
            return true;
    for (size_t i = 0; rules && i < rules->num_known_critical; i++)
        if (bytes_eq(oid, rules->known_critical[i]))
            return true;
    return false;
}

static bool critical_all_known(const struct cert *c, const struct chain_rules *rules)
{
    for (size_t i = 0; i < c->num_ext; i++)
        if (c->ext[i].critical && !critical_known(c->ext[i].oid, rules))
            return false;
    return true;
}

/* May it sign certificates, with this many intermediates (self-issued ones not counted) between it and the leaf? */
static bool may_issue(const struct cert *c, size_t intermediates)
{
    if (!c->is_ca || (c->has_key_usage && !(c->key_usage & KU_KEY_CERT_SIGN)))
        return false;
    return c->path_len < 0 || (size_t)c->path_len >= intermediates;
}

/* RFC 5280 4.2.1.3: keyCertSign goes with cA. */
static bool may_be_leaf(const struct cert *c, const struct chain_rules *rules)
{
    if (rules && rules->leaf_may_be_ca)
        return true;
    return !c->is_ca && !(c->has_key_usage && (c->key_usage & KU_KEY_CERT_SIGN));
}

static bool subject_fits(const struct pinned_root *root, struct bytes name)
{
    return root->subject.len == 0 || bytes_eq(root->subject, name);
}

/* What the top of a chain rests on. */
struct anchor {
    size_t index;             /* into roots */
    const struct pubkey *key; /* NULL: none found */
    bool in_chain;            /* the last certificate is the root */
    bool named;               /* a root of the issuer's name is pinned, but did not sign */
};

static struct anchor find_anchor(const struct cert *last, const struct pinned_root *roots, size_t num_roots)
{
    struct anchor a = {0};
    for (size_t i = 0; i < num_roots; i++)
        if (subject_fits(&roots[i], last->subject) && pubkey_is_spki(roots[i].key, last->spki))
            return (struct anchor){.index = i, .key = roots[i].key, .in_chain = true};
    if (self_issued(last))
        return a; /* a root, and none of ours */
    for (size_t i = 0; i < num_roots; i++) {
        if (!subject_fits(&roots[i], last->issuer))
            continue;
        if (cert_signed_by(last, roots[i].key))
            return (struct anchor){.index = i, .key = roots[i].key};
        a.named |= roots[i].subject.len > 0;
    }
    return a;
}

/* All but the dates of certs[i]. intermediates: see may_issue. */
static enum chain_fault judge(const struct cert *certs, size_t num_certs, size_t i, size_t intermediates,
                              const struct anchor *anchor, const struct chain_rules *rules)
{
    const struct cert *c = &certs[i];
    bool last = i + 1 == num_certs;
    const struct cert *issuer = last ? c : &certs[i + 1];
    if ((!last || anchor->in_chain) && !names_fit(c, issuer))
        return CHAIN_NAMES;
    bool v1_root = c->v1 && last && anchor->in_chain; /* cannot say that it is a CA: it is trusted for being pinned */
    if (i == 0 ? !may_be_leaf(c, rules) : !v1_root && !may_issue(c, intermediates))
        return CHAIN_CA;
    if (!critical_all_known(c, rules))
        return CHAIN_CRITICAL;
    if (last) /* one that a pinned root signed has been verified when that root was found */
        return !anchor->in_chain || cert_signed_by(c, anchor->key) ? CHAIN_OK : CHAIN_SIGNATURE;
    if (i + 2 == num_certs && anchor->in_chain)
        return cert_signed_by(c, anchor->key) ? CHAIN_OK : CHAIN_SIGNATURE;
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(issuer, NULL);
    return key && cert_signed_by(c, key) ? CHAIN_OK : CHAIN_SIGNATURE;
}

static enum chain_fault fault_here(enum chain_fault fault, const struct cert *c, size_t i, size_t *fault_at,
                                   struct err *why)
{
    char subject[160] = "";
    if (fault_at)
        *fault_at = i;
    if (c)
        name_text(subject, sizeof subject, c->subject);
    err_set(why, fault == CHAIN_NOT_YET || fault == CHAIN_EXPIRED ? ERR_STALE : ERR_REFUSED, "certificate %zu (%s): %s",
            i, subject, fault_names[fault]);
    return fault;
}

enum chain_fault chain_verify(const struct cert *certs, size_t num_certs, const struct pinned_root *roots,
                              size_t num_roots, const struct chain_rules *rules, int64_t now_s, size_t *root_index,
                              size_t *fault_at, struct err *why)
{
    if (num_certs == 0)
        return fault_here(CHAIN_EMPTY, NULL, 0, fault_at, why);
    struct anchor anchor = find_anchor(&certs[num_certs - 1], roots, num_roots);
    if (!anchor.key)
        return fault_here(anchor.named ? CHAIN_SIGNATURE : CHAIN_NO_ROOT, &certs[num_certs - 1], num_certs - 1,
                          fault_at, why);
    size_t intermediates = 0;
    for (size_t i = 0; i < num_certs; i++) {
        enum chain_fault fault = judge(certs, num_certs, i, intermediates, &anchor, rules);
        if (fault != CHAIN_OK)
            return fault_here(fault, &certs[i], i, fault_at, why);
        intermediates += i > 0 && !self_issued(&certs[i]);
    }
    if (root_index) /* told even where nothing but the dates is wrong */
        *root_index = anchor.index;
    for (size_t i = 0; i < num_certs; i++) {
        if (now_s < certs[i].not_before_s)
            return fault_here(CHAIN_NOT_YET, &certs[i], i, fault_at, why);
        if (now_s > certs[i].not_after_s)
            return fault_here(CHAIN_EXPIRED, &certs[i], i, fault_at, why);
    }
    return CHAIN_OK;
}

/* --- ordering --- */

static void swap(struct cert *a, struct cert *b)
{
    struct cert t = *a;
    *a = *b;
    *b = t;
}

static size_t drop_duplicates(struct cert *certs, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < kept && !seen; j++)
            seen = bytes_eq(certs[i].der, certs[j].der);
        if (!seen)
            swap(&certs[kept++], &certs[i]);
    }
    return kept;
}

static bool signed_by_cert(const struct cert *c, const struct cert *issuer)
{
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(issuer, NULL);
    return key && cert_signed_by(c, key);
}

/* Which of certs[from..n) issued c? Where several bear its name (Google's intermediates do), the one whose key
 * verifies; n where there is none. */
static size_t find_issuer(const struct cert *certs, size_t from, size_t n, const struct cert *c)
{
    size_t found = n, candidates = 0;
    for (size_t i = from; i < n; i++)
        if (names_fit(c, &certs[i]) && candidates++ == 0)
            found = i;
    for (size_t i = from; candidates > 1 && i < n; i++)
        if (names_fit(c, &certs[i]) && signed_by_cert(c, &certs[i]))
            return i;
    return found;
}

static bool issues_another(const struct cert *certs, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++)
        if (j != i && names_fit(&certs[j], &certs[i]))
            return true;
    return false;
}

/* The one that issues none of the others; of several the first that is no CA. */
static size_t find_leaf(const struct cert *certs, size_t n)
{
    size_t leaf = n;
    for (size_t i = 0; i < n; i++) {
        if (issues_another(certs, n, i))
            continue;
        if (!certs[i].is_ca)
            return i;
        if (leaf == n)
            leaf = i;
    }
    return leaf == n ? 0 : leaf;
}

size_t chain_sort(struct cert *certs, size_t num_certs)
{
    if (num_certs == 0 || num_certs > CHAIN_SORT_MAX)
        return 0;
    size_t n = drop_duplicates(certs, num_certs), placed = 1;
    swap(&certs[0], &certs[find_leaf(certs, n)]);
    while (placed < n && !self_issued(&certs[placed - 1])) {
        size_t issuer = find_issuer(certs, placed, n, &certs[placed - 1]);
        if (issuer == n)
            break;
        swap(&certs[placed++], &certs[issuer]);
    }
    return placed;
}
