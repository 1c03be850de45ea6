/* What the contract accepts and we refuse or warn of: each laxity with what could be done with it and what of ours
 * notices, and how it is seen in a call that went through. The operators' page is made from these rows. */
#include "relayer/registry/model_run.h"

#include "abi/calls.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

const struct model_laxity model_laxities[LAX_COUNT] = {
    [LAX_NOT_CANONICAL] =
        {"input.format", "17",
         "calldata with gaps, shared or overlapping tails, dirty or missing padding, bytes behind the end",
         "make the same evidence look like another transaction; G1c counts a report that is encoded otherwise as new",
         "decode refuses it; history compares measurement hashes, not calldata"},
    [LAX_MAGIC] = {"tpm.magic", "10", "a TPM structure that does not begin with TPM_GENERATED (ff544347)",
                   "pass off data that an AK signed for another purpose as a quote", "verify, import"},
    [LAX_QUOTE_TAIL] = {"tpm.quote", "10", "bytes behind the quote's digest", "hide data in signed evidence", "verify"},
    [LAX_SELECTION] = {"tpm.pcr_selection", "10", "selection bytes behind the fourth; list entries behind the 32nd",
                       "put PCRs into the golden measurement that no quote selects", "verify; measure --against"},
    [LAX_CLOCK] = {"tpm.safe", "10", "a quote whose clock is not safe", "present a quote from before a reset",
                   "verify, renew"},
    [LAX_SIGNATURE_TAIL] = {"tpm.signature_form", "10",
                            "bytes behind the TPM signature (and n - s where s would do, which nobody can tell)",
                            "make two calls of one piece of evidence", "verify"},
    [LAX_EVENTS] = {"tpm.event_replay", "10", "PCR value 0 with events, event indices that repeat or are out of order",
                    "move the golden measurement without moving the machine",
                    "measure --against, alarm on a changed measurement"},
    [LAX_REPORT_ID] = {"binding.report_id", "8",
                       "PCR 15 of 0 with RTMR3 of 0, or an SNP report whose id is zero: no tie between TPM and TEE",
                       "register one machine's TPM with another machine's TEE",
                       "verify, import, alarm on a foreign registration"},
    [LAX_EXTRA_MAGIC] = {"binding.extra_data", "3", "a first byte of the extra data other than ff", "nothing by itself",
                         "verify"},
    [LAX_TAIL] = {"tail.present", "3", "extra data without a binding tail",
                  "use evidence again, at another registry or much later",
                  "verify, unless foreign evidence is allowed"},
    [LAX_NO_IDENTITY] =
        {"binding.identity", "11",
         "a re-attestation whose quote names another identity, or none: the old quote again, another set of PCRs",
         "keep an identity fresh with a quote that was made for another", "verify, renew"},
    [LAX_KEY] = {"identity.key", "5", "an identity key that can never sign, or that is labelled as another kind",
                 "lock the owner out: the algorithm's label is not part of the hash, and anybody may replay the "
                 "calldata with another",
                 "run and status compare getCvmIdentity after every CVMUpdated; attesting again repairs the label"},
    [LAX_REPLAY] = {"tail.age", "5",
                    "the attestation of a known identity, again, without a signature or a nonce; its type arguments "
                    "are then ignored",
                    "revive an expired or rotated-out identity with old calldata",
                    "run follows CVMUpdated events and alarms on a call that is not its own"},
    [LAX_TDX_DEBUG] = {"tdx.debug", "7", "a debug TD", "register a machine whose memory its host can read",
                       "verify, import"},
    [LAX_SNP_DEBUG] = {"snp.debug", "7", "an SNP policy that allows debugging",
                       "register a machine whose memory its host can read", "verify, import"},
    [LAX_REPORT_DATA] = {"binding.report_data", "6", "a second half of Azure's report data that is not zero",
                         "hide data in signed evidence", "verify"},
    [LAX_VAR_DATA] = {"ak.var_data", "8", "var data that is no JSON, or in which a JSON parser finds another AK",
                      "show one AK to the contract and another to whoever parses the document", "verify, import"},
    [LAX_AK_CHAIN] =
        {"ak.chain", "10",
         "an AK certificate without extensions or digitalSignature, bytes behind a certificate, the root listed twice",
         "present a certificate that was never meant to attest", "verify, import"},
    [LAX_TEE_EXPIRED] = {"chain.tee_fresh", "11", "a re-attestation although the TEE side has run out",
                         "keep the TPM side alive on hardware whose TEE is no longer vouched for", "status, check"},
    [LAX_UNREGISTERED] = {"binding.cloud", "5",
                          "cloud type 0: everything is verified and stored, an event is emitted, nothing is registered",
                          "have a registration believed that does not exist",
                          "register reads the registry back; run ignores the event until it has"},
    [LAX_TTL] = {"ttl.value", "11", "a TTL that is over at once, or never",
                 "a TEE TTL of 0 can never be raised again; one that is too large hides an expired machine",
                 "set-ttl refuses it; status, check"},
    [LAX_OVERWRITE] = {"chain.target_free", "11",
                       "a rotation onto an identity that is registered already, or whose key nobody has proved to hold",
                       "overwrite somebody's registration",
                       "rotate refuses it; run alarms on a CVMUpdated that is not its own"},
    [LAX_AK_UNVERIFIED] =
        {"tpm.signature", "6",
         "G1a: neither the TPM signature nor the AK certificates are looked at when a machine is registered",
         "register with a quote that no TPM made", "verify, import"},
};

