/* Any text as TCB info, QE identity or evaluation data numbers; what is taken is evaluated for odd platforms. */
#include "crypto/base/auto.h"
#include "relayer/evidence/tdx_tcb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct tcb_info *info, const struct qe_identity *qe, struct arena *mem)
{
    static const uint8_t svns[][16] = {{0}, {1, 0}, {255, 255, 255, 255}, {4, 1, 3}};
    for (size_t i = 0; i < sizeof svns / sizeof *svns; i++) {
        struct tcb_have have = {.components = svns[i], .pce_svn = (uint16_t)(i * 9), .qe_isv_svn = (uint16_t)(i * 3),
                                .tdx = info->tdx ? svns[i] : NULL, .tdx2 = info->tdx ? svns[3 - i] : NULL};
        struct tcb_evaluation e;
        if (tcb_evaluate(&e, mem, &have, info, qe) && e.fault == TCB_FOUND && (!e.platform || !e.qe_level || !e.status))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena mem = arena_new(64 << 20);
    struct json_range doc;
    struct signed_json s;
    struct err err;
    static struct isv_level level = {.outcome = {.status = TCB_UP_TO_DATE}};
    struct qe_identity any_qe = {.levels = {&level, 1}};
    struct tcb_level one = {.outcome = {.status = TCB_UP_TO_DATE}};
    struct tcb_info any_info = {.levels = &one, .num_levels = 1};
    if (!json_scan(&doc, bytes_from(data, size), &err) || !signed_json_parse(&s, &mem, doc, &err))
        return 0;
    if (s.kind == SIGNED_TCB_INFO)
        evaluate(s.tcb_info, &any_qe, &mem);
    if (s.kind == SIGNED_QE_IDENTITY)
        evaluate(&any_info, s.qe_identity, &mem);
    return 0;
}
