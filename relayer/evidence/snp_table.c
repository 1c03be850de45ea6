/* The certificate table beside an extended report (AMD 56421, SNP Extended Guest Request). The host fills it and nobody
 * signs it: what it holds is a hint, so a damaged one is refused whole rather than read in part. */
#include "relayer/evidence/snp_certs.h"

#define ENTRY_LEN 24 /* GUID, offset, length */
#define GUID_LEN  16

static const struct bytes guids[SNP_TABLE_KINDS] = {
    /* bytes in the order in which they are printed */
    [SNP_TABLE_ARK] = BYTES_LIT("\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae"),
    [SNP_TABLE_ASK] = BYTES_LIT("\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82"),
    [SNP_TABLE_VCEK] = BYTES_LIT("\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"),
    [SNP_TABLE_VLEK] = BYTES_LIT("\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1"),
    [SNP_TABLE_CRL] = BYTES_LIT("\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea"),
};

struct entry {
    struct bytes guid;
    uint64_t from, to; /* in the table; 64 bits, so that the sum of two u32 does not wrap */
};

static bool read_entry(struct entry *out, struct bytes in, size_t at)
{
    struct bytes e = bytes_sub(in, at, ENTRY_LEN);
    if (e.len != ENTRY_LEN)
        return false;
    out->guid = bytes_sub(e, 0, GUID_LEN);
    out->from = le32(e.p + 16);
    out->to = out->from + le32(e.p + 20);
    return true;
}

static bool is_terminator(const struct entry *e)
{
    return bytes_is_zero(e->guid) && e->from == 0 && e->to == 0;
}

static bool judge_entry(const struct entry *all, size_t i, size_t header_len, size_t len, struct err *err)
{
    const struct entry *e = &all[i];
    if (e->to == e->from)
        return err_set(err, ERR_FORMAT, "entry %zu: empty", i);
    if (e->from < header_len)
        return err_set(err, ERR_FORMAT, "entry %zu: offset %llu lies in the header of %zu bytes", i,
                       (unsigned long long)e->from, header_len);
    if (e->to > len)
        return err_set(err, ERR_FORMAT, "entry %zu: ends at %llu of %zu bytes", i, (unsigned long long)e->to, len);
    for (size_t j = 0; j < i; j++) {
        if (bytes_eq(all[j].guid, e->guid))
            return err_set(err, ERR_FORMAT, "entries %zu and %zu have one GUID", j, i);
        if (all[j].from < e->to && e->from < all[j].to)
            return err_set(err, ERR_FORMAT, "entries %zu and %zu overlap", j, i);
    }
    return true;
}

bool snp_table_parse(struct snp_table *out, struct bytes in, struct err *err)
{
    struct entry all[SNP_TABLE_MAX_ENTRIES];
    struct snp_table table = {0};
    size_t n = 0;
    for (;; n++) {
        struct entry e;
        if (!read_entry(&e, in, n * ENTRY_LEN))
            return err_set(err, ERR_FORMAT, "certificate table: no terminator within %zu bytes", in.len);
        if (is_terminator(&e))
            break;
        if (n == SNP_TABLE_MAX_ENTRIES)
            return err_set(err, ERR_FORMAT, "certificate table: more than %d entries", SNP_TABLE_MAX_ENTRIES);
        all[n] = e;
    }
    for (size_t i = 0; i < n; i++) {
        if (!judge_entry(all, i, (n + 1) * ENTRY_LEN, in.len, err))
            return err_wrap(err, "certificate table");
        for (size_t k = 0; k < SNP_TABLE_KINDS; k++)
            if (bytes_eq(all[i].guid, guids[k]))
                table.entry[k] = bytes_sub(in, (size_t)all[i].from, (size_t)(all[i].to - all[i].from));
    }
    table.num_entries = n;
    *out = table;
    return true;
}

bool snp_table_recognise(struct bytes in)
{
    for (size_t k = 0; k < SNP_TABLE_KINDS; k++)
        if (bytes_eq(bytes_sub(in, 0, GUID_LEN), guids[k]))
            return true;
    return false;
}
