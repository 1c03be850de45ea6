#include "relayer/evidence/bundle_names.h"

const struct bundle_word bundle_clouds[] = {{"gcp", CLOUD_GCP}, {"azure", CLOUD_AZURE}, {0}};
const struct bundle_word bundle_tees[] = {{"tdx", TEE_TDX}, {"snp", TEE_SNP}, {"sgx", TEE_SGX}, {0}};
const struct bundle_word bundle_report_types[] = {{"native", REPORT_NATIVE},
                                                  {"zk-succinct", REPORT_ZK_SUCCINCT},
                                                  {"zk-risc0", REPORT_ZK_RISC0},
                                                  {"unset", REPORT_UNSET},
                                                  {0}};
const struct bundle_word bundle_profiles[] = {{"g1a", PROFILE_G1A}, {"g1b", PROFILE_G1B}, {"g1c", PROFILE_G1C}, {0}};
const struct bundle_word bundle_calls[] = {
    {"attestCvm", CALL_ATTEST}, {"reattestCvmWithTpm", CALL_REATTEST}, {"setCollateralTTL", CALL_SET_TTL}, {0}};
const struct bundle_word bundle_schemes[] = {{"ecdsa", ALG_ECDSA}, {"rsassa", ALG_RSASSA}, {0}};
const struct bundle_word bundle_curves[] = {{"none", 0}, {"p256", CURVE_P256}, {"p384", CURVE_P384}, {0}};
const struct bundle_word bundle_hashes[] = {{"sha1", ALG_SHA1},     {"sha256", ALG_SHA256}, {"sha384", ALG_SHA384},
                                            {"sha512", ALG_SHA512}, {"null", ALG_NULL},     {0}};
const struct bundle_word bundle_banks[] = {
    {"sha1", HASH_SHA1}, {"sha256", HASH_SHA256}, {"sha384", HASH_SHA384}, {"sha512", HASH_SHA512}, {0}};
const struct bundle_word bundle_algos[] = {{"rsa", ALG_RSA}, {"ecc", ALG_ECC}, {0}};

const char *bundle_word_of(const struct bundle_word *words, unsigned value)
{
    for (; words->word; words++)
        if (words->value == value)
            return words->word;
    return NULL;
}
