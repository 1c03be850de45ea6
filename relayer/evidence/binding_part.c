#include "relayer/evidence/binding_part.h"

enum profile binding_profile(const struct ev *ev)
{
    if (ev->expected->profile != PROFILE_NONE)
        return ev->expected->profile;
    return ev->bundle->call.profile != PROFILE_NONE ? ev->bundle->call.profile : PROFILE_G1B;
}

enum call_kind binding_call(const struct ev *ev)
{
    if (ev->expected->call != CALL_NONE)
        return ev->expected->call;
    return ev->bundle->call.kind != CALL_NONE ? ev->bundle->call.kind : CALL_ATTEST;
}
