#include "relayer/evidence/tdx_tcb.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* TEE_TCB_SVN: the TDX module's minor and major version come first. */
enum { MODULE_MINOR = 0, MODULE_MAJOR = 1 };

static bool reached(const uint8_t have[static 16], const struct tcb_component need[static 16], size_t from)
{
    for (size_t i = from; i < 16; i++)
        if (have[i] < need[i].svn)
            return false;
    return true;
}

/* From major version 1 on, the module is judged by its own identity and its two SVNs do not count among the components. */
static size_t first_tdx_component(const uint8_t *tdx)
{
    return tdx[MODULE_MAJOR] > 0 ? 2 : 0;
}

static const struct tcb_level *find_level(const struct tcb_info *info, const struct tcb_have *have, const uint8_t *tdx)
{
    for (size_t i = 0; i < info->num_levels; i++) {
        const struct tcb_level *l = &info->levels[i];
        if (reached(have->components, l->sgx, 0) && have->pce_svn >= l->pcesvn &&
            (!tdx || reached(tdx, l->tdx, first_tdx_component(tdx))))
            return l;
    }
    return NULL;
}

const struct tdx_module *tcb_find_module(const struct tcb_info *info, uint8_t major)
{
    char id[8];
    snprintf(id, sizeof id, "TDX_%02X", major);
    for (size_t i = 0; i < info->num_modules; i++) {
        struct bytes have = info->modules[i].id;
        if (have.len == 6 && strncasecmp((const char *)have.p, id, 6) == 0)
            return &info->modules[i];
    }
    return NULL;
}

const struct isv_level *tcb_find_isv(const struct isv_levels *levels, uint16_t isv_svn)
{
    for (size_t i = 0; i < levels->count; i++)
        if (levels->level[i].isv_svn <= isv_svn)
            return &levels->level[i];
    return NULL;
}

static bool out_of_date(enum tcb_status s)
{
    return s == TCB_OUT_OF_DATE || s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool wants_configuration(enum tcb_status s)
{
    return s == TCB_CONFIGURATION_NEEDED || s == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status module, enum tcb_status qe)
{
    if (platform == TCB_REVOKED || module == TCB_REVOKED || qe == TCB_REVOKED)
        return TCB_REVOKED;
    if ((module != TCB_OUT_OF_DATE && qe != TCB_OUT_OF_DATE) || out_of_date(platform))
        return platform;
    return wants_configuration(platform) ? TCB_OUT_OF_DATE_CONFIGURATION_NEEDED : TCB_OUT_OF_DATE;
}

/* The TD was launched on launch; since then the module was updated to current without a relaunch. A revoked current
 * status is taken as it is: the library lets launch stand, which would hide a revocation. */
enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status current)
{
    if (launch == TCB_REVOKED || current == TCB_REVOKED)
        return TCB_REVOKED;
    if (!out_of_date(launch) || out_of_date(current))
        return launch;
    return wants_configuration(launch) || wants_configuration(current) ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
                                                                       : TCB_TD_RELAUNCH_ADVISED;
}

/* One pass for one TEE_TCB_SVN (NULL: SGX). */
struct pass {
    const struct tcb_level *platform;
    const struct tdx_module *module;
    const struct isv_level *module_level;
    enum tcb_fault fault;
};

static struct pass evaluate_platform(const struct tcb_info *info, const struct tcb_have *have, const uint8_t *tdx)
{
    struct pass p = {.platform = find_level(info, have, tdx)};
    if (!p.platform)
        p.fault = TCB_NO_LEVEL;
    if (!tdx || tdx[MODULE_MAJOR] == 0)
        return p;
    p.module = tcb_find_module(info, tdx[MODULE_MAJOR]);
    p.module_level = p.module ? tcb_find_isv(&p.module->levels, tdx[MODULE_MINOR]) : NULL;
    if (p.fault == TCB_FOUND && !p.module_level)
        p.fault = p.module ? TCB_NO_MODULE_LEVEL : TCB_NO_MODULE;
    return p;
}

static enum tcb_status converge_pass(const struct pass *p, const struct isv_level *qe)
{
    return tcb_converge(p->platform->outcome.status, p->module_level ? p->module_level->outcome.status : TCB_NONE,
                        qe->outcome.status);
}

/* --- advisories --- */

