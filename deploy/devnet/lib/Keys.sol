// SPDX-License-Identifier: Apache-2.0
// Public keys in the registry's form, and signatures under them: P-256 by the precompile at 0x100 (EIP-7951),
// RSASSA-PKCS1-v1_5 with SHA-256 by modexp.
pragma solidity 0.8.27;

import {CertPubkey} from "./Types.sol";
import {ALG_RSA, ALG_ECC, ECC_NIST_P256} from "./Alg.sol";
import {Der} from "./Der.sol";

error NotEcPublicKey();
error NotRsaPublicKey();
error CompressedPublicKeyNotSupported();
error RsaModulusEmpty();
error RsaExponentEmpty();
error InvalidRsaModulusSize();
error InvalidRsaExponentSize();
error RsaModulusNotOdd();
error InvalidRsaPubkeyFormat();

library Keys {
    using Der for bytes;

    /// Coordinates of an uncompressed P-256 key. That the point lies on the curve is the precompile's business.
    function p256(CertPubkey memory key) internal pure returns (bytes32 x, bytes32 y) {
        if (key.algo != ALG_ECC || key.params != ECC_NIST_P256) revert NotEcPublicKey();
        bytes memory data = key.data;
        if (data.length != 65 || data[0] != 0x04) revert CompressedPublicKeyNotSupported();
        assembly ("memory-safe") {
            x := mload(add(data, 0x21))
            y := mload(add(data, 0x41))
        }
    }

    /// The two numbers of an RSA key, with the rules over them.
    function rsa(CertPubkey memory key) internal pure returns (bytes memory n, bytes memory e) {
        if (key.algo != ALG_RSA) revert NotRsaPublicKey();
        if (key.data.length < 10 || key.data[0] != 0x30) revert InvalidRsaPubkeyFormat();
        (n, e) = numbers(key.data);
        requireSound(n, e);
    }

    /// The two numbers of a DER RSAPublicKey, leading zeros of the modulus gone. Tags of the inner elements and bytes
    /// after them are not looked at.
    function numbers(bytes memory der) internal pure returns (bytes memory n, bytes memory e) {
        Der.Node memory modulus = der.child(der.read(0));
        Der.Node memory exponent = der.sibling(modulus);
        n = der.content(modulus);
        uint256 zeros;
        while (zeros < n.length && n[zeros] == 0) zeros++;
        if (zeros < n.length) n = n.cut(zeros, n.length - zeros);
        e = der.content(exponent);
    }

    /// An RSA key from its numbers: SEQUENCE, both lengths of modulus and sequence in two bytes whatever they are.
    function fromRsa(bytes memory n, bytes memory e) internal pure returns (CertPubkey memory) {
        if (n[0] >= 0x80) n = bytes.concat(hex"00", n);
        if (e[0] >= 0x80) e = bytes.concat(hex"00", e);
        bytes memory body =
            abi.encodePacked(hex"0282", uint16(n.length), n, hex"02", uint8(e.length), e);
        return CertPubkey(ALG_RSA, 0, abi.encodePacked(hex"3082", uint16(body.length), body));
    }

    /// Size and parity of the modulus (256 to 512 bytes, odd), size of the exponent. Only the first 32 bytes of a
    /// longer exponent are held against 65537.
    function requireSound(bytes memory n, bytes memory e) internal pure {
        if (n.length == 0) revert RsaModulusEmpty();
        if (e.length == 0) revert RsaExponentEmpty();
        if (n.length < 256 || n.length > 512) revert InvalidRsaModulusSize();
        if (uint8(n[n.length - 1]) & 1 == 0) revert RsaModulusNotOdd();
        uint256 exponent;
        for (uint256 i; i < e.length && i < 32; i++) exponent = exponent << 8 | uint8(e[i]);
        if (exponent < 65537) revert InvalidRsaExponentSize();
        if (e.length + (e[0] < 0x80 ? 0 : 1) >= 0x80) revert InvalidRsaExponentSize();
    }

    /// True where the verifier says 1 in one word. The precompile says nothing at all for a bad signature or point.
    function verifyP256(address verifier, bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        internal
        view
        returns (bool)
    {
        (bool ok, bytes memory word) = verifier.staticcall(abi.encode(digest, r, s, x, y));
        return ok && word.length == 32 && uint256(bytes32(word)) == 1;
    }

    /// signature and n have the same length. DigestInfo with and without the NULL parameter is taken (RFC 8017 9.2
    /// asks verifiers for the first, some signers wrote the second).
    function verifyRsa(bytes32 digest, bytes memory signature, bytes memory n, bytes memory e)
        internal
        view
        returns (bool)
    {
        if (!lessThan(signature, n)) return false;
        bytes memory input =
            abi.encodePacked(signature.length, e.length, n.length, signature, e, n);
        (, bytes memory block_) = address(0x05).staticcall(input);
        bytes32 got = keccak256(block_);
        return got == keccak256(padded(n.length, hex"003031300d060960864801650304020105000420", digest))
            || got == keccak256(padded(n.length, hex"00302f300b0609608648016503040201" hex"0420", digest));
    }

    /// 00 01 ff..ff || prefix || digest
    function padded(uint256 length, bytes memory prefix, bytes32 digest) private pure returns (bytes memory out) {
        out = new bytes(length - prefix.length - 32);
        for (uint256 i = 2; i < out.length; i++) out[i] = 0xff;
        out[1] = 0x01;
        return bytes.concat(out, prefix, digest);
    }

    /// Compare two numbers of the same length in bytes.
    function lessThan(bytes memory a, bytes memory b) private pure returns (bool) {
        for (uint256 i; i < a.length; i++) {
            if (a[i] != b[i]) return a[i] < b[i];
        }
        return false;
    }
}
