#include "tests/support/vectors.h"

#include "crypto/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *root(void)
{
    const char *set = getenv("CVM_VECTORS");
    return set && *set ? set : "../shared/vectors"; /* tests run at the repository's root */
}

char *vectors_path(char *out, size_t size, const char *name)
{
    assert_true((size_t)snprintf(out, size, "%s/%s", root(), name) < size);
    return out;
}

static void skip_without(void)
{
    if (access(root(), R_OK) == 0)
        return;
    print_message("no vectors at %s (CVM_VECTORS): skipped\n", root());
    skip();
}

json_t *vectors_json(const char *name)
{
    char path[4096];
    json_error_t why;
    skip_without();
    json_t *json = json_load_file(vectors_path(path, sizeof path, name), 0, &why);
    if (!json)
        fail_msg("%s: %s", path, why.text);
    return json;
}

void vectors_read(struct buf *out, const char *name)
{
    char path[4096], part[65536];
    skip_without();
    FILE *f = fopen(vectors_path(path, sizeof path, name), "rb");
    if (!f)
        fail_msg("%s: cannot be opened", path);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_put(out, bytes_from(part, n));
    fclose(f);
    assert_false(out->failed);
}

const char *vector_str(const json_t *entry, const char *member)
{
    const char *text = json_string_value(json_object_get(entry, member));
    if (!text)
        fail_msg("vector without text member %s", member);
    return text;
}

struct bytes vector_hex(struct buf *out, const json_t *entry, const char *member)
{
    struct err err = {0};
    size_t start = out->len;
    if (!hex_decode(out, bytes_str(vector_str(entry, member)), &err))
        fail_msg("%s: %s", member, err.text);
    return bytes_from(out->p ? out->p + start : NULL, out->len - start);
}
