/* Events in words, and what changed between two logs. */
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "relayer/evidence/eventlog.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    uint32_t type;
    const char *name;
} type_names[] = {
    {0x0, "EV_PREBOOT_CERT"},
    {0x1, "EV_POST_CODE"},
    {EV_NO_ACTION, "EV_NO_ACTION"},
    {EV_SEPARATOR, "EV_SEPARATOR"},
    {EV_ACTION, "EV_ACTION"},
    {EV_EVENT_TAG, "EV_EVENT_TAG"},
    {0x7, "EV_S_CRTM_CONTENTS"},
    {EV_S_CRTM_VERSION, "EV_S_CRTM_VERSION"},
    {0x9, "EV_CPU_MICROCODE"},
    {0xa, "EV_PLATFORM_CONFIG_FLAGS"},
    {0xb, "EV_TABLE_OF_DEVICES"},
    {0xc, "EV_COMPACT_HASH"},
    {EV_IPL, "EV_IPL"},
    {0xe, "EV_IPL_PARTITION_DATA"},
    {0xf, "EV_NONHOST_CODE"},
    {0x10, "EV_NONHOST_CONFIG"},
    {EV_NONHOST_INFO, "EV_NONHOST_INFO"},
    {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {EV_EFI_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {EV_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT"},
    {EV_EFI_BOOT_SERVICES_APPLICATION, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {EV_EFI_BOOT_SERVICES_DRIVER, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {EV_EFI_RUNTIME_SERVICES_DRIVER, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {EV_EFI_GPT_EVENT, "EV_EFI_GPT_EVENT"},
    {EV_EFI_ACTION, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {EV_EFI_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2"},
    {0x8000000d, "EV_EFI_GPT_EVENT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {EV_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

const char *event_type_name(uint32_t type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return NULL;
}

/* --- words --- */

static char printable(uint32_t c)
{
    return c >= ' ' && c <= '~' ? (char)c : '?';
}

/* Append text bytes, up to a NUL. */
static void put_ascii(char *out, size_t size, struct bytes text)
{
    size_t n = strlen(out);
    for (size_t i = 0; i < text.len && text.p[i] && n + 1 < size; i++)
        out[n++] = printable(text.p[i]);
    out[n] = '\0';
}

/* Append UTF-16LE, up to a NUL. */
static void put_utf16(char *out, size_t size, struct bytes text)
{
    size_t n = strlen(out);
    for (size_t i = 0; i + 1 < text.len && le16(text.p + i) && n + 1 < size; i += 2)
        out[n++] = printable(le16(text.p + i));
    out[n] = '\0';
}

static void put_hex_cut(char *out, size_t size, struct bytes v)
{
    for (size_t i = 0, n = strlen(out); i < v.len && i < 16 && n + 3 < size; i++, n += 2)
        snprintf(out + n, size - n, "%02x", v.p[i]);
}

/* UEFI_IMAGE_LOAD_EVENT: the file path nodes (type 4, subtype 4) of its device path. */
static void describe_image(char *out, size_t size, struct bytes data)
{
    struct reader r = rd_from(data);
    rd_skip(&r, 24, "location, length, link time");
    struct reader path = rd_sub(&r, (size_t)rd_u64le(&r, "device path length"), "device path");
    while (rd_left(&path) >= 4) {
        uint8_t type = rd_u8(&path, "type"), subtype = rd_u8(&path, "subtype");
        uint16_t len = rd_u16le(&path, "length");
        struct bytes node = rd_bytes(&path, len >= 4 ? len - 4u : SIZE_MAX, "node");
        if (type == 4 && subtype == 4)
            put_utf16(out, size, node);
    }
}

/* UEFI_VARIABLE_DATA */
static void describe_variable(char *out, size_t size, struct bytes data)
{
    struct reader r = rd_from(data);
    rd_skip(&r, 16, "guid");
    uint64_t chars = rd_u64le(&r, "name length");
    uint64_t value_len = rd_u64le(&r, "data length");
    struct bytes name = rd_bytes(&r, chars < 4096 ? 2 * (size_t)chars : SIZE_MAX, "name");
    put_utf16(out, size, name);
    struct bytes value = rd_bytes(&r, value_len < data.len ? (size_t)value_len : SIZE_MAX, "value");
    if (value.len && value.len <= 2) {
        put_ascii(out, size, BYTES_LIT(" = "));
        put_hex_cut(out, size, value);
    }
}

static bool looks_utf16(struct bytes d)
{
    return d.len >= 4 && d.p[0] && !d.p[1] && d.p[2] && !d.p[3];
}

char *event_describe(char *out, size_t size, const struct log_event *e)
{
    const char *name = event_type_name(e->type);
    switch (e->type) {
    case EV_EFI_BOOT_SERVICES_APPLICATION:
        snprintf(out, size, "boot application ");
        describe_image(out, size, e->data);
        return out;
    case EV_EFI_BOOT_SERVICES_DRIVER:
    case EV_EFI_RUNTIME_SERVICES_DRIVER:
        snprintf(out, size, "driver ");
        describe_image(out, size, e->data);
        return out;
    case EV_EFI_VARIABLE_DRIVER_CONFIG:
    case EV_EFI_VARIABLE_BOOT:
    case EV_EFI_VARIABLE_BOOT2:
    case EV_EFI_VARIABLE_AUTHORITY:
        snprintf(out, size, e->type == EV_EFI_VARIABLE_AUTHORITY ? "authority " : "variable ");
        describe_variable(out, size, e->data);
        return out;
    case EV_SEPARATOR:
        snprintf(out, size, "separator ");
        put_hex_cut(out, size, e->data);
        return out;
    case EV_EFI_GPT_EVENT:
        snprintf(out, size, "partition table");
        return out;
    case EV_S_CRTM_VERSION:
        snprintf(out, size, "firmware version ");
        break;
    default:
        if (name)
            snprintf(out, size, "%s ", name);
        else
            snprintf(out, size, "event type %08x ", e->type);
        break;
    }
    if (looks_utf16(e->data))
        put_utf16(out, size, e->data);
    else if (e->data.len && e->data.p[0] >= ' ' && e->data.p[0] <= '~')
        put_ascii(out, size, e->data);
    else
        put_hex_cut(out, size, e->data);
    return out;
}

bool event_data_proven(const struct log_event *e)
{
    for (enum hash_alg alg = HASH_SHA512; alg >= HASH_SHA1; alg--)
        if (e->digest[alg]) {
            struct digest d = hash_of(alg, e->data);
            return memcmp(d.b, e->digest[alg], d.len) == 0;
        }
    return false;
}

/* --- what changed --- */

struct lane {
    const struct log_event **event; /* of one register, those that count */
    size_t count;
};

static void fill(struct lane *lane, const struct event_log *log, uint32_t pcr, enum hash_alg bank)
{
    lane->count = 0;
    for (size_t i = 0; i < log->count; i++)
        if (log->events[i].pcr == pcr && log->events[i].type != EV_NO_ACTION && log->events[i].digest[bank])
            lane->event[lane->count++] = &log->events[i];
}

static bool same(const struct log_event *a, const struct log_event *b, enum hash_alg bank)
{
    return memcmp(a->digest[bank], b->digest[bank], hash_size(bank)) == 0;
}

static void put_change(json_t *list, uint32_t pcr, const struct log_event *have, const struct log_event *want,
                       enum hash_alg bank)
{
    char words[200], before[200], hex[2 * HASH_MAX + 1];
    event_describe(words, sizeof words, have ? have : want);
    json_t *o = json_pack("{s:I, s:s}", "pcr", (json_int_t)pcr, "what", words);
    if (have)
        json_object_set_new(o, "have", json_string(hex_encode(hex, bytes_from(have->digest[bank], hash_size(bank)))));
    if (want)
        json_object_set_new(o, "want", json_string(hex_encode(hex, bytes_from(want->digest[bank], hash_size(bank)))));
    if (have && want && strcmp(words, event_describe(before, sizeof before, want)) != 0)
        json_object_set_new(o, "was", json_string(before));
    json_array_append_new(list, o);
}

/* How far ahead is an event equal to this one? SIZE_MAX: nowhere. */
static size_t ahead(const struct lane *lane, size_t from, const struct log_event *e, enum hash_alg bank)
{
    for (size_t i = from; i < lane->count; i++)
        if (same(lane->event[i], e, bank))
            return i - from;
    return SIZE_MAX;
}

static void diff_lane(json_t *list, uint32_t pcr, const struct lane *have, const struct lane *want, enum hash_alg bank)
{
    size_t h = 0, w = 0;
    while (h < have->count || w < want->count) {
        const struct log_event *a = h < have->count ? have->event[h] : NULL,
                               *b = w < want->count ? want->event[w] : NULL;
        if (a && b && same(a, b, bank)) {
            h++, w++;
            continue;
        }
        size_t gained = b ? ahead(have, h, b, bank) : SIZE_MAX, lost = a ? ahead(want, w, a, bank) : SIZE_MAX;
        if (a && b && gained == SIZE_MAX && lost == SIZE_MAX && a->type == b->type) {
            put_change(list, pcr, a, b, bank);
            h++, w++;
        } else if (a && (!b || gained <= lost)) {
            put_change(list, pcr, a, NULL, bank);
            h++;
        } else {
            put_change(list, pcr, NULL, b, bank);
            w++;
        }
    }
}

json_t *eventlog_diff(const struct event_log *have, const struct event_log *want, enum hash_alg bank)
{
    AUTO(auto_free) const struct log_event **mem = calloc(have->count + want->count + 1, sizeof *mem);
    json_t *list = mem ? json_array() : NULL;
    if (!list)
        return NULL;
    struct lane h = {.event = mem}, w = {.event = mem + have->count};
    for (uint32_t pcr = 0; pcr < 32; pcr++) {
        fill(&h, have, pcr, bank);
        fill(&w, want, pcr, bank);
        diff_lane(list, pcr, &h, &w, bank);
    }
    return list;
}
