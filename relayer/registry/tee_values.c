#include "relayer/registry/tee_values.h"

const char *const tdx_value_names[TDX_NUM_VALUES] = {"mr_td", "mr_seam", "rtmr0", "rtmr1", "rtmr2", "rtmr3"};

void tee_values_from_tdx_body(struct tee_values *out, struct bytes body)
{
    static const size_t offsets[TDX_NUM_VALUES] = {136, 16, 328, 376, 424, 472};
    *out = (struct tee_values){0};
    for (size_t i = 0; i < TDX_NUM_VALUES; i++)
        memcpy(out->tdx[i].b, body.p + offsets[i], sizeof out->tdx[i].b);
    memcpy(out->report_data, body.p + TDX_BODY_REPORT_DATA, sizeof out->report_data);
}

bool tee_values_fmspc(uint8_t out[static 6], struct bytes o)
{
    static const uint8_t old_form[] = {0x81, 0, 0, 0}; /* the TEE type where the body's type stands now (registry-v1 7) */
    if (o.len < TDX_OUTPUT_BODY + TDX_BODY_LEN)
        return false;
    memcpy(out, o.p + (memcmp(o.p + 2, old_form, sizeof old_form) == 0 ? 7 : 5), 6);
    return true;
}

void tee_values_from_snp_report(struct tee_values *out, struct bytes report)
{
    *out = (struct tee_values){0};
    memcpy(out->report_data, report.p + 80, sizeof out->report_data);
    memcpy(out->snp_measurement.b, report.p + 144, sizeof out->snp_measurement.b);
    memcpy(out->report_id.b, report.p + 320, sizeof out->report_id.b);
}
