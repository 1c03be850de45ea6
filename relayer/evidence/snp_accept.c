/* What an operator accepts of a genuine SNP report: one check per rule of the policy. A rule that the policy does not
 * set passes. Bits and fields: AMD 56860 (GUEST_POLICY 4.3, PLATFORM_INFO, TCB_VERSION 2.2). */
#include "relayer/evidence/snp_part.h"

/* What every check here looks at; NULL where there is no report. */
static const struct snp_report *report(const struct ev *ev)
{
    return ev->snp && ev->snp->has_report ? &ev->snp->report : NULL;
}

static struct finding no_report(void)
{
    return check_not_run("no report");
}

static const struct snp_policy *wants(const struct ev *ev)
{
    return &ev->policy->snp;
}

/* --- guest policy and platform info --- */

/* A bit of the guest policy that must not (or must) be set where the rule is on. */
static struct finding guest_bit(const struct ev *ev, bool rule, unsigned bit, bool want, const char *what)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (snp_policy_bit(r, bit) == want)
        return check_pass();
    return rule ? check_fail("guest policy: %s", what) : check_note("accepted: %s", what);
}

/* Guest demands it, and platform has it. */
static struct finding demanded(const struct ev *ev, bool rule, unsigned guest, unsigned platform, const char *what)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (!rule)
        return check_pass();
    if (!snp_policy_bit(r, guest))
        return check_fail("the guest does not demand %s", what);
    return r->platform_info >> platform & 1 ? check_pass() : check_fail("the platform does not have %s", what);
}

static struct finding platform_bit(const struct ev *ev, bool rule, unsigned bit, const char *what)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    return !rule || r->platform_info >> bit & 1 ? check_pass() : check_fail("the platform does not have %s", what);
}

static struct finding check_debug(struct ev *ev)
{
    return guest_bit(ev, !wants(ev)->allow_debug, SNP_POLICY_DEBUG, false, "the host may debug it");
}
static struct finding check_migration_agent(struct ev *ev)
{
    return guest_bit(ev, wants(ev)->forbid_migration_agent, SNP_POLICY_MIGRATE_MA, false,
                     "a migration agent is allowed");
}
static struct finding check_single_socket(struct ev *ev)
{
    return guest_bit(ev, wants(ev)->require_single_socket, SNP_POLICY_SINGLE_SOCKET, true, "not bound to one socket");
}
static struct finding check_cxl(struct ev *ev)
{
    return guest_bit(ev, wants(ev)->forbid_cxl, SNP_POLICY_CXL, false, "CXL memory is allowed");
}
static struct finding check_memory_encryption(struct ev *ev)
{
    return guest_bit(ev, wants(ev)->require_aes_256_xts, SNP_POLICY_AES_256_XTS, true, "AES-256-XTS is not demanded");
}
static struct finding check_page_swap(struct ev *ev)
{
    return guest_bit(ev, wants(ev)->require_page_swap_off, SNP_POLICY_PAGE_SWAP_OFF, true, "page swapping is not off");
}

static struct finding check_smt(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (!wants(ev)->forbid_smt)
        return check_pass();
    if (snp_policy_bit(r, SNP_POLICY_SMT))
        return check_fail("guest policy: SMT is allowed");
    return r->platform_info >> SNP_PLATFORM_SMT & 1 ? check_fail("the platform has SMT on") : check_pass();
}

static struct finding check_rapl(struct ev *ev)
{
    return demanded(ev, wants(ev)->require_rapl_off, SNP_POLICY_RAPL_OFF, SNP_PLATFORM_RAPL_OFF, "RAPL off");
}
static struct finding check_ciphertext_hiding(struct ev *ev)
{
    return demanded(ev, wants(ev)->require_ciphertext_hiding, SNP_POLICY_CIPHERTEXT_HIDING,
                    SNP_PLATFORM_CIPHERTEXT_HIDING, "ciphertext hiding");
}
static struct finding check_tsme(struct ev *ev)
{
    return platform_bit(ev, wants(ev)->require_tsme, SNP_PLATFORM_TSME, "transparent memory encryption on");
}
static struct finding check_ecc(struct ev *ev)
{
    return platform_bit(ev, wants(ev)->require_ecc, SNP_PLATFORM_ECC, "ECC memory");
}
static struct finding check_alias_check(struct ev *ev)
{
    return platform_bit(ev, wants(ev)->require_alias_check, SNP_PLATFORM_ALIAS_CHECK,
                        "the memory alias check behind it");
}

/* --- numbers --- */

static bool below(unsigned major, unsigned minor, uint32_t want_major, uint32_t want_minor)
{
    return major < want_major || (major == want_major && minor < want_minor);
}

