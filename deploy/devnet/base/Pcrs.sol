// SPDX-License-Identifier: Apache-2.0
// Event logs and what of them enters the golden measurement: the same in all profiles but for the errors.
pragma solidity 0.8.27;

import {MeasureablePcr, Pcr} from "../lib/Types.sol";

abstract contract Pcrs {
    function refuseEvents() internal pure virtual;
    function refuseEventIndex() internal pure virtual;

    /// The value unless the entry says not to measure it, and the chosen events.
    function toFinalMeasurement(MeasureablePcr[] calldata mpcrs) external pure returns (Pcr[] memory pcrs) {
        pcrs = new Pcr[](mpcrs.length);
        for (uint256 i; i < mpcrs.length; i++) {
            MeasureablePcr calldata from = mpcrs[i];
            // A value of zero, or no events, leaves nothing to compare.
            if (from.pcr != 0 && from.allEvents.length > 0 && replay(from.allEvents) != from.pcr) refuseEvents();
            uint256 count = from.measureEventsIdx.length;
            bytes32[] memory events = new bytes32[](count);
            uint256[] memory indices = new uint256[](count);
            for (uint256 j; j < count; j++) {
                indices[j] = from.measureEventsIdx[j];
                if (indices[j] >= from.allEvents.length) refuseEventIndex();
                events[j] = from.allEvents[indices[j]];
            }
            pcrs[i] = Pcr(from.index, from.measurePcr ? from.pcr : bytes32(0), events, indices);
        }
    }

    function replay(bytes32[] calldata events) internal pure returns (bytes32 pcr) {
        for (uint256 i; i < events.length; i++) pcr = sha256(bytes.concat(pcr, events[i]));
    }
}
