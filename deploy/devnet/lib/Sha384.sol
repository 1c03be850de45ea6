// SPDX-License-Identifier: Apache-2.0
// SHA-384 (FIPS 180-4) for the report id rule: RTMR registers are extended with it, and the EVM has no precompile.
// Takes at most 127 bytes: the helper of the real registry fails on anything longer, with this very error.
pragma solidity 0.8.27;

import {Bytes48} from "./Types.sol";
import {BytesOffsetOutOfBounds} from "./Der.sol";

library Sha384 {
    // Eighty 64-bit round constants, FIPS 180-4 4.2.3.
    bytes private constant K =
        hex"428a2f98d728ae227137449123ef65cdb5c0fbcfec4d3b2fe9b5dba58189dbbc3956c25bf348b53859f111f1b605d019"
        hex"923f82a4af194f9bab1c5ed5da6d8118d807aa98a303024212835b0145706fbe243185be4ee4b28c550c7dc3d5ffb4e2"
        hex"72be5d74f27b896f80deb1fe3b1696b19bdc06a725c71235c19bf174cf692694e49b69c19ef14ad2efbe4786384f25e3"
        hex"0fc19dc68b8cd5b5240ca1cc77ac9c652de92c6f592b02754a7484aa6ea6e4835cb0a9dcbd41fbd476f988da831153b5"
        hex"983e5152ee66dfaba831c66d2db43210b00327c898fb213fbf597fc7beef0ee4c6e00bf33da88fc2d5a79147930aa725"
        hex"06ca6351e003826f142929670a0e6e7027b70a8546d22ffc2e1b21385c26c9264d2c6dfc5ac42aed53380d139d95b3df"
        hex"650a73548baf63de766a0abb3c77b2a881c2c92e47edaee692722c851482353ba2bfe8a14cf10364a81a664bbc423001"
        hex"c24b8b70d0f89791c76c51a30654be30d192e819d6ef5218d69906245565a910f40e35855771202a106aa07032bbd1b8"
        hex"19a4c116b8d2d0c81e376c085141ab532748774cdf8eeb9934b0bcb5e19b48a8391c0cb3c5c95a634ed8aa4ae3418acb"
        hex"5b9cca4f7763e373682e6ff3d6b2b8a3748f82ee5defb2fc78a5636f43172f6084c87814a1f0ab728cc702081a6439ec"
        hex"90befffa23631e28a4506cebde82bde9bef9a3f7b2c67915c67178f2e372532bca273eceea26619cd186b8c721c0c207"
        hex"eada7dd6cde0eb1ef57d4f7fee6ed17806f067aa72176fba0a637dc5a2c898a6113f9804bef90dae1b710b35131c471b"
        hex"28db77f523047d8432caab7b40c724933c9ebe0a15c9bebc431d67c49c100d4c4cc5d4becb3e42b6597f299cfc657e2a"
        hex"5fcb6fab3ad6faec6c44198c4a475817";

    /// A register of zeros extended once with the hash of `id`.
    function extended(bytes memory id) internal pure returns (Bytes48 memory) {
        Bytes48 memory digest = hash(id);
        return hash(bytes.concat(new bytes(48), digest.first, digest.second));
    }

    function hash(bytes memory message) internal pure returns (Bytes48 memory digest) {
        if (message.length > 127) revert BytesOffsetOutOfBounds();
        uint256 blocks = message.length < 112 ? 1 : 2;
        bytes memory zeros = new bytes(blocks * 128 - message.length - 1 - 16);
        bytes memory input = bytes.concat(message, hex"80", zeros, bytes16(uint128(message.length * 8)));

        uint256[8] memory h = [
            uint256(0xcbbb9d5dc1059ed8),
            0x629a292a367cd507,
            0x9159015a3070dd17,
            0x152fecd8f70e5939,
            0x67332667ffc00b31,
            0x8eb44a8768581511,
            0xdb0c2e0d64f98fa7,
            0x47b5481dbefa4fa4
        ];
        bytes memory k = K;
        uint256[80] memory schedule;
        for (uint256 i; i < blocks; i++) compress(h, schedule, input, i * 128, k);
        digest.first = bytes32(h[0] << 192 | h[1] << 128 | h[2] << 64 | h[3]);
        digest.second = bytes16(uint128(h[4] << 64 | h[5]));
    }

    /// One block (FIPS 180-4 6.4.2). Words are 64 bits wide and cut to that wherever a sum may have outgrown it. In
    /// assembly because the same in Solidity takes the compiler a quarter of a minute.
    function compress(
        uint256[8] memory h,
        uint256[80] memory schedule,
        bytes memory input,
        uint256 at,
        bytes memory k
    ) private pure {
        uint256[8] memory v;
        assembly ("memory-safe") {
            function cut(x) -> y {
                y := and(x, 0xffffffffffffffff)
            }
            function ror(x, n) -> y {
                y := cut(or(shr(n, x), shl(sub(64, n), x)))
            }
            function word(from, offset) -> x {
                x := shr(192, mload(add(add(from, 0x20), offset)))
            }

            for { let t := 0 } lt(t, 16) { t := add(t, 1) } {
                mstore(add(schedule, mul(t, 0x20)), word(input, add(at, mul(t, 8))))
            }
            for { let t := 16 } lt(t, 80) { t := add(t, 1) } {
                let to := add(schedule, mul(t, 0x20))
                let x := mload(sub(to, 480)) // w[t - 15]
                let y := mload(sub(to, 64)) // w[t - 2]
                x := xor(xor(ror(x, 1), ror(x, 8)), shr(7, x))
                y := xor(xor(ror(y, 19), ror(y, 61)), shr(6, y))
                mstore(to, cut(add(add(mload(sub(to, 512)), x), add(mload(sub(to, 224)), y))))
            }

            mcopy(v, h, 0x100)
            for { let t := 0 } lt(t, 80) { t := add(t, 1) } {
                let e := mload(add(v, 0x80))
                let t1 := xor(and(e, mload(add(v, 0xa0))), and(not(e), mload(add(v, 0xc0)))) // choose
                t1 := add(t1, xor(xor(ror(e, 14), ror(e, 18)), ror(e, 41)))
                t1 := add(t1, add(mload(add(v, 0xe0)), add(word(k, mul(t, 8)), mload(add(schedule, mul(t, 0x20))))))
                let a := mload(v)
                let b := mload(add(v, 0x20))
                let c := mload(add(v, 0x40))
                let t2 := xor(xor(and(a, b), and(a, c)), and(b, c)) // majority
                t2 := add(t2, xor(xor(ror(a, 28), ror(a, 34)), ror(a, 39)))
                mcopy(add(v, 0x20), v, 0xe0)
                mstore(add(v, 0x80), cut(add(mload(add(v, 0x80)), t1)))
                mstore(v, cut(add(t1, t2)))
            }
            for { let i := 0 } lt(i, 0x100) { i := add(i, 0x20) } {
                mstore(add(h, i), cut(add(mload(add(h, i)), mload(add(v, i)))))
            }
        }
    }
}
