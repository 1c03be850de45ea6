/* A TPM quote: is it one, did the AK sign it, what does it say, and do the PCR values that came along say the same?
 * The table at the end is in the order in which a reader would ask. */
#include "crypto/base/text.h"
#include "relayer/evidence/tpm_part.h"

/* --- opening --- */

static bool tpm_applies(const struct ev *ev)
{
    return !ev->bundle->bare && ev->bundle->call.kind != CALL_SET_TTL;
}

static void open_quote(struct tpm_part *p, const struct bundle *b)
{
    if (b->quote.len) {
        p->has_head = tpm_attest_head(&p->attest, b->quote, NULL);
        struct tpm_attest head = p->attest;
        p->has_attest = tpm_attest_parse(&p->attest, b->quote, &p->attest_why) && p->attest.type == TPM_ST_QUOTE;
        if (!p->has_attest) {
            p->attest.magic = head.magic;
            p->attest.type = head.type;
        }
    }
    if (b->signature.len)
        p->has_signature = tpm_signature_parse(&p->signature, b->signature, &p->signature_why);
}

static void open_chain(struct ev *ev, struct tpm_part *p)
{
    if (!p->ak.num_certs)
        return;
    p->chain_judged = true;
    p->chain_fault = ak_chain_verify(p->ak.certs, p->ak.num_certs, ev->roots, ev->bundle->cloud, ev->now_s,
                                     &p->chain_root, &p->chain_why);
    if (p->chain_fault == CHAIN_OK)
        ev_use_root(ev, p->chain_root);
    p->has_instance = gce_instance_find(&p->instance, &p->ak.certs[0], &p->instance_why);
}

static void tpm_open(struct ev *ev)
{
    struct tpm_part *p = arena_alloc(&ev->mem, 1, sizeof *p);
    if (!p)
        return;
    ev->tpm = p;
    open_quote(p, ev->bundle);
    ak_open(&p->ak, ev->bundle, ev->expected->ak, &ev->mem);
    open_chain(ev, p);
}

static void tpm_close(struct ev *ev)
{
    if (ev->tpm)
        ak_close(&ev->tpm->ak);
    ev->tpm = NULL;
}

/* --- helpers --- */

const struct bundle_pcr *tpm_find_pcr(const struct ev *ev, enum hash_alg bank, uint32_t index)
{
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++)
        if (ev->bundle->pcrs[i].index == index && ev->bundle->pcrs[i].bank == bank)
            return &ev->bundle->pcrs[i];
    return NULL;
}

struct hash32 tpm_replay(const struct hash32 *events, size_t num_events)
{
    struct hash32 r = {{0}};
    for (size_t i = 0; i < num_events; i++)
        r = sha256_2(BYTES_OF(r), BYTES_OF(events[i]));
    return r;
}

struct digest tpm_pcr_value(const struct bundle_pcr *pcr)
{
    struct digest d = {.len = pcr->value.len <= HASH_MAX ? pcr->value.len : 0};
    memcpy(d.b, pcr->value.p ? pcr->value.p : (const uint8_t *)"", d.len);
    if (pcr->num_events && pcr->bank == HASH_SHA256 && bytes_is_zero(pcr->value)) {
        struct hash32 r = tpm_replay(pcr->events, pcr->num_events);
        memcpy(d.b, r.b, sizeof r.b);
    }
    return d;
}

/* Nothing to look at: no quote in the bundle, or one that says nothing. */
static bool lacks_quote(const struct ev *ev, struct finding *f)
{
    if (!ev->tpm)
        *f = check_not_run("no memory");
    else if (ev->tpm->has_attest)
        return false;
    else
        *f = check_not_run(ev->bundle->quote.len ? "the quote could not be read" : "no TPM quote given");
    return true;
}

static bool lacks_pcrs(const struct ev *ev, struct finding *f)
{
    if (lacks_quote(ev, f))
        return true;
    if (ev->bundle->num_pcrs)
        return false;
    *f = check_not_run("no PCR values given");
    return true;
}

/* --- the quote --- */

