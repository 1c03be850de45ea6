/* The logs of some evidence, opened; shared by eventlog_checks and whoever explains a change. */
#ifndef CVM_EVIDENCE_EVENTLOG_PART_H
#define CVM_EVIDENCE_EVENTLOG_PART_H

#include "relayer/evidence/eventlog.h"
#include "relayer/evidence/eventlog_cel.h"
#include "relayer/evidence/eventlog_ima.h"

struct log_part {
    bool has_tcg, has_ccel, has_ima, has_cel; /* given, and parsed */
    struct err tcg_why, ccel_why, ima_why, cel_why;
    struct event_log tcg, ccel;
    struct ima_log ima;
    struct cel cel;
};

#endif
