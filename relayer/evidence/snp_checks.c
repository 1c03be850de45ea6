/* The SNP checks, in the order of the story: the report is well formed; a certificate for its chip and TCB is at hand
 * and chains to AMD's root; nothing in between is revoked; the report is signed by that chip at that TCB. What an
 * operator accepts beyond that stands in snp_accept.c. AMD 56860 (report), AMD 57230 (certificates), AMD 56421
 * (certificate table). */
#include "relayer/evidence/snp_part.h"

static struct finding no_report(const struct snp_part *p)
{
    return check_not_run("%s", p ? "no report" : "no memory");
}

static struct finding no_leaf(void)
{
    return check_not_run("no VCEK or VLEK");
}

/* --- the report's form --- */

static struct finding check_length(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p)
        return no_report(p);
    return p->has_report ? check_pass() : check_fail("%s", p->report_why.text);
}

static struct finding check_version(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    uint32_t v = p->report.version;
    if (v != 2 && v != 3 && v != 5)
        return check_fail("version %u, want 2, 3 or 5", v);
    if (v == 2 && p->product == SNP_TURIN)
        return check_fail("version 2 on Turin, whose TCB layout came with version 3");
    return check_pass();
}

static struct finding check_sig_algo(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    return p->report.sig_algo == 1
               ? check_pass()
               : check_fail("signature algorithm %u, want 1 (ECDSA P-384 with SHA-384)", p->report.sig_algo);
}

static struct finding check_reserved(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    const char *where = snp_report_reserved(&p->report);
    return where ? check_fail("reserved: %s", where) : check_pass();
}

static struct finding check_vmpl(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    return p->report.vmpl <= 3 ? check_pass() : check_fail("VMPL %u: not asked for by the guest", p->report.vmpl);
}

/* --- certificates --- */

static struct finding check_cert_table(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (p->bad_table)
        return check_fail("%s", p->table_why.text);
    return p->has_table ? check_pass() : check_note("none given");
}

static struct finding check_cert_parse(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (p->bad_cert)
        return check_fail("%s", p->cert_why.text);
    if (p->chain.has_leaf && !p->has_leaf)
        return check_fail("%s", p->leaf_why.text);
    if (p->chain.has_leaf && !p->leaf_key)
        return check_fail("%s: %s", snp_cert_kind_name(p->leaf.kind), p->leaf_why.text);
    return check_pass();
}

static struct finding check_leaf_missing(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (p->chain.has_leaf)
        return check_pass();
    return check_not_run("no %s for this report is at hand", p->report.signing_key == SNP_KEY_VLEK ? "VLEK" : "VCEK");
}

static struct finding check_chain_missing(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (!p->chain.has_leaf)
        return no_leaf();
    char issuer[120];
    if (!p->chain.has_intermediate)
        return check_not_run("the leaf's issuer (%s) is not at hand",
                             name_text(issuer, sizeof issuer, p->chain.cert[0].issuer));
    if (!p->chain.has_root && ev->policy->snp.require_chain)
        return check_not_run("the ARK's certificate is not at hand");
    return check_pass();
}

static struct finding check_root(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->judged)
        return check_not_run("no chain");
    if (p->root_pinned)
        return check_note("%s", p->root_label ? p->root_label : "");
    enum snp_product product;
    char name[120];
    struct bytes top = p->chain.has_root ? p->chain.cert[2].subject : p->chain.cert[1].issuer;
    if (snp_name_kind(top, &product) == SNP_CERT_ARK && product == SNP_UNKNOWN)
        return check_fail("unknown product: no root is pinned for %s", name_text(name, sizeof name, top));
    return check_fail("%s is not the pinned root", name_text(name, sizeof name, top));
}

/* Kinds along the chain besides what chain_verify looks at: a VCEK hangs under an ASK, a VLEK under an ASVK. */
static bool kinds_fit(const struct snp_part *p)
{
    enum snp_product none;
    enum snp_cert_kind above = snp_name_kind(p->chain.cert[1].subject, &none),
                       leaf = snp_name_kind(p->chain.cert[0].subject, &none);
    return leaf == SNP_CERT_VLEK ? above == SNP_CERT_ASVK : above == SNP_CERT_ASK;
}

static struct finding check_chain(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->judged)
        return check_not_run("no chain");
    if (p->fault == CHAIN_NO_ROOT)
        return check_not_run("%s", p->fault_why.text);
    if (p->fault != CHAIN_OK)
        return check_fail("%s", p->fault_why.text);
    return kinds_fit(p) ? check_pass() : check_fail("a VCEK hangs under an ASK, a VLEK under an ASVK; not here");
}

