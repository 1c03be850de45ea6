/* Every row of the TPM, binding and log tables passes on good evidence and refuses evidence that is spoilt in one thing. The
 * evidence is made here, by a simulated Intel and AKs of our own; the last test walks the tables and asks that no row is
 * without both. */
#include "crypto/base/auto.h"
#include "relayer/evidence/golden.h"
#include "tests/support/tpm_scene.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>

/* --- what spoils it --- */

static uint8_t *writable(struct bytes b)
{
    return (uint8_t *)(uintptr_t)b.p;
}

static struct bytes longer(struct scene *s, struct bytes in)
{
    AUTO(buf_done) struct buf b = buf_new(8192);
    buf_put(&b, in);
    buf_u8(&b, 0);
    return scene_keep(s, buf_view(&b));
}

/* before signing */
static void bad_magic(struct scene *s) { s->magic = 0x12345678; }
static void bad_type(struct scene *s) { s->type = 0x8019; }
static void bad_bank(struct scene *s) { s->bank = ALG_SHA1; }
static void not_safe(struct scene *s) { s->safe = false, s->policy.tpm.require_safe_clock = true; }
static void no_ff(struct scene *s) { s->extra[0] = 0xfe; }
static void other_identity(struct scene *s) { s->extra[5] ^= 1; }
static void no_tail(struct scene *s) { s->extra_len = 33; }
static void other_tail(struct scene *s) { s->extra[48] ^= 1; }
static void other_rtmr3(struct scene *s) { s->td.rtmr[3][0] ^= 1; }
static void other_rtmr0(struct scene *s) { s->td.rtmr[0][0] ^= 1; }
static void other_rtmr2(struct scene *s) { s->td.rtmr[2][0] ^= 1; }
static void other_report_data(struct scene *s) { s->td.report_data[40] = 1; }
static void other_pcr0(struct scene *s) { s->pcr[0].b[0] ^= 1; }
static void other_pcr10(struct scene *s) { s->pcr[3].b[0] ^= 1; }
static void spaced_claims(struct scene *s) { scene_var_data(s, ": "); }

