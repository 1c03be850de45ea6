// SPDX-License-Identifier: Apache-2.0
// Just enough DER for an RSAPublicKey and a certificate's SubjectPublicKeyInfo, with the refusals of the contract that
// this stands in for: no empty element, no indefinite length, and an element may reach to the end of the whole input,
// not only to that of its parent.
pragma solidity 0.8.27;

import {CertPubkey} from "./Types.sol";
import {ALG_RSA, ALG_ECC, ECC_NIST_P256} from "./Alg.sol";

error Asn1IndexOutOfBounds();
error Asn1LengthCannotBeZero();
error Asn1InvalidLengthBytes();
error Asn1ContentLengthOutOfBounds();
error Asn1NotConstructedType();
error Asn1NotBitString();
error Asn1BitStringNotZeroPadded();
error Asn1PointerOutOfBounds();
error BytesLengthExceeds32();
error BytesOffsetOutOfBounds();
error UnknownPublicKeyAlgorithm(bytes oid);
error UnsupportedECCurve(bytes oid);

library Der {
    /// Where an element lies: its tag, its first and its last content byte.
    struct Node {
        uint256 tag;
        uint256 first;
        uint256 last;
    }

    /// Read the element at `at`. Positions are 80 bits wide in the real contract, and a length that wraps there wraps
    /// here: the sum is checked in 256 bits, then cut.
    function read(bytes memory der, uint256 at) internal pure returns (Node memory node) {
        if (at + 1 >= der.length) revert Asn1IndexOutOfBounds();
        uint256 length = uint8(der[at + 1]);
        uint256 first = at + 2;
        if (length & 0x80 != 0) {
            uint256 width = length & 0x7f;
            if (width == 0 || first + width >= der.length) revert Asn1InvalidLengthBytes();
            if (width > 32) revert BytesLengthExceeds32();
            length = 0;
            for (uint256 i; i < width; i++) length = length << 8 | uint8(der[first + i]);
            first += width;
        }
        if (length == 0) revert Asn1LengthCannotBeZero();
        uint80 last = uint80(uint256(uint80(first)) + length - 1);
        if (last + 1 > der.length) revert Asn1ContentLengthOutOfBounds();
        node = Node(at, first, last);
    }

    function child(bytes memory der, Node memory parent) internal pure returns (Node memory) {
        if (der[parent.tag] & 0x20 == 0) revert Asn1NotConstructedType();
        return read(der, parent.first);
    }

    function sibling(bytes memory der, Node memory node) internal pure returns (Node memory) {
        return read(der, node.last + 1);
    }

    function content(bytes memory der, Node memory node) internal pure returns (bytes memory) {
        return cut(der, node.first, node.last + 1 - node.first);
    }

    /// Content of a BIT STRING of whole bytes.
    function bits(bytes memory der, Node memory node) internal pure returns (bytes memory) {
        if (der[node.tag] != 0x03) revert Asn1NotBitString();
        if (der[node.first] != 0x00) revert Asn1BitStringNotZeroPadded();
        uint256 length = node.last + 1 - node.first;
        return cut(der, node.first + 1, length - 1);
    }

    function cut(bytes memory from, uint256 offset, uint256 length) internal pure returns (bytes memory part) {
        if (offset + length > from.length) revert BytesOffsetOutOfBounds();
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(from, 0x20), offset), length)
        }
    }

    /// The public key of an X.509 certificate (RFC 5280 4.1). Nothing else in the certificate is looked at.
    function certificateKey(bytes memory der) internal pure returns (CertPubkey memory key) {
        Node memory field = child(der, child(der, read(der, 0)));
        if (der[field.tag] == 0xa0) field = sibling(der, field); // explicit version
        for (uint256 i; i < 5; i++) field = sibling(der, field); // signature, issuer, validity, subject, key

        Node memory algorithm = child(der, field);
        Node memory value = sibling(der, algorithm);
        Node memory oidNode = child(der, algorithm);
        bytes memory oid = content(der, oidNode);
        key.data = bits(der, value);
        if (keccak256(oid) == keccak256(hex"2a864886f70d010101")) {
            key.algo = ALG_RSA;
            return key;
        }
        if (keccak256(oid) != keccak256(hex"2a8648ce3d0201")) revert UnknownPublicKeyAlgorithm(oid);

        key.algo = ALG_ECC;
        Node memory params = sibling(der, oidNode);
        if (params.tag > algorithm.last) revert Asn1PointerOutOfBounds();
        bytes memory curve = content(der, params);
        if (keccak256(curve) != keccak256(hex"2a8648ce3d030107")) revert UnsupportedECCurve(curve);
        key.params = ECC_NIST_P256;
    }
}
