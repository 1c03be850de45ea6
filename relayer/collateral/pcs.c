/* The story: for each want look into the store; what is missing, bad or due is fetched, all at once, from the first source
 * whose answer holds; what holds is kept and raises the marks. */
#include "relayer/collateral/pcs.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "relayer/collateral/memory.h"
#include "relayer/collateral/pcs_check.h"
#include "relayer/evidence/tdx_checks.h"
#include "relayer/store/collateral.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_MS  15000
#define MAX_ANSWER   (4u << 20)
#define MAX_CHAIN    (64u << 10)
#define TRIES        3    /* per source, where it asks for patience or fails by itself */
#define MAX_PATIENCE 5    /* seconds; a source that asks for more is left alone */
#define NAME_PREFIX  "intel/"

/* Intel serves the root CA's CRL from another host than the rest. */
#define INTEL_HOST     "https://api.trustedservices.intel.com"
#define INTEL_ROOT_CRL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

/* --- wants --- */

size_t pcs_wants(struct pcs_want out[static PCS_MAX_WANTS], bool tdx, const uint8_t fmspc[static 6], bool processor, bool early)
{
    size_t n = 0;
    out[n++] = (struct pcs_want){.thing = PCS_ROOT_CRL};
    out[n++] = (struct pcs_want){.thing = PCS_PCK_CRL, .processor = processor};
    for (int e = 0; e <= (early ? 1 : 0); e++) {
        struct pcs_want info = {.thing = PCS_TCB_INFO, .tdx = tdx, .early = e};
        memcpy(info.fmspc, fmspc, sizeof info.fmspc);
        out[n++] = info;
        out[n++] = (struct pcs_want){.thing = PCS_QE_IDENTITY, .tdx = tdx, .early = e};
    }
    if (early)
        out[n++] = (struct pcs_want){.thing = PCS_NUMBERS, .tdx = tdx};
    return n;
}

size_t pcs_wants_of_quote(struct pcs_want out[static PCS_MAX_WANTS], struct bytes quote, bool early)
{
    struct tdx_quote q;
    struct cert leaf;
    struct pck pck;
    AUTO(der_list_done) struct der_list certs = {0};
    if (!tdx_quote_parse(&q, quote, NULL) || q.cert_type != CERT_PCK_CHAIN ||
        !pem_parse(&certs, q.cert_data, "CERTIFICATE", PCK_MAX_CERTS, NULL))
        return 0;
    for (size_t i = 0; i < certs.count; i++)
        if (cert_parse(&leaf, certs.item[i], NULL) && pck_parse(&pck, &leaf, NULL)) {
            const char *ca = pck_ca_name(&leaf);
            return pcs_wants(out, q.header.tee_type == TEE_TYPE_TDX, pck.fmspc, ca && strcmp(ca, "processor") == 0, early);
        }
    return 0;
}

char *pcs_want_name(char *out, size_t size, const struct pcs_want *w)
{
    char fmspc[13];
    const char *tee = w->tdx ? "tdx" : "sgx", *early = w->early ? "/early" : "";
    switch (w->thing) {
    case PCS_ROOT_CRL:
        snprintf(out, size, NAME_PREFIX "crl/root");
        break;
    case PCS_PCK_CRL:
        snprintf(out, size, NAME_PREFIX "crl/%s", w->processor ? "processor" : "platform");
        break;
    case PCS_TCB_INFO:
        snprintf(out, size, NAME_PREFIX "tcb/%s/%s%s", hex_encode(fmspc, BYTES(w->fmspc)), tee, early);
        break;
    case PCS_QE_IDENTITY:
        snprintf(out, size, NAME_PREFIX "qe/%s%s", w->tdx ? "td_qe" : "qe", early);
        break;
    case PCS_NUMBERS:
        snprintf(out, size, NAME_PREFIX "numbers/%s", tee);
        break;
    }
    return out;
}

/* --- one want at work --- */

struct job {
    const struct pcs *pcs;
    const struct pcs_want *want;
    pthread_mutex_t *db_lock;
    struct collateral answer; /* what came, once it holds */
    struct pcs_found found;
    bool done;
    struct err err;
};

static bool not_rolled_back(const struct job *j, const struct collateral *pool, const struct pcs_found *found, struct err *err)
{
    struct tdx_mark now;
    struct mark seen = {0};
    char why[200];
    if (!j->pcs->db || !tdx_mark_of(&now, &pool->items[found->item]))
        return true;
    struct memory memory = memory_of(j->pcs->db);
    pthread_mutex_lock(j->db_lock);
    bool known = memory.mark(memory.ctx, tdx_mark_issuer(j->pcs->roots, found->root), now.subject, &seen);
    pthread_mutex_unlock(j->db_lock);
    if (known && tdx_mark_older(why, sizeof why, &now, &seen, j->pcs->now_s))
        return err_set(err, ERR_STALE, "rolled back: %s", why);
    return true;
}

