/* Do the logs that came along lead to what was quoted? The TCG log and IMA's to PCRs, CCEL and CEL to a TD's registers.
 * Firmware fills PCR 0 to 7 (RTMR0, RTMR1) and then stops, so there the log must lead to the value exactly; the
 * operating system goes on with the others, and a log that is only part of the story is said to be that. */
#include "crypto/base/text.h"
#include "relayer/evidence/eventlog_part.h"
#include "relayer/evidence/tpm_part.h"

#include <stdio.h>

enum { FIRMWARE_PCRS = 8, IMA_PCR = 10 };

static bool applies(const struct ev *ev)
{
    const struct bundle *b = ev->bundle;
    return !b->bare &&
           (b->event_log.len || b->ccel.len || b->ima_log.len || b->cel.len || ev->policy->tpm.require_event_log);
}

static void open_logs(struct ev *ev)
{
    const struct bundle *b = ev->bundle;
    struct log_part *p = arena_alloc(&ev->mem, 1, sizeof *p);
    ev->logs = p;
    if (!p)
        return;
    p->has_tcg = b->event_log.len && eventlog_parse(&p->tcg, &ev->mem, b->event_log, EVENTLOG_TCG, &p->tcg_why);
    p->has_ccel = b->ccel.len && eventlog_parse(&p->ccel, &ev->mem, b->ccel, EVENTLOG_CCEL, &p->ccel_why);
    p->has_ima = b->ima_log.len && ima_parse(&p->ima, &ev->mem, b->ima_log, &p->ima_why);
    p->has_cel = b->cel.len && cel_parse(&p->cel, &ev->mem, b->cel, &p->cel_why);
}

static const struct log_part *logs_of(const struct ev *ev)
{
    static const struct log_part none;
    return ev->logs ? ev->logs : &none;
}

static struct finding parsed(bool has, struct bytes given, const struct err *why, bool required)
{
    if (has)
        return check_pass();
    if (!given.len)
        return required ? check_not_run("no log given, and the policy wants one") : check_note("none given");
    return check_fail("%s", why->text);
}

static struct finding check_tcg(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    return parsed(p->has_tcg, ev->bundle->event_log, &p->tcg_why, ev->policy->tpm.require_event_log);
}

static struct finding check_ccel(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    return parsed(p->has_ccel, ev->bundle->ccel, &p->ccel_why, false);
}

static struct finding check_ima(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    return parsed(p->has_ima, ev->bundle->ima_log, &p->ima_why, false);
}

static struct finding check_cel(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    return parsed(p->has_cel, ev->bundle->cel, &p->cel_why, false);
}

/* --- PCRs --- */

/* Names of registers, joined, cut where there is no room. */
static void join(char *out, size_t size, const char *name, uint32_t index)
{
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%s%s%u", n ? ", " : "", name, index);
}

/* Another log of this boot may account for what the firmware's does not. */
static bool others_lead_there(const struct log_part *p, const struct bundle_pcr *pcr, struct digest from)
{
    struct digest cel;
    size_t entries;
    struct digest want = tpm_pcr_value(pcr);
    if (p->has_ima && pcr->index == IMA_PCR &&
        ima_leads_to(&entries, &p->ima, pcr->bank, IMA_PCR, digest_view(&from), digest_view(&want)))
        return true;
    return p->has_cel && cel_covers(&p->cel, false, (uint8_t)pcr->index) &&
           cel_replay(&cel, &p->cel, pcr->bank, false, (uint8_t)pcr->index) &&
           bytes_eq(digest_view(&cel), digest_view(&want));
}

static struct finding check_tcg_replay(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    char beyond[120] = "", hex[2 * HASH_MAX + 1];
    size_t matched = 0;
    if (!p->has_tcg)
        return ev->bundle->event_log.len ? check_not_run("the log could not be read") : check_note("none given");
    if (!ev->bundle->num_pcrs)
        return check_not_run("no PCR values given");
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++) {
        const struct bundle_pcr *pcr = &ev->bundle->pcrs[i];
        struct digest have, want = tpm_pcr_value(pcr);
        if (!eventlog_replay(&have, &p->tcg, pcr->bank, pcr->index))
            return check_not_run("the log has no %s digests", hash_name(pcr->bank));
        if (bytes_eq(digest_view(&have), digest_view(&want)))
            matched++;
        else if (pcr->index < FIRMWARE_PCRS)
            return check_fail("PCR %u: the log leads to %.64s", pcr->index, hex_encode(hex, digest_view(&have)));
        else if (!others_lead_there(p, pcr, have))
            join(beyond, sizeof beyond, "", pcr->index);
    }
    return beyond[0] ? check_note("%zu PCRs; the log does not account for PCR %s", matched, beyond)
                     : check_note("%zu PCRs", matched);
}

