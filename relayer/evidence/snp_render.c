/* The SNP part of a verdict's document, and what a TCB is short of. */
#include "crypto/base/auto.h"
#include "relayer/evidence/snp_part.h"

#include <ctype.h>
#include <stdio.h>

const char *snp_mark_issuer(const struct snp_part *p)
{
    static const char *const issuers[] = {
        [SNP_UNKNOWN] = "amd", [SNP_MILAN] = "amd-milan", [SNP_GENOA] = "amd-genoa", [SNP_TURIN] = "amd-turin"};
    return issuers[p->product];
}

const char *snp_mark_subject(const struct snp_part *p)
{
    static const char *const subjects[][2] = {
        [SNP_UNKNOWN] = {"crl/ARK", "crl/ARK/vlek"},
        [SNP_MILAN] = {"crl/ARK-Milan", "crl/ARK-Milan/vlek"},
        [SNP_GENOA] = {"crl/ARK-Genoa", "crl/ARK-Genoa/vlek"},
        [SNP_TURIN] = {"crl/ARK-Turin", "crl/ARK-Turin/vlek"},
    };
    return subjects[p->product][p->report.signing_key == SNP_KEY_VLEK];
}

size_t snp_tcb_short_of(struct snp_short out[static 5], const char *prefix, struct snp_tcb have,
                        enum snp_product product, const struct snp_min_tcb *min)
{
    const struct {
        const char *name;
        uint32_t have, need;
    } rows[] = {
        {"fmc", have.fmc, product == SNP_TURIN ? min->fmc : 0},
        {"boot_loader", have.boot_loader, min->boot_loader},
        {"tee", have.tee, min->tee},
        {"snp", have.snp, min->snp},
        {"microcode", have.microcode, min->microcode},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].have >= rows[i].need)
            continue;
        snprintf(out[n].component, sizeof out[n].component, "%s%s", prefix, rows[i].name);
        out[n].have = rows[i].have;
        out[n++].need = rows[i].need;
    }
    return n;
}

static void put_hex(json_t *o, const char *key, struct bytes value)
{
    AUTO(auto_free) char *text = hex_plain(value);
    if (text)
        json_object_set_new(o, key, json_string(text));
}

/* 64-bit numbers as 16 hex digits, most significant first */
static void put_u64(json_t *o, const char *key, uint64_t v)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)v);
    json_object_set_new(o, key, json_string(text));
}

static void put_int(json_t *o, const char *key, uint32_t v)
{
    json_object_set_new(o, key, json_integer(v));
}

static json_t *tee_json(const struct snp_report *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "type", json_string(tee_name(TEE_SNP)));
    put_int(o, "version", r->version);
    put_hex(o, "measurement", BYTES(r->measurement));
    put_hex(o, "report_data", BYTES(r->report_data));
    put_hex(o, "host_data", BYTES(r->host_data));
    put_u64(o, "policy", r->policy);
    put_int(o, "guest_svn", r->guest_svn);
    put_int(o, "vmpl", r->vmpl);
    put_hex(o, "family_id", BYTES(r->family_id));
    put_hex(o, "image_id", BYTES(r->image_id));
    put_hex(o, "id_key_digest", BYTES(r->id_key_digest));
    put_hex(o, "author_key_digest", BYTES(r->author_key_digest));
    put_hex(o, "report_id", BYTES(r->report_id));
    put_hex(o, "report_id_ma", BYTES(r->report_id_ma));
    put_hex(o, "chip_id", BYTES(r->chip_id));
    put_u64(o, "reported_tcb", snp_tcb_u64(r->reported_tcb));
    put_u64(o, "committed_tcb", snp_tcb_u64(r->committed_tcb));
    put_u64(o, "current_tcb", snp_tcb_u64(r->current_tcb));
    put_u64(o, "launch_tcb", snp_tcb_u64(r->launch_tcb));
    return o;
}

static json_t *components_json(struct snp_tcb t, enum snp_product product)
{
    json_t *o = json_object();
    if (product == SNP_TURIN)
        put_int(o, "fmc", t.fmc);
    put_int(o, "boot_loader", t.boot_loader);
    put_int(o, "tee", t.tee);
    put_int(o, "snp", t.snp);
    put_int(o, "microcode", t.microcode);
    return o;
}

static json_t *tcb_json(const struct snp_part *p, const struct snp_policy *policy)
{
    const struct snp_report *r = &p->report;
    const struct {
        const char *name, *prefix;
        struct snp_raw_tcb raw;
        const struct snp_min_tcb *min;
    } rows[] = {
        {"reported", "reported ", r->reported_tcb, &policy->min_reported},
        {"committed", "committed ", r->committed_tcb, &policy->min_committed},
        {"current", "current ", r->current_tcb, &policy->min_current},
        {"launch", "launch ", r->launch_tcb, &policy->min_launch},
    };
    json_t *o = json_object(), *list = json_array();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct snp_short shorts[5];
        struct snp_tcb tcb = snp_part_tcb(p, rows[i].raw);
        json_object_set_new(o, rows[i].name, components_json(tcb, p->product));
        size_t n = snp_tcb_short_of(shorts, rows[i].prefix, tcb, p->product, rows[i].min);
        for (size_t k = 0; k < n; k++)
            json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "component", shorts[k].component, "have",
                                                  (int)shorts[k].have, "need", (int)shorts[k].need));
    }
    json_object_set_new(o, "short_of", list);
    return o;
}

static json_t *platform_json(const struct snp_part *p)
{
    const struct snp_report *r = &p->report;
    char text[40];
    json_t *o = json_object();
    put_hex(o, "chip_id", BYTES(r->chip_id));
    json_object_set_new(
        o, "product",
        json_string(r->has_cpuid ? snp_model_name(r->cpuid_family, r->cpuid_model) : snp_product_name(p->product)));
    if (r->has_cpuid) {
        snprintf(text, sizeof text, "%02x-%02x-%02x", r->cpuid_family, r->cpuid_model, r->cpuid_stepping);
        json_object_set_new(o, "cpuid", json_string(text));
    }
    put_u64(o, "platform_info", r->platform_info);
    snprintf(text, sizeof text, "%u.%u.%u", r->current.major, r->current.minor, r->current.build);
    json_object_set_new(o, "current_firmware", json_string(text));
    snprintf(text, sizeof text, "%u.%u.%u", r->committed.major, r->committed.minor, r->committed.build);
    json_object_set_new(o, "committed_firmware", json_string(text));
    if (r->has_mitigations) {
        put_u64(o, "launch_mitigations", r->launch_mitigations);
        put_u64(o, "current_mitigations", r->current_mitigations);
    }
    if (p->has_leaf)
        json_object_set_new(o, "signing_key", json_string(snp_cert_kind_name(p->leaf.kind)));
    if (p->has_leaf && p->leaf.csp_id.len) {
        AUTO(buf_done) struct buf csp = buf_new(256);
        for (size_t i = 0; i < p->leaf.csp_id.len; i++)
            buf_u8(&csp, isprint(p->leaf.csp_id.p[i]) ? p->leaf.csp_id.p[i] : '?');
        json_object_set_new(o, "csp_id", json_stringn((const char *)csp.p, csp.len));
    }
    return o;
}

void snp_render(const struct ev *ev, json_t *doc)
{
    const struct snp_part *p = ev->snp;
    if (!p || !p->has_report)
        return;
    json_object_set_new(doc, "tee", tee_json(&p->report));
    if (p->product != SNP_UNKNOWN)
        json_object_set_new(doc, "tcb", tcb_json(p, &ev->policy->snp));
    json_object_set_new(doc, "platform", platform_json(p));
}
