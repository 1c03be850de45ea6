/* Every rule of a policy for SEV-SNP has evidence that it takes and evidence that it refuses for that reason alone. */
#include "tests/support/snp_scene.h"
#include "tests/support/vectors.h"

/* --- what a case changes; good: the rule is on and holds, else it is on and broken --- */

static void guest_bit(struct setup *s, unsigned bit, bool on)
{
    s->report[8 + bit / 8] = (uint8_t)((s->report[8 + bit / 8] & ~(1u << bit % 8)) | (unsigned)on << bit % 8);
}

static void platform_bit(struct setup *s, unsigned bit, bool on)
{
    s->report[0x40] = (uint8_t)((s->report[0x40] & ~(1u << bit)) | (unsigned)on << bit);
}

static void list_one(struct policy_hex_list *list, const void *value, size_t len, bool good)
{
    memcpy(list->item[0], value, len);
    list->item[0][0] ^= !good;
    list->len[0] = len;
    list->count = 1;
}

static void debug(struct setup *s, bool good)
{
    guest_bit(s, 19, !good);
}
static void migration_agent(struct setup *s, bool good)
{
    s->policy.snp.forbid_migration_agent = true;
    guest_bit(s, 18, !good);
}
static void smt(struct setup *s, bool good)
{
    s->policy.snp.forbid_smt = true;
    guest_bit(s, 16, !good);
    platform_bit(s, 0, false);
}
static void single_socket(struct setup *s, bool good)
{
    s->policy.snp.require_single_socket = true;
    guest_bit(s, 20, good);
}
static void cxl(struct setup *s, bool good)
{
    s->policy.snp.forbid_cxl = true;
    guest_bit(s, 21, !good);
}
static void memory_encryption(struct setup *s, bool good)
{
    s->policy.snp.require_aes_256_xts = true;
    guest_bit(s, 22, good);
}
static void rapl(struct setup *s, bool good)
{
    s->policy.snp.require_rapl_off = true;
    guest_bit(s, 23, true);
    platform_bit(s, 3, good);
}
static void ciphertext_hiding(struct setup *s, bool good)
{
    s->policy.snp.require_ciphertext_hiding = true;
    guest_bit(s, 24, good);
    platform_bit(s, 4, true);
}
static void page_swap(struct setup *s, bool good)
{
    s->policy.snp.require_page_swap_off = true;
    guest_bit(s, 25, good);
}
static void abi(struct setup *s, bool good)
{
    s->policy.snp.min_abi_minor = 20;
    s->policy.snp.max_abi_major = 0;
    s->policy.snp.max_abi_minor = 31;
    s->report[8] = good ? 31 : 32;
}
static void tsme(struct setup *s, bool good)
{
    s->policy.snp.require_tsme = true;
    platform_bit(s, 1, good);
}
static void ecc(struct setup *s, bool good)
{
    s->policy.snp.require_ecc = true;
    platform_bit(s, 2, good);
}
static void alias_check(struct setup *s, bool good)
{
    s->policy.snp.require_alias_check = true;
    platform_bit(s, 5, good);
}
static void max_vmpl(struct setup *s, bool good)
{
    s->policy.snp.max_vmpl = 1;
    put_le(s->report + 0x30, 4, good ? 1 : 2);
}
static void guest_svn(struct setup *s, bool good)
{
    s->policy.snp.min_guest_svn = 0x1000b;
    put_le(s->report + 4, 4, good ? 0x1000b : 0xffff);
}
static void firmware(struct setup *s, bool good)
{
    s->policy.snp.min_version_major = 1;
    s->policy.snp.min_version_minor = 55;
    s->policy.snp.min_build = good ? 40 : 41;
}
static void tcb_order(struct setup *s, bool good)
{
    s->policy.snp.allow_provisional = true;
    s->report[0x3f] = (uint8_t)(s->report[0x3f] - !good); /* current microcode below the committed one */
}
static void provisional(struct setup *s, bool good)
{
    s->report[0x3f] = (uint8_t)(s->report[0x3f] + !good);
}
static void min_current(struct setup *s, bool good)
{
    s->policy.snp.min_current = (struct snp_min_tcb){0, 4, 1, 24, good ? 0xdb : 0xdc};
}
static void min_reported(struct setup *s, bool good)
{
    s->policy.snp.min_reported = (struct snp_min_tcb){0, 4, 1, good ? 24 : 25, 0xdb};
}
static void min_committed(struct setup *s, bool good)
{
    s->policy.snp.min_committed = (struct snp_min_tcb){99, good ? 4 : 5, 1, 24, 0xdb}; /* fmc is Turin's alone */
}
static void min_launch(struct setup *s, bool good)
{
    s->policy.snp.min_launch = (struct snp_min_tcb){0, 4, good ? 1 : 2, 24, 0xdb};
}
static void launch_mitigations(struct setup *s, bool good)
{
    s->policy.snp.required_launch_mitigations = good ? 0x09 : 0x0c;
}
static void current_mitigations(struct setup *s, bool good)
{
    s->policy.snp.required_current_mitigations = good ? 0x02 : 0x04;
}
static void id_block(struct setup *s, bool good)
{
    s->policy.snp.require_id_block = true;
    s->report[0xe0] = good;
}
static void id_key(struct setup *s, bool good)
{
    list_one(&s->policy.snp.id_key_digests, s->report + 0xe0, 48, good);
}
static void author_key(struct setup *s, bool good)
{
    s->policy.snp.require_author_key = true;
    s->report[0x110] = 1;
    s->report[0x48] = good;
}
static void host_data(struct setup *s, bool good)
{
    list_one(&s->policy.snp.host_data, s->report + 0xc0, 32, good);
}
static void report_data(struct setup *s, bool good)
{
    list_one(&s->policy.snp.report_data, s->report + 0x50, 64, good);
}
static void measurement(struct setup *s, bool good)
{
    list_one(&s->policy.snp.measurements, s->report + 0x90, 48, good);
}
static void family_id(struct setup *s, bool good)
{
    list_one(&s->policy.snp.family_ids, s->report + 0x10, 16, good);
}
static void image_id(struct setup *s, bool good)
{
    list_one(&s->policy.snp.image_ids, s->report + 0x20, 16, good);
}
static void chip_allowed(struct setup *s, bool good)
{
    list_one(&s->policy.snp.chip_ids, s->report + 0x1a0, 64, good);
}
static void chip_denied(struct setup *s, bool good)
{
    list_one(&s->policy.snp.denied_chip_ids, s->report + 0x1a0, 64, !good);
}
static void products(struct setup *s, bool good)
{
    s->policy.snp.products.count = 1;
    snprintf(s->policy.snp.products.item[0], sizeof s->policy.snp.products.item[0], "%s", good ? "milan" : "siena");
}

