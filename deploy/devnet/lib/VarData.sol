// SPDX-License-Identifier: Apache-2.0
// Azure's attestation key, found in the HCL var data the way the real verifier finds it: by searching text, not by
// parsing JSON. Order kty, e, n and the absence of spaces are therefore required, and much that is no JSON passes.
pragma solidity 0.8.27;

library VarData {
    uint256 private constant NOT_FOUND = type(uint256).max;

    /// Modulus and exponent, as they stand there.
    function attestationKey(bytes memory text) internal pure returns (bytes memory, bytes memory) {
        bytes memory start = '"kid":"HCLAkPub"';
        uint256 at = find(text, start, 0);
        require(at != NOT_FOUND, "not found");

        bytes memory kty;
        bytes memory e;
        bytes memory n;
        (kty, at) = value(text, '"kty":"', at + start.length, "invalid kty");
        require(keccak256(kty) == keccak256("RSA"), "invalid kty");
        (e, at) = value(text, '"e":"', at, "invalid e");
        (n, at) = value(text, '"n":"', at, "invalid n");
        require(find(text, '"kid":"HCLEkPub"', at) != NOT_FOUND, "data mixed up");
        return (base64(n), base64(e));
    }

    /// The text between the next `label` and the quotation mark that follows it, and the position behind that mark.
    function value(bytes memory text, bytes memory label, uint256 from, string memory failure)
        private
        pure
        returns (bytes memory part, uint256 next)
    {
        uint256 start = find(text, label, from);
        require(start != NOT_FOUND, failure);
        start += label.length;
        uint256 end = find(text, '"', start);
        require(end != NOT_FOUND, failure);
        part = new bytes(end - start);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(text, 0x20), start), mload(part))
        }
        next = end + 1;
    }

    /// First occurrence of `what` (1 to 32 bytes) at or after `from`.
    function find(bytes memory text, bytes memory what, uint256 from) private pure returns (uint256) {
        unchecked {
            uint256 length = what.length;
            uint256 shift = 256 - 8 * length;
            bytes32 wanted = bytes32(what) >> shift;
            for (uint256 i = from; i + length <= text.length; i++) {
                bytes32 seen;
                assembly ("memory-safe") {
                    seen := shr(shift, mload(add(add(text, 0x20), i)))
                }
                if (seen == wanted) return i;
            }
            return NOT_FOUND;
        }
    }

    /// Base64 as the library behind the real verifier decodes it: either alphabet, padding optional, nothing refused.
    /// A last group of one character gives nothing; trailing "=" (each of the last two characters, alone) take a byte
    /// off when the length is a multiple of four.
    function base64(bytes memory text) private pure returns (bytes memory out) {
        uint256 length = text.length;
        if (length == 0) return out;
        uint256 size = length / 4 * 3;
        if (length % 4 != 0) {
            size += length % 4 - 1;
        } else {
            if (text[length - 1] == "=") size--;
            if (text[length - 2] == "=") size--;
        }
        out = new bytes(size);
        uint256 bits;
        uint256 at;
        for (uint256 i; i < length && at < size; i++) {
            bits = bits << 6 | sextet(uint8(text[i]));
            if (i % 4 == 0) continue;
            out[at++] = bytes1(uint8(bits >> (6 - 2 * (i % 4))));
        }
    }

    /// Characters outside both alphabets have a value too, because that library looks characters up in a table laid
    /// into memory: comma and opening bracket read as 63, other ASCII as 0. What control characters below 0x1a, the
    /// colon and bytes from 0x80 on give depends there on what the memory happens to hold; here they are 0.
    function sextet(uint8 c) private pure returns (uint256) {
        unchecked {
            if (c >= 0x41 && c <= 0x5a) return c - 0x41; // A-Z
            if (c >= 0x61 && c <= 0x7a) return c - 0x61 + 26; // a-z
            if (c >= 0x30 && c <= 0x39) return c - 0x30 + 52; // 0-9
            if (c == 0x2b || c == 0x2d) return 62; // + -
            if (c == 0x2f || c == 0x5f || c == 0x2c || c == 0x5b) return 63; // / _ , [
            return 0;
        }
    }
}
