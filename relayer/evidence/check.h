/* Checks are rows of a table; running a table gives findings; findings give the verdict (design section 3).
 * An outcome starts as NOT_RUN, and NOT_RUN refuses: a forgotten check, an early return or a zeroed struct can only say no. */
#ifndef CVM_EVIDENCE_CHECK_H
#define CVM_EVIDENCE_CHECK_H

#include "relayer/evidence/bundle.h"

enum outcome { NOT_RUN = 0, PASS, FAIL, WAIVED };
const char *outcome_name(enum outcome o); /* "not_run" */

/* In this order. */
enum stage {
    AUTHENTIC, /* chains to a pinned root */
    FRESH,     /* collateral, revocation and nonce */
    BOUND,     /* to our key and payload */
    ACCEPTED,  /* policy */
};

/* What a FAIL of this row says of the evidence. */
enum on_fail {
    REJECTS,   /* it is bad, or not what the policy takes: exit 1 */
    UNDECIDES, /* what would judge it is bad (collateral expired, wrongly signed, rolled back): exit 3 */
};

struct finding {
    enum outcome outcome;
    char detail[240]; /* what was seen and wanted; may be empty for PASS */
};

struct ev;
typedef struct finding check_fn(struct ev *ev);

struct check {
    const char *id;   /* "tdx.qe_signature": the same word in the verdict, the log and the vectors' names */
    const char *spec; /* document and clause */
    enum stage stage;
    enum on_fail on_fail;
    check_fn *run;
};

struct finding check_pass(void);
/* PASS with something worth saying */
struct finding check_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct finding check_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct finding check_not_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct finding check_waived(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
