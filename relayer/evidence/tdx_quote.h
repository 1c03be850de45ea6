/* DCAP quotes: version 3 (SGX), 4 (SGX, TDX 1.0) and 5 (SGX, TDX 1.0 and 1.5 bodies), bytes to views.
 * Only what the layout needs is judged here; whether the values are good is tdx_checks' business.
 * Intel DCAP quote library: SGX ECDSA quote 0.9 appendix A (v3), TDX DCAP quote 0.9 appendix A (v4, v5). Little-endian. */
#ifndef CVM_EVIDENCE_TDX_QUOTE_H
#define CVM_EVIDENCE_TDX_QUOTE_H

#include "crypto/base/bytes.h"

#define TEE_TYPE_SGX   0x00000000u
#define TEE_TYPE_TDX   0x00000081u
#define KEY_ECDSA_P256 2

#define QUOTE_HEADER_LEN 48
#define SGX_REPORT_LEN   384
#define TD10_REPORT_LEN  584
#define TD15_REPORT_LEN  648

enum quote_body { BODY_NONE = 0, BODY_SGX = 1, BODY_TD10 = 2, BODY_TD15 = 3 }; /* the numbers of a v5 body descriptor */

/* Certification data types, quote library A.4.9 (A.3.9 in v4). */
enum cert_data_type {
    CERT_PPID_PLAIN = 1,
    CERT_PPID_RSA2048 = 2,
    CERT_PPID_RSA3072 = 3,
    CERT_PCK_LEAF = 4,
    CERT_PCK_CHAIN = 5,
    CERT_QE_REPORT = 6,
    CERT_PLATFORM_MANIFEST = 7,
};

struct quote_header {
    uint16_t version, key_type;
    uint32_t tee_type;
    struct bytes vendor_id, user_data; /* 16, 20 */
};

/* An SGX report body: an enclave's, or the quoting enclave's own. */
struct sgx_report {
    struct bytes raw;
    struct bytes cpu_svn, miscselect, attributes, mr_enclave, mr_signer, report_data;
    struct bytes config_id, isv_ext_prod_id, isv_family_id;
    uint16_t isv_prod_id, isv_svn, config_svn;
};

struct td_report {
    struct bytes tcb_svn, mr_seam, mr_signer_seam, seam_attributes, td_attributes, xfam;
    struct bytes mr_td, mr_config_id, mr_owner, mr_owner_config, rtmr[4], report_data;
    struct bytes tcb_svn2, mr_service_td; /* TD 1.5, else empty */
};

/* Views into the quote, which must outlive it. */
struct tdx_quote {
    struct quote_header header;
    enum quote_body body;
    struct bytes signed_part; /* header and body, with a v5 body descriptor */
    struct sgx_report enclave; /* BODY_SGX */
    struct td_report td;       /* BODY_TD10, BODY_TD15 */
    struct bytes sig, attestation_key; /* r s, x y; big-endian */
    uint16_t outer_type;               /* v4 and v5: CERT_QE_REPORT, or nothing below is filled in; v3: 0 */
    struct sgx_report qe;
    struct bytes qe_sig, qe_auth;
    uint16_t cert_type;
    struct bytes cert_data;
    struct bytes trailing; /* behind the quote: not signed, see quote_trailing_ok */
};

bool quote_header_parse(struct quote_header *out, struct bytes in, struct err *err);
/* Does the version go with the TEE type? (3 is SGX's alone.) */
bool quote_version_fits(const struct quote_header *h);
/* The whole quote, of a version and TEE type that fit. ERR_FORMAT: too short, lengths that do not meet, unknown body. */
bool tdx_quote_parse(struct tdx_quote *out, struct bytes in, struct err *err);
/* Producers pad: up to 8000 bytes with zeros (Google), one NUL, a line end of a text tool. Zeros and white space are
 * taken, anything else is not part of any quote. */
bool quote_trailing_ok(struct bytes trailing);

#endif
