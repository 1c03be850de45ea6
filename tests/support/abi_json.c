#include "tests/support/abi_json.h"

#include "abi/u256.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#include <stdlib.h>

static struct u256 negate(struct u256 v)
{
    uint64_t carry = 1;
    for (int i = 0; i < 4; i++) {
        v.w[i] = ~v.w[i] + carry;
        carry = carry && v.w[i] == 0;
    }
    return v;
}

static json_t *number(const struct abi_type *type, struct bytes word)
{
    char text[U256_DEC_SIZE + 1] = "-";
    struct u256 v = u256_from_be32(word.p);
    if (type->kind == ABI_INT && (word.p[0] & 0x80)) {
        u256_dec(text + 1, negate(v));
        return json_string(text);
    }
    return json_string(u256_dec(text + 1, v));
}

static json_t *hex(struct bytes b)
{
    AUTO(auto_free) char *text = hex_0x(b);
    return json_string(text);
}

static json_t *word_to_json(const struct abi_type *type, struct bytes word)
{
    if (type->kind == ABI_BOOL)
        return json_boolean(word.p[31]);
    if (type->kind == ABI_ADDRESS)
        return hex(bytes_sub(word, 12, 20));
    if (type->kind == ABI_FIXED_BYTES)
        return hex(bytes_sub(word, 0, type->size));
    return number(type, word);
}

json_t *abi_to_json(const struct abi_type *type, const struct abi_value *v)
{
    if (abi_is_word(type))
        return word_to_json(type, v->data);
    if (type->kind == ABI_STRING) {
        json_t *text = v->data.len ? json_stringn((const char *)v->data.p, v->data.len) : json_string("");
        return text ? text : hex(v->data);
    }
    if (type->kind == ABI_BYTES)
        return hex(v->data);
    json_t *list = json_array();
    for (size_t i = 0; i < v->count; i++) {
        if (v->item)
            json_array_append_new(list, abi_to_json(type->kind == ABI_TUPLE ? &type->item[i] : type->item, &v->item[i]));
        else
            json_array_append_new(list, word_to_json(type->item, bytes_from(abi_word(v, i), ABI_WORD)));
    }
    return list;
}

static bool word_from_json(uint8_t word[static ABI_WORD], const struct abi_type *type, const json_t *json)
{
    memset(word, 0, ABI_WORD);
    if (type->kind == ABI_BOOL) {
        word[31] = json_is_true(json);
        return json_is_boolean(json);
    }
    const char *text = json_string_value(json);
    if (type->kind == ABI_ADDRESS)
        return text && hex_decode_fixed(word + 12, 20, bytes_str(text), NULL);
    if (type->kind == ABI_FIXED_BYTES)
        return text && hex_decode_fixed(word, type->size, bytes_str(text), NULL);
    char digits[32];
    if (json_is_integer(json))
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(json));
    if (!text)
        text = digits;
    bool minus = *text == '-';
    struct u256 v;
    if (!u256_parse(&v, bytes_str(text + minus), NULL))
        return false;
    u256_to_be32(word, minus ? negate(v) : v);
    return true;
}

static struct bytes text_bytes(struct arena *mem, const struct abi_type *type, const char *text)
{
    if (type->kind == ABI_STRING)
        return arena_copy(mem, bytes_str(text), NULL);
    AUTO(buf_done) struct buf raw = buf_new(1 << 22);
    return hex_decode(&raw, bytes_str(text), NULL) ? arena_copy(mem, buf_view(&raw), NULL) : (struct bytes){0};
}

static bool list_from_json(struct abi_value *out, struct arena *mem, const struct abi_type *type, json_t *const *items, size_t n)
{
    if (type->kind != ABI_TUPLE && abi_is_word(type->item)) {
        uint8_t *words = arena_alloc(mem, n ? n : 1, ABI_WORD);
        for (size_t i = 0; i < n; i++)
            if (!words || !word_from_json(words + i * ABI_WORD, type->item, items[i]))
                return false;
        *out = (struct abi_value){.data = bytes_from(words, n * ABI_WORD), .count = n};
        return true;
    }
    *out = abi_new_list(mem, n);
    for (size_t i = 0; i < n; i++)
        if (!out->item || !abi_from_json(&out->item[i], mem, type->kind == ABI_TUPLE ? &type->item[i] : type->item, items[i]))
            return false;
    return true;
}

bool abi_from_json(struct abi_value *out, struct arena *mem, const struct abi_type *type, const json_t *json)
{
    if (abi_is_word(type)) {
        uint8_t word[ABI_WORD];
        if (!word_from_json(word, type, json))
            return false;
        *out = abi_from_word(mem, word);
        return true;
    }
    if (type->kind == ABI_BYTES || type->kind == ABI_STRING) {
        *out = json_is_string(json) ? abi_from_bytes(text_bytes(mem, type, json_string_value(json))) : (struct abi_value){0};
        return json_is_string(json);
    }
    size_t n = json_is_object(json) ? json_object_size(json) : json_array_size(json), i = 0;
    json_t **items = arena_alloc(mem, n ? n : 1, sizeof *items), *member;
    const char *key;
    if (!items || (type->kind != ABI_ARRAY && n != type->count))
        return false;
    if (json_is_object(json)) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, member)
            items[i++] = member;
    } else {
        for (i = 0; i < n; i++)
            items[i] = json_array_get(json, i);
    }
    return list_from_json(out, mem, type, items, n);
}
