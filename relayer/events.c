#include "relayer/events.h"

#include "abi/addr.h"
#include "abi/events.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/log.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_SPAN 2000      /* blocks per question; what most public endpoints take */
#define MAX_SPAN   1000000
#define MANY_LOGS  20000     /* more than this in one answer: the range does not grow any more */
#define UNSETTLED  256       /* blocks from the head that may still change under our hands */

struct registry_key session_registry(const struct session *s)
{
    return (struct registry_key){.chain_id = s->chain.chain_id, .registry = s->chain.registry};
}

/* --- where to go on --- */

static bool block_holds(struct session *s, bool *holds, const struct checkpoint *c, struct err *err)
{
    struct eth_block b;
    bool missing = false;
    struct err why = {0};
    *holds = true;
    if (c->block < 0)
        return true;
    if (!eth_block(s->rpc, &b, ETH_AT_BLOCK((uint64_t)c->block), &missing, &why)) {
        *holds = false;
        return missing || err_set(err, why.code, "%s", why.text);
    }
    *holds = hash32_eq(b.hash, c->hash);
    return true;
}

static bool begin_at(struct session *s, struct checkpoint *out, uint64_t from_block, struct err *err)
{
    struct registry_key key = session_registry(s);
    struct checkpoint c = {.block = -1};
    struct eth_block before;
    if (from_block > 0) {
        if (!eth_block(s->rpc, &before, ETH_AT_BLOCK(from_block - 1), NULL, err))
            return err_wrap(err, "block %llu", (unsigned long long)(from_block - 1));
        c = (struct checkpoint){.block = (int64_t)(from_block - 1), .hash = before.hash};
    }
    *out = c;
    return events_drop(s->db, &key, err) && events_add(s->db, &key, NULL, 0, &c, err);
}

static bool default_begin(struct session *s, uint64_t *out, uint64_t head_block, struct err *err)
{
    struct registry_key key = session_registry(s);
    bool found;
    if (!events_first_known(s->db, out, &found, &key, err))
        return false;
    if (!found || *out > head_block)
        *out = head_block;
    return true;
}

/* The highest checkpoint that the chain still knows. */
static bool find_place(struct session *s, struct checkpoint *out, struct events_report *report, const struct events_query *q, struct err *err)
{
    struct registry_key key = session_registry(s);
    struct checkpoint first;
    bool begun, holds;
    uint64_t from = q->from_block;
    if (!events_begin(s->db, &first, &begun, &key, err))
        return false;
    if (begun && !(q->has_from && (int64_t)from <= first.block))
        for (bool found = true; found;) {
            if (!events_checkpoint(s->db, out, &found, &key, err))
                return false;
            /* a node that lags behind another one is no reorganisation */
            if (found && out->block > (int64_t)report->head_block && out->block <= (int64_t)report->head_block + UNSETTLED)
                return true;
            if (found && !block_holds(s, &holds, out, err))
                return false;
            if (found && holds)
                return true;
            report->rolled_back = true;
            if (found && !events_step_back(s->db, &key, err))
                return false;
        }
    /* not begun, to begin earlier, or nothing of what was read still holds */
    if (report->rolled_back)
        from = first.block < 0 ? 0 : (uint64_t)first.block + 1;
    if (report->rolled_back && from > report->head_block)
        from = report->head_block;
    if (!q->has_from && !report->rolled_back && !default_begin(s, &from, report->head_block, err))
        return false;
    return begin_at(s, out, from, err);
}

/* --- one range --- */

struct range {
    uint64_t from, to;
};

static size_t take_rows(struct event_row *rows, const struct eth_logs *logs, struct addr20 registry, struct range r)
{
    size_t n = 0;
    for (size_t i = 0; i < logs->count; i++) {
        const struct eth_log *l = &logs->item[i];
        const struct abi_event *e = l->num_topics == 2 ? abi_event_by_topic(l->topic[0]) : NULL;
        bool ours = addr20_eq(l->address, registry) && l->block_number >= r.from && l->block_number <= r.to && !l->removed;
        if (!e || !ours || (strcmp(e->name, "CVMUpdated") != 0 && strcmp(e->name, "CVMTTLUpdated") != 0))
            continue;
        rows[n] = (struct event_row){.id = l->topic[1], .block = l->block_number, .log_index = l->index, .tx_hash = l->tx_hash};
        snprintf(rows[n++].name, sizeof rows[0].name, "%s", e->name);
    }
    return n;
}