static struct finding check_cert_validity(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    static const char *const place[] = {"leaf", "intermediate", "root"};
    if (!p || !p->chain.has_leaf)
        return no_leaf();
    const bool there[] = {true, p->chain.has_intermediate, p->chain.has_root};
    for (size_t i = 0; i < 3; i++) {
        char from[21], to[21], now[21];
        const struct cert *c = &p->chain.cert[i];
        if (there[i] && (ev->now_s < c->not_before_s || ev->now_s > c->not_after_s))
            return check_fail("%s valid from %s to %s, not at %s", place[i], time_format(from, c->not_before_s),
                              time_format(to, c->not_after_s), time_format(now, ev->now_s));
    }
    return check_pass();
}

/* CPUID, leaf, intermediate and root speak of one product. */
static struct finding check_product(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    const struct snp_report *r = &p->report;
    if (r->has_cpuid && p->product == SNP_UNKNOWN)
        return check_fail("unknown product: CPUID family %02xh, model %02xh", r->cpuid_family, r->cpuid_model);
    if (!p->has_leaf)
        return no_leaf();
    enum snp_product top[2] = {p->product, p->product};
    if (p->chain.has_intermediate)
        snp_name_kind(p->chain.cert[1].subject, &top[0]);
    if (p->chain.has_root)
        snp_name_kind(p->chain.cert[2].subject, &top[1]);
    const struct {
        const char *what;
        enum snp_product product;
    } seen[] = {{"leaf's issuer", p->leaf.product},
                {"leaf's product name", p->leaf.named},
                {"intermediate", top[0]},
                {"root", top[1]}};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        if (seen[i].product != p->product || p->product == SNP_UNKNOWN)
            return check_fail("%s: %s, want %s", seen[i].what, snp_product_name(seen[i].product),
                              snp_product_name(p->product));
    return check_pass();
}

static struct finding check_signing_key(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    unsigned key = p->report.signing_key;
    if (p->report.mask_chip_key || (key != SNP_KEY_VCEK && key != SNP_KEY_VLEK))
        return check_fail("signing key %u%s: the report is not signed by a VCEK or VLEK", key,
                          p->report.mask_chip_key ? ", masked" : "");
    if (!p->has_leaf)
        return no_leaf();
    enum snp_cert_kind want = key == SNP_KEY_VLEK ? SNP_CERT_VLEK : SNP_CERT_VCEK;
    if (p->leaf.kind != want)
        return check_fail("the report names a %s, the leaf is a %s", snp_cert_kind_name(want),
                          snp_cert_kind_name(p->leaf.kind));
    return check_pass();
}

/* --- revocation --- */

static struct finding check_crl(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    switch (p->crl_state) {
    case SNP_CRL_GOOD:
        return check_pass();
    case SNP_CRL_BAD:
        return check_fail("%s", p->crl_why.text);
    case SNP_CRL_NONE:
        break;
    }
    return check_not_run("no CRL at hand"); /* which a policy may waive */
}

/* The ARK issues intermediates and itself; leaves all have serial 0, so the list cannot speak of them. */
static struct finding check_revoked(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->judged)
        return check_not_run("no chain");
    if (p->crl_state != SNP_CRL_GOOD)
        return check_note("by no CRL that counts; see snp.crl");
    for (size_t i = 1; i < (p->chain.has_root ? 3u : 2u); i++) {
        char name[120];
        const struct cert *c = &p->chain.cert[i];
        if (bytes_eq(c->issuer, p->crl.issuer) && crl_is_revoked(&p->crl, c->serial))
            return check_fail("%s is on the CRL", name_text(name, sizeof name, c->subject));
    }
    return check_pass();
}

static int compare_numbers(struct bytes a, struct bytes b) /* big-endian, without leading zeros */
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.p, b.p, a.len) : 0;
}

/* Design section 3, high-water marks: a list older than one that was verified before is a rollback, unless we are asked
 * to judge as of a time before that. */
static struct finding check_crl_rollback(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    struct mark mark = {0};
    if (!p || p->crl_state != SNP_CRL_GOOD)
        return check_note("no CRL to compare");
    if (!ev->memory || !ev->memory->mark ||
        !ev->memory->mark(ev->memory->ctx, snp_mark_issuer(p), snp_mark_subject(p), &mark))
        return check_note("none was seen before");
    if (ev->now_s < mark.issued_s)
        return check_note("judged as of a time before the newest that was seen");
    int numbers = p->crl.number.len && mark.crl_number.len ? compare_numbers(p->crl.number, mark.crl_number) : 0;
    char mine[21], seen[21];
    if (numbers < 0 || p->crl.this_update_s < mark.issued_s)
        return check_fail("rollback: CRL of %s, one of %s was seen before", time_format(mine, p->crl.this_update_s),
                          time_format(seen, mark.issued_s));
    return check_pass();
}

/* --- the report under its leaf --- */

