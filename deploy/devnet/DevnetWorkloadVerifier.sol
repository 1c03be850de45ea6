// SPDX-License-Identifier: Apache-2.0
// The workload verifier of a devnet registry of profile G1b or G1c: TEE output to measurement, binding of the TPM to the
// TEE, report id. The report id's PCR is a setting, as deployments differ.
pragma solidity 0.8.27;

import {
    Bytes48,
    CertPubkey,
    CloudType,
    MeasureablePcr,
    Measurement,
    TEEType,
    TEEVerifiedData,
    TeeReportType,
    VerificationResult,
    WorkloadCollaterals
} from "./lib/Types.sol";
import {Keys} from "./lib/Keys.sol";
import {Sha384} from "./lib/Sha384.sol";
import {VarData} from "./lib/VarData.sol";
import {WorkloadRules} from "./base/WorkloadRules.sol";
import {DevnetDcap, DevnetSnp} from "./DevnetTee.sol";
import {DevnetTpm} from "./DevnetTpm.sol";

contract DevnetWorkloadVerifier is WorkloadRules {
    error INVALID_TEE_TYPE(TEEType teeType);
    error InvalidReportID();

    DevnetTpm public immutable tpmAttestation;

    constructor(DevnetDcap dcap, DevnetSnp snp, DevnetTpm tpm) WorkloadRules(dcap, snp) {
        tpmAttestation = tpm;
    }

    function verifyAttestation(
        TEEType teeType,
        TeeReportType teeReportType,
        CloudType cloudType,
        bytes calldata teeAttestationReport,
        WorkloadCollaterals calldata wc
    )
        external
        payable
        returns (bytes memory teeOutput, TEEVerifiedData memory teeVerifiedData, bytes memory tpmExtraData)
    {
        teeOutput = verifyTee(teeType, teeReportType, teeAttestationReport);
        teeVerifiedData = parseTeeOutput(teeType, teeOutput);
        if (cloudType == CloudType.Azure) {
            bytes32 want = teeVerifiedData.userReportData.first;
            bytes32 got = sha256(wc.akPub);
            if (want != got) revert TEE_REPORT_DATA_MISMATCH(want, got);
            teeVerifiedData.akPub = attestationKey(wc.akPub);
        }
        verifyQuote(wc, teeVerifiedData);

        bool ok;
        (ok, tpmExtraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert FAILED_TO_CHECK_PCR_MEASUREMENTS(string(tpmExtraData));
        if (!reportIdHolds(cloudType, wc.pcrs, wc.reportId, teeVerifiedData)) revert InvalidReportID();
    }

    /// RTMR3 is left out of the golden measurement: it carries the id of the attestation, which changes at every boot.
    function getMeasurement(TEEVerifiedData memory teeVerifiedData, MeasureablePcr[] memory measuredPcrs)
        external
        view
        returns (Measurement memory m)
    {
        m.pcrs = tpmAttestation.toFinalMeasurement(measuredPcrs);
        teeVerifiedData.tdx.rtmr3 = Bytes48(0, 0);
        m.tdx = teeVerifiedData.tdx;
        m.snp = teeVerifiedData.snp;
    }

    function parseVarKeyJson(string calldata varKey) external pure returns (CertPubkey memory) {
        return attestationKey(bytes(varKey));
    }

    function attestationKey(bytes memory varData) private pure returns (CertPubkey memory) {
        (bytes memory n, bytes memory e) = VarData.attestationKey(varData);
        Keys.requireSound(n, e);
        return Keys.fromRsa(n, e);
    }

    /// With the key that the TEE report vouches for (Azure), else with the leaf of the certificates.
    function verifyQuote(WorkloadCollaterals calldata wc, TEEVerifiedData memory data) private {
        bool ok;
        string memory reason;
        if (data.akPub.data.length == 0) {
            require(wc.certs.length > 0 && wc.certs.length <= 4, "Invalid certificate chain length");
            bytes memory leaf;
            (ok, leaf) = tpmAttestation.verifyTpmQuote(wc.tpmQuote, wc.tpmSignature, wc.certs);
            if (ok) data.akPub = abi.decode(leaf, (CertPubkey));
        } else {
            (ok, reason) = tpmAttestation.verifyTpmQuoteWithTrustedAkPub(wc.tpmQuote, wc.tpmSignature, data.akPub);
        }
        if (!ok) revert FAILED_TO_VERIFY_TPM_QUOTE(reason);
    }

    function passes(VerificationResult result) internal pure override returns (bool) {
        return result == VerificationResult.Success;
    }

    function refuseTeeType(TEEType teeType) internal pure override {
        revert INVALID_TEE_TYPE(teeType);
    }

    function takesSgx() internal pure override returns (bool) {
        return false;
    }

    /// PCR and RTMR3 both extended once from zero with the hash of the id, or both zero.
    function tdxIdHolds(bytes calldata id, bytes32 pcr, Bytes48 memory rtmr3) internal pure override returns (bool) {
        if (pcr == 0 && rtmr3.first == 0 && rtmr3.second == 0) return true;
        Bytes48 memory want = Sha384.extended(id);
        return pcr == sha256(bytes.concat(bytes32(0), sha256(id))) && want.first == rtmr3.first
            && want.second == rtmr3.second;
    }

    /// PCR extended once from zero with the report id itself. The argument may be left empty; of a longer one only the
    /// first 32 bytes count.
    function snpIdHolds(CloudType cloudType, bytes calldata id, bytes32 pcr, bytes32 reportID)
        internal
        pure
        override
        returns (bool)
    {
        if (pcr == 0 && cloudType == CloudType.Azure) return true;
        if (id.length > 0) {
            if (id.length < 32) revert InvalidLength(id.length, 32);
            if (bytes32(id) != reportID) return false;
        }
        return pcr == sha256(bytes.concat(bytes32(0), reportID));
    }
}
