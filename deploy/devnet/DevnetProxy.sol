// SPDX-License-Identifier: Apache-2.0
// The address that clients know: an EIP-1967 proxy and nothing else. Upgrades are the implementation's business (UUPS).
pragma solidity 0.8.27;

import {DevnetOnly} from "./lib/DevnetOnly.sol";
import {IMPLEMENTATION_SLOT} from "./lib/Upgradeable.sol";

contract DevnetProxy is DevnetOnly {
    event Upgraded(address indexed implementation);

    constructor(address implementation, bytes memory initialization) {
        assembly ("memory-safe") {
            sstore(IMPLEMENTATION_SLOT, implementation)
        }
        emit Upgraded(implementation);
        (bool ok, bytes memory out) = implementation.delegatecall(initialization);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(out, 0x20), mload(out))
            }
        }
    }

    fallback() external payable {
        assembly ("memory-safe") {
            let implementation := sload(IMPLEMENTATION_SLOT)
            let input := mload(0x40)
            calldatacopy(input, 0, calldatasize())
            let ok := delegatecall(gas(), implementation, input, calldatasize(), 0, 0)
            returndatacopy(input, 0, returndatasize())
            if ok { return(input, returndatasize()) }
            revert(input, returndatasize())
        }
    }
}
