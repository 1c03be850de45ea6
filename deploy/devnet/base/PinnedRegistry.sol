// SPDX-License-Identifier: Apache-2.0
// What G1b and G1c share: identities as CVMIdentity, the attestation key of the last full attestation kept and asked for
// again, TTLs that cannot be changed once the time is over.
//
// Arguments stay in calldata until somebody reads them, as in the real one: which part of a malformed call is noticed,
// and when, follows from that. In attestCvm the identity is read first and the collaterals as a whole when they are
// handed to the verifier; in reattestCvmWithTpm each member at its own step, and reportId, akPub and certs never.
pragma solidity 0.8.27;

import {
    CVMConfig, CVMIdentity, CloudType, Measurement, TEEType, TEEVerifiedData, TeeReportType, WorkloadCollaterals
} from "../lib/Types.sol";
import {ALG_ECDSA, ALG_ERROR, ALG_NULL, ALG_RSASSA, ALG_SHA256} from "../lib/Alg.sol";
import {Keys} from "../lib/Keys.sol";
import {Registry} from "./Registry.sol";
import {DevnetTpm} from "../DevnetTpm.sol";
import {DevnetWorkloadVerifier} from "../DevnetWorkloadVerifier.sol";

abstract contract PinnedRegistry is Registry {
    error CVM_IDENTITY_INVALID();
    error TEE_COLLATERAL_EXPIRED();
    error TPM_COLLATERAL_EXPIRED();
    error UnsupportedHashAlgorithm(uint16 hashAlgorithm);
    error UnsupportedSignatureAlgorithm(uint16 signatureAlgorithm);
    error IncorrectSignatureLength();

    DevnetWorkloadVerifier public immutable workloadVerifier;
    DevnetTpm public immutable tpmAttestation;

    constructor(DevnetWorkloadVerifier verifier) {
        workloadVerifier = verifier;
        tpmAttestation = verifier.tpmAttestation();
    }

    function P256_VERIFIER() public view virtual returns (address);

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

    /// attestCvm once the identity has been admitted.
    function attest(
        bytes32 identity,
        CloudType cloudType,
        TEEType teeType,
        TeeReportType teeReportType,
        bytes calldata teeAttestationReport,
        CVMIdentity calldata cvmIdentity,
        WorkloadCollaterals calldata wc
    ) internal returns (Measurement memory measurements) {
        CVMConfig storage config = enter(identity, cloudType, teeType);
        TEEVerifiedData memory tee;
        bytes memory extraData;
        (config.teeAttestationOutput, tee, extraData) = workloadVerifier.verifyAttestation(
            config.teeType, teeReportType, config.cloudType, teeAttestationReport, wc
        );
        verified(teeAttestationReport);
        bytes32 quoted = identityIn(extraData);
        if (quoted != identity) revert CVM_IDENTITY_MISMATCH(identity, quoted);
        measurements = workloadVerifier.getMeasurement(tee, wc.pcrs);

        config.cvmIdentity = cvmIdentity;
        config.teeRecentTimestamp = uint64(block.timestamp);
        config.tpmAk = tee.akPub;
        renew(identity, measurements);
    }

    /// A TEE report that has just passed.
    function verified(bytes calldata teeAttestationReport) internal virtual {}

    /// reattestCvmWithTpm once the signature is good: the quote by the attestation key on record, and what it measures
    /// together with the TEE output on record.
    function measure(bytes32 cvmIdentityHash, WorkloadCollaterals calldata wc)
        internal
        returns (Measurement memory, bytes memory extraData)
    {
        CVMConfig storage config = _configs[cvmIdentityHash];
        (bool ok, string memory reason) =
            tpmAttestation.verifyTpmQuoteWithTrustedAkPub(wc.tpmQuote, wc.tpmSignature, config.tpmAk);
        if (!ok) revert INVALID_TPM_QUOTE(reason);
        (ok, extraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert INVALID_TPM_MEASUREMENT(string(extraData));
        TEEVerifiedData memory tee = workloadVerifier.parseTeeOutput(config.teeType, config.teeAttestationOutput);
        return (workloadVerifier.getMeasurement(tee, wc.pcrs), extraData);
    }

    /// The new identity of a rotation must be the quote's. The error names them in the other order than attestCvm's.
    function requireQuoted(bytes memory extraData, bytes32 identity) internal pure {
        bytes32 quoted = identityIn(extraData);
        if (quoted != identity) revert CVM_IDENTITY_MISMATCH(quoted, identity);
    }

    function requireUnexpired(CVMConfig storage config) internal view override {
        requireTeeUnexpired(config);
        if (!valid(config.tpmRecentTimestamp, config.tpmTTL)) revert TPM_COLLATERAL_EXPIRED();
    }

    function requireTeeUnexpired(CVMConfig storage config) internal view {
        if (!valid(config.teeRecentTimestamp, config.teeTTL)) revert TEE_COLLATERAL_EXPIRED();
    }

    /// No unset or null algorithm, some key bytes. That the key can sign is not asked.
    function requireSane(CVMIdentity memory identity) internal pure {
        if (
            isNone(identity.pubkey.algo) || identity.pubkey.data.length == 0 || isNone(identity.sigAlgo.scheme)
                || isNone(identity.sigAlgo.hashAlgo)
        ) revert CVM_IDENTITY_INVALID();
    }

    function isNone(uint16 alg) private pure returns (bool) {
        return alg == ALG_ERROR || alg == ALG_NULL;
    }

    /// P-256 as r || s, or RSASSA-PKCS1-v1_5, over SHA-256. Judged in this order: hash algorithm, scheme, form of the
    /// key, length of the signature, signature.
    function signs(CVMIdentity memory identity, bytes memory signature, bytes memory message)
        internal
        view
        override
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
        return Keys.verifyP256(P256_VERIFIER(), digest, r, s, x, y);
    }
}
