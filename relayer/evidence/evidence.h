/* Evidence in, verdict out: the front door of relayer/evidence.
 * A kind (TDX, SGX, SNP, TPM, ...) is a row: how its part of the bundle is opened, its check table, how its facts are rendered.
 * evidence_judge opens each part that applies, runs its table in stage order, and derives the verdict. It has not heard of RPC
 * or of the disk: collateral, roots, policy, the time and what was seen before are arguments. */
#ifndef CVM_EVIDENCE_EVIDENCE_H
#define CVM_EVIDENCE_EVIDENCE_H

#include "relayer/evidence/bundle.h"
#include "relayer/evidence/check.h"
#include "relayer/evidence/policy.h"
#include "relayer/evidence/roots.h"

struct collateral; /* relayer/evidence/collateral.h */
struct snp_journal; /* relayer/evidence/snp_journal.h */
struct tdx_part;   /* relayer/evidence/tdx_checks.h */
struct snp_part;
struct tpm_part;
struct log_part; /* relayer/evidence/eventlog_part.h */

/* What the caller knows and the evidence must match; absent parts are empty or false. */
struct expected {
    bool has_extra_data, has_report_data; /* exact, from --extra-data and --report-data */
    struct bytes extra_data, report_data;
    enum profile profile; /* PROFILE_NONE: g1b, or what the calldata says */
    bool has_place;       /* chain_id and registry known */
    uint64_t chain_id;
    struct addr20 registry;
    bool has_nonce;
    uint64_t nonce; /* the identity's nonce on chain */
    bool has_new_nonce;
    uint64_t new_nonce; /* of the identity that a rotation moves to */
    const struct identity *signer; /* the registered identity, which signs a rotation; NULL: not known */
    enum call_kind call; /* what the evidence is to be used for; CALL_NONE: CALL_ATTEST or what the calldata says */
    bool registered; /* the registry keeps this identity: a re-attestation need not bring what it keeps */
    const struct pubkey *ak; /* the one the registry stored for this identity; NULL: not known */
    uint32_t report_id_pcr;  /* 0: 15 */
    struct bytes golden;     /* text of a golden file (golden.h); empty: none */
    bool has_measurement_hash;
    struct hash32 measurement_hash; /* the registry's, which relayer/registry computes */
};

/* What earlier verifications left behind (the store's, behind these pointers). Either may be NULL: nothing was seen before. */
struct mark {
    uint64_t evaluation_number;
    int64_t issued_s;
    struct bytes crl_number; /* big-endian */
    uint8_t crl_number_mem[20];
};
struct tpm_clock {
    uint32_t reset_count, restart_count;
    uint64_t clock_ms;
    bool safe;
    int64_t seen_s; /* as of when it was judged */
};
struct memory {
    void *ctx;
    /* issuer: "intel", "amd-milan"; subject: "tcb/00806f050000/tdx", "qe/td_qe", "crl/<issuer CN>". false: none known. */
    bool (*mark)(void *ctx, const char *issuer, const char *subject, struct mark *out);
    /* name: SHA-256 of the AK's SubjectPublicKeyInfo */
    bool (*clock)(void *ctx, struct hash32 ak, struct tpm_clock *out);
    /* What a verified verdict leaves behind (struct kind's learn); values only ever grow. NULL: nothing is remembered. */
    void (*raise_mark)(void *ctx, const char *issuer, const char *subject, const struct mark *seen);
    void (*keep_clock)(void *ctx, struct hash32 ak, const struct tpm_clock *seen);
};

#define EV_MAX_FINDINGS 160

/* What the TEE's part says, in one shape for every kind: its open() fills this in, bindings and measurements read it. Views
 * into the bundle (or ev->mem); trustworthy only as far as the part's own checks passed. */
struct tee_facts {
    bool present; /* report parsed */
    enum tee_type type;
    struct bytes report_data;        /* 64 */
    struct bytes mr_td, mr_seam;     /* TDX: 48 */
    struct bytes rtmr[4];            /* TDX: 48 */
    struct bytes measurement;        /* SNP: 48 */
    struct bytes report_id;          /* SNP: 32 */
};

/* Everything a check may look at. The first block is the caller's, the parts are opened by evidence_judge. */
struct ev {
    const struct bundle *bundle;
    const struct collateral *collateral;
    const struct policy *policy;
    const struct roots *roots;
    const struct expected *expected;
    const struct memory *memory; /* may be NULL */
    const struct snp_journal *snp_journal; /* of a zero-knowledge report, decoded by relayer/registry; NULL: there is none */
    int64_t now_s;

    struct arena mem; /* for what parts parse; freed by evidence_done */
    struct tee_facts tee;
    struct tdx_part *tdx; /* TDX and SGX */
    struct snp_part *snp;
    struct tpm_part *tpm;
    struct log_part *logs;

    const char *used_root[8]; /* labels of the trust roots that chains ended at */
    size_t num_used_roots;
};
/* Note that a chain ended at this root; once per label. */
void ev_use_root(struct ev *ev, const char *label);

struct result {
    const struct check *check;
    struct finding finding;
};

enum verdict_kind { UNDECIDED = 0, REJECTED, VERIFIED };
const char *verdict_name(enum verdict_kind v);

struct verdict {
    enum verdict_kind verdict;
    struct result results[EV_MAX_FINDINGS];
    size_t num_results;
    /* earliest time at which the same verdict could change; 0: none is known */
    int64_t collateral_expires_s;
    int64_t tcb_refused_s; /* from when on the policy will refuse the platform's TCB level; 0: none is known */
    int64_t tee_collateral_expires_s; /* the same of what TEE evidence is judged with alone, not of the evidence itself */
};

struct kind {
    const char *name; /* "tdx" */
    bool (*applies)(const struct ev *ev);
    void (*open)(struct ev *ev); /* parse into ev->part; what does not parse is found by the table's first check */
    void (*close)(struct ev *ev);
    const struct check *checks;
    size_t num_checks;
    /* facts into the verdict document: "tee", "tcb", "platform", "tpm", ...; lower verdict->collateral_expires_s */
    void (*render)(const struct ev *ev, json_t *doc);
    int64_t (*expires)(const struct ev *ev); /* the evidence itself; 0: no limit; may be NULL */
    int64_t (*collateral_expires)(const struct ev *ev); /* what it is judged with; the same */
    int64_t (*refused_from)(const struct ev *ev); /* from when on the policy will refuse it; 0: not known; may be NULL */
    void (*learn)(const struct ev *ev); /* tell ev->memory what was seen; asked of verified evidence alone; may be NULL */
};
extern const struct kind *const evidence_kinds[]; /* NULL-terminated; kinds.c, whose rows these are: */
extern const struct kind tdx_kind, snp_kind, snp_accept_kind, zk_kind, tpm_kind, binding_kind, log_kind;

/* ev: the caller's block filled in, the rest zero. Calls evidence_done itself never: render needs the parts. */
void evidence_judge(struct ev *ev, struct verdict *out);
void evidence_done(struct ev *ev);
/* The "cvm-verdict/1" document without "measurement" and "registry", which relayer/registry adds. NULL without memory. */
json_t *verdict_to_json(const struct ev *ev, const struct verdict *v);
/* The same for people: the verdict's line, what refuses or was waived, then (all) every check, aligned. doc: the document,
 * with whatever was added to it. Colour by ANSI sequences when asked for. */
void verdict_to_text(struct buf *out, const struct verdict *v, const json_t *doc, bool all, bool colour);
/* First result of this check id; NULL where the table did not apply. */
const struct result *verdict_find(const struct verdict *v, const char *id);

#endif