static struct finding check_signature(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (!p->leaf_key)
        return no_leaf();
    const struct snp_report *r = &p->report;
    /* the fields are 72 bytes wide, the numbers 48 */
    if (!bytes_is_zero(bytes_from(r->sig_r, 24)) || !bytes_is_zero(bytes_from(r->sig_s, 24)))
        return check_fail("r or s is longer than the group order");
    struct hash48 digest = sha384(bytes_sub(r->raw, 0, SNP_SIGNED_LEN));
    if (!pubkey_verify_ecdsa(p->leaf_key, BYTES_OF(digest), bytes_from(r->sig_r + 24, 48),
                             bytes_from(r->sig_s + 24, 48)))
        return check_fail("the leaf's key did not sign this report");
    return check_pass();
}

static struct finding check_tcb_binding(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (!p->has_leaf)
        return no_leaf();
    struct snp_tcb have = snp_tcb_decode(p->report.reported_tcb, p->leaf.product), want = p->leaf.tcb;
    const char *below = snp_tcb_below(have, want), *above = snp_tcb_below(want, have);
    if (below || above)
        return check_fail("reported %s differs from the leaf's", below ? below : above);
    if (!p->leaf.spl_unused_zero || !snp_tcb_unused_zero(p->report.reported_tcb, p->leaf.product))
        return check_fail("a component without a name is not zero");
    return check_pass();
}

static struct finding check_hwid(struct ev *ev)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return no_report(p);
    if (!p->has_leaf)
        return no_leaf();
    if (p->leaf.kind == SNP_CERT_VLEK && p->report.signing_key == SNP_KEY_VLEK)
        return check_note("a VLEK has none");
    size_t want = p->leaf.product == SNP_TURIN ? 8 : 64;
    if (p->leaf.hwid.len != want)
        return check_fail("hardware id of %zu bytes in the leaf, want %zu", p->leaf.hwid.len, want);
    if (!bytes_eq(p->leaf.hwid, bytes_from(p->report.chip_id, want)))
        return check_fail("the leaf is for another chip");
    if (!bytes_is_zero(bytes_from(p->report.chip_id + want, 64 - want)))
        return check_fail("chip id has more than %zu bytes", want);
    return check_pass();
}

static const struct check checks[] = {
    {"snp.length", "AMD 56860 ATTESTATION_REPORT", AUTHENTIC, REJECTS, check_length},
    {"snp.version", "AMD 56860 ATTESTATION_REPORT.VERSION", AUTHENTIC, REJECTS, check_version},
    {"snp.sig_algo", "AMD 56860 ATTESTATION_REPORT.SIGNATURE_ALGO", AUTHENTIC, REJECTS, check_sig_algo},
    {"snp.reserved", "AMD 56860 ATTESTATION_REPORT", AUTHENTIC, REJECTS, check_reserved},
    {"snp.vmpl", "AMD 56860 ATTESTATION_REPORT.VMPL", AUTHENTIC, REJECTS, check_vmpl},
    {"snp.cert_table", "AMD 56421 SNP Extended Guest Request", AUTHENTIC, REJECTS, check_cert_table},
    {"snp.cert_parse", "AMD 57230 certificate extensions", AUTHENTIC, REJECTS, check_cert_parse},
    {"snp.leaf_missing", "AMD 57230", AUTHENTIC, UNDECIDES, check_leaf_missing},
    {"snp.chain_missing", "AMD 57230", AUTHENTIC, UNDECIDES, check_chain_missing},
    {"snp.root", "AMD 57230 ARK", AUTHENTIC, REJECTS, check_root},
    {"snp.chain", "RFC 5280 6.1", AUTHENTIC, REJECTS, check_chain},
    {"snp.product", "AMD 57230 product name", AUTHENTIC, REJECTS, check_product},
    {"snp.signing_key", "AMD 56860 ATTESTATION_REPORT.SIGNING_KEY", AUTHENTIC, REJECTS, check_signing_key},
    {"snp.signature", "AMD 56860 ATTESTATION_REPORT.SIGNATURE", AUTHENTIC, REJECTS, check_signature},
    {"snp.tcb_binding", "AMD 57230 SPL extensions", AUTHENTIC, REJECTS, check_tcb_binding},
    {"snp.hwid", "AMD 57230 HWID", AUTHENTIC, REJECTS, check_hwid},
    {"snp.cert_validity", "RFC 5280 4.1.2.5", FRESH, REJECTS, check_cert_validity},
    {"snp.crl", "RFC 5280 6.3", FRESH, UNDECIDES, check_crl},
    {"snp.crl_rollback", "RFC 5280 5.2.3", FRESH, UNDECIDES, check_crl_rollback},
    {"snp.revoked", "RFC 5280 6.3", FRESH, REJECTS, check_revoked},
};

const struct kind snp_kind = {
    .name = "snp",
    .applies = snp_applies,
    .open = snp_open,
    .close = snp_close,
    .checks = checks,
    .num_checks = sizeof checks / sizeof *checks,
    .render = snp_render,
    .collateral_expires = snp_expires,
    .learn = snp_learn,
};
