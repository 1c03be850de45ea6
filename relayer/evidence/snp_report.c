#include "relayer/evidence/snp_report.h"

const char *snp_product_name(enum snp_product p)
{
    static const char *const names[] = {
        [SNP_UNKNOWN] = "unknown", [SNP_MILAN] = "Milan", [SNP_GENOA] = "Genoa", [SNP_TURIN] = "Turin"};
    return names[p];
}

/* AMD 57230: which CPUID (extended family, range of models) is which product */
static const struct {
    uint8_t family, model_from, model_to;
    enum snp_product product;
    const char *name;
} products[] = {
    {0x19, 0x00, 0x0f, SNP_MILAN, "Milan"},
    {0x19, 0x10, 0x1f, SNP_GENOA, "Genoa"},
    {0x19, 0xa0, 0xaf, SNP_GENOA, "Siena or Bergamo"},
    {0x1a, 0x00, 0x11, SNP_TURIN, "Turin"},
};
#define NUM_PRODUCTS (sizeof products / sizeof *products)

static size_t product_row(uint8_t family, uint8_t model)
{
    size_t i = 0;
    while (i < NUM_PRODUCTS &&
           !(products[i].family == family && products[i].model_from <= model && model <= products[i].model_to))
        i++;
    return i;
}

enum snp_product snp_product_from_cpuid(uint8_t family, uint8_t model)
{
    size_t i = product_row(family, model);
    return i < NUM_PRODUCTS ? products[i].product : SNP_UNKNOWN;
}

const char *snp_model_name(uint8_t family, uint8_t model)
{
    size_t i = product_row(family, model);
    return i < NUM_PRODUCTS ? products[i].name : "unknown";
}

/* --- TCB_VERSION --- */

/* AMD 56860 2.2: the byte in which each component stands; NONE: the product has no such component */
enum { NONE = 8 };
static const struct tcb_layout {
    uint8_t fmc, boot_loader, tee, snp, microcode;
} tcb_layouts[] = {
    [SNP_UNKNOWN] = {NONE, 0, 1, 6, 7},
    [SNP_MILAN] = {NONE, 0, 1, 6, 7},
    [SNP_GENOA] = {NONE, 0, 1, 6, 7},
    [SNP_TURIN] = {0, 1, 2, 3, 7},
};

struct snp_tcb snp_tcb_decode(struct snp_raw_tcb raw, enum snp_product product)
{
    const struct tcb_layout *at = &tcb_layouts[product];
    return (struct snp_tcb){
        .fmc = at->fmc == NONE ? 0 : raw.b[at->fmc],
        .boot_loader = raw.b[at->boot_loader],
        .tee = raw.b[at->tee],
        .snp = raw.b[at->snp],
        .microcode = raw.b[at->microcode],
    };
}

struct snp_raw_tcb snp_tcb_encode(struct snp_tcb tcb, enum snp_product product)
{
    const struct tcb_layout *at = &tcb_layouts[product];
    struct snp_raw_tcb raw = {{0}};
    if (at->fmc != NONE)
        raw.b[at->fmc] = tcb.fmc;
    raw.b[at->boot_loader] = tcb.boot_loader;
    raw.b[at->tee] = tcb.tee;
    raw.b[at->snp] = tcb.snp;
    raw.b[at->microcode] = tcb.microcode;
    return raw;
}

bool snp_tcb_unused_zero(struct snp_raw_tcb raw, enum snp_product product)
{
    const struct tcb_layout *at = &tcb_layouts[product];
    for (unsigned i = 0; i < sizeof raw.b; i++)
        if (raw.b[i] != 0 && i != at->fmc && i != at->boot_loader && i != at->tee && i != at->snp && i != at->microcode)
            return false;
    return true;
}

const char *snp_tcb_below(struct snp_tcb a, struct snp_tcb b)
{
    return a.fmc < b.fmc                   ? "fmc"
           : a.boot_loader < b.boot_loader ? "boot loader"
           : a.tee < b.tee                 ? "tee"
           : a.snp < b.snp                 ? "snp"
           : a.microcode < b.microcode     ? "microcode"
                                           : NULL;
}

uint64_t snp_tcb_u64(struct snp_raw_tcb raw)
{
    return le64(raw.b);
}

/* --- the report --- */

static struct snp_raw_tcb read_tcb(struct reader *r, const char *field)
{
    struct snp_raw_tcb tcb;
    rd_copy(r, tcb.b, sizeof tcb.b, field);
    return tcb;
}

static struct snp_version read_version(struct reader *r, const char *field)
{
    struct snp_version v = {0};
    v.build = rd_u8(r, field);
    v.minor = rd_u8(r, field);
    v.major = rd_u8(r, field);
    rd_skip(r, 1, "reserved");
    return v;
}

/* little-endian in the report, big-endian here */
static void read_scalar(struct reader *r, uint8_t out[static 72], const char *field)
{
    struct bytes le = rd_bytes(r, 72, field);
    for (size_t i = 0; i < le.len; i++)
        out[71 - i] = le.p[i];
}

