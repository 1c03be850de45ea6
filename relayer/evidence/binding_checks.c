/* Do the parts belong together? On Azure the TEE report's report_data holds the hash of the variable data, which names
 * the AK (binding.report_data). On Google Cloud a report id ties TPM and TEE: it is extended into PCR 15, and into
 * RTMR3 (TDX) or is the SNP report's own. On both, the quote's extra data begin with the identity's hash. registry-v1
 * section 8. */
#include "relayer/evidence/binding_part.h"

#include "crypto/base/text.h"
#include "relayer/evidence/golden.h"

#include <stdio.h>

static bool applies(const struct ev *ev)
{
    return !ev->bundle->bare;
}

static void open_nothing(struct ev *ev)
{
    (void)ev;
}

/* A re-attestation of what the registry keeps need not bring the TEE report again, and the registry would not look at
 * it. */
static bool kept(const struct ev *ev)
{
    return ev->expected->registered && binding_call(ev) == CALL_REATTEST && !ev->bundle->has_report;
}

/* A call that only sets times carries no evidence. */
static bool no_evidence(const struct ev *ev, struct finding *f)
{
    if (ev->bundle->call.kind != CALL_SET_TTL)
        return false;
    *f = check_note("this call carries no evidence");
    return true;
}

static struct finding check_tee_report(struct ev *ev)
{
    struct finding f;
    if (no_evidence(ev, &f))
        return f;
    if (kept(ev))
        return check_note("the registry keeps the TEE report that it verified");
    if (!ev->tee.present)
        return ev->bundle->has_report ? check_not_run("a TEE report of no kind that was read")
                                      : check_not_run("no TEE report given");
    if (ev->tee.type != ev->bundle->tee)
        return check_fail("the report is %s, the bundle says %s", tee_name(ev->tee.type), tee_name(ev->bundle->tee));
    return check_pass();
}

static struct finding check_cloud(struct ev *ev)
{
    struct finding f;
    if (no_evidence(ev, &f))
        return f;
    if (ev->bundle->call.kind == CALL_REATTEST || kept(ev))
        return check_note("the registry goes by the cloud that it stored");
    return ev->bundle->cloud == CLOUD_UNSET ? check_not_run("the bundle does not say which cloud") : check_pass();
}

/* --- report id --- */

/* Both parts must be there before anything can be compared. */
static bool lacks_parts(const struct ev *ev, struct finding *f)
{
    if (no_evidence(ev, f))
        return true;
    if (kept(ev))
        *f = check_note("judged when it was registered");
    else if (!ev->tee.present)
        *f = check_not_run("no TEE report");
    else if (ev->bundle->cloud == CLOUD_UNSET)
        *f = check_not_run("the bundle does not say which cloud");
    else
        return false;
    return true;
}

/* The report id that counts: as given; else, for SNP on Google, the report's own. */
static struct bytes report_id(const struct ev *ev)
{
    if (ev->bundle->report_id.len || ev->tee.type != TEE_SNP || ev->bundle->cloud != CLOUD_GCP)
        return ev->bundle->report_id;
    return ev->tee.report_id;
}

static struct hash32 pcr_of_report_id(const struct ev *ev)
{
    struct hash32 zero = {{0}}, inner = sha256(report_id(ev));
    if (ev->tee.type == TEE_SNP)
        return sha256_2(BYTES_OF(zero), report_id(ev));
    return sha256_2(BYTES_OF(zero), BYTES_OF(inner));
}

static struct finding check_report_id(struct ev *ev)
{
    struct finding f;
    if (lacks_parts(ev, &f))
        return f;
    uint32_t index = ev->expected->report_id_pcr ? ev->expected->report_id_pcr : 15;
    if (!ev->bundle->num_pcrs)
        return check_not_run("no PCR values given");
    const struct bundle_pcr *pcr = tpm_find_pcr(ev, HASH_SHA256, index);
    if (!pcr)
        return check_fail("PCR %u is not among the values: the registry wants it", index);
    bool zero = bytes_is_zero(pcr->value), given = report_id(ev).len > 0;
    if (ev->bundle->cloud == CLOUD_AZURE && zero && !given)
        return check_note("PCR %u is zero: the variable data binds TPM and TEE", index);
    if (!given)
        return check_fail("no report id given%s", zero ? "" : ", though the PCR holds something");
    struct hash32 want = pcr_of_report_id(ev);
    char hex[65];
    if (!bytes_eq(pcr->value, BYTES_OF(want)))
        return check_fail("PCR %u is not the report id extended into zeros (%s)", index,
                          hex_encode(hex, BYTES_OF(want)));
    return check_pass();
}

static struct finding check_rtmr3(struct ev *ev)
{
    struct finding f;
    if (lacks_parts(ev, &f))
        return f;
    if (ev->tee.type != TEE_TDX)
        return check_note("no RTMRs in this kind of report");
    struct bytes rtmr3 = ev->tee.rtmr[3];
    if (!ev->bundle->report_id.len)
        return bytes_is_zero(rtmr3) && ev->bundle->cloud == CLOUD_AZURE
                   ? check_note("RTMR3 is zero, and there is no report id")
                   : check_fail("no report id given that RTMR3 could hold");
    struct hash48 zero = {{0}}, inner = sha384(ev->bundle->report_id), want = sha384_2(BYTES_OF(zero), BYTES_OF(inner));
    if (!bytes_eq(rtmr3, BYTES_OF(want)))
        return check_fail("RTMR3 is not the report id extended into zeros");
    return check_pass();
}