static struct finding check_attest(struct ev *ev)
{
    const struct tpm_part *p = ev->tpm;
    if (!p || !ev->bundle->quote.p)
        return check_not_run("no TPM quote given");
    if (!ev->bundle->quote.len)
        return check_fail("the quote given is empty");
    if (p->has_attest || (p->has_head && p->attest_why.code == ERR_NONE))
        return check_pass();
    if (p->has_head && (p->attest.magic != TPM_MAGIC || p->attest.type != TPM_ST_QUOTE))
        return check_not_run("not a quote: see tpm.magic and tpm.type");
    return check_fail("%s", p->attest_why.text);
}

static struct finding check_magic(struct ev *ev)
{
    if (!ev->tpm || !ev->tpm->has_head)
        return check_not_run(ev->bundle->quote.len ? "the quote could not be read" : "no TPM quote given");
    if (ev->tpm->attest.magic != TPM_MAGIC)
        return check_fail("%08x, want ff544347: the TPM did not make this", ev->tpm->attest.magic);
    return check_pass();
}

static struct finding check_type(struct ev *ev)
{
    if (!ev->tpm || !ev->tpm->has_head)
        return check_not_run(ev->bundle->quote.len ? "the quote could not be read" : "no TPM quote given");
    if (ev->tpm->attest.type != TPM_ST_QUOTE)
        return check_fail("%04x, want 8018 (quote)", ev->tpm->attest.type);
    return check_pass();
}

static struct finding check_signature_format(struct ev *ev)
{
    if (!ev->tpm || !ev->bundle->signature.len)
        return check_not_run("no TPM signature given");
    return ev->tpm->has_signature ? check_pass() : check_fail("%s", ev->tpm->signature_why.text);
}

static struct finding check_weak_hash(struct ev *ev)
{
    if (!ev->tpm || !ev->tpm->has_signature)
        return check_not_run("no TPM signature to look at");
    if (ev->tpm->signature.hash == HASH_SHA1)
        return check_fail("signed over SHA-1");
    return check_pass();
}

static struct finding check_signature(struct ev *ev)
{
    const struct tpm_part *p = ev->tpm;
    if (!p || !p->has_signature || !ev->bundle->quote.len)
        return check_not_run("no quote with a signature");
    if (!p->ak.key)
        return check_not_run("no AK");
    if (!tpm_signature_verify(&p->signature, p->ak.key, ev->bundle->quote))
        return check_fail("does not verify under the AK (%s)", p->ak.key_from);
    return check_pass();
}

/* --- the PCRs --- */

static struct finding check_bank(struct ev *ev)
{
    struct finding f;
    if (lacks_quote(ev, &f))
        return f;
    const struct tpm_attest *a = &ev->tpm->attest;
    bool sha1 = false, other = a->num_selections != 1;
    for (size_t i = 0; i < a->num_selections; i++) {
        if (a->selection[i].bank == HASH_NONE)
            return check_fail("bank %04x is none that we know", a->selection[i].alg);
        sha1 |= a->selection[i].bank == HASH_SHA1;
        other |= a->selection[i].bank != HASH_SHA256;
    }
    if (sha1 && !ev->policy->tpm.allow_sha1_bank)
        return check_fail("values of the SHA-1 bank");
    return other ? check_note("the registry takes a single selection of the SHA-256 bank alone") : check_pass();
}

/* The indexes that the bundle lists for a bank, in rising order and each once; or why not. */
static bool listed(uint32_t *out, const struct bundle *b, enum hash_alg bank, struct finding *f)
{
    uint32_t pcrs = 0, last = 0;
    for (size_t i = 0; i < b->num_pcrs; i++) {
        if (b->pcrs[i].bank != bank)
            continue;
        uint32_t n = b->pcrs[i].index;
        if (n >= TPM_MAX_PCR || pcrs >> n & 1) {
            *f = check_fail("PCR %u listed %s", n, n >= TPM_MAX_PCR ? "though there is none" : "twice");
            return false;
        }
        if (pcrs && n < last) {
            *f = check_fail("PCR %u listed behind PCR %u: the digest is over rising indexes", n, last);
            return false;
        }
        pcrs |= 1u << n;
        last = n;
    }
    *out = pcrs;
    return true;
}