static struct finding check_abi(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    const struct snp_policy *w = wants(ev);
    if (!r)
        return no_report();
    unsigned major = snp_abi_major(r), minor = snp_abi_minor(r);
    if (below(major, minor, w->min_abi_major, w->min_abi_minor))
        return check_fail("guest policy: ABI %u.%u, want %u.%u or above", major, minor, w->min_abi_major,
                          w->min_abi_minor);
    if (major > w->max_abi_major || (major == w->max_abi_major && minor > w->max_abi_minor))
        return check_fail("guest policy: ABI %u.%u, want %u.%u or below", major, minor, w->max_abi_major,
                          w->max_abi_minor);
    return check_pass();
}

static struct finding check_max_vmpl(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    return r->vmpl <= wants(ev)->max_vmpl ? check_pass()
                                          : check_fail("VMPL %u, want at most %u", r->vmpl, wants(ev)->max_vmpl);
}

static struct finding check_guest_svn(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    uint32_t want = wants(ev)->min_guest_svn;
    return r->guest_svn >= want ? check_pass() : check_fail("guest SVN %u, want %u or above", r->guest_svn, want);
}

static struct finding check_firmware(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    const struct snp_policy *w = wants(ev);
    if (!r)
        return no_report();
    struct snp_version v = r->committed;
    bool same = v.major == w->min_version_major && v.minor == w->min_version_minor;
    if (below(v.major, v.minor, w->min_version_major, w->min_version_minor) || (same && v.build < w->min_build))
        return check_fail("committed firmware %u.%u.%u, want %u.%u.%u or above", v.major, v.minor, v.build,
                          w->min_version_major, w->min_version_minor, w->min_build);
    return check_pass();
}

/* --- TCB --- */

static struct finding min_tcb(const struct ev *ev, struct snp_raw_tcb raw, const struct snp_min_tcb *min)
{
    struct snp_short shorts[5];
    if (!report(ev))
        return no_report();
    if (ev->snp->product == SNP_UNKNOWN)
        return check_not_run("the product is not known, and so the TCB's layout");
    if (snp_tcb_short_of(shorts, "", snp_part_tcb(ev->snp, raw), ev->snp->product, min) == 0)
        return check_pass();
    return check_fail("%s %u, want %u or above", shorts[0].component, shorts[0].have, shorts[0].need);
}

static struct finding check_min_current(struct ev *ev)
{
    return report(ev) ? min_tcb(ev, report(ev)->current_tcb, &wants(ev)->min_current) : no_report();
}
static struct finding check_min_reported(struct ev *ev)
{
    return report(ev) ? min_tcb(ev, report(ev)->reported_tcb, &wants(ev)->min_reported) : no_report();
}
static struct finding check_min_committed(struct ev *ev)
{
    return report(ev) ? min_tcb(ev, report(ev)->committed_tcb, &wants(ev)->min_committed) : no_report();
}
static struct finding check_min_launch(struct ev *ev)
{
    return report(ev) ? min_tcb(ev, report(ev)->launch_tcb, &wants(ev)->min_launch) : no_report();
}

static struct finding check_tcb_order(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (wants(ev)->allow_unordered_tcb)
        return check_pass();
    if (ev->snp->product == SNP_UNKNOWN)
        return check_not_run("the product is not known, and so the TCB's layout");
    struct snp_tcb reported = snp_part_tcb(ev->snp, r->reported_tcb),
                   committed = snp_part_tcb(ev->snp, r->committed_tcb), current = snp_part_tcb(ev->snp, r->current_tcb);
    const char *bad = snp_tcb_below(committed, reported);
    if (bad)
        return check_fail("reported %s is above the committed one", bad);
    bad = snp_tcb_below(current, committed);
    return bad ? check_fail("committed %s is above the current one", bad) : check_pass();
}

static struct finding check_provisional(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    bool same_tcb = bytes_eq(BYTES(r->current_tcb.b), BYTES(r->committed_tcb.b));
    bool same_version = bytes_eq(BYTES_OF(r->current), BYTES_OF(r->committed));
    if (same_tcb && same_version)
        return check_pass();
    const char *what = same_tcb ? "version" : "TCB";
    return wants(ev)->allow_provisional ? check_note("accepted: current %s is not committed", what)
                                        : check_fail("provisional firmware: current %s is not committed", what);
}

static struct finding mitigations(const struct ev *ev, uint64_t have, uint64_t want, const char *which)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (want == 0)
        return check_pass();
    if (!r->has_mitigations)
        return check_fail("version %u has no mitigation vectors", r->version);
    uint64_t missing = want & ~have;
    return missing ? check_fail("%s mitigation vector lacks bits 0x%llx", which, (unsigned long long)missing)
                   : check_pass();
}

