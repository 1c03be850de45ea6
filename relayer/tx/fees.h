/* What to offer per gas: a first price from the chain's fee history, replacement prices by the nodes' rules, always
 * under the configured caps. Pure: numbers in, numbers out. EIP-1559; replacement rules of geth, Nethermind, Besu,
 * Erigon, Reth: raise cap and tip alike, from the highest ever signed for the nonce. */
#ifndef CVM_TX_FEES_H
#define CVM_TX_FEES_H

#include "abi/u256.h"

struct fee_settings {
    struct u256 max_fee_wei;   /* most to offer per gas; 0: no limit */
    struct u256 max_tip_wei;   /* most to tip per gas; 0: no limit */
    struct u256 min_tip_wei;   /* least to tip per gas */
    struct u256 max_cost_wei;  /* most that one transaction may cost, data fee included; 0: no limit */
    unsigned headroom_percent; /* cap = base fee x this + tip; 0: 200 */
    unsigned bump_permille;    /* each replacement raises both by this; 0: 125; never below 100, the nodes' minimum */
    bool legacy;               /* sign legacy transactions even where there is a base fee */
};

/* What the chain says. */
struct fee_view {
    bool has_base_fee;
    struct u256 base_fee_wei;  /* of the next block */
    struct u256 tip_wei;       /* what others paid lately; EIP-1559 */
    struct u256 gas_price_wei; /* what the node suggests; legacy */
};

struct fees {
    bool legacy;
    struct u256 max_fee_wei; /* the gas price, where legacy */
    struct u256 max_tip_wei; /* 0 where legacy */
};

enum fee_verdict {
    FEE_OK,
    FEE_AT_CAP,    /* a cap of the configuration is in the way */
    FEE_BELOW_BASE /* what the caps allow lies below the base fee: it would not be mined now */
};

/* A first price, whatever the verdict. gas_limit and data_fee_wei count against max_cost_wei. */
enum fee_verdict fees_first(struct fees *out, const struct fee_settings *settings, const struct fee_view *view,
                            uint64_t gas_limit, struct u256 data_fee_wei);
/* A price that replaces `highest` (the highest signed for the nonce, field by field). FEE_AT_CAP: out is untouched. */
enum fee_verdict fees_bump(struct fees *out, const struct fee_settings *settings, const struct fee_view *view,
                           const struct fees *highest, uint64_t gas_limit, struct u256 data_fee_wei);
/* gas_limit x cap + data fee: the most that it can cost. False when that does not fit 256 bits. */
bool fees_worst_case(struct u256 *out, const struct fees *fees, uint64_t gas_limit, struct u256 data_fee_wei);
/* The middle one of the tips that are not zero; 0 where all are. Reorders tips. */
struct u256 fees_median_tip(struct u256 *tips, size_t num_tips);
/* EIP-7623: 21000 + 10 x (zero bytes + 4 x others): gas that calldata costs at least. */
uint64_t fees_calldata_floor(struct bytes calldata);

#endif
