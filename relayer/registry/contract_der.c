/* The contracts' DER walker: no nesting is checked, the next node is whatever stands behind this one, empty nodes are
 * an error. G1a's is the same with other words. */
#include "relayer/registry/contract.h"

/* An error of the newer library, or the older one's text. */
static bool refuse(struct exec *x, const char *signature, const char *text)
{
    return x->legacy ? stop_string(x, text) : stop_error(x, signature);
}

/* Length octets as a number; beyond 64 bits they are beyond any input. */
static bool long_length(struct exec *x, uint64_t *out, struct bytes octets)
{
    uint64_t v = 0;
    if (octets.len > 32)
        return refuse(x, "BytesLengthExceeds32()", "");
    for (size_t i = 0; i < octets.len; i++)
        v = v >> 56 ? UINT64_MAX : v << 8 | octets.p[i];
    *out = v;
    return true;
}

static bool node_length(struct exec *x, uint64_t *length, size_t *first, struct bytes der, size_t at)
{
    uint8_t octet = der.p[at + 1];
    if (!(octet & 0x80)) {
        *length = octet;
        *first = at + 2;
        return true;
    }
    size_t n = octet & 0x7f;
    if (n == 0 || at + 2 + n >= der.len)
        return refuse(x, "Asn1InvalidLengthBytes()", "Asn1Decode: invalid length bytes");
    *first = at + 2 + n;
    return long_length(x, length, bytes_sub(der, at + 2, n));
}

bool der_node(struct exec *x, struct node *out, struct bytes der, size_t at)
{
    uint64_t length = 0;
    struct node node = {.start = at};
    if (at + 1 >= der.len)
        return refuse(x, "Asn1IndexOutOfBounds()", "Asn1Decode: index out of bounds");
    if (!node_length(x, &length, &node.first, der, at))
        return false;
    if (length == 0)
        return refuse(x, "Asn1LengthCannotBeZero()", "Asn1Decode: length cannot be zero");
    if (length > der.len || node.first + length > der.len)
        return refuse(x, "Asn1ContentLengthOutOfBounds()", "Asn1Decode: content length out of bounds");
    node.last = node.first + (size_t)length - 1;
    *out = node;
    return true;
}

bool der_root(struct exec *x, struct node *out, struct bytes der)
{
    return der_node(x, out, der, 0);
}

bool der_child(struct exec *x, struct node *out, struct bytes der, struct node parent)
{
    if (!(der.p[parent.start] & 0x20))
        return refuse(x, "Asn1NotConstructedType()", "Not a constructed type");
    return der_node(x, out, der, parent.first);
}

bool der_next(struct exec *x, struct node *out, struct bytes der, struct node node)
{
    return der_node(x, out, der, node.last + 1);
}

struct bytes der_contents(struct bytes der, struct node node)
{
    return bytes_sub(der, node.first, node.last + 1 - node.first);
}

struct bytes der_whole(struct bytes der, struct node node)
{
    return bytes_sub(der, node.start, node.last + 1 - node.start);
}

bool der_bit_string(struct exec *x, struct bytes *out, struct bytes der, struct node node)
{
    if (der.p[node.start] != 0x03)
        return refuse(x, "Asn1NotBitString()", "Not type BIT STRING");
    if (der.p[node.first] != 0x00)
        return refuse(x, "Asn1BitStringNotZeroPadded()", "Not 0-padded");
    *out = bytes_sub(der, node.first + 1, node.last - node.first);
    return true;
}
