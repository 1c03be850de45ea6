/* Everything the settings say about judging evidence, loaded once: policy, trust roots, collateral; and one call that judges a
 * bundle with it and gives the whole verdict document, with the measurement and what the registry would say. */
#ifndef CVM_JUDGE_H
#define CVM_JUDGE_H

#include "relayer/collateral/gather.h"
#include "relayer/config.h"
#include "relayer/evidence/collateral.h"
#include "relayer/evidence/evidence.h"

struct judge {
    struct policy policy;
    struct roots roots;
    struct collateral collateral;
    const struct memory *memory; /* what earlier verifications left behind; may be NULL */
    const struct gather *gather; /* where to look for collateral that is missing; NULL: nowhere */
    struct buf golden; /* text of the golden file; empty: none */
};

/* extra_collateral: more files, folders; NULL or a NULL-terminated list. ERR_USAGE: a file cannot be read, a policy is wrong. */
bool judge_init(struct judge *out, const struct config *cfg, char *const *extra_collateral, struct err *err);
void judge_done(struct judge *j);
/* A file, or every file of a folder (and its folders, three deep). */
bool judge_add_collateral(struct judge *j, const char *path, struct err *err);
/* What the settings say about where the evidence is to be used. call: CALL_NONE for what the bundle says. */
struct expected judge_expected(const struct config *cfg, enum call_kind call);
/* PROFILE_NONE for "auto". */
enum profile judge_profile(const struct config *cfg);

struct judgement {
    enum verdict_kind verdict;
    json_t *doc; /* cvm-verdict/1 */
    struct verdict *v; /* NULL where nothing could be read */
    char reason[300]; /* the first check that refuses, and why; empty where it is verified */
};
/* ERR_NOMEM and the like alone: bad evidence is an answer. */
bool judge_bundle(struct judgement *out, const struct judge *j, const struct bundle *bundle, const struct expected *expected,
                  int64_t now_s, struct err *err);
/* The document for people; all: with the checks that passed. */
void judgement_text(struct buf *out, const struct judgement *j, bool all, bool colour);
/* The verdict on what does not even parse: rejected, with one check that says why. */
bool judge_unreadable(struct judgement *out, const struct judge *j, const char *why, int64_t now_s, struct err *err);
void judgement_done(struct judgement *out);

#endif
