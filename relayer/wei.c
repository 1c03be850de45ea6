#include "relayer/wei.h"

#include <stdio.h>
#include <string.h>

static const struct unit {
    const char *name;
    unsigned decimals;
} units[] = {{"ether", 18}, {"eth", 18}, {"gwei", 9}, {"wei", 0}};
#define NUM_UNITS (sizeof units / sizeof *units)

static bool refuse(struct bytes text, const char *why, struct err *err)
{
    return err_set(err, ERR_FORMAT, "\"%.*s\": %s; want an amount with its unit, such as 2gwei or 0.01ether",
                   (int)(text.len > 80 ? 80 : text.len), text.p ? (const char *)text.p : "", why);
}

static const struct unit *find_unit(struct bytes name)
{
    for (size_t i = 0; i < NUM_UNITS; i++)
        if (bytes_eq(name, bytes_str(units[i].name)))
            return &units[i];
    return NULL;
}

/* n := n * 10 + digit */
static bool push_digit(struct u256 *n, unsigned digit)
{
    return u256_mul(n, *n, u256_from(10)) && u256_add(n, *n, u256_from(digit));
}

bool wei_parse(struct u256 *out, struct bytes text, struct err *err)
{
    struct u256 n = {{0}};
    unsigned decimals = 0;
    bool point = false;
    size_t i = 0, digits = 0;
    for (; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '.' && !point && digits) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (!push_digit(&n, c - '0'))
            return refuse(text, "more than 256 bits", err);
        digits++;
        decimals += point;
    }
    const struct unit *unit = find_unit(bytes_sub(text, i, text.len - i));
    if (!digits || (point && !decimals))
        return refuse(text, "no number", err);
    if (!unit)
        return refuse(text, "no known unit", err);
    if (decimals > unit->decimals)
        return refuse(text, "too many decimals", err);
    for (; decimals < unit->decimals; decimals++)
        if (!push_digit(&n, 0))
            return refuse(text, "more than 256 bits", err);
    *out = n;
    return true;
}

static const struct unit *largest_unit(struct u256 wei)
{
    /* a thousandth of an ether still reads better in ether */
    if (u256_cmp(wei, u256_from(1000000000000000)) >= 0)
        return find_unit(BYTES_LIT("ether"));
    if (u256_cmp(wei, u256_from(1000000)) >= 0)
        return find_unit(BYTES_LIT("gwei"));
    return find_unit(BYTES_LIT("wei"));
}

char *wei_format(char out[static WEI_TEXT_SIZE], struct u256 wei)
{
    const struct unit *unit = largest_unit(wei);
    uint64_t scale = 1, rest = 0;
    for (unsigned i = 0; i < unit->decimals; i++)
        scale *= 10;
    char whole[U256_DEC_SIZE], frac[24] = "";
    u256_dec(whole, u256_div_u64(wei, scale, &rest));
    if (rest) {
        int len = snprintf(frac, sizeof frac, ".%0*llu", (int)unit->decimals, (unsigned long long)rest);
        while (frac[len - 1] == '0')
            frac[--len] = '\0';
    }
    snprintf(out, WEI_TEXT_SIZE, "%s%s%s", whole, frac, unit->name);
    return out;
}
