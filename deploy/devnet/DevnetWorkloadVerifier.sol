// SPDX-License-Identifier: Apache-2.0
// The workload verifier of a devnet registry: TEE output to measurement, binding of the TPM to the TEE, report id.
// Rules and their order are those of profile G1b; the report id's PCR is a setting, as deployments differ (15 or 16).
// Debug, TCB status, SNP policy and the second half of the report data are not looked at, as in the real one.
pragma solidity 0.8.27;

import {
    Bytes48,
    Bytes64,
    CertPubkey,
    CloudType,
    MeasureablePcr,
    Measurement,
    TEEType,
    TEEVerifiedData,
    TeeReportType,
    VerificationResult,
    VerifierJournal,
    WorkloadCollaterals,
    ZkCoProcessorType,
    ZkProof
} from "./lib/Types.sol";
import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {Sha384} from "./lib/Sha384.sol";
import {VarData} from "./lib/VarData.sol";
import {DevnetDcap, DevnetSnp} from "./DevnetTee.sol";
import {DevnetTpm} from "./DevnetTpm.sol";

contract DevnetWorkloadVerifier is DevnetOnly {
    error INVALID_TEE_TYPE(TEEType teeType);
    error INVALID_TEE_REPORT_TYPE(TeeReportType teeReportType);
    error FAILED_TO_VERIFY_TEE();
    error INVALID_TEE_REPORT();
    error TEE_REPORT_DATA_MISMATCH(bytes32 want, bytes32 got);
    error FAILED_TO_VERIFY_TPM_QUOTE(string err);
    error FAILED_TO_CHECK_PCR_MEASUREMENTS(string err);
    error InvalidReportID();
    error UnexpectedSGXReport();
    error InvalidLength(uint256 length, uint256 needed);

    DevnetDcap public immutable dcapAttestation;
    DevnetSnp public immutable snpAttestation;
    DevnetTpm public immutable tpmAttestation;
    uint256 public reportIdPcr = 15;

    constructor(DevnetDcap dcap, DevnetSnp snp, DevnetTpm tpm) {
        dcapAttestation = dcap;
        snpAttestation = snp;
        tpmAttestation = tpm;
    }

    /// For tests, and therefore for anybody.
    function setReportIdPcr(uint256 index) external {
        reportIdPcr = index;
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
            teeVerifiedData.akPub = VarData.attestationKey(wc.akPub);
        }
        verifyQuote(wc, teeVerifiedData);

        bool ok;
        (ok, tpmExtraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert FAILED_TO_CHECK_PCR_MEASUREMENTS(string(tpmExtraData));
        if (!reportIdHolds(cloudType, wc, teeVerifiedData)) revert InvalidReportID();
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

    function parseTeeOutput(TEEType teeType, bytes memory out) public pure returns (TEEVerifiedData memory data) {
        if (teeType == TEEType.IntelTDX) {
            // DCAP output, body at 11. The body type is read before any length is looked at.
            if (out.length >= 4 && out[2] == 0 && out[3] == 0x01) revert UnexpectedSGXReport();
            data.tdx.mrseam = bytes48At(out, 27);
            data.tdx.mrtd = bytes48At(out, 147);
            data.tdx.rtmr0 = bytes48At(out, 339);
            data.tdx.rtmr1 = bytes48At(out, 387);
            data.tdx.rtmr2 = bytes48At(out, 435);
            data.tdx.rtmr3 = bytes48At(out, 483);
            data.userReportData = bytes64At(out, 531);
        } else if (teeType == TEEType.AmdSevSnp) {
            // ATTESTATION_REPORT (AMD 56860 table 23).
            data.userReportData = bytes64At(out, 80);
            data.reportID = bytes32At(out, 320);
            data.snp.measurement = bytes48At(out, 144);
        } else {
            revert INVALID_TEE_TYPE(teeType);
        }
    }

    function parseVarKeyJson(string calldata varKey) external pure returns (CertPubkey memory) {
        return VarData.attestationKey(bytes(varKey));
    }

    function verifyTee(TEEType teeType, TeeReportType reportType, bytes calldata report)
        private
        returns (bytes memory)
    {
        if (teeType == TEEType.IntelTDX) return verifyTdx(reportType, report);
        if (teeType == TEEType.AmdSevSnp) return verifySnp(reportType, report);
        revert INVALID_TEE_TYPE(teeType);
    }

    function verifyTdx(TeeReportType reportType, bytes calldata report) private returns (bytes memory output) {
        bool ok;
        if (reportType == TeeReportType.Solidity) {
            (ok, output) = dcapAttestation.verifyAndAttestOnChain{value: msg.value}(report);
        } else {
            // The report is decoded before its type is judged: a report that is no ZkProof fails without data.
            ZkProof memory proof = abi.decode(report, (ZkProof));
            ZkCoProcessorType prover = proverOf(reportType);
            (ok, output) = dcapAttestation.verifyAndAttestWithZKProof(proof.output, prover, proof.proofBytes);
        }
        if (!ok) revert FAILED_TO_VERIFY_TEE();
        if (output.length < 395) revert INVALID_TEE_REPORT();
    }

    function verifySnp(TeeReportType reportType, bytes calldata report) private view returns (bytes memory) {
        ZkCoProcessorType prover = proverOf(reportType);
        ZkProof memory proof = abi.decode(report, (ZkProof));
        VerifierJournal memory journal =
            snpAttestation.verifyAndAttestWithZKProof(proof.output, prover, proof.proofBytes);
        if (journal.result != VerificationResult.Success) revert FAILED_TO_VERIFY_TEE();
        return journal.rawReport;
    }

    function proverOf(TeeReportType reportType) private pure returns (ZkCoProcessorType) {
        if (reportType == TeeReportType.ZkSuccinct) return ZkCoProcessorType.Succinct;
        if (reportType == TeeReportType.ZkRiscZero) return ZkCoProcessorType.RiscZero;
        revert INVALID_TEE_REPORT_TYPE(reportType);
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

    /// An entry for the report id's PCR must tie the TPM to the TEE. The rule looks at the value as passed: a value of
    /// zero is zero here even where its events gave another one to the digest. Which rule applies depends on the report
    /// id being zero, not on the TEE type.
    function reportIdHolds(CloudType cloudType, WorkloadCollaterals calldata wc, TEEVerifiedData memory data)
        private
        view
        returns (bool)
    {
        uint256 wanted = reportIdPcr;
        for (uint256 i; i < wc.pcrs.length; i++) {
            if (wc.pcrs[i].index != wanted) continue;
            bytes32 pcr = wc.pcrs[i].pcr;
            if (data.reportID != 0) return snpIdHolds(cloudType, wc.reportId, pcr, data.reportID); // the first decides
            if (tdxIdHolds(wc.reportId, pcr, data.tdx.rtmr3)) return true; // any may satisfy
        }
        return false;
    }

    /// PCR and RTMR3 both extended once from zero with the hash of the id, or both zero.
    function tdxIdHolds(bytes calldata id, bytes32 pcr, Bytes48 memory rtmr3) private pure returns (bool) {
        if (pcr == 0 && rtmr3.first == 0 && rtmr3.second == 0) return true;
        Bytes48 memory hash = Sha384.hash(id);
        Bytes48 memory want = Sha384.hash(bytes.concat(new bytes(48), hash.first, hash.second));
        return pcr == sha256(bytes.concat(bytes32(0), sha256(id))) && want.first == rtmr3.first
            && want.second == rtmr3.second;
    }

    /// PCR extended once from zero with the report id itself. The argument may be left empty; of a longer one only the
    /// first 32 bytes count.
    function snpIdHolds(CloudType cloudType, bytes calldata id, bytes32 pcr, bytes32 reportID)
        private
        pure
        returns (bool)
    {
        if (pcr == 0 && cloudType == CloudType.Azure) return true;
        if (id.length > 0) {
            if (id.length < 32) revert InvalidLength(id.length, 32);
            if (bytes32(id) != reportID) return false;
        }
        return pcr == sha256(bytes.concat(bytes32(0), reportID));
    }

    function bytes32At(bytes memory from, uint256 at) private pure returns (bytes32 value) {
        if (from.length < at + 32) revert InvalidLength(from.length, at + 32);
        assembly ("memory-safe") {
            value := mload(add(add(from, 0x20), at))
        }
    }

    function bytes48At(bytes memory from, uint256 at) private pure returns (Bytes48 memory value) {
        if (from.length < at + 48) revert InvalidLength(from.length, at + 48);
        value.first = bytes32At(from, at);
        value.second = bytes16(bytes32At(from, at + 16) << 128);
    }

    function bytes64At(bytes memory from, uint256 at) private pure returns (Bytes64 memory value) {
        if (from.length < at + 64) revert InvalidLength(from.length, at + 64);
        value.first = bytes32At(from, at);
        value.second = bytes32At(from, at + 32);
    }
}