/* *fits false: the node wants fewer blocks. *settled false: the last block changed meanwhile; nothing was kept. */
static bool read_range(struct session *s, struct range r, bool near_head, bool *fits, bool *settled, uint64_t *num_logs, uint64_t *found, struct err *err)
{
    AUTO(eth_logs_done) struct eth_logs logs = {0};
    struct rpc_fault fault = {0};
    struct eth_block last, again;
    struct registry_key key = session_registry(s);
    *fits = *settled = true;
    if (!eth_block(s->rpc, &last, ETH_AT_BLOCK(r.to), NULL, err))
        return false;
    if (!eth_logs(s->rpc, &logs, key.registry, NULL, 0, r.from, r.to, &fault, err)) {
        *fits = !(fault.from_node && fault.class == RPC_RANGE_TOO_LARGE);
        return !*fits;
    }
    if (near_head && !eth_block(s->rpc, &again, ETH_AT_BLOCK(r.to), NULL, err))
        return false;
    *settled = !near_head || hash32_eq(last.hash, again.hash);
    if (!*settled)
        return true;
    AUTO(auto_free) struct event_row *rows = calloc(logs.count + 1, sizeof *rows);
    if (!rows)
        return err_set(err, ERR_NOMEM, "no memory for %zu events", logs.count);
    size_t n = take_rows(rows, &logs, key.registry, r);
    *num_logs = logs.count;
    *found += n;
    return events_add(s->db, &key, rows, n, &(struct checkpoint){(int64_t)r.to, last.hash}, err);
}

bool events_follow(struct session *s, struct events_report *out, const struct events_query *q, struct err *err)
{
    struct events_report report = {0};
    struct eth_block head;
    struct checkpoint at;
    if (!eth_block(s->rpc, &head, ETH_AT_LATEST, NULL, err))
        return false;
    report.head_block = head.number;
    if (!find_place(s, &at, &report, q, err))
        return false;
    uint64_t first = (uint64_t)(at.block + 1), next = first, span = FIRST_SPAN;
    unsigned unsettled = 0;
    while (next <= head.number && !(q->stopped && q->stopped(q->user))) {
        struct range r = {next, head.number - next < span ? head.number : next + span - 1};
        bool fits, settled, near_head = r.to + UNSETTLED > head.number;
        uint64_t num_logs = 0;
        if (!read_range(s, r, near_head, &fits, &settled, &num_logs, &report.found, err))
            return err_wrap(err, "events of blocks %llu to %llu", (unsigned long long)r.from, (unsigned long long)r.to);
        if (!fits && span == 1)
            return err_wrap(err, "events of block %llu", (unsigned long long)next);
        if (!settled && ++unsettled > 8)
            return err_set(err, ERR_CHAIN, "block %llu changes each time it is looked at", (unsigned long long)r.to);
        if (!fits)
            err_clear(err);
        span = !fits ? (r.to - r.from + 2) / 2 : num_logs < MANY_LOGS && span < MAX_SPAN ? span * 2 : span;
        if (!fits || !settled)
            continue;
        next = r.to + 1;
        if (q->progress)
            q->progress(q->user, r.to, first, head.number, report.found);
    }
    *out = report;
    return true;
}

/* --- the registry's first block --- */

static bool has_code(struct session *s, bool *out, uint64_t block, struct err *err)
{
    AUTO(buf_done) struct buf code = buf_new(1 << 17);
    if (!eth_code(s->rpc, &code, s->chain.registry, ETH_AT_BLOCK(block), err))
        return false;
    *out = code.len > 0;
    return true;
}

bool events_birth(struct session *s, uint64_t *out, struct err *err)
{
    struct eth_block head;
    struct err ignored = {0};
    if (!eth_block(s->rpc, &head, ETH_AT_LATEST, NULL, err))
        return false;
    uint64_t low = 0, high = head.number;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        bool there;
        if (!has_code(s, &there, mid, &ignored)) {
            log_info("the node does not keep old states (%s): reading logs from block 0", ignored.text);
            low = 0;
            break;
        }
        if (there)
            high = mid;
        else
            low = mid + 1;
    }
    *out = low;
    return true;
}

/* --- the alarm --- */

static json_t *event_facts(const struct session *s, const struct event_row *e)
{
    AUTO(auto_free) char *id = hex_0x(BYTES_OF(e->id)), *tx = hex_0x(BYTES_OF(e->tx_hash));
    char registry[ADDR_TEXT_SIZE];
    if (!id || !tx)
        return NULL;
    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:s}", "id", id, "chain_id", (json_int_t)s->chain.chain_id, "registry",
                     addr_text(registry, s->chain.registry), "log", e->name, "block", (json_int_t)e->block, "transaction", tx);
}

bool events_alarm(struct session *s, const struct hooks *hooks, size_t *count, struct err *err)
{
    struct registry_key key = session_registry(s);
    AUTO(event_list_done) struct event_list list = {0};
    if (!events_untold(s->db, &list, &key, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        json_auto_t *facts = event_facts(s, &list.row[i]);
        AUTO(auto_free) char *id = hex_0x(BYTES_OF(list.row[i].id)), *tx = hex_0x(BYTES_OF(list.row[i].tx_hash));
        struct err why = {0};
        if (!facts || !id || !tx)
            return err_set(err, ERR_NOMEM, "no memory for an alarm");
        log_warn("%s of %s in block %llu by transaction %s, which is not ours", list.row[i].name, id, (unsigned long long)list.row[i].block, tx);
        if (!hook_run(hooks, HOOK_UNEXPLAINED_UPDATE, facts, &why))
            log_warn("%s", why.text);
        if (!events_tell(s->db, &key, &list.row[i], err))
            return false;
    }
    if (count)
        *count = list.count;
    return true;
}
