// SPDX-License-Identifier: Apache-2.0
// A CVM registry of generation 1, profile G1b, for devnets: full interface, errors, nonces, messages, TTLs and storage
// layout of the real one, and as lax as the real one where that is lax. DEVNET means two things: certificate chains
// (Intel's, AMD's, the attestation key's) are taken on trust, see DevnetTee.sol and DevnetTpm.sol, and it cannot be
// deployed on any chain but a devnet.
//
// Arguments stay in calldata until somebody reads them, as in the real one: which part of a malformed call is noticed,
// and when, follows from that. In attestCvm the identity is read first and the collaterals as a whole when they are
// handed to the verifier; in reattestCvmWithTpm each member at its own step, and reportId, akPub and certs never.
pragma solidity 0.8.27;

import {
    CVMConfig,
    CVMIdentity,
    CertPubkey,
    CloudType,
    Measurement,
    TEEType,
    TEEVerifiedData,
    TeeReportType,
    WorkloadCollaterals
} from "./lib/Types.sol";
import {ALG_ERROR, ALG_NULL} from "./lib/Alg.sol";
import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {IdentitySignature} from "./lib/IdentitySignature.sol";
import {Upgradeable} from "./lib/Upgradeable.sol";
import {DevnetTpm} from "./DevnetTpm.sol";
import {DevnetWorkloadVerifier} from "./DevnetWorkloadVerifier.sol";

