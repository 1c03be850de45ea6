/* HCL reports and the variable data within them. */
#include "relayer/evidence/hcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hcl_report r;
    struct hcl_claims c;
    struct err err;
    struct bytes var_data = bytes_from(data, size);
    if (hcl_report_parse(&r, var_data, &err)) {
        hcl_report_binds(&r, &err);
        var_data = r.var_data;
    }
    if (hcl_claims_parse(&c, var_data, &err) == HCL_OK) {
        hcl_contract_finds(var_data, c.ak, &err);
        hcl_pcr6_is(&c, var_data);
        hcl_claims_done(&c);
    }
    return 0;
}
