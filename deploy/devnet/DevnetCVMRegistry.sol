// SPDX-License-Identifier: Apache-2.0
// A CVM registry of generation 1, profile G1b, for devnets: full interface, errors, nonces, messages, TTLs and storage
// layout of the real one, and as lax as the real one where that is lax. DEVNET means two things: certificate chains
// (Intel's, AMD's, the attestation key's) are taken on trust, see DevnetTee.sol and DevnetTpm.sol, and it cannot be
// deployed on any chain but a devnet. What G1a and G1c do otherwise: base/Registry.sol.
pragma solidity 0.8.27;

import {CVMIdentity, CloudType, Measurement, TEEType, TeeReportType, WorkloadCollaterals} from "./lib/Types.sol";
import {PinnedRegistry} from "./base/PinnedRegistry.sol";
import {DevnetWorkloadVerifier} from "./DevnetWorkloadVerifier.sol";

/// In a base contract of its own, so that it comes first in storage: the mappings of G1b begin at slot 1.
abstract contract VerifierInSlotZero {
    address internal p256Verifier;
}

contract DevnetCVMRegistry is VerifierInSlotZero, PinnedRegistry {
    constructor(DevnetWorkloadVerifier verifier) PinnedRegistry(verifier) {}

    function initialize(address initialOwner, address verifier) external reinitializer(1) {
        setOwner(initialOwner);
        p256Verifier = verifier;
    }

    function P256_VERIFIER() public view override returns (address) {
        return p256Verifier;
    }

    /// Register, or attest again in full. Neither signature nor nonce is asked for, so anybody can send old calldata
    /// again.
    function attestCvm(
        CloudType cloudType,
        TEEType teeType,
        TeeReportType teeReportType,
        bytes calldata teeAttestationReport,
        CVMIdentity calldata cvmIdentity,
        WorkloadCollaterals calldata wc
    ) external returns (Measurement memory) {
        requireSane(cvmIdentity);
        return attest(
            hashOf(cvmIdentity), cloudType, teeType, teeReportType, teeAttestationReport, cvmIdentity, wc
        );
    }

    /// A fresh TPM quote by the pinned attestation key, signed for by the stored identity; with another identity in the
    /// call, a rotation to it. Neither TTL is a bar.
    function reattestCvmWithTpm(
        bytes32 cvmIdentityHash,
        bytes calldata signature,
        CVMIdentity calldata updateCvmIdentity,
        WorkloadCollaterals calldata wc
    ) external onlyRegistered(cvmIdentityHash) returns (Measurement memory measurements) {
        CVMIdentity memory current = _configs[cvmIdentityHash].cvmIdentity;
        consumeSignature(cvmIdentityHash, current, REATTEST_TPM, abi.encodePacked(sha256(wc.tpmQuote)), signature);

        bytes memory extraData;
        (measurements, extraData) = measure(cvmIdentityHash, wc);
        bytes32 updateHash = hashOf(updateCvmIdentity);
        if (updateHash != cvmIdentityHash) {
            requireSane(updateCvmIdentity);
            requireQuoted(extraData, updateHash);
            move(cvmIdentityHash, updateHash, updateCvmIdentity);
        }
        renew(updateHash, measurements);
    }
}
