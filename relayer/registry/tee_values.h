/* What the registry reads out of TEE evidence: measurements, report data, report id. Offsets alone, no judgement.
 * registry-v1 6 (step 2) and 7. */
#ifndef CVM_REGISTRY_TEE_VALUES_H
#define CVM_REGISTRY_TEE_VALUES_H

#include "crypto/base/bytes.h"

enum { TDX_MRTD = 0, TDX_MRSEAM, TDX_RTMR0, TDX_RTMR1, TDX_RTMR2, TDX_RTMR3, TDX_NUM_VALUES };
extern const char *const tdx_value_names[TDX_NUM_VALUES]; /* "mr_td", as in a verdict */

#define TDX_BODY_LEN         584
#define TDX_QUOTE_BODY       48 /* offset in a version 4 quote */
#define TDX_OUTPUT_BODY      11 /* offset in what the DCAP contract answers */
#define TDX_BODY_REPORT_DATA 520
#define SNP_REPORT_MIN       352 /* up to the report id */

struct tee_values {
    struct hash48 tdx[TDX_NUM_VALUES]; /* zero for SNP */
    struct hash48 snp_measurement;     /* zero for TDX */
    struct hash32 report_id;           /* zero for TDX */
    uint8_t report_data[64];
};

/* Of the platform, from what the DCAP contract answered and the registry keeps; both of its forms. False where it is none. */
bool tee_values_fmspc(uint8_t out[static 6], struct bytes tdx_output);
/* body: at least TDX_BODY_LEN bytes. */
void tee_values_from_tdx_body(struct tee_values *out, struct bytes body);
/* report: at least SNP_REPORT_MIN bytes. */
void tee_values_from_snp_report(struct tee_values *out, struct bytes report);

#endif
