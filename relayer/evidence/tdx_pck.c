#include "relayer/evidence/tdx_pck.h"

#include "crypto/base/der.h"

/* 1.2.840.113741.1.13.1; members add arcs below 128, one byte each */
#define SGX_OID "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"
#define SGX_LEN (sizeof(SGX_OID) - 1)

/* The member's arc behind the prefix oid of prefix_len bytes; 0 where it is not one below it. */
static unsigned arc_of(struct bytes oid, size_t prefix_len, uint8_t group)
{
    uint8_t prefix[SGX_LEN + 1];
    memcpy(prefix, SGX_OID, SGX_LEN);
    prefix[SGX_LEN] = group;
    if (oid.len != prefix_len + 1 || !bytes_eq(bytes_sub(oid, 0, prefix_len), bytes_from(prefix, prefix_len)))
        return 0;
    return oid.p[prefix_len] < 0x80 ? oid.p[prefix_len] : 0;
}

/* One member SEQUENCE { OID, value }: opens it and marks it in *seen; 0 (and a failure) when it came before. */
static unsigned next_member(struct der *list, struct der *member, uint8_t group, uint32_t *seen)
{
    *member = der_enter(list, DER_SEQUENCE, "member");
    unsigned arc = arc_of(der_take(member, DER_OID, "member oid"), group ? SGX_LEN + 1 : SGX_LEN, group);
    if (arc > 31 || arc == 0)
        return 0;
    if (*seen & 1u << arc)
        der_fail(list, "member", "twice");
    *seen |= 1u << arc;
    return arc;
}

static void take_octets(struct der *member, void *out, size_t len, const char *field)
{
    struct bytes b = der_take(member, DER_OCTET_STRING, field);
    if (!member->failed && b.len != len)
        der_fail(member, field, "of another length");
    if (!member->failed)
        memcpy(out, b.p, len);
}

static uint16_t take_number(struct der *member, uint16_t max, const char *field)
{
    uint64_t v = der_u64(member, field);
    if (!member->failed && v > max)
        der_fail(member, field, "too large");
    return member->failed ? 0 : (uint16_t)v;
}

/* Carry a member's failure over to the list that it stands in. */
static void close_member(struct der *list, struct der *member, const char *field)
{
    if (!der_finish(member, NULL))
        der_fail(list, member->failed ? member->field : field, member->failed ? member->why : "bytes left over");
}

static void take_tcb(struct pck *p, struct der *member)
{
    struct der list = der_enter(member, DER_SEQUENCE, "TCB"), m;
    uint32_t seen = 0;
    while (der_more(&list)) {
        unsigned arc = next_member(&list, &m, 2, &seen);
        if (arc >= 1 && arc <= 16)
            p->components[arc - 1] = (uint8_t)take_number(&m, UINT8_MAX, "TCB component SVN");
        else if (arc == 17)
            p->pce_svn = take_number(&m, UINT16_MAX, "PCESVN");
        else if (arc == 18)
            take_octets(&m, p->cpu_svn, sizeof p->cpu_svn, "CPUSVN");
        else
            continue;
        close_member(&list, &m, "TCB member");
    }
    if (!list.failed && (seen & 0x7fffe) != 0x7fffe)
        der_fail(&list, "TCB", "wants sixteen components, PCESVN and CPUSVN");
    close_member(member, &list, "TCB");
}

static enum tristate take_flag(struct der *member, const char *field)
{
    return der_bool(member, field) ? YES : NO;
}

static void take_configuration(struct pck *p, struct der *member)
{
    struct der list = der_enter(member, DER_SEQUENCE, "Configuration"), m;
    uint32_t seen = 0;
    while (der_more(&list)) {
        unsigned arc = next_member(&list, &m, 7, &seen);
        if (arc == 1)
            p->dynamic_platform = take_flag(&m, "Dynamic Platform");
        else if (arc == 2)
            p->cached_keys = take_flag(&m, "Cached Keys");
        else if (arc == 3)
            p->smt_enabled = take_flag(&m, "SMT Enabled");
        else
            continue;
        close_member(&list, &m, "Configuration member");
    }
    close_member(member, &list, "Configuration");
}

static unsigned take_sgx_type(struct der *member)
{
    struct bytes b = der_take(member, DER_ENUMERATED, "SGX Type");
    if (!member->failed && (b.len != 1 || b.p[0] > SGX_SCALABLE_WITH_INTEGRITY))
        der_fail(member, "SGX Type", "unknown");
    return member->failed ? 0 : b.p[0];
}

static bool take_member(struct pck *p, unsigned arc, struct der *m)
{
    switch (arc) {
    case 1:
        take_octets(m, p->ppid, sizeof p->ppid, "PPID");
        return true;
    case 2:
        take_tcb(p, m);
        return true;
    case 3:
        take_octets(m, p->pce_id, sizeof p->pce_id, "PCE-ID");
        return true;
    case 4:
        take_octets(m, p->fmspc, sizeof p->fmspc, "FMSPC");
        return true;
    case 5:
        p->sgx_type = take_sgx_type(m);
        return true;
    case 6:
        take_octets(m, p->platform_instance_id, sizeof p->platform_instance_id, "Platform Instance ID");
        p->has_platform_instance_id = true;
        return true;
    case 7:
        take_configuration(p, m);
        return true;
    default:
        return false;
    }
}

static const struct bytes sgx_oid = BYTES_LIT(SGX_OID);

bool pck_is(const struct cert *cert)
{
    return cert_find_ext(cert, sgx_oid) != NULL;
}

bool pck_parse(struct pck *out, const struct cert *cert, struct err *err)
{
    const struct cert_ext *ext = cert_find_ext(cert, sgx_oid);
    if (!ext)
        return err_set(err, ERR_FORMAT, "PCK certificate: no SGX extensions (1.2.840.113741.1.13.1)");
    struct pck p = {0};
    struct der outer = der_from(ext->value), m;
    struct der list = der_enter(&outer, DER_SEQUENCE, "SGX extensions");
    uint32_t seen = 0;
    while (der_more(&list))
        if (take_member(&p, next_member(&list, &m, 0, &seen), &m))
            close_member(&list, &m, "SGX extension");
    if (!list.failed && (seen & 0x3e) != 0x3e)
        der_fail(&list, "SGX extensions", "want PPID, TCB, PCE-ID, FMSPC and SGX Type");
    if (!der_finish(&list, err) || !der_finish(&outer, err))
        return err_wrap(err, "PCK certificate");
    *out = p;
    return true;
}

const char *pck_ca_name(const struct cert *pck)
{
    struct bytes cn = name_find(pck->issuer, OID_CN);
    if (bytes_find(cn, BYTES_LIT("PCK Platform CA"), 0) != SIZE_MAX)
        return "platform";
    return bytes_find(cn, BYTES_LIT("PCK Processor CA"), 0) != SIZE_MAX ? "processor" : NULL;
}