/* Does this pool hold what the want asks for? Then it becomes the job's answer. */
static bool take(struct job *j, struct collateral *pool, struct err *err)
{
    struct pcs_found found;
    if (!pcs_check(&found, j->want, pool, j->pcs->roots, j->pcs->now_s, err) || !not_rolled_back(j, pool, &found, err))
        return false;
    collateral_done(&j->answer);
    j->answer = *pool;
    j->found = found;
    *pool = (struct collateral){0};
    return true;
}

/* --- fetching --- */

static bool read_answer(struct collateral *out, const struct job *j, const struct http_reply *reply, int version, const char *origin,
                        struct err *err)
{
    const char *name = pcs_chain_header(j->want, version);
    char raw[MAX_CHAIN / 4];
    AUTO(buf_done) struct buf chain = buf_new(MAX_CHAIN);
    bool has_chain = name && http_header(raw, sizeof raw, reply, name);
    if (name && !has_chain && version >= 4 && j->want->thing == PCS_TCB_INFO) /* some PCCS versions keep v3's name */
        has_chain = http_header(raw, sizeof raw, reply, "SGX-TCB-Info-Issuer-Chain");
    if (has_chain && !pcs_url_decode(&chain, bytes_str(raw), err))
        return err_wrap(err, "%s", name);
    struct bytes body = buf_view(&reply->body);
    if (j->want->thing == PCS_ROOT_CRL || j->want->thing == PCS_PCK_CRL)
        return collateral_add(out, origin, body, COLLATERAL_POOLED, err) &&
               (chain.len == 0 || collateral_add(out, origin, buf_view(&chain), COLLATERAL_POOLED, err));
    return collateral_add_signed(out, origin, body, buf_view(&chain), j->want->early, err);
}

