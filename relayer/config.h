/* Every setting, from wherever it comes: flag, then CVM_RELAYER_* variable, then config file (INI), then default. A key is a
 * row of the table in config_keys.c; its row makes its flag, its variable, its place in the file and its help.
 * Knows types and ranges; what a setting does is its user's business. */
#ifndef CVM_CONFIG_H
#define CVM_CONFIG_H

#include "abi/u256.h"
#include "crypto/base/bytes.h"

struct text_list {
    char **item; /* count strings, then NULL */
    size_t count;
};

/* How early: a share of the TTL or a length of time. */
struct lead {
    unsigned percent; /* 0: seconds counts */
    int64_t seconds;
};

struct config {
    char *file; /* the config file that was read; NULL: none */
    /* [relayer] */
    char *state_dir;
    char *log_format;
    /* [chain] */
    struct text_list rpc_url, send_url;
    char *rpc_ca_file, *rpc_header_file, *genesis_hash;
    uint64_t read_quorum;
    char *op_stack; /* "ask", "yes", "no" */
    uint64_t chain_id;        /* 0: not set */
    bool has_registry;
    struct addr20 registry;
    char *profile;            /* "auto", "g1a", "g1b", "g1c" */
    int64_t rpc_timeout_s;
    uint64_t report_id_pcr;
    /* [account] */
    char *keystore, *key_file, *passphrase_file;
    char *signer_url;
    struct addr20 account; /* zero: not set */
    /* [fees] */
    struct u256 max_fee_wei, max_tip_wei, min_tip_wei, max_cost_wei, max_daily_cost_wei, max_identity_daily_cost_wei; /* 0: no limit */
    uint64_t bump_permille, gas_margin_percent;
    bool calldata_floor;
    int64_t bump_after_s;
    uint64_t gas_limit_max;
    bool legacy_tx;
    char *finality; /* "finalized", "safe", or a number of blocks */
    int64_t wait_timeout_s;
    /* [trust] */
    char *policy;
    char *golden; /* NULL: none */
    struct text_list collateral, root;
    bool allow_foreign_evidence;
    int64_t max_evidence_age_s; /* 0: the policy's */
    struct text_list pccs_url, pccs_ca_file, pccs_header_file; /* the n-th file goes with the n-th URL */
    struct text_list kds_url;
    char *thim_url; /* NULL: not asked */
    bool early_tcb;
    /* [identity] */
    char *identity_key, *identity_passphrase_file;
    /* [freshness] */
    struct lead tee_due, tpm_due, warn;
    uint64_t jitter_percent;
    int64_t deadline_lead_s;
    struct text_list tcb_recovery_at; /* times, checked */
    int64_t max_ttl_s;
    uint64_t max_renewals_per_day, max_per_block, max_per_hour;
    int64_t retry_min_s, retry_max_s;
    /* [source] */
    char *source;
    int64_t source_timeout_s;
    uint64_t source_max_bytes;
    bool source_insecure_tls;
    char *source_ca_file;
    char *agent_token_file;
    /* [hooks] */
    char *hook_pre, *hook_renewed, *hook_failed, *hook_expiring, *hook_measurement_changed, *hook_unexplained_update;
    int64_t hook_timeout_s;
    /* [api] */
    char *listen, *api_token_file;
    int64_t tick_s;

    uint8_t origin[128]; /* enum config_origin per key */
};

enum config_type {
    CONFIG_TEXT,
    CONFIG_PATH, /* in a file: relative to the file's folder */
    CONFIG_LIST, /* text; a key may stand several times */
    CONFIG_PATHS,
    CONFIG_TIMES, /* unix seconds or RFC 3339; a key may stand several times */
    CONFIG_BOOL,
    CONFIG_U64,
    CONFIG_DURATION,
    CONFIG_LEAD,
    CONFIG_WEI,
    CONFIG_ADDR,
};
enum config_origin { ORIGIN_NONE, ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENV, ORIGIN_FLAG };

/* Which commands take the key as a flag. */
enum {
    KEYS_STORE = 1 << 0,
    KEYS_CHAIN = 1 << 1,
    KEYS_ACCOUNT = 1 << 2,
    KEYS_FEES = 1 << 3,
    KEYS_EVIDENCE = 1 << 4,
    KEYS_IDENTITY = 1 << 5,
    KEYS_FRESHNESS = 1 << 6,
    KEYS_SOURCE = 1 << 7,
    KEYS_HOOKS = 1 << 8,
    KEYS_API = 1 << 9,
    KEYS_COLLATERAL = 1 << 10,
    KEYS_WRITE = KEYS_STORE | KEYS_CHAIN | KEYS_ACCOUNT | KEYS_FEES | KEYS_EVIDENCE | KEYS_IDENTITY, /* commands that send */
};

struct config_key {
    const char *section, *name;
    enum config_type type;
    size_t offset;     /* into struct config */
    unsigned flag_for; /* KEYS_*; 0: no flag (secrets' neighbours, daemon matters) */
    const char *arg;   /* what stands for the value in help: "DURATION" */
    const char *def;   /* default as text; NULL: empty */
    const char *choices; /* "auto|g1a|g1b|g1c"; NULL: anything */
    const char *help;
};
extern const struct config_key config_keys[];
extern const size_t num_config_keys;

const struct config_key *config_key_find(const char *name); /* NULL: no such key */
/* May stand several times. */
bool config_key_is_list(const struct config_key *key);
/* Defaults, then the file, then the environment. file: NULL looks at CVM_RELAYER_CONFIG, then the usual places, where
 * none need exist. ERR_USAGE names file, line, key and the nearest known one. */
bool config_load(struct config *out, const char *file, char *const *environ_list, struct err *err);
/* One key from text. Lists grow within one origin and are replaced by a higher one. */
bool config_set(struct config *cfg, const struct config_key *key, const char *text, enum config_origin origin, struct err *err);
void config_done(struct config *cfg);
enum config_origin config_origin(const struct config *cfg, const char *name);
/* The seconds before the end that a lead means for this TTL. */
int64_t lead_seconds(struct lead lead, uint64_t ttl_s);

#endif
