// SPDX-License-Identifier: Apache-2.0
// Ownership, one-time initialization and UUPS upgrades in the shape and at the storage slots of OpenZeppelin 5, so that
// tools which look at a real registry (owner, implementation slot, upgrade) find the same things at a devnet's.
pragma solidity 0.8.27;

// EIP-1967: keccak256("eip1967.proxy.implementation") - 1.
bytes32 constant IMPLEMENTATION_SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

abstract contract Upgradeable {
    error OwnableUnauthorizedAccount(address account);
    error OwnableInvalidOwner(address owner);
    error InvalidInitialization();
    error UUPSUnauthorizedCallContext();
    error UUPSUnsupportedProxiableUUID(bytes32 slot);
    error ERC1967InvalidImplementation(address implementation);

    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    event Initialized(uint64 version);
    event Upgraded(address indexed implementation);

    string public constant UPGRADE_INTERFACE_VERSION = "5.0.0";
    address private immutable self = address(this);

    // ERC-7201 openzeppelin.storage.Ownable and openzeppelin.storage.Initializable.
    bytes32 private constant OWNER_SLOT = 0x9016d09d72d40fdae2fd8ceac6b6234c7706214fd39c1cd1e609a0528c199300;
    bytes32 private constant INIT_SLOT = 0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c199c6a00;

    modifier onlyOwner() {
        if (msg.sender != owner()) revert OwnableUnauthorizedAccount(msg.sender);
        _;
    }

    /// The implementation itself can never be initialized; a proxy in front of it once for each version, upwards.
    modifier reinitializer(uint64 version) {
        if (address(this) == self || uint256(load(INIT_SLOT)) >= version) revert InvalidInitialization();
        store(INIT_SLOT, bytes32(uint256(version)));
        _;
        emit Initialized(version);
    }

    function owner() public view returns (address) {
        return address(uint160(uint256(load(OWNER_SLOT))));
    }

    function transferOwnership(address newOwner) external onlyOwner {
        setOwner(newOwner);
    }

    function setOwner(address newOwner) internal {
        if (newOwner == address(0)) revert OwnableInvalidOwner(newOwner);
        emit OwnershipTransferred(owner(), newOwner);
        store(OWNER_SLOT, bytes32(uint256(uint160(newOwner))));
    }

    function proxiableUUID() external view returns (bytes32) {
        if (address(this) != self) revert UUPSUnauthorizedCallContext();
        return IMPLEMENTATION_SLOT;
    }

    function upgradeToAndCall(address newImplementation, bytes calldata data) external payable onlyOwner {
        if (address(this) == self) revert UUPSUnauthorizedCallContext();
        if (newImplementation.code.length == 0) revert ERC1967InvalidImplementation(newImplementation);
        bytes32 slot = Upgradeable(newImplementation).proxiableUUID();
        if (slot != IMPLEMENTATION_SLOT) revert UUPSUnsupportedProxiableUUID(slot);
        store(IMPLEMENTATION_SLOT, bytes32(uint256(uint160(newImplementation))));
        emit Upgraded(newImplementation);
        if (data.length == 0) return;
        (bool ok, bytes memory out) = newImplementation.delegatecall(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(out, 0x20), mload(out))
            }
        }
    }

    function load(bytes32 slot) internal view returns (bytes32 value) {
        assembly ("memory-safe") {
            value := sload(slot)
        }
    }

    function store(bytes32 slot, bytes32 value) internal {
        assembly ("memory-safe") {
            sstore(slot, value)
        }
    }
}
