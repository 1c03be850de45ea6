#include "crypto/base/duration.h"

#include <stdio.h>

#define LONGEST_S (100000LL * 365 * 86400)

static const struct unit {
    char letter;
    int64_t seconds;
    bool printed;
} units[] = {{'w', 7 * 86400, false}, {'d', 86400, true}, {'h', 3600, true}, {'m', 60, true}, {'s', 1, true}};
#define NUM_UNITS (sizeof units / sizeof *units)

static bool refuse(struct bytes text, struct err *err)
{
    return err_set(err, ERR_FORMAT, "\"%.*s\" is no duration; want a number and a unit, such as 30d, 12h or 90s",
                   (int)(text.len > 40 ? 40 : text.len), text.p ? (const char *)text.p : "");
}

bool duration_parse(int64_t *out_s, struct bytes text, struct err *err)
{
    if (bytes_eq(text, BYTES_LIT("0"))) {
        *out_s = 0;
        return true;
    }
    int64_t total = 0;
    size_t pos = 0, next_unit = 0;
    do {
        int64_t n = 0;
        size_t from = pos;
        for (; pos < text.len && text.p[pos] >= '0' && text.p[pos] <= '9'; pos++)
            if ((n = n * 10 + (text.p[pos] - '0')) > LONGEST_S)
                return refuse(text, err);
        while (next_unit < NUM_UNITS && pos < text.len && text.p[pos] != (uint8_t)units[next_unit].letter)
            next_unit++;
        if (pos == from || pos == text.len || next_unit == NUM_UNITS)
            return refuse(text, err);
        if (n > (LONGEST_S - total) / units[next_unit].seconds)
            return refuse(text, err);
        total += n * units[next_unit++].seconds;
        pos++;
    } while (pos < text.len);
    *out_s = total;
    return true;
}

static char *format(char out[static DURATION_TEXT_SIZE], int64_t s, int most)
{
    size_t len = 0;
    uint64_t left = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
    if (s < 0)
        out[len++] = '-';
    size_t first = len;
    for (size_t i = 0; i < NUM_UNITS && most > 0; i++) {
        uint64_t n = left / (uint64_t)units[i].seconds;
        if (!units[i].printed || (n == 0 && len == first))
            continue;
        most--;
        left -= n * (uint64_t)units[i].seconds;
        if (n)
            len += (size_t)snprintf(out + len, DURATION_TEXT_SIZE - len, "%llu%c", (unsigned long long)n, units[i].letter);
    }
    if (len == first)
        snprintf(out, DURATION_TEXT_SIZE, "0s");
    return out;
}

char *duration_format(char out[static DURATION_TEXT_SIZE], int64_t s)
{
    return format(out, s, NUM_UNITS);
}

char *duration_short(char out[static DURATION_TEXT_SIZE], int64_t s)
{
    return format(out, s, 2);
}
