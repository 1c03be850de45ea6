#include "relayer/evidence/bundle.h"

#define BUNDLE_MAX (16u << 20)

/* Names of a small enum whose values start at 0; NULL entries have none. */
#define NAMED(function, type, fallback, ...)                                                                           \
    const char *function(type v)                                                                                       \
    {                                                                                                                  \
        static const char *const names[] = {__VA_ARGS__};                                                              \
        return (size_t)v < sizeof names / sizeof names[0] && names[v] ? names[v] : fallback;                           \
    }
NAMED(cloud_name, enum cloud, "unset", "unset", "gcp", "azure")
NAMED(profile_name, enum profile, "none", "none", "g1a", "g1b", "g1c")
NAMED(call_name, enum call_kind, "none", "none", "attestCvm", "reattestCvmWithTpm", "setCollateralTTL")
#undef NAMED

const char *tee_name(enum tee_type t)
{
    switch (t) {
    case TEE_NONE:
        return "none";
    case TEE_TDX:
        return "tdx";
    case TEE_SNP:
        return "sev-snp";
    case TEE_SGX:
        return "sgx";
    }
    return "none";
}

bool profile_from_name(enum profile *out, const char *name)
{
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        if (strcmp(name, profile_name(p)) == 0) {
            *out = p;
            return true;
        }
    return false;
}

struct bundle bundle_new(void)
{
    return (struct bundle){.mem = arena_new(BUNDLE_MAX)};
}

void bundle_done(struct bundle *b)
{
    arena_done(&b->mem);
    json_decref(b->tdx_collateral);
    *b = (struct bundle){0};
}
