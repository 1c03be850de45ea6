/* What Intel evidence says, into the verdict document: "tee", "tcb", "platform" (design section 3). */
#include "crypto/base/text.h"
#include "relayer/evidence/tdx_checks.h"

static void put_hex(json_t *obj, const char *name, struct bytes value)
{
    char text[257];
    if (value.len > 0 && value.len <= 128)
        json_object_set_new(obj, name, json_string(hex_encode(text, value)));
}

static void put_date(json_t *obj, const char *name, int64_t t)
{
    char text[21];
    json_object_set_new(obj, name, json_string(time_format(text, t)));
}

static json_t *td_json(const struct td_report *td)
{
    static const char *const rtmr[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    json_t *o = json_pack("{s:s}", "type", "tdx");
    put_hex(o, "mr_td", td->mr_td);
    put_hex(o, "mr_seam", td->mr_seam);
    put_hex(o, "mr_signer_seam", td->mr_signer_seam);
    put_hex(o, "seam_attributes", td->seam_attributes);
    put_hex(o, "td_attributes", td->td_attributes);
    put_hex(o, "xfam", td->xfam);
    put_hex(o, "tcb_svn", td->tcb_svn);
    put_hex(o, "mr_config_id", td->mr_config_id);
    put_hex(o, "mr_owner", td->mr_owner);
    put_hex(o, "mr_owner_config", td->mr_owner_config);
    for (size_t i = 0; i < 4; i++)
        put_hex(o, rtmr[i], td->rtmr[i]);
    put_hex(o, "report_data", td->report_data);
    put_hex(o, "tee_tcb_svn2", td->tcb_svn2);
    put_hex(o, "mr_service_td", td->mr_service_td);
    return o;
}

static json_t *enclave_json(const struct sgx_report *r)
{
    json_t *o = json_pack("{s:s}", "type", "sgx");
    put_hex(o, "mr_enclave", r->mr_enclave);
    put_hex(o, "mr_signer", r->mr_signer);
    put_hex(o, "report_data", r->report_data);
    put_hex(o, "attributes", r->attributes);
    put_hex(o, "miscselect", r->miscselect);
    put_hex(o, "cpu_svn", r->cpu_svn);
    json_object_set_new(o, "isv_prod_id", json_integer(r->isv_prod_id));
    json_object_set_new(o, "isv_svn", json_integer(r->isv_svn));
    json_object_set_new(o, "config_svn", json_integer(r->config_svn));
    put_hex(o, "config_id", r->config_id);
    put_hex(o, "isv_ext_prod_id", r->isv_ext_prod_id);
    put_hex(o, "isv_family_id", r->isv_family_id);
    return o;
}

static void put_flag(json_t *obj, const char *name, enum tristate t)
{
    if (t != ABSENT)
        json_object_set_new(obj, name, json_boolean(t == YES));
}

static json_t *platform_json(const struct tdx_part *p)
{
    const struct pck *k = &p->pck_info;
    static const char *const types[] = {"standard", "scalable", "scalable_with_integrity"};
    json_t *o = json_object();
    put_hex(o, "ppid", BYTES(k->ppid));
    put_hex(o, "fmspc", BYTES(k->fmspc));
    put_hex(o, "pce_id", BYTES(k->pce_id));
    put_hex(o, "cpu_svn", BYTES(k->cpu_svn));
    json_object_set_new(o, "pce_svn", json_integer(k->pce_svn));
    json_object_set_new(o, "sgx_type", json_string(types[k->sgx_type]));
    const char *ca = pck_ca_name(&p->certs[0]);
    if (ca)
        json_object_set_new(o, "pck_ca", json_string(ca));
    if (k->has_platform_instance_id)
        put_hex(o, "platform_instance_id", BYTES(k->platform_instance_id));
    put_flag(o, "dynamic_platform", k->dynamic_platform);
    put_flag(o, "cached_keys", k->cached_keys);
    put_flag(o, "smt_enabled", k->smt_enabled);
    return o;
}

static json_t *advisories_json(const struct advisories *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(list, json_stringn((const char *)a->id[i].p, a->id[i].len));
    return list;
}

static json_t *short_json(const struct tcb_evaluation *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->num_missing; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "component", e->missing[i].component, "have",
                                              (int)e->missing[i].have, "need", (int)e->missing[i].need));
    return list;
}

