#include "relayer/chain_collateral.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/clock.h"
#include "relayer/log.h"

#include <stdio.h>

#define READ_AGAIN_S 3600

/* TcbId, EnclaveId and CA of the contracts; the versions of TCB info and QE identity that quotes of version 4 are
 * judged with */
enum {
    TCB_TDX = 1,
    ENCLAVE_TD_QE = 2,
    CA_ROOT = 0,
    CA_PLATFORM = 2,
    CA_SIGNING = 3,
    TCB_VERSION = 3,
    IDENTITY_VERSION = 4,
    QUOTE_VERSION = 4
};

struct reading {
    const struct onchain *chain;
    struct arena mem;
    struct chain_collateral_row *out;
};

/* A view whose arguments and answers are words. */
static bool view(struct reading *r, struct abi_value *out, struct addr20 to, const char *name,
                 const struct abi_value *args, size_t num_args, struct err *err)
{
    struct abi_value list = abi_new_list(&r->mem, num_args);
    for (size_t i = 0; i < num_args && list.item; i++)
        list.item[i] = args[i];
    return onchain_view(r->chain, out, &r->mem, to, name, &list, ETH_AT_LATEST, err);
}

static struct abi_value number(struct reading *r, uint64_t v)
{
    return abi_from_u64(&r->mem, v);
}

/* The contract that a view names. */
static bool find(struct reading *r, struct addr20 *out, struct addr20 from, const char *name,
                 const struct abi_value *args, size_t num_args, struct err *err)
{
    static const struct addr20 nobody = {{0}};
    struct abi_value answer;
    if (!view(r, &answer, from, name, args, num_args, err))
        return false;
    memcpy(out->b, abi_word(&answer.item[0], 0) + 12, sizeof out->b);
    return !addr20_eq(*out, nobody) || err_set(err, ERR_CHAIN, "%s names no contract", name);
}

/* One document: its DAO gives the key and says how long what it holds under it is valid. */
static bool take(struct reading *r, struct addr20 dao, const char *what, const char *key_name,
                 const struct abi_value *args, size_t num_args, struct err *err)
{
    struct abi_value key, validity;
    if (!view(r, &key, dao, key_name, args, num_args, err) ||
        !view(r, &validity, dao, "getCollateralValidity", key.item, 1, err))
        return err_wrap(err, "%s", what);
    uint64_t ends = abi_low_u64(&validity.item[1]);
    if (!ends || ends > INT64_MAX)
        return err_set(err, ERR_CHAIN, "%s is not there", what);
    if (r->out->ends_s && r->out->ends_s <= (int64_t)ends)
        return true;
    r->out->ends_s = (int64_t)ends;
    snprintf(r->out->what, sizeof r->out->what, "%s", what);
    return true;
}

static bool take_pcs(struct reading *r, struct addr20 dao, const char *what, uint64_t ca, bool crl, struct err *err)
{
    const struct abi_value args[] = {number(r, ca), number(r, crl)};
    return take(r, dao, what, "PCS_KEY", args, 2, err);
}

/* registry -> workload verifier -> DCAP -> verifier of that quote version -> router */
static bool find_router(struct reading *r, struct addr20 *router, struct err *err)
{
    struct addr20 at = r->chain->registry;
    const struct abi_value version = number(r, QUOTE_VERSION);
    return find(r, &at, at, "workloadVerifier", NULL, 0, err) && find(r, &at, at, "dcapAttestation", NULL, 0, err) &&
           find(r, &at, at, "quoteVerifiers", &version, 1, err) && find(r, router, at, "pccsRouter", NULL, 0, err);
}

