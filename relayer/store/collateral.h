/* What collateral leaves behind: bodies as they were fetched, the highest values ever verified, the clocks of TPMs, and
 * the code that stood at a contract's address. What counts as a rollback is the caller's business. */
#ifndef CVM_STORE_COLLATERAL_H
#define CVM_STORE_COLLATERAL_H

#include "relayer/store/db.h"

/* --- bodies by name ("intel/tcb/00906ed50000") --- */
struct cache_row {
    int64_t fetched_at_s, expires_at_s; /* expires 0: never */
};
bool cache_put(struct db *db, const char *name, struct bytes body, struct cache_row row, struct err *err);
/* Body appended to out. *found false where there is none. */
bool cache_get(struct db *db, struct buf *out, struct cache_row *row, bool *found, const char *name, struct err *err);
/* Names in order, each to fn, which returns false to stop. */
bool cache_list(struct db *db, bool (*fn)(void *user, const char *name, struct cache_row row, size_t body_len),
                void *user, struct err *err);
bool cache_drop(struct db *db, const char *name, struct err *err);

/* --- high-water marks: value only ever grows --- */
bool marks_get(struct db *db, int64_t *value, bool *found, const char *kind, const char *subject, struct err *err);
bool marks_raise(struct db *db, const char *kind, const char *subject, int64_t value, int64_t now_s, struct err *err);

/* --- TPM clocks by SHA-256 of the attestation key --- */
struct tpm_clock_row {
    uint32_t reset_count, restart_count;
    uint64_t clock_ms;
    int64_t seen_at_s;
};
bool tpm_clocks_get(struct db *db, struct tpm_clock_row *out, bool *found, struct hash32 ak, struct err *err);
bool tpm_clocks_put(struct db *db, struct hash32 ak, const struct tpm_clock_row *row, struct err *err);

/* --- what a registry's chain judges TDX quotes of one platform (FMSPC, hex) with --- */
struct chain_collateral_row {
    int64_t ends_s;  /* the first of its documents to end; 0: cannot be read */
    char what[48];   /* that document; or why it cannot be read */
    int64_t read_at_s;
};
bool chain_collateral_get(struct db *db, struct chain_collateral_row *out, bool *found, uint64_t chain_id, struct addr20 registry,
                          const char *platform, struct err *err);
bool chain_collateral_put(struct db *db, uint64_t chain_id, struct addr20 registry, const char *platform,
                          const struct chain_collateral_row *row, struct err *err);

/* --- contract pins --- */
struct pin_row {
    struct hash32 code_hash; /* Keccak-256 of the code at the address */
    bool is_proxy;
    struct addr20 implementation;
    struct hash32 implementation_code_hash;
    int64_t pinned_at_s;
};
bool pins_get(struct db *db, struct pin_row *out, bool *found, uint64_t chain_id, struct addr20 address,
              struct err *err);
bool pins_put(struct db *db, uint64_t chain_id, struct addr20 address, const struct pin_row *row, struct err *err);

#endif