/* afterwards */
static void quote_tail(struct scene *s) { s->b.quote = longer(s, s->b.quote); }
static void signature_tail(struct scene *s) { s->b.signature = longer(s, s->b.signature); }
static void sha1_signature(struct scene *s) { writable(s->b.signature)[3] = 0x04; }
static void flipped_signature(struct scene *s) { writable(s->b.signature)[20] ^= 1; }
static void key_garbage(struct scene *s) { s->b.ak_public = BYTES_LIT("\x30\x00"); }
static void other_key(struct scene *s)
{
    AUTO(buf_done) struct buf b = buf_new(512);
    must(pubkey_to_spki(&b, private_key_public(world.identity_key), NULL), "spki");
    s->b.ak_public = scene_keep(s, buf_view(&b));
}
static void put_area(struct scene *s, uint32_t attributes)
{
    AUTO(buf_done) struct buf b = buf_new(512);
    uint8_t xy[64];
    sim_xy(xy, 32, world.ak_leaf.key);
    buf_u16be(&b, ALG_ECC);
    buf_u16be(&b, ALG_SHA256);
    buf_u32be(&b, attributes);
    buf_u16be(&b, 0);
    buf_u16be(&b, ALG_NULL);
    buf_u16be(&b, ALG_ECDSA);
    buf_u16be(&b, ALG_SHA256);
    buf_u16be(&b, CURVE_P256);
    buf_u16be(&b, ALG_NULL);
    put_2b(&b, bytes_from(xy, 32));
    put_2b(&b, bytes_from(xy + 32, 32));
    s->b.ak_public = scene_keep(s, buf_view(&b));
}
static void good_area(struct scene *s) { put_area(s, 0x00050072); }
static void unrestricted(struct scene *s) { put_area(s, 0x00040072); }
static void empty_claims(struct scene *s) { s->b.ak_var_data = BYTES_LIT("{}"); }
static void put_envelope(struct scene *s, uint8_t damage)
{
    AUTO(buf_done) struct buf b = buf_new(8192);
    struct bytes json = bytes_str(s->var_data);
    struct hash32 h = sha256(json);
    h.b[0] ^= damage;
    buf_put(&b, BYTES_LIT("HCLA\2\0\0\0"));
    buf_zero(&b, 24 + 128);
    buf_put(&b, BYTES_OF(h));
    buf_zero(&b, 1184 - 128 - 32);
    buf_u32le(&b, 20 + (uint32_t)json.len);
    buf_u32le(&b, 1);
    buf_u32le(&b, 4);
    buf_u32le(&b, 1);
    buf_u32le(&b, (uint32_t)json.len);
    buf_put(&b, json);
    buf_zero(&b, 100);
    s->b.ak_var_data = scene_keep(s, buf_view(&b));
}
static void good_envelope(struct scene *s) { put_envelope(s, 0); }
static void bad_envelope(struct scene *s) { put_envelope(s, 1); }
static void give_crl(struct scene *s, uint64_t serial)
{
    struct bytes der = sim_crl(&world.ak_ca, world.sim.now_s - 100, world.sim.now_s + 100, 1, &serial, 1, false);
    must(collateral_add(&s->pool, "crl", der, COLLATERAL_LISTED, NULL), "CRL");
    free(writable(der));
}
static void other_revoked(struct scene *s) { give_crl(s, 99); }
static void leaf_revoked(struct scene *s) { give_crl(s, 3); }
static void wrong_use(struct scene *s) { s->b.ak_certs[0] = world.ak_wrong_use.der; }
static void chain_cut(struct scene *s) { s->b.ak_certs[1] = world.ak_root.der, s->b.num_ak_certs = 2; }
static void other_ak_named(struct scene *s) { s->policy.tpm.ak_sha256.count = 1, s->policy.tpm.ak_sha256.len[0] = 32; }
static void other_extra(struct scene *s) { s->expected.has_extra_data = true, s->expected.extra_data = BYTES_LIT("x"); }
static bool give_clock(void *ctx, struct hash32 ak, struct tpm_clock *out)
{
    (void)ak;
    *out = *(struct tpm_clock *)ctx;
    return true;
}
static void seen_later(struct scene *s)
{
    s->seen = (struct tpm_clock){.reset_count = 4};
    s->memory = (struct memory){.ctx = &s->seen, .clock = give_clock};
}
static void seen_later_but_asked_earlier(struct scene *s)
{
    seen_later(s);
    s->seen.seen_s = s->now_s + 1;
}
static void seen_before(struct scene *s)
{
    seen_later(s);
    s->seen = (struct tpm_clock){.reset_count = 0xfffffff0};
}
static void pcr_dropped(struct scene *s) { s->b.num_pcrs--; }
static void pcr_short(struct scene *s) { s->b.pcrs[2].value.len = 20; }
static void pcr_other(struct scene *s) { writable(s->b.pcrs[5].value)[0] ^= 1; }
static void event_other(struct scene *s) { s->b.pcrs[1].events[0].b[0] ^= 1; }
static void event_beyond(struct scene *s) { s->b.pcrs[1].measured[0] = NUM_EVENTS; }
static void zone_pinned(struct scene *s) { s->policy.tpm.zones = (struct policy_word_list){.item = {"zone"}, .count = 1}; }
static void vm_pinned(struct scene *s) { s->policy.tpm.vm_ids = (struct policy_word_list){.item = {"vm-2"}, .count = 1}; }
static void firmware_pinned(struct scene *s) { s->policy.tpm.firmware.count = 1, s->policy.tpm.firmware.len[0] = 8; }
static void says_sgx(struct scene *s) { s->b.tee = TEE_SGX; }
static void no_cloud(struct scene *s) { s->b.cloud = CLOUD_UNSET; }
static void other_report_id(struct scene *s) { writable(s->b.report_id)[1] ^= 1; }
static void snp_report(struct scene *s)
{
    uint8_t report[1184] = {[0] = 2, [0x34] = 1, [0x140] = 0x77};
    s->b.tee = TEE_SNP;
    s->b.report = scene_keep(s, BYTES(report));
}
static void raw_key(struct scene *s) { s->b.identity.raw = BYTES_LIT("x"); }
static void sign_call(struct scene *s, uint64_t nonce)
{
    AUTO(buf_done) struct buf m = buf_new(512), sig = buf_new(512);
    struct message msg = {.kind = MSG_REATTEST, .profile = PROFILE_G1B, .wide_chain_id = true, .chain_id = 31337,
                          .registry = s->expected.registry, .nonce = nonce, .quote_sha256 = sha256(s->b.quote)};
    must(message_build(&m, &msg, NULL) && private_key_sign_sha256(&sig, world.identity_key, buf_view(&m), NULL), "call signature");
    s->b.call = (struct bundle_call){.kind = CALL_REATTEST, .profile = PROFILE_G1B, .num_signatures = 1,
                                     .id = identity_hash(&s->b.identity, PROFILE_G1B)};
    s->b.call.signatures[0] = scene_keep(s, buf_view(&sig));
}
static void call_signed(struct scene *s) { sign_call(s, 0); }
static void call_other_nonce(struct scene *s) { sign_call(s, 1); }
/* only the hash of the signer is known: its key is found from the signature */
static void call_rotates(struct scene *s) { sign_call(s, 0), s->b.identity.key = scene_keep(s, BYTES(((uint8_t[64]){1}))); }
static void call_rotates_badly(struct scene *s) { sign_call(s, 2), s->b.identity.key = scene_keep(s, BYTES(((uint8_t[64]){1}))); }
static void rotation_unsigned(struct scene *s)
{
    sign_call(s, 0);
    s->expected.profile = PROFILE_G1C;
    s->b.call.id.b[0] ^= 1;
    s->b.call.num_signatures = 2;
}
/* G1c: the new identity signs as well, with its own counter, which the registry tells */
static void rotation_signed(struct scene *s, uint64_t nonce)
{
    AUTO(buf_done) struct buf m = buf_new(512), sig = buf_new(512);
    struct message msg = {.kind = MSG_IDENTITY_CHECK, .profile = PROFILE_G1C, .wide_chain_id = true, .chain_id = 31337,
                          .registry = s->expected.registry, .nonce = nonce};
    rotation_unsigned(s);
    must(message_build(&m, &msg, NULL) && private_key_sign_sha256(&sig, world.identity_key, buf_view(&m), NULL), "call signature");
    s->b.call.signatures[1] = scene_keep(s, buf_view(&sig));
    s->expected.has_new_nonce = true;
    s->expected.new_nonce = 5;
}
static void rotation_at_its_nonce(struct scene *s) { rotation_signed(s, 5); }
static void rotation_at_nonce_0(struct scene *s) { rotation_signed(s, 0); }
static void too_old(struct scene *s) { s->now_s += 700; }
static void too_early(struct scene *s) { s->now_s -= 400; }
static void give_golden(struct scene *s, struct bytes pcr)
{
    AUTO(buf_done) struct buf b = buf_new(1024);
    struct golden_values v = {0};
    v.value[GOLDEN_PCR0 + 23] = pcr;
    must(golden_file_write(&b, "web 1.4", &v, NULL), "golden file");
    s->expected.golden = scene_keep(s, buf_view(&b));
}
static void golden_member(struct scene *s) { give_golden(s, s->b.pcrs[5].value); }
static void golden_stranger(struct scene *s) { give_golden(s, s->b.pcrs[4].value); }
static void tcg_cut(struct scene *s) { s->b.event_log.len--; }
static void ccel_cut(struct scene *s) { s->b.ccel.len = 20; }
static void ima_cut(struct scene *s) { s->b.ima_log.len = 20; }
static void cel_cut(struct scene *s) { s->b.cel.len--; }

