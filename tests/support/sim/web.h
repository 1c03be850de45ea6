/* A web server on loopback for tests: one callback answers every request. */
#ifndef CVM_SIM_WEB_H
#define CVM_SIM_WEB_H

#include "crypto/base/bytes.h"

struct sim_answer {
    int status; /* 200 by default */
    struct buf body;
    const char *header_name, *header_value; /* one header, or NULL */
    unsigned delay_ms;
    bool cut; /* promise more body than is sent */
};
/* target: path and query. Runs on the server's thread, one request at a time. */
typedef void sim_web_fn(void *ctx, struct sim_answer *out, const char *target);

struct sim_web;
/* Listens on a free port; url (at least 40 characters) gets "http://127.0.0.1:PORT". Ends the program when it cannot.
 */
struct sim_web *sim_web_start(char *url, size_t url_size, sim_web_fn *answer, void *ctx);
void sim_web_stop(struct sim_web *web);

#endif
