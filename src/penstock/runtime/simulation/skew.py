"""How wrong the clock is set, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence

from penstock.model.faults import Fault, FaultKind


class Skew:
    """The clock faults of a plan, in seconds of the true time."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = [fault for fault in faults if fault.kind is FaultKind.CLOCK_SKEW]

    def at(self, moment: float) -> float:
        """Returns how far ahead the clock is."""
        return sum(fault.seconds for fault in self._faults if fault.covers(moment))

    def next_change(self, moment: float) -> float | None:
        """Returns when it is set next."""
        changes = [edge for fault in self._faults for edge in (fault.start, fault.end)]
        return min((edge for edge in changes if moment < edge < math.inf), default=None)
