#include "relayer/rpc/errors.h"

#include "crypto/base/auto.h"
#include "crypto/base/text.h"

#define MAX_TEXT 4096

const char *rpc_class_name(enum rpc_class class)
{
    static const char *const names[] = {
#define RPC_CLASS_NAME(id, name) [id] = name,
        RPC_CLASSES(RPC_CLASS_NAME)
#undef RPC_CLASS_NAME
    };
    return names[class];
}

/* Words in lower case; '#' stands for a number. The first row that a text contains decides, so a text that contains
 * another stands before it. */
static const struct rule {
    const char *words;
    enum rpc_class class;
} rules[] = {
    {"already known", RPC_ALREADY_KNOWN},
    {"alreadyknown", RPC_ALREADY_KNOWN},
    {"known transaction", RPC_ALREADY_KNOWN},
    {"already imported", RPC_ALREADY_KNOWN},
    {"same hash", RPC_ALREADY_KNOWN},
    {"already in the system", RPC_ALREADY_KNOWN},
    {"already_exists", RPC_ALREADY_KNOWN},
    {"already in the txpool", RPC_ALREADY_KNOWN},

    {"replacement transaction underpriced", RPC_REPLACEMENT_UNDERPRICED},
    {"replacement gas too low", RPC_REPLACEMENT_UNDERPRICED},
    {"could not replace existing", RPC_REPLACEMENT_UNDERPRICED},
    {"replacementnotallowed", RPC_REPLACEMENT_UNDERPRICED},
    {"replacement not allowed", RPC_REPLACEMENT_UNDERPRICED},

    /* a sender's mistakes that other rows would take for something else */
    {"priority fee per gas higher than max fee", RPC_UNKNOWN},
    {"invalidmaxpriorityfeepergas", RPC_UNKNOWN},
    {"exceeds the configured cap", RPC_UNKNOWN},
    {"with a lower nonce exists", RPC_UNKNOWN},

    {"nonce too low", RPC_NONCE_TOO_LOW},
    {"nonce is too low", RPC_NONCE_TOO_LOW},
    {"oldnonce", RPC_NONCE_TOO_LOW},
    {"nonce too high", RPC_NONCE_TOO_HIGH},
    {"nonce is too high", RPC_NONCE_TOO_HIGH},
    {"nonce too far in future", RPC_NONCE_TOO_HIGH},
    {"nonce is too distant", RPC_NONCE_TOO_HIGH},
    {"noncegap", RPC_NONCE_TOO_HIGH},

    {"cannot pay basefee", RPC_FEE_BELOW_BASE},
    {"less than block base fee", RPC_FEE_BELOW_BASE},
    {"maxfeepergas too low", RPC_FEE_BELOW_BASE},
    {"current base fee", RPC_FEE_BELOW_BASE},
    {"less than the current basefee", RPC_FEE_BELOW_BASE},
    {"too low for the next block", RPC_FEE_BELOW_BASE},

    {"underpriced", RPC_UNDERPRICED},
    {"gas price below minimum", RPC_UNDERPRICED},
    {"pay the minimum gas price", RPC_UNDERPRICED},
    {"feetoolow", RPC_UNDERPRICED},
    {"fee_too_low", RPC_UNDERPRICED},
    {"below configured minimum gas price", RPC_UNDERPRICED},
    {"priority fee below minimum", RPC_UNDERPRICED},
    {"below the minimum", RPC_UNDERPRICED},

    {"insufficient gas for floor data", RPC_GAS_TOO_LOW},
    {"insufficient funds", RPC_INSUFFICIENT_FUNDS},
    {"insufficientfunds", RPC_INSUFFICIENT_FUNDS},
    {"enough funds", RPC_INSUFFICIENT_FUNDS},
    {"enough balance to cover", RPC_INSUFFICIENT_FUNDS},
    {"would cause overdraft", RPC_INSUFFICIENT_FUNDS},
    {"upfront cost exceeds", RPC_INSUFFICIENT_FUNDS},

    {"intrinsic gas too high", RPC_GAS_TOO_HIGH},
    {"exceeds block gas limit", RPC_GAS_TOO_HIGH},
    {"gas limit too high", RPC_GAS_TOO_HIGH},
    {"gas limit is too high", RPC_GAS_TOO_HIGH},
    {"exceeds max transaction gas limit", RPC_GAS_TOO_HIGH},
    {"exceeds transaction gas cap", RPC_GAS_TOO_HIGH},
    {"gas limit cap exceeded", RPC_GAS_TOO_HIGH},
    {"txgaslimitcapexceeded", RPC_GAS_TOO_HIGH},
    {"gaslimitexceeded", RPC_GAS_TOO_HIGH},
    {"gas limit reached", RPC_GAS_TOO_HIGH},
    {"exceeds allowance", RPC_GAS_TOO_HIGH},
    {"intrinsic gas", RPC_GAS_TOO_LOW},
    {"intrinsicgas", RPC_GAS_TOO_LOW},
    {"transaction requires at least", RPC_GAS_TOO_LOW},
    {"requires gas floor", RPC_GAS_TOO_LOW},
    {"out of gas", RPC_GAS_TOO_LOW},

    {"type not supported", RPC_UNSUPPORTED_TYPE},
    {"unsupported transaction type", RPC_UNSUPPORTED_TYPE},
    {"fork supporting this transaction type", RPC_UNSUPPORTED_TYPE},

    {"invalid chain id", RPC_WRONG_CHAIN},
    {"invalid chainid", RPC_WRONG_CHAIN},
    {"invalidtxchainid", RPC_WRONG_CHAIN},
    {"wrong chainid", RPC_WRONG_CHAIN},
    {"chainid is required", RPC_WRONG_CHAIN},
    {"signed for another chain", RPC_WRONG_CHAIN},

    {"pool is full", RPC_POOL_FULL},
    {"max amount of txs for this account", RPC_POOL_FULL},
    {"in-flight transaction limit", RPC_POOL_FULL},
    {"account limit exceeded", RPC_POOL_FULL},
    {"future transaction tries to replace", RPC_POOL_FULL},

    {"too many requests", RPC_RATE_LIMITED},
    {"rate limit", RPC_RATE_LIMITED},
    {"request rate exceeded", RPC_RATE_LIMITED},
    {"credits limited", RPC_RATE_LIMITED},
    {"over capacity", RPC_RATE_LIMITED},

    {"response too large", RPC_RANGE_TOO_LARGE},
    {"response size exceeded", RPC_RANGE_TOO_LARGE},
    {"limit the query to", RPC_RANGE_TOO_LARGE},
    {"query returned more than", RPC_RANGE_TOO_LARGE},
    {"query exceeds max", RPC_RANGE_TOO_LARGE},
    {"block range should work", RPC_RANGE_TOO_LARGE},
    {"exceeds limit of", RPC_RANGE_TOO_LARGE},
    {"limited to a # range", RPC_RANGE_TOO_LARGE},
    {"block range is too wide", RPC_RANGE_TOO_LARGE},
    {"block range is bigger than", RPC_RANGE_TOO_LARGE},
    {"block range is larger than", RPC_RANGE_TOO_LARGE},
    {"block range limit is", RPC_RANGE_TOO_LARGE},
    {"bigger than range limit", RPC_RANGE_TOO_LARGE},

    {"revert", RPC_REVERTED},
    {"vm execution error", RPC_REVERTED},
    {"vm exception while processing", RPC_REVERTED},

    {"syncing", RPC_TRANSIENT},
    {"sync is still in progress", RPC_TRANSIENT},
    {"transaction pool not enabled", RPC_TRANSIENT},
    {"timeout", RPC_TRANSIENT},
    {"timed out", RPC_TRANSIENT},
    {"sequencer internal error", RPC_TRANSIENT},
    {"failed to publish transaction", RPC_TRANSIENT},
    {"not accepting transactions", RPC_TRANSIENT},
    {"no backend is currently healthy", RPC_TRANSIENT},
    {"backend offline", RPC_TRANSIENT},
    {"block is out of range", RPC_TRANSIENT},
    {"blockoutofrange", RPC_TRANSIENT},
    {"indexing is in progress", RPC_TRANSIENT},
    {"no peer connection available", RPC_TRANSIENT},
    {"not aware of the current chain height", RPC_TRANSIENT},
    {"header not found", RPC_TRANSIENT},
    {"service unavailable", RPC_TRANSIENT},
    {"bad gateway", RPC_TRANSIENT},
    {"temporarily unavailable", RPC_TRANSIENT},
    {"try again later", RPC_TRANSIENT},
};

