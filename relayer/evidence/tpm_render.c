/* The quote's facts in the verdict document: "tpm". */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/tpm_part.h"

static void put_hex(json_t *o, const char *member, struct bytes v)
{
    AUTO(auto_free) char *s = hex_plain(v);
    json_object_set_new(o, member, s ? json_string(s) : NULL);
}

static void put_text(json_t *o, const char *member, struct bytes v)
{
    json_object_set_new(o, member, json_stringn((const char *)v.p, v.len));
}

static json_t *selection_json(const struct tpm_attest *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->num_selections; i++) {
        json_t *pcrs = json_array();
        for (uint32_t n = 0; n < TPM_MAX_PCR; n++)
            if (a->selection[i].pcrs >> n & 1)
                json_array_append_new(pcrs, json_integer(n));
        const char *bank = a->selection[i].bank == HASH_NONE ? "unknown" : hash_name(a->selection[i].bank);
        json_array_append_new(list, json_pack("{s:s, s:o}", "bank", bank, "pcrs", pcrs));
    }
    return list;
}

static void put_quote(json_t *o, const struct tpm_attest *a)
{
    char version[17];
    snprintf(version, sizeof version, "%016llx", (unsigned long long)a->firmware);
    put_hex(o, "extra_data", a->extra_data);
    put_hex(o, "signer", a->signer);
    json_object_set_new(o, "clock",
                        json_pack("{s:I, s:I, s:I, s:b}", "reset_count", (json_int_t)a->reset_count, "restart_count",
                                  (json_int_t)a->restart_count, "clock_ms", (json_int_t)a->clock_ms, "safe", a->safe));
    json_object_set_new(o, "firmware", json_string(version));
    json_object_set_new(o, "selection", selection_json(a));
    put_hex(o, "pcr_digest", a->pcr_digest);
}

static json_t *instance_json(const struct gce_instance *g)
{
    char number[24], id[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)g->project_number);
    snprintf(id, sizeof id, "%llu", (unsigned long long)g->instance_id);
    json_t *o = json_pack("{s:s, s:s}", "project_number", number, "instance_id", id);
    put_text(o, "zone", g->zone);
    put_text(o, "project_id", g->project_id);
    put_text(o, "instance_name", g->instance_name);
    return o;
}

void tpm_render(const struct ev *ev, json_t *doc)
{
    const struct tpm_part *p = ev->tpm;
    if (!p)
        return;
    json_t *o = json_object();
    if (p->ak.key) {
        put_hex(o, "ak", BYTES_OF(p->ak.key_sha256));
        json_object_set_new(o, "ak_from", json_string(p->ak.key_from));
    }
    if (p->has_attest)
        put_quote(o, &p->attest);
    if (p->has_instance)
        json_object_set_new(o, "instance", instance_json(&p->instance));
    if (p->ak.claims.ak && p->ak.claims.vm_id[0])
        put_text(o, "vm_id", bytes_str(p->ak.claims.vm_id));
    if (json_object_size(o))
        json_object_set(doc, "tpm", o);
    json_decref(o);
}
