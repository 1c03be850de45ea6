#include "relayer/evidence/roots.h"

#include "crypto/base/auto.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "relayer/evidence/roots_data.h"

#include <stdio.h>

/* Takes over key. */
static bool put(struct roots *roots, enum root_use use, const char *label, struct pubkey *key, struct bytes subject,
                struct bytes cert_sha256, struct err *err)
{
    AUTO(pubkey_freep) struct pubkey *owned = key;
    if (roots->count == ROOTS_MAX)
        return err_set(err, ERR_USAGE, "more than %d trust roots", ROOTS_MAX);
    if (subject.len > sizeof roots->root[0].subject)
        return err_set(err, ERR_USAGE, "trust root %s: a subject of %zu bytes, at most %zu", label, subject.len,
                       sizeof roots->root[0].subject);
    size_t i = roots->count++;
    roots->root[i].use = use;
    snprintf(roots->root[i].label, sizeof roots->root[i].label, "%s", label);
    memcpy(roots->root[i].subject, subject.p, subject.len);
    roots->root[i].subject_len = subject.len;
    memcpy(roots->root[i].cert_sha256.b, cert_sha256.p, sizeof roots->root[i].cert_sha256.b);
    roots->root[i].key = STEAL(owned);
    return true;
}

bool roots_init(struct roots *out, struct err *err)
{
    AUTO(roots_done) struct roots roots = {0};
    for (size_t i = 0; i < num_root_data; i++) {
        const struct root_data *d = &root_data[i];
        struct pubkey *key = pubkey_from_spki(d->spki, err);
        if (!key || !put(&roots, d->use, d->label, key, d->subject, d->cert_sha256, err))
            return err_wrap(err, "pinned root %s", d->label);
    }
    *out = roots;
    roots = (struct roots){0};
    return true;
}

/* "extra: <CN>", other than printable ASCII replaced: it goes into verdicts. */
static void label_of(char *out, size_t size, struct bytes subject)
{
    struct bytes cn = name_find(subject, OID_CN);
    snprintf(out, size, "extra: %.*s", (int)(cn.len < size ? cn.len : size), cn.p ? (const char *)cn.p : "");
    for (char *p = out; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

static bool add_one(struct roots *roots, struct bytes der, struct err *err)
{
    struct cert c;
    struct pubkey *key = cert_parse(&c, der, err) ? cert_pubkey(&c, err) : NULL;
    if (!key)
        return false;
    char label[sizeof roots->root[0].label];
    label_of(label, sizeof label, c.subject);
    struct hash32 digest = sha256(c.der);
    return put(roots, ROOT_EXTRA, label, key, c.subject, BYTES_OF(digest), err);
}

bool roots_add(struct roots *roots, struct bytes certs, struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    if (!der_list_parse(&list, certs, "CERTIFICATE", ROOTS_MAX, err))
        return err_wrap(err, "trust root");
    if (list.count == 0)
        return err_set(err, ERR_FORMAT, "trust root: no certificate");
    for (size_t i = 0; i < list.count; i++)
        if (!add_one(roots, list.item[i], err))
            return err_wrap(err, "trust root");
    return true;
}

void roots_done(struct roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        pubkey_free(roots->root[i].key);
    *roots = (struct roots){0};
}

size_t roots_for(const struct roots *roots, enum root_use use, struct pinned_root out[static ROOTS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < roots->count; i++) {
        if (roots->root[i].use != use && roots->root[i].use != ROOT_EXTRA)
            continue;
        out[n++] = (struct pinned_root){.label = roots->root[i].label,
                                        .key = roots->root[i].key,
                                        .subject = bytes_from(roots->root[i].subject, roots->root[i].subject_len)};
    }
    return n;
}

bool roots_have_cert(const struct roots *roots, struct bytes der)
{
    struct hash32 digest = sha256(der);
    for (size_t i = 0; i < roots->count; i++)
        if (hash32_eq(roots->root[i].cert_sha256, digest))
            return true;
    return false;
}

const struct helper_cert *roots_helper(size_t index)
{
    return index < num_helper_certs ? &helper_certs[index] : NULL;
}
