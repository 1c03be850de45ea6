// SPDX-License-Identifier: Apache-2.0
// What the registries of all three profiles have in common: identities and their spans of time, nonces, TTLs, views.
// What differs is left to the contract of each profile: who signs what, and how evidence is judged.
//
// | | G1a | G1b | G1c |
// |---|---|---|---|
// | identity | in the collaterals, 64-byte point | its own argument, 65-byte point | as in G1b |
// | chain id in messages | two bytes | 32 bytes | 32 bytes |
// | attestCvm asks for a signature | no | no | yes, and counts it |
// | attestation key of a re-attestation | the call's | the stored one | the stored one |
// | re-attestation after the TEE's time | taken | taken | refused |
// | TTLs after the time is over | taken | refused | refused |
// | rotation onto a registered identity | overwrites | overwrites | refused |
// | a TEE report twice | taken | taken | refused |
// | RTMR3 in the measurement | kept | zero | zero |
pragma solidity 0.8.27;

import {CVMConfig, CVMIdentity, CloudType, Measurement, TEEType} from "../lib/Types.sol";
import {DevnetOnly} from "../lib/DevnetOnly.sol";
import {Upgradeable} from "../lib/Upgradeable.sol";

abstract contract Registry is DevnetOnly, Upgradeable {
    error CVM_NOT_REGISTERED();
    error CVM_IDENTITY_MISMATCH(bytes32 expected, bytes32 actual);
    error INVALID_SIGNATURE();
    error INVALID_TPM_DATA_LENGTH();
    error INVALID_TPM_QUOTE(string err);
    error INVALID_TPM_MEASUREMENT(string err);

    event CVMUpdated(bytes32 indexed cvmIdentityHash);
    event CVMTTLUpdated(bytes32 indexed cvmIdentityHash);

    uint64 private constant DEFAULT_TEE_TTL = 30 days;
    uint64 private constant DEFAULT_TPM_TTL = 60 days;
    string internal constant REATTEST_TPM = "CVM_WORKLOAD_REATTEST_TPM";
    string private constant TTL_CONFIG = "CVM_WORKLOAD_TTL_CONFIG";

    // Clients read these by eth_getStorageAt: slots 0 and 1, in G1b 1 and 2.
    mapping(bytes32 cvmIdentityHash => CVMConfig) internal _configs;
    mapping(bytes32 cvmIdentityHash => uint256) internal _nonces;

    // --- what each profile says ---

    /// Did the identity's key sign this message?
    function signs(CVMIdentity memory identity, bytes memory signature, bytes memory message)
        internal
        view
        virtual
        returns (bool);

    /// The chain's id as it stands in a message.
    function chainIdBytes() internal view virtual returns (bytes memory) {
        return abi.encodePacked(block.chainid);
    }

    /// May the TTLs of this identity still be changed?
    function requireUnexpired(CVMConfig storage config) internal view virtual;

    /// Extra data of less than 33 bytes.
    function refuseShortExtraData() internal pure virtual {
        revert INVALID_TPM_DATA_LENGTH();
    }

    // --- calls and views of all profiles ---

    modifier onlyRegistered(bytes32 cvmIdentityHash) {
        if (!hasRegistered(cvmIdentityHash)) revert CVM_NOT_REGISTERED();
        _;
    }

    /// Any span is taken, 0 included.
    function setCollateralTTL(bytes32 cvmIdentityHash, uint64 teeTTL, uint64 tpmTTL, bytes calldata signature)
        external
        onlyRegistered(cvmIdentityHash)
    {
        CVMConfig storage config = _configs[cvmIdentityHash];
        requireUnexpired(config);
        consumeSignature(cvmIdentityHash, config.cvmIdentity, TTL_CONFIG, abi.encodePacked(teeTTL, tpmTTL), signature);
        config.teeTTL = teeTTL;
        config.tpmTTL = tpmTTL;
        emit CVMTTLUpdated(cvmIdentityHash);
    }

    function hasRegistered(bytes32 cvmIdentityHash) public view returns (bool) {
        return _configs[cvmIdentityHash].cloudType != CloudType.Unset;
    }

    function nonces(bytes32 cvmIdentityHash) external view onlyRegistered(cvmIdentityHash) returns (uint256) {
        return _nonces[cvmIdentityHash];
    }

    function checkTEEValidity(bytes32 cvmIdentityHash) external view onlyRegistered(cvmIdentityHash) returns (bool) {
        CVMConfig storage config = _configs[cvmIdentityHash];
        return valid(config.teeRecentTimestamp, config.teeTTL);
    }

    function checkTPMValidity(bytes32 cvmIdentityHash) external view onlyRegistered(cvmIdentityHash) returns (bool) {
        CVMConfig storage config = _configs[cvmIdentityHash];
        return valid(config.tpmRecentTimestamp, config.tpmTTL);
    }

    function getMeasurementHash(bytes32 cvmIdentityHash)
        external
        view
        onlyRegistered(cvmIdentityHash)
        returns (bytes32)
    {
        return _configs[cvmIdentityHash].measurementHash;
    }

    // --- steps of attestCvm and reattestCvmWithTpm ---

    /// The record of an identity that attests in full. The type arguments of a known one are ignored, its TTLs stay.
    function enter(bytes32 identity, CloudType cloudType, TEEType teeType) internal returns (CVMConfig storage config) {
        config = _configs[identity];
        if (!hasRegistered(identity)) {
            config.teeType = teeType;
            config.cloudType = cloudType;
            config.teeTTL = DEFAULT_TEE_TTL;
            config.tpmTTL = DEFAULT_TPM_TTL;
        }
    }

    /// The TPM's side is fresh again.
    function renew(bytes32 identity, Measurement memory measurements) internal {
        CVMConfig storage config = _configs[identity];
        config.measurementHash = keccak256(abi.encode(measurements));
        config.tpmRecentTimestamp = uint64(block.timestamp);
        emit CVMUpdated(identity);
    }

    /// Move everything but the nonce; whatever was registered under `to` is overwritten.
    function move(bytes32 from, bytes32 to, CVMIdentity memory identity) internal {
        _configs[to] = _configs[from];
        _configs[to].cvmIdentity = identity;
        delete _configs[from];
    }

    /// At exactly recent + span it is over.
    function valid(uint64 recent, uint64 span) internal view returns (bool) {
        return block.timestamp - recent < span;
    }

    /// The signer's word on `payload`, bound to the nonce of `identity`, which it uses up. address(this) is the proxy's:
    /// a message is good for one registry on one chain.
    function consumeSignature(
        bytes32 identity,
        CVMIdentity memory signer,
        string memory prefix,
        bytes memory payload,
        bytes calldata signature
    ) internal {
        bytes memory message =
            abi.encodePacked(prefix, chainIdBytes(), address(this), _nonces[identity]++, payload);
        if (!signs(signer, signature, message)) revert INVALID_SIGNATURE();
    }

    /// An identity's hash. pubkey.algo is left out, so that it can be relabelled under the same hash.
    function hashOf(CVMIdentity memory identity) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                identity.sigAlgo.scheme, identity.pubkey.params, identity.sigAlgo.hashAlgo, identity.pubkey.data
            )
        );
    }

    /// magic (1, not looked at) || identity hash (32) || free (0 to 17)
    function identityIn(bytes memory extraData) internal pure returns (bytes32 identity) {
        if (extraData.length > 50) revert INVALID_TPM_DATA_LENGTH();
        if (extraData.length < 33) refuseShortExtraData();
        assembly ("memory-safe") {
            identity := mload(add(extraData, 0x21))
        }
    }
}
