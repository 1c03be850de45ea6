// SPDX-License-Identifier: Apache-2.0
// The two TEE callees of a devnet registry. THEY VERIFY NOTHING: Intel's and AMD's certificate chains, quote
// signatures, TCB levels and zero-knowledge proofs are taken on trust. What they do is answer in the form in which the
// real ones answer, so that all rules of the registry after them can be tried; and otherwise when a test says so.
pragma solidity 0.8.27;

import {VerifierJournal, VerificationResult, ZkCoProcessorType} from "./lib/Types.sol";
import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {DevnetPccs} from "./DevnetPccs.sol";

abstract contract Answering is DevnetOnly {
    enum Mode {
        Trust,
        Refuse,
        Fixed, // DCAP: true and `answer`, whatever came
        Revert // with `answer` as revert data
    }

    Mode public mode;
    bytes public answer;

    /// For tests, and therefore for anybody.
    function setAnswer(Mode newMode, bytes calldata newAnswer) external {
        mode = newMode;
        answer = newAnswer;
    }

    modifier unlessReverting() {
        if (mode == Mode.Revert) {
            bytes memory data = answer;
            assembly ("memory-safe") {
                revert(add(data, 0x20), mload(data))
            }
        }
        _;
    }
}

contract DevnetDcap is Answering {
    uint256 private constant HEADER = 48;
    bytes6 private constant FMSPC = 0x00806f050000;

    /// Where Intel's documents are looked for; nowhere: they are taken on trust.
    DevnetPccs public pccs;

    /// For tests, and therefore for anybody.
    function setPccs(DevnetPccs where) external {
        pccs = where;
    }

    function quoteVerifiers(uint16) external view returns (address) {
        return address(pccs);
    }

    function verifyAndAttestOnChain(bytes calldata quote)
        external
        payable
        unlessReverting
        returns (bool, bytes memory)
    {
        if (mode == Mode.Refuse) return (false, "refused");
        if (mode == Mode.Fixed) return (true, answer);
        if (address(pccs) != address(0) && !pccs.holds(FMSPC)) return (false, "collateral has ended");
        return serialize(quote);
    }

    /// A proof is good when there is one; its output is believed.
    function verifyAndAttestWithZKProof(bytes calldata output, ZkCoProcessorType, bytes calldata proof)
        external
        payable
        unlessReverting
        returns (bool, bytes memory)
    {
        if (mode == Mode.Refuse || proof.length == 0) return (false, "refused");
        if (mode == Mode.Fixed) return (true, answer);
        return (true, output);
    }

    /// version (2) || body type (2) || TCB status (1) || FMSPC (6) || body, numbers big-endian. The quote's header is
    /// little-endian; up to version 4 the TEE type in it tells the body, in version 5 a descriptor after it. TCB status
    /// is 0 (up to date) and the FMSPC always the same, since certificates are not read. Headers that no version of the
    /// format knows are refused, as the real one does.
    function serialize(bytes calldata quote) private pure returns (bool, bytes memory) {
        if (quote.length < HEADER + 6) return (false, "quote too short");
        uint16 version = le16(quote, 0);
        uint16 bodyType;
        uint256 at = HEADER;
        if (version == 5) {
            bodyType = le16(quote, HEADER);
            at += 6;
        } else if (version == 3 || version == 4) {
            bytes4 tee = bytes4(quote[4:8]);
            bodyType = tee == 0x81000000 ? 2 : tee == 0 ? 1 : 0;
        }
        uint256 size = bodyType == 1 ? 384 : bodyType == 2 ? 584 : bodyType == 3 ? 648 : 0;
        if (size == 0) return (false, "unknown quote");
        if (quote.length < at + size) return (false, "quote too short");
        return (true, abi.encodePacked(version, bodyType, uint8(0), FMSPC, quote[at:at + size]));
    }

    function le16(bytes calldata from, uint256 at) private pure returns (uint16) {
        return uint16(uint8(from[at])) | uint16(uint8(from[at + 1])) << 8;
    }
}

contract DevnetSnp is Answering {
    /// A proof is good when there is one; its journal is believed, its result included.
    function verifyAndAttestWithZKProof(bytes calldata output, ZkCoProcessorType, bytes calldata proof)
        external
        view
        unlessReverting
        returns (VerifierJournal memory journal)
    {
        journal = abi.decode(output, (VerifierJournal));
        if (mode == Mode.Refuse || proof.length == 0) journal.result = VerificationResult.RootCertNotTrusted;
    }
}
