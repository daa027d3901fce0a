"""When the process of a simulation is killed: at some point between two effects, drawn from the seed."""

from __future__ import annotations

import random

from penstock.faultpoints import Killed, watch
from penstock.model.faults import FaultKind
from penstock.runtime.simulation.plan import Plan

# A kill comes so many points after its moment, at most.
MOST_POINTS = 200


class Kills:
    """The kills of a plan, each once.

    Attributes:
        count: how many there have been.
    """

    def __init__(self, plan: Plan) -> None:
        chance = random.Random(f"kills/{plan.seed}")
        self.count = 0
        self._coming: list[tuple[float, int]] = []
        for fault in plan.faults:
            if fault.kind is FaultKind.KILLED:
                start, end = max(fault.start, plan.start), min(fault.end, plan.end)
                for _ in range(fault.times):
                    self._coming.append((chance.uniform(start, end), chance.randrange(MOST_POINTS)))
        self._coming.sort()
        self._left = self._coming[0][1] if self._coming else 0

    def arm(self, now: float) -> None:
        """Looks at every passing of a fault point from now on, if a kill is due."""
        if self._coming and self._coming[0][0] <= now:
            watch(self._pass)

    def _pass(self, name: str) -> None:
        if self._left:
            self._left -= 1
            return
        self._coming.pop(0)
        self._left = self._coming[0][1] if self._coming else 0
        self.count += 1
        watch(None)
        raise Killed(name)
