/* Calldata and a little state from outside, in every profile: no crash, no unbounded work, the same answer twice, a revert
 * leaves the state alone, and every error that is raised has its row. */
#include "crypto/base/auto.h"
#include "relayer/registry/calldata.h"
#include "relayer/registry/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static const uint8_t key[65] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d,
    0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
    0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* The identity that the call names first is registered. */
static void register_target(struct registry_state *s, struct bytes calldata, const uint8_t *choice, bool legacy)
{
    static const uint8_t output[595];
    struct kept_identity id = {.tee_type = 1 + (choice[0] & 1),
                               .cloud_type = 1 + (choice[0] >> 1 & 1),
                               .tee_ttl_s = 1000,
                               .tpm_ttl_s = 1000,
                               .tee_recent_s = 500,
                               .tpm_recent_s = 500,
                               .key = {.algo = ALG_ECC, .params = CURVE_P256, .scheme = ALG_ECDSA, .hash_algo = ALG_SHA256},
                               .tee_output = BYTES(output)};
    id.key.data = legacy ? bytes_from(key + 1, 64) : BYTES(key);
    id.ak = id.key;
    if (calldata.len < 36)
        return;
    memcpy(id.id.b, calldata.p + 4, 32);
    must(registry_state_put(s, &id));
}

static void same(const struct prediction *a, const struct prediction *b)
{
    must(a->answer == b->answer && bytes_eq(buf_view(&a->revert), buf_view(&b->revert)) &&
         bytes_eq(buf_view(&a->returned), buf_view(&b->returned)));
}

static void round_trip(const struct registry_state *s)
{
    json_auto_t *doc = registry_state_to_json(s);
    AUTO(registry_state_done) struct registry_state back = registry_state_new();
    struct err err = {0};
    must(registry_state_from_json(&back, doc, &err));
    json_auto_t *again = registry_state_to_json(&back);
    must(json_equal(doc, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6)
        return 0;
    struct predict_call call = {.profile = (enum profile)(PROFILE_G1A + data[0] % 3),
                                .chain_id = 31337,
                                .block_time_s = 400 + data[1] * 10u,
                                .calldata = bytes_from(data + 3, size - 3),
                                .tee = (enum tee_answer)(data[2] % 3),
                                .report_id_pcr = 15};
    for (int pass = 0; pass < 2; pass++) {
        AUTO(prediction_done) struct prediction first = {0}, second = {0};
        AUTO(registry_state_done) struct registry_state a = registry_state_new(), b = registry_state_new();
        if (pass) {
            register_target(&a, call.calldata, data + 2, call.profile == PROFILE_G1A);
            register_target(&b, call.calldata, data + 2, call.profile == PROFILE_G1A);
        }
        size_t before = a.num_ids;
        must(predict(&first, &a, &call, NULL) && predict(&second, &b, &call, NULL));
        same(&first, &second);
        must(first.answer == PREDICT_SUCCESS || a.num_ids == before);
        must(first.answer != PREDICT_REVERT || !first.step || first.row);
        json_auto_t *doc = prediction_to_json(&first, call.profile);
        must(doc != NULL);
        round_trip(&a);
    }
    return 0;
}
