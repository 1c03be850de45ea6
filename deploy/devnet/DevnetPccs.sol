// SPDX-License-Identifier: Apache-2.0
// Intel's documents on a devnet, as far as a client reads them: quote verifier, router and every DAO of an on-chain PCCS in
// one contract. IT HOLDS NO DOCUMENTS, only how long each is valid, and anybody may say so.
pragma solidity 0.8.27;

import {DevnetOnly} from "./lib/DevnetOnly.sol";

contract DevnetPccs is DevnetOnly {
    error TcbEvalExpiredOrNotFound(uint8 id);

    struct Validity {
        uint64 issued;
        uint64 ends;
    }

    uint8 private constant TDX = 1;
    uint256 private constant TD_QE = 2;
    uint8 private constant ROOT = 0;
    uint8 private constant PLATFORM = 2;
    uint8 private constant SIGNING = 3;

    /// The one TCB evaluation data number that it has.
    uint32 public constant NUMBER = 20;

    mapping(bytes32 key => Validity) private entries;

    function setEntry(bytes32 key, uint64 issued, uint64 ends) external {
        entries[key] = Validity(issued, ends);
    }

    /// Everything that a TDX quote of this platform is judged with is there and valid now.
    function holds(bytes6 fmspc) external view returns (bool) {
        return fresh(TCB_EVAL_KEY(TDX)) && fresh(FMSPC_TCB_KEY(TDX, fmspc, 3)) && fresh(ENCLAVE_ID_KEY(TD_QE, 4))
            && fresh(PCS_KEY(ROOT, false)) && fresh(PCS_KEY(ROOT, true)) && fresh(PCS_KEY(SIGNING, false))
            && fresh(PCS_KEY(PLATFORM, false)) && fresh(PCS_KEY(PLATFORM, true));
    }

    // --- a quote verifier ---

    function pccsRouter() external view returns (address) {
        return address(this);
    }

    // --- the router ---

    function tcbEvalDaoAddr() external view returns (address) {
        return address(this);
    }

    function pcsDaoAddr() external view returns (address) {
        return address(this);
    }

    function fmspcTcbDaoVersionedAddr(uint32 number) external view returns (address) {
        return number == NUMBER ? address(this) : address(0);
    }

    function qeIdDaoVersionedAddr(uint32 number) external view returns (address) {
        return number == NUMBER ? address(this) : address(0);
    }

    function getStandardTcbEvaluationDataNumber(uint8 id) external view returns (uint32) {
        if (!fresh(TCB_EVAL_KEY(id))) revert TcbEvalExpiredOrNotFound(id);
        return NUMBER;
    }

    // --- the DAOs ---

    function TCB_EVAL_KEY(uint8 id) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes4(0xbebc7284), id));
    }

    function FMSPC_TCB_KEY(uint8 tcbType, bytes6 fmspc, uint32 version) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes4(0xbb69b29c), tcbType, fmspc, version));
    }

    function ENCLAVE_ID_KEY(uint256 id, uint256 version) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes4(0xff818fce), id, version));
    }

    function PCS_KEY(uint8 ca, bool isCrl) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes4(0xe90e3dc7), ca, isCrl));
    }

    function getCollateralValidity(bytes32 key) external view returns (uint64, uint64) {
        return (entries[key].issued, entries[key].ends);
    }

    function fresh(bytes32 key) private view returns (bool) {
        return block.timestamp >= entries[key].issued && block.timestamp <= entries[key].ends;
    }
}
