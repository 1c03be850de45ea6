// SPDX-License-Identifier: Apache-2.0
// The devnet registry in profile G1c: whoever names an identity signs for it, a TEE report counts once, and a rotation
// needs a TEE side that is still valid and a target that is free. The rest is G1b's; see DevnetCVMRegistry.sol.
pragma solidity 0.8.27;

import {CVMIdentity, CloudType, Measurement, TEEType, TeeReportType, WorkloadCollaterals} from "./lib/Types.sol";
import {PinnedRegistry} from "./base/PinnedRegistry.sol";
import {DevnetWorkloadVerifier} from "./DevnetWorkloadVerifier.sol";

contract DevnetCVMRegistryG1c is PinnedRegistry {
    error TEE_REPORT_ALREADY_USED();
    error CVM_IDENTITY_ALREADY_REGISTERED();

    string private constant IDENTITY_CHECK = "CVM_WORKLOAD_IDENTITY_CHECK";
    // keccak256("automata.contracts.usecases.CVMSignature.p256Verifier")
    bytes32 private constant VERIFIER_SLOT = 0xe14592f9f06e20ef744c7e59ef92bf7639f51a724e700ead1beb97e5d1411686;

    // Slot 2, read by clients: keccak256 of each report argument that has been attested with.
    mapping(bytes32 report => bool) private _usedTeeReports;

    constructor(DevnetWorkloadVerifier verifier) PinnedRegistry(verifier) {}

    /// Version 2: a G1b proxy that was upgraded takes it, too. Its mappings stand one slot higher, so nothing that was
    /// registered before is found any more, and the counters read as what the old records happen to hold there.
    function initialize(address initialOwner, address verifier) external reinitializer(2) {
        setOwner(initialOwner);
        store(VERIFIER_SLOT, bytes32(uint256(uint160(verifier))));
    }

    function P256_VERIFIER() public view override returns (address) {
        return address(uint160(uint256(load(VERIFIER_SLOT))));
    }

    /// Register, or attest again in full; signed by the identity, counted.
    function attestCvm(
        CloudType cloudType,
        TEEType teeType,
        TeeReportType teeReportType,
        bytes calldata teeAttestationReport,
        CVMIdentity calldata cvmIdentity,
        bytes calldata signature,
        WorkloadCollaterals calldata wc
    ) external returns (Measurement memory) {
        bytes32 identity = hashOf(cvmIdentity);
        requireOwned(identity, cvmIdentity, signature);
        return attest(identity, cloudType, teeType, teeReportType, teeAttestationReport, cvmIdentity, wc);
    }

    /// signatures: by the stored identity over the quote; and, in a rotation, by the new one.
    function reattestCvmWithTpm(
        bytes32 cvmIdentityHash,
        bytes[2] calldata signatures,
        CVMIdentity calldata updateCvmIdentity,
        WorkloadCollaterals calldata wc
    ) external onlyRegistered(cvmIdentityHash) returns (Measurement memory measurements) {
        requireTeeUnexpired(_configs[cvmIdentityHash]);
        CVMIdentity memory current = _configs[cvmIdentityHash].cvmIdentity;
        consumeSignature(cvmIdentityHash, current, REATTEST_TPM, abi.encodePacked(sha256(wc.tpmQuote)), given(signatures[0]));

        bytes memory extraData;
        (measurements, extraData) = measure(cvmIdentityHash, wc);
        bytes32 updateHash = hashOf(updateCvmIdentity);
        if (updateHash != cvmIdentityHash) {
            requireQuoted(extraData, updateHash);
            if (hasRegistered(updateHash)) revert CVM_IDENTITY_ALREADY_REGISTERED();
            requireOwned(updateHash, updateCvmIdentity, given(signatures[1]));
            move(cvmIdentityHash, updateHash, updateCvmIdentity);
        }
        renew(updateHash, measurements);
    }

    /// An offset beyond everything (a negative one, to the decoder) leads to an empty signature. Whether the real contract
    /// judges that one or fails while it copies it is left open by what is known of it.
    function given(bytes calldata signature) private pure returns (bytes calldata) {
        return signature.length == 0 ? msg.data[:0] : signature;
    }

    /// Only the raw argument counts: another encoding of the same evidence is another report.
    function verified(bytes calldata teeAttestationReport) internal override {
        bytes32 report = keccak256(teeAttestationReport);
        if (_usedTeeReports[report]) revert TEE_REPORT_ALREADY_USED();
        _usedTeeReports[report] = true;
    }

    function requireOwned(bytes32 identity, CVMIdentity calldata cvmIdentity, bytes calldata signature) private {
        requireSane(cvmIdentity);
        consumeSignature(identity, cvmIdentity, IDENTITY_CHECK, "", signature);
    }
}
