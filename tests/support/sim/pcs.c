#include "tests/support/sim/pcs.h"

#include "crypto/base/text.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define DAY 86400

struct sim_pcs {
    const struct sim_intel *vendor;
    struct sim_pcs_settings settings;
    struct MHD_Daemon *daemon;
    char url[64];
    pthread_mutex_t lock; /* of what follows */
    enum sim_fault fault;
    char part[64];
    unsigned left, requests, slow_ms, retry_after_s;
};

static const char *const fault_names[SIM_NUM_FAULTS] = {
    [SIM_NO_FAULT] = "none",           [SIM_STALE] = "stale",         [SIM_FUTURE] = "future",
    [SIM_ROLLED_BACK] = "rolled-back", [SIM_WRONG_FMSPC] = "wrong-fmspc", [SIM_BAD_SIGNATURE] = "bad-signature",
    [SIM_TRUNCATED] = "truncated",     [SIM_SLOW] = "slow",           [SIM_BUSY] = "busy",
    [SIM_BROKEN] = "broken",           [SIM_NOT_FOUND] = "not-found", [SIM_NO_CHAIN] = "no-chain",
    [SIM_REVOKED] = "revoked",
};

const char *sim_fault_name(enum sim_fault fault)
{
    return fault_names[fault];
}

/* --- answers --- */

struct answer {
    struct bytes body; /* malloc'd */
    char *chain;       /* PEM, malloc'd; NULL: none */
    const char *chain_header;
};

static struct bytes text_body(char *text)
{
    return bytes_from(text, strlen(text));
}

static struct sim_collateral dates(const struct sim_pcs *p, enum sim_fault fault, bool early)
{
    int64_t now_s = p->vendor->world.now_s;
    struct sim_collateral c = {.issued_s = now_s - DAY, .next_update_s = now_s + 29 * DAY, .evaluation_number = early ? 21 : 20};
    if (fault == SIM_STALE)
        c.issued_s = now_s - 31 * DAY, c.next_update_s = now_s - DAY;
    if (fault == SIM_FUTURE)
        c.issued_s = now_s + DAY;
    if (fault == SIM_ROLLED_BACK)
        c.evaluation_number = 19, c.issued_s = now_s - 2 * DAY;
    return c;
}

/* One digit of a number inside the signed part, so that the text stays a document. */
static void spoil(struct bytes body)
{
    char *at = strstr((char *)(uintptr_t)body.p, "\"pcesvn\":");
    at = at ? at + 9 : strstr((char *)(uintptr_t)body.p, "\"isvprodid\":") + 12;
    *at = *at == '9' ? '8' : (char)(*at + 1);
}

static struct answer signed_answer(const struct sim_pcs *p, const char *path, enum sim_fault fault, bool early)
{
    struct sim_collateral c = dates(p, fault, early);
    struct sim_intel vendor = *p->vendor; /* to speak of another platform */
    bool info = strstr(path, "/tcb") != NULL;
    c.sgx = strncmp(path, "/sgx", 4) == 0;
    if (fault == SIM_WRONG_FMSPC)
        vendor.fmspc[0] ^= 0xff;
    struct answer a = {.body = text_body(info ? sim_tcb_info(&vendor, &c) : sim_qe_identity(&vendor, &c)),
                       .chain = fault == SIM_NO_CHAIN ? NULL : sim_tcb_chain(p->vendor)};
    a.chain_header = !info                         ? "SGX-Enclave-Identity-Issuer-Chain"
                     : p->settings.old_header ? "SGX-TCB-Info-Issuer-Chain"
                                              : "TCB-Info-Issuer-Chain";
    if (fault == SIM_BAD_SIGNATURE)
        spoil(a.body);
    return a;
}

/* Number 21 is the next one; its recovery event was a hundred days ago. */
static struct answer numbers_answer(const struct sim_pcs *p, const char *path, enum sim_fault fault)
{
    struct sim_collateral c = dates(p, fault, true);
    c.sgx = strncmp(path, "/sgx", 4) == 0;
    return (struct answer){.body = text_body(sim_evaluation_numbers(p->vendor, &c, c.evaluation_number, p->vendor->world.now_s - 100 * DAY)),
                           .chain = fault == SIM_NO_CHAIN ? NULL : sim_tcb_chain(p->vendor),
                           .chain_header = "TCB-Evaluation-Data-Numbers-Issuer-Chain"};
}

static struct answer crl_answer(const struct sim_pcs *p, const char *path, const char *ca, enum sim_fault fault)
{
    struct sim_collateral c = dates(p, fault, false);
    bool root = strstr(path, "rootcacrl") != NULL;
    const struct sim_cert *issuer = root ? &p->vendor->root
                                    : ca && strcmp(ca, "processor") == 0 ? &p->vendor->processor_ca
                                                                         : &p->vendor->platform_ca;
    uint64_t revoked = ASN1_INTEGER_get_uint64(&revoked, X509_get0_serialNumber(p->vendor->tcb_signing.x)) ? revoked : 0;
    struct bytes der = sim_crl(issuer, c.issued_s, c.next_update_s, fault == SIM_ROLLED_BACK ? 1 : 2, &revoked,
                               root && fault == SIM_REVOKED, false);
    struct answer a = {.body = der, .chain_header = "SGX-PCK-CRL-Issuer-Chain"};
    if (fault == SIM_BAD_SIGNATURE)
        ((uint8_t *)(uintptr_t)der.p)[der.len - 1] ^= 1;
    if (!root && fault != SIM_NO_CHAIN) {
        const struct sim_cert *chain[] = {issuer, &p->vendor->root};
        a.chain = sim_pem(chain, 2);
    }
    if (p->settings.hex_crls) {
        a.body = text_body(hex_plain(der));
        free((void *)(uintptr_t)der.p);
    }
    return a;
}

