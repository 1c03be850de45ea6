/* What the keys of a policy file are made of; shared by the areas' policy headers. */
#ifndef CVM_EVIDENCE_POLICY_TYPES_H
#define CVM_EVIDENCE_POLICY_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* How a policy file's key becomes a field: one row per key, the areas' tables side by side. */
enum policy_type { POLICY_BOOL, POLICY_U32, POLICY_U64, POLICY_DURATION, POLICY_DATE, POLICY_HEX, POLICY_HEX_LIST, POLICY_WORD_LIST };
struct policy_key {
    const char *section, *name;
    enum policy_type type;
    size_t offset; /* into struct policy */
    size_t size;   /* POLICY_HEX: bytes wanted; lists: bytes of one item */
    const char *help;
};

/* Several accepted values; empty means "any". */
#define POLICY_LIST_MAX 16
struct policy_hex_list {
    uint8_t item[POLICY_LIST_MAX][64];
    size_t len[POLICY_LIST_MAX];
    size_t count;
};
struct policy_word_list {
    char item[POLICY_LIST_MAX][48];
    size_t count;
};

#endif
