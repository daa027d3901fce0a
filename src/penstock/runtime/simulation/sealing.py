"""Sealing in a process of its own, beside the simulation, with the same outcome as within it.

What a partition is sealed from is there when it closes, unless something comes late. Whoever may write late, or read
what is sealed, waits for the sealing first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.processes import ForkedProcesses
from penstock.model.datasets import ZONES
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call
from penstock.runtime.machine.sealing import LakeSealer
from penstock.runtime.simulation.home import SimulatedHome
from penstock.runtime.simulation.plan import Plan

# So many sealings may be under way before the next one waits: a simulation does not run away from them.
MOST_UNDER_WAY = 16


class Asked(msgspec.Struct, frozen=True):
    """What is to be sealed: what is due at a moment."""

    now: float
    everything: bool


class SealingProcess:
    """A process that seals. Construct it while this process has one thread: it forks."""

    def __init__(self, definition: Definition, folder: Path, plan: Plan, warn: Callable[[str], None]) -> None:
        self._processes = ForkedProcesses(1, lambda: _opened(definition, folder, plan))
        self._soonest = min((table.seal_after_seconds for table in definition.lake_tables.values()), default=0)
        self._warn = warn
        self._under_way = 0

    def seal(self, asked: Asked) -> None:
        """Begins to seal."""
        if self._under_way >= MOST_UNDER_WAY:
            self._receive()
        self._processes.tell(0, asked)
        self._under_way += 1

    def settle(self) -> None:
        """Waits until all is sealed that was asked for."""
        while self._under_way:
            self._receive()

    def settle_before(self, calls: Sequence[Call], now: float) -> None:
        """Waits before calls that may write into what is closed, or read what is sealed."""
        if any(not call.task or now - call.started_at >= self._soonest for call in calls):
            self.settle()

    def close(self) -> None:
        """Waits for what is under way, and ends the process."""
        self.settle()
        self._processes.close()

    def _receive(self) -> None:
        for text in self._processes.hear(0):
            self._warn(text)
        self._under_way -= 1


class SealerBeside(LakeSealer):
    """Decides what is to be sealed and when; another process does it."""

    def __init__(self, process: SealingProcess, **parts: Any) -> None:
        super().__init__(**parts)
        self._process = process

    def seal_due(self, everything: bool = True) -> int:
        self._process.seal(Asked(self._clock.now(), everything))
        return 0


def can_be_beside(definitions: Mapping[str, Definition], plan: Plan) -> bool:
    """Tells whether nothing goes wrong and nothing expires within a plan, so that nobody waits for what is sealed."""
    tables = [table for definition in definitions.values() for table in definition.lake_tables.values()]
    ages = [age for table in tables for age in (*map(table.retained_seconds, ZONES), table.archive_after_seconds)]
    return not plan.faults and bool(tables) and all(age is None or age > plan.seconds for age in ages)


def _opened(definition: Definition, folder: Path, plan: Plan) -> tuple[Any, Any]:
    clock = VirtualClock(plan.begin)
    home = SimulatedHome(folder, plan, clock=clock, entropy=SeededEntropy(plan.seed))
    warnings: list[str] = []
    sealer = home.lake_sealer({definition.name: definition}, warnings.append)

    def answer(asked: Asked) -> list[str]:
        clock.advance_to(asked.now)
        sealer.seal_due(asked.everything)
        told, warnings[:] = list(warnings), []
        return told

    return answer, home.close
