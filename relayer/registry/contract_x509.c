/* The certificate rules of the TPM contract that G1b and G1c call (T @1a3ab2b): every key first, then dates, CA flags
 * and serials certificate by certificate, then names, key identifiers, and the signatures from the leaf up. What it
 * keeps of intermediates only spares it signatures that it has seen, so there is nothing to remember here.
 * registry-v1 10. */
#include "relayer/registry/contract.h"

#include "crypto/base/text.h"

#define MAX_CHAIN 4

struct cert_view {
    struct bytes der;
    struct node tbs, serial, issuer, validity, subject, spki;
    struct contract_key key;
};

static bool is_tag(struct bytes der, struct node node, uint8_t tag)
{
    return der.p[node.start] == tag;
}

/* From the serial number to the key, each node behind the last. */
static bool walk(struct exec *x, struct cert_view *c, struct bytes der)
{
    struct node root, at;
    c->der = der;
    if (!der_root(x, &root, der) || !der_child(x, &c->tbs, der, root) || !der_child(x, &at, der, c->tbs))
        return false;
    if (is_tag(der, at, 0xa0) && !der_next(x, &at, der, at))
        return false;
    c->serial = at;
    return der_next(x, &at, der, at) && der_next(x, &c->issuer, der, at) && der_next(x, &c->validity, der, c->issuer) &&
           der_next(x, &c->subject, der, c->validity) && der_next(x, &c->spki, der, c->subject);
}

static bool curve_of(struct exec *x, struct contract_key *key, struct bytes der, struct node algorithm, struct node oid)
{
    struct node params;
    if (!der_next(x, &params, der, oid))
        return false;
    if (params.start > algorithm.last)
        return stop_error(x, "Asn1PointerOutOfBounds()");
    struct bytes curve = der_contents(der, params);
    if (!bytes_eq(curve, BYTES_LIT("\x2a\x86\x48\xce\x3d\x03\x01\x07")))
        return stop_error_bytes(x, "UnsupportedECCurve(bytes)", curve);
    key->params = CURVE_P256;
    return true;
}

