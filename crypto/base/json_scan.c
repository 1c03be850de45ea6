#include "crypto/base/json_scan.h"

#include "crypto/base/text.h"

/* A cursor over the text; the first failure sticks. */
struct scan {
    struct bytes in;
    size_t pos;
    const char *why; /* NULL: all is well */
};

static int peek(const struct scan *s)
{
    return s->pos < s->in.len ? s->in.p[s->pos] : -1;
}

static bool fail(struct scan *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->pos < s->in.len) {
        uint8_t c = s->in.p[s->pos];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        s->pos++;
    }
}

static bool take(struct scan *s, char c, const char *why)
{
    if (peek(s) != c)
        return fail(s, why);
    s->pos++;
    return true;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* --- judging --- */

/* One UTF-8 sequence of two bytes or more (RFC 3629: shortest form, no surrogates, at most U+10FFFF). */
static bool scan_utf8(struct scan *s)
{
    const uint8_t *p = s->in.p + s->pos;
    size_t left = s->in.len - s->pos;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len)
        return fail(s, "not UTF-8");
    uint32_t code = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return fail(s, "not UTF-8");
        code = code << 6 | (p[i] & 0x3f);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return fail(s, "not UTF-8");
    s->pos += len;
    return true;
}

static bool scan_escape(struct scan *s)
{
    s->pos++;
    int c = peek(s);
    if (c < 0 || !strchr("\"\\/bfnrtu", c) || c == 0)
        return fail(s, "unknown escape");
    s->pos++;
    for (int i = 0; c == 'u' && i < 4; i++, s->pos++)
        if (!is_hex(peek(s)))
            return fail(s, "\\u wants four hex digits");
    return true;
}

/* The next character that needs a second look; those before it, most of a string of hex, are passed. */
static int peek_special(struct scan *s)
{
    for (; s->pos < s->in.len; s->pos++) {
        uint8_t c = s->in.p[s->pos];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            return c;
    }
    return -1;
}

static bool scan_string(struct scan *s, bool escapes)
{
    if (!take(s, '"', "want a string"))
        return false;
    for (int c; (c = peek_special(s)) != '"';) {
        if (c < 0x20)
            return fail(s, c < 0 ? "string has no end" : "control character in a string");
        if (c == '\\' && !escapes)
            return fail(s, "escape in a member name");
        if (c == '\\' ? !scan_escape(s) : !scan_utf8(s))
            return false;
    }
    s->pos++;
    return true;
}

static bool scan_digits(struct scan *s)
{
    if (!is_digit(peek(s)))
        return fail(s, "want a digit");
    while (is_digit(peek(s)))
        s->pos++;
    return true;
}

static bool scan_number(struct scan *s)
{
    if (peek(s) == '-')
        s->pos++;
    if (peek(s) == '0')
        s->pos++;
    else if (!scan_digits(s))
        return false;
    if (peek(s) == '.') {
        s->pos++;
        if (!scan_digits(s))
            return false;
    }
    if (peek(s) != 'e' && peek(s) != 'E')
        return true;
    s->pos++;
    if (peek(s) == '+' || peek(s) == '-')
        s->pos++;
    return scan_digits(s);
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    if (!bytes_eq(bytes_sub(s->in, s->pos, len), bytes_str(word)))
        return fail(s, "unknown word");
    s->pos += len;
    return true;
}

static bool scan_value(struct scan *s, int depth);

static bool scan_member(struct scan *s, struct bytes *names, size_t *num_names, int depth)
{
    size_t start = s->pos;
    if (!scan_string(s, false))
        return false;
    struct bytes name = bytes_sub(s->in, start, s->pos - start);
    for (size_t i = 0; i < *num_names; i++)
        if (bytes_eq(names[i], name))
            return fail(s, "member name twice");
    if (*num_names == JSON_MAX_MEMBERS)
        return fail(s, "too many members");
    names[(*num_names)++] = name;
    skip_space(s);
    if (!take(s, ':', "want a colon"))
        return false;
    skip_space(s);
    return scan_value(s, depth);
}

static bool scan_container(struct scan *s, int depth)
{
    struct bytes names[JSON_MAX_MEMBERS];
    size_t num_names = 0;
    bool object = peek(s) == '{';
    char end = object ? '}' : ']';
    if (depth == 0)
        return fail(s, "nested too deeply");
    s->pos++;
    skip_space(s);
    if (peek(s) == end) {
        s->pos++;
        return true;
    }
    for (;;) {
        if (object ? !scan_member(s, names, &num_names, depth - 1) : !scan_value(s, depth - 1))
            return false;
        skip_space(s);
        if (peek(s) == end)
            break;
        if (!take(s, ',', "want a comma or the end"))
            return false;
        skip_space(s);
    }
    s->pos++;
    return true;
}

static bool scan_value(struct scan *s, int depth)
{
    switch (peek(s)) {
    case '{':
    case '[':
        return scan_container(s, depth);
    case '"':
        return scan_string(s, true);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return scan_number(s);
    }
}

static enum json_kind kind_of(uint8_t first)
{
    switch (first) {
    case '{':
        return JSON_OBJ;
    case '[':
        return JSON_ARR;
    case '"':
        return JSON_STR;
    case 't':
        return JSON_YES;
    case 'f':
        return JSON_NO;
    case 'n':
        return JSON_NIL;
    default:
        return JSON_NUM;
    }
}

