// SPDX-License-Identifier: Apache-2.0
// The types of a generation-1 CVM registry in the shapes that its ABI has: those of profiles G1b and G1c, and of G1a where
// it has others (names ending in G1a).
// Kept apart from behaviour; the order of struct members is part of every selector and of the storage layout.
pragma solidity 0.8.27;

enum CloudType {
    Unset,
    GCP,
    Azure
}

enum TEEType {
    Unknown, // G1a: Mock
    IntelTDX,
    AmdSevSnp
}

enum TeeReportType {
    Unset,
    Solidity,
    ZkSuccinct,
    ZkRiscZero
}

/// The numbering that the TEE callees use: the reverse of TeeReportType.
enum ZkCoProcessorType {
    None,
    RiscZero,
    Succinct
}

struct CertPubkey {
    uint16 algo; // TPM_ALG_ID: 0x0001 RSA, 0x0023 ECC
    uint16 params; // curve, 3 = NIST P-256; 0 for RSA
    bytes data; // 0x04 || x || y, or a DER RSAPublicKey
}

struct SignatureAlgorithm {
    uint16 scheme; // 0x0014 RSASSA, 0x0018 ECDSA
    uint16 hashAlgo; // 0x000b SHA-256
}

struct CVMIdentity {
    CertPubkey pubkey;
    SignatureAlgorithm sigAlgo;
}

struct MeasureablePcr {
    uint256 index;
    bytes32 pcr;
    bytes32[] allEvents;
    uint256[] measureEventsIdx;
    bool measurePcr;
}

struct Pcr {
    uint256 index;
    bytes32 pcr;
    bytes32[] measureEvents;
    uint256[] measureEventsIdx;
}

struct WorkloadCollaterals {
    bytes tpmQuote;
    bytes tpmSignature;
    MeasureablePcr[] pcrs;
    bytes reportId;
    bytes akPub;
    bytes[] certs;
}

struct PubkeyG1a {
    uint16 sigScheme; // 0x0014 RSASSA, 0x0018 ECDSA
    uint16 curve;
    uint16 hashAlgo;
    bytes data; // x || y, or a DER RSAPublicKey
}

struct WorkloadCollateralsG1a {
    bytes tpmQuote;
    bytes tpmSignature;
    MeasureablePcr[] pcrs;
    bytes reportId;
    bytes akPub;
    bytes[] certs;
    PubkeyG1a cvmIdentity;
}

struct Bytes48 {
    bytes32 first;
    bytes16 second;
}

struct Bytes64 {
    bytes32 first;
    bytes32 second;
}

struct TdxMeasurement {
    Bytes48 mrtd;
    Bytes48 mrseam;
    Bytes48 rtmr0;
    Bytes48 rtmr1;
    Bytes48 rtmr2;
    Bytes48 rtmr3;
}

struct SnpMeasurement {
    Bytes48 measurement;
}

struct Measurement {
    Pcr[] pcrs;
    TdxMeasurement tdx;
    SnpMeasurement snp;
}

struct TEEVerifiedData {
    Bytes64 userReportData;
    bytes32 reportID; // SNP; zero on TDX
    CertPubkey akPub; // empty until something vouches for one
    TdxMeasurement tdx;
    SnpMeasurement snp;
}

struct ZkProof {
    bytes output;
    bytes proofBytes;
}

enum VerificationResult {
    Success,
    RootCertNotTrusted,
    IntermediateCertsNotTrusted,
    InvalidTimestamp
}

struct VerifierJournal {
    VerificationResult result;
    uint64 timestamp;
    uint8 processorModel;
    bytes rawReport;
    bytes32[] certs;
    uint160[] certSerials;
    uint8 trustedCertsPrefixLen;
}

struct CVMConfig {
    TEEType teeType;
    CloudType cloudType;
    uint64 teeTTL;
    uint64 tpmTTL;
    uint64 teeRecentTimestamp;
    uint64 tpmRecentTimestamp;
    bytes32 measurementHash;
    bytes teeAttestationOutput;
    CVMIdentity cvmIdentity;
    CertPubkey tpmAk;
}

struct CVMConfigG1a {
    TEEType teeType;
    CloudType cloudType;
    uint64 teeTTL;
    uint64 tpmTTL;
    uint64 teeRecentTimestamp;
    uint64 tpmRecentTimestamp;
    bytes32 measurementHash;
    bytes teeAttestationOutput;
    PubkeyG1a cvmIdentity;
}