contract DevnetCVMRegistry is IdentitySignature, DevnetOnly, Upgradeable {
    error CVM_NOT_REGISTERED();
    error CVM_IDENTITY_INVALID();
    error CVM_IDENTITY_MISMATCH(bytes32 expected, bytes32 actual);
    error INVALID_SIGNATURE();
    error INVALID_TPM_DATA_LENGTH();
    error INVALID_TPM_QUOTE(string err);
    error INVALID_TPM_MEASUREMENT(string err);
    error TEE_COLLATERAL_EXPIRED();
    error TPM_COLLATERAL_EXPIRED();

    event CVMUpdated(bytes32 indexed cvmIdentityHash);
    event CVMTTLUpdated(bytes32 indexed cvmIdentityHash);

    uint64 private constant DEFAULT_TEE_TTL = 30 days;
    uint64 private constant DEFAULT_TPM_TTL = 60 days;

    DevnetWorkloadVerifier public immutable workloadVerifier;
    DevnetTpm public immutable tpmAttestation;

    // Slot 0 is P256_VERIFIER (IdentitySignature). Clients read slots 1 and 2 by eth_getStorageAt.
    mapping(bytes32 cvmIdentityHash => CVMConfig) private _configs;
    mapping(bytes32 cvmIdentityHash => uint256) private _nonces;

    constructor(DevnetWorkloadVerifier verifier) {
        workloadVerifier = verifier;
        tpmAttestation = verifier.tpmAttestation();
    }

    function initialize(address initialOwner, address p256Verifier) external initializer {
        setOwner(initialOwner);
        P256_VERIFIER = p256Verifier;
    }

    modifier onlyRegistered(bytes32 cvmIdentityHash) {
        if (!hasRegistered(cvmIdentityHash)) revert CVM_NOT_REGISTERED();
        _;
    }

    /// Register, or attest again in full. Neither signature nor nonce is asked for, so anybody can send old calldata
    /// again; the type arguments of a known identity are ignored, and its TTLs stay.
    function attestCvm(
        CloudType cloudType,
        TEEType teeType,
        TeeReportType teeReportType,
        bytes calldata teeAttestationReport,
        CVMIdentity calldata cvmIdentity,
        WorkloadCollaterals calldata wc
    ) external returns (Measurement memory measurements) {
        requireSane(cvmIdentity);
        bytes32 identity = hashOf(cvmIdentity);
        CVMConfig storage config = _configs[identity];
        if (!hasRegistered(identity)) {
            config.teeType = teeType;
            config.cloudType = cloudType;
            config.teeTTL = DEFAULT_TEE_TTL;
            config.tpmTTL = DEFAULT_TPM_TTL;
        }

        TEEVerifiedData memory tee;
        bytes memory extraData;
        (config.teeAttestationOutput, tee, extraData) = workloadVerifier.verifyAttestation(
            config.teeType, teeReportType, config.cloudType, teeAttestationReport, wc
        );
        bytes32 quoted = identityIn(extraData);
        if (quoted != identity) revert CVM_IDENTITY_MISMATCH(identity, quoted);
        measurements = workloadVerifier.getMeasurement(tee, wc.pcrs);

        config.cvmIdentity = cvmIdentity;
        config.teeRecentTimestamp = uint64(block.timestamp);
        config.tpmRecentTimestamp = uint64(block.timestamp);
        config.measurementHash = keccak256(abi.encode(measurements));
        config.tpmAk = tee.akPub;
        emit CVMUpdated(identity);
    }

    /// A fresh TPM quote by the pinned attestation key, signed for by the stored identity; with another identity in the
    /// call, a rotation to it. Neither TTL is a bar.
    function reattestCvmWithTpm(
        bytes32 cvmIdentityHash,
        bytes calldata signature,
        CVMIdentity calldata updateCvmIdentity,
        WorkloadCollaterals calldata wc
    ) external onlyRegistered(cvmIdentityHash) returns (Measurement memory measurements) {
        CVMConfig storage config = _configs[cvmIdentityHash];
        consumeSignature(
            cvmIdentityHash, "CVM_WORKLOAD_REATTEST_TPM", abi.encodePacked(sha256(wc.tpmQuote)), signature
        );

        bytes memory extraData = checkQuote(config, wc);
        TEEVerifiedData memory tee = workloadVerifier.parseTeeOutput(config.teeType, config.teeAttestationOutput);
        measurements = workloadVerifier.getMeasurement(tee, wc.pcrs);

        bytes32 updateHash = hashOf(updateCvmIdentity);
        if (updateHash != cvmIdentityHash) {
            requireSane(updateCvmIdentity);
            bytes32 quoted = identityIn(extraData);
            if (quoted != updateHash) revert CVM_IDENTITY_MISMATCH(quoted, updateHash);
            rotate(cvmIdentityHash, updateHash, updateCvmIdentity);
            config = _configs[updateHash];
        }
        config.measurementHash = keccak256(abi.encode(measurements));
        config.tpmRecentTimestamp = uint64(block.timestamp);
        emit CVMUpdated(updateHash);
    }

    /// Any span is taken, 0 included; but only while both sides are still valid, so that a span of 0 is final.
    function setCollateralTTL(bytes32 cvmIdentityHash, uint64 teeTTL, uint64 tpmTTL, bytes calldata signature)
        external
        onlyRegistered(cvmIdentityHash)
    {
        CVMConfig storage config = _configs[cvmIdentityHash];
        if (!valid(config.teeRecentTimestamp, config.teeTTL)) revert TEE_COLLATERAL_EXPIRED();
        if (!valid(config.tpmRecentTimestamp, config.tpmTTL)) revert TPM_COLLATERAL_EXPIRED();
        consumeSignature(cvmIdentityHash, "CVM_WORKLOAD_TTL_CONFIG", abi.encodePacked(teeTTL, tpmTTL), signature);
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

    function getCvmIdentity(bytes32 cvmIdentityHash)
        external
        view
        onlyRegistered(cvmIdentityHash)
        returns (CVMIdentity memory)
    {
        return _configs[cvmIdentityHash].cvmIdentity;
    }

    function getCvmConfig(bytes32 cvmIdentityHash)
        external
        view
        onlyRegistered(cvmIdentityHash)
        returns (CVMConfig memory)
    {
        return _configs[cvmIdentityHash];
    }

    /// At exactly recent + span it is over.
    function valid(uint64 recent, uint64 span) private view returns (bool) {
        return block.timestamp - recent < span;
    }

    /// The stored identity's word on `payload`, bound to its nonce, which it uses up.
    function consumeSignature(
        bytes32 identity,
        string memory prefix,
        bytes memory payload,
        bytes calldata signature
    ) private {
        bytes memory message = messageOf(prefix, bytes.concat(bytes32(_nonces[identity]++), payload));
        if (!signs(_configs[identity].cvmIdentity, signature, message)) revert INVALID_SIGNATURE();
    }

    function checkQuote(CVMConfig storage config, WorkloadCollaterals calldata wc)
        private
        returns (bytes memory extraData)
    {
        (bool ok, string memory reason) =
            tpmAttestation.verifyTpmQuoteWithTrustedAkPub(wc.tpmQuote, wc.tpmSignature, config.tpmAk);
        if (!ok) revert INVALID_TPM_QUOTE(reason);
        (ok, extraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert INVALID_TPM_MEASUREMENT(string(extraData));
    }

    /// Move everything but the nonce; whatever was registered under `to` is overwritten.
    function rotate(bytes32 from, bytes32 to, CVMIdentity memory identity) private {
        _configs[to] = _configs[from];
        _configs[to].cvmIdentity = identity;
        delete _configs[from];
    }

    /// No unset or null algorithm, some key bytes. That the key can sign is not asked.
    function requireSane(CVMIdentity memory identity) private pure {
        if (
            isNone(identity.pubkey.algo) || identity.pubkey.data.length == 0 || isNone(identity.sigAlgo.scheme)
                || isNone(identity.sigAlgo.hashAlgo)
        ) revert CVM_IDENTITY_INVALID();
    }

    function isNone(uint16 alg) private pure returns (bool) {
        return alg == ALG_ERROR || alg == ALG_NULL;
    }

    /// pubkey.algo is left out, so that it can be relabelled under the same hash.
    function hashOf(CVMIdentity memory identity) private pure returns (bytes32) {
        CertPubkey memory key = identity.pubkey;
        return keccak256(
            abi.encodePacked(identity.sigAlgo.scheme, key.params, identity.sigAlgo.hashAlgo, key.data)
        );
    }

    /// magic (1, not looked at) || identity hash (32) || free (0 to 17)
    function identityIn(bytes memory extraData) private pure returns (bytes32 identity) {
        if (extraData.length < 33 || extraData.length > 50) revert INVALID_TPM_DATA_LENGTH();
        assembly ("memory-safe") {
            identity := mload(add(extraData, 0x21))
        }
    }
}