static struct finding check_ima_replay(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    if (!p->has_ima)
        return ev->bundle->ima_log.len ? check_not_run("the log could not be read") : check_note("none given");
    size_t entries;
    for (size_t i = 0; i < ev->bundle->num_pcrs; i++) {
        const struct bundle_pcr *pcr = &ev->bundle->pcrs[i];
        struct digest zero = {.len = hash_size(pcr->bank)};
        if (pcr->index != IMA_PCR)
            continue;
        if (!ima_leads_to(&entries, &p->ima, pcr->bank, IMA_PCR, digest_view(&zero), pcr->value))
            return check_fail("no part of the list leads to PCR %d (%s)", IMA_PCR, hash_name(pcr->bank));
        return check_note("%zu of %zu entries lead to PCR %d", entries, p->ima.count, IMA_PCR);
    }
    if (p->has_ccel)
        return check_note("PCR %d was not quoted; see log.ccel_replay for RTMR2", IMA_PCR);
    return check_not_run("PCR %d was not quoted", IMA_PCR);
}

/* --- a TD's registers --- */

static struct finding lacks_td(const struct ev *ev, bool has, struct bytes given)
{
    if (!has)
        return given.len ? check_not_run("the log could not be read") : check_note("none given");
    if (!ev->tee.present || ev->tee.type != TEE_TDX)
        return check_not_run("no TD quote");
    return (struct finding){.outcome = FAIL};
}

/* RTMR2 goes on after the boot log: IMA's list, where it extends there. */
static bool rtmr_explained(const struct log_part *p, uint32_t rtmr, struct digest boot, struct bytes want)
{
    size_t entries;
    if (bytes_eq(digest_view(&boot), want))
        return true;
    if (rtmr != 2 || !p->has_ima)
        return false; /* a TD's kernel writes the register's own number into the list, others PCR 10 */
    return ima_leads_to(&entries, &p->ima, HASH_SHA384, rtmr, digest_view(&boot), want) ||
           ima_leads_to(&entries, &p->ima, HASH_SHA384, IMA_PCR, digest_view(&boot), want);
}

static struct finding check_ccel_replay(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    struct finding f = lacks_td(ev, p->has_ccel, ev->bundle->ccel);
    char beyond[60] = "", hex[2 * HASH_MAX + 1];
    if (f.outcome != FAIL)
        return f;
    for (uint32_t rtmr = 0; rtmr < 4; rtmr++) {
        struct digest boot;
        if (!eventlog_replay(&boot, &p->ccel, HASH_SHA384, rtmr + 1))
            return check_not_run("the log has no SHA-384 digests");
        if (rtmr_explained(p, rtmr, boot, ev->tee.rtmr[rtmr]))
            continue;
        if (rtmr < 2)
            return check_fail("RTMR%u: the log leads to %s", rtmr, hex_encode(hex, digest_view(&boot)));
        join(beyond, sizeof beyond, "RTMR", rtmr);
    }
    return beyond[0] ? check_note("the boot log does not account for %s", beyond) : check_pass();
}

static struct finding check_cel_replay(struct ev *ev)
{
    const struct log_part *p = logs_of(ev);
    struct finding f = lacks_td(ev, p->has_cel, ev->bundle->cel);
    struct digest have;
    size_t matched = 0;
    if (p->has_cel && ev->tee.present && ev->tee.type != TEE_TDX)
        return check_note("see log.tcg_replay for its PCRs");
    if (f.outcome != FAIL)
        return f;
    for (uint8_t rtmr = 0; rtmr < 4; rtmr++) {
        if (!cel_covers(&p->cel, true, (uint8_t)(rtmr + 1)))
            continue;
        if (!cel_replay(&have, &p->cel, HASH_SHA384, true, (uint8_t)(rtmr + 1)))
            return check_not_run("a record has no SHA-384 digest");
        if (!bytes_eq(digest_view(&have), ev->tee.rtmr[rtmr]))
            return check_fail("RTMR%u: the records lead to another value", rtmr);
        matched++;
    }
    return check_note("%zu registers", matched);
}

/* clang-format off */
static const struct check log_checks[] = {
    /* id                source                   stage      on fail  run */
    {"log.tcg",         "TCG-PFP event logging", AUTHENTIC, REJECTS, check_tcg},
    {"log.ccel",        "TCG-PFP, UEFI CCEL",    AUTHENTIC, REJECTS, check_ccel},
    {"log.ima",         "IMA templates",         AUTHENTIC, REJECTS, check_ima},
    {"log.cel",         "TCG-CEL TLV",           AUTHENTIC, REJECTS, check_cel},
    {"log.tcg_replay",  "TCG-PFP event logging", BOUND,     REJECTS, check_tcg_replay},
    {"log.ima_replay",  "IMA templates",         BOUND,     REJECTS, check_ima_replay},
    {"log.ccel_replay", "UEFI CCEL",             BOUND,     REJECTS, check_ccel_replay},
    {"log.cel_replay",  "TCG-CEL TLV",           BOUND,     REJECTS, check_cel_replay},
};
/* clang-format on */

const struct kind log_kind = {
    .name = "log",
    .applies = applies,
    .open = open_logs,
    .checks = log_checks,
    .num_checks = sizeof log_checks / sizeof log_checks[0],
};
