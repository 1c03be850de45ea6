// SPDX-License-Identifier: Apache-2.0
// What an identity key signs for the registry, and whether it did: SHA-256 over prefix || chain id (32) || registry
// (20) || payload, P-256 as r || s or RSASSA-PKCS1-v1_5.
pragma solidity 0.8.27;

import {CVMIdentity} from "./Types.sol";
import {ALG_ECDSA, ALG_RSASSA, ALG_SHA256} from "./Alg.sol";
import {Keys} from "./Keys.sol";

abstract contract IdentitySignature {
    error UnsupportedHashAlgorithm(uint16 hashAlgorithm);
    error UnsupportedSignatureAlgorithm(uint16 signatureAlgorithm);
    error IncorrectSignatureLength();

    address public P256_VERIFIER; // storage slot 0

    /// address(this) is the proxy's: a message is good for one registry on one chain.
    function messageOf(string memory prefix, bytes memory payload) internal view returns (bytes memory) {
        return abi.encodePacked(prefix, block.chainid, address(this), payload);
    }

    /// Judged in this order: hash algorithm, scheme, form of the key, length of the signature, signature.
    function signs(CVMIdentity memory identity, bytes memory signature, bytes memory message)
        internal
        view
        returns (bool)
    {
        uint16 hashAlgo = identity.sigAlgo.hashAlgo;
        if (hashAlgo != ALG_SHA256) revert UnsupportedHashAlgorithm(hashAlgo);
        bytes32 digest = sha256(message);

        uint16 scheme = identity.sigAlgo.scheme;
        if (scheme == ALG_RSASSA) {
            (bytes memory n, bytes memory e) = Keys.rsa(identity.pubkey);
            if (signature.length != n.length) revert IncorrectSignatureLength();
            return Keys.verifyRsa(digest, signature, n, e);
        }
        if (scheme != ALG_ECDSA) revert UnsupportedSignatureAlgorithm(scheme);
        (bytes32 x, bytes32 y) = Keys.p256(identity.pubkey);
        if (signature.length != 64) revert IncorrectSignatureLength();
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        return Keys.verifyP256(P256_VERIFIER, digest, r, s, x, y);
    }
}
