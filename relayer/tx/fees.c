#include "relayer/tx/fees.h"

#define DEFAULT_HEADROOM_PERCENT 200
#define DEFAULT_BUMP_PERMILLE    125
#define LEAST_BUMP_PERMILLE      100

static const struct u256 no_limit = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static struct u256 limit_or_none(struct u256 limit)
{
    return u256_is_zero(limit) ? no_limit : limit;
}

/* The highest price per gas that the caps allow. */
static struct u256 price_cap(const struct fee_settings *settings, uint64_t gas_limit, struct u256 data_fee_wei)
{
    struct u256 cap = limit_or_none(settings->max_fee_wei), left;
    if (u256_is_zero(settings->max_cost_wei) || gas_limit == 0)
        return cap;
    if (!u256_sub(&left, settings->max_cost_wei, data_fee_wei))
        return (struct u256){0};
    return u256_min(cap, u256_div_u64(left, gas_limit, NULL));
}

static struct u256 saturating_add(struct u256 a, struct u256 b)
{
    struct u256 sum = no_limit;
    u256_add(&sum, a, b);
    return sum;
}

static struct u256 scaled(struct u256 a, uint64_t num, uint64_t den)
{
    struct u256 product = no_limit;
    u256_scale_up(&product, a, num, den);
    return product;
}

/* What we would like to offer, before any cap on the price. */
static struct fees wanted(const struct fee_settings *settings, const struct fee_view *view)
{
    struct fees f = {.legacy = settings->legacy || !view->has_base_fee};
    if (f.legacy) {
        f.max_fee_wei = u256_max(view->gas_price_wei, settings->min_tip_wei);
        return f;
    }
    unsigned headroom = settings->headroom_percent ? settings->headroom_percent : DEFAULT_HEADROOM_PERCENT;
    f.max_tip_wei = u256_min(u256_max(view->tip_wei, settings->min_tip_wei), limit_or_none(settings->max_tip_wei));
    f.max_fee_wei = saturating_add(scaled(view->base_fee_wei, headroom, 100), f.max_tip_wei);
    return f;
}

static enum fee_verdict judge(const struct fees *f, const struct fee_view *view, bool capped)
{
    if (view->has_base_fee && u256_cmp(f->max_fee_wei, view->base_fee_wei) < 0)
        return FEE_BELOW_BASE;
    return capped ? FEE_AT_CAP : FEE_OK;
}

enum fee_verdict fees_first(struct fees *out, const struct fee_settings *settings, const struct fee_view *view,
                            uint64_t gas_limit, struct u256 data_fee_wei)
{
    struct fees f = wanted(settings, view);
    struct u256 cap = price_cap(settings, gas_limit, data_fee_wei);
    /* headroom is a comfort: less of it is fine as long as base fee and tip are covered */
    struct u256 needed = f.legacy ? f.max_fee_wei : saturating_add(view->base_fee_wei, f.max_tip_wei);
    bool capped = u256_cmp(needed, cap) > 0;
    f.max_fee_wei = u256_min(f.max_fee_wei, cap);
    f.max_tip_wei = u256_min(f.max_tip_wei, f.max_fee_wei);
    *out = f;
    return judge(&f, view, capped);
}

/* One wei on top: some clients want more than the share, not the share itself. */
static struct u256 raised(struct u256 old, unsigned permille)
{
    return saturating_add(scaled(old, 1000 + permille, 1000), u256_from(1));
}

enum fee_verdict fees_bump(struct fees *out, const struct fee_settings *settings, const struct fee_view *view,
                           const struct fees *highest, uint64_t gas_limit, struct u256 data_fee_wei)
{
    unsigned permille = settings->bump_permille ? settings->bump_permille : DEFAULT_BUMP_PERMILLE;
    if (permille < LEAST_BUMP_PERMILLE)
        permille = LEAST_BUMP_PERMILLE;
    struct fees f = wanted(settings, view);
    struct u256 cap = price_cap(settings, gas_limit, data_fee_wei), tip_cap = limit_or_none(settings->max_tip_wei);
    /* nothing we would like is worth more than the cap, but what replacing needs must fit under it */
    f.max_fee_wei = u256_max(u256_min(f.max_fee_wei, cap), raised(highest->max_fee_wei, permille));
    if (!f.legacy) {
        f.max_tip_wei = u256_max(f.max_tip_wei, raised(highest->max_tip_wei, permille));
        f.max_fee_wei = u256_max(f.max_fee_wei, f.max_tip_wei);
    }
    if (u256_cmp(f.max_fee_wei, cap) > 0 || (!f.legacy && u256_cmp(f.max_tip_wei, tip_cap) > 0))
        return FEE_AT_CAP;
    *out = f;
    return judge(&f, view, false);
}

bool fees_worst_case(struct u256 *out, const struct fees *fees, uint64_t gas_limit, struct u256 data_fee_wei)
{
    struct u256 gas_cost;
    return u256_mul(&gas_cost, fees->max_fee_wei, u256_from(gas_limit)) && u256_add(out, gas_cost, data_fee_wei);
}

struct u256 fees_median_tip(struct u256 *tips, size_t num_tips)
{
    size_t n = 0;
    for (size_t i = 0; i < num_tips; i++) {
        struct u256 t = tips[i];
        if (u256_is_zero(t))
            continue;
        size_t at = n++;
        for (; at > 0 && u256_cmp(tips[at - 1], t) > 0; at--)
            tips[at] = tips[at - 1];
        tips[at] = t;
    }
    return n ? tips[n / 2] : (struct u256){0};
}

uint64_t fees_calldata_floor(struct bytes calldata)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < calldata.len; i++)
        tokens += calldata.p[i] ? 4 : 1;
    return 21000 + 10 * tokens;
}