#define NOTHING ((void (*)(struct scene *))0)
static const struct {
    const char *id;
    bool passes;
    enum cloud cloud;
    void (*before)(struct scene *);
    void (*after)(struct scene *);
} cases[] = {
    {"tpm.quote", false, CLOUD_GCP, NOTHING, quote_tail},
    {"tpm.magic", false, CLOUD_GCP, bad_magic, NOTHING},
    {"tpm.type", false, CLOUD_GCP, bad_type, NOTHING},
    {"tpm.signature_form", false, CLOUD_GCP, NOTHING, signature_tail},
    {"tpm.weak_hash", false, CLOUD_GCP, NOTHING, sha1_signature},
    {"tpm.signature", false, CLOUD_GCP, NOTHING, flipped_signature},
    {"tpm.signature", false, CLOUD_AZURE, NOTHING, flipped_signature},
    {"tpm.signature", false, CLOUD_GCP, bad_magic, quote_tail},
    {"ak.key", false, CLOUD_GCP, NOTHING, key_garbage},
    {"ak.agreement", false, CLOUD_GCP, NOTHING, other_key},
    {"ak.attributes", true, CLOUD_GCP, NOTHING, good_area},
    {"ak.attributes", false, CLOUD_GCP, NOTHING, unrestricted},
    {"ak.var_data", false, CLOUD_AZURE, NOTHING, empty_claims},
    {"ak.hcl", true, CLOUD_AZURE, NOTHING, good_envelope},
    {"ak.hcl", false, CLOUD_AZURE, NOTHING, bad_envelope},
    {"ak.certificate", false, CLOUD_GCP, NOTHING, wrong_use},
    {"ak.chain", false, CLOUD_GCP, NOTHING, chain_cut},
    {"ak.revoked", true, CLOUD_GCP, NOTHING, other_revoked},
    {"ak.revoked", false, CLOUD_GCP, NOTHING, leaf_revoked},
    {"ak.trust", false, CLOUD_GCP, NOTHING, other_ak_named},
    {"ak.contract_key", false, CLOUD_AZURE, spaced_claims, NOTHING},
    {"ak.instance", false, CLOUD_GCP, NOTHING, zone_pinned},
    {"ak.vm", false, CLOUD_AZURE, NOTHING, vm_pinned},
    {"tpm.extra_data", false, CLOUD_GCP, NOTHING, other_extra},
    {"tpm.clock", true, CLOUD_GCP, NOTHING, seen_before},
    {"tpm.clock", false, CLOUD_GCP, NOTHING, seen_later},
    {"tpm.clock", true, CLOUD_GCP, NOTHING, seen_later_but_asked_earlier},
    {"tpm.pcr_bank", false, CLOUD_GCP, bad_bank, NOTHING},
    {"tpm.pcr_selection", false, CLOUD_GCP, NOTHING, pcr_dropped},
    {"tpm.pcr_values", false, CLOUD_GCP, NOTHING, pcr_short},
    {"tpm.pcr_digest", false, CLOUD_GCP, NOTHING, pcr_other},
    {"tpm.event_replay", false, CLOUD_GCP, NOTHING, event_other},
    {"tpm.event_index", false, CLOUD_GCP, NOTHING, event_beyond},
    {"tpm.safe", false, CLOUD_GCP, not_safe, NOTHING},
    {"tpm.firmware", false, CLOUD_GCP, NOTHING, firmware_pinned},
    {"binding.tee_report", false, CLOUD_GCP, NOTHING, says_sgx},
    {"binding.cloud", false, CLOUD_GCP, NOTHING, no_cloud},
    {"binding.report_data", false, CLOUD_AZURE, other_report_data, NOTHING},
    {"binding.report_id", false, CLOUD_GCP, NOTHING, other_report_id},
    {"binding.rtmr3", false, CLOUD_GCP, other_rtmr3, NOTHING},
    {"binding.snp_report_id", false, CLOUD_GCP, NOTHING, snp_report},
    {"identity.key", false, CLOUD_GCP, NOTHING, raw_key},
    {"binding.extra_data", false, CLOUD_GCP, no_ff, NOTHING},
    {"binding.identity", false, CLOUD_GCP, other_identity, NOTHING},
    {"identity.signature", true, CLOUD_GCP, NOTHING, call_signed},
    {"identity.signature", false, CLOUD_GCP, NOTHING, call_other_nonce},
    {"identity.signature", true, CLOUD_GCP, NOTHING, call_rotates},
    {"identity.signature", false, CLOUD_GCP, NOTHING, call_rotates_badly},
    {"identity.new_signature", false, CLOUD_GCP, NOTHING, rotation_unsigned},
    {"identity.new_signature", true, CLOUD_GCP, NOTHING, rotation_at_its_nonce},
    {"identity.new_signature", false, CLOUD_GCP, NOTHING, rotation_at_nonce_0},
    {"tail.present", false, CLOUD_GCP, no_tail, NOTHING},
    {"tail.binding", false, CLOUD_GCP, other_tail, NOTHING},
    {"tail.age", false, CLOUD_GCP, NOTHING, too_old},
    {"tail.future", false, CLOUD_GCP, NOTHING, too_early},
    {"golden.member", true, CLOUD_GCP, NOTHING, golden_member},
    {"golden.member", false, CLOUD_GCP, NOTHING, golden_stranger},
    {"log.tcg", false, CLOUD_GCP, NOTHING, tcg_cut},
    {"log.ccel", false, CLOUD_GCP, NOTHING, ccel_cut},
    {"log.ima", false, CLOUD_GCP, NOTHING, ima_cut},
    {"log.cel", false, CLOUD_GCP, NOTHING, cel_cut},
    {"log.tcg_replay", false, CLOUD_GCP, other_pcr0, NOTHING},
    {"log.ima_replay", false, CLOUD_GCP, other_pcr10, NOTHING},
    {"log.ccel_replay", false, CLOUD_GCP, other_rtmr0, NOTHING},
    {"log.cel_replay", false, CLOUD_GCP, other_rtmr2, NOTHING},
};
#define NUM_CASES (sizeof cases / sizeof cases[0])

