/* The planner (sched/plan) asked about a row of the store under the settings of a configuration: what it is due for and when, its
 * state, when it ends. Due times stand in the rows, so that a store can index them; a row says which settings they were computed with. */
#ifndef CVM_PLANNING_H
#define CVM_PLANNING_H

#include "relayer/config.h"
#include "relayer/sched/plan.h"
#include "relayer/store/identities.h"

/* All that the planner wants to know of one identity. The cutoffs are what row and settings know of moments from which on renewals
 * fail; collateral that can be fetched anew is none. */
struct planning {
    struct freshness freshness;
    struct plan_settings settings;
    struct cutoffs cutoffs;
};
struct planning planning_of(const struct config *cfg, const struct identity_row *row);
struct freshness freshness_of(const struct identity_row *row);
/* Is the end of what its evidence is judged with a limit: nothing new can be fetched? */
bool planning_limits_collateral(const struct config *cfg, const struct identity_row *row);

/* The planner's answers for this row. */
struct plan_decision planning_decide(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s, int64_t by_s);
enum freshness_state planning_state(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s);
int64_t planning_ends_s(const struct config *cfg, const struct identity_row *row, int64_t chain_now_s);

/* Put into the row when it is due and expiring, and under which settings. */
void planning_apply(const struct config *cfg, struct identity_row *row, int64_t chain_now_s);
/* The rows of one registry that were computed with other settings than today's are computed anew, in batches. *count: how many. */
bool planning_redo(struct db *db, size_t *count, const struct config *cfg, uint64_t chain_id, struct addr20 registry,
                   int64_t chain_now_s, struct err *err);

#endif