/* The text, then the words in data; lower case, each run of digits (with its separators) as one '#'. */
static void add_normal(struct buf *out, struct bytes text)
{
    bool in_number = false;
    buf_u8(out, '\n');
    for (size_t i = 0; i < text.len && i < MAX_TEXT; i++) {
        uint8_t c = text.p[i];
        bool digit = c >= '0' && c <= '9';
        if (in_number &&
            (digit || ((c == ',' || c == '.') && i + 1 < text.len && text.p[i + 1] >= '0' && text.p[i + 1] <= '9')))
            continue;
        in_number = digit;
        buf_u8(out, digit ? '#' : c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c);
    }
}

static void add_member(struct buf *out, const json_t *object, const char *member)
{
    const json_t *v = json_object_get(object, member);
    if (json_is_string(v))
        add_normal(out, bytes_from(json_string_value(v), json_string_length(v)));
}

static const struct rule *find_rule(struct bytes text)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (bytes_find(text, bytes_str(rules[i].words), 0) != SIZE_MAX)
            return &rules[i];
    return NULL;
}

static enum rpc_class by_numbers(int http_status, int64_t code, bool has_data)
{
    if (http_status == 429)
        return RPC_RATE_LIMITED;
    if (http_status == 502 || http_status == 503 || http_status == 504 || http_status == 500 || http_status == 408)
        return RPC_TRANSIENT;
    if (code == 3 && has_data)
        return RPC_REVERTED;
    if (code == -32016)
        return RPC_RATE_LIMITED;
    return RPC_UNKNOWN;
}