bool snp_report_parse(struct snp_report *out, struct bytes in, struct err *err)
{
    if (in.len != SNP_REPORT_LEN)
        return err_set(err, ERR_FORMAT, "SNP report: %zu bytes, want %d", in.len, SNP_REPORT_LEN);
    struct reader r = rd_from(in);
    struct snp_report p = {.raw = in};

    p.version = rd_u32le(&r, "version");
    p.guest_svn = rd_u32le(&r, "guest_svn");
    p.policy = rd_u64le(&r, "policy");
    rd_copy(&r, p.family_id, sizeof p.family_id, "family_id");
    rd_copy(&r, p.image_id, sizeof p.image_id, "image_id");
    p.vmpl = rd_u32le(&r, "vmpl");
    p.sig_algo = rd_u32le(&r, "signature_algo");
    p.current_tcb = read_tcb(&r, "current_tcb");
    p.platform_info = rd_u64le(&r, "platform_info");
    p.flags = rd_u32le(&r, "flags");
    rd_skip(&r, 4, "reserved");
    rd_copy(&r, p.report_data, sizeof p.report_data, "report_data");
    rd_copy(&r, p.measurement, sizeof p.measurement, "measurement");
    rd_copy(&r, p.host_data, sizeof p.host_data, "host_data");
    rd_copy(&r, p.id_key_digest, sizeof p.id_key_digest, "id_key_digest");
    rd_copy(&r, p.author_key_digest, sizeof p.author_key_digest, "author_key_digest");
    rd_copy(&r, p.report_id, sizeof p.report_id, "report_id");
    rd_copy(&r, p.report_id_ma, sizeof p.report_id_ma, "report_id_ma");
    p.reported_tcb = read_tcb(&r, "reported_tcb");
    p.cpuid_family = rd_u8(&r, "cpuid_fam_id");
    p.cpuid_model = rd_u8(&r, "cpuid_mod_id");
    p.cpuid_stepping = rd_u8(&r, "cpuid_step");
    rd_skip(&r, 21, "reserved");
    rd_copy(&r, p.chip_id, sizeof p.chip_id, "chip_id");
    p.committed_tcb = read_tcb(&r, "committed_tcb");
    p.current = read_version(&r, "current version");
    p.committed = read_version(&r, "committed version");
    p.launch_tcb = read_tcb(&r, "launch_tcb");
    p.launch_mitigations = rd_u64le(&r, "launch_mit_vector");
    p.current_mitigations = rd_u64le(&r, "current_mit_vector");
    rd_skip(&r, 152, "reserved");
    read_scalar(&r, p.sig_r, "signature r");
    read_scalar(&r, p.sig_s, "signature s");
    rd_skip(&r, 368, "reserved");
    if (!rd_finish(&r, err))
        return err_wrap(err, "SNP report");

    p.author_key_en = p.flags & 1;
    p.mask_chip_key = p.flags >> 1 & 1;
    p.signing_key = p.flags >> 2 & 7;
    p.has_cpuid = p.version >= 3;
    p.has_mitigations = p.version >= 5;
    *out = p;
    return true;
}

const char *snp_report_reserved(const struct snp_report *r)
{
    static const struct {
        const char *name;
        uint16_t from, to;
        uint32_t before; /* reserved in versions below this one */
    } zero[] = {
        {"bytes 0x4c to 0x4f", 0x04c, 0x050, UINT32_MAX},   {"CPUID bytes (from version 3)", 0x188, 0x18b, 3},
        {"bytes 0x18b to 0x19f", 0x18b, 0x1a0, UINT32_MAX}, {"byte 0x1eb", 0x1eb, 0x1ec, UINT32_MAX},
        {"byte 0x1ef", 0x1ef, 0x1f0, UINT32_MAX},           {"mitigation vectors (from version 5)", 0x1f8, 0x208, 5},
        {"bytes 0x208 to 0x29f", 0x208, 0x2a0, UINT32_MAX}, {"bytes behind the signature", 0x330, 0x4a0, UINT32_MAX},
    };
    if (!snp_policy_bit(r, SNP_POLICY_ONE))
        return "policy bit 17, which is one";
    if (r->policy >> 26)
        return "policy bits 63 to 26";
    if (r->flags >> 5)
        return "flags bits 31 to 5";
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++) {
        bool reserved = zero[i].before == UINT32_MAX || r->version < zero[i].before;
        if (reserved && !bytes_is_zero(bytes_sub(r->raw, zero[i].from, (size_t)zero[i].to - zero[i].from)))
            return zero[i].name;
    }
    return NULL;
}

enum snp_product snp_report_product(const struct snp_report *r)
{
    return r->has_cpuid ? snp_product_from_cpuid(r->cpuid_family, r->cpuid_model) : SNP_UNKNOWN;
}