static struct finding check_selection(struct ev *ev)
{
    struct finding f;
    if (lacks_pcrs(ev, &f))
        return f;
    const struct tpm_attest *a = &ev->tpm->attest;
    bool banks[HASH_SHA512 + 1] = {false}, unlisted = false;
    for (size_t i = 0; i < a->num_selections; i++) {
        enum hash_alg bank = a->selection[i].bank;
        uint32_t pcrs = 0;
        if (bank == HASH_NONE || banks[bank])
            return check_fail("the quote selects bank %04x twice, or one we do not know", a->selection[i].alg);
        banks[bank] = true;
        if (!listed(&pcrs, ev->bundle, bank, &f))
            return f;
        if (pcrs == 0 && a->selection[i].pcrs != 0)
            unlisted = true;
        else if (pcrs != a->selection[i].pcrs)
            return check_fail("%s: the quote selects PCRs %06x, the bundle lists %06x (bit n: PCR n)", hash_name(bank),
                              a->selection[i].pcrs, pcrs);
    }
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++)
        if (!banks[ev->bundle->pcrs[i].bank])
            return check_fail("the quote selects nothing of bank %s", hash_name(ev->bundle->pcrs[i].bank));
    return unlisted ? check_not_run("the quote selects a bank of which no values were given") : check_pass();
}

static struct finding check_values(struct ev *ev)
{
    if (!ev->bundle->num_pcrs)
        return check_not_run("no PCR values given");
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++) {
        const struct bundle_pcr *p = &ev->bundle->pcrs[i];
        if (p->value.len == 0 || p->value.len != hash_size(p->bank))
            return check_fail("PCR %u: %zu bytes, want %zu", p->index, p->value.len, hash_size(p->bank));
    }
    return check_pass();
}

/* The digest is in the hash of the signing scheme, whatever the bank: over the values in the order of the selections.
 */
static struct finding check_digest(struct ev *ev)
{
    struct finding f;
    if (lacks_pcrs(ev, &f))
        return f;
    if (!ev->tpm->has_signature)
        return check_not_run("no signature, so the digest's hash is not known");
    struct digest values[4 * TPM_MAX_PCR];
    struct bytes parts[4 * TPM_MAX_PCR];
    size_t n = 0;
    const struct tpm_attest *a = &ev->tpm->attest;
    for (size_t i = 0; i < a->num_selections; i++)
        for (uint32_t pcr = 0; pcr < TPM_MAX_PCR; pcr++) {
            if (!(a->selection[i].pcrs >> pcr & 1))
                continue;
            const struct bundle_pcr *p = tpm_find_pcr(ev, a->selection[i].bank, pcr);
            if (!p || n == sizeof parts / sizeof parts[0])
                return check_not_run("no value of PCR %u, which the quote selects", pcr);
            values[n] = tpm_pcr_value(p);
            parts[n] = digest_view(&values[n]);
            n++;
        }
    struct digest want = hash_parts(ev->tpm->signature.hash, parts, n);
    char have_hex[2 * HASH_MAX + 1], want_hex[2 * HASH_MAX + 1];
    if (!bytes_eq(digest_view(&want), a->pcr_digest))
        return check_fail("the quote says %.64s, the values give %.64s",
                          hex_encode(have_hex, bytes_sub(a->pcr_digest, 0,
                                                         a->pcr_digest.len < HASH_MAX ? a->pcr_digest.len : HASH_MAX)),
                          hex_encode(want_hex, digest_view(&want)));
    return check_pass();
}

static struct finding check_events(struct ev *ev)
{
    size_t replayed = 0;
    if (!ev->bundle->num_pcrs)
        return check_not_run("no PCR values given");
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++) {
        const struct bundle_pcr *p = &ev->bundle->pcrs[i];
        if (!p->num_events)
            continue;
        if (p->bank != HASH_SHA256)
            return check_fail("PCR %u: events of SHA-256 on bank %s", p->index, hash_name(p->bank));
        struct hash32 r = tpm_replay(p->events, p->num_events);
        if (!bytes_is_zero(p->value) && !bytes_eq(p->value, BYTES_OF(r))) {
            char hex[65];
            return check_fail("PCR %u: its %zu events replay to %s", p->index, p->num_events,
                              hex_encode(hex, BYTES_OF(r)));
        }
        replayed++;
    }
    return check_note("%zu PCRs with events", replayed);
}

