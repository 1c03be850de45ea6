// SPDX-License-Identifier: Apache-2.0
// Public keys and signatures as G1a's library judges them: a point without its first byte, errors as texts, no rules
// over RSA numbers. Malformed DER is told in the words of the later library.
pragma solidity 0.8.27;

import {PubkeyG1a} from "./Types.sol";
import {ALG_ECDSA, ALG_RSASSA, ALG_SHA256, ECC_NIST_P256} from "./Alg.sol";
import {Keys} from "./Keys.sol";

library KeysG1a {
    function verify(address p256, PubkeyG1a memory key, bytes32 digest, bytes memory signature)
        internal
        view
        returns (bool)
    {
        require(key.hashAlgo == ALG_SHA256, "Crypto: unsupported hash algorithm");
        if (key.sigScheme == ALG_RSASSA) {
            (bytes memory n, bytes memory e) = Keys.numbers(key.data);
            return n.length >= 64 && n.length == signature.length && Keys.verifyRsa(digest, signature, n, e);
        }
        require(key.sigScheme == ALG_ECDSA, "Crypto: unsupported signature scheme");
        require(key.curve == ECC_NIST_P256, "Crypto: unsupported EC");
        require(signature.length == 64, "Crypto: invalid secp256r1 signature length");
        require(key.data.length == 64, "Crypto: invalid P256 pubkey length");
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        (bytes32 x, bytes32 y) = abi.decode(key.data, (bytes32, bytes32));
        return Keys.verifyP256(p256, digest, r, s, x, y);
    }

    /// An RSA key out of its numbers; the first byte of each is looked at before the lengths are.
    function fromRsa(bytes memory n, bytes memory e) internal pure returns (PubkeyG1a memory) {
        uint256 modulus = n.length + (n[0] < 0x80 ? 0 : 1);
        uint256 exponent = e.length + (e[0] < 0x80 ? 0 : 1);
        require(modulus > 0x80 && modulus < 65565 && exponent < 0x80, "invalid e or n");
        return PubkeyG1a(ALG_RSASSA, 0, ALG_SHA256, Keys.fromRsa(n, e).data);
    }
}