static struct finding check_launch_mitigations(struct ev *ev)
{
    return report(ev)
               ? mitigations(ev, report(ev)->launch_mitigations, wants(ev)->required_launch_mitigations, "launch")
               : no_report();
}
static struct finding check_current_mitigations(struct ev *ev)
{
    return report(ev)
               ? mitigations(ev, report(ev)->current_mitigations, wants(ev)->required_current_mitigations, "current")
               : no_report();
}

/* --- identities --- */

static struct finding listed(const struct policy_hex_list *list, struct bytes value, const char *what)
{
    return policy_hex_allows(list, value) ? check_pass() : check_fail("%s is not on the list", what);
}

static struct finding check_id_block(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (wants(ev)->require_id_block && bytes_is_zero(BYTES(r->id_key_digest)))
        return check_fail("launched without an ID block");
    return check_pass();
}
static struct finding check_id_key(struct ev *ev)
{
    return report(ev) ? listed(&wants(ev)->id_key_digests, BYTES(report(ev)->id_key_digest), "id key digest")
                      : no_report();
}
static struct finding check_author_key(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    bool ruled = wants(ev)->require_author_key || wants(ev)->author_key_digests.count > 0;
    if (ruled && (!r->author_key_en || bytes_is_zero(BYTES(r->author_key_digest))))
        return check_fail("no author key signed the ID key");
    return listed(&wants(ev)->author_key_digests, BYTES(r->author_key_digest), "author key digest");
}
static struct finding check_host_data(struct ev *ev)
{
    return report(ev) ? listed(&wants(ev)->host_data, BYTES(report(ev)->host_data), "host data") : no_report();
}
static struct finding check_report_data(struct ev *ev)
{
    if (report(ev) && ev->expected->has_report_data && !bytes_eq(BYTES(report(ev)->report_data), ev->expected->report_data))
        return check_fail("the report data is not what was asked for");
    return report(ev) ? listed(&wants(ev)->report_data, BYTES(report(ev)->report_data), "report data") : no_report();
}
static struct finding check_measurement(struct ev *ev)
{
    return report(ev) ? listed(&wants(ev)->measurements, BYTES(report(ev)->measurement), "measurement") : no_report();
}
static struct finding check_family_id(struct ev *ev)
{
    return report(ev) ? listed(&wants(ev)->family_ids, BYTES(report(ev)->family_id), "family id") : no_report();
}
static struct finding check_image_id(struct ev *ev)
{
    return report(ev) ? listed(&wants(ev)->image_ids, BYTES(report(ev)->image_id), "image id") : no_report();
}

/* Turin's chip id is the first 8 bytes of the field; a list may hold either form. */
static bool chip_on(const struct policy_hex_list *list, const struct snp_report *r, enum snp_product product)
{
    struct bytes whole = BYTES(r->chip_id);
    if (list->count == 0)
        return false;
    return policy_hex_allows(list, whole) || (product == SNP_TURIN && policy_hex_allows(list, bytes_sub(whole, 0, 8)));
}

static struct finding check_chip_allowed(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (wants(ev)->chip_ids.count == 0 || chip_on(&wants(ev)->chip_ids, r, ev->snp->product))
        return check_pass();
    return check_fail("%s", bytes_is_zero(BYTES(r->chip_id)) ? "the chip id is masked" : "chip id is not on the list");
}

static struct finding check_chip_denied(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    if (wants(ev)->denied_chip_ids.count > 0 && bytes_is_zero(BYTES(r->chip_id)))
        return check_fail("the chip id is masked, so it may be one that is refused");
    return chip_on(&wants(ev)->denied_chip_ids, r, ev->snp->product) ? check_fail("this chip is refused")
                                                                     : check_pass();
}

static struct finding check_products(struct ev *ev)
{
    const struct snp_report *r = report(ev);
    if (!r)
        return no_report();
    static const char *const words[] = {
        [SNP_UNKNOWN] = "", [SNP_MILAN] = "milan", [SNP_GENOA] = "genoa", [SNP_TURIN] = "turin"};
    bool siena = r->has_cpuid && ev->snp->product == SNP_GENOA && r->cpuid_model >= 0xa0;
    const char *word = siena ? "siena" : words[ev->snp->product];
    return policy_words_allow(&wants(ev)->products, bytes_str(word))
               ? check_pass()
               : check_fail("product %s is not on the list", word);
}