static struct finding check_event_index(struct ev *ev)
{
    if (!ev->bundle->num_pcrs)
        return check_not_run("no PCR values given");
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++) {
        const struct bundle_pcr *p = &ev->bundle->pcrs[i];
        for (size_t j = 0; j < p->num_measured; j++) {
            if (p->measured[j] >= p->num_events)
                return check_fail("PCR %u: event %u measured, there are %zu", p->index, p->measured[j], p->num_events);
            if (j && p->measured[j] <=
                         p->measured[j - 1]) /* the contract would hash it; no machine's boot repeats itself so */
                return check_fail("PCR %u: event %u measured behind event %u", p->index, p->measured[j],
                                  p->measured[j - 1]);
        }
    }
    return check_pass();
}

/* --- freshness and policy --- */

static struct finding check_extra_data(struct ev *ev)
{
    struct finding f;
    if (!ev->expected->has_extra_data)
        return check_note("not asked for; see binding.identity");
    if (lacks_quote(ev, &f))
        return f;
    struct bytes have = ev->tpm->attest.extra_data;
    char hex[2 * 64 + 1];
    if (!bytes_eq(have, ev->expected->extra_data))
        return check_fail("extra data is %s",
                          have.len ? hex_encode(hex, bytes_sub(have, 0, have.len < 64 ? have.len : 64)) : "empty");
    return check_pass();
}