static const struct kase kases[] = {
    {"snp.debug", debug, NULL, FAIL},
    {"snp.migration_agent", migration_agent, NULL, FAIL},
    {"snp.smt", smt, NULL, FAIL},
    {"snp.single_socket", single_socket, NULL, FAIL},
    {"snp.cxl", cxl, NULL, FAIL},
    {"snp.memory_encryption", memory_encryption, NULL, FAIL},
    {"snp.rapl", rapl, NULL, FAIL},
    {"snp.ciphertext_hiding", ciphertext_hiding, NULL, FAIL},
    {"snp.page_swap", page_swap, NULL, FAIL},
    {"snp.abi", abi, NULL, FAIL},
    {"snp.tsme", tsme, NULL, FAIL},
    {"snp.ecc", ecc, NULL, FAIL},
    {"snp.alias_check", alias_check, NULL, FAIL},
    {"snp.max_vmpl", max_vmpl, NULL, FAIL},
    {"snp.guest_svn", guest_svn, NULL, FAIL},
    {"snp.firmware", firmware, NULL, FAIL},
    {"snp.tcb_order", tcb_order, NULL, FAIL},
    {"snp.provisional", provisional, NULL, FAIL},
    {"snp.min_current_tcb", min_current, NULL, FAIL},
    {"snp.min_reported_tcb", min_reported, NULL, FAIL},
    {"snp.min_committed_tcb", min_committed, NULL, FAIL},
    {"snp.min_launch_tcb", min_launch, NULL, FAIL},
    {"snp.launch_mitigations", launch_mitigations, NULL, FAIL},
    {"snp.current_mitigations", current_mitigations, NULL, FAIL},
    {"snp.id_block", id_block, NULL, FAIL},
    {"snp.id_key", id_key, NULL, FAIL},
    {"snp.author_key", author_key, NULL, FAIL},
    {"snp.host_data", host_data, NULL, FAIL},
    {"snp.report_data", report_data, NULL, FAIL},
    {"snp.measurement", measurement, NULL, FAIL},
    {"snp.family_id", family_id, NULL, FAIL},
    {"snp.image_id", image_id, NULL, FAIL},
    {"snp.chip_allowed", chip_allowed, NULL, FAIL},
    {"snp.chip_denied", chip_denied, NULL, FAIL},
    {"snp.products", products, NULL, FAIL},
};
static const struct kind *const kinds[] = {&snp_accept_kind};
static void (*const mild[])(struct setup *, bool) = {debug, provisional, tcb_order};
static struct kases table = {kases, sizeof kases / sizeof *kases, kinds, sizeof kinds / sizeof *kinds, mild, sizeof mild / sizeof *mild};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_check_passes_on_good_evidence, &table),
        cmocka_unit_test_prestate(every_check_fails_alone, &table),
        cmocka_unit_test_prestate(every_row_has_a_case, &table),
        cmocka_unit_test_prestate(authentic_takes_what_strict_refuses, &table),
    };
    return cmocka_run_group_tests(tests, amds_make, amds_drop);
}