/* --- running --- */

static void judge(struct scene *s, struct verdict *v)
{
    struct ev ev = {.bundle = &s->b, .policy = &s->policy, .roots = &s->roots, .expected = &s->expected,
                    .collateral = &s->pool, .memory = &s->memory, .now_s = s->now_s};
    evidence_judge(&ev, v);
    json_decref(verdict_to_json(&ev, v));
    evidence_done(&ev);
}

static bool ours(const char *id)
{
    static const char *const prefixes[] = {"tpm.", "ak.", "binding.", "identity.", "tail.", "golden.", "log."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(id, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static void good_evidence_passes_every_row(void **state)
{
    (void)state;
    static const enum cloud clouds[] = {CLOUD_GCP, CLOUD_AZURE};
    for (size_t c = 0; c < 2; c++) {
        struct scene s;
        AUTO(auto_free) struct verdict *v = malloc(sizeof *v);
        scene_begin(&s, clouds[c]);
        scene_finish(&s);
        judge(&s, v);
        size_t seen = 0;
        for (size_t i = 0; i < v->num_results; i++) {
            const struct result *r = &v->results[i];
            if (!ours(r->check->id))
                continue;
            seen++;
            if (r->finding.outcome != PASS)
                fail_msg("%s: %s: %s %s", cloud_name(clouds[c]), r->check->id, outcome_name(r->finding.outcome), r->finding.detail);
        }
        assert_int_equal(seen, tpm_kind.num_checks + binding_kind.num_checks + log_kind.num_checks);
        scene_done(&s);
    }
}

static void each_spoilt_thing_is_refused_by_its_row(void **state)
{
    (void)state;
    AUTO(auto_free) struct verdict *v = malloc(sizeof *v);
    for (size_t i = 0; i < NUM_CASES; i++) {
        struct scene s;
        scene_begin(&s, cases[i].cloud);
        if (cases[i].before)
            cases[i].before(&s);
        scene_finish(&s);
        if (cases[i].after)
            cases[i].after(&s);
        judge(&s, v);
        const struct result *r = verdict_find(v, cases[i].id);
        must(r, cases[i].id);
        bool passed = r->finding.outcome == PASS;
        if (passed != cases[i].passes)
            fail_msg("case %zu: %s: %s %s", i, cases[i].id, outcome_name(r->finding.outcome), r->finding.detail);
        if (r->finding.outcome == FAIL && r->check->on_fail == REJECTS)
            assert_int_equal(v->verdict, REJECTED);
        scene_done(&s);
    }
}

static void no_row_is_without_a_case_that_it_refuses(void **state)
{
    (void)state;
    static const struct kind *const kinds[] = {&tpm_kind, &binding_kind, &log_kind};
    for (size_t k = 0; k < 3; k++)
        for (size_t c = 0; c < kinds[k]->num_checks; c++) {
            bool refused = false;
            for (size_t i = 0; i < NUM_CASES; i++)
                refused |= !cases[i].passes && strcmp(cases[i].id, kinds[k]->checks[c].id) == 0;
            must(refused, kinds[k]->checks[c].id);
        }
}

static void every_bit_of_a_quote_is_signed(void **state)
{
    (void)state;
    struct scene s;
    AUTO(auto_free) struct verdict *v = malloc(sizeof *v);
    scene_begin(&s, CLOUD_GCP);
    scene_finish(&s);
    for (size_t bit = 0; bit < 8 * s.b.quote.len; bit++) {
        writable(s.b.quote)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        judge(&s, v);
        assert_int_equal(v->verdict, REJECTED);
        assert_int_not_equal(verdict_find(v, "tpm.signature")->finding.outcome, PASS);
        writable(s.b.quote)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < s.b.quote.len; len++) {
        struct bytes whole = s.b.quote;
        s.b.quote.len = len;
        judge(&s, v);
        assert_int_equal(v->verdict, REJECTED);
        s.b.quote = whole;
    }
    scene_done(&s);
}

static void foreign_evidence_is_taken_where_it_is_allowed_by_name(void **state)
{
    (void)state;
    struct scene s;
    AUTO(auto_free) struct verdict *v = malloc(sizeof *v);
    scene_begin(&s, CLOUD_GCP);
    no_tail(&s);
    scene_finish(&s);
    s.policy.allow_foreign_evidence = true;
    judge(&s, v);
    assert_int_equal(verdict_find(v, "tail.present")->finding.outcome, WAIVED);
    assert_int_equal(verdict_find(v, "tail.binding")->finding.outcome, WAIVED);
    scene_done(&s);
}

static void keep_clock(void *ctx, struct hash32 ak, const struct tpm_clock *seen)
{
    (void)ak;
    *(struct tpm_clock *)ctx = *seen;
}

static void a_verified_quote_is_remembered_and_older_ones_are_not(void **state)
{
    (void)state;
    struct scene s;
    AUTO(auto_free) struct verdict *v = malloc(sizeof *v);
    scene_begin(&s, CLOUD_GCP);
    scene_finish(&s);
    s.memory = (struct memory){.ctx = &s.seen, .clock = give_clock, .keep_clock = keep_clock};
    s.seen = (struct tpm_clock){.reset_count = 2, .clock_ms = 9000}; /* of an earlier boot */
    judge(&s, v);
    assert_int_equal(v->verdict, UNDECIDED); /* no collateral: nothing is learnt */
    assert_int_equal(s.seen.reset_count, 2);
    snprintf(s.policy.waived[s.policy.num_waived++], sizeof s.policy.waived[0], "tdx.*");
    judge(&s, v);
    assert_int_equal(v->verdict, VERIFIED);
    assert_int_equal(s.seen.reset_count, 3);
    assert_int_equal(s.seen.clock_ms, 5000);
    judge(&s, v); /* the same once more */
    assert_int_equal(v->verdict, VERIFIED);
    s.seen.clock_ms = 5001;
    judge(&s, v);
    assert_int_equal(v->verdict, REJECTED);
    scene_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_evidence_passes_every_row),
        cmocka_unit_test(each_spoilt_thing_is_refused_by_its_row),
        cmocka_unit_test(no_row_is_without_a_case_that_it_refuses),
        cmocka_unit_test(every_bit_of_a_quote_is_signed),
        cmocka_unit_test(foreign_evidence_is_taken_where_it_is_allowed_by_name),
        cmocka_unit_test(a_verified_quote_is_remembered_and_older_ones_are_not),
    };
    return cmocka_run_group_tests(tests, scene_world_make, scene_world_drop);
}
