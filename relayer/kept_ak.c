#include "relayer/kept_ak.h"

#include "crypto/base/auto.h"
#include "relayer/evidence/ak.h"
#include "relayer/evidence/identity.h"

bool kept_ak(struct pubkey **out, const struct onchain_identity *on, struct err *err)
{
    const struct onchain_key *ak = &on->ak;
    struct identity id = {.present = true, .algo = ak->algo, .params = ak->params, .scheme = ak->algo == ALG_RSA ? ALG_RSASSA : ALG_ECDSA,
                          .hash_algo = ALG_SHA256, .key = ak->data};
    if (!on->registered || !ak->data.len) {
        *out = NULL;
        return true;
    }
    if (ak->algo == ALG_ECC && ak->data.len == 65)
        id.key = bytes_sub(ak->data, 1, 64);
    struct pubkey *key = identity_pubkey(&id, err);
    if (!key)
        return err_wrap(err, "the attestation key that the registry keeps");
    *out = key;
    return true;
}

bool kept_ak_is_other(const struct pubkey *kept, const struct bundle *bundle)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 20);
    struct ak ak;
    if (!kept)
        return false;
    ak_open(&ak, bundle, NULL, &mem);
    bool other = ak.key && !pubkey_eq(ak.key, kept);
    ak_close(&ak);
    return other;
}