enum rpc_class rpc_classify(int http_status, int64_t code, struct bytes message, const json_t *data)
{
    AUTO(buf_done) struct buf text = buf_new(8 * MAX_TEXT);
    add_normal(&text, message);
    if (json_is_string(data))
        add_normal(&text, bytes_from(json_string_value(data), json_string_length(data)));
    add_member(&text, data, "message");
    add_member(&text, data, "payload");
    add_member(&text, data, "reason");
    /* 429 is a rate limit whatever the body says, unless the body knows of our bytes */
    const struct rule *rule = find_rule(buf_view(&text));
    if (http_status == 429 && !(rule && rule->class == RPC_ALREADY_KNOWN))
        return RPC_RATE_LIMITED;
    if (rule)
        return rule->class;
    return by_numbers(http_status, code, data && !json_is_null(data));
}

static bool revert_text(struct buf *out, const json_t *text)
{
    struct bytes b = bytes_from(json_string_value(text), json_string_length(text));
    size_t at = bytes_find(b, BYTES_LIT("0x"), 0);
    return at != SIZE_MAX && hex_decode(out, bytes_sub(b, at, b.len - at), NULL);
}

bool rpc_revert_data(struct buf *out, const json_t *data)
{
    static const char *const members[] = {"data", "payload", "originalError", "result"};
    if (json_is_string(data))
        return revert_text(out, data);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *inner = json_object_get(data, members[i]);
        if (json_is_string(inner) ? revert_text(out, inner) : revert_text(out, json_object_get(inner, "data")))
            return true;
    }
    return false;
}