static void rest(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* What to do about this status: wait for so many ms and try again, or -1: give up on this source. */
static long patience(const struct http_reply *reply, int64_t now_s, int try)
{
    int64_t after = http_retry_after_s(reply, now_s);
    if (reply->status == 429 || reply->status == 503)
        return after > MAX_PATIENCE ? -1 : after >= 0 ? (long)after * 1000 : 500L << try;
    return reply->status >= 500 ? 250L << try : -1;
}

/* One source, with patience. path NULL: the URL as it stands. */
static bool ask(struct job *j, struct http *http, const struct http_endpoint *source, const char *path, int version, struct err *err)
{
    struct http_limits limits = {.deadline_ms = j->pcs->deadline_ms ? j->pcs->deadline_ms : DEADLINE_MS, .max_body = MAX_ANSWER};
    char origin[256];
    http_origin(origin, sizeof origin, source->url);
    for (int try = 0; try < TRIES; try++) {
        AUTO(http_reply_done) struct http_reply reply = {0};
        long wait_ms;
        if (!http_get(http, &reply, source, path, &limits, err)) {
            wait_ms = 250L << try;
        } else if (reply.status == 200) {
            AUTO(collateral_done) struct collateral pool = collateral_new();
            return (read_answer(&pool, j, &reply, version, origin, err) && take(j, &pool, err)) || err_wrap(err, "%s", origin);
        } else {
            int64_t after = http_retry_after_s(&reply, j->pcs->now_s);
            if (after >= 0)
                err_set(err, ERR_NET, "%s: HTTP status %d, to be asked again in %lld s", origin, reply.status, (long long)after);
            else
                err_set(err, ERR_NET, "%s: HTTP status %d", origin, reply.status);
            wait_ms = patience(&reply, j->pcs->now_s, try);
        }
        if (wait_ms < 0 || try + 1 == TRIES)
            return false;
        rest(wait_ms);
    }
    return false;
}

static bool ask_source(struct job *j, struct http *http, const struct http_endpoint *source, struct err *err)
{
    char base[1024];
    struct http_endpoint at = *source;
    int version = pcs_base_url(base, sizeof base, source->url);
    if (j->want->thing == PCS_ROOT_CRL && strcmp(base, INTEL_HOST) == 0) {
        at.url = INTEL_ROOT_CRL;
        return ask(j, http, &at, NULL, version, err);
    }
    AUTO(buf_done) struct buf path = buf_new(256);
    pcs_path(&path, j->want, version);
    buf_u8(&path, 0);
    at.url = base;
    return buf_finish(&path, err) && ask(j, http, &at, (const char *)path.p, version, err);
}

static void *work(void *user)
{
    struct job *j = user;
    AUTO(http_freep) struct http *http = http_new(&j->err);
    for (size_t i = 0; http && i < j->pcs->num_sources && !j->done; i++)
        j->done = ask_source(j, http, &j->pcs->sources[i], &j->err);
    if (j->done)
        err_clear(&j->err);
    return NULL;
}

/* Each in a thread of its own; one that cannot be started is done here. */
static void work_all(struct job *const *jobs, size_t n)
{
    pthread_t thread[PCS_MAX_WANTS];
    bool started[PCS_MAX_WANTS] = {0};
    for (size_t i = 0; i < n; i++)
        started[i] = i + 1 < n && pthread_create(&thread[i], NULL, work, jobs[i]) == 0;
    for (size_t i = 0; i < n; i++)
        if (!started[i])
            work(jobs[i]);
    for (size_t i = 0; i < n; i++)
        if (started[i])
            pthread_join(thread[i], NULL);
}

/* --- the store --- */

static bool keep(const struct pcs *pcs, const struct pcs_want *want, const struct collateral *pool, const struct pcs_found *found,
                 struct err *err)
{
    char name[128];
    struct tdx_mark mark;
    AUTO(buf_done) struct buf text = buf_new(2 * MAX_ANSWER);
    if (!pcs->db)
        return true;
    if (!collateral_export(&text, pool, err) ||
        !cache_put(pcs->db, pcs_want_name(name, sizeof name, want), buf_view(&text),
                   (struct cache_row){pcs->now_s, found->expires_s}, err))
        return err_wrap(err, "keeping %s", name);
    struct memory memory = memory_of(pcs->db);
    if (tdx_mark_of(&mark, &pool->items[found->item]))
        memory.raise_mark(memory.ctx, tdx_mark_issuer(pcs->roots, found->root), mark.subject, &mark.mark);
    return true;
}

/* What is kept, if it holds now. */
static bool take_kept(struct job *j)
{
    char name[128];
    struct cache_row row;
    bool found = false;
    AUTO(buf_done) struct buf text = buf_new(2 * MAX_ANSWER);
    AUTO(collateral_done) struct collateral pool = collateral_new();
    return j->pcs->db && cache_get(j->pcs->db, &text, &row, &found, pcs_want_name(name, sizeof name, j->want), NULL) && found &&
           collateral_add(&pool, "store", buf_view(&text), COLLATERAL_POOLED, NULL) && take(j, &pool, &j->err);
}

/* Less than a third of its window is left: fetched anew while there is time. */
static bool is_due(const struct job *j)
{
    return j->found.expires_s - j->pcs->now_s < (j->found.expires_s - j->found.issued_s) / 3;
}

static bool add_answer(struct collateral *pool, const struct collateral *answer, struct err *err)
{
    AUTO(buf_done) struct buf text = buf_new(2 * MAX_ANSWER);
    return collateral_export(&text, answer, err) && collateral_add(pool, "store", buf_view(&text), COLLATERAL_POOLED, err);
}

static bool finish(struct collateral *pool, struct job *j, struct pcs_outcome *out, struct err *err)
{
    char name[128];
    if (j->done && !keep(j->pcs, j->want, &j->answer, &j->found, err))
        return false;
    if (j->answer.count > 0) {
        out->from = j->done ? PCS_FETCHED : PCS_KEPT;
        out->expires_s = j->found.expires_s;
        out->why = j->err;
        return add_answer(pool, &j->answer, err);
    }
    pcs_want_name(name, sizeof name, j->want);
    if (j->err.code == ERR_NONE)
        err_set(&j->err, ERR_STALE, "not kept, and nobody is to be asked");
    err_wrap(&j->err, "%s", name);
    *out = (struct pcs_outcome){.why = j->err};
    return true;
}

bool pcs_get(struct collateral *pool, const struct pcs *pcs, const struct pcs_want *wants, size_t num_wants,
             struct pcs_outcome *outcomes, struct err *err)
{
    pthread_mutex_t db_lock = PTHREAD_MUTEX_INITIALIZER;
    struct job *to_fetch[PCS_MAX_WANTS];
    size_t num_to_fetch = 0;
    bool ok = true;
    if (num_wants > PCS_MAX_WANTS)
        return err_set(err, ERR_BUG, "%zu wants at once", num_wants);
    AUTO(auto_free) struct job *jobs = calloc(num_wants ? num_wants : 1, sizeof *jobs);
    if (!jobs)
        return err_set(err, ERR_NOMEM, "no memory to fetch collateral");
    for (size_t i = 0; i < num_wants; i++) {
        struct job *j = &jobs[i];
        *j = (struct job){.pcs = pcs, .want = &wants[i], .db_lock = &db_lock};
        bool good = take_kept(j) && !is_due(j) && !pcs->refresh;
        err_clear(&j->err);
        if (!good && pcs->num_sources > 0)
            to_fetch[num_to_fetch++] = j;
    }
    work_all(to_fetch, num_to_fetch);
    for (size_t i = 0; i < num_wants; i++) {
        outcomes[i] = (struct pcs_outcome){0};
        ok = ok && finish(pool, &jobs[i], &outcomes[i], err);
        collateral_done(&jobs[i].answer);
    }
    for (size_t i = 0; ok && i < num_wants; i++)
        if (outcomes[i].from == PCS_NOWHERE)
            return err_set(err, outcomes[i].why.code, "%s", outcomes[i].why.text);
    return ok;
}

struct adding_kept {
    struct collateral *pool;
    struct db *db;
    struct err *err;
    char name[COLLATERAL_MAX_ITEMS / 8][128];
    size_t count;
};

static bool note_name(void *user, const char *name, struct cache_row row, size_t body_len)
{
    struct adding_kept *a = user;
    (void)row;
    (void)body_len;
    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0 && strlen(name) < sizeof a->name[0] &&
        a->count < sizeof a->name / sizeof a->name[0])
        strcpy(a->name[a->count++], name);
    return true;
}