static struct finding check_snp_report_id(struct ev *ev)
{
    struct finding f;
    if (lacks_parts(ev, &f))
        return f;
    if (ev->tee.type != TEE_SNP)
        return check_note("no SNP report");
    if (!ev->bundle->report_id.len)
        return check_note("none given beside the report's own");
    if (!bytes_eq(ev->bundle->report_id, ev->tee.report_id))
        return check_fail("the report id given is not the SNP report's");
    return check_pass();
}

/* --- identity --- */

/* No quote, or no identity that it could name? Then f says so. */
static bool lacks_identity(const struct ev *ev, struct finding *f)
{
    if (no_evidence(ev, f))
        return true;
    if (!ev->tpm || !ev->tpm->has_attest)
        *f = check_not_run("no TPM quote that could be read");
    else if (!ev->bundle->identity.present)
        *f = check_not_run("no identity given");
    else
        return false;
    return true;
}

static struct finding check_extra_data(struct ev *ev)
{
    struct finding f;
    if (lacks_identity(ev, &f))
        return f;
    struct bytes extra = tpm_extra_data(ev);
    if (extra.len < 33 || extra.len > 50)
        return check_fail("extra data of %zu bytes: the registry takes 33 to 50", extra.len);
    if (extra.p[0] != 0xff)
        return check_fail("extra data begin with %02x, want ff", extra.p[0]);
    return check_pass();
}

static struct finding check_identity(struct ev *ev)
{
    struct finding f;
    if (lacks_identity(ev, &f))
        return f;
    struct bytes extra = tpm_extra_data(ev);
    if (extra.len < 33)
        return check_fail("extra data of %zu bytes name no identity", extra.len);
    struct hash32 want = identity_hash(&ev->bundle->identity, binding_profile(ev));
    char hex[65];
    if (memcmp(extra.p + 1, want.b, sizeof want.b) != 0)
        return check_fail("extra data name %.64s, another identity", hex_encode(hex, bytes_sub(extra, 1, 32)));
    return check_pass();
}

/* --- golden --- */

static struct finding check_golden(struct ev *ev)
{
    struct golden_file file;
    struct err why;
    if (!ev->expected->golden.len)
        return ev->policy->tpm.require_golden ? check_not_run("no golden file given, and the policy wants one")
                                              : check_note("no golden file given");
    if (!golden_file_parse(&file, &ev->mem, ev->expected->golden, &why))
        return check_not_run("%s", why.text);
    struct golden_values have = golden_values_of(ev);
    const char *name = golden_file_match(&file, &have, &why);
    return name ? check_note("%s", name) : check_fail("%s", why.text);
}

/* clang-format off */
static const struct check binding_checks[] = {
    /* id                      source             stage      on fail  run */
    {"binding.tee_report",     "design 3",        AUTHENTIC, REJECTS, check_tee_report},
    {"binding.cloud",          "registry-v1 1",   BOUND,     REJECTS, check_cloud},
    {"binding.report_data",    "registry-v1 8",   BOUND,     REJECTS, ak_check_report_data},
    {"binding.report_id",      "registry-v1 8",   BOUND,     REJECTS, check_report_id},
    {"binding.rtmr3",          "registry-v1 8",   BOUND,     REJECTS, check_rtmr3},
    {"binding.snp_report_id",  "registry-v1 8",   BOUND,     REJECTS, check_snp_report_id},
    {"identity.key",           "registry-v1 4",   BOUND,     REJECTS, identity_check_key},
    {"binding.extra_data",     "registry-v1 3",   BOUND,     REJECTS, check_extra_data},
    {"binding.identity",       "registry-v1 3",   BOUND,     REJECTS, check_identity},
    {"identity.signature",     "registry-v1 4",   BOUND,     REJECTS, identity_check_signature},
    {"identity.new_signature", "registry-v1 11",  BOUND,     REJECTS, identity_check_new_signature},
    {"tail.present",           "design 4",        FRESH,     REJECTS, tail_check_present},
    {"tail.binding",           "design 4",        BOUND,     REJECTS, tail_check_binding},
    {"tail.age",               "design 4",        FRESH,     REJECTS, tail_check_age},
    {"tail.future",            "design 4",        FRESH,     REJECTS, tail_check_future},
    {"golden.member",          "golden file",     ACCEPTED,  REJECTS, check_golden},
};
/* clang-format on */

static void render(const struct ev *ev, json_t *doc)
{
    if (!ev->bundle->identity.present)
        return;
    struct hash32 h = identity_hash(&ev->bundle->identity, binding_profile(ev));
    char hex[67] = "0x";
    hex_encode(hex + 2, BYTES_OF(h));
    json_object_set_new(doc, "identity_hash", json_string(hex));
}

/* Evidence with a tail grows too old. */
static int64_t expires(const struct ev *ev)
{
    int64_t t = tail_time(ev);
    return t ? t + ev->policy->max_evidence_age_s : 0;
}

const struct kind binding_kind = {
    .name = "binding",
    .applies = applies,
    .open = open_nothing,
    .checks = binding_checks,
    .num_checks = sizeof binding_checks / sizeof binding_checks[0],
    .render = render,
    .expires = expires,
};
