// SPDX-License-Identifier: Apache-2.0
// What the workload verifiers of all profiles have in common: which TEE callee is asked, where the values stand in its
// answer, and which list entry decides about the report id.
// Debug, TCB status, SNP policy and the second half of the report data are not looked at, as in the real ones.
pragma solidity 0.8.27;

import {
    Bytes48,
    Bytes64,
    CloudType,
    MeasureablePcr,
    TEEType,
    TEEVerifiedData,
    TeeReportType,
    VerificationResult,
    VerifierJournal,
    ZkCoProcessorType,
    ZkProof
} from "../lib/Types.sol";
import {DevnetOnly} from "../lib/DevnetOnly.sol";
import {DevnetDcap, DevnetSnp} from "../DevnetTee.sol";

abstract contract WorkloadRules is DevnetOnly {
    error INVALID_TEE_REPORT_TYPE(TeeReportType teeReportType);
    error FAILED_TO_VERIFY_TEE();
    error INVALID_TEE_REPORT();
    error TEE_REPORT_DATA_MISMATCH(bytes32 want, bytes32 got);
    error FAILED_TO_VERIFY_TPM_QUOTE(string err);
    error FAILED_TO_CHECK_PCR_MEASUREMENTS(string err);
    error UnexpectedSGXReport();
    error InvalidLength(uint256 length, uint256 needed);

    DevnetDcap public immutable dcapAttestation;
    DevnetSnp public immutable snpAttestation;
    uint256 public reportIdPcr = 15; // deployments differ (15 or 16)

    constructor(DevnetDcap dcap, DevnetSnp snp) {
        dcapAttestation = dcap;
        snpAttestation = snp;
    }

    /// For tests, and therefore for anybody.
    function setReportIdPcr(uint256 index) external {
        reportIdPcr = index;
    }

    // --- what each profile says ---

    /// Does this result of an SNP proof pass?
    function passes(VerificationResult result) internal pure virtual returns (bool);

    /// A type that is neither TDX nor SNP. Reverts.
    function refuseTeeType(TEEType teeType) internal view virtual;

    /// Does an SGX report pass as a TDX one?
    function takesSgx() internal pure virtual returns (bool);

    function tdxIdHolds(bytes calldata id, bytes32 pcr, Bytes48 memory rtmr3) internal pure virtual returns (bool);

    function snpIdHolds(CloudType cloudType, bytes calldata id, bytes32 pcr, bytes32 reportID)
        internal
        pure
        virtual
        returns (bool);

    // --- TEE report ---

    function verifyTee(TEEType teeType, TeeReportType reportType, bytes calldata report)
        internal
        returns (bytes memory output)
    {
        if (teeType == TEEType.IntelTDX) return verifyTdx(reportType, report);
        if (teeType == TEEType.AmdSevSnp) return verifySnp(reportType, report);
        refuseTeeType(teeType);
    }

    function parseTeeOutput(TEEType teeType, bytes memory out) public view returns (TEEVerifiedData memory data) {
        if (teeType == TEEType.IntelTDX) {
            // DCAP output, body at 11. The body type is read before any length is looked at.
            if (out.length >= 4 && out[2] == 0 && out[3] == 0x01) {
                if (!takesSgx()) revert UnexpectedSGXReport();
                data.userReportData = bytes64At(out, 331); // the TDX fields read as zero
                return data;
            }
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
            refuseTeeType(teeType);
        }
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
        if (!passes(journal.result)) revert FAILED_TO_VERIFY_TEE();
        return journal.rawReport;
    }

    function proverOf(TeeReportType reportType) private pure returns (ZkCoProcessorType) {
        if (reportType == TeeReportType.ZkSuccinct) return ZkCoProcessorType.Succinct;
        if (reportType == TeeReportType.ZkRiscZero) return ZkCoProcessorType.RiscZero;
        revert INVALID_TEE_REPORT_TYPE(reportType);
    }

    // --- report id ---

    /// An entry for the report id's PCR must tie the TPM to the TEE. The rule looks at the value as passed: a value of
    /// zero is zero here even where its events gave another one to the digest. Which rule applies depends on the report
    /// id being zero, not on the TEE type.
    function reportIdHolds(
        CloudType cloudType,
        MeasureablePcr[] calldata pcrs,
        bytes calldata reportId,
        TEEVerifiedData memory data
    ) internal view returns (bool) {
        uint256 wanted = reportIdPcr;
        for (uint256 i; i < pcrs.length; i++) {
            if (pcrs[i].index != wanted) continue;
            bytes32 pcr = pcrs[i].pcr;
            if (data.reportID != 0) return snpIdHolds(cloudType, reportId, pcr, data.reportID); // the first decides
            if (tdxIdHolds(reportId, pcr, data.tdx.rtmr3)) return true; // any may satisfy
        }
        return false;
    }

    // --- fields ---

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