static const struct check checks[] = {
    {"snp.debug", "AMD 56860 4.3 bit 19", ACCEPTED, REJECTS, check_debug},
    {"snp.migration_agent", "AMD 56860 4.3 bit 18", ACCEPTED, REJECTS, check_migration_agent},
    {"snp.smt", "AMD 56860 4.3 bit 16", ACCEPTED, REJECTS, check_smt},
    {"snp.single_socket", "AMD 56860 4.3 bit 20", ACCEPTED, REJECTS, check_single_socket},
    {"snp.cxl", "AMD 56860 4.3 bit 21", ACCEPTED, REJECTS, check_cxl},
    {"snp.memory_encryption", "AMD 56860 4.3 bit 22", ACCEPTED, REJECTS, check_memory_encryption},
    {"snp.rapl", "AMD 56860 4.3 bit 23", ACCEPTED, REJECTS, check_rapl},
    {"snp.ciphertext_hiding", "AMD 56860 4.3 bit 24", ACCEPTED, REJECTS, check_ciphertext_hiding},
    {"snp.page_swap", "AMD 56860 4.3 bit 25", ACCEPTED, REJECTS, check_page_swap},
    {"snp.abi", "AMD 56860 4.3 bits 15 to 0", ACCEPTED, REJECTS, check_abi},
    {"snp.tsme", "AMD 56860 PLATFORM_INFO bit 1", ACCEPTED, REJECTS, check_tsme},
    {"snp.ecc", "AMD 56860 PLATFORM_INFO bit 2", ACCEPTED, REJECTS, check_ecc},
    {"snp.alias_check", "AMD 56860 PLATFORM_INFO bit 5", ACCEPTED, REJECTS, check_alias_check},
    {"snp.max_vmpl", "AMD 56860 ATTESTATION_REPORT.VMPL", ACCEPTED, REJECTS, check_max_vmpl},
    {"snp.guest_svn", "AMD 56860 ATTESTATION_REPORT.GUEST_SVN", ACCEPTED, REJECTS, check_guest_svn},
    {"snp.firmware", "AMD 56860 ATTESTATION_REPORT.COMMITTED_BUILD", ACCEPTED, REJECTS, check_firmware},
    {"snp.tcb_order", "AMD 56860 2.2", ACCEPTED, REJECTS, check_tcb_order},
    {"snp.provisional", "AMD 56860 2.2", ACCEPTED, REJECTS, check_provisional},
    {"snp.min_current_tcb", "AMD 56860 2.2", ACCEPTED, REJECTS, check_min_current},
    {"snp.min_reported_tcb", "AMD 56860 2.2", ACCEPTED, REJECTS, check_min_reported},
    {"snp.min_committed_tcb", "AMD 56860 2.2", ACCEPTED, REJECTS, check_min_committed},
    {"snp.min_launch_tcb", "AMD 56860 2.2", ACCEPTED, REJECTS, check_min_launch},
    {"snp.launch_mitigations", "AMD 56860 ATTESTATION_REPORT.LAUNCH_MIT_VECTOR", ACCEPTED, REJECTS,
     check_launch_mitigations},
    {"snp.current_mitigations", "AMD 56860 ATTESTATION_REPORT.CURRENT_MIT_VECTOR", ACCEPTED, REJECTS,
     check_current_mitigations},
    {"snp.id_block", "AMD 56860 ATTESTATION_REPORT.ID_KEY_DIGEST", ACCEPTED, REJECTS, check_id_block},
    {"snp.id_key", "AMD 56860 ATTESTATION_REPORT.ID_KEY_DIGEST", ACCEPTED, REJECTS, check_id_key},
    {"snp.author_key", "AMD 56860 ATTESTATION_REPORT.AUTHOR_KEY_DIGEST", ACCEPTED, REJECTS, check_author_key},
    {"snp.host_data", "AMD 56860 ATTESTATION_REPORT.HOST_DATA", ACCEPTED, REJECTS, check_host_data},
    {"snp.report_data", "AMD 56860 ATTESTATION_REPORT.REPORT_DATA", ACCEPTED, REJECTS, check_report_data},
    {"snp.measurement", "AMD 56860 ATTESTATION_REPORT.MEASUREMENT", ACCEPTED, REJECTS, check_measurement},
    {"snp.family_id", "AMD 56860 ATTESTATION_REPORT.FAMILY_ID", ACCEPTED, REJECTS, check_family_id},
    {"snp.image_id", "AMD 56860 ATTESTATION_REPORT.IMAGE_ID", ACCEPTED, REJECTS, check_image_id},
    {"snp.chip_allowed", "AMD 56860 ATTESTATION_REPORT.CHIP_ID", ACCEPTED, REJECTS, check_chip_allowed},
    {"snp.chip_denied", "AMD 56860 ATTESTATION_REPORT.CHIP_ID", ACCEPTED, REJECTS, check_chip_denied},
    {"snp.products", "AMD 57230 product name", ACCEPTED, REJECTS, check_products},
};

static void open_nothing(struct ev *ev)
{
    (void)ev; /* snp_kind has opened the part */
}

const struct kind snp_accept_kind = {
    .name = "snp-policy",
    .applies = snp_applies,
    .open = open_nothing,
    .checks = checks,
    .num_checks = sizeof checks / sizeof *checks,
};
