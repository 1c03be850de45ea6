/* The log topics that we read back or predict. registry-v1 2, registry-v2 2. */
#ifndef CVM_ABI_EVENTS_H
#define CVM_ABI_EVENTS_H

#include "abi/calls.h"

struct abi_event {
    unsigned generations;
    const char *name;      /* "CVMUpdated" */
    const char *args;      /* all arguments: "(bytes32)" */
    unsigned num_indexed;  /* how many of them, from the front, are topics */
    struct hash32 topic0;
};

extern const struct abi_event abi_events[];
extern const size_t num_abi_events;

/* NULL where the topic is of no known event. */
const struct abi_event *abi_event_by_topic(struct hash32 topic0);
const struct abi_event *abi_event_find(const char *name);

#endif
