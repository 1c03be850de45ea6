// SPDX-License-Identifier: Apache-2.0
// The TPM contract of a devnet registry of profile G1b or G1c: quote signatures, PCRs and event logs by the rules of the real one.
//
// Taken on trust: the attestation key's certificate chain. The leaf's public key is read and used; who signed the leaf,
// its dates, names, extensions and revocation are not looked at. The real contract looks at all of them.
pragma solidity 0.8.27;

import {CertPubkey, MeasureablePcr} from "./lib/Types.sol";
import {ALG_RSA, ALG_ECC, ALG_SHA256, ALG_RSASSA, ALG_ECDSA, ECC_NIST_P256} from "./lib/Alg.sol";
import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {Der} from "./lib/Der.sol";
import {Keys} from "./lib/Keys.sol";
import {Pcrs} from "./base/Pcrs.sol";

contract DevnetTpm is DevnetOnly, Pcrs {
    error InvalidCertChainLength();
    error InvalidCertificateChain();
    error TpmQuoteTooShort();
    error InvalidTpmAttType();
    error InvalidTpmsPcrCount();
    error UnsupportedHashAlgorithm();
    error PcrSelectionMismatch();
    error PcrIndexOutOfRange();
    error InvalidPcrDigestSize();
    error PcrDigestMismatch();
    error InvalidPcrEvents();
    error InvalidPcrEventIndex();
    error TpmSignatureTooShort();
    error InvalidRsaSignatureSize();
    error InvalidEcdsaSignature();
    error InvalidSignature();
    error RsaSignatureSizeMismatchModulusSize();
    error UnsupportedSignatureScheme(uint16 scheme, uint16 keyAlgo);
    error TpmSignatureVerificationFailed();

    event TpmSignatureVerified(bytes32 indexed quoteHash);
    event TpmMeasurementChecked(bytes32 indexed quoteHash, bytes32 pcrDigest, bytes extraData);

    address public immutable p256;

    constructor(address p256Verifier) {
        p256 = p256Verifier;
    }

    /// Leaf first. The boolean is always true: everything that is wrong reverts with its own error.
    function verifyTpmQuote(bytes calldata tpmQuote, bytes calldata tpmSignature, bytes[] calldata akCertchain)
        external
        returns (bool, bytes memory)
    {
        if (akCertchain.length == 0 || akCertchain.length > 4) revert InvalidCertChainLength();
        CertPubkey memory ak = Der.certificateKey(akCertchain[0]);
        if (ak.data.length == 0) revert InvalidCertificateChain();
        verifySignature(tpmQuote, tpmSignature, ak);
        return (true, abi.encode(ak));
    }

    function verifyTpmQuoteWithTrustedAkPub(
        bytes calldata tpmQuote,
        bytes calldata tpmSignature,
        CertPubkey calldata akPub
    ) external returns (bool, string memory) {
        verifySignature(tpmQuote, tpmSignature, akPub);
        return (true, "");
    }

    /// Hold a list of PCRs against a quote's selection and digest. Magic, clock, firmware, signer and whatever follows
    /// the digest are not looked at.
    function checkPcrMeasurements(bytes calldata tpmQuote, MeasureablePcr[] calldata tpmPcrs)
        external
        returns (bool, bytes memory extraData)
    {
        uint256 at;
        (at, extraData) = header(tpmQuote);

        need(tpmQuote, at + 4);
        if (uint32(bytes4(tpmQuote[at:at + 4])) != 1) revert InvalidTpmsPcrCount();
        at += 4;
        need(tpmQuote, at + 2);
        if (uint16(bytes2(tpmQuote[at:at + 2])) != ALG_SHA256) revert UnsupportedHashAlgorithm();
        at += 2;

        need(tpmQuote, at + 1);
        uint256 size = uint8(tpmQuote[at]);
        need(tpmQuote, at + 1 + size);
        // The cast fills a short selection with zeros on the right and drops what follows the fourth byte.
        if (bytes4(tpmQuote[at + 1:at + 1 + size]) != selection(tpmPcrs)) revert PcrSelectionMismatch();
        at += 1 + size;

        need(tpmQuote, at + 2);
        if (uint16(bytes2(tpmQuote[at:at + 2])) != 32) revert InvalidPcrDigestSize();
        at += 2;
        need(tpmQuote, at + 32);
        bytes32 quoted = bytes32(tpmQuote[at:at + 32]);
        if (quoted != digest(tpmPcrs)) revert PcrDigestMismatch();

        emit TpmMeasurementChecked(keccak256(tpmQuote), quoted, extraData);
        return (true, extraData);
    }

    function refuseEvents() internal pure override {
        revert InvalidPcrEvents();
    }

    function refuseEventIndex() internal pure override {
        revert InvalidPcrEventIndex();
    }

    /// Everything before the quote information: position of its count, and the extra data. The sums have 16 bits, as
    /// the length fields do, so lengths near 65535 panic instead of being too short.
    function header(bytes calldata quote) private pure returns (uint256 at, bytes memory extraData) {
        need(quote, 10);
        if (uint16(bytes2(quote[4:6])) != 0x8018) revert InvalidTpmAttType();
        uint16 signer = uint16(bytes2(quote[6:8]));
        need(quote, 10 + signer);
        uint16 extra = uint16(bytes2(quote[8 + signer:10 + signer]));
        need(quote, 10 + signer + extra);
        need(quote, 35 + signer + extra);
        extraData = quote[10 + signer:10 + signer + extra];
        at = 35 + signer + extra;
    }

    function need(bytes calldata quote, uint256 length) private pure {
        if (quote.length < length) revert TpmQuoteTooShort();
    }

    /// Bit i & 7 of byte i >> 3 for each index, from the first 32 entries; those after them are free.
    function selection(MeasureablePcr[] calldata pcrs) private pure returns (bytes4) {
        uint32 bits;
        for (uint256 i; i < pcrs.length && i < 32; i++) {
            uint256 index = pcrs[i].index;
            if (index >= 32) revert PcrIndexOutOfRange();
            bits |= uint32(1 << (24 - (index & 24) + (index & 7)));
        }
        return bytes4(bits);
    }

    /// SHA-256 over the values in list order; a value of zero stands for the replay of its events.
    function digest(MeasureablePcr[] calldata pcrs) private pure returns (bytes32) {
        bytes32[] memory values = new bytes32[](pcrs.length);
        for (uint256 i; i < pcrs.length; i++) {
            values[i] = pcrs[i].pcr;
            if (values[i] == 0) values[i] = replay(pcrs[i].allEvents);
        }
        return sha256(abi.encodePacked(values));
    }

    /// signature: TPMT_SIGNATURE (TPM2-P2 11.3.4), bytes after it ignored.
    function verifySignature(bytes calldata quote, bytes calldata signature, CertPubkey memory key) private {
        if (signature.length < 6) revert TpmSignatureTooShort();
        uint16 scheme = uint16(bytes2(signature[0:2]));
        if (uint16(bytes2(signature[2:4])) != ALG_SHA256) revert UnsupportedHashAlgorithm();
        uint16 size = uint16(bytes2(signature[4:6]));

        bool good;
        if (scheme == ALG_RSASSA) {
            if (size < 256 || size > 512) revert InvalidRsaSignatureSize();
            if (signature.length < 6 + size) revert TpmSignatureTooShort();
            if (key.algo != ALG_RSA) revert UnsupportedSignatureScheme(scheme, key.algo);
            (bytes memory n, bytes memory e) = Keys.rsa(key);
            if (size != n.length) revert RsaSignatureSizeMismatchModulusSize();
            good = Keys.verifyRsa(sha256(quote), signature[6:6 + size], n, e);
        } else if (scheme == ALG_ECDSA) {
            // Room is asked for up to the length of s only: a shorter s runs out of the slice and reverts with no data.
            if (signature.length < 40) revert TpmSignatureTooShort();
            if (size != 32 || uint16(bytes2(signature[38:40])) != 32) revert InvalidEcdsaSignature();
            bytes32 r = bytes32(signature[6:38]);
            bytes32 s = bytes32(signature[40:72]);
            if (key.algo != ALG_ECC || key.params != ECC_NIST_P256) {
                revert UnsupportedSignatureScheme(scheme, key.algo);
            }
            (bytes32 x, bytes32 y) = Keys.p256(key);
            good = Keys.verifyP256(p256, sha256(quote), r, s, x, y);
        } else {
            revert InvalidSignature();
        }
        if (!good) revert TpmSignatureVerificationFailed();
        emit TpmSignatureVerified(keccak256(quote));
    }
}