static bool read_documents(struct reading *r, struct addr20 router, const uint8_t fmspc[static 6], struct err *err)
{
    struct addr20 eval, tcb, qe, pcs;
    struct abi_value answer;
    const struct abi_value tdx = number(r, TCB_TDX);
    if (!view(r, &answer, router, "getStandardTcbEvaluationDataNumber", &tdx, 1, err))
        return false;
    const struct abi_value evaluation = answer.item[0];
    const struct abi_value tcb_key[] = {tdx, abi_from_fixed(&r->mem, bytes_from(fmspc, 6)), number(r, TCB_VERSION)};
    const struct abi_value qe_key[] = {number(r, ENCLAVE_TD_QE), number(r, IDENTITY_VERSION)};
    return find(r, &eval, router, "tcbEvalDaoAddr", NULL, 0, err) &&
           find(r, &pcs, router, "pcsDaoAddr", NULL, 0, err) &&
           find(r, &tcb, router, "fmspcTcbDaoVersionedAddr", &evaluation, 1, err) &&
           find(r, &qe, router, "qeIdDaoVersionedAddr", &evaluation, 1, err) &&
           take(r, eval, "TCB evaluation data numbers", "TCB_EVAL_KEY", &tdx, 1, err) &&
           take(r, tcb, "TCB info", "FMSPC_TCB_KEY", tcb_key, 3, err) &&
           take(r, qe, "QE identity", "ENCLAVE_ID_KEY", qe_key, 2, err) &&
           take_pcs(r, pcs, "root CA certificate", CA_ROOT, false, err) &&
           take_pcs(r, pcs, "root CA CRL", CA_ROOT, true, err) &&
           take_pcs(r, pcs, "TCB signing certificate", CA_SIGNING, false, err) &&
           take_pcs(r, pcs, "PCK platform CA certificate", CA_PLATFORM, false, err) &&
           take_pcs(r, pcs, "PCK platform CA CRL", CA_PLATFORM, true, err);
}

bool chain_collateral_read(const struct onchain *chain, struct chain_collateral_row *out, const uint8_t fmspc[static 6],
                           struct err *err)
{
    struct chain_collateral_row row = {.read_at_s = clock_now_s()};
    struct reading r = {.chain = chain, .mem = arena_new(1 << 20), .out = &row};
    struct addr20 router;
    bool ok = find_router(&r, &router, err) && read_documents(&r, router, fmspc, err);
    arena_done(&r.mem);
    if (ok)
        *out = row;
    return ok;
}

/* A deployment without these views, or without a document, stays as it was known; it is asked again after the hour. */
static bool refresh(struct session *s, const char *platform, struct err *err)
{
    const struct onchain *chain = &s->chain;
    struct chain_collateral_row row = {0};
    struct err why = {0};
    uint8_t fmspc[6];
    bool known;
    int64_t now_s = clock_now_s();
    if (!chain_collateral_get(s->db, &row, &known, chain->chain_id, chain->registry, platform, err))
        return false;
    if (known && now_s >= row.read_at_s && now_s - row.read_at_s < READ_AGAIN_S)
        return true;
    if (!hex_decode_fixed(fmspc, sizeof fmspc, bytes_str(platform), err))
        return false;
    if (!chain_collateral_read(chain, &row, fmspc, &why)) {
        if (why.code != ERR_REFUSED && why.code != ERR_CHAIN)
            return err_set(err, why.code, "%s", why.text);
        log_info("collateral on chain for platform %s cannot be read: %s", platform, why.text);
        row.read_at_s = now_s;
    }
    return chain_collateral_put(s->db, chain->chain_id, chain->registry, platform, &row, err) &&
           identities_set_chain_collateral(s->db, chain->chain_id, chain->registry, platform, row.ends_s, err);
}

bool chain_collateral_refresh(struct session *s, struct err *err)
{
    char platform[13] = "";
    for (;;) {
        if (!identities_next_platform(s->db, platform, s->chain.chain_id, s->chain.registry, platform, err))
            return false;
        if (!platform[0])
            return true;
        if (!refresh(s, platform, err))
            return err_wrap(err, "platform %s", platform);
    }
}