static bool canonical(const struct run *r)
{
    AUTO(arena_done) struct arena mem = arena_new(32u << 20);
    struct abi_value v;
    const struct abi_type *type;
    for (size_t i = 0; i < num_abi_calls; i++)
        if (abi_calls[i].selector == be32(r->call->calldata.p) &&
            !abi_decode_call(&v, &mem, &abi_calls[i], r->call->calldata, NULL))
            return false;
    bool zk =
        r->out->kind == CALL_ATTEST && (r->report_type == REPORT_ZK_SUCCINCT || r->report_type == REPORT_ZK_RISC0);
    return !zk || (abi_type_parse(&type, &mem, BYTES_LIT("((bytes,bytes))"), NULL) &&
                   abi_decode_strict(&v, &mem, type, r->report, NULL));
}

/* Bytes behind its end? */
static bool signature_tail(struct bytes sig)
{
    if (sig.len < 6)
        return false;
    return be16(sig.p) == ALG_ECDSA ? sig.len > 72 : sig.len > 6u + be16(sig.p + 4);
}

static void note_quote(struct run *r)
{
    struct bytes quote = wc(r, WC_QUOTE)->data, extra = r->quote.extra_data;
    size_t clock_safe = 10u + be16(quote.p + 6) + extra.len + 16;
    lax(r, LAX_MAGIC, !r->quote.magic_ok);
    lax(r, LAX_QUOTE_TAIL, r->quote.tail);
    lax(r, LAX_SELECTION, r->quote.wide_selection || wc(r, WC_PCRS)->count > 32);
    lax(r, LAX_CLOCK, quote.p[clock_safe] != 1);
    lax(r, LAX_SIGNATURE_TAIL, signature_tail(wc(r, WC_SIGNATURE)->data));
    lax(r, LAX_EXTRA_MAGIC, extra.len && extra.p[0] != 0xff);
    lax(r, LAX_TAIL, extra.len != 49 || extra.p[33] != 1);
}

static void note_events(struct run *r)
{
    const struct abi_value *pcrs = wc(r, WC_PCRS);
    for (size_t i = 0; i < pcrs->count; i++) {
        const struct abi_value *f = pcrs->item[i].item; /* index, pcr, allEvents, measureEventsIdx, measurePcr */
        lax(r, LAX_EVENTS, bytes_is_zero(f[1].data) && f[2].count > 0);
        for (size_t k = 1; k < f[3].count; k++)
            lax(r, LAX_EVENTS, memcmp(abi_word(&f[3], k - 1), abi_word(&f[3], k), ABI_WORD) >= 0);
    }
}

static void note_report_id(struct run *r)
{
    const struct abi_value *pcrs = wc(r, WC_PCRS);
    bool azure = r->cloud_type == CLOUD_AZURE;
    for (size_t i = 0; i < pcrs->count; i++) {
        uint64_t index;
        const struct abi_value *f = pcrs->item[i].item;
        if (abi_u64(&index, f[0].data.p) && index == r->call->report_id_pcr)
            lax(r, LAX_REPORT_ID, !azure && bytes_is_zero(f[1].data));
    }
    lax(r, LAX_REPORT_ID, !azure && hash32_is_zero(r->tee.report_id) && wc(r, WC_REPORT_ID)->data.len != 16);
}

static bool can_sign(const struct run *r)
{
    const struct contract_key *k = &r->identity;
    bool ec = k->scheme == ALG_ECDSA && k->params == CURVE_P256, rsa = k->scheme == ALG_RSASSA && k->params == 0;
    if (k->hash_algo != ALG_SHA256 || (!ec && !rsa))
        return false;
    if (!is_g1a(r) && k->algo != (ec ? ALG_ECC : ALG_RSA))
        return false;
    if (rsa) {
        struct exec probe = {.legacy = is_g1a(r), .revert = buf_new(1 << 10)};
        struct bytes n, e;
        bool ok = key_rsa(&probe, &n, &e, k) && n.len >= 256;
        buf_done(&probe.revert);
        return ok;
    }
    size_t prefix = is_g1a(r) ? 0 : 1;
    if (k->data.len != 64 + prefix || (prefix && k->data.p[0] != 0x04))
        return false;
    AUTO(pubkey_freep) struct pubkey *key = pubkey_from_ec(KEY_P256, bytes_sub(k->data, prefix, 64), NULL);
    return key != NULL;
}

