/* Firmware event logs: TCG's (SHA-1 form and crypto-agile) and CCEL, which is the same over a TD's registers. Parsed into
 * views, replayed, described in words, compared. Replay proves the digests of a log, not its data: what an event says counts
 * only where its digest is the hash of its data.
 * TCG PC Client Platform Firmware Profile, chapter on event logging (TCG-PFP). */
#ifndef CVM_EVIDENCE_EVENTLOG_H
#define CVM_EVIDENCE_EVENTLOG_H

#include "crypto/base/arena.h"
#include "crypto/hash.h"

#include <jansson.h>

enum { EV_NO_ACTION = 3, EV_SEPARATOR = 4, EV_ACTION = 5, EV_EVENT_TAG = 6, EV_S_CRTM_VERSION = 8, EV_IPL = 0xd,
       EV_NONHOST_INFO = 0x11 };
#define EV_EFI_VARIABLE_DRIVER_CONFIG    0x80000001u
#define EV_EFI_VARIABLE_BOOT             0x80000002u
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EV_EFI_BOOT_SERVICES_DRIVER      0x80000004u
#define EV_EFI_RUNTIME_SERVICES_DRIVER   0x80000005u
#define EV_EFI_GPT_EVENT                 0x80000006u
#define EV_EFI_ACTION                    0x80000007u
#define EV_EFI_VARIABLE_BOOT2            0x8000000cu
#define EV_EFI_VARIABLE_AUTHORITY        0x800000e0u

#define EVENTLOG_MAX_ALGS   8
#define EVENTLOG_MAX_EVENTS 65536

struct log_event {
    uint32_t pcr, type; /* CCEL: the measurement register: 0 MRTD, 1 to 4 RTMR0 to RTMR3 */
    const uint8_t *digest[HASH_SHA512 + 1]; /* by enum hash_alg, NULL where it has none */
    struct bytes data;
};

struct event_log {
    bool agile; /* has the "Spec ID Event03" header; otherwise SHA-1 alone */
    struct {
        uint16_t alg, size;
    } algs[EVENTLOG_MAX_ALGS];
    size_t num_algs;
    struct log_event *events; /* the header too, where there is one */
    size_t count;
    size_t used;      /* bytes; what follows is padding */
    uint8_t locality; /* PCR 0 starts with it */
};

enum eventlog_kind { EVENTLOG_TCG, EVENTLOG_CCEL /* an area that may be longer than the log; crypto-agile */ };

/* Views of in, which must outlive it. ERR_FORMAT: cut, a size that leaves the log, an algorithm that the header does not
 * list, a digest size that contradicts the algorithm. */
bool eventlog_parse(struct event_log *out, struct arena *mem, struct bytes in, enum eventlog_kind kind, struct err *err);
/* One register after all events of the log (EV_NO_ACTION is never extended). False where an event lacks this bank's digest. */
bool eventlog_replay(struct digest *out, const struct event_log *log, enum hash_alg bank, uint32_t pcr);
/* One step: register := H(register, digest). */
void eventlog_extend(struct digest *reg, enum hash_alg bank, struct bytes digest);

/* "EV_SEPARATOR"; NULL where the number has no name */
const char *event_type_name(uint32_t type);
/* What it says, in words, cut to size: "boot application \EFI\BOOT\BOOTX64.EFI". Printable. Returns out. */
char *event_describe(char *out, size_t size, const struct log_event *event);
/* Is the digest the hash of the data as it stands (so that the words are proven)? */
bool event_data_proven(const struct log_event *event);

/* What changed from want to have, register by register: [{"pcr": 4, "what": "boot application ..", "have": "<digest>", "want":
 * "<digest>"}]; a side that lacks the event has no member. bank: the digests compared. NULL without memory. */
json_t *eventlog_diff(const struct event_log *have, const struct event_log *want, enum hash_alg bank);

#endif
