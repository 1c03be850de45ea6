#include "relayer/store/migrations.h"

/* Amounts of wei are decimal text (they exceed 63 bits); hashes and addresses are blobs; times are unix seconds. */
const struct migration migrations[] = {
    {"store", "CREATE TABLE store_check (id INTEGER PRIMARY KEY CHECK (id = 1), checked_at_s INTEGER NOT NULL) STRICT"},

    /* intents: what is to happen on chain, once. calldata stands last: most reads want the columns before it.
     * attempts: every transaction ever signed (or about to be) for an intent; bytes are never overwritten.
     * nonces: who holds or held each nonce of an account. state: 1 held by the intent, 2 spent by it, 3 spent by somebody
     *   else, 4 given back.
     * receipts: what the chain said about an attempt; a reorganisation adds a row and marks the old one.
     * accounts: the last word that the chain had about an account, to notice a journal restored from a backup. */
    {"journal",
     "CREATE TABLE intents ("
     " id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),"
     " chain_id INTEGER NOT NULL, account BLOB NOT NULL CHECK (length(account) = 20),"
     " target BLOB NOT NULL CHECK (length(target) = 20), call TEXT NOT NULL, identity BLOB NOT NULL CHECK (length(identity) = 32),"
     " created_at_s INTEGER NOT NULL, updated_at_s INTEGER NOT NULL,"
     " phase INTEGER NOT NULL, open INTEGER NOT NULL, nonce INTEGER, machine BLOB NOT NULL,"
     " note TEXT NOT NULL, label TEXT NOT NULL, calldata BLOB NOT NULL) STRICT;"
     "CREATE INDEX intents_open ON intents (chain_id, account, id) WHERE open = 1;"
     "CREATE INDEX intents_identity ON intents (chain_id, target, identity, id);"
     "CREATE TABLE attempts ("
     " id INTEGER PRIMARY KEY, intent INTEGER NOT NULL REFERENCES intents (id), seq INTEGER NOT NULL,"
     " kind INTEGER NOT NULL, nonce INTEGER NOT NULL, signing_hash BLOB NOT NULL CHECK (length(signing_hash) = 32),"
     " hash BLOB UNIQUE CHECK (length(hash) = 32), created_at_s INTEGER NOT NULL,"
     " unsigned BLOB NOT NULL, raw BLOB, UNIQUE (intent, seq)) STRICT;"
     "CREATE TABLE nonces ("
     " chain_id INTEGER NOT NULL, account BLOB NOT NULL CHECK (length(account) = 20), nonce INTEGER NOT NULL,"
     " intent INTEGER REFERENCES intents (id), state INTEGER NOT NULL, PRIMARY KEY (chain_id, account, nonce)) STRICT, WITHOUT ROWID;"
     "CREATE TABLE receipts ("
     " id INTEGER PRIMARY KEY, intent INTEGER NOT NULL REFERENCES intents (id), hash BLOB NOT NULL CHECK (length(hash) = 32),"
     " block_hash BLOB NOT NULL CHECK (length(block_hash) = 32), block_number INTEGER NOT NULL, block_time_s INTEGER NOT NULL,"
     " succeeded INTEGER NOT NULL, gas_used INTEGER NOT NULL, gas_price_wei TEXT NOT NULL, data_fee_wei TEXT NOT NULL,"
     " cost_wei TEXT NOT NULL, canonical INTEGER NOT NULL, seen_at_s INTEGER NOT NULL, UNIQUE (hash, block_hash)) STRICT;"
     "CREATE INDEX receipts_day ON receipts (block_time_s) WHERE canonical = 1;"
     "CREATE INDEX receipts_intent ON receipts (intent);"
     "CREATE TABLE accounts ("
     " chain_id INTEGER NOT NULL, account BLOB NOT NULL CHECK (length(account) = 20), chain_nonce INTEGER NOT NULL,"
     " head_block INTEGER NOT NULL, seen_at_s INTEGER NOT NULL, PRIMARY KEY (chain_id, account)) STRICT, WITHOUT ROWID"},
    /* identities: one row per (chain, registry, identity), what the chain said last, and when it is due: the due time is
     *   computed by who writes the row, so that finding what is due is an index search.
     * measurements: every measurement hash that an identity has had, in the order in which it was seen. */
    {"identities",
     "CREATE TABLE identities ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), id BLOB NOT NULL CHECK (length(id) = 32),"
     " profile TEXT NOT NULL, label TEXT NOT NULL, source TEXT NOT NULL, tracked_at_s INTEGER NOT NULL,"
     " registered INTEGER NOT NULL, tee_type INTEGER NOT NULL, cloud_type INTEGER NOT NULL,"
     " tee_ttl_s INTEGER NOT NULL, tpm_ttl_s INTEGER NOT NULL, tee_recent_s INTEGER NOT NULL, tpm_recent_s INTEGER NOT NULL,"
     " measurement_hash BLOB NOT NULL CHECK (length(measurement_hash) = 32), nonce INTEGER NOT NULL,"
     " read_at_s INTEGER NOT NULL, read_block INTEGER NOT NULL, collateral_expires_s INTEGER NOT NULL,"
     " due_s INTEGER NOT NULL, retry_at_s INTEGER NOT NULL, failures INTEGER NOT NULL, last_error TEXT NOT NULL,"
     " warned_state INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, id)) STRICT, WITHOUT ROWID;"
     "CREATE INDEX identities_due ON identities (max(due_s, retry_at_s));"
     "CREATE TABLE measurements ("
     " seq INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, registry BLOB NOT NULL, id BLOB NOT NULL,"
     " measurement_hash BLOB NOT NULL CHECK (length(measurement_hash) = 32), block INTEGER NOT NULL, block_time_s INTEGER NOT NULL,"
     " tx_hash BLOB, detail TEXT NOT NULL) STRICT;"
     "CREATE INDEX measurements_identity ON measurements (chain_id, registry, id, seq)"},

    /* claims: who is at work on an identity, for how long; the token grows with each claim, so that a late owner is known. */
    {"claims",
     "CREATE TABLE claims ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL, id BLOB NOT NULL, owner TEXT NOT NULL, token INTEGER NOT NULL,"
     " until_s INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, id)) STRICT, WITHOUT ROWID"},

    /* pins: what stood at a contract's address when it was first used. */
    {"pins",
     "CREATE TABLE pins ("
     " chain_id INTEGER NOT NULL, address BLOB NOT NULL CHECK (length(address) = 20), code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),"
     " implementation BLOB, implementation_code_hash BLOB, pinned_at_s INTEGER NOT NULL, PRIMARY KEY (chain_id, address)) STRICT, WITHOUT ROWID"},

    /* cache: collateral as it was fetched, by name. marks: the highest value ever verified per kind and subject (evaluation
     * data number, issue date, CRL number). tpm_clocks: the last clock that an attestation key was seen with. */
    {"collateral",
     "CREATE TABLE cache ("
     " name TEXT PRIMARY KEY, fetched_at_s INTEGER NOT NULL, expires_at_s INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
     "CREATE TABLE marks ("
     " kind TEXT NOT NULL, subject TEXT NOT NULL, value INTEGER NOT NULL, seen_at_s INTEGER NOT NULL, PRIMARY KEY (kind, subject))"
     " STRICT, WITHOUT ROWID;"
     "CREATE TABLE tpm_clocks ("
     " ak BLOB PRIMARY KEY CHECK (length(ak) = 32), reset_count INTEGER NOT NULL, restart_count INTEGER NOT NULL,"
     " clock_ms INTEGER NOT NULL, seen_at_s INTEGER NOT NULL) STRICT, WITHOUT ROWID"},

    /* rotations: which key an identity is moving to. state: 1 prepared, 2 sent, 3 final, 4 given up. */
    {"rotations",
     "CREATE TABLE rotations ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), old_id BLOB NOT NULL CHECK (length(old_id) = 32),"
     " new_id BLOB NOT NULL CHECK (length(new_id) = 32), state INTEGER NOT NULL, started_at_s INTEGER NOT NULL,"
     " changed_at_s INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, old_id, new_id)) STRICT;"
     "CREATE INDEX rotations_new ON rotations (new_id);"
     "CREATE INDEX rotations_old ON rotations (old_id);"
     "CREATE INDEX rotations_open ON rotations (started_at_s) WHERE state <= 2"},

    /* identities_by_due: what is due on one registry, whether or not it waits for its next try.
     * renewals: every renewal begun, for the limits per block, hour and day; times are the chain's.
     * events: what the registry's logs say. state: 0 explained or nobody's concern, 1 unexplained, 2 unexplained and told.
     * checkpoints: blocks up to which the logs have been read, with their hashes; block -1 stands before the first one. The
     *   highest is where reading goes on; a reorganisation goes back to the highest that still holds.
     * event_notes: what was done about the events of a transaction, kept when they are read anew: 2 told, 0 acknowledged.
     * goldens: what a measurement hash was computed from, as JSON. */
    {"life",
     "CREATE INDEX identities_by_due ON identities (chain_id, registry, due_s);"
     "CREATE TABLE renewals ("
     " seq INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, registry BLOB NOT NULL, id BLOB NOT NULL CHECK (length(id) = 32),"
     " call TEXT NOT NULL, begun_at_s INTEGER NOT NULL, block INTEGER NOT NULL) STRICT;"
     "CREATE INDEX renewals_time ON renewals (chain_id, registry, begun_at_s);"
     "CREATE INDEX renewals_identity ON renewals (chain_id, registry, id, begun_at_s);"
     "CREATE TABLE events ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), block INTEGER NOT NULL, log_index INTEGER NOT NULL,"
     " id BLOB NOT NULL CHECK (length(id) = 32), name TEXT NOT NULL, tx_hash BLOB NOT NULL CHECK (length(tx_hash) = 32),"
     " state INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, block, log_index)) STRICT, WITHOUT ROWID;"
     "CREATE INDEX events_identity ON events (chain_id, registry, id, block, log_index);"
     "CREATE INDEX events_unexplained ON events (chain_id, registry, state) WHERE state > 0;"
     "CREATE TABLE event_notes (tx_hash BLOB PRIMARY KEY CHECK (length(tx_hash) = 32), state INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "CREATE TABLE checkpoints ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), block INTEGER NOT NULL,"
     " hash BLOB NOT NULL CHECK (length(hash) = 32), PRIMARY KEY (chain_id, registry, block)) STRICT, WITHOUT ROWID;"
     "CREATE TABLE goldens (hash BLOB PRIMARY KEY CHECK (length(hash) = 32), doc TEXT NOT NULL) STRICT, WITHOUT ROWID"},

    {"identities by id", "CREATE INDEX identities_id ON identities (id, chain_id, registry)"},

    /* surprises: where a registry answered otherwise than its model. accepted: somebody has looked. */
    {"surprises",
     "CREATE TABLE surprises ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), code BLOB NOT NULL CHECK (length(code) = 32),"
     " call TEXT NOT NULL, id BLOB NOT NULL CHECK (length(id) = 32), predicted TEXT NOT NULL, answered TEXT NOT NULL,"
     " seen_at_s INTEGER NOT NULL, accepted INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, code, call)) STRICT, WITHOUT ROWID"},

    /* due_settings: a digest of the settings that due_s was computed with, so that rows of other settings are found and
     *   computed anew. */
    {"cutoffs",
     "ALTER TABLE identities ADD COLUMN tcb_refused_s INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE identities ADD COLUMN due_settings INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX identities_by_settings ON identities (chain_id, registry, due_settings)"},

    {"unexplained events by identity",
     "CREATE INDEX events_unexplained_of ON events (chain_id, registry, id) WHERE state > 0"},

    /* expiring_s: from when on an identity is inside its warning window, whether or not it is due. Rows from before are computed
     *   with the other numbers that due_settings stands for. */
    {"warning window",
     "ALTER TABLE identities ADD COLUMN expiring_s INTEGER NOT NULL DEFAULT 9223372036854775807;"
     "UPDATE identities SET due_settings = 0;"
     "CREATE INDEX identities_by_expiring ON identities (chain_id, registry, expiring_s)"},

    /* chain_collateral: when the first of the documents ends that the chain judges a platform with, as it was last read. */
    {"chain collateral",
     "ALTER TABLE identities ADD COLUMN platform TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE identities ADD COLUMN chain_collateral_s INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX identities_by_platform ON identities (chain_id, registry, platform);"
     "CREATE TABLE chain_collateral ("
     " chain_id INTEGER NOT NULL, registry BLOB NOT NULL CHECK (length(registry) = 20), platform TEXT NOT NULL, ends_s INTEGER NOT NULL,"
     " what TEXT NOT NULL, read_at_s INTEGER NOT NULL, PRIMARY KEY (chain_id, registry, platform)) STRICT, WITHOUT ROWID"},

    /* Written at every look at the chain and never read: the nonces say what accounts was for. */
    {"no accounts", "DROP TABLE accounts"},

    /* For people and their tools (deploy/docs/store.md): hashes and addresses as 0x hex, times as text in UTC, states in words. */
    {"views",
     "CREATE VIEW v_identities AS SELECT '0x' || lower(hex(id)) AS identity, chain_id, '0x' || lower(hex(registry)) AS registry,"
     " profile, label, registered, '0x' || lower(hex(measurement_hash)) AS measurement_hash, nonce,"
     " datetime(tee_recent_s, 'unixepoch') AS tee_attested_at, tee_ttl_s, datetime(tee_recent_s + tee_ttl_s, 'unixepoch') AS tee_expires_at,"
     " datetime(tpm_recent_s, 'unixepoch') AS tpm_attested_at, tpm_ttl_s, datetime(tpm_recent_s + tpm_ttl_s, 'unixepoch') AS tpm_expires_at,"
     " datetime(due_s, 'unixepoch') AS due_at, datetime(expiring_s, 'unixepoch') AS expiring_at,"
     " CASE WHEN retry_at_s > 0 THEN datetime(retry_at_s, 'unixepoch') END AS next_try_at, failures, last_error,"
     " datetime(read_at_s, 'unixepoch') AS read_at, read_block FROM identities;"
     "CREATE VIEW v_transactions AS SELECT i.id, i.call, i.label, '0x' || lower(hex(i.identity)) AS identity, i.chain_id,"
     " '0x' || lower(hex(i.target)) AS target, '0x' || lower(hex(i.account)) AS account, i.nonce,"
     " CASE i.phase WHEN 0 THEN 'new' WHEN 1 THEN 'reserved' WHEN 2 THEN 'signed' WHEN 3 THEN 'sent' WHEN 4 THEN 'mined' WHEN 5 THEN 'final'"
     "  WHEN 6 THEN 'reverted' WHEN 7 THEN 'replaced' WHEN 8 THEN 'cancelled' WHEN 9 THEN 'given up' WHEN 10 THEN 'refused' END AS state,"
     " datetime(i.created_at_s, 'unixepoch') AS created_at, datetime(i.updated_at_s, 'unixepoch') AS updated_at, i.note,"
     " '0x' || lower(hex(r.hash)) AS hash, r.block_number AS block, datetime(r.block_time_s, 'unixepoch') AS block_time, r.gas_used, r.cost_wei"
     " FROM intents i LEFT JOIN receipts r ON r.intent = i.id AND r.canonical = 1;"
     "CREATE VIEW v_measurements AS SELECT '0x' || lower(hex(id)) AS identity, chain_id, '0x' || lower(hex(registry)) AS registry,"
     " '0x' || lower(hex(measurement_hash)) AS measurement_hash, block, datetime(block_time_s, 'unixepoch') AS block_time,"
     " CASE WHEN tx_hash IS NOT NULL THEN '0x' || lower(hex(tx_hash)) END AS transaction_hash FROM measurements;"
     "CREATE VIEW v_events AS SELECT '0x' || lower(hex(id)) AS identity, chain_id, '0x' || lower(hex(registry)) AS registry, name, block,"
     " log_index, '0x' || lower(hex(tx_hash)) AS transaction_hash,"
     " CASE state WHEN 0 THEN 'explained' WHEN 1 THEN 'unexplained' WHEN 2 THEN 'told' END AS state FROM events"},
};

const size_t num_migrations = sizeof migrations / sizeof *migrations;