/* --- HTTP --- */

static char *url_encoded(const char *text)
{
    struct buf out = buf_new(1 << 20);
    for (; *text; text++) {
        if ((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z'))
            buf_u8(&out, (uint8_t)*text);
        else
            buf_printf(&out, "%%%02X", (unsigned char)*text);
    }
    return buf_steal_str(&out);
}

/* Half of the body, then the end of the connection. */
static ssize_t half_body(void *cls, uint64_t pos, char *out, size_t max)
{
    struct answer *a = cls;
    size_t half = a->body.len / 2;
    if (pos >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = half - (size_t)pos < max ? half - (size_t)pos : max;
    memcpy(out, a->body.p + pos, n);
    return (ssize_t)n;
}

static void free_answer(void *cls)
{
    struct answer *a = cls;
    free((void *)(uintptr_t)a->body.p);
    free(a->chain);
    free(a);
}

static enum MHD_Result send_status(struct sim_pcs *p, struct MHD_Connection *c, unsigned status)
{
    char seconds[16];
    struct MHD_Response *r = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
    snprintf(seconds, sizeof seconds, "%u", p->retry_after_s);
    if (status == 429)
        MHD_add_response_header(r, "Retry-After", seconds);
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct answer *answer, bool truncated)
{
    struct answer *a = malloc(sizeof *a);
    *a = *answer;
    struct MHD_Response *r =
        truncated ? MHD_create_response_from_callback(a->body.len, 4096, half_body, a, free_answer)
                  : MHD_create_response_from_buffer(a->body.len, (void *)(uintptr_t)a->body.p, MHD_RESPMEM_MUST_COPY);
    if (a->chain) {
        char *encoded = url_encoded(a->chain);
        MHD_add_response_header(r, a->chain_header, encoded);
        free(encoded);
    }
    enum MHD_Result ok = MHD_queue_response(c, 200, r);
    if (!truncated)
        free_answer(a);
    MHD_destroy_response(r);
    return ok;
}

static enum sim_fault next_fault(struct sim_pcs *p, const char *path)
{
    enum sim_fault fault = SIM_NO_FAULT;
    pthread_mutex_lock(&p->lock);
    p->requests++;
    if (p->left > 0 && strstr(path, p->part)) {
        fault = p->fault;
        p->left--;
    }
    pthread_mutex_unlock(&p->lock);
    return fault;
}

static enum MHD_Result serve(void *cls, struct MHD_Connection *c, const char *path, const char *method, const char *version,
                             const char *upload, size_t *upload_len, void **state)
{
    struct sim_pcs *p = cls;
    (void)method, (void)version, (void)upload, (void)upload_len, (void)state;
    enum sim_fault fault = next_fault(p, path);
    const char *update = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "update");
    const char *ca = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "ca");
    const char *fmspc = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "fmspc");
    char mine[13];
    struct answer a;
    if (fault == SIM_BUSY || fault == SIM_BROKEN || fault == SIM_NOT_FOUND)
        return send_status(p, c, fault == SIM_BUSY ? 429 : fault == SIM_BROKEN ? 500 : 404);
    if (fault == SIM_SLOW)
        usleep(p->slow_ms * 1000);
    if (fmspc && strcasecmp(fmspc, hex_encode(mine, BYTES(p->vendor->fmspc))) != 0)
        return send_status(p, c, 404);
    if (strstr(path, "crl"))
        a = crl_answer(p, path, ca, fault);
    else if (strstr(path, "/tcbevaluationdatanumbers"))
        a = numbers_answer(p, path, fault);
    else if (strstr(path, "/tcb") || strstr(path, "/qe/identity"))
        a = signed_answer(p, path, fault, update && strcmp(update, "early") == 0);
    else
        return send_status(p, c, 404);
    return send_answer(c, &a, fault == SIM_TRUNCATED);
}

struct sim_pcs *sim_pcs_start(const struct sim_intel *vendor, const struct sim_pcs_settings *settings)
{
    struct sim_pcs *p = calloc(1, sizeof *p);
    *p = (struct sim_pcs){.vendor = vendor, .settings = settings ? *settings : (struct sim_pcs_settings){0}, .slow_ms = 1000};
    pthread_mutex_init(&p->lock, NULL);
    const struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL, serve, p,
                                 MHD_OPTION_SOCK_ADDR, &loopback, MHD_OPTION_END);
    if (!p->daemon)
        sim_die("HTTP server");
    snprintf(p->url, sizeof p->url, "http://127.0.0.1:%u", MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return p;
}

void sim_pcs_stop(struct sim_pcs *p)
{
    MHD_stop_daemon(p->daemon);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const char *sim_pcs_url(const struct sim_pcs *p)
{
    return p->url;
}

void sim_pcs_fault(struct sim_pcs *p, enum sim_fault fault, const char *part, unsigned count)
{
    pthread_mutex_lock(&p->lock);
    p->fault = fault;
    p->left = count;
    snprintf(p->part, sizeof p->part, "%s", part ? part : "/");
    pthread_mutex_unlock(&p->lock);
}

void sim_pcs_timing(struct sim_pcs *p, unsigned slow_ms, unsigned retry_after_s)
{
    p->slow_ms = slow_ms;
    p->retry_after_s = retry_after_s;
}

unsigned sim_pcs_requests(const struct sim_pcs *p)
{
    return __atomic_load_n(&p->requests, __ATOMIC_RELAXED);
}
