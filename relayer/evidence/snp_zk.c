/* The zero-knowledge path: the chain does not see certificates, only what a proven program says of them. Its journal is
 * compared with our own findings about the same report; the report inside is judged by snp_checks like any other.
 * Journal: registry-v1 section 6; certificate hashes as the prover's program makes them (snp_journal.h). */
#include "relayer/evidence/snp_journal.h"
#include "relayer/evidence/snp_part.h"

enum { MODEL_MILAN = 0, MODEL_GENOA = 1, MODEL_SIENA = 3 };

static bool zk_applies(const struct ev *ev)
{
    enum report_type t = ev->bundle->report_type;
    return snp_applies(ev) && (t == REPORT_ZK_SUCCINCT || t == REPORT_ZK_RISC0);
}

static void open_nothing(struct ev *ev)
{
    (void)ev; /* snp_kind has opened the part */
}

static struct finding no_journal(void)
{
    return check_not_run("no journal");
}

static struct finding check_journal(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    if (!j)
        return check_fail("the proof's output is no journal");
    if (j->num_certs != j->num_serials)
        return check_fail("%zu certificates, but %zu serials", j->num_certs, j->num_serials);
    return check_pass();
}

static struct finding check_result(struct ev *ev)
{
    static const char *const words[] = {"success", "root not trusted", "intermediate not trusted",
                                        "timestamp out of range"};
    const struct snp_journal *j = ev->snp_journal;
    if (!j)
        return no_journal();
    if (j->result == 0)
        return check_pass();
    return check_fail("the prover's result is %u (%s)", j->result, j->result < 4 ? words[j->result] : "unknown");
}

/* The chain takes no timestamp from the future; how old one may be is a setting of the verifier contract. */
static struct finding check_timestamp(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    const struct snp_part *p = ev->snp;
    char when[21];
    if (!j)
        return no_journal();
    if (j->timestamp_s > INT64_MAX)
        return check_fail("timestamp out of range");
    int64_t t = (int64_t)j->timestamp_s;
    if (t > ev->now_s)
        return check_fail("timestamp %s lies in the future",
                          t < 253402300800 ? time_format(when, t) : "beyond year 9999");
    for (size_t i = 0; p && p->judged && i < (p->chain.has_root ? 3u : 2u); i++)
        if (t < p->chain.cert[i].not_before_s || t > p->chain.cert[i].not_after_s)
            return check_fail("a certificate of the chain was not valid at %s", time_format(when, t));
    return check_pass();
}

bool snp_journal_takes(const struct ev *ev)
{
    return !ev->snp || ev->snp->product != SNP_TURIN;
}

static struct finding check_model(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    const struct snp_part *p = ev->snp;
    if (!j)
        return no_journal();
    if (!p || p->product == SNP_UNKNOWN)
        return check_not_run("the product is not known");
    if (p->product == SNP_TURIN)
        return check_fail("a Turin report, of which a journal cannot speak");
    bool siena =
        p->report.has_cpuid && p->report.cpuid_model >= 0xa0; /* by its certificates it is Genoa, by its name not */
    unsigned from = p->product == SNP_MILAN ? MODEL_MILAN : MODEL_GENOA, to = siena ? MODEL_SIENA : from;
    if (j->processor_model < from || j->processor_model > to)
        return check_fail("processor model %u, want %u (%s)", j->processor_model, from, snp_product_name(p->product));
    return check_pass();
}

/* Root first: each hash covers the one before it. */
static struct finding check_certs(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    const struct snp_part *p = ev->snp;
    static const char *const place[] = {"root", "intermediate", "leaf"};
    if (!j)
        return no_journal();
    if (!p || !p->judged || !p->chain.has_root)
        return check_not_run("the chain is not at hand");
    if (j->num_certs != 3)
        return check_fail("%zu certificates, want 3", j->num_certs);
    struct hash32 path = {{0}};
    for (size_t i = 0; i < 3; i++) {
        struct hash32 own = sha256(p->chain.cert[2 - i].der);
        path = i == 0 ? own : sha256_2(BYTES_OF(path), BYTES_OF(own));
        if (hash32_eq(path, j->certs[i]))
            continue;
        /* AMD makes a new certificate for the same key at each download, so that ours may be another one than the
         * prover's */
        if (i == 2 && !p->own_leaf)
            return check_note("the prover saw another certificate for this leaf than ours");
        return check_fail("%s: another certificate than ours", place[i]);
    }
    return check_pass();
}

static struct finding check_serials(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    const struct snp_part *p = ev->snp;
    if (!j)
        return no_journal();
    if (!p || !p->judged || !p->chain.has_root)
        return check_not_run("the chain is not at hand");
    for (size_t i = 0; i < 3; i++)
        if (i >= j->num_serials || !bytes_eq(j->serials[i], p->chain.cert[2 - i].serial))
            return check_fail("serial %zu differs from ours", i);
    return check_pass();
}

static struct finding check_prefix(struct ev *ev)
{
    const struct snp_journal *j = ev->snp_journal;
    if (!j)
        return no_journal();
    if (j->trusted_prefix_len < 1 || j->trusted_prefix_len > j->num_certs)
        return check_fail("trusted prefix of %u certificates, want 1 to %zu", j->trusted_prefix_len, j->num_certs);
    return check_pass();
}

static const struct check checks[] = {
    {"zk.journal", "registry-v1 6", AUTHENTIC, REJECTS, check_journal},
    {"zk.result", "registry-v1 6", AUTHENTIC, REJECTS, check_result},
    {"zk.processor_model", "registry-v1 6", AUTHENTIC, REJECTS, check_model},
    {"zk.certs", "registry-v1 6", AUTHENTIC, REJECTS, check_certs},
    {"zk.serials", "registry-v1 6", AUTHENTIC, REJECTS, check_serials},
    {"zk.prefix", "registry-v1 6", AUTHENTIC, REJECTS, check_prefix},
    {"zk.timestamp", "registry-v1 6", FRESH, REJECTS, check_timestamp},
};

const struct kind zk_kind = {
    .name = "zk",
    .applies = zk_applies,
    .open = open_nothing,
    .checks = checks,
    .num_checks = sizeof checks / sizeof *checks,
};
