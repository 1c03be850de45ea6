// SPDX-License-Identifier: Apache-2.0
// The TPM contract of a devnet registry of profile G1a. It answers (false, text) where the later one reverts, reads past
// the end of a quote as a slice that reverts without data, does not replay the events of a PCR whose value is zero, lets
// indices from 32 on set no bit, and emits nothing.
//
// Taken on trust: the certificate chain, as in DevnetTpm.sol. Malformed DER is told in the words of the later library.
pragma solidity 0.8.27;

import {CertPubkey, MeasureablePcr, PubkeyG1a} from "./lib/Types.sol";
import {ALG_ECC, ALG_ECDSA, ALG_RSASSA, ALG_SHA256} from "./lib/Alg.sol";
import {Der} from "./lib/Der.sol";
import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {KeysG1a} from "./lib/KeysG1a.sol";
import {Pcrs} from "./base/Pcrs.sol";

contract DevnetTpmG1a is DevnetOnly, Pcrs {
    using Der for bytes;

    address public immutable p256;

    constructor(address p256Verifier) {
        p256 = p256Verifier;
    }

    function verifyTpmQuote(bytes calldata tpmQuote, bytes calldata tpmSignature, bytes[] calldata certs)
        external
        view
        returns (bool, string memory)
    {
        require(certs.length > 0, "CertChainRegistry: empty certs");
        require(certs.length <= 4, "CertChainRegistry: too many certs");
        CertPubkey memory leaf = certs[0].certificateKey();
        return leaf.algo == ALG_ECC
            ? verifySignature(
                tpmQuote, tpmSignature, PubkeyG1a(ALG_ECDSA, leaf.params, ALG_SHA256, leaf.data.cut(1, 64))
            )
            : verifySignature(tpmQuote, tpmSignature, PubkeyG1a(ALG_RSASSA, 0, ALG_SHA256, leaf.data));
    }

    function verifyTpmQuoteWithTrustedAkPub(
        bytes calldata tpmQuote,
        bytes calldata tpmSignature,
        PubkeyG1a calldata akPub
    ) external view returns (bool, string memory) {
        return verifySignature(tpmQuote, tpmSignature, akPub);
    }

    /// True and the extra data, or false and why. Sums of lengths have 16 bits.
    function checkPcrMeasurements(bytes calldata tpmQuote, MeasureablePcr[] calldata tpmPcrs)
        external
        pure
        returns (bool, bytes memory extraData)
    {
        if (u16(tpmQuote, 4) != 0x8018) return (false, "attType != 0x8018");
        uint16 signer = u16(tpmQuote, 6);
        uint16 extra = u16(tpmQuote, 8 + signer);
        extraData = tpmQuote[10 + signer:10 + signer + extra];
        uint256 at = 35 + signer + extra;

        if (uint32(bytes4(tpmQuote[at:at + 4])) != 1) return (false, "tpmsPCRCount != 1");
        if (u16(tpmQuote, at + 4) != ALG_SHA256) return (false, "TPM PCR hash is not SHA256");
        at += 6;
        uint256 size = uint8(tpmQuote[at]);
        bytes4 selected = bytes4(tpmQuote[at + 1:at + 1 + size]);
        if (selected != selection(tpmPcrs)) return (false, "PCR selections do not match");
        at += 1 + size;
        if (u16(tpmQuote, at) != 32) return (false, "Invalid PCR digest size");
        bytes32 quoted = bytes32(tpmQuote[at + 2:at + 34]);
        if (quoted != digest(tpmPcrs)) return (false, "PCR digest does not match expected digest");
        return (true, extraData);
    }

    function refuseEvents() internal pure override {
        revert("Invalid all events");
    }

    function refuseEventIndex() internal pure override {
        revert("Invalid event index");
    }

    function u16(bytes calldata from, uint256 at) private pure returns (uint16) {
        return uint16(bytes2(from[at:at + 2]));
    }

    /// Bits of the first 32 entries; an index that has no bit sets none.
    function selection(MeasureablePcr[] calldata pcrs) private pure returns (bytes4) {
        uint32 bits;
        for (uint256 i; i < pcrs.length && i < 32; i++) {
            uint256 index = pcrs[i].index;
            if (index < 32) bits |= uint32(1 << (24 - (index & 24) + (index & 7)));
        }
        return bytes4(bits);
    }

    /// SHA-256 over the values in list order, as they are passed.
    function digest(MeasureablePcr[] calldata pcrs) private pure returns (bytes32) {
        bytes32[] memory values = new bytes32[](pcrs.length);
        for (uint256 i; i < pcrs.length; i++) values[i] = pcrs[i].pcr;
        return sha256(abi.encodePacked(values));
    }

    /// signature: TPMT_SIGNATURE (TPM2-P2 11.3.4), bytes after it ignored.
    function verifySignature(bytes calldata quote, bytes calldata signature, PubkeyG1a memory key)
        private
        view
        returns (bool, string memory)
    {
        uint16 scheme = u16(signature, 0);
        uint16 hash = u16(signature, 2);
        uint16 size = u16(signature, 4);
        if (hash != ALG_SHA256) return (false, "hash is not SHA256");

        bytes memory raw;
        if (scheme == ALG_RSASSA) {
            raw = signature[6:6 + size];
        } else if (scheme == ALG_ECDSA) {
            if (size != 32) return (false, "Incorrect ECDSA r-value size");
            if (u16(signature, 38) != 32) return (false, "Incorrect ECDSA s-value size");
            raw = bytes.concat(signature[6:38], signature[40:72]);
        } else {
            return (false, "Unknown sigAlg");
        }
        if (!KeysG1a.verify(p256, key, sha256(quote), raw)) return (false, "Failed to verify TPM signature");
        return (true, "");
    }
}