static json_t *level_json(const struct tcb_outcome *o)
{
    json_t *level = json_pack("{s:s}", "status", tcb_status_name(o->status));
    put_date(level, "tcb_date", o->date_s);
    return level;
}

static json_t *module_json(const struct tcb_evaluation *e)
{
    json_t *m = level_json(&e->module_level->outcome);
    json_object_set_new(m, "id", json_stringn((const char *)e->module->id.p, e->module->id.len));
    json_object_set_new(m, "isv_svn", json_integer(e->module_level->isv_svn));
    return m;
}

static json_t *tcb_json(const struct tcb_evaluation *e, const struct tcb_info *info, const struct qe_identity *qe)
{
    json_t *o = json_object();
    if (e->fault == TCB_FOUND) {
        json_object_set_new(o, "status", json_string(tcb_status_name(e->status)));
        json_object_set_new(o, "advisory_ids", advisories_json(&e->advisories));
        put_date(o, "tcb_date", e->date_s);
        json_object_set_new(o, "platform", level_json(&e->platform->outcome));
        json_object_set_new(o, "qe", level_json(&e->qe_level->outcome));
        if (e->module_level)
            json_object_set_new(o, "tdx_module", module_json(e));
        if (e->current != TCB_NONE)
            json_object_set_new(o, "since_update", json_string(tcb_status_name(e->current)));
    }
    put_hex(o, "fmspc", BYTES(info->fmspc));
    json_object_set_new(o, "evaluation_data_number", json_integer(info->head.evaluation_number));
    json_object_set_new(o, "qe_evaluation_data_number", json_integer(qe->head.evaluation_number));
    json_object_set_new(o, "short_of", short_json(e));
    return o;
}

/* What becomes of this platform when Intel promotes the next TCB evaluation data. */
static json_t *early_json(const struct tdx_part *p)
{
    const struct role_state *info = p->early[ROLE_TCB_INFO].item ? &p->early[ROLE_TCB_INFO] : &p->role[ROLE_TCB_INFO];
    const struct role_state *qe = p->early[ROLE_QE_IDENTITY].item ? &p->early[ROLE_QE_IDENTITY] : &p->role[ROLE_QE_IDENTITY];
    const struct tcb_evaluation *e = &p->early_tcb;
    json_t *o = tcb_json(e, info->item->json.tcb_info, qe->item->json.qe_identity);
    bool same = e->fault == p->tcb.fault && e->status == p->tcb.status;
    json_object_set_new(o, "changes", json_boolean(!same));
    if (tdx_early_in_force_s(p))
        put_date(o, "in_force_at", tdx_early_in_force_s(p));
    if (e->fault != TCB_FOUND)
        json_object_set_new(o, "status", json_string("not supported"));
    for (size_t i = 0; p->numbers && i < p->numbers->count; i++) {
        const struct evaluation_number *n = &p->numbers->number[i];
        if (n->number != info->item->json.head->evaluation_number)
            continue;
        if (n->recovery_event_s)
            put_date(o, "recovery_event_at", n->recovery_event_s);
        if (n->tcb_date_s)
            put_date(o, "newest_tcb_date", n->tcb_date_s);
    }
    return o;
}

void tdx_render(const struct ev *ev, json_t *doc)
{
    const struct tdx_part *p = ev->tdx;
    if (!p)
        return;
    if (p->parsed) {
        json_t *tee = p->quote.body == BODY_SGX ? enclave_json(&p->quote.enclave) : td_json(&p->quote.td);
        json_object_set_new(tee, "debug", json_boolean(tdx_is_debug(&p->quote)));
        json_object_set_new(tee, "quote_version", json_integer(p->header.version));
        json_object_set_new(doc, "tee", tee);
    }
    if (p->has_pck)
        json_object_set_new(doc, "platform", platform_json(p));
    if (!p->evaluated)
        return;
    json_t *tcb = tcb_json(&p->tcb, part_tcb_info(p), part_qe_identity(p));
    if (tdx_refused_from(ev))
        put_date(tcb, "refused_from", tdx_refused_from(ev));
    if (p->early_evaluated)
        json_object_set_new(tcb, "early", early_json(p));
    json_object_set_new(doc, "tcb", tcb);
}
