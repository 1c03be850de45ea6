#include "relayer/evidence/tpm_quote.h"

#include "relayer/evidence/bundle.h"

#include <tss2/tss2_mu.h>

enum hash_alg tpm_hash_alg(uint16_t alg)
{
    switch (alg) {
    case ALG_SHA1:
        return HASH_SHA1;
    case ALG_SHA256:
        return HASH_SHA256;
    case ALG_SHA384:
        return HASH_SHA384;
    case ALG_SHA512:
        return HASH_SHA512;
    default:
        return HASH_NONE;
    }
}

/* What tss2-mu says when it stops; and nothing may be left over. */
static bool all_taken(TSS2_RC rc, size_t offset, size_t len, const char *what, struct err *err)
{
    if (rc != TSS2_RC_SUCCESS)
        return err_set(err, ERR_FORMAT, "%s: does not parse (tss2-mu %#x at byte %zu of %zu)", what, rc, offset, len);
    if (offset != len)
        return err_set(err, ERR_FORMAT, "%s: %zu bytes left over at offset %zu", what, len - offset, offset);
    return true;
}

/* --- attest --- */

bool tpm_attest_head(struct tpm_attest *out, struct bytes in, struct err *err)
{
    struct reader r = rd_from(in);
    uint32_t magic = rd_u32be(&r, "magic");
    uint16_t type = rd_u16be(&r, "type");
    if (!rd_ok(&r, err))
        return err_wrap(err, "TPMS_ATTEST");
    out->magic = magic;
    out->type = type;
    return true;
}

static uint32_t bitmap(const TPMS_PCR_SELECTION *s)
{
    uint32_t pcrs = 0;
    for (unsigned i = 0; i < s->sizeofSelect && i < sizeof s->pcrSelect; i++)
        pcrs |= (uint32_t)s->pcrSelect[i] << (8 * i);
    return pcrs;
}

static void take_quote(struct tpm_attest *a)
{
    const TPMS_QUOTE_INFO *q = &a->raw.attested.quote;
    a->num_selections = q->pcrSelect.count;
    for (size_t i = 0; i < a->num_selections && i < TPM_MAX_BANKS; i++)
        a->selection[i] = (struct tpm_selection){.alg = q->pcrSelect.pcrSelections[i].hash,
                                                 .bank = tpm_hash_alg(q->pcrSelect.pcrSelections[i].hash),
                                                 .pcrs = bitmap(&q->pcrSelect.pcrSelections[i])};
    a->pcr_digest = bytes_from(q->pcrDigest.buffer, q->pcrDigest.size);
}

static void take_certify(struct tpm_attest *a)
{
    const TPMS_CERTIFY_INFO *c = &a->raw.attested.certify;
    a->name = bytes_from(c->name.name, c->name.size);
    a->qualified_name = bytes_from(c->qualifiedName.name, c->qualifiedName.size);
}

bool tpm_attest_parse(struct tpm_attest *out, struct bytes in, struct err *err)
{
    struct tpm_attest head = {0};
    if (!tpm_attest_head(&head, in, err))
        return false;
    if (head.magic != TPM_MAGIC || (head.type != TPM_ST_QUOTE && head.type != TPM_ST_CERTIFY))
        return err_set(err, ERR_FORMAT, "TPMS_ATTEST: magic %08x type %04x, want ff544347 and 8018 or 8017", head.magic,
                       head.type);
    TPMS_ATTEST raw = {0};
    size_t offset = 0;
    TSS2_RC rc = Tss2_MU_TPMS_ATTEST_Unmarshal(in.p, in.len, &offset, &raw);
    if (!all_taken(rc, offset, in.len, "TPMS_ATTEST", err))
        return false;
    *out = (struct tpm_attest){.magic = head.magic, .type = head.type, .raw = raw};
    out->signer = bytes_from(out->raw.qualifiedSigner.name, out->raw.qualifiedSigner.size);
    out->extra_data = bytes_from(out->raw.extraData.buffer, out->raw.extraData.size);
    out->clock_ms = raw.clockInfo.clock;
    out->reset_count = raw.clockInfo.resetCount;
    out->restart_count = raw.clockInfo.restartCount;
    out->safe = raw.clockInfo.safe != 0;
    out->firmware = raw.firmwareVersion;
    if (out->type == TPM_ST_QUOTE)
        take_quote(out);
    else
        take_certify(out);
    return true;
}