/* How much later b is than a, modulo 2^32: a TPM may offset its counters. */
static int32_t later(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

static bool clock_seen(const struct ev *ev, struct tpm_clock *out)
{
    const struct memory *m = ev->memory;
    return m && m->clock && ev->tpm->ak.key && m->clock(m->ctx, ev->tpm->ak.key_sha256, out);
}

/* TPM2-P1, timing: by reset count, restart count, clock. */
static struct finding check_clock(struct ev *ev)
{
    struct finding f;
    struct tpm_clock seen;
    if (lacks_quote(ev, &f))
        return f;
    const struct tpm_attest *a = &ev->tpm->attest;
    if (!clock_seen(ev, &seen))
        return check_note("first quote of this AK");
    if (ev->now_s < seen.seen_s)
        return check_note("judged as of a time before the last quote that was seen");
    int32_t reset = later(seen.reset_count, a->reset_count), restart = later(seen.restart_count, a->restart_count);
    if (reset < 0 || (reset == 0 && restart < 0))
        return check_fail("replay: reset %u restart %u, seen before: %u and %u", a->reset_count, a->restart_count,
                          seen.reset_count, seen.restart_count);
    if (a->clock_ms >= seen.clock_ms)
        return check_pass();
    if (!a->safe)
        return check_note("the clock went back from %llu to %llu ms, and says that it is not safe",
                          (unsigned long long)seen.clock_ms, (unsigned long long)a->clock_ms);
    if (reset == 0 && restart == 0)
        return check_fail("replay: clock %llu ms, seen before: %llu", (unsigned long long)a->clock_ms,
                          (unsigned long long)seen.clock_ms);
    return check_note("the clock went back from %llu to %llu ms over a restart", (unsigned long long)seen.clock_ms,
                      (unsigned long long)a->clock_ms);
}

/* The last clock of this AK, for the next quote to be held against. It only ever grows. */
static void learn(const struct ev *ev)
{
    struct tpm_clock seen;
    if (!ev->memory->keep_clock || !ev->tpm || !ev->tpm->has_attest || !ev->tpm->ak.key)
        return;
    const struct tpm_attest *a = &ev->tpm->attest;
    if (clock_seen(ev, &seen)) {
        int32_t reset = later(seen.reset_count, a->reset_count), restart = later(seen.restart_count, a->restart_count);
        if (reset < 0 || (reset == 0 && (restart < 0 || (restart == 0 && a->clock_ms < seen.clock_ms))))
            return;
    }
    seen = (struct tpm_clock){a->reset_count, a->restart_count, a->clock_ms, a->safe, ev->now_s};
    ev->memory->keep_clock(ev->memory->ctx, ev->tpm->ak.key_sha256, &seen);
}

static struct finding check_safe(struct ev *ev)
{
    struct finding f;
    if (lacks_quote(ev, &f))
        return f;
    if (ev->tpm->attest.safe)
        return check_pass();
    return ev->policy->tpm.require_safe_clock ? check_fail("the clock is not marked safe")
                                              : check_note("the clock is not marked safe");
}

static struct finding check_firmware(struct ev *ev)
{
    struct finding f;
    uint8_t version[8];
    if (lacks_quote(ev, &f))
        return f;
    for (int i = 0; i < 8; i++)
        version[i] = (uint8_t)(ev->tpm->attest.firmware >> (8 * (7 - i)));
    if (!policy_hex_allows(&ev->policy->tpm.firmware, BYTES(version)))
        return check_fail("firmware %016llx is none that the policy names",
                          (unsigned long long)ev->tpm->attest.firmware);
    return check_pass();
}

/* clang-format off */
static const struct check tpm_checks[] = {
    /* id                    source                            stage      on fail  run                   */
    {"tpm.quote",            "TPM2-P2 10.12.12",               AUTHENTIC, REJECTS, check_attest},
    {"tpm.magic",            "TPM2-P2 6.2",                    AUTHENTIC, REJECTS, check_magic},
    {"tpm.type",             "TPM2-P2 6.9",                    AUTHENTIC, REJECTS, check_type},
    {"tpm.signature_form",   "TPM2-P2 11.3.4",                 AUTHENTIC, REJECTS, check_signature_format},
    {"tpm.weak_hash",        "TPM2-P2 11.3.4",                 AUTHENTIC, REJECTS, check_weak_hash},
    {"ak.key",               "TPM2-P2 12.2.4, RFC 5280",       AUTHENTIC, REJECTS, ak_check_key},
    {"ak.attributes",        "TPM2-P2 8.3.2",                  AUTHENTIC, REJECTS, ak_check_attributes},
    {"ak.var_data",          "MS-CVM, runtime data",           AUTHENTIC, REJECTS, ak_check_var_data},
    {"ak.hcl",               "MS-CVM, attestation report",     AUTHENTIC, REJECTS, ak_check_hcl},
    {"ak.certificate",       "RFC 5280 4.2.1.3",               AUTHENTIC, REJECTS, ak_check_certificate},
    {"ak.chain",             "RFC 5280 6",                     AUTHENTIC, REJECTS, ak_check_chain},
    {"ak.revoked",           "RFC 5280 6.3",                   FRESH,     REJECTS, ak_check_revoked},
    {"ak.agreement",         "design 4",                       AUTHENTIC, REJECTS, ak_check_agreement},
    {"ak.trust",             "design 3",                       AUTHENTIC, REJECTS, ak_check_trust},
    {"tpm.signature",        "TPM2-P2 11.3.4",                 AUTHENTIC, REJECTS, check_signature},
    {"tpm.extra_data",       "TPM2-P2 10.12.12 extraData",     FRESH,     REJECTS, check_extra_data},
    {"tpm.clock",            "TPM2-P1 timing components",      FRESH,     REJECTS, check_clock},
    {"tpm.pcr_bank",         "registry-v1 10",                 BOUND,     REJECTS, check_bank},
    {"tpm.pcr_selection",    "TPM2-P2 10.6.2, registry-v1 10", BOUND,     REJECTS, check_selection},
    {"tpm.pcr_values",       "TPM2-P2 10.12.4",                BOUND,     REJECTS, check_values},
    {"tpm.pcr_digest",       "TPM2-P2 10.12.4",                BOUND,     REJECTS, check_digest},
    {"tpm.event_replay",     "registry-v1 10",                 BOUND,     REJECTS, check_events},
    {"tpm.event_index",      "registry-v1 10",                 BOUND,     REJECTS, check_event_index},
    {"ak.contract_key",      "registry-v1 8",                  BOUND,     REJECTS, ak_check_contract_key},
    {"ak.instance",          "go-tpm-tools instance_info",     ACCEPTED,  REJECTS, ak_check_instance},
    {"ak.vm",                "MS-CVM, runtime claims",         ACCEPTED,  REJECTS, ak_check_vm},
    {"tpm.safe",             "TPM2-P2 10.11.1",                ACCEPTED,  REJECTS, check_safe},
    {"tpm.firmware",         "TPM2-P2 10.12.12",               ACCEPTED,  REJECTS, check_firmware},
};
/* clang-format on */

const struct kind tpm_kind = {
    .name = "tpm",
    .applies = tpm_applies,
    .open = tpm_open,
    .close = tpm_close,
    .checks = tpm_checks,
    .num_checks = sizeof tpm_checks / sizeof tpm_checks[0],
    .render = tpm_render,
    .learn = learn,
};
