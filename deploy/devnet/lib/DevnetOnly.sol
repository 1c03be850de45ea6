// SPDX-License-Identifier: Apache-2.0
// The lock on the door: nothing here may ever be deployed where somebody could mistake it for a real registry.
pragma solidity 0.8.27;

error NotADevnet(uint256 chainId);

abstract contract DevnetOnly {
    /// 31337 is the id of anvil and hardhat, 1337 that of geth --dev and ganache.
    constructor() {
        if (block.chainid != 31337 && block.chainid != 1337) revert NotADevnet(block.chainid);
    }
}