/* --- signature --- */

static void take_rsa(struct tpm_signature *s, const TPMS_SIGNATURE_RSA *rsa)
{
    s->hash_algo = rsa->hash;
    s->len = rsa->sig.size;
    memcpy(s->mem, rsa->sig.buffer, s->len);
}

static void take_ecdsa(struct tpm_signature *s, const TPMS_SIGNATURE_ECC *ecc)
{
    s->hash_algo = ecc->hash;
    s->len = ecc->signatureR.size < sizeof s->s ? ecc->signatureR.size : sizeof s->s;
    s->s_len = ecc->signatureS.size < sizeof s->s ? ecc->signatureS.size : sizeof s->s;
    memcpy(s->mem, ecc->signatureR.buffer, s->len);
    memcpy(s->s, ecc->signatureS.buffer, s->s_len);
}

bool tpm_signature_parse(struct tpm_signature *out, struct bytes in, struct err *err)
{
    if (in.len < 4)
        return err_set(err, ERR_FORMAT, "TPMT_SIGNATURE: %zu bytes", in.len);
    TPMT_SIGNATURE raw = {0};
    struct tpm_signature s = {.scheme = be16(in.p)};
    if (s.scheme != ALG_RSASSA && s.scheme != ALG_RSAPSS && s.scheme != ALG_ECDSA)
        return err_set(err, ERR_FORMAT, "TPMT_SIGNATURE: scheme %04x, want RSASSA, RSAPSS or ECDSA", s.scheme);
    size_t offset = 0;
    TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Unmarshal(in.p, in.len, &offset, &raw);
    if (!all_taken(rc, offset, in.len, "TPMT_SIGNATURE", err))
        return false;
    if (s.scheme == ALG_ECDSA)
        take_ecdsa(&s, &raw.signature.ecdsa);
    else
        take_rsa(&s, s.scheme == ALG_RSASSA ? &raw.signature.rsassa : &raw.signature.rsapss);
    s.hash = tpm_hash_alg(s.hash_algo);
    if (s.hash == HASH_NONE)
        return err_set(err, ERR_FORMAT, "TPMT_SIGNATURE: unknown hash %04x", s.hash_algo);
    *out = s;
    return true;
}

/* TPMs may drop leading zeros: put the number back to the field's width. */
static bool widen(uint8_t *out, size_t width, const uint8_t *in, size_t len)
{
    if (len > width)
        return false;
    memset(out, 0, width - len);
    memcpy(out + width - len, in, len);
    return true;
}

bool tpm_signature_verify(const struct tpm_signature *sig, const struct pubkey *key, struct bytes message)
{
    struct digest d = hash_of(sig->hash, message);
    size_t width = pubkey_type(key) == KEY_P384 ? 48 : 32;
    uint8_t r[48], s[48];
    switch (sig->scheme) {
    case ALG_RSASSA:
        return pubkey_verify_pkcs1(key, sig->hash, digest_view(&d), bytes_from(sig->mem, sig->len));
    case ALG_RSAPSS: /* the salt is as long as the digest */
        return pubkey_verify_pss(key, sig->hash, d.len, digest_view(&d), bytes_from(sig->mem, sig->len));
    case ALG_ECDSA:
        return pubkey_type(key) != KEY_RSA && widen(r, width, sig->mem, sig->len) &&
               widen(s, width, sig->s, sig->s_len) &&
               pubkey_verify_ecdsa(key, digest_view(&d), bytes_from(r, width), bytes_from(s, width));
    default:
        return false;
    }
}