static bool take_key(struct exec *x, struct cert_view *c)
{
    struct node algorithm, bits, oid;
    struct bytes der = c->der;
    if (!der_child(x, &algorithm, der, c->spki) || !der_next(x, &bits, der, algorithm) ||
        !der_child(x, &oid, der, algorithm) || !der_bit_string(x, &c->key.data, der, bits))
        return false;
    struct bytes name = der_contents(der, oid);
    if (bytes_eq(name, BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"))) {
        c->key.algo = ALG_RSA;
        return true;
    }
    if (!bytes_eq(name, BYTES_LIT("\x2a\x86\x48\xce\x3d\x02\x01")))
        return stop_error_bytes(x, "UnknownPublicKeyAlgorithm(bytes)", name);
    c->key.algo = ALG_ECC;
    return curve_of(x, &c->key, der, algorithm, oid);
}

/* --- dates --- */

static int two_digits(const uint8_t *p)
{
    return (p[0] - '0') * 10 + p[1] - '0';
}

static bool take_time(struct exec *x, uint64_t *out, struct bytes der, struct node node)
{
    struct bytes t = der_contents(der, node);
    bool utc = is_tag(der, node, 0x17);
    if (t.len != (utc ? 13 : 15) || t.p[t.len - 1] != 'Z')
        return stop_error(x, "InvalidTimeFormat()");
    for (size_t i = 0; i + 1 < t.len; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return stop_error(x, "InvalidTimeFormat()");
    int year = two_digits(t.p);
    year = utc ? year + (year < 50 ? 2000 : 1900) : year * 100 + two_digits(t.p + 2);
    const uint8_t *p = t.p + (utc ? 2 : 4);
    int month = two_digits(p), day = two_digits(p + 2), hour = two_digits(p + 4), minute = two_digits(p + 6),
        second = two_digits(p + 8);
    if (month == 0 || month > 12 || day == 0 || day > 31 || hour > 23 || minute > 59 || second > 59)
        return stop_error(x, "InvalidTimeFormat()");
    *out = (uint64_t)time_from_civil(year, month, day, hour, minute, second); /* before 1970: huge, as there */
    return true;
}

static bool check_validity(struct exec *x, const struct cert_view *c, uint64_t now_s)
{
    struct node from, to;
    uint64_t not_before, not_after;
    if (!der_child(x, &from, c->der, c->validity) || !der_next(x, &to, c->der, from))
        return false;
    for (int i = 0; i < 2; i++) {
        uint8_t tag = c->der.p[i ? to.start : from.start];
        if (tag != 0x17 && tag != 0x18)
            return stop_error_words(x, "InvalidTimeTag(uint8)", (struct hash32[]){word_of(tag)}, 1);
    }
    if (!take_time(x, &not_before, c->der, from) || !take_time(x, &not_after, c->der, to))
        return false;
    return (not_before <= now_s && now_s <= not_after) || stop_error(x, "CertificateExpired()");
}

/* --- extensions --- */

/* Contents of the extension's OCTET STRING (or whatever stands there). */
static bool find_extension(struct exec *x, bool *found, struct bytes *value, const struct cert_view *c,
                           struct bytes oid)
{
    struct node holder, list, ext, name, at;
    *found = false;
    if (!der_next(x, &holder, c->der, c->spki))
        return false;
    if (!is_tag(c->der, holder, 0xa3))
        return true;
    if (!der_child(x, &list, c->der, holder) || !der_child(x, &ext, c->der, list))
        return false;
    while (ext.start <= list.last) {
        if (!der_child(x, &name, c->der, ext))
            return false;
        if (bytes_eq(der_contents(c->der, name), oid)) {
            if (!der_next(x, &at, c->der, name) || (is_tag(c->der, at, 0x01) && !der_next(x, &at, c->der, at)))
                return false;
            *found = true;
            *value = der_contents(c->der, at);
            return true;
        }
        if (!der_next(x, &ext, c->der, ext))
            return false;
    }
    return true;
}

struct constraints {
    bool exists, is_ca, has_path_len;
    struct hash32 path_len; /* 256-bit number */
};

static bool take_path_len(struct exec *x, struct constraints *out, struct bytes der, struct node node)
{
    struct bytes v = der_contents(der, node);
    out->has_path_len = true;
    if (v.p[0] & 0x80)
        return stop_error(x, "Asn1NotPositiveInteger()");
    if (v.len > 32)
        return stop_error(x, "BytesLengthExceeds32()");
    memcpy(out->path_len.b + 32 - v.len, v.p, v.len);
    return true;
}

static bool take_constraints(struct exec *x, struct constraints *out, const struct cert_view *c)
{
    struct node seq, flag, next;
    struct bytes v;
    bool found;
    *out = (struct constraints){0};
    if (!find_extension(x, &found, &v, c, BYTES_LIT("\x55\x1d\x13")))
        return false;
    if (!found)
        return true;
    if (v.len < 2 || v.p[0] != 0x30)
        return stop_error(x, "InvalidBasicConstraintsFormat()");
    if (v.len == 2 && v.p[1] == 0)
        return true;
    out->exists = true;
    if (!der_root(x, &seq, v) || !der_child(x, &flag, v, seq))
        return false;
    if (!is_tag(v, flag, 0x01))
        return true;
    if (flag.last != flag.first)
        return stop_error(x, "InvalidBooleanLength()");
    out->is_ca = v.p[flag.first] != 0;
    if (!out->is_ca || flag.last + 3 >= v.len)
        return true;
    if (!der_next(x, &next, v, flag))
        return false;
    return !is_tag(v, next, 0x02) || take_path_len(x, out, v, next);
}

static bool take_key_usage(struct exec *x, bool *exists, bool *key_cert_sign, const struct cert_view *c)
{
    struct bytes v;
    *key_cert_sign = false;
    if (!find_extension(x, exists, &v, c, BYTES_LIT("\x55\x1d\x0f")) || !*exists)
        return !x->stopped;
    if (v.len < 3 || v.p[0] != 0x03)
        return stop_error(x, "InvalidBitString()");
    uint8_t len = v.p[1];
    if (v.p[2] < 8 && len > 253) /* 2 + len in eight bits */
        return stop_panic(x, PANIC_OVERFLOW);
    if (v.p[2] >= 8 || v.len < 2u + len)
        return stop_error(x, "InvalidBitString()");
    if (len == 0)
        return stop_panic(x, PANIC_OVERFLOW);
    *key_cert_sign = len >= 2 && (v.p[3] & 0x04);
    return true;
}

static bool below(uint64_t n, const struct hash32 *limit)
{
    struct hash32 v = word_of(n);
    return memcmp(v.b, limit->b, sizeof v.b) <= 0;
}

static bool check_leaf_flags(struct exec *x, const struct constraints *bc)
{
    if (bc->is_ca)
        return stop_error(x, "LeafCertIsCa()");
    return !bc->has_path_len || stop_error(x, "LeafCertHasPathLen()");
}

static bool check_issuer_flags(struct exec *x, const struct constraints *bc, size_t below_it)
{
    if (!bc->exists)
        return stop_error(x, "IssuerCertMissingBasicConstraints()");
    if (!bc->is_ca)
        return stop_error(x, "CertNotCa()");
    return !bc->has_path_len || below(below_it, &bc->path_len) || stop_error(x, "PathLenConstraintViolated()");
}

static bool check_ca(struct exec *x, const struct cert_view *c, size_t i)
{
    struct constraints bc;
    bool usage, may_sign;
    if (!take_constraints(x, &bc, c))
        return false;
    if (!(i == 0 ? check_leaf_flags(x, &bc) : check_issuer_flags(x, &bc, i - 1)) ||
        !take_key_usage(x, &usage, &may_sign, c))
        return false;
    if (i == 0)
        return !may_sign || stop_error(x, "LeafCertHasKeyCertSign()");
    if (!usage)
        return stop_error(x, "MissingKeyUsageExtension()");
    return may_sign || stop_error(x, "KeyCertSignNotSet()");
}

static bool take_akid(struct exec *x, struct bytes *out, const struct cert_view *c)
{
    struct node seq, first;
    struct bytes v;
    bool found;
    *out = (struct bytes){0};
    if (!find_extension(x, &found, &v, c, BYTES_LIT("\x55\x1d\x23")) || !found)
        return !x->stopped;
    if (v.len < 2 || v.p[0] != 0x30)
        return stop_error(x, "InvalidAkidFormat()");
    if (!der_root(x, &seq, v) || !der_child(x, &first, v, seq))
        return false;
    if (is_tag(v, first, 0x80))
        *out = der_contents(v, first);
    return true;
}

static bool take_skid(struct exec *x, struct bytes *out, const struct cert_view *c)
{
    struct bytes v;
    bool found;
    *out = (struct bytes){0};
    if (!find_extension(x, &found, &v, c, BYTES_LIT("\x55\x1d\x0e")) || !found)
        return !x->stopped;
    if (v.len < 2 || v.p[0] != 0x04 || v.p[1] > 0x80)
        return stop_error(x, "InvalidSkidFormat()");
    if (v.len < 2u + v.p[1])
        return stop_error(x, "InvalidSkidFormat()");
    *out = bytes_sub(v, 2, v.p[1]);
    return true;
}

static bool check_serial(struct exec *x, const struct cert_view *c)
{
    struct bytes v = der_contents(c->der, c->serial);
    if (!is_tag(c->der, c->serial, 0x02))
        return stop_error(x, "InvalidAsn1Tag()");
    bool padded = v.len > 1 && v.p[0] == 0;
    if (v.p[0] >= 0x80 || (padded && v.p[1] < 0x80) || v.len - padded > 20)
        return stop_error(x, "InvalidSerialNumber()");
    return true;
}

static bool name_is_sequence(struct exec *x, const struct cert_view *c, struct node name)
{
    return is_tag(c->der, name, 0x30) || stop_error(x, "InvalidAsn1Tag()");
}

static bool check_alone(struct exec *x, const struct cert_view *c, size_t i, uint64_t now_s)
{
    struct bytes akid; /* only looked up there, for the list of revoked certificates */
    return check_validity(x, c, now_s) && check_ca(x, c, i) && name_is_sequence(x, c, c->issuer) &&
           check_serial(x, c) && take_akid(x, &akid, c);
}

/* --- links --- */

static bool check_names(struct exec *x, const struct cert_view *c, const struct cert_view *issuer)
{
    if (!name_is_sequence(x, issuer, issuer->subject))
        return false;
    return bytes_eq(der_whole(c->der, c->issuer), der_whole(issuer->der, issuer->subject)) ||
           stop_error(x, "IssuerSubjectDNMismatch()");
}

static bool stop_akid(struct exec *x, size_t i, struct bytes akid, struct bytes skid)
{
    const struct abi_type *type;
    struct arena mem = arena_new(1 << 16);
    struct abi_value args = abi_new_list(&mem, 3);
    if (args.item && abi_type_parse(&type, &mem, BYTES_LIT("(uint256,bytes,bytes)"), NULL)) {
        args.item[0] = abi_from_u64(&mem, i);
        args.item[1] = abi_from_bytes(akid);
        args.item[2] = abi_from_bytes(skid);
        stop_error(x, "CertChainAKIDMismatch(uint256,bytes,bytes)");
        abi_encode(&x->revert, type, &args, NULL);
    } else {
        stop_unknown(x, "no memory");
    }
    arena_done(&mem);
    return false;
}

static bool check_key_ids(struct exec *x, const struct cert_view *chain, size_t i)
{
    struct bytes skid, akid;
    if (!take_skid(x, &skid, &chain[i + 1]))
        return false;
    if (skid.len == 0)
        return stop_error(x, "IssuerCertMissingSKID()");
    if (!take_akid(x, &akid, &chain[i]))
        return false;
    if (akid.len == 0 && i == 0)
        return true;
    return bytes_eq(akid, skid) || stop_akid(x, i, akid, skid);
}

/* r then s, 32 bytes each, from the contract's reading of ECDSA-Sig-Value */
static bool ecdsa_raw(struct exec *x, uint8_t out[64], struct bytes sig)
{
    struct node root, part;
    if (sig.len == 0 || sig.p[0] != 0x30)
        return stop_error(x, "InvalidEcdsaSignatureFormat()");
    struct node parts[2];
    if (!der_root(x, &root, sig) || !der_child(x, &parts[0], sig, root) || !der_next(x, &parts[1], sig, parts[0]))
        return false;
    memset(out, 0, 64);
    for (int i = 0; i < 2; i++) {
        part = parts[i];
        struct bytes v = der_contents(sig, part);
        while (v.len && v.p[0] == 0)
            v = bytes_sub(v, 1, v.len - 1);
        if (v.len > 32)
            return stop_error(x, "EcdsaComponentTooLarge()");
        if (v.len)
            memcpy(out + 32 * (i + 1) - v.len, v.p, v.len);
    }
    return true;
}

static uint16_t scheme_of(const struct contract_key *key, struct bytes oid)
{
    if (key->algo == ALG_RSA && bytes_eq(oid, BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")))
        return ALG_RSASSA;
    if (key->algo == ALG_ECC && bytes_eq(oid, BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02")))
        return ALG_ECDSA;
    return 0;
}

static bool check_signature(struct exec *x, const struct cert_view *c, const struct contract_key *issuer)
{
    struct node algorithm, bits, oid;
    struct bytes sig;
    uint8_t raw[64];
    bool ok = false;
    if (!der_next(x, &algorithm, c->der, c->tbs) || !der_next(x, &bits, c->der, algorithm) ||
        !der_bit_string(x, &sig, c->der, bits))
        return false;
    if (sig.len < 64 || sig.len > 512)
        return stop_error(x, "InvalidSignatureSize()");
    if (!der_child(x, &oid, c->der, algorithm))
        return false;
    uint16_t scheme = scheme_of(issuer, der_contents(c->der, oid));
    if (!scheme)
        return stop_error_bytes(x, "UnknownSignatureAlgorithm(bytes)", der_contents(c->der, oid));
    if (scheme == ALG_ECDSA) {
        if (!ecdsa_raw(x, raw, sig))
            return false;
        sig = BYTES(raw);
    }
    if (!key_verify(x, &ok, issuer, scheme, sha256(der_whole(c->der, c->tbs)), sig))
        return false;
    return ok || stop_error(x, "InvalidSignature()");
}

static bool trusted(const struct trust *trust, struct bytes der)
{
    for (size_t i = 0; i < trust->num_roots; i++)
        if (bytes_eq(trust->roots[i], der))
            return true;
    return trust->also && trust->also(trust->ctx, der);
}

static bool chain_key_newer(struct exec *x, struct contract_key *out, const struct abi_value *certs,
                            const struct trust *trust, uint64_t now_s)
{
    struct cert_view chain[MAX_CHAIN] = {0};
    size_t n = certs->count;
    if (n == 0 || n > MAX_CHAIN)
        return stop_error(x, "InvalidCertChainLength()");
    if (!trusted(trust, certs->item[n - 1].data))
        return stop_error(x, "RootCaNotAtEndOfChain()");
    for (size_t i = 0; i < n; i++)
        if (!walk(x, &chain[i], certs->item[i].data) || !take_key(x, &chain[i]))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!check_alone(x, &chain[i], i, now_s))
            return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (!check_names(x, &chain[i], &chain[i + 1]))
            return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (!check_key_ids(x, chain, i))
            return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (!check_signature(x, &chain[i], &chain[i + 1].key))
            return false;
    *out = chain[0].key;
    return true;
}

/* --- G1a (T @9b283b0) --- */

/* "Not a OID", then as many bytes as the next one says. */
static bool key_legacy(struct exec *x, struct cert_view *c, struct arena *mem)
{
    struct node algorithm, bits;
    struct bytes der = c->der;
    if (!der_child(x, &algorithm, der, c->spki))
        return false;
    struct bytes v = der_contents(der, algorithm);
    if (v.len < 2)
        return stop_panic(x, PANIC_INDEX);
    if (v.p[0] != 0x06)
        return stop_string(x, "Not a OID");
    struct bytes oid = bytes_sub(v, 2, v.p[1]);
    bool rsa = bytes_eq(oid, BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"));
    if (!rsa && !bytes_eq(oid, BYTES_LIT("\x2a\x86\x48\xce\x3d\x02\x01")))
        return stop_string(x, "unknown pubkey algo");
    c->key = (struct contract_key){
        .scheme = rsa ? ALG_RSASSA : ALG_ECDSA, .params = rsa ? 0 : CURVE_P256, .hash_algo = ALG_SHA256};
    if (!der_next(x, &bits, der, algorithm) || !der_bit_string(x, &c->key.data, der, bits))
        return false;
    if (rsa)
        return true;
    (void)mem;
    if (c->key.data.len != 65 || c->key.data.p[0] != 0x04)
        return stop_string(x, "compressed public key not supported");
    c->key.data = bytes_sub(c->key.data, 1, 64);
    return true;
}

/* One decimal digit pair in eight-bit arithmetic that stops where it overflows. */
static bool pair_legacy(struct exec *x, int *out, struct bytes t, size_t at)
{
    if (at + 1 >= t.len)
        return stop_panic(x, PANIC_INDEX);
    int tens = t.p[at] - '0', sum = tens * 10 + t.p[at + 1];
    if (tens < 0 || tens * 10 > 255 || sum > 255 || sum < '0')
        return stop_panic(x, PANIC_OVERFLOW);
    *out = sum - '0';
    return true;
}

static bool time_legacy(struct exec *x, uint64_t *out, struct bytes t)
{
    int p[7], century = 0;
    size_t at = t.len == 13 ? 0 : 2, n = 0;
    if (at && !pair_legacy(x, &century, t, 0))
        return false;
    for (; n < 6; n++, at += 2)
        if (!pair_legacy(x, &p[n], t, at))
            return false;
    int year = p[0] + (t.len == 13 ? (t.p[0] - '0' < 5 ? 2000 : 1900) : century * 100);
    *out = (uint64_t)time_from_civil(year, p[1], p[2], p[3], p[4], p[5]);
    return true;
}

static bool validity_legacy(struct exec *x, const struct cert_view *c, uint64_t now_s)
{
    struct node from, to;
    uint64_t not_before, not_after;
    if (!der_child(x, &from, c->der, c->validity) || !der_next(x, &to, c->der, from) ||
        !time_legacy(x, &not_before, der_contents(c->der, from)) ||
        !time_legacy(x, &not_after, der_contents(c->der, to)))
        return false;
    return (not_before <= now_s && now_s <= not_after) || stop_string(x, "cert not valid yet");
}

static bool signature_legacy(struct exec *x, const struct cert_view *c, const struct contract_key *issuer)
{
    struct node algorithm, bits;
    struct bytes sig;
    bool ok = false;
    if (!der_next(x, &algorithm, c->der, c->tbs) || !der_next(x, &bits, c->der, algorithm) ||
        !der_bit_string(x, &sig, c->der, bits) ||
        !key_verify_legacy(x, &ok, issuer, sha256(der_whole(c->der, c->tbs)), sig))
        return false;
    return ok || stop_string(x, "verify sig failed");
}

/* No version is assumed to be absent there: always one node before the serial number. */
static bool walk_legacy(struct exec *x, struct cert_view *c, struct bytes der)
{
    struct node root, at;
    c->der = der;
    return der_root(x, &root, der) && der_child(x, &c->tbs, der, root) && der_child(x, &at, der, c->tbs) &&
           der_next(x, &c->serial, der, at) && der_next(x, &at, der, c->serial) && der_next(x, &c->issuer, der, at) &&
           der_next(x, &c->validity, der, c->issuer) && der_next(x, &c->subject, der, c->validity) &&
           der_next(x, &c->spki, der, c->subject);
}

static bool chain_key_legacy(struct exec *x, struct contract_key *out, struct arena *mem, const struct abi_value *certs,
                             const struct trust *trust, uint64_t now_s)
{
    struct cert_view chain[MAX_CHAIN] = {0};
    size_t n = certs->count;
    if (n == 0)
        return stop_string(x, "CertChainRegistry: empty certs");
    if (n > MAX_CHAIN)
        return stop_string(x, "CertChainRegistry: too many certs");
    for (size_t i = 0; i < n; i++)
        if (!walk_legacy(x, &chain[i], certs->item[i].data) || !key_legacy(x, &chain[i], mem))
            return false;
    if (!trusted(trust, certs->item[n - 1].data))
        return stop_string(x, "CertChainRegistry: no CA found");
    if (!validity_legacy(x, &chain[0], now_s))
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (!signature_legacy(x, &chain[i], &chain[i + 1].key))
            return false;
    *out = chain[0].key;
    return true;
}

bool chain_key(struct exec *x, struct contract_key *out, struct arena *mem, const struct abi_value *certs,
               const struct trust *trust, uint64_t now_s)
{
    return x->legacy ? chain_key_legacy(x, out, mem, certs, trust, now_s)
                     : chain_key_newer(x, out, certs, trust, now_s);
}