bool pcs_add_kept(struct collateral *pool, struct db *db, struct err *err)
{
    AUTO(auto_free) struct adding_kept *a = calloc(1, sizeof *a);
    if (!a)
        return err_set(err, ERR_NOMEM, "no memory to list what is kept");
    if (!cache_list(db, note_name, a, err))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        AUTO(buf_done) struct buf text = buf_new(2 * MAX_ANSWER);
        struct cache_row row;
        bool found = false;
        if (!cache_get(db, &text, &row, &found, a->name[i], err) ||
            (found && !collateral_add(pool, a->name[i], buf_view(&text), COLLATERAL_POOLED, err)))
            return false;
    }
    return true;
}

/* The item alone, with the chain that goes with it, as a pool of its own. */
static bool isolate(struct collateral *out, const struct collateral *pool, const struct collateral_item *item, struct err *err)
{
    const struct collateral_item *chain = item->kind == COLLATERAL_SIGNED ? collateral_chain(pool, item, 0) : NULL;
    AUTO(buf_done) struct buf pem = buf_new(MAX_CHAIN);
    for (size_t i = 0; chain && i < chain->num_certs; i++)
        pem_encode(&pem, "CERTIFICATE", chain->certs[i].der);
    if (item->kind == COLLATERAL_SIGNED)
        return collateral_add_signed(out, item->origin, item->raw, buf_view(&pem), item->early, err);
    bool ok = collateral_add(out, item->origin, item->crl.der, COLLATERAL_POOLED, err);
    for (size_t i = 0; ok && i < pool->count; i++) { /* a PCK CRL goes with its CA's chain */
        const struct collateral_item *c = &pool->items[i];
        if (c->kind != COLLATERAL_CERTS || c->num_certs == 0 || !bytes_eq(c->certs[0].subject, item->crl.issuer))
            continue;
        pem.len = 0;
        for (size_t k = 0; k < c->num_certs; k++)
            pem_encode(&pem, "CERTIFICATE", c->certs[k].der);
        return collateral_add(out, item->origin, buf_view(&pem), COLLATERAL_POOLED, err);
    }
    return ok;
}

bool pcs_keep_pool(size_t *kept, const struct pcs *pcs, const struct collateral *pool, struct err *err)
{
    pthread_mutex_t db_lock = PTHREAD_MUTEX_INITIALIZER;
    *kept = 0;
    for (size_t i = 0; i < pool->count; i++) {
        struct pcs_want want;
        if (!pcs_want_of_item(&want, &pool->items[i]))
            continue;
        AUTO(collateral_done) struct collateral one = collateral_new();
        struct job j = {.pcs = pcs, .want = &want, .db_lock = &db_lock};
        if (!isolate(&one, pool, &pool->items[i], err))
            return false;
        bool ok = true;
        if (take(&j, &one, &j.err)) {
            ok = keep(pcs, &want, &j.answer, &j.found, err);
            *kept += ok;
        }
        collateral_done(&j.answer);
        if (!ok)
            return false;
    }
    return true;
}