/* --- public area --- */

static struct pubkey *rsa_key(const TPMT_PUBLIC *t, struct err *err)
{
    uint32_t e = t->parameters.rsaDetail.exponent ? t->parameters.rsaDetail.exponent : 65537;
    uint8_t exponent[4] = {(uint8_t)(e >> 24), (uint8_t)(e >> 16), (uint8_t)(e >> 8), (uint8_t)e};
    size_t skip = 0;
    while (skip < 3 && exponent[skip] == 0)
        skip++;
    return pubkey_from_rsa(bytes_from(t->unique.rsa.buffer, t->unique.rsa.size), bytes_from(exponent + skip, 4 - skip),
                           err);
}

static struct pubkey *ecc_key(const TPMT_PUBLIC *t, struct err *err)
{
    uint16_t curve = t->parameters.eccDetail.curveID;
    size_t width = curve == CURVE_P384 ? 48 : 32;
    uint8_t xy[96];
    const TPMS_ECC_POINT *p = &t->unique.ecc;
    if (curve != CURVE_P256 && curve != CURVE_P384) {
        err_set(err, ERR_CRYPTO, "curve %04x, want P-256 or P-384", curve);
        return NULL;
    }
    if (!widen(xy, width, p->x.buffer, p->x.size) || !widen(xy + width, width, p->y.buffer, p->y.size)) {
        err_set(err, ERR_CRYPTO, "coordinates longer than the curve's field");
        return NULL;
    }
    /* the TPM writes coordinates at the field's width; much shorter ones belong to another curve */
    if (p->x.size + 8u < width || p->y.size + 8u < width) {
        err_set(err, ERR_CRYPTO, "coordinates of %u and %u bytes on a curve of %zu", p->x.size, p->y.size, width);
        return NULL;
    }
    return pubkey_from_ec(curve == CURVE_P256 ? KEY_P256 : KEY_P384, bytes_from(xy, 2 * width), err);
}

static bool name_of(struct digest *out, uint16_t name_alg, struct bytes area)
{
    enum hash_alg alg = tpm_hash_alg(name_alg);
    struct digest d = hash_of(alg == HASH_NONE ? HASH_SHA256 : alg, area);
    if (alg == HASH_NONE || d.len + 2 > sizeof out->b)
        return false;
    out->b[0] = (uint8_t)(name_alg >> 8);
    out->b[1] = (uint8_t)name_alg;
    memcpy(out->b + 2, d.b, d.len);
    out->len = d.len + 2;
    return true;
}

bool tpm_public_parse(struct tpm_public *out, struct bytes in, struct err *err)
{
    struct bytes area = in;
    if (in.len > 2 && be16(in.p) == in.len - 2) /* no type is as large as a real area is long */
        area = bytes_sub(in, 2, in.len - 2);
    TPMT_PUBLIC t = {0};
    size_t offset = 0;
    TSS2_RC rc = area.len ? Tss2_MU_TPMT_PUBLIC_Unmarshal(area.p, area.len, &offset, &t) : TSS2_MU_RC_BAD_SIZE;
    if (!all_taken(rc, offset, area.len, "TPMT_PUBLIC", err))
        return false;
    struct tpm_public p = {.attributes = t.objectAttributes, .area = area};
    if (!name_of(&p.name, t.nameAlg, area))
        return err_set(err, ERR_FORMAT, "TPMT_PUBLIC: name algorithm %04x", t.nameAlg);
    if (t.type == ALG_RSA)
        p.key = rsa_key(&t, err);
    else if (t.type == ALG_ECC)
        p.key = ecc_key(&t, err);
    else
        return err_set(err, ERR_FORMAT, "TPMT_PUBLIC: type %04x, want RSA or ECC", t.type);
    if (!p.key)
        return err_wrap(err, "TPMT_PUBLIC");
    *out = p;
    return true;
}

void tpm_public_done(struct tpm_public *p)
{
    pubkey_free(p->key);
    *p = (struct tpm_public){0};
}
