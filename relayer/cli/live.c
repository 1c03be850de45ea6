#include "relayer/cli/live.h"

#include "crypto/base/duration.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/log.h"
#include "relayer/wei.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define ERASE "\r\033[K"

struct live live_start(const struct cmd_env *env)
{
    return (struct live){.on_terminal = !env->quiet && !env->json && isatty(STDERR_FILENO)};
}

static void draw(const struct tx_status *tx)
{
    char hex[65], age[DURATION_TEXT_SIZE], fee[WEI_TEXT_SIZE], depth[48] = "";
    duration_short(age, clock_now_s() - tx->created_at_s);
    if (tx->block && tx->head_block >= tx->block)
        snprintf(depth, sizeof depth, ", %" PRIu64 " confirmations", tx->head_block - tx->block + 1);
    fprintf(stderr, ERASE "%s %s%.10s%s  %s, %s per gas%s%s%.60s", txm_phase_name(tx->phase), tx->has_hash ? "0x" : "",
            tx->has_hash ? hex_encode(hex, BYTES_OF(tx->hash)) : "", tx->has_hash ? ".." : "", age,
            wei_format(fee, tx->fees.max_fee_wei), depth, tx->note[0] ? "; " : "", tx->note);
    fflush(stderr);
}

void live_progress(void *user, const struct tx_status *tx)
{
    struct live *live = user;
    char hex[65];
    if (live->on_terminal) {
        draw(tx);
        live->drawn = true;
    } else if (tx->phase != live->last) {
        log_info("%s%s%s%s%s", txm_phase_name(tx->phase), tx->has_hash ? " 0x" : "",
                 tx->has_hash ? hex_encode(hex, BYTES_OF(tx->hash)) : "", tx->note[0] ? ": " : "", tx->note);
    }
    live->last = tx->phase;
}

void live_end(struct live *live)
{
    if (live->drawn)
        fputs(ERASE, stderr);
    live->drawn = false;
}