static void note_debug(struct run *r)
{
    struct bytes body = bytes_sub(r->tee_output, TDX_OUTPUT_BODY, TDX_BODY_LEN);
    if (r->tee_type == TEE_SNP)
        lax(r, LAX_SNP_DEBUG, r->tee_output.len >= 16 && (le64(r->tee_output.p + 8) >> 19 & 1));
    else
        lax(r, LAX_TDX_DEBUG, body.len && (body.p[120] & 1)); /* TDATTRIBUTES.DEBUG */
}

/* The AK that a JSON parser finds is not the contract's business; ours is that there is exactly one. */
static bool odd_var_data(const struct run *r)
{
    struct bytes text = wc(r, WC_AK_PUB)->data;
    json_error_t why;
    json_auto_t *doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
    const json_t *keys = json_object_get(doc, "keys");
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        const char *kid = json_string_value(json_object_get(key, "kid")),
                   *n = json_string_value(json_object_get(key, "n"));
        AUTO(buf_done) struct buf raw = buf_new(1 << 12);
        if (kid && n && strcmp(kid, "HCLAkPub") == 0)
            found += base64url_decode(&raw, bytes_str(n), NULL) && raw.p && raw.p[0] != 0 ? 1 : 2;
    }
    return found != 1;
}

static bool odd_chain(const struct run *r)
{
    const struct abi_value *certs = wc(r, WC_CERTS);
    struct cert cert;
    for (size_t i = 0; i < certs->count; i++) {
        if (!cert_parse(&cert, certs->item[i].data, NULL))
            return true;
        if (i == 0 && (cert.num_ext == 0 || !cert.has_key_usage || !(cert.key_usage & KU_DIGITAL_SIGNATURE) ||
                       cert.akid.len == 0))
            return true;
        if (i > 0 && bytes_eq(certs->item[i].data, certs->item[i - 1].data))
            return true;
    }
    return false;
}

static void note_attest(struct run *r)
{
    lax(r, LAX_KEY, !can_sign(r));
    lax(r, LAX_REPLAY, r->known && !is_g1c(r));
    lax(r, LAX_UNREGISTERED, r->cloud_type == CLOUD_UNSET);
    note_debug(r);
    lax(r, LAX_AK_UNVERIFIED, is_g1a(r));
    note_report_id(r);
    if (r->cloud_type == CLOUD_AZURE) {
        lax(r, LAX_REPORT_DATA, !bytes_is_zero(bytes_from(r->tee.report_data + 32, 32)));
        lax(r, LAX_VAR_DATA, odd_var_data(r));
    } else {
        lax(r, LAX_VAR_DATA, wc(r, WC_AK_PUB)->data.len > 0);
        lax(r, LAX_AK_CHAIN, odd_chain(r));
    }
}

static void note_reattest(struct run *r)
{
    const struct kept_identity *target = registry_state_find(r->state, r->id);
    bool names_it = r->quote.extra_data.len >= 33 && memcmp(r->quote.extra_data.p + 1, r->id.b, 32) == 0;
    lax(r, LAX_TEE_EXPIRED, r->call->block_time_s - r->kept.tee_recent_s >= r->kept.tee_ttl_s);
    lax(r, LAX_NO_IDENTITY, !r->rotates && !names_it);
    lax(r, LAX_KEY, r->rotates && !can_sign(r));
    lax(r, LAX_OVERWRITE, r->rotates && kept_is_registered(target));
    if (is_g1a(r) && r->cloud_type == CLOUD_AZURE)
        lax(r, LAX_VAR_DATA, odd_var_data(r));
    else if (is_g1a(r))
        lax(r, LAX_AK_CHAIN, odd_chain(r));
}

static void note_ttl(struct run *r)
{
    uint64_t now = r->call->block_time_s;
    lax(r, LAX_TTL,
        now - r->kept.tee_recent_s >= r->tee_ttl_s || now - r->kept.tpm_recent_s >= r->tpm_ttl_s ||
            r->tee_ttl_s > UINT64_MAX / 2 || r->tpm_ttl_s > UINT64_MAX / 2);
}

void note_laxities(struct run *r)
{
    lax(r, LAX_NOT_CANONICAL, !canonical(r));
    if (r->out->kind == CALL_SET_TTL) {
        note_ttl(r);
        return;
    }
    note_quote(r);
    note_events(r);
    if (r->out->kind == CALL_ATTEST)
        note_attest(r);
    else
        note_reattest(r);
}
