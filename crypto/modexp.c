#include "crypto/modexp.h"

#include <gmp.h>

/* Short exponents, which keys have, by squaring and dividing: to set up anything better costs more. */
static void power(mpz_t out, const mpz_t base, unsigned long e, const mpz_t n)
{
    mpz_mod(out, base, n);
    mpz_t first;
    mpz_init_set(first, out);
    for (int bit = 62 - __builtin_clzl(e); bit >= 0; bit--) {
        mpz_mul(out, out, out);
        mpz_tdiv_r(out, out, n);
        if (e >> bit & 1) {
            mpz_mul(out, out, first);
            mpz_tdiv_r(out, out, n);
        }
    }
    mpz_clear(first);
}

static void load(mpz_t out, struct bytes b)
{
    mpz_init(out);
    mpz_import(out, b.len, 1, 1, 0, 0, b.p);
}

bool modexp(uint8_t *out, struct bytes base, struct bytes e, struct bytes n)
{
    mpz_t b, x, m, r;
    size_t len;
    load(b, base);
    load(x, e);
    load(m, n);
    mpz_init(r);
    bool ok = mpz_sgn(m) != 0;
    if (ok && mpz_sgn(x) && mpz_size(x) == 1)
        power(r, b, mpz_get_ui(x), m);
    else if (ok)
        mpz_powm(r, b, x, m);
    if (ok) {
        memset(out, 0, n.len);
        len = (mpz_sizeinbase(r, 2) + 7) / 8;
        if (mpz_sgn(r))
            mpz_export(out + n.len - len, NULL, 1, 1, 0, 0, r);
    }
    mpz_clears(b, x, m, r, NULL);
    return ok;
}
