// SPDX-License-Identifier: Apache-2.0
// The workload verifier of a devnet registry of profile G1a. It never looks at the TPM quote's signature or at the
// certificates (the stored source repeats the block for Azure in the place of that step), takes SNP proofs whatever
// their result, and lets an SGX report pass as a TDX one. RTMR3 stays in the measurement.
//
// Left open by the real one: it reads past the end of a short report without noticing, and what stands there nobody can
// say; here such a report is refused.
pragma solidity 0.8.27;

import {
    Bytes48,
    CloudType,
    MeasureablePcr,
    Measurement,
    PubkeyG1a,
    TEEType,
    TEEVerifiedData,
    TeeReportType,
    VerificationResult,
    WorkloadCollateralsG1a
} from "./lib/Types.sol";
import {KeysG1a} from "./lib/KeysG1a.sol";
import {Sha384} from "./lib/Sha384.sol";
import {VarData} from "./lib/VarData.sol";
import {WorkloadRules} from "./base/WorkloadRules.sol";
import {DevnetDcap, DevnetSnp} from "./DevnetTee.sol";
import {DevnetTpmG1a} from "./DevnetTpmG1a.sol";

contract DevnetWorkloadVerifierG1a is WorkloadRules {
    error MOCK_ATTESTATION_NOT_ALLOWED();

    bool public constant allowMockAttestation = false;
    DevnetTpmG1a public immutable tpmAttestation;

    constructor(DevnetDcap dcap, DevnetSnp snp, DevnetTpmG1a tpm) WorkloadRules(dcap, snp) {
        tpmAttestation = tpm;
    }

    function verifyAttestation(
        TEEType teeType,
        TeeReportType teeReportType,
        CloudType cloudType,
        bytes calldata teeAttestationReport,
        WorkloadCollateralsG1a calldata wc
    ) external payable returns (bytes memory teeOutput, Measurement memory measurement, bytes memory extraData) {
        teeOutput = verifyTee(teeType, teeReportType, teeAttestationReport);
        TEEVerifiedData memory data = parseTeeOutput(teeType, teeOutput);
        if (cloudType == CloudType.Azure) {
            bytes32 want = data.userReportData.first;
            bytes32 got = sha256(wc.akPub);
            if (want != got) revert TEE_REPORT_DATA_MISMATCH(want, got);
            parseVarKeyJson(string(wc.akPub));
        }

        bool ok;
        (ok, extraData) = tpmAttestation.checkPcrMeasurements(wc.tpmQuote, wc.pcrs);
        if (!ok) revert FAILED_TO_CHECK_PCR_MEASUREMENTS(string(extraData));
        require(reportIdHolds(cloudType, wc.pcrs, wc.reportId, data), "Invalid reportID");
        measurement = measurementOf(data, wc.pcrs);
    }

    function getMeasurement(TEEType teeType, bytes memory teeOutput, MeasureablePcr[] calldata pcrs)
        external
        view
        returns (Measurement memory)
    {
        return measurementOf(parseTeeOutput(teeType, teeOutput), pcrs);
    }

    function parseVarKeyJson(string memory varKey) public pure returns (PubkeyG1a memory) {
        (bytes memory n, bytes memory e) = VarData.attestationKey(bytes(varKey));
        return KeysG1a.fromRsa(n, e);
    }

    function measurementOf(TEEVerifiedData memory data, MeasureablePcr[] calldata pcrs)
        private
        view
        returns (Measurement memory)
    {
        return Measurement(tpmAttestation.toFinalMeasurement(pcrs), data.tdx, data.snp);
    }

    function passes(VerificationResult) internal pure override returns (bool) {
        return true;
    }

    function refuseTeeType(TEEType) internal pure override {
        revert MOCK_ATTESTATION_NOT_ALLOWED();
    }

    function takesSgx() internal pure override returns (bool) {
        return true;
    }

    /// A PCR of zero passes; an RTMR3 of zero is not compared.
    function tdxIdHolds(bytes calldata id, bytes32 pcr, Bytes48 memory rtmr3) internal pure override returns (bool) {
        if (pcr == 0) return true;
        if (id.length > 127) revert(); // their SHA-384 cannot
        Bytes48 memory want = rtmr3.first == 0 && rtmr3.second == 0 ? rtmr3 : Sha384.extended(id);
        return pcr == sha256(bytes.concat(bytes32(0), sha256(id))) && want.first == rtmr3.first
            && want.second == rtmr3.second;
    }

    /// A PCR of zero passes on any cloud; else the argument must be the report's id, whole.
    function snpIdHolds(CloudType, bytes calldata id, bytes32 pcr, bytes32 reportID)
        internal
        pure
        override
        returns (bool)
    {
        if (pcr == 0) return true;
        return id.length == 32 && bytes32(id) == reportID && pcr == sha256(bytes.concat(bytes32(0), reportID));
    }
}
