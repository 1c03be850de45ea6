#include "relayer/evidence/hcl.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <ctype.h>
#include <stdio.h>

enum { HCL_HEADER = 32, HCL_HW_REPORT = 1184, HCL_DATA_HEADER = 20 };

bool hcl_is_report(struct bytes in)
{
    return in.len >= 4 && memcmp(in.p, "HCLA", 4) == 0;
}

/* MS-CVM: the header and the five numbers in front of the JSON are covered by nothing; they only say where things are.
 */
bool hcl_report_parse(struct hcl_report *out, struct bytes in, struct err *err)
{
    if (!hcl_is_report(in))
        return err_set(err, ERR_FORMAT, "HCL report: does not begin with HCLA");
    struct reader r = rd_from(in);
    struct hcl_report h = {0};
    rd_skip(&r, 4, "signature");
    h.version = rd_u32le(&r, "version");
    rd_skip(&r, HCL_HEADER - 8, "header");
    h.hw_report = rd_bytes(&r, HCL_HW_REPORT, "hardware report");
    uint32_t data_size = rd_u32le(&r, "data size");
    rd_skip(&r, 4, "data version");
    h.report_type = rd_u32le(&r, "report type");
    h.hash_type = rd_u32le(&r, "hash type");
    uint32_t var_size = rd_u32le(&r, "variable data size");
    h.var_data = rd_bytes(&r, var_size, "variable data");
    struct bytes rest = rd_rest(&r);
    if (!rd_finish(&r, err))
        return err_wrap(err, "HCL report");
    if (data_size != HCL_DATA_HEADER + (uint64_t)var_size)
        return err_set(err, ERR_FORMAT, "HCL report: data size %u, but 20 and %u bytes of variable data", data_size,
                       var_size);
    if (!bytes_is_zero(rest))
        return err_set(err, ERR_FORMAT, "HCL report: something else than zeros behind the variable data");
    h.report_data = h.report_type == HCL_TDX ? bytes_sub(h.hw_report, 128, 64) : bytes_sub(h.hw_report, 0x50, 64);
    *out = h;
    return true;
}

bool hcl_report_binds(const struct hcl_report *r, struct err *err)
{
    static const enum hash_alg algs[] = {HASH_NONE, HASH_SHA256, HASH_SHA384, HASH_SHA512};
    if (r->report_type != HCL_SNP && r->report_type != HCL_TDX)
        return err_set(err, ERR_REFUSED, "HCL report: type %u, want 2 (SNP) or 4 (TDX)", r->report_type);
    if (r->hash_type < 1 || r->hash_type > 3)
        return err_set(err, ERR_REFUSED, "HCL report: hash type %u, want 1 to 3", r->hash_type);
    struct digest d = hash_of(algs[r->hash_type], r->var_data);
    if (!bytes_eq(bytes_sub(r->report_data, 0, d.len), digest_view(&d)) ||
        !bytes_is_zero(bytes_sub(r->report_data, d.len, 64 - d.len)))
        return err_set(err, ERR_REFUSED, "HCL report: report_data is not the %s of the variable data",
                       hash_name(algs[r->hash_type]));
    return true;
}

bool hcl_report_data_is(struct bytes report_data, struct bytes var_data)
{
    struct hash32 h = sha256(var_data);
    return report_data.len == 64 && memcmp(report_data.p, h.b, 32) == 0 &&
           bytes_is_zero(bytes_sub(report_data, 32, 32));
}

/* --- the claims --- */

static struct bytes text_of(const json_t *o, const char *member)
{
    const json_t *j = json_object_get(o, member);
    return json_is_string(j) ? bytes_from(json_string_value(j), json_string_length(j)) : (struct bytes){0};
}

static struct pubkey *jwk_rsa(const json_t *key, struct err *err)
{
    AUTO(buf_done) struct buf n = buf_new(1024), e = buf_new(16);
    if (!bytes_eq(text_of(key, "kty"), BYTES_LIT("RSA"))) {
        err_set(err, ERR_CRYPTO, "HCLAkPub: kty is not RSA");
        return NULL;
    }
    if (!base64url_decode(&n, text_of(key, "n"), err) || !base64url_decode(&e, text_of(key, "e"), err)) {
        err_wrap(err, "HCLAkPub");
        return NULL;
    }
    struct pubkey *k = pubkey_from_rsa(buf_view(&n), buf_view(&e), err);
    if (!k)
        err_wrap(err, "HCLAkPub");
    return k;
}

static const json_t *find_ak(const json_t *doc, enum hcl_fault *fault)
{
    const json_t *ak = NULL, *key;
    size_t i;
    json_array_foreach((json_t *)json_object_get(doc, "keys"), i, key)
    {
        if (!bytes_eq(text_of(key, "kid"), BYTES_LIT("HCLAkPub")))
            continue;
        *fault = ak ? HCL_AK_TWICE : HCL_OK;
        if (ak)
            return NULL;
        ak = key;
    }
    if (!ak)
        *fault = HCL_AK_MISSING;
    return ak;
}

