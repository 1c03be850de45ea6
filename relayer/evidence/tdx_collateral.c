#include "relayer/evidence/tdx_collateral.h"

#include "crypto/base/text.h"

/* Ceilings; the largest document seen has 18 levels with 30 advisories. */
#define MAX_LEVELS     256
#define MAX_MODULES    32
#define MAX_ADVISORIES 512
#define MAX_NUMBERS    256

static const char *const status_names[TCB_NUM_STATUSES] = {
    [TCB_NONE] = "none",
    [TCB_UP_TO_DATE] = "UpToDate",
    [TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [TCB_OUT_OF_DATE] = "OutOfDate",
    [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [TCB_REVOKED] = "Revoked",
    [TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
};

const char *tcb_status_name(enum tcb_status s)
{
    return status_names[s];
}

enum tcb_status tcb_status_from_name(struct bytes name)
{
    for (enum tcb_status s = TCB_UP_TO_DATE; s < TCB_NUM_STATUSES; s++)
        if (bytes_eq(name, bytes_str(status_names[s])))
            return s;
    return TCB_NONE;
}

/* --- members of an object, each named in its error --- */

/* What the members of one document are read with; the first failure sticks. */
struct load {
    struct arena *mem;
    struct err *err;
    bool failed;
};

static void bad(struct load *l, const char *name, const char *want)
{
    if (!l->failed)
        err_set(l->err, ERR_FORMAT, "%s: want %s", name, want);
    l->failed = true;
}

static struct bytes get_text(struct load *l, struct json_range obj, const char *name)
{
    struct bytes text = {0};
    if (!json_plain(&text, json_member(obj, name)))
        bad(l, name, "a string");
    return text;
}

static void get_hex(struct load *l, void *out, size_t len, struct json_range obj, const char *name)
{
    struct bytes text = get_text(l, obj, name);
    if (!l->failed && (text.len != 2 * len || !hex_decode_fixed(out, len, text, NULL)))
        bad(l, name, len == 6 ? "6 bytes of hex" : "hex of its own length");
}

static uint32_t get_number(struct load *l, struct json_range obj, const char *name, uint32_t max)
{
    uint64_t v = 0;
    if (!json_u64(&v, json_member(obj, name), max))
        bad(l, name, "a whole number in range");
    return (uint32_t)v;
}

static int64_t get_date(struct load *l, struct json_range obj, const char *name)
{
    int64_t t = 0;
    struct bytes text = get_text(l, obj, name);
    if (!l->failed && (text.len < 20 || !time_parse(&t, text, NULL)))
        bad(l, name, "an RFC 3339 date and time");
    return t;
}

/* How many elements, at most max; memory for that many of size, in *items. */
static size_t get_array(struct load *l, void *items, size_t size, struct json_range value, const char *name, size_t max)
{
    size_t n = 0;
    if (value.kind != JSON_ARR)
        bad(l, name, "an array");
    for (struct json_walk w = json_walk(value); !l->failed && json_next(&w);)
        n++;
    if (n > max)
        bad(l, name, "fewer elements");
    void *p = l->failed ? NULL : arena_alloc(l->mem, n, size);
    if (!p && !l->failed) {
        err_set(l->err, ERR_NOMEM, "%s: no memory", name);
        l->failed = true;
    }
    memcpy(items, &p, sizeof p);
    return l->failed ? 0 : n;
}

/* --- levels --- */

static struct tcb_outcome get_outcome(struct load *l, struct json_range level)
{
    struct tcb_outcome o = {.date_s = get_date(l, level, "tcbDate")};
    o.status = tcb_status_from_name(get_text(l, level, "tcbStatus"));
    if (o.status == TCB_NONE || o.status >= TCB_TD_RELAUNCH_ADVISED)
        bad(l, "tcbStatus", "one of the PCS's statuses");
    struct json_range list = json_member(level, "advisoryIDs");
    if (list.kind == JSON_NONE)
        return o;
    o.advisories.count = get_array(l, &o.advisories.id, sizeof *o.advisories.id, list, "advisoryIDs", MAX_ADVISORIES);
    struct json_walk w = json_walk(list);
    for (size_t i = 0; i < o.advisories.count && json_next(&w); i++)
        if (!json_plain(&o.advisories.id[i], w.value))
            bad(l, "advisoryIDs", "strings");
    return o;
}

static struct isv_levels get_isv_levels(struct load *l, struct json_range obj)
{
    struct isv_levels out = {0};
    struct json_range list = json_member(obj, "tcbLevels");
    out.count = get_array(l, &out.level, sizeof *out.level, list, "tcbLevels", MAX_LEVELS);
    struct json_walk w = json_walk(list);
    for (size_t i = 0; i < out.count && json_next(&w); i++) {
        out.level[i].isv_svn = (uint16_t)get_number(l, json_member(w.value, "tcb"), "isvsvn", UINT16_MAX);
        out.level[i].outcome = get_outcome(l, w.value);
    }
    return out;
}

/* v3: sixteen objects {"svn", "category", "type"}. */
static void get_components(struct load *l, struct tcb_component out[static 16], struct json_range tcb, const char *name)
{
    struct json_walk w = json_walk(json_member(tcb, name));
    size_t i = 0;
    for (; json_next(&w) && i < 16; i++) {
        out[i].svn = (uint8_t)get_number(l, w.value, "svn", UINT8_MAX);
        json_plain(&out[i].category, json_member(w.value, "category"));
        json_plain(&out[i].type, json_member(w.value, "type"));
    }
    if (i != 16 || json_next(&w))
        bad(l, name, "sixteen components");
}

/* v2: sgxtcbcomp01svn to sgxtcbcomp16svn. */
static void get_components_v2(struct load *l, struct tcb_component out[static 16], struct json_range tcb)
{
    for (unsigned i = 0; i < 16; i++) {
        char name[] = "sgxtcbcomp00svn";
        name[10] = (char)('0' + (i + 1) / 10);
        name[11] = (char)('0' + (i + 1) % 10);
        out[i].svn = (uint8_t)get_number(l, tcb, name, UINT8_MAX);
    }
}

static void get_tcb_levels(struct load *l, struct tcb_info *t, struct json_range obj)
{
    struct json_range list = json_member(obj, "tcbLevels");
    t->num_levels = get_array(l, &t->levels, sizeof *t->levels, list, "tcbLevels", MAX_LEVELS);
    struct json_walk w = json_walk(list);
    for (size_t i = 0; i < t->num_levels && json_next(&w); i++) {
        struct tcb_level *level = &t->levels[i];
        struct json_range tcb = json_member(w.value, "tcb");
        if (t->head.version == 2)
            get_components_v2(l, level->sgx, tcb);
        else
            get_components(l, level->sgx, tcb, "sgxtcbcomponents");
        if (t->tdx)
            get_components(l, level->tdx, tcb, "tdxtcbcomponents");
        level->pcesvn = (uint16_t)get_number(l, tcb, "pcesvn", UINT16_MAX);
        level->outcome = get_outcome(l, w.value);
    }
}

/* --- the three kinds --- */

static struct signed_head get_head(struct load *l, struct json_range obj)
{
    return (struct signed_head){
        .version = get_number(l, obj, "version", UINT16_MAX),
        .issued_s = get_date(l, obj, "issueDate"),
        .next_update_s = get_date(l, obj, "nextUpdate"),
    };
}

static struct tdx_module get_module(struct load *l, struct json_range obj)
{
    struct tdx_module m = {0};
    get_hex(l, m.mr_signer, sizeof m.mr_signer, obj, "mrsigner");
    get_hex(l, m.attributes, sizeof m.attributes, obj, "attributes");
    get_hex(l, m.attributes_mask, sizeof m.attributes_mask, obj, "attributesMask");
    return m;
}

static void get_modules(struct load *l, struct tcb_info *t, struct json_range obj)
{
    t->module = get_module(l, json_member(obj, "tdxModule"));
    struct json_range list = json_member(obj, "tdxModuleIdentities");
    if (list.kind == JSON_NONE)
        return; /* before module versions were told apart */
    t->num_modules = get_array(l, &t->modules, sizeof *t->modules, list, "tdxModuleIdentities", MAX_MODULES);
    struct json_walk w = json_walk(list);
    for (size_t i = 0; i < t->num_modules && json_next(&w); i++) {
        t->modules[i] = get_module(l, w.value);
        t->modules[i].id = get_text(l, w.value, "id");
        t->modules[i].levels = get_isv_levels(l, w.value);
    }
}

static void load_tcb_info(struct load *l, struct tcb_info *t, struct json_range obj)
{
    t->head = get_head(l, obj);
    t->head.evaluation_number = get_number(l, obj, "tcbEvaluationDataNumber", UINT32_MAX);
    if (t->head.version == 3)
        t->head.id = get_text(l, obj, "id");
    else if (t->head.version == 2)
        t->head.id = BYTES_LIT("SGX"); /* v2 has no id and no TDX */
    else
        bad(l, "version", "2 or 3");
    t->tdx = bytes_eq(t->head.id, BYTES_LIT("TDX"));
    if (!t->tdx && !bytes_eq(t->head.id, BYTES_LIT("SGX")))
        bad(l, "id", "SGX or TDX");
    get_hex(l, t->fmspc, sizeof t->fmspc, obj, "fmspc");
    get_hex(l, t->pce_id, sizeof t->pce_id, obj, "pceId");
    if (get_number(l, obj, "tcbType", UINT16_MAX) != 0)
        bad(l, "tcbType", "0, the only way to compare SVNs that is defined");
    if (t->tdx)
        get_modules(l, t, obj);
    get_tcb_levels(l, t, obj);
}

static void load_qe_identity(struct load *l, struct qe_identity *q, struct json_range obj)
{
    q->head = get_head(l, obj);
    q->head.evaluation_number = get_number(l, obj, "tcbEvaluationDataNumber", UINT32_MAX);
    q->head.id = get_text(l, obj, "id");
    if (!l->failed && q->head.version != 2)
        bad(l, "version", "2");
    q->tdx = bytes_eq(q->head.id, BYTES_LIT("TD_QE"));
    if (!q->tdx && !bytes_eq(q->head.id, BYTES_LIT("QE")) && !bytes_eq(q->head.id, BYTES_LIT("QVE")))
        bad(l, "id", "QE, QVE or TD_QE");
    get_hex(l, q->miscselect, sizeof q->miscselect, obj, "miscselect");
    get_hex(l, q->miscselect_mask, sizeof q->miscselect_mask, obj, "miscselectMask");
    get_hex(l, q->attributes, sizeof q->attributes, obj, "attributes");
    get_hex(l, q->attributes_mask, sizeof q->attributes_mask, obj, "attributesMask");
    get_hex(l, q->mr_signer, sizeof q->mr_signer, obj, "mrsigner");
    q->isv_prod_id = (uint16_t)get_number(l, obj, "isvprodid", UINT16_MAX);
    q->levels = get_isv_levels(l, obj);
}

static int64_t get_optional_date(struct load *l, struct json_range obj, const char *name)
{
    return json_member(obj, name).kind == JSON_NONE ? 0 : get_date(l, obj, name);
}

static void load_numbers(struct load *l, struct evaluation_numbers *n, struct json_range obj)
{
    n->head = get_head(l, obj);
    n->head.id = get_text(l, obj, "id");
    n->tdx = bytes_eq(n->head.id, BYTES_LIT("TDX"));
    if (!n->tdx && !bytes_eq(n->head.id, BYTES_LIT("SGX")))
        bad(l, "id", "SGX or TDX");
    struct json_range list = json_member(obj, "tcbEvalNumbers");
    n->count = get_array(l, &n->number, sizeof *n->number, list, "tcbEvalNumbers", MAX_NUMBERS);
    struct json_walk w = json_walk(list);
    for (size_t i = 0; i < n->count && json_next(&w); i++) {
        struct evaluation_number *e = &n->number[i];
        e->number = get_number(l, w.value, "tcbEvaluationDataNumber", UINT32_MAX);
        e->recovery_event_s = get_optional_date(l, w.value, "tcbRecoveryEventDate");
        e->tcb_date_s = get_optional_date(l, w.value, "tcbDate");
        if (e->number > n->head.evaluation_number)
            n->head.evaluation_number = e->number;
    }
}

static const struct {
    const char *name, *member;
} kinds[] = {
    [SIGNED_NONE] = {"unknown", ""},
    [SIGNED_TCB_INFO] = {"TCB info", "tcbInfo"},
    [SIGNED_QE_IDENTITY] = {"QE identity", "enclaveIdentity"},
    [SIGNED_EVALUATION_NUMBERS] = {"TCB evaluation data numbers", "tcbEvaluationDataNumbers"},
};

const char *signed_kind_name(enum signed_kind kind)
{
    return kinds[kind].name;
}

const char *signed_kind_member(enum signed_kind kind)
{
    return kinds[kind].member;
}

enum signed_kind signed_json_kind(struct json_range doc)
{
    for (enum signed_kind k = SIGNED_TCB_INFO; k <= SIGNED_EVALUATION_NUMBERS; k++)
        if (json_member(doc, kinds[k].member).kind != JSON_NONE)
            return k;
    return SIGNED_NONE;
}

static bool load_body(struct signed_json *s, struct load *l, struct json_range body)
{
    struct tcb_info tcb_info = {0};
    struct qe_identity qe_identity = {0};
    struct evaluation_numbers numbers = {0};
    struct bytes loaded = {0};
    if (body.kind != JSON_OBJ)
        bad(l, kinds[s->kind].member, "an object");
    switch (s->kind) {
    case SIGNED_TCB_INFO:
        load_tcb_info(l, &tcb_info, body);
        loaded = BYTES_OF(tcb_info);
        break;
    case SIGNED_QE_IDENTITY:
        load_qe_identity(l, &qe_identity, body);
        loaded = BYTES_OF(qe_identity);
        break;
    case SIGNED_EVALUATION_NUMBERS:
        load_numbers(l, &numbers, body);
        loaded = BYTES_OF(numbers);
        break;
    case SIGNED_NONE:
        bad(l, "document", "tcbInfo, enclaveIdentity or tcbEvaluationDataNumbers");
        break;
    }
    if (l->failed)
        return err_wrap(l->err, "%s", kinds[s->kind].name);
    bool ok = true;
    struct bytes kept = arena_copy(l->mem, loaded, &ok);
    if (!ok)
        return err_set(l->err, ERR_NOMEM, "%s: no memory", kinds[s->kind].name);
    const void *p = kept.p;
    s->head = p; /* the head is the first member of each */
    s->tcb_info = p;
    s->body = body.raw;
    return true;
}

static bool load_sig(struct signed_json *s, struct bytes hex, struct err *err)
{
    if (hex.len != 2 * sizeof s->sig || !hex_decode_fixed(s->sig, sizeof s->sig, hex, NULL))
        return err_set(err, ERR_FORMAT, "%s: signature: want 64 bytes of hex", kinds[s->kind].name);
    return true;
}

bool signed_json_parse(struct signed_json *out, struct arena *mem, struct json_range doc, struct err *err)
{
    struct signed_json s = {.kind = signed_json_kind(doc)};
    struct load l = {.mem = mem, .err = err};
    if (!load_body(&s, &l, json_member(doc, kinds[s.kind].member)))
        return false;
    struct bytes hex = {0};
    json_plain(&hex, json_member(doc, "signature"));
    if (!load_sig(&s, hex, err))
        return false;
    *out = s;
    return true;
}
