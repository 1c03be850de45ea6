/* Any bytes as a certificate: every view lies inside it, its key writes the same SubjectPublicKeyInfo again, and it
 * chains to nobody but itself. */
#include "crypto/base/auto.h"
#include "crypto/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes whole, struct bytes part)
{
    if (part.len > 0 && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
        abort();
}

static void views_lie_inside(const struct cert *c, struct bytes in)
{
    const struct bytes views[] = {c->der,
                                  c->tbs,
                                  c->serial,
                                  c->issuer,
                                  c->subject,
                                  c->spki,
                                  c->sig,
                                  c->sig_alg_der,
                                  c->akid,
                                  c->skid,
                                  name_find(c->subject, OID_CN),
                                  name_find(c->issuer, OID_O)};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        inside(in, views[i]);
    for (size_t i = 0; i < c->num_ext; i++) {
        inside(in, c->ext[i].oid);
        inside(in, c->ext[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_from(data, size);
    struct err err = {0};
    struct cert certs[2];
    char text[50];
    if (!cert_parse(&certs[0], in, &err))
        return 0;
    views_lie_inside(&certs[0], in);
    name_text(text, sizeof text, certs[0].subject);
    certs[1] = certs[0];
    if (chain_sort(certs, 2) != 1)
        abort();
    AUTO(pubkey_freep) struct pubkey *key = cert_pubkey(&certs[0], &err);
    if (!key)
        return 0;
    AUTO(buf_done) struct buf spki = buf_new(1 << 16);
    if (!pubkey_to_spki(&spki, key, NULL) || !bytes_eq(buf_view(&spki), certs[0].spki))
        abort();
    const struct pinned_root root = {.label = "itself", .key = key, .subject = {0}};
    const struct chain_rules rules = {.leaf_may_be_ca = true};
    if (chain_verify(certs, 1, &root, 1, &rules, certs[0].not_before_s, NULL, NULL, &err) == CHAIN_OK &&
        !cert_signed_by(&certs[0], key))
        abort();
    return 0;
}
