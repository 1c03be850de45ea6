// SPDX-License-Identifier: Apache-2.0
// The devnet registry in profile G1a: the identity travels in the collaterals and is never judged, the attestation key is
// that of each call, messages carry two bytes of the chain's id, and nothing is refused because its time is over. What
// the profiles share, and a table of the differences: base/Registry.sol.
pragma solidity 0.8.27;

import {
    CVMConfig,
    CVMConfigG1a,
    CVMIdentity,
    CertPubkey,
    CloudType,
    Measurement,
    PubkeyG1a,
    SignatureAlgorithm,
    TEEType,
    TeeReportType,
    WorkloadCollateralsG1a
} from "./lib/Types.sol";
import {ALG_SHA256} from "./lib/Alg.sol";
import {KeysG1a} from "./lib/KeysG1a.sol";
import {Registry} from "./base/Registry.sol";
import {DevnetTpmG1a} from "./DevnetTpmG1a.sol";
import {DevnetWorkloadVerifierG1a} from "./DevnetWorkloadVerifierG1a.sol";

contract DevnetCVMRegistryG1a is Registry {
    error UNSUPPORTED_HASH_ALGORITHM(uint16 hashAlgorithm);

    DevnetWorkloadVerifierG1a public immutable workloadVerifier;
    DevnetTpmG1a public immutable tpmAttestation;
    // The base contract of this generation was not kept; some deployments may already have packed all 32 bytes.
    bool public immutable wideChainId;

    constructor(DevnetWorkloadVerifierG1a verifier, bool wide) {
        workloadVerifier = verifier;
        tpmAttestation = verifier.tpmAttestation();
        wideChainId = wide;
    }

    function initialize(address initialOwner) external reinitializer(1) {
        setOwner(initialOwner);
    }

    /// Register, or attest again in full. Nobody signs for it, and no key is judged: an empty one is registered.
    function attestCvm(
        CloudType cloudType,
        TEEType teeType,
        TeeReportType teeReportType,
        bytes calldata teeAttestationReport,
        WorkloadCollateralsG1a calldata wc
    ) external returns (Measurement memory measurements) {
        CVMIdentity memory cvmIdentity = widened(wc.cvmIdentity);
        bytes32 identity = hashOf(cvmIdentity);
        CVMConfig storage config = enter(identity, cloudType, teeType);
        bytes memory extraData;
        (config.teeAttestationOutput, measurements, extraData) = workloadVerifier.verifyAttestation(
            config.teeType, teeReportType, config.cloudType, teeAttestationReport, wc
        );
        bytes32 quoted = identityIn(extraData);
        if (quoted != identity) revert CVM_IDENTITY_MISMATCH(identity, quoted);
        config.cvmIdentity = cvmIdentity;
        config.teeRecentTimestamp = uint64(block.timestamp);
        renew(identity, measurements);
    }

    /// A fresh TPM quote, signed for by the stored identity. The attestation key is this call's: Azure's is not bound to
    /// the TEE again. A rotation overwrites its target.
    function reattestCvmWithTpm(bytes32 cvmIdentityHash, bytes calldata signature, WorkloadCollateralsG1a calldata wc)
        external
        onlyRegistered(cvmIdentityHash)
        returns (Measurement memory measurements)
    {
        CVMConfig storage config = _configs[cvmIdentityHash];
        requireSha256(config.cvmIdentity);
        bytes memory payload = abi.encodePacked(sha256(wc.tpmQuote));
        consumeSignature(cvmIdentityHash, config.cvmIdentity, REATTEST_TPM, payload, signature);

        bytes memory extraData = checkQuote(config.cloudType, wc);
        measurements = workloadVerifier.getMeasurement(config.teeType, config.teeAttestationOutput, wc.pcrs);
        CVMIdentity memory update = widened(wc.cvmIdentity);
        bytes32 updateHash = hashOf(update);
        if (updateHash != cvmIdentityHash) {
            bytes32 quoted = identityIn(extraData);
            if (quoted != updateHash) revert CVM_IDENTITY_MISMATCH(quoted, updateHash);
            move(cvmIdentityHash, updateHash, update);
        }
        renew(updateHash, measurements);
    }

    function getCvmIdentity(bytes32 cvmIdentityHash)
        external
        view
        onlyRegistered(cvmIdentityHash)
        returns (PubkeyG1a memory)
    {
        return narrowed(_configs[cvmIdentityHash].cvmIdentity);
    }

    function getCvmConfig(bytes32 cvmIdentityHash)
        external
        view
        onlyRegistered(cvmIdentityHash)
        returns (CVMConfigG1a memory)
    {
        CVMConfig memory c = _configs[cvmIdentityHash];
        return CVMConfigG1a(
            c.teeType,
            c.cloudType,
            c.teeTTL,
            c.tpmTTL,
            c.teeRecentTimestamp,
            c.tpmRecentTimestamp,
            c.measurementHash,
            c.teeAttestationOutput,
            narrowed(c.cvmIdentity)
        );
    }

    function checkQuote(CloudType cloudType, WorkloadCollateralsG1a calldata wc)
        private
        view
        returns (bytes memory extraData)
    {
        bool ok;
        string memory reason;
        if (cloudType == CloudType.Azure) {
            PubkeyG1a memory ak = workloadVerifier.parseVarKeyJson(string(wc.akPub));
            (ok, reason) = tpmAttestation.verifyTpmQuoteWithTrustedAkPub(wc.tpmQuote, wc.tpmSignature, ak);
        } else {
            (ok, reason) = tpmAttestation.verifyTpmQuote(wc.tpmQuote, wc.tpmSignature, wc.certs);
        }
        if (!ok) revert INVALID_TPM_QUOTE(reason);
        (ok, extraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert INVALID_TPM_MEASUREMENT(string(extraData));
    }

    function signs(CVMIdentity memory identity, bytes memory signature, bytes memory message)
        internal
        view
        override
        returns (bool)
    {
        requireSha256(identity);
        return KeysG1a.verify(tpmAttestation.p256(), narrowed(identity), sha256(message), signature);
    }

    function requireSha256(CVMIdentity memory identity) private pure {
        uint16 hashAlgo = identity.sigAlgo.hashAlgo;
        if (hashAlgo != ALG_SHA256) revert UNSUPPORTED_HASH_ALGORITHM(hashAlgo);
    }

    function chainIdBytes() internal view override returns (bytes memory) {
        return wideChainId ? super.chainIdBytes() : abi.encodePacked(uint16(block.chainid));
    }

    function requireUnexpired(CVMConfig storage) internal pure override {}

    function refuseShortExtraData() internal pure override {
        revert(); // a slice that is not there
    }

    /// The same hash comes out of both forms.
    function widened(PubkeyG1a calldata key) private pure returns (CVMIdentity memory) {
        return CVMIdentity(CertPubkey(0, key.curve, key.data), SignatureAlgorithm(key.sigScheme, key.hashAlgo));
    }

    function narrowed(CVMIdentity memory identity) private pure returns (PubkeyG1a memory) {
        SignatureAlgorithm memory alg = identity.sigAlgo;
        return PubkeyG1a(alg.scheme, identity.pubkey.params, alg.hashAlgo, identity.pubkey.data);
    }
}