static int compare_ids(const void *a, const void *b)
{
    const struct bytes *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->p, y->p, len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static bool merge_advisories(struct advisories *out, struct arena *mem, const struct tcb_outcome *const *from, size_t n)
{
    size_t total = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        total += from[i]->advisories.count;
    struct bytes *id = arena_alloc(mem, total, sizeof *id);
    if (!id)
        return false;
    for (size_t i = 0, at = 0; i < n; i++)
        for (size_t k = 0; k < from[i]->advisories.count; k++)
            id[at++] = from[i]->advisories.id[k];
    if (total > 0)
        qsort(id, total, sizeof *id, compare_ids);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || !bytes_eq(id[kept - 1], id[i]))
            id[kept++] = id[i];
    *out = (struct advisories){id, kept};
    return true;
}

/* --- what is missing --- */

static void miss(struct tcb_evaluation *e, const char *what, const struct tcb_component *c, unsigned have, unsigned need)
{
    if (have >= need || e->num_missing == TCB_MAX_SHORT)
        return;
    struct tcb_short *m = &e->missing[e->num_missing++];
    m->have = have;
    m->need = need;
    snprintf(m->component, sizeof m->component, "%s%s%.*s%s%.*s", what, c && c->category.len ? " " : "",
             c ? (int)c->category.len : 0, c ? (const char *)c->category.p : "", c && c->type.len ? " " : "",
             c ? (int)c->type.len : 0, c ? (const char *)c->type.p : "");
}

/* The newest level that is up to date; else the newest. */
static const struct tcb_level *best_platform(const struct tcb_info *info)
{
    for (size_t i = 0; i < info->num_levels; i++)
        if (info->levels[i].outcome.status == TCB_UP_TO_DATE)
            return &info->levels[i];
    return info->num_levels ? info->levels : NULL;
}

static unsigned best_isv(const struct isv_levels *levels)
{
    for (size_t i = 0; i < levels->count; i++)
        if (levels->level[i].outcome.status == TCB_UP_TO_DATE)
            return levels->level[i].isv_svn;
    return levels->count ? levels->level[0].isv_svn : 0;
}

static void find_missing(struct tcb_evaluation *e, const struct tcb_have *have, const struct tcb_info *info,
                         const struct qe_identity *qe)
{
    const struct tcb_level *best = best_platform(info);
    char what[16];
    for (size_t i = 0; best && i < 16; i++) {
        snprintf(what, sizeof what, "sgx[%zu]", i);
        miss(e, what, &best->sgx[i], have->components[i], best->sgx[i].svn);
    }
    if (best)
        miss(e, "pcesvn", NULL, have->pce_svn, best->pcesvn);
    for (size_t i = have->tdx ? first_tdx_component(have->tdx) : 16; best && i < 16; i++) {
        snprintf(what, sizeof what, "tdx[%zu]", i);
        miss(e, what, &best->tdx[i], have->tdx[i], best->tdx[i].svn);
    }
    if (e->module)
        miss(e, "tdx_module", NULL, have->tdx[MODULE_MINOR], best_isv(&e->module->levels));
    miss(e, "qe", NULL, have->qe_isv_svn, best_isv(&qe->levels));
}

bool tcb_evaluate(struct tcb_evaluation *out, struct arena *mem, const struct tcb_have *have,
                  const struct tcb_info *info, const struct qe_identity *qe)
{
    struct pass launch = evaluate_platform(info, have, have->tdx);
    struct tcb_evaluation e = {
        .fault = launch.fault,
        .fault_in = have->tdx ? "tee_tcb_svn" : "cpu_svn",
        .platform = launch.platform,
        .module = launch.module,
        .module_level = launch.module_level,
        .qe_level = tcb_find_isv(&qe->levels, have->qe_isv_svn),
    };
    find_missing(&e, have, info, qe);
    if (e.fault == TCB_FOUND && !e.qe_level)
        e.fault = TCB_NO_QE_LEVEL;
    if (e.fault == TCB_FOUND) {
        e.status = e.launch = converge_pass(&launch, e.qe_level);
        const struct tcb_outcome *from[3] = {&e.platform->outcome, &e.qe_level->outcome};
        size_t n = 2;
        if (e.module_level)
            from[n++] = &e.module_level->outcome;
        for (size_t i = 0; i < n; i++)
            if (i == 0 || from[i]->date_s < e.date_s)
                e.date_s = from[i]->date_s;
        if (!merge_advisories(&e.advisories, mem, from, n))
            return false;
    }
    if (e.fault == TCB_FOUND && have->tdx2) {
        struct pass current = evaluate_platform(info, have, have->tdx2);
        e.fault = current.fault;
        e.fault_in = "tee_tcb_svn2";
        if (e.fault == TCB_FOUND) {
            e.current = converge_pass(&current, e.qe_level);
            e.status = tcb_relaunch(e.launch, e.current);
        }
    }
    *out = e;
    return true;
}