static void take_rest(struct hcl_claims *c, const json_t *doc)
{
    const json_t *config = json_object_get(doc, "vm-configuration");
    struct bytes id = text_of(config, "vmUniqueId");
    if (id.len < sizeof c->vm_id)
        memcpy(c->vm_id, id.p ? id.p : (const uint8_t *)"", id.len);
    const json_t *secure_boot = json_object_get(config, "secure-boot");
    c->has_secure_boot = json_is_boolean(secure_boot);
    c->secure_boot = json_is_true(secure_boot);
    struct bytes user = text_of(doc, "user-data");
    if (hex_decode_fixed(c->mem, sizeof c->mem, user, NULL))
        c->user_data = BYTES(c->mem);
}

enum hcl_fault hcl_claims_parse(struct hcl_claims *out, struct bytes var_data, struct err *err)
{
    json_error_t why;
    json_auto_t *doc = json_loadb((const char *)var_data.p, var_data.len, JSON_REJECT_DUPLICATES, &why);
    if (!doc) {
        bool twice = json_error_code(&why) == json_error_duplicate_key;
        err_set(err, ERR_FORMAT, "variable data: line %d: %s", why.line, why.text);
        return twice ? HCL_DUPLICATE : HCL_JSON;
    }
    enum hcl_fault fault = HCL_OK;
    const json_t *key = find_ak(doc, &fault);
    if (fault != HCL_OK) {
        err_set(err, ERR_FORMAT, "variable data: %s key HCLAkPub", fault == HCL_AK_TWICE ? "more than one" : "no");
        return fault;
    }
    struct hcl_claims c = {.ak = jwk_rsa(key, err)};
    if (!c.ak)
        return HCL_AK_KEY;
    take_rest(&c, doc);
    *out = c;
    if (c.user_data.len)
        out->user_data = BYTES(out->mem);
    return HCL_OK;
}

void hcl_claims_done(struct hcl_claims *c)
{
    pubkey_free(c->ak);
    *c = (struct hcl_claims){0};
}

/* Value of the next "name":" at or after *at; *at is behind it afterwards. */
static bool next_value(struct bytes text, const char *name, size_t *at, struct bytes *value)
{
    char pattern[16];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    size_t from = bytes_find(text, bytes_str(pattern), *at);
    if (from == SIZE_MAX)
        return false;
    from += strlen(pattern);
    size_t to = bytes_find(text, BYTES_LIT("\""), from);
    if (to == SIZE_MAX)
        return false;
    *value = bytes_sub(text, from, to - from);
    *at = to;
    return true;
}

bool hcl_contract_finds(struct bytes var_data, const struct pubkey *ak, struct err *err)
{
    size_t at = bytes_find(var_data, BYTES_LIT("\"kid\":\"HCLAkPub\""), 0);
    if (at == SIZE_MAX)
        return err_set(err, ERR_REFUSED, "the contract does not find \"kid\":\"HCLAkPub\" in this spelling");
    struct bytes kty, e, n;
    if (!next_value(var_data, "kty", &at, &kty) || !next_value(var_data, "e", &at, &e) ||
        !next_value(var_data, "n", &at, &n))
        return err_set(err, ERR_REFUSED,
                       "the contract wants kty, e and n in this order behind the kid, without blanks");
    if (bytes_find(var_data, BYTES_LIT("\"kid\":\"HCLEkPub\""), at) == SIZE_MAX)
        return err_set(err, ERR_REFUSED, "the contract wants HCLEkPub behind the AK");
    AUTO(buf_done) struct buf nb = buf_new(1024), eb = buf_new(16);
    if (!bytes_eq(kty, BYTES_LIT("RSA")) || !base64url_decode(&nb, n, NULL) || !base64url_decode(&eb, e, NULL) ||
        !bytes_eq(buf_view(&nb), pubkey_rsa_n(ak)) || !bytes_eq(buf_view(&eb), pubkey_rsa_e(ak)))
        return err_set(err, ERR_REFUSED, "the contract's text search ends at another key than the JSON's HCLAkPub");
    return true;
}

bool hcl_pcr6_is(const struct hcl_claims *c, struct bytes pcr6)
{
    char text[64];
    snprintf(text, sizeof text, "UUID: %s", c->vm_id);
    for (char *p = text + 6; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    struct hash32 zero = {{0}}, id = sha256(bytes_str(text)),
                  machine = sha256(BYTES_LIT("{\"MachineArchitecture\": \"X64\"}")),
                  separator = sha256(BYTES_LIT("\0\0\0\0"));
    struct hash32 old = sha256_2(BYTES_OF(zero), BYTES_OF(id));
    struct hash32 new = sha256_2(BYTES_OF(old), BYTES_OF(machine));
    old = sha256_2(BYTES_OF(old), BYTES_OF(separator));
    new = sha256_2(BYTES_OF(new), BYTES_OF(separator));
    return bytes_eq(pcr6, BYTES_OF(old)) || bytes_eq(pcr6, BYTES_OF(new));
}