bool json_scan(struct json_range *out, struct bytes text, struct err *err)
{
    struct scan s = {.in = text};
    skip_space(&s);
    size_t start = s.pos, end = 0;
    if (scan_value(&s, JSON_MAX_DEPTH)) {
        end = s.pos;
        skip_space(&s);
        if (s.pos != text.len)
            fail(&s, "text behind the value");
    }
    if (s.why)
        return err_set(err, ERR_FORMAT, "JSON: %s at offset %zu", s.why, s.pos);
    *out = (struct json_range){kind_of(text.p[start]), bytes_sub(text, start, end - start)};
    return true;
}

/* --- walking a judged text: its grammar is known to hold --- */

static void pass_string(struct scan *s)
{
    const uint8_t *from = s->in.p + s->pos + 1;
    size_t left = s->pos < s->in.len ? s->in.len - s->pos - 1 : 0;
    const uint8_t *quote = left ? memchr(from, '"', left) : NULL;
    if (quote && !memchr(from, '\\', (size_t)(quote - from))) {
        s->pos = (size_t)(quote - s->in.p) + 1;
        return;
    }
    for (s->pos++; peek(s) >= 0 && peek(s) != '"'; s->pos++)
        if (peek(s) == '\\')
            s->pos++;
    s->pos++;
}

static void pass_value(struct scan *s)
{
    size_t depth = 0;
    do {
        int c = peek(s);
        if (c == '"') {
            pass_string(s);
        } else if (c == '{' || c == '[') {
            depth++;
            s->pos++;
        } else if (c == '}' || c == ']') {
            depth--;
            s->pos++;
        } else if (depth > 0) {
            s->pos++;
        } else {
            while (peek(s) >= 0 && !strchr(",]} \t\r\n", peek(s)))
                s->pos++;
        }
    } while (depth > 0 && peek(s) >= 0);
}

struct json_walk json_walk(struct json_range container)
{
    struct json_walk w = {.object = container.kind == JSON_OBJ};
    if (container.raw.len >= 2 && (w.object || container.kind == JSON_ARR))
        w.in = bytes_sub(container.raw, 1, container.raw.len - 2);
    return w;
}

bool json_next(struct json_walk *w)
{
    struct scan s = {.in = w->in, .pos = w->pos};
    skip_space(&s);
    if (peek(&s) == ',')
        s.pos++;
    skip_space(&s);
    if (peek(&s) < 0)
        return false;
    if (w->object) {
        size_t start = s.pos + 1;
        pass_string(&s);
        w->name = bytes_sub(w->in, start, s.pos - 1 - start);
        skip_space(&s);
        s.pos++; /* the colon */
        skip_space(&s);
    }
    size_t start = s.pos;
    pass_value(&s);
    w->value = (struct json_range){kind_of(w->in.p[start]), bytes_sub(w->in, start, s.pos - start)};
    w->pos = s.pos;
    return true;
}

struct json_range json_member(struct json_range obj, const char *name)
{
    struct bytes wanted = bytes_str(name);
    if (obj.kind == JSON_OBJ)
        for (struct json_walk w = json_walk(obj); json_next(&w);)
            if (bytes_eq(w.name, wanted))
                return w.value;
    return (struct json_range){0};
}

bool json_plain(struct bytes *out, struct json_range value)
{
    if (value.kind != JSON_STR || memchr(value.raw.p, '\\', value.raw.len))
        return false;
    *out = bytes_sub(value.raw, 1, value.raw.len - 2);
    return true;
}

static uint32_t hex4(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(is_digit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

static void put_utf8(struct buf *out, uint32_t code)
{
    if (code < 0x80) {
        buf_u8(out, (uint8_t)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    buf_u8(out, (uint8_t)(lead[more] | code >> (6 * more)));
    while (more-- > 0)
        buf_u8(out, (uint8_t)(0x80 | (code >> (6 * more) & 0x3f)));
}

/* The escape at p (behind the backslash); returns how many bytes it takes, 0 for a lone surrogate. */
static size_t put_escape(struct buf *out, struct bytes p)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *at = strchr(from, p.p[0]);
    if (p.p[0] != 'u') {
        buf_u8(out, at ? (uint8_t)to[at - from] : p.p[0]);
        return 1;
    }
    uint32_t code = hex4(p.p + 1);
    if (code < 0xd800 || code > 0xdfff) {
        put_utf8(out, code);
        return 5;
    }
    if (code > 0xdbff || p.len < 11 || p.p[5] != '\\' || p.p[6] != 'u')
        return 0;
    uint32_t low = hex4(p.p + 7);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    put_utf8(out, 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00)));
    return 11;
}

bool json_text(struct buf *out, struct json_range value, struct err *err)
{
    if (value.kind != JSON_STR)
        return err_set(err, ERR_FORMAT, "JSON: want a string");
    struct bytes in = bytes_sub(value.raw, 1, value.raw.len - 2);
    for (size_t i = 0; i < in.len;) {
        const uint8_t *escape = memchr(in.p + i, '\\', in.len - i);
        size_t plain = escape ? (size_t)(escape - in.p) - i : in.len - i;
        buf_put(out, bytes_sub(in, i, plain));
        i += plain;
        if (i == in.len)
            break;
        size_t took = put_escape(out, bytes_sub(in, i + 1, in.len - i - 1));
        if (took == 0)
            return err_set(err, ERR_FORMAT, "JSON: lone surrogate in a string");
        i += 1 + took;
    }
    return buf_finish(out, err);
}

bool json_u64(uint64_t *out, struct json_range value, uint64_t max)
{
    return value.kind == JSON_NUM && u64_parse(out, value.raw, max, NULL);
}
